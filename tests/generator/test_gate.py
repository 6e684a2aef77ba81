"""Requests start no sooner after each other than they may, and no more at once, whoever makes them."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import rigging_py as rg
from rigging_py.generator.gate import Gate, Window


def paced(seconds: float) -> tuple[Gate, rg.VirtualClock]:
    """A gate that lets one in every so many seconds."""
    clock = rg.VirtualClock()
    return Gate(clock, requests=Window(1, seconds)), clock


async def test_requests_made_at_once_start_one_after_the_other() -> None:  # surface 3.2 no. 22
    gate, _ = paced(0.25)
    places = await asyncio.gather(*(gate.enter() for _ in range(6)))
    assert [place.started for place in places] == [0, 0.25, 0.5, 0.75, 1.0, 1.25]


async def test_who_comes_late_enough_does_not_wait() -> None:
    gate, clock = paced(0.25)
    await gate.enter()
    await clock.sleep(0.125)
    assert (await gate.enter()).started == 0.25
    await clock.sleep(1)
    assert (await gate.enter()).started == 1.25


async def test_who_is_cancelled_leaves_the_time_to_others() -> None:
    gate, clock = paced(0.5)
    await gate.enter()
    waiting = [asyncio.create_task(gate.enter()) for _ in range(4)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [(await gate.enter()).started for _ in range(2)] == [0.5, 1.0]
    assert clock.now() == 1.0


async def test_without_a_limit_nobody_waits() -> None:
    gate = Gate(rg.VirtualClock())
    places = await asyncio.gather(*(gate.enter() for _ in range(6)))
    assert [place.started for place in places] == [0] * 6


def test_requests_on_several_loops_keep_one_pace() -> None:
    gate = Gate(requests=Window(1, 0.01))
    with ThreadPoolExecutor(4) as pool:
        entered = [pool.submit(asyncio.run, gate.enter()) for _ in range(8)]
    times = sorted(one.result().started for one in entered)
    assert all(later - earlier >= 0.01 for earlier, later in pairwise(times))
    assert times[-1] <= time.monotonic()


def test_a_gate_works_under_one_loop_after_the_other() -> None:  # surface 3.2 no. 22
    gate, taken = Gate(concurrency=1), list[int]()

    async def work() -> None:
        async def one() -> None:
            async with gate.one():
                taken.append(len(taken))
                await asyncio.sleep(0)

        await asyncio.gather(one(), one(), one())

    asyncio.run(work())
    asyncio.run(work())
    assert taken == list(range(6))
