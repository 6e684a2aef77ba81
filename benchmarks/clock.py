"""CPU time of this process, all its threads included: what others do meanwhile is not counted."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

IN_FLIGHT = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call took: µs of CPU, and µs of wall-clock time."""

    cpu: float
    wall: float


async def cost_of(call: Callable[[], Awaitable[object]], count: int, *, in_flight: int = IN_FLIGHT) -> Cost:
    """The cost of one call, over `count` of them with `in_flight` at once."""
    turns = iter(range(count))

    async def work() -> None:
        for _ in turns:
            await call()

    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return Cost((time.process_time() - cpu) / count * 1e6, (time.perf_counter() - wall) / count * 1e6)


_OURS = (os.cpu_count() or 1) - 1


def stay_on_one_core() -> None:
    """Keeps this process on one core of the machine, where the system can; to be called before it has other threads."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {_OURS})


def leave_that_core() -> None:
    """Keeps this process, which was started by one that stays on a core, on the others."""
    if sys.platform == "linux" and _OURS:
        os.sched_setaffinity(0, range(_OURS))


def open_many_files() -> None:
    """Allows this process as many connections as the system lets it have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def best(costs: list[Cost]) -> Cost:
    """The cheapest: whatever is above it was something else on this machine."""
    return min(costs, key=lambda cost: cost.cpu)


def each(call: Callable[[], object], *, seconds: float = 0.15, rounds: int = 3) -> float:
    """µs of CPU that a call takes, best of `rounds`, each of about `seconds`."""
    call()
    count, spent = 1, 0.0
    while spent < seconds / 10:
        count *= 2
        spent = _spent(call, count)
    count = max(1, int(count * seconds / spent))
    return min(_spent(call, count) for _ in range(rounds)) / count * 1e6


def _spent(call: Callable[[], object], count: int) -> float:
    gc.collect()
    before = time.process_time()
    for _ in range(count):
        call()
    return time.process_time() - before
