"""No more is asked, and no faster, than allowed; who came first is served first; who leaves costs nobody anything."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError, RateLimitedError, ServerFaultError
from rigging_py.generator import FunctionGenerator, Limit
from rigging_py.message import Delta, TextDelta

names = (f"name-{number}" for number in count())


@dataclass
class Model:
    """Takes its time, and writes down who was there when."""

    clock: rg.VirtualClock = field(default_factory=rg.VirtualClock)
    latency: float = 1.0
    tokens: int = 0
    begun: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    under_way: int = 0
    most: int = 0

    async def __call__(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> rg.ModelTurn:
        self.begun.append((self.clock.now(), messages[-1].content))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.clock.sleep(self.latency)
        finally:
            self.under_way -= 1
        return rg.ModelTurn.from_text("Hi.", usage=rg.Usage(total_tokens=self.tokens))

    def limited(self, **settings: Any) -> Limit:
        return rg.limit(FunctionGenerator(self), clock=self.clock, **settings)

    @property
    def times(self) -> list[float]:
        return [now for now, _ in self.begun]


async def ask(generator: rg.Generator, said: str = "Hello") -> object:
    [result] = await generator.generate_messages([[rg.Message("user", said)]], [rg.GenerateParams()])
    return result


async def settled() -> None:
    """Until all who need not wait for the clock have done what they do."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ask_after(model: Model, limited: Limit, seconds: float, said: str) -> None:
    await model.clock.sleep(seconds)
    await ask(limited, said)


def most_in_a_minute(times: Sequence[float], amounts: Sequence[float]) -> float:
    """The most that any minute holds; a minute ends just before the next begins."""
    pairs = list(zip(times, amounts, strict=True))
    return max((sum(amount for at, amount in pairs if start <= at < start + 60) for start in times), default=0)


arrivals = st.lists(st.floats(0, 200), min_size=1, max_size=40)


@given(arrivals=arrivals, limit=st.integers(1, 6), latency=st.floats(0, 30))
def test_no_more_are_under_way_at_once_than_allowed(arrivals: list[float], limit: int, latency: float) -> None:
    async def run() -> None:
        model = Model(latency=latency)
        limited = model.limited(concurrency=limit)
        await asyncio.gather(*(ask_after(model, limited, at, "Hello") for at in arrivals))
        assert model.most <= limit
        assert len(model.begun) == len(arrivals)

    asyncio.run(run())


@given(arrivals=arrivals, rpm=st.integers(1, 6))
def test_no_minute_has_more_calls_than_allowed_and_none_is_lost(arrivals: list[float], rpm: int) -> None:
    async def run() -> None:
        model = Model()
        limited = model.limited(rpm=rpm)
        await asyncio.gather(*(ask_after(model, limited, at, "Hello") for at in arrivals))
        assert most_in_a_minute(model.times, [1] * len(arrivals)) <= rpm
        assert len(model.begun) == len(arrivals)
        # Nobody waited longer than the calls before it need.
        assert model.times[-1] <= max(arrivals) + 60 * (len(arrivals) / rpm)

    asyncio.run(run())


@given(arrivals=arrivals, tokens=st.integers(0, 90), tpm=st.integers(100, 400))
def test_no_minute_has_more_tokens_than_allowed_where_no_more_were_used_than_guessed(
    arrivals: list[float], tokens: int, tpm: int
) -> None:
    async def run() -> None:
        model = Model(tokens=tokens, latency=0.0)
        limited = model.limited(tpm=tpm).with_params(max_tokens=90)
        await asyncio.gather(*(ask_after(model, limited, at, "Hello") for at in arrivals))
        assert most_in_a_minute(model.times, [tokens] * len(arrivals)) <= tpm
        assert len(model.begun) == len(arrivals)

    asyncio.run(run())


@given(arrivals=arrivals, rpm=st.none() | st.integers(1, 5), concurrency=st.integers(1, 3))
def test_who_came_first_is_served_first(arrivals: list[float], rpm: int | None, concurrency: int) -> None:
    async def run() -> None:
        model = Model()
        limited = model.limited(rpm=rpm, concurrency=concurrency)
        numbered = sorted((at, number) for number, at in enumerate(arrivals))
        await asyncio.gather(*(ask_after(model, limited, at, str(number)) for at, number in numbered))
        assert [said for _, said in model.begun] == [str(number) for _, number in numbered]

    asyncio.run(run())


@given(
    leaving=st.sets(st.integers(0, 11)), rpm=st.none() | st.integers(1, 5), concurrency=st.none() | st.integers(1, 3)
)
def test_who_is_cancelled_while_waiting_costs_nobody_anything(
    leaving: set[int], rpm: int | None, concurrency: int | None
) -> None:
    async def begun(leaving: set[int], callers: Sequence[int]) -> list[tuple[float, str]]:
        model = Model()
        limited = model.limited(rpm=rpm, concurrency=concurrency)
        tasks = [asyncio.create_task(ask(limited, str(number))) for number in callers]
        await settled()
        for number, task in zip(callers, tasks, strict=True):
            if number in leaving and str(number) not in [said for _, said in model.begun]:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return model.begun

    async def run() -> None:
        with_them = await begun(leaving, range(12))
        stayed = [int(said) for _, said in with_them]
        assert with_them == await begun(set(), stayed)

    asyncio.run(run())


