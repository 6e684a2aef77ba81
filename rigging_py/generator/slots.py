"""How many requests of a generator are under way at once, whoever makes them."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
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
