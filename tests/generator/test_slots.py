"""Requests start no sooner after each other than they may, whoever makes them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from rigging_py.generator.slots import Pace, Slots


@dataclass
class Clock:
    """Time that stands still but for those who sleep; these come back when it is their time."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list[float])

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def test_requests_made_at_once_start_one_after_the_other() -> None:  # surface 3.2 no. 22
    clock = Clock()
    pace = Pace(0.25, clock=clock, sleep=clock.sleep)
    await asyncio.gather(*(pace.start() for _ in range(6)))
    assert clock.slept == [0.25, 0.5, 0.75, 1.0, 1.25]


async def test_who_comes_late_enough_does_not_wait() -> None:
    clock = Clock()
    pace = Pace(0.25, clock=clock, sleep=clock.sleep)
    await pace.start()
    clock.now += 0.125
    await pace.start()
    clock.now += 1
    await pace.start()
    assert clock.slept == [0.125]


async def test_who_is_cancelled_leaves_the_time_to_others() -> None:
    clock = Clock()
    is_night = True

    async def sleep(seconds: float) -> None:
        await (asyncio.sleep(3600) if is_night else clock.sleep(seconds))

    pace = Pace(0.5, clock=clock, sleep=sleep)
    await pace.start()
    waiting = [asyncio.create_task(pace.start()) for _ in range(4)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    is_night = False
    clock.now += 0.75
    for _ in range(5):
        await pace.start()
    assert clock.slept == [0.25, 0.75, 1.25, 1.75, 2.25]


async def test_without_a_delay_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(0, clock=clock, sleep=clock.sleep)
    await asyncio.gather(*(pace.start() for _ in range(6)))
    assert clock.slept == []


def test_requests_on_several_loops_keep_one_pace() -> None:
    clock = Clock()
    pace = Pace(0.5, clock=clock, sleep=clock.sleep)
    with ThreadPoolExecutor(4) as pool:
        started = [pool.submit(asyncio.run, pace.start()) for _ in range(8)]
    assert [one.result() for one in started] == [None] * 8
    assert sorted(clock.slept) == [0.5 * one for one in range(1, 8)]


def test_slots_work_under_one_loop_after_the_other() -> None:  # surface 3.2 no. 22
    slots, taken = Slots(1), list[int]()

    async def work() -> None:
        async def one() -> None:
            async with slots.one():
                taken.append(len(taken))
                await asyncio.sleep(0)

        await asyncio.gather(one(), one(), one())

    asyncio.run(work())
    asyncio.run(work())
    assert taken == list(range(6))
