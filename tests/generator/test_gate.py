"""Requests start no sooner after each other than they may, and no more at once, whoever makes them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
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


async def test_thousands_who_leave_at_once_cost_no_more_each_than_a_few() -> None:
    async def seconds_to_leave(count: int) -> float:
        gate = Gate(rg.VirtualClock(), concurrency=1)
        await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(count)]
        await asyncio.sleep(0)
        begun = time.process_time()
        for one in reversed(waiting):
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return time.process_time() - begun

    gc.disable()  # its own time grows faster
    try:
        few = max([await seconds_to_leave(2_000) for _ in range(3)])
        assert await seconds_to_leave(20_000) < 30 * few
    finally:
        gc.enable()


def test_who_waited_on_a_loop_that_was_closed_holds_up_nobody() -> None:
    gate = Gate(concurrency=1)
    place = asyncio.run(gate.enter())
    loop = asyncio.new_event_loop()
    left = loop.create_task(gate.enter())
    loop.run_until_complete(asyncio.sleep(0))
    gate.leave(place)
    loop.close()
    asyncio.run(asyncio.wait_for(gate.enter(), 10))
    left.get_coro().close()
    left._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio would tell of it


def test_in_a_forked_process_the_places_of_the_other_are_free() -> None:
    gate = Gate(concurrency=1)
    asyncio.run(gate.enter())
    child = os.fork()
    if not child:
        threading.Timer(20, os._exit, (1,)).start()
        asyncio.run(gate.enter())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


async def test_who_waits_for_a_minute_to_pass_is_not_woken_by_each_who_leaves() -> None:
    class Counting(rg.VirtualClock):
        sleeps = 0

        async def sleep(self, seconds: float) -> None:
            self.sleeps += 1
            await super().sleep(seconds)

    clock = Counting()
    gate = Gate(clock, tokens=Window(1000))
    places = [await gate.enter(1) for _ in range(1000)]
    late = asyncio.create_task(gate.enter(1))
    await asyncio.sleep(0)
    for place in places:
        gate.leave(place, tokens=100)
        await asyncio.sleep(0)
    assert (await late).started == 60
    assert clock.sleeps == 1