async def test_who_is_cancelled_at_the_model_gives_its_place_back() -> None:
    model = Model(latency=1000)
    limited = model.limited(concurrency=1)
    first, second = asyncio.create_task(ask(limited)), asyncio.create_task(ask(limited))
    await settled()
    first.cancel()
    await second
    assert model.times == [0, 0]
    assert model.most == 1


async def test_a_failed_call_gives_its_place_back() -> None:
    limited = rg.limit(rg.scripted(ServerFaultError("Down."), ValueError("A bug."), "Hi."), concurrency=1)
    results = [await ask(limited) for _ in range(3)]
    assert [type(one) for one in results] == [ServerFaultError, ValueError, rg.ModelTurn]


async def test_a_stream_holds_its_place_until_it_ends_or_is_left() -> None:
    class Endless(rg.Generator):
        begun: ClassVar[list[int]] = []

        async def stream_message(
            self, messages: Sequence[rg.Message], params: rg.GenerateParams
        ) -> AsyncIterator[Delta]:
            self.begun.append(1)
            while True:
                yield TextDelta("more ")

    model = Endless(model="endless")
    limited = rg.limit(model, concurrency=1)

    def opened() -> Any:
        return aclosing(cast("Any", limited.stream_message([rg.Message("user", "Hi")], rg.GenerateParams())))

    async def second() -> None:
        async with opened() as deltas:
            await anext(deltas)

    async with opened() as deltas:
        await anext(deltas)
        waiting = asyncio.create_task(second())
        for _ in range(5):
            await anext(deltas)
            await asyncio.sleep(0)
        assert len(model.begun) == 1
    await waiting
    assert len(model.begun) == 2


async def test_tokens_that_were_guessed_and_not_used_are_given_back() -> None:
    model = Model(tokens=10)
    limited = model.limited(tpm=1000).with_params(max_tokens=900)
    await asyncio.gather(*(ask(limited) for _ in range(3)))
    assert model.times == [0, 1, 2]


async def test_tokens_that_were_used_and_not_guessed_count() -> None:
    model = Model(tokens=1000)
    limited = model.limited(tpm=1000)
    for _ in range(3):
        await ask(limited)
    assert model.times == [0, 60, 120]


async def test_a_call_larger_than_the_limit_goes_when_nothing_else_is_there() -> None:
    model = Model(tokens=5000)
    limited = model.limited(tpm=1000).with_params(max_tokens=5000)
    for _ in range(2):
        await ask(limited)
    assert model.times == [0, 60]


async def test_a_pause_that_the_provider_asks_for_is_one_for_all() -> None:
    clock = rg.VirtualClock()
    model = rg.scripted(RateLimitedError("Slow down.", retry_after=30), "One.", "Two.")
    limited = rg.limit(model, clock=clock, max_pause=10)
    assert isinstance(await ask(limited), RateLimitedError)
    await asyncio.gather(ask(limited), ask(limited))
    assert clock.now() == 10


async def test_copies_share_the_limit() -> None:
    model = Model()
    limited = model.limited(concurrency=1)
    await asyncio.gather(ask(limited), ask(limited.with_params(temperature=1)), ask(limited.watch(print)))
    assert model.most == 1


async def test_so_do_all_of_one_name() -> None:
    model, name = Model(), next(names)
    await asyncio.gather(*(ask(model.limited(rpm=1, name=name)) for _ in range(3)))
    assert model.times == [0, 60, 120]


async def test_and_of_none_nobody_else() -> None:
    model = Model()
    await asyncio.gather(*(ask(model.limited(concurrency=1)) for _ in range(3)))
    assert model.most == 3


async def test_the_limit_of_a_name_outlives_those_who_use_it() -> None:
    model, name = Model(), next(names)
    await ask(model.limited(rpm=1, name=name))
    gc.collect()
    await ask(model.limited(rpm=1, name=name))
    assert model.times == [0, 60]


def test_two_of_one_name_must_agree_on_the_settings() -> None:
    name = next(names)
    model = rg.scripted()
    rg.limit(model, rpm=60, name=name)
    with pytest.raises(InvalidGeneratorError, match=r"rpm is 60 there and 30 here") as caught:
        rg.get_generator(f"limit(scripted!{model.model}),rpm=30,name={name}")
    assert caught.value.piece == f"name={name}"


def test_a_name_holds_across_threads_and_event_loops() -> None:
    most, under_way, name = 0, 0, next(names)

    async def reply(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return "Hi."

    async def several() -> None:
        limited = rg.limit(FunctionGenerator(reply), concurrency=1, name=name)
        await asyncio.gather(*(ask(limited) for _ in range(10)))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(asyncio.run, several()) for _ in range(8)]:
            done.result()
    assert most == 1


def test_a_loop_that_ends_while_some_wait_takes_their_places_with_it() -> None:
    limited = Model(latency=1000).limited(concurrency=1)

    async def leave() -> None:
        for _ in range(3):
            asyncio.create_task(ask(limited))  # noqa: RUF006 — left behind on purpose
        await asyncio.sleep(0)

    asyncio.run(leave())
    quick = rg.scripted("Hi.")
    assert limited.limit == 1
    asyncio.run(asyncio.wait_for(ask(limited.model_copy(update={"inner": quick})), 5))
    assert quick.remaining == 0
