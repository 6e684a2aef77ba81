"""`Clock`: what waits ask for the time; and `VirtualClock`, on which tests wait without waiting."""

from __future__ import annotations

import asyncio
import time
from heapq import heappop, heappush
from itertools import count

_IDLE_ROUNDS = 50
"""Rounds of the event loop in which something else may still be going on."""


class Clock:
    """The time, which passes by itself, in seconds from some moment."""

    def now(self) -> float:
        """Seconds; only differences mean something."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


CLOCK = Clock()


class VirtualClock(Clock):
    """A clock for tests: when all that is left to do is to wait for it, it moves to when the first wait ends.

    It belongs to one event loop and knows of no waits for anything else, such as a server.
    """

    def __init__(self, now: float = 0.0) -> None:
        self._now = now
        self._waits: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._idle = 0
        self._is_ticking = False

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        heappush(self._waits, (self._now + max(seconds, 0.0), next(self._numbers), ended))
        self._idle = 0
        if not self._is_ticking:
            self._is_ticking = True
            loop.call_soon(self._tick, loop)
        await ended

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._idle += 1
        self._drop_those_cancelled()
        if self._waits and self._idle > _IDLE_ROUNDS:
            self._now, self._idle = self._waits[0][0], 0
            while self._waits and self._waits[0][0] <= self._now:
                heappop(self._waits)[2].set_result(None)
                self._drop_those_cancelled()
        self._is_ticking = bool(self._waits)
        if self._is_ticking:
            loop.call_soon(self._tick, loop)

    def _drop_those_cancelled(self) -> None:
        while self._waits and self._waits[0][2].done():
            heappop(self._waits)
