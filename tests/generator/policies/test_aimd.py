"""How many calls at once a provider bears is found by trying, and found again when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import RateLimitedError
from rigging_py.generator import FunctionGenerator, Limit
from rigging_py.generator.aimd import Aimd, Event, after
from tests.generator.policies.aimd_traces import TRACES, Trace


@dataclass
class Provider:
    """Bears what the trace says, and writes down what was asked."""

    trace: Trace
    clock: rg.VirtualClock
    under_way: int = 0
    answered: int = 0
    refused: list[float] = field(default_factory=list[float])
    asked: list[float] = field(default_factory=list[float])

    @property
    def limit(self) -> int:
        return next(bears for since, bears in reversed(self.trace.bears) if self.clock.now() >= since)

    async def __call__(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        self.asked.append(self.clock.now())
        is_refused = self.under_way >= self.limit
        self.under_way += not is_refused
        try:
            await self.clock.sleep(self.trace.notice if is_refused else self.trace.latency)
        finally:
            self.under_way -= not is_refused
        if is_refused:
            self.refused.append(self.clock.now())
            raise RateLimitedError("Too many.", retry_after=self.trace.retry_after)
        self.answered += 1
        return "Hi."


async def watched(trace: Trace) -> tuple[Provider, list[tuple[float, float]]]:
    """Plays a trace: what the provider saw, and the limit at each half second."""
    clock = rg.VirtualClock()
    provider = Provider(trace, clock)
    limited = rg.limit(
        FunctionGenerator(provider), adaptive=True, floor=trace.floor, concurrency=trace.ceiling, clock=clock
    )
    seen: list[tuple[float, float]] = []
    callers = [asyncio.create_task(asking(limited)) for _ in range(trace.callers)]
    while clock.now() < trace.seconds:
        await clock.sleep(0.5)
        seen.append((clock.now(), limited.limit))
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    return provider, seen


async def asking(limited: Limit) -> None:
    while True:
        await limited.generate_messages([[rg.Message("user", "Hello")]], [rg.GenerateParams()])


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)
async def test_the_limit_is_found(trace: Trace) -> None:
    provider, seen = await watched(trace)
    for start, end, least, most in trace.finds:
        limits = [limit for now, limit in seen if start <= now < end]
        assert least <= min(limits), trace.name
        assert max(limits) <= most, trace.name
    assert len(provider.refused) * 100 <= trace.refused * provider.answered


async def test_a_pause_that_is_asked_for_is_one_for_all() -> None:
    trace = next(trace for trace in TRACES if trace.retry_after)
    provider, _ = await watched(trace)
    pause = trace.retry_after or 0
    assert provider.refused
    assert [(no, at) for no in provider.refused for at in provider.asked if no < at < no + pause - 1e-6] == []


kinds: list[Event] = ["succeeded", "limited"]
events = st.lists(st.tuples(st.sampled_from(kinds), st.floats(0, 10), st.floats(0, 10), st.booleans()), max_size=60)


@given(floor=st.integers(1, 5), more=st.integers(0, 20), events=events)
def test_it_stays_between_floor_and_ceiling_whatever_happens(
    floor: int, more: int, events: list[tuple[Event, float, float, bool]]
) -> None:
    state, now = Aimd(floor + more // 2, floor, floor + more), 0.0
    for event, passed, ago, is_full in events:
        now += passed
        state = after(state, event, now, started=now - ago, is_full=is_full)
        assert floor <= state.limit <= floor + more


def test_the_refusals_of_one_window_count_once() -> None:
    state = after(Aimd(10), "limited", 5, started=4, is_full=True)
    assert state.limit == 7
    assert after(state, "limited", 6, started=4.5, is_full=True) == state
    assert after(state, "limited", 7, started=6, is_full=True).limit == 4


@pytest.mark.parametrize(("limit", "successes"), [(1, 10), (3, 10), (12, 12), (40, 40)])
def test_it_grows_by_one_when_as_many_succeeded_as_there_is_room_for(limit: int, successes: int) -> None:
    state = Aimd(limit)
    for now in range(successes):
        assert state.limit == limit
        state = after(state, "succeeded", now + 1, started=now, is_full=True)
    assert state == Aimd(limit + 1)


def test_a_success_with_room_to_spare_says_nothing() -> None:
    state = Aimd(3)
    assert after(state, "succeeded", 1, started=0, is_full=False) == state
