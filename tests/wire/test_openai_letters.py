"""Exchanges with every kind of server: our request is theirs, and their answer is the same turn, whole and streamed."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import ProviderError, RateLimitedError, ServerFaultError
from rigging_py.message import ContentReasoning, ContentText, GenerateParams, Message, ModelTurn
from rigging_py.wire import CHAT_DIALECTS, ReplyBody, http_failure
from tests.wire.letters import LETTERS, chunk, sse
from tests.wire.openai_letters import EXCHANGES, Exchange

ORIGIN = "acme!m"
exchanges = pytest.mark.parametrize("one", list(EXCHANGES.values()), ids=list(EXCHANGES))


def streamed(*pieces: bytes, dialect: str = "plain") -> ModelTurn:
    body = ReplyBody(CHAT_DIALECTS[dialect], "acme", "hush-hush", ORIGIN)
    for piece in pieces:
        list(body.feed(piece))
    turn = list(body.ending())[-1]
    assert isinstance(turn, ModelTurn)
    return turn


def facts(turn: ModelTurn) -> tuple[Any, ...]:
    """All there is to a turn; arguments as values, since some servers give them as such."""
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in turn.message.tool_calls or ()]
    parts = [part.model_dump(exclude_none=True) for part in turn.message.content_parts]
    return parts, calls, turn.stop_reason, turn.usage


def check(turn: ModelTurn, one: Exchange) -> None:
    letter, parts = one.streamed, turn.message.content_parts
    assert turn.message.content == letter.text
    assert [(call.id, call.name, call.arguments) for call in turn.message.tool_calls or ()] == list(letter.calls)
    assert turn.stop_reason == letter.reason
    assert turn.extra == ({**one.extra, "reasoning_content": letter.thought} if letter.thought else one.extra)
    others = [part for part in parts if not isinstance(part, ContentText | ContentReasoning)]
    assert [part.model_dump(exclude_none=True) for part in others] == list(one.parts)
    assert "".join(part.text for part in parts if isinstance(part, ContentReasoning)) == letter.thought


@exchanges
def test_our_request_is_the_one_that_the_server_takes(one: Exchange) -> None:
    wire = CHAT_DIALECTS[one.dialect]
    assert wire.request(one.model, one.messages, one.params) == one.request
    more = {} if one.dialect in ("mistral", "perplexity") else {"stream_options": {"include_usage": True}}
    assert wire.request(one.model, one.messages, one.params, stream=True) == {**one.request, "stream": True, **more}


@exchanges
def test_its_reply_is_the_turn(one: Exchange) -> None:
    turn = CHAT_DIALECTS[one.dialect].turn(one.reply, provider="acme", origin=ORIGIN)
    check(turn, one)
    if one.streamed.usage is not None:
        assert turn.usage == one.streamed.usage


@exchanges
def test_its_stream_is_the_same_turn(one: Exchange) -> None:
    turn = streamed(one.streamed.body, dialect=one.dialect)
    check(turn, one)
    assert turn.usage == one.streamed.usage
    assert facts(turn) == facts(CHAT_DIALECTS[one.dialect].turn(one.reply, origin=ORIGIN))


@exchanges
def test_a_reply_in_the_place_of_a_stream_is_the_turn_too(one: Exchange) -> None:
    check(streamed(json.dumps(one.reply).encode(), dialect=one.dialect), one)


@exchanges
def test_the_turn_goes_back_in_a_form_that_the_server_takes(one: Exchange) -> None:
    turn = CHAT_DIALECTS[one.dialect].turn(one.reply, origin=ORIGIN)
    stored = Message.model_validate_json(turn.message.model_dump_json())
    [message] = CHAT_DIALECTS[one.dialect].request("m", [stored], GenerateParams(), origin=ORIGIN)["messages"]
    assert message["role"] == "assistant"
    assert set(message) <= {"role", "content", "tool_calls", "reasoning_content", "reasoning", "reasoning_details"}


def test_what_mistral_thought_goes_back_in_chunks_of_the_content() -> None:
    one = EXCHANGES["mistral"]
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Six by 7."}]}
    for turn in (CHAT_DIALECTS["mistral"].turn(one.reply, origin=ORIGIN), streamed(one.streamed.body)):
        mine, others = (
            CHAT_DIALECTS["mistral"].request("m", [turn.message], GenerateParams(), origin=origin)["messages"][0]
            for origin in (ORIGIN, "acme!other")
        )
        assert mine["content"] == [thinking, {"type": "text", "text": "42"}]
        assert others["content"] == "42"


def test_what_openai_spoke_goes_back_in_words() -> None:
    turn = CHAT_DIALECTS["openai"].turn(EXCHANGES["openai, sound"].reply)
    sent = CHAT_DIALECTS["openai"].request("m", [turn.message], GenerateParams())["messages"]
    assert sent == [{"role": "assistant", "content": "Hi there"}]


def test_base64_that_was_cut_anywhere_is_the_same_sound() -> None:
    whole = "UklGRjAwMDBXQVZFAQ=="
    for place in range(len(whole)):
        pieces = [chunk({"audio": {"data": piece}}) for piece in (whole[:place], whole[place:])]
        [part] = streamed(sse(*pieces, chunk({}, "stop"))).message.content_parts
        assert part.model_dump()["input_audio"] == {"data": whole, "format": "wav", "transcript": None}


# What goes wrong.


@pytest.mark.parametrize(
    ("provider", "status", "body", "kind"),
    [
        (
            "azure",
            400,
            {
                "error": {
                    "message": "The response was filtered.",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 400,
                    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
                }
            },
            "Refused",
        ),
        (
            "azure",
            401,
            {"error": {"code": "401", "message": "Access denied due to invalid key."}},
            "AuthenticationFailed",
        ),
        ("azure", 404, {"error": {"code": "DeploymentNotFound", "message": "No such deployment."}}, "NotFound"),
        ("azure", 429, {"error": {"code": "429", "message": "Requests have exceeded the limit."}}, "RateLimited"),
        (
            "openai",
            400,
            {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}},
            "ContextOverflow",
        ),
        (
            "cerebras",
            429,
            {"message": "m", "type": "too_many_requests_error", "param": "quota", "code": "request_quota_exceeded"},
            "RateLimited",
        ),
        ("mistral", 422, {"object": "error", "message": {"detail": [{"msg": "extra"}]}, "code": None}, "Invalid"),
        (
            "groq",
            400,
            {"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed"}},
            "Invalid",
        ),
        ("together", 503, {"error": {"message": "m", "type": "service_unavailable", "code": None}}, "ServerFault"),
    ],
)
def test_a_refused_request_is_of_its_kind(provider: str, status: int, body: dict[str, Any], kind: str) -> None:
    assert http_failure(provider, status, json.dumps(body)).kind == kind


def test_groq_says_in_a_chunk_why_it_stopped() -> None:
    with pytest.raises(ServerFaultError, match="acme broke off its answer: over capacity"):
        streamed(sse(chunk({"content": "Hal"}), chunk({}, "stop", x_groq={"id": "r", "error": "over capacity"})))


def test_openrouter_says_in_a_chunk_that_the_provider_behind_it_failed() -> None:
    failed = {"error": {"code": 429, "message": "slow down"}, "provider": "Google"}
    ended = {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}
    for one in ({**failed, **ended}, {"choices": [{**ended["choices"][0], "error": failed["error"]}]}):
        with pytest.raises(RateLimitedError, match="slow down"):
            streamed(sse(chunk({"content": "Hal"}), one))


@pytest.mark.parametrize("reason", ["error", "abort", "insufficient_system_resource", "network_error"])
def test_an_answer_that_the_server_broke_off_is_no_answer(reason: str) -> None:
    reply = {"choices": [{"message": {"content": "Hal"}, "finish_reason": reason}]}
    with pytest.raises(ServerFaultError, match="acme broke off its answer"):
        CHAT_DIALECTS["plain"].turn(reply, provider="acme")
    with pytest.raises(ServerFaultError, match="acme broke off its answer"):
        streamed(sse(chunk({"content": "Hal"}), chunk({}, reason)))


# Whatever stands anywhere in an answer.

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
REPLIES = [one.reply for one in EXCHANGES.values()]
CHUNKS = [
    [json.loads(line[5:]) for line in one.body.split(b"\n") if line.startswith(b"data: {")]
    for one in [*(one.streamed for one in EXCHANGES.values()), *LETTERS.values()]
    if b"\r" not in one.body
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = cast("dict[str, Any]", value).items() if isinstance(value, dict) else enumerate(cast("list[Any]", value))
    found = [path]
    for key, one in inside:
        found += places(one, (*path, key)) if isinstance(one, dict | list) else [(*path, key)]
    return found


def harmed(value: Any, path: tuple[Any, ...], put: Any) -> Any:
    if not path:
        return put
    first, *rest = path
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        return {**held, first: harmed(held[first], tuple(rest), put)}
    return [harmed(one, tuple(rest), put) if index == first else one for index, one in enumerate(value)]


@given(st.sampled_from(REPLIES), st.data())
def test_a_reply_with_anything_at_any_place_is_a_turn_or_a_provider_error(
    reply: dict[str, Any], data: st.DataObject
) -> None:
    broken = harmed(reply, data.draw(st.sampled_from(places(reply))), data.draw(ANYTHING))
    try:
        turn = CHAT_DIALECTS["plain"].turn(broken, provider="acme", origin=ORIGIN)
    except ProviderError:
        return
    check_usable(turn)


@given(st.sampled_from(CHUNKS), st.data())
def test_a_stream_with_anything_at_any_place_is_a_turn_or_a_provider_error(
    chunks: list[dict[str, Any]], data: st.DataObject
) -> None:
    broken = harmed(chunks, data.draw(st.sampled_from(places(chunks)[1:])), data.draw(ANYTHING))
    try:
        turn = streamed(*(b"data: " + json.dumps(one).encode() + b"\n\n" for one in broken))
    except ProviderError:
        return
    check_usable(turn)


def check_usable(turn: ModelTurn) -> None:
    """It can be kept, and goes back."""
    stored = Message.model_validate_json(turn.message.model_dump_json())
    for wire in CHAT_DIALECTS.values():
        json.dumps(wire.request("m", [stored], GenerateParams(), origin=ORIGIN))
    assert turn.usage is None or turn.usage + turn.usage
