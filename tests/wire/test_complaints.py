"""What is said of a failure is found in bodies of every shape and in headers, and nothing breaks the reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import FailureKind
from rigging_py.wire import http_failure, read_seconds, request_id_in, stream_failure, wait_in
from rigging_py.wire.complaints import read_complaint

NOW = "Sat, 21 Nov 2026 19:00:00 GMT"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "Too warm."}}, "Too warm"),
        ({"error": "Too warm", "error_type": "validation"}, "Too warm"),
        ([{"error": {"code": 400, "message": "Too warm"}}], "Too warm"),
        ({"detail": "Too warm"}, "Too warm"),
        (
            {"detail": [{"loc": ["body", "temperature"], "msg": "Input should be less than 2", "input": 9}]},
            "body.temperature: Input should be less than 2",
        ),
        (
            {"detail": [{"loc": ["body", "a"], "msg": "no"}, {"loc": ["body", 0], "msg": "nor that"}]},
            "body.a: no; body.0: nor that",
        ),
        (
            {
                "object": "error",
                "message": {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Required"}]},
            },
            "body.model: Required",
        ),
        ({"object": "error", "message": "Too warm", "type": "BadRequestError", "code": 400}, "Too warm"),
        ({"type": "urn:x", "title": "Bad Request", "status": 400, "detail": "Too warm"}, "Too warm"),
        ({"errors": [{"code": 7003, "message": "Too warm"}], "success": False}, "Too warm"),
        ({"Message": "Too warm"}, "Too warm"),
        ({"error": "invalid_request", "error_description": "Too warm"}, "invalid_request"),
        ({"error": {"code": 5}, "message": "Too warm"}, "Too warm"),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "code": 400,
                    "metadata": {"raw": '{"detail": "Too warm"}'},
                }
            },
            "Provider returned error: Too warm",
        ),
        ("<!DOCTYPE html>\n<html><head><title>x | 522: Timed\n out</title></head>", 'a web page, "x | 522: Timed out"'),
        ("<html><style>b {}</style><b>Not</b> Found", 'a web page, "Not Found"'),
        ("<html></html>", "a web page"),
        ('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', 'a web page, "NoSuchKey"'),
        ('{"error": {"message": "Too warm", "param": "cut o', "Too warm"),
        ("Too\n warm.", "Too warm"),
        ([], ""),
        ({"error": None}, ""),
        ({"error": {"message": {}}}, ""),
        ("", ""),
    ],
)
def test_the_reason_is_found(body: Any, said: str) -> None:
    assert read_complaint(body if isinstance(body, str) else json.dumps(body)).reason == said


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"error": {"code": 403, "message": "Flagged", "metadata": {"reasons": ["violence"]}}}, "Refused"),
        (403, {"error": {"code": 403, "message": "Not for you"}}, "AuthenticationFailed"),
        (402, {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}, "AuthenticationFailed"),
        (429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, "AuthenticationFailed"),
        (429, {"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}, "RateLimited"),
        (429, {"error": {"code": "1113", "message": "Insufficient balance, please recharge"}}, "AuthenticationFailed"),
        (
            400,
            {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}},
            "AuthenticationFailed",
        ),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, "ServerFault"),
        (502, {"error": {"message": "Error", "metadata": {"raw": '{"error": {"code": "content_filter"}}'}}}, "Refused"),
        (522, "<html><title>522</title>", "ServerFault"),
        (524, "<html><title>524</title>", "TimedOut"),
    ],
)
def test_what_is_said_tells_the_kind(status: int, body: Any, kind: FailureKind) -> None:
    error = http_failure("acme", status, body if isinstance(body, str) else json.dumps(body))
    assert (error.kind, error.status) == (kind, status)


def test_an_account_that_is_empty_is_told_to_pay_and_not_to_wait() -> None:
    error = http_failure("acme", 429, '{"error": {"code": "insufficient_quota", "message": "Spent."}}')
    assert not error.retryable
    assert str(error) == (
        "acme answered HTTP 429: Spent. The account has nothing left to pay with: add credit, or raise its limit."
    )


@pytest.mark.parametrize("status", [408, 504, 524])
def test_who_gave_up_waiting_does_not_know_what_became_of_it(status: int) -> None:
    error = http_failure("acme", status, "")
    assert (error.kind, error.retryable, error.is_outcome_unknown) == ("TimedOut", True, True)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422, 425, 429, 500, 502, 503, 521, 522, 529])
def test_any_other_status_says_that_there_is_no_answer(status: int) -> None:
    assert not http_failure("acme", status, "").is_outcome_unknown


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "7", "retry-after-ms": "soon"}, 7.0),
        ({"retry-after": "Sat, 21 Nov 2026 19:01:30 GMT", "date": NOW}, 90.0),
        ({"retry-after": "Saturday, 21-Nov-26 19:01:30 GMT", "date": NOW}, 90.0),
        ({"retry-after": "Sat, 21 Nov 2026 20:01:30 +0100", "date": NOW}, 90.0),
        ({"retry-after": "Sat, 21 Nov 2020 19:01:30 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 19:01:30 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 19:01:30 -0000", "date": NOW}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf", "date": NOW}, None),
    ],
)
def test_the_time_to_wait_is_read_from_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_in(headers) == seconds


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "cf-ray"])
def test_the_request_has_the_name_that_the_provider_gives_it(name: str) -> None:
    assert request_id_in({name: "r-7", "server": "acme"}) == "r-7"
    assert http_failure("acme", 500, "", headers={name: "r-7"}).request_id == "r-7"
    assert http_failure("acme", 500, "", headers={name: "r-hush-hush"}, secret="hush-hush").request_id == "r-***"


def test_and_that_may_stand_in_the_body_too() -> None:
    body = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}, "request_id": "r-7"})
    assert stream_failure("anthropic", body).request_id == "r-7"
    assert http_failure("anthropic", 529, body).request_id == "r-7"
    assert http_failure("anthropic", 529, body, headers={"request-id": "r-8"}).request_id == "r-8"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "detail", "details", "code", "type", "loc", "metadata", "raw", "reasons", "reason"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(ANYTHING.map(json.dumps) | st.text() | st.text().map("<html>{}".format), st.integers(100, 999))
def test_whatever_is_said_is_an_error_of_some_kind(body: str, status: int) -> None:
    error = http_failure("acme", status, body)
    assert len(str(error)) < 800
    assert error.status == status
    assert stream_failure("acme", body).kind


@given(st.text(), st.text())
def test_whatever_stands_in_a_header_is_a_time_to_wait_or_none(asked: str, now: str) -> None:
    wait = wait_in({"retry-after": asked, "retry-after-ms": now, "date": now})
    assert wait is None or wait >= 0
    assert (read_seconds(asked) or 0.0) >= 0


def test_a_body_of_any_depth_and_length_is_read() -> None:
    for body in ('{"error":' * 5000, "[" * 100_000, '{"detail": "' + "x" * 5_000_000, "<html" * 200_000, "<" * 500_000):
        assert http_failure("acme", 500, body).kind == "ServerFault"
