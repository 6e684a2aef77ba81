"""Faults under policies: what passes is tried again, what may have been paid is not, and what was tried is told."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

import rigging_py as rg
from rigging_py.error import ProviderError, RateLimitedError, ServerFaultError, StreamInterruptedError
from tests.generator.fault_server import Fault, FaultServer, Line, answer, fault_serving, saying, streamed
from tests.generator.fault_wires import HELLO, WIRES, Spoken, asking, outcome, wires

streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
_NOW = "Sat, 21 Nov 2026 19:00:00 GMT"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def good(wire: Spoken, stream: bool) -> Fault:
    return streamed(*wire.events, kind=wire.kind) if stream else answer(wire.whole)


def retrying(wire: Spoken, server: FaultServer, **settings: object) -> tuple[rg.Generator, rg.VirtualClock]:
    clock = rg.VirtualClock()
    return rg.retry(asking(wire, server), clock=clock, **settings), clock  # type: ignore[arg-type]


@wires
@streams
async def test_a_storm_of_faults_is_lived_through(server: FaultServer, wire: Spoken, stream: bool) -> None:
    storm = [answer(b"", status) for status in (500, 503, 502, 529, 522)]
    server.will(*storm, good(wire, stream))
    model, clock = retrying(wire, server, attempts=6)
    result = await outcome(model, stream=stream)
    assert result.turn is not None
    assert result.turn.message.content == wire.text
    assert len(result.turn.attempts) == 5
    assert all(used.cost == 0.0 for used in result.turn.attempts)
    assert clock.now() > 0
    assert (len(server.heard), server.connections) == (6, 1)


@wires
@streams
async def test_a_storm_that_does_not_end_is_told_with_all_that_was_tried(
    server: FaultServer, wire: Spoken, stream: bool
) -> None:
    server.will(answer(b"a", 500, {"x-request-id": "r-1"}), answer(b"b", 503, {"x-request-id": "r-2"}))
    model, _ = retrying(wire, server, attempts=3)
    failure = (await outcome(model, stream=stream)).failure
    assert isinstance(failure, ServerFaultError)
    assert [(one.status, one.request_id, one.body) for one in (*failure.attempts, failure)] == [
        (500, "r-1", "a"),
        (503, "r-2", "b"),
        (503, "r-2", "b"),
    ]


@wires
@streams
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 19:00:45 GMT", "date": _NOW}, 45.0),
        ({"retry-after": "Sat, 21 Nov 2026 18:00:00 GMT", "date": _NOW}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 19:00:45 GMT"}, None),
        ({"retry-after": "soon", "date": _NOW}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
async def test_as_long_is_waited_as_a_limit_asks_for(
    server: FaultServer, wire: Spoken, stream: bool, headers: dict[str, str], seconds: float | None
) -> None:
    server.will(answer(b"slow down", 429, headers), good(wire, stream))
    clock = rg.VirtualClock()
    model = rg.retry(asking(wire, server), clock=clock, random=lambda: 0.0)
    assert (await outcome(model, stream=stream)).kind == "answer"
    assert clock.now() == (seconds or 0.0)
    server.will(answer(b"slow down", 429, headers))
    failure = (await outcome(asking(wire, server), stream=stream)).failure
    assert isinstance(failure, RateLimitedError)
    assert failure.retry_after == seconds


@wires
@streams
async def test_who_asks_for_too_long_a_wait_is_not_asked_again(server: FaultServer, wire: Spoken, stream: bool) -> None:
    server.will(answer(b"slow down", 429, {"retry-after": "Sat, 21 Nov 2099 19:00:00 GMT", "date": _NOW}))
    model, clock = retrying(wire, server)
    assert (await outcome(model, stream=stream)).kind == "RateLimited"
    assert (len(server.heard), clock.now()) == (1, 0.0)


@wires
@streams
@pytest.mark.parametrize(
    "fault",
    [saying(), saying(b"HTTP/1.1 200 OK\r\n"), answer(b"", 504), answer(b"", 408), answer(b'{"half": ')],
    ids=["nothing", "half a head", "504", "408", "half an answer"],
)
async def test_what_may_have_been_paid_is_asked_again_only_where_that_is_wished(
    server: FaultServer, wire: Spoken, stream: bool, fault: Fault
) -> None:
    server.will(fault, good(wire, stream))
    model, _ = retrying(wire, server)
    failure = (await outcome(model, stream=stream)).failure
    assert (failure.retryable, failure.is_outcome_unknown, failure.usage, len(server.heard)) == (True, True, None, 1)
    server.will(fault, good(wire, stream))
    willing, _ = retrying(wire, server, unknown=True)
    result = await outcome(willing, stream=stream)
    assert result.turn is not None
    assert [used.cost for used in result.turn.attempts] == [None]


@wires
@streams
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_what_would_fail_again_is_asked_once(
    server: FaultServer, wire: Spoken, stream: bool, status: int
) -> None:
    server.will(answer(b"no", status), good(wire, stream))
    model, _ = retrying(wire, server)
    assert (await outcome(model, stream=stream)).failure.status == status
    assert len(server.heard) == 1


@wires
async def test_a_stream_that_began_is_not_begun_again(server: FaultServer, wire: Spoken) -> None:
    server.will(streamed(wire.stream[: wire.final - 4], ending="cut"), good(wire, True))
    model, _ = retrying(wire, server, unknown=True)
    result = await outcome(model, stream=True)
    assert isinstance(result.error, StreamInterruptedError)
    assert result.deltas
    assert len(server.heard) == 1


@wires
@streams
async def test_another_is_asked_when_one_cannot_be_reached_or_read(
    server: FaultServer, wire: Spoken, stream: bool
) -> None:
    for fault in (saying(), answer(b"", 503), answer(b"", 401), answer(b"", 402), answer(b"", 429), answer(b"", 504)):
        server.will(fault, good(wire, stream))
        result = await outcome(rg.fallback(asking(wire, server), asking(wire, server)), stream=stream)
        assert result.turn is not None
        assert result.turn.message.content == wire.text


@wires
async def test_a_run_that_fails_goes_on_when_the_fault_is_over(server: FaultServer, wire: Spoken) -> None:
    server.will(answer(b"", 500), answer(wire.whole))
    pipeline = asking(wire, server).chat("Hi")
    with pytest.raises(ProviderError) as raised:
        await pipeline.run()
    assert raised.value.run is not None
    assert [message.content for message in raised.value.messages] == ["Hi"]
    chat = await pipeline.resume(raised.value.run)
    assert chat.last.content == wire.text


@wires
async def test_what_a_run_cost_is_not_known_after_an_answer_that_cannot_be_read(
    server: FaultServer, wire: Spoken
) -> None:
    for fault, cost in ((answer(b"", 400), 0.0), (answer(b"", 503), 0.0), (answer(b"<html>"), None), (saying(), None)):
        server.will(fault)
        with pytest.raises(ProviderError) as raised:
            await asking(wire, server).chat("Hi").run()
        assert raised.value.usage is not None
        assert raised.value.usage.cost == raised.value.cost == cost


@streams
async def test_a_refused_prompt_tells_what_it_used(server: FaultServer, stream: bool) -> None:
    counts = {"promptTokenCount": 9, "totalTokenCount": 9}
    server.will(answer({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": counts}))
    failure = (await outcome(asking(WIRES["gemini"], server), stream=stream)).failure
    assert failure.kind == "Refused"
    assert failure.usage == rg.Usage(input_tokens=9, total_tokens=9)


async def test_a_hundred_calls_in_a_storm_all_end_and_leave_nothing(server: FaultServer) -> None:
    wire = WIRES["openai"]
    number = itertools.count()
    faults: list[Fault] = [answer(b"", 500), saying(), answer(wire.whole), answer(b"", 429), answer(wire.whole)]

    def by_turns(line: Line) -> object:
        return faults[next(number) % len(faults)](line)

    server.will(by_turns)
    model, _ = retrying(wire, server, attempts=8, unknown=True)
    before = asyncio.all_tasks()
    results = await model.generate_messages([HELLO] * 100, [rg.GenerateParams()] * 100)
    assert asyncio.all_tasks() == before
    assert all(isinstance(one, rg.ModelTurn | ProviderError) for one in results)
    assert sum(isinstance(one, rg.ModelTurn) for one in results) >= 95
