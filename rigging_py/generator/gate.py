"""`Gate`: who may ask now, and who waits for how long; first come, first served, from any event loop or thread."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from weakref import WeakSet

from rigging_py.generator.aimd import Aimd, Event, after
from rigging_py.generator.clock import CLOCK, Clock

MINUTE = 60.0
_NEVER = float("inf")


@dataclass(slots=True)
class Entry:
    """An amount that a window counts from a time on."""

    time: float
    amount: float


class Window:
    """At most `limit` in any minute, or in as many seconds as are given."""

    def __init__(self, limit: float, seconds: float = MINUTE) -> None:
        self.limit, self.seconds = limit, seconds
        self._entries: deque[Entry] = deque()
        self._total = 0.0

    def opens(self, now: float, amount: float) -> float:
        """When so much more fits in. What is more than the limit fits in when nothing else is there."""
        self._forget(now)
        excess = self._total + min(amount, self.limit) - self.limit
        if excess <= 0:
            return now
        for entry in self._entries:
            excess -= entry.amount
            if excess <= 0:
                return entry.time + self.seconds
        return self._entries[-1].time + self.seconds  # sums of fractions are not exact

    def add(self, now: float, amount: float) -> Entry:
        """Counts it from now on."""
        entry = Entry(now, amount)
        if self.limit < _NEVER:
            self._entries.append(entry)
            self._total += amount
        return entry

    def settle(self, entry: Entry, amount: float) -> None:
        """Counts another amount in its place."""
        if self._entries and entry.time >= self._entries[0].time:
            self._total += amount - entry.amount
        entry.amount = amount

    def _forget(self, now: float) -> None:
        while self._entries and self._entries[0].time + self.seconds <= now:
            self._total -= self._entries.popleft().amount
        if not self._entries:
            self._total = 0.0


@dataclass(slots=True)
class Place:
    """A request that is under way: since when, and what is counted of it."""

    started: float
    tokens: Entry


@dataclass(slots=True, eq=False)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    tokens: float
    opens: float = _NEVER
    """When to look again if nobody wakes it."""
    woken: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if _is_running(self.loop):
            self._wake()
        else:
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self.woken is not None and not self.woken.done():
            self.woken.set_result(None)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is its thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


class Gate:
    """Limits that several share: requests at once, requests in a time, tokens in a time; None for any number.

    With `aimd` the number at once is found out.
    """

    def __init__(
        self,
        clock: Clock = CLOCK,
        *,
        concurrency: int | None = None,
        requests: Window | None = None,
        tokens: Window | None = None,
        aimd: Aimd | None = None,
    ) -> None:
        self.clock, self.aimd = clock, aimd
        self._concurrency = _NEVER if concurrency is None else concurrency
        self._requests = requests or Window(_NEVER)
        self._tokens = tokens or Window(_NEVER)
        self._paused_until = float("-inf")
        self.forget_who_is_here()
        _gates.add(self)

    @property
    def limit(self) -> float:
        """How many may be under way at once now."""
        return self._concurrency if self.aimd is None else self.aimd.limit

    def forget_who_is_here(self) -> None:
        """Gives the places of all who are under way or waiting to others, in a process where none of them is."""
        self._under_way = 0
        self._waiting: OrderedDict[_Waiter, None] = OrderedDict()  # thousands may leave at once
        self._lock = Lock()

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None, None]:
        """A place, waited for on entering and given back on leaving."""
        place = await self.enter()
        try:
            yield
        finally:
            self.leave(place)

    async def enter(self, tokens: float = 0) -> Place:
        """Waits for a place, behind those who came before, and takes it; `leave` gives it back."""
        waiter = _Waiter(asyncio.get_running_loop(), tokens)
        with self._lock:
            self._waiting[waiter] = None
        try:
            while (place := self._admitted(waiter)) is None:
                await self._until_woken(waiter)
        except BaseException:
            with self._lock:
                self._waiting.pop(waiter, None)  # a closed loop has it removed
                self._wake_first()
            raise
        return place

    def leave(
        self, place: Place, *, tokens: float | None = None, event: Event | None = None, pause: float | None = None
    ) -> None:
        """Gives a place back, with how many tokens it was in truth, and for how many seconds nobody may ask."""
        with self._lock:
            now = self.clock.now()
            is_full, is_less = self._is_full(), tokens is not None and tokens < place.tokens.amount
            self._under_way -= 1
            if tokens is not None:
                self._tokens.settle(place.tokens, tokens)
            if pause is not None:
                self._paused_until = max(self._paused_until, now + pause)
            if self.aimd is not None and event is not None:
                self.aimd = after(self.aimd, event, now, started=place.started, is_full=is_full)
            # Who waits for a time would only look at each entry of the minute again.
            if is_less or ((first := self._first()) is not None and first.opens == _NEVER):
                self._wake_first()

    def _admitted(self, waiter: _Waiter) -> Place | None:
        """Its place, if it may ask now; otherwise it knows when to look again."""
        with self._lock:
            now = self.clock.now()
            waiter.opens = self._opens(now, waiter.tokens) if self._first() is waiter else _NEVER
            if waiter.opens > now:
                waiter.woken = waiter.loop.create_future()
                return None
            del self._waiting[waiter]
            self._under_way += 1
            self._requests.add(now, 1)
            place = Place(now, self._tokens.add(now, waiter.tokens))
            self._wake_first()
            return place

    def _is_full(self) -> bool:
        """Whether there is no room, or somebody was waiting for it who has not come yet."""
        return self._under_way >= self.limit or ((first := self._first()) is not None and first.opens == _NEVER)

    def _opens(self, now: float, tokens: float) -> float:
        if self._under_way >= self.limit:
            return _NEVER
        return max(now, self._paused_until, self._requests.opens(now, 1), self._tokens.opens(now, tokens))

    async def _until_woken(self, waiter: _Waiter) -> None:
        assert waiter.woken is not None
        if waiter.opens == _NEVER:
            await waiter.woken
            return
        sleep = asyncio.ensure_future(self.clock.sleep(waiter.opens - self.clock.now()))
        try:
            await asyncio.wait({sleep, waiter.woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()

    def _wake_first(self) -> None:
        while (first := self._first()) is not None:
            with suppress(RuntimeError):  # its loop was closed just now
                first.wake()
                break

    def _first(self) -> _Waiter | None:
        """Who is next; who waits on a loop that was closed waits no longer."""
        while (first := next(iter(self._waiting), None)) is not None and first.loop.is_closed():
            del self._waiting[first]
        return first


_gates: WeakSet[Gate] = WeakSet()


def _begin_anew() -> None:
    # Who was here when the process was forked is in the other one.
    for gate in _gates:
        gate.forget_who_is_here()


os.register_at_fork(after_in_child=_begin_anew)
