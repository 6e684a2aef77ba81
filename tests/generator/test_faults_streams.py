"""Streams that are cut: at every event and any byte, by hanging up, by a reset, or with a polite end that is none."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from rigging_py.error import StreamInterruptedError
from rigging_py.generator.request import Request
from rigging_py.generator.transport import stream
from tests.generator.fault_server import CHUNKED, ENDINGS, FaultServer, Line, chunked, fault_serving, head, streamed
from tests.generator.fault_wires import LETTERS, Outcome, Spoken, asking, outcome, spoken, wires

_TAIL = 4
"""Bytes of line ends after the final record, of which some need not have come."""


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def assert_cut(result: Outcome, whole: Outcome) -> None:
    """That there is no turn, that what came is the beginning of the answer, and that it may have to be paid."""
    failure = result.failure
    assert isinstance(failure, StreamInterruptedError)
    assert isinstance(failure, ConnectionError)
    assert (failure.kind, failure.retryable, failure.is_outcome_unknown) == ("Interrupted", True, True)
    assert (result.turn, result.deltas) == (None, whole.deltas[: len(result.deltas)])


@spoken
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_stream_that_is_cut_at_any_event_is_known_to_be_cut(
    server: FaultServer, wire: Spoken, ending: str
) -> None:
    model = asking(wire, server)
    server.will(streamed(*wire.events))
    whole = await outcome(model, stream=True)
    assert whole.turn is not None
    assert whole.turn.message.content == wire.text
    assert len(whole.turn.message.tool_calls or ()) == wire.calls
    for count in range(len(wire.events) + 1):
        sent = wire.events[:count]
        server.will(streamed(*sent, ending=ending))
        result = await outcome(model, stream=True)
        # After a reset what was sent may be lost.
        if sum(map(len, sent)) < wire.final - _TAIL or (ending == "reset" and result.error):
            assert_cut(result, whole)
        else:
            assert result.turn is not None
            assert result.turn.message.content == wire.text


@spoken
async def test_a_stream_that_is_cut_at_any_byte_is_known_to_be_cut(server: FaultServer, wire: Spoken) -> None:
    model, chance = asking(wire, server), random.Random(wire.name)
    server.will(streamed(wire.stream))
    whole = await outcome(model, stream=True)
    for at in chance.sample(range(wire.final - _TAIL), 40):
        server.will(streamed(wire.stream[: at // 2], wire.stream[at // 2 : at], ending=chance.choice(ENDINGS)))
        assert_cut(await outcome(model, stream=True), whole)


@spoken
async def test_a_stream_in_single_bytes_is_the_same_answer(server: FaultServer, wire: Spoken) -> None:
    server.will(streamed(*(wire.stream[at : at + 1] for at in range(len(wire.stream)))))
    result = await outcome(asking(wire, server), stream=True)
    assert result.turn is not None
    assert result.turn.message.content == wire.text
    assert result.turn.usage is not None


@wires
async def test_a_stream_that_drips_without_an_end_is_timed_out(server: FaultServer, wire: Spoken) -> None:
    comment = b"\n" if wire.name == "ollama" else b": still here\n\n"

    def drips(line: Line) -> None:
        line.say(head(kind=wire.kind) + b"x-request-id: r-7\r\n" + CHUNKED, chunked(wire.events[0]))
        line.drip(chunked(comment))

    server.will(drips)
    failure = (await outcome(asking(wire, server, timeout=0.3), stream=True)).failure
    assert (failure.kind, failure.is_outcome_unknown, failure.request_id) == ("TimedOut", True, "r-7")
    assert isinstance(failure, TimeoutError)
    server.assert_all_is_closed()


@wires
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("sent", ["nothing", "half a head", "a head", "half a body"])
async def test_who_falls_silent_is_left_when_the_time_is_over(
    server: FaultServer, wire: Spoken, stream: bool, sent: str
) -> None:
    beginnings = {"nothing": b"", "half a head": b"HTTP/1.1 200 O", "a head": head() + CHUNKED}

    def falls_silent(line: Line) -> None:
        line.say(beginnings.get(sent, head() + CHUNKED + chunked(b'{"half": ')))
        line.hold()

    server.will(falls_silent)
    failure = (await outcome(asking(wire, server, timeout=0.1), stream=stream)).failure
    assert (failure.kind, failure.is_outcome_unknown, failure.retryable) == ("TimedOut", True, True)
    server.assert_all_is_closed()


async def test_a_silence_longer_than_is_allowed_names_the_request(server: FaultServer) -> None:
    def falls_silent(line: Line) -> None:
        line.say(head(kind="text/event-stream") + b"x-request-id: r-7\r\n" + CHUNKED, chunked(b"data: {}\n\n"))
        line.hold()

    server.will(falls_silent)
    with pytest.raises(TimeoutError, match=r"nothing more of its answer for 0\.05 seconds") as raised:
        _ = [chunk async for chunk in stream(Request("acme", server.url, {}, idle=0.05))]
    assert vars(raised.value)["request_id"] == "r-7"


def test_every_letter_is_cut_at_several_events() -> None:
    assert all(len(wire.events) >= 3 for wire in LETTERS.values())
    assert all(b"".join(wire.events) == wire.stream for wire in LETTERS.values())
