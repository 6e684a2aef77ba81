"""What a status and a body mean: one kind of failure, what was said, and no key."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import FailureKind, RiggingError
from rigging_py.wire import failure_kind, http_failure, read_seconds, redacted, stream_failure


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "", "Invalid"),
        (401, "", "AuthenticationFailed"),
        (402, "", "AuthenticationFailed"),
        (403, "", "AuthenticationFailed"),
        (404, "", "NotFound"),
        (408, "", "TimedOut"),
        (409, "", "ServerFault"),
        (410, "", "NotFound"),
        (413, "", "ContextOverflow"),
        (422, "", "Invalid"),
        (425, "", "ServerFault"),
        (429, "", "RateLimited"),
        (429, "insufficient_quota", "AuthenticationFailed"),
        (504, "", "TimedOut"),
        (522, "", "ServerFault"),
        (524, "", "TimedOut"),
        (500, "", "ServerFault"),
        (503, "", "ServerFault"),
        (529, "", "ServerFault"),
        (302, "", "Invalid"),
        (400, "context_length_exceeded", "ContextOverflow"),
        (400, "exceed_context_size_error", "ContextOverflow"),
        (400, "content_filter", "Refused"),
        (400, "content_policy_violation", "Refused"),
        (400, "model_not_found", "NotFound"),
        (400, "something_new", "Invalid"),
        (500, "something_new", "ServerFault"),
    ],
)
@pytest.mark.parametrize("place", ["code", "type"])
def test_the_status_and_the_provider_s_code_name_the_kind(
    status: int, code: str, kind: FailureKind, place: str
) -> None:
    error = http_failure("acme", status, json.dumps({"error": {"message": "no", place: code}}))
    assert (error.kind, error.status, error.provider) == (kind, status, "acme")
    assert failure_kind(status, code) is type(error)
    assert isinstance(error, RiggingError)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": {"message": "Too warm."}}', "Too warm."),
        ('{"error": {"message": "Too warm", "code": 400}}', "Too warm."),
        ('{"error": "Too warm"}', "Too warm."),
        ('{"message": "Too warm"}', "Too warm."),
        ('"Too warm"', "Too warm."),
        ("Too\n warm", "Too warm."),
        ('{"error": {"message": null}}', "no reason given."),
        ('{"error": {}}', "no reason given."),
        ("{}", "no reason given."),
        ("", "no reason given."),
    ],
)
def test_the_reason_is_found_wherever_providers_put_it(body: str, said: str) -> None:
    assert str(http_failure("acme", 400, body)) == (
        f"acme answered HTTP 400: {said} The request is not one that the provider takes."
    )


def test_the_facts_are_attributes() -> None:
    error = http_failure("acme", 429, "slow", headers={"x-request-id": "r7", "retry-after": "1.5"})
    assert (error.body, error.request_id, error.retry_after, error.retryable) == ("slow", "r7", 1.5, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [(None, None), ("3", 3.0), ("0.5", 0.5), ("Wed, 21 Oct 2035 07:28:00 GMT", None), ("", None)]
)
def test_seconds_to_wait_are_read_and_dates_are_not(text: str | None, seconds: float | None) -> None:
    assert read_seconds(text) == seconds


def google(**error: object) -> str:
    return json.dumps({"error": {"code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED", **error}})


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ([{"@type": "…/google.rpc.Help"}, {"@type": "…/google.rpc.RetryInfo", "retryDelay": "3.5s"}], 3.5),
        ([{"retryDelay": "soon"}, None, 7], None),
        ([{"retryDelay": 4}], 4.0),
        ({"retryDelay": "3s"}, None),
        (None, None),
    ],
)
def test_seconds_to_wait_may_stand_in_the_details_of_an_error(details: object, seconds: float | None) -> None:
    body = google(details=details)
    for failure in (http_failure("acme", 429, body), http_failure("acme", 429, f"[{body}]")):
        assert (failure.kind, failure.retry_after) == ("RateLimited", seconds)
        assert "Slow down. Send less" in str(failure)
    assert http_failure("acme", 429, body, headers={"retry-after": "0"}).retry_after == 0.0
    assert stream_failure("acme", f"[{body}]").retry_after == seconds
    assert stream_failure("acme", body).kind == "RateLimited"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", "ContextOverflow"),
        ("the input length exceeds the context length", "ContextOverflow"),
        ("max_tokens exceeds the limit", "Invalid"),
    ],
)
def test_a_conversation_that_is_too_long_is_known_by_what_is_said(message: str, kind: FailureKind) -> None:
    assert http_failure("acme", 400, google(code=400, message=message)).kind == kind


def test_a_bad_key_is_known_by_the_reason_in_the_details() -> None:
    body = google(code=400, status="INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}])
    assert http_failure("acme", 400, body).kind == "AuthenticationFailed"


def test_a_long_body_is_cut() -> None:
    error = http_failure("acme", 500, "x" * 9000)
    assert len(error.body) == 2000
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-ABC_def-123456",
        "Bearer abcdef0123456789",
        "bearer sk-12345678",
        "pk-live-12345678",
        "SK-ABCDEF12",
        "AIzaSyD-abcdefghij_0123456789",
    ],
)
def test_what_looks_like_a_key_is_taken_out(text: str) -> None:
    error = http_failure("acme", 401, json.dumps({"error": {"message": f"Bad key: {text}, sorry"}}))
    secret = text.split()[-1][3:]
    assert secret not in str(error)
    assert secret not in error.body
    assert "Bad key: ***" in str(error)


def test_ordinary_words_are_left_alone() -> None:
    text = "The task-based keyboard of risk-takers: monkey-business, a bearer of news"
    assert redacted(text) == text


@given(st.text('abz-_ %"\\/é\n', min_size=4), st.text(max_size=9), st.booleans(), st.booleans())
def test_the_key_that_was_sent_is_in_no_failure(secret: str, around: str, ascii_only: bool, slashes: bool) -> None:
    written = json.dumps({"error": {"message": f"{around}{secret}{around}"}}, ensure_ascii=ascii_only)
    for body in (f"{around}{secret}", written.replace("/", r"\/") if slashes else written):
        error = http_failure("xxxx", 401, body, secret=secret)
        assert secret not in error.body
        assert secret not in str(error).removeprefix("xxxx answered HTTP 401: ")
