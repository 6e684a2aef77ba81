"""From event loops to the one thread of a device and back: `Mailbox` brings pieces, `Batcher` gathers who waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from copy import copy
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 — what comes in, beside what goes out
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in a mailbox."""

    error: BaseException | None


class Mailbox(Generic[T]):
    """What threads put in, for the task of the running event loop to take out."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[T | _End] = asyncio.Queue()
        self._is_closed = threading.Event()

    @property
    def is_closed(self) -> bool:
        """Whether nobody takes anything out any more, so that the work for it can stop."""
        return self._is_closed.is_set()

    def put(self, item: T) -> None:
        """Brings an item; from any thread."""
        self._bring(item)

    def end(self, error: BaseException | None = None) -> None:
        """Says that nothing more comes, or raises the error there; from any thread, and the first one counts."""
        self._bring(_End(error))

    async def items(self) -> AsyncGenerator[T, None]:
        """What was put in, until the end. Closing the iterator closes the mailbox."""
        try:
            while not isinstance(item := await self._arrived.get(), _End):
                yield item
            if item.error is not None:
                raise item.error
        finally:
            self._is_closed.set()

    def _bring(self, item: T | _End) -> None:
        if not self.is_closed:
            try:
                self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)
            except RuntimeError:  # the loop has gone, and nobody waits any more
                self._is_closed.set()


@dataclass(frozen=True, slots=True, eq=False)
class Job(Generic[I, O]):
    """Something to work on, and where its pieces go.

    Attributes:
        item: what was asked for.
        key: jobs of one key can be worked on together.
        since: when it came, in seconds of the batcher's clock.
        box: takes the pieces, then the end; it is closed when nobody waits for them.
    """

    item: I
    key: Hashable
    since: float
    box: Mailbox[O]


class Batcher(Generic[I, O]):
    """One thread that works on whoever waits, the longest waiting first and all of its key together.

    `work` is given from one to `most` jobs, and ends each: with an error of its own, or by returning or raising, which
    ends those that are left. A first job waits for `window` seconds, so that those that come with it are not left for
    the next round; who came while the device was busy has waited already. Any event loop may ask.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Job[I, O]]], None],
        *,
        key: Callable[[I], Hashable] = lambda _: None,
        most: int = 16,
        window: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._work, self._key, self._most, self._window = work, key, most, window
        self._clock, self._sleep = clock, sleep
        self._waiting: list[Job[I, O]] = []
        """Who came and was not taken, the first first."""
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rigging_py.batcher")

    async def stream(self, item: I) -> AsyncGenerator[O, None]:
        """The pieces for one item. Closing the iterator takes it out of the queue, or tells the work under way."""
        job: Job[I, O] = Job(item, self._key(item), self._clock(), Mailbox())
        with self._lock:
            self._waiting.append(job)
        self._thread.submit(self._round)
        try:
            async with aclosing(job.box.items()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            with self._lock, suppress(ValueError):
                self._waiting.remove(job)

    def take(self, most: int) -> list[Job[I, O]]:
        """Takes up to `most` jobs of one key out of the queue; for work that lets others join while it goes on."""
        with self._lock:
            jobs = self._next(most)
            self._waiting = [job for job in self._waiting if job not in jobs]
        return jobs

    def _next(self, most: int) -> list[Job[I, O]]:
        return [job for job in self._waiting if job.key == self._waiting[0].key][:most]

    def _round(self) -> None:
        # There is one round for each job that came; most find that an earlier one has taken theirs.
        if rest := self._rest():
            self._sleep(rest)
        jobs = self.take(self._most)
        if not jobs:
            return
        try:
            self._work(jobs)
        except BaseException as error:  # noqa: BLE001 — the wall between the device and those who wait
            end_all(jobs, error)
        end_all(jobs)

    def _rest(self) -> float:
        """Seconds that the first one still waits for company."""
        with self._lock:
            jobs = self._next(self._most)
        return max(jobs[0].since + self._window - self._clock(), 0) if 0 < len(jobs) < self._most else 0


def end_all(jobs: Sequence[Job[I, O]], error: BaseException | None = None) -> None:
    """Ends those that have not ended, each with an error object of its own: whoever catches it may write on it."""
    for job in jobs:
        job.box.end(_copied(error) if error is not None else None)


def _copied(error: BaseException) -> BaseException:
    try:
        twin = copy(error)
    except Exception:  # noqa: BLE001 — some cannot be made again
        return error
    return twin.with_traceback(error.__traceback__) if type(twin) is type(error) else error
