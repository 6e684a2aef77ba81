"""Good HTTP around bad answers: errors in their place, half JSON, other types, calls without names or numbers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rigging_py.error import InvalidError
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from tests.generator.fault_server import FaultServer, answer, fault_serving, streamed
from tests.generator.fault_wires import CALLING, WIRES, Outcome, Spoken, asking, outcome, wires

streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
Json = dict[str, Any]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def event(wire: Spoken, data: Json | bytes, name: str = "") -> bytes:
    """What the wire's server streams as one."""
    said = data if isinstance(data, bytes) else json.dumps(data).encode()
    if wire.name == "ollama":
        return said + b"\n"
    return (f"event: {name}\n" if name else "").encode() + b"data: " + said + b"\n\n"


# Errors in the place of an answer.

ERRORS: list[tuple[str, Json, str]] = [
    ("openai", {"error": {"message": "Slow down", "type": "rate_limit_exceeded", "code": None}}, "RateLimited"),
    ("openai", {"error": {"message": "Too much", "code": "context_length_exceeded"}}, "ContextOverflow"),
    ("openai", {"error": {"message": "No", "code": "content_filter"}}, "Refused"),
    ("openai", {"error": {"message": "The engine died", "type": "server_error"}}, "ServerFault"),
    ("openai", {"error": {"message": "Spent", "code": "insufficient_quota"}}, "AuthenticationFailed"),
    ("openai", {"error": {"message": "Not in time", "code": 504}}, "TimedOut"),
    ("openai", {"object": "error", "message": "No such model", "code": 404}, "NotFound"),
    ("openai", {"error": "no words"}, "ServerFault"),
    ("openai-responses", {"error": {"code": "invalid_prompt", "message": "No"}}, "Refused"),
    ("openai-responses", {"error": {"code": "server_error", "message": "Gone"}}, "ServerFault"),
    ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, "ServerFault"),
    ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": "Slow"}}, "RateLimited"),
    ("anthropic", {"type": "error", "error": {"type": "timeout_error", "message": "Late"}}, "TimedOut"),
    ("anthropic", {"type": "error", "error": {"type": "billing_error", "message": "Pay"}}, "AuthenticationFailed"),
    ("gemini", {"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}}, "RateLimited"),
    ("gemini", {"error": {"code": 503, "message": "Busy", "status": "UNAVAILABLE"}}, "ServerFault"),
    ("gemini", {"error": {"code": 504, "message": "Late", "status": "DEADLINE_EXCEEDED"}}, "TimedOut"),
    ("ollama", {"error": "the model runner has stopped"}, "ServerFault"),
]
EVENTS: list[tuple[str, Json, str]] = [
    *ERRORS,
    ("openai", {"choices": [{"delta": {}, "finish_reason": "error"}]}, "ServerFault"),
    ("openai", {"choices": [{"delta": {}, "error": {"message": "No", "code": "content_filter"}}]}, "Refused"),
    ("openai-responses", {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down"}, "RateLimited"),
    (
        "openai-responses",
        {"type": "response.failed", "response": {"error": {"code": "context_length_exceeded", "message": "Long"}}},
        "ContextOverflow",
    ),
    ("gemini", {"promptFeedback": {"blockReason": "SAFETY"}}, "Refused"),
]


@streams
@pytest.mark.parametrize(("name", "body", "kind"), ERRORS)
async def test_an_error_with_a_good_status_is_of_its_kind(
    server: FaultServer, name: str, body: Json, kind: str, stream: bool
) -> None:
    server.will(answer(body, headers={"x-request-id": "r-7"}))
    failure = (await outcome(asking(WIRES[name], server), stream=stream)).failure
    assert (failure.kind, failure.request_id) == (kind, "r-7")


@pytest.mark.parametrize(
    ("name", "body", "kind", "event_name"),
    [*((*one, "") for one in EVENTS), *((*one, "error") for one in ERRORS)],
)
async def test_an_error_in_the_middle_of_a_stream_is_of_its_kind(
    server: FaultServer, name: str, body: Json, kind: str, event_name: str
) -> None:
    wire = WIRES[name]
    server.will(streamed(*wire.events))
    model = asking(wire, server)
    whole = await outcome(model, stream=True)
    failed = event(wire, body, event_name)
    for count in (0, 1, len(wire.events) // 2):
        server.will(streamed(*wire.events[:count], failed, *wire.events[count:], kind=wire.kind))
        result = await outcome(model, stream=True)
        assert result.failure.kind == kind
        assert result.deltas == whole.deltas[: len(result.deltas)]


# What cannot be read.


@wires
async def test_an_event_that_is_no_json_is_invalid(server: FaultServer, wire: Spoken) -> None:
    for data in (b'{"half": ', b"nonsense", b"{]", b"\xff\xfe\x00", b"[" * 5000):
        server.will(streamed(wire.events[0], event(wire, data), *wire.events[1:], kind=wire.kind))
        failure = (await outcome(asking(wire, server), stream=True)).failure
        assert isinstance(failure, InvalidError)
        assert "is not JSON" in str(failure)


@wires
async def test_bytes_that_are_no_text_are_marks_in_a_stream_and_no_json_in_a_whole(
    server: FaultServer, wire: Spoken
) -> None:
    model, umlaut = asking(wire, server), "ü".encode()
    server.will(streamed(wire.stream.replace(umlaut, b"\xff"), kind=wire.kind))
    read = await outcome(model, stream=True)
    assert read.turn is not None
    assert "�" in read.turn.message.content
    server.will(answer(json.dumps(wire.whole, ensure_ascii=False).encode().replace(umlaut, b"\xff")))
    assert (await outcome(model, stream=False)).kind == "Invalid"


@wires
@streams
@pytest.mark.parametrize("kind", ["text/plain", "text/html; charset=latin-1", "application/octet-stream", "", "ü;;"])
async def test_what_an_answer_is_called_does_not_matter(
    server: FaultServer, wire: Spoken, stream: bool, kind: str
) -> None:
    server.will(streamed(wire.stream, kind=kind) if stream else answer(wire.whole, kind=kind))
    result = await outcome(asking(wire, server), stream=stream)
    assert result.turn is not None
    assert result.turn.message.content == wire.text


@wires
async def test_a_whole_answer_in_place_of_a_stream_is_taken(server: FaultServer, wire: Spoken) -> None:
    server.will(answer(wire.whole))
    result = await outcome(asking(wire, server), stream=True)
    assert result.turn is not None
    assert result.turn.message.content == wire.text


# Other types than the API says.

STRANGE: list[Any] = [None, 7, -1, 1e400, True, "", "x", [], [None], {}, {"x": []}, [[[]]]]


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where there is something in JSON."""
    for key in (*as_mapping(value), *range(len(as_list(value)))):
        yield (*place, key)
        yield from places(value[key], (*place, key))


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    copy = value.copy()
    copy[place[0]] = replaced(copy[place[0]], place[1:], by)
    return copy


@pytest.mark.parametrize("wire", list(CALLING.values()), ids=list(CALLING))
async def test_whatever_stands_where_something_else_should_it_is_an_answer_or_a_failure(
    server: FaultServer, wire: Spoken
) -> None:
    chance, model = random.Random(wire.name), asking(wire, server)
    known = list(places(wire.whole))
    for _ in range(150):
        server.will(answer(replaced(wire.whole, chance.choice(known), chance.choice(STRANGE))))
        assert_fails_well(await outcome(model, stream=False))


@pytest.mark.parametrize("wire", list(CALLING.values()), ids=list(CALLING))
async def test_and_in_the_events_of_a_stream(server: FaultServer, wire: Spoken) -> None:
    chance, model = random.Random(wire.name), asking(wire, server)
    chunks = data_of(wire)
    for _ in range(150):
        at = chance.randrange(len(chunks))
        odd = replaced(chunks[at], chance.choice(list(places(chunks[at]))), chance.choice(STRANGE))
        server.will(streamed(stream_of(wire, [*chunks[:at], odd, *chunks[at + 1 :]]), kind=wire.kind))
        assert_fails_well(await outcome(model, stream=True))


def assert_fails_well(result: Outcome) -> None:
    kinds = ("answer", "Invalid", "Interrupted", "ServerFault", "Refused", "NotFound", "TimedOut", "RateLimited")
    assert result.kind in kinds


def data_of(wire: Spoken) -> list[Json]:
    """The JSON in the events of a stream."""
    lines = [line for one in wire.events for line in one.splitlines()]
    bare = lines if wire.name == "ollama" else [line[6:] for line in lines if line.startswith(b"data: {")]
    return [json.loads(line) for line in bare]


def stream_of(wire: Spoken, chunks: list[Json]) -> bytes:
    return b"".join(event(wire, chunk) for chunk in chunks)


# Calls without their numbers or names.


def without(*names: str) -> Callable[[Any], Any]:
    """What takes these names out of JSON, wherever they stand."""

    def bare(value: Any) -> Any:
        if (known := as_object(value)) is not None:
            return {key: bare(one) for key, one in known.items() if key not in names}
        return [bare(one) for one in as_list(value)] or value

    return bare


def with_one_id(value: Any) -> Any:
    """JSON in which every call has the same name."""
    if (known := as_object(value)) is not None:
        same = {"id": "same", "call_id": "same"}
        return {key: same[key] if key in same and one else with_one_id(one) for key, one in known.items()}
    return [with_one_id(one) for one in as_list(value)] or value


CHANGES: dict[str, Callable[[Any], Any]] = {
    "no index": without("index", "output_index"),
    "no id": without("id", "call_id", "item_id"),
    "ids that repeat": with_one_id,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("wire", list(CALLING.values()), ids=list(CALLING))
async def test_calls_are_told_apart_all_the_same(
    server: FaultServer, wire: Spoken, change: Callable[[Any], Any]
) -> None:
    model = asking(wire, server)
    server.will(streamed(wire.stream, kind=wire.kind), streamed(stream_of(wire, change(data_of(wire))), kind=wire.kind))
    good, changed = await outcome(model, stream=True), await outcome(model, stream=True)
    assert changed.turn is not None, changed.error
    assert calls_of(changed) == calls_of(good)
    assert len(calls_of(good)) == wire.calls


def calls_of(result: Outcome) -> list[tuple[str, str]]:
    assert result.turn is not None
    return [(call.name, call.arguments) for call in result.turn.message.tool_calls or ()]
