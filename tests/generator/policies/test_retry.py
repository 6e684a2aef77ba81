"""A call is made again when that may help and costs nothing twice, and nobody waits who need not."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    ProviderError,
    RateLimitedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator import Clock, Cut, Retry
from rigging_py.message import Delta, TextDelta
from rigging_py.run import StreamedText


def always(value: float = 1.0) -> Any:
    return lambda: value


def patient(model: rg.Generator, **settings: Any) -> tuple[Retry, rg.VirtualClock]:
    """A generator that retries on a clock of its own, and waits as long as it may."""
    clock = rg.VirtualClock()
    given: dict[str, Any] = {"clock": clock, "random": always(), **settings}
    return rg.retry(model, **given), clock


def fault(**facts: Any) -> ServerFaultError:
    return ServerFaultError("It is down.", **facts)


async def failure_of(generator: rg.Generator) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await generator.chat("Hello").run()
    return caught.value


async def test_a_failure_that_passes_is_not_seen() -> None:
    model = rg.scripted(fault(), fault(), "Hi.")
    retrying, clock = patient(model, first=1)
    assert (await retrying.chat("Hello").run()).last.content == "Hi."
    assert clock.now() == 1 + 2


async def test_the_waits_double_up_to_the_most() -> None:
    retrying, clock = patient(rg.scripted(*[fault()] * 5, "Hi."), first=1, most=5, attempts=6)
    await retrying.chat("Hello").run()
    assert clock.now() == 1 + 2 + 4 + 5 + 5


async def test_each_wait_is_a_random_part_of_what_it_may_be() -> None:
    parts = iter([0.5, 0.0, 0.25])
    retrying, clock = patient(rg.scripted(*[fault()] * 3, "Hi."), first=8, most=100, random=lambda: next(parts))
    await retrying.chat("Hello").run()
    assert clock.now() == 4 + 0 + 8


async def test_what_the_provider_asks_is_waited_and_the_jitter_besides() -> None:
    told = RateLimitedError("Slow down.", retry_after=20)
    retrying, clock = patient(rg.scripted(told, "Hi."), first=1, random=always(0.5))
    await retrying.chat("Hello").run()
    assert clock.now() == 20.5


async def test_who_asks_for_too_long_a_wait_is_not_asked_again() -> None:
    told = RateLimitedError("Come back tomorrow.", retry_after=86_400)
    retrying, clock = patient(rg.scripted(told, "Hi."))
    assert await failure_of(retrying) is told
    assert clock.now() == 0


async def test_after_the_time_that_all_may_take_no_other_call_begins() -> None:
    model = rg.scripted(*[fault()] * 9)
    retrying, clock = patient(model, first=1, attempts=9, total=8)
    await failure_of(retrying)
    assert clock.now() == 1 + 2 + 4
    assert len(model.heard) == 4


@pytest.mark.parametrize("error", [InvalidError("What?"), AuthenticationFailedError("Who?"), ValueError("A bug.")])
async def test_what_would_fail_again_is_raised_at_once_as_it_is(error: Exception) -> None:
    model = rg.scripted(error, "Hi.")
    retrying, _ = patient(model)
    with pytest.raises(type(error)) as caught:
        await retrying.chat("Hello").run()
    assert caught.value is error
    assert model.remaining == 1


async def test_what_may_have_been_answered_is_not_asked_again() -> None:
    model = rg.scripted(TimedOutError("Nothing came.", is_outcome_unknown=True), "Hi.")
    retrying, _ = patient(model)
    assert isinstance(await failure_of(retrying), TimedOutError)


async def test_unless_that_is_wanted() -> None:
    model = rg.scripted(TimedOutError("Nothing came.", is_outcome_unknown=True), "Hi.")
    retrying, _ = patient(model, unknown=True)
    assert (await retrying.chat("Hello").run()).last.content == "Hi."


@given(failures=st.integers(0, 6), attempts=st.integers(1, 5))
def test_there_are_as_many_calls_as_allowed_and_the_error_tells_of_all(failures: int, attempts: int) -> None:
    errors = [fault(request_id=str(one)) for one in range(failures)]
    model = rg.scripted(*errors, "Hi.")

    async def run() -> None:
        retrying, _ = patient(model, attempts=attempts)
        if failures < attempts:
            [turn] = await retrying.generate_messages([[rg.Message("user", "Hello")]], [rg.GenerateParams()])
            assert isinstance(turn, rg.ModelTurn)
            assert len(turn.attempts) == failures
        else:
            error = await failure_of(retrying)
            assert [one.request_id for one in (*error.attempts, error)] == [str(one) for one in range(attempts)]
        assert len(model.heard) == min(failures + 1, attempts)

    asyncio.run(run())


async def test_the_error_tells_what_all_calls_used_where_that_is_known() -> None:
    errors = [fault(), fault(), fault()]
    errors[0].usage, errors[2].usage = rg.Usage(total_tokens=3, cost=0.5), rg.Usage(total_tokens=4, cost=0.25)
    error = await failure_of(patient(rg.scripted(*errors), attempts=3)[0])
    assert error.usage is not None
    assert (error.usage.total_tokens, error.usage.cost) == (7, 0.75)


async def test_a_refused_call_costs_nothing_and_one_that_may_have_been_answered_nobody_knows_what() -> None:
    told = TimedOutError("Nothing came.", is_outcome_unknown=True)
    for error, cost in [(fault(), 2.0), (told, None)]:
        turn = rg.ModelTurn.from_text("Hi.", usage=rg.Usage(total_tokens=1, cost=2.0))
        retrying, _ = patient(rg.scripted(error, turn), unknown=True)
        chat = await retrying.chat("Hello").run()
        assert chat.usage is not None
        assert chat.usage.cost == cost


async def test_one_error_that_is_raised_again_and_again_is_no_attempt_of_itself() -> None:
    error = await failure_of(patient(rg.scripted(*[fault()] * 3), attempts=3)[0])
    assert len(error.attempts) == 2
    assert error not in error.attempts
    assert len(pickle.loads(pickle.dumps(error)).attempts) == 2


async def test_retries_in_retries_tell_of_every_failure_once() -> None:
    errors = [fault(request_id=str(one)) for one in range(4)]
    inner, _ = patient(rg.scripted(*errors), attempts=2)
    error = await failure_of(patient(inner, attempts=2)[0])
    assert [one.request_id for one in (*error.attempts, error)] == ["0", "1", "2", "3"]
    [note] = [note for note in error.__notes__ if note.startswith("Before")]
    assert note.splitlines() == ["Before it failed (3 in `.attempts`):", *["  ServerFaultError: It is down."] * 3]


async def test_a_stream_is_begun_again_until_its_first_delta() -> None:
    model = rg.scripted(fault(), Cut("Hi there."), "Hi there.")
    retrying, _ = patient(model)
    async with retrying.chat("Hello").stream() as stream:
        told = [event.text async for event in stream if isinstance(event, StreamedText)]
    assert "".join(told) == "Hi there."
    assert len(model.heard) == 3


@given(after=st.integers(1, 3))
def test_and_never_after_it(after: int) -> None:
    model = rg.scripted(Cut("one two three four", after), "one two three four")
    seen: list[Delta] = []

    async def run() -> None:
        retrying, _ = patient(model, unknown=True)
        async for delta in retrying.stream_message([rg.Message("user", "Hello")], rg.GenerateParams()):
            seen.append(delta)  # noqa: PERF401 — those before the failure

    with pytest.raises(StreamInterruptedError):
        asyncio.run(run())
    assert len(seen) == after
    assert len(model.heard) == 1


async def test_who_leaves_a_stream_closes_that_of_the_model() -> None:
    class Endless(rg.Generator):
        closed: ClassVar[list[bool]] = []

        async def stream_message(
            self, messages: Sequence[rg.Message], params: rg.GenerateParams
        ) -> AsyncIterator[Delta]:
            try:
                while True:
                    yield TextDelta("more ")
            finally:
                self.closed.append(True)

    model = Endless(model="endless")
    deltas = cast("Any", patient(model)[0].stream_message([rg.Message("user", "Hello")], rg.GenerateParams()))
    async with aclosing(deltas):
        await anext(deltas)
    assert model.closed == [True]


async def test_cancelling_ends_the_wait_at_once() -> None:
    class Silent(Clock):
        async def sleep(self, seconds: float) -> None:
            waits.set()
            await asyncio.sleep(seconds)

    waits = asyncio.Event()
    model = rg.scripted(fault(), "Hi.")
    retrying = rg.retry(model, first=3600, random=always(), clock=Silent())
    task = asyncio.create_task(retrying.chat("Hello").run())
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.remaining == 1


async def test_the_conversations_of_a_batch_are_retried_each_by_itself() -> None:
    def reply(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        said = messages[-1].content
        asked[said] = asked.get(said, 0) + 1
        if asked[said] <= int(said):
            raise fault()
        return said

    asked: dict[str, int] = {}
    retrying, _ = patient(rg.generator.FunctionGenerator(reply), attempts=3)
    said = [[rg.Message("user", str(one))] for one in range(4)]
    results = await retrying.generate_messages(said, [rg.GenerateParams()] * 4)
    assert [len(one.attempts) for one in results[:3] if isinstance(one, rg.ModelTurn)] == [0, 1, 2]
    assert isinstance(results[3], ServerFaultError)


async def test_texts_are_continued_again_too() -> None:
    retrying, _ = patient(rg.scripted(fault(), " time"))
    assert (await retrying.complete("Once upon a").run()).generated == " time"
