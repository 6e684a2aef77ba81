"""On a virtual clock tests wait as long as they like, in no time."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.generator import Clock


@given(waits=st.lists(st.floats(0, 1e6), max_size=20))
def test_waits_end_in_their_order_at_their_times(waits: list[float]) -> None:
    clock, ended = rg.VirtualClock(), list[tuple[float, float]]()

    async def wait(seconds: float) -> None:
        await clock.sleep(seconds)
        ended.append((seconds, clock.now()))

    async def run() -> None:
        await asyncio.gather(*map(wait, waits))

    asyncio.run(run())
    assert ended == [(seconds, seconds) for seconds in sorted(waits)]


async def test_time_stands_still_while_something_goes_on() -> None:
    clock = rg.VirtualClock(100)
    waiting = asyncio.create_task(clock.sleep(1))
    for _ in range(10):
        await asyncio.sleep(0)
        assert clock.now() == 100
    await waiting
    assert clock.now() == 101


async def test_a_wait_that_was_cancelled_takes_no_time() -> None:
    clock = rg.VirtualClock()
    waiting = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0)
    waiting.cancel()
    await clock.sleep(1)
    assert clock.now() == 1
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_real_clock_goes_on_by_itself() -> None:
    clock, before = Clock(), time.monotonic()
    await clock.sleep(0)
    assert before <= clock.now() <= time.monotonic()
