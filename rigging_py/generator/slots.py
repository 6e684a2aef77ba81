"""How many requests of a generator are under way at once, and how soon one follows another, whoever makes them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from heapq import heappop, heappush
from weakref import WeakKeyDictionary


class Slots:
    """Room for `limit` requests at once on each event loop that makes some; 0 for any number."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # A semaphore belongs to the loop that waits on it.
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def one(self) -> AbstractAsyncContextManager[None]:
        """A slot, waited for on entering and given back on leaving."""
        if not self.limit:
            return nullcontext()
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = asyncio.Semaphore(self.limit)
        return self._by_loop[loop]


class Pace:
    """At least `seconds` between the starts of two requests, on whatever event loops these are."""

    def __init__(
        self,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.seconds = seconds
        self._clock, self._sleep = clock, sleep
        self._free = clock()
        self._given_back: list[float] = []
        """Starts that nobody waits for any longer, the earliest first."""
        self._lock = threading.Lock()

    async def start(self) -> None:
        """Waits until the next request may start; who is cancelled meanwhile leaves the time to others."""
        if not self.seconds:
            return
        with self._lock:
            now = self._clock()
            start = self._next_from(now)
        try:
            if start > now:
                await self._sleep(start - now)
        except BaseException:
            with self._lock:
                heappush(self._given_back, start)
            raise

    def _next_from(self, now: float) -> float:
        while self._given_back:
            start = heappop(self._given_back)
            if start >= now:
                return start
        start = max(now, self._free)
        self._free = start + self.seconds
        return start
