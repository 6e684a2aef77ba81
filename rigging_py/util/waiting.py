"""Waiting: `await_`, for places that cannot await, and whether the task that waits is being cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload  # one is a special case of several, and its answer another, as Rigging has it
def await_(coroutine: Coroutine[Any, Any, T], /) -> T: ...  # pyright: ignore[reportOverlappingOverload]
@overload
def await_(*coroutines: Coroutine[Any, Any, T]) -> list[T]: ...
def await_(*coroutines: Coroutine[Any, Any, Any]) -> Any:
    """Runs coroutines to their end and gives their results: one its own, several a list.

    They run on an event loop in a thread of its own, which stays for the next call, so this works in scripts, in
    notebooks, inside running loops (which it blocks) and inside coroutines that it runs itself. The first exception
    cancels the others and is raised once they have ended. So does Ctrl-C; a second one does not wait for them.
    """
    here, free = _take_worker()
    try:
        return free.run(coroutines)
    finally:
        if here is not None:
            here.is_waiting = False


def is_being_cancelled() -> bool:
    """Whether somebody cancels the task that runs; what it awaits may also let out the end of some other task."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def heeding(awaitable: Awaitable[T]) -> T:
    """What it gives, unless the task was cancelled meanwhile, which some extensions do not say when they are ready."""
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        return await awaitable
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


class _Worker:
    """An event loop in a thread of its own. While it waits inside of `await_` it can run nothing else."""

    def __init__(self) -> None:
        self.is_waiting = False
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._work, name="rigging_py.await_", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            # asyncio lets these two out of the loop; they are the caller's, who gets them from the task.
            with suppress(KeyboardInterrupt, SystemExit):
                self.loop.run_forever()

    def run(self, awaitables: tuple[Awaitable[Any], ...]) -> Any:
        """The results, waited for in the thread of the caller, in whose context the coroutines run."""
        ended: Future[asyncio.Task[Any]] = Future()
        tasks: list[asyncio.Task[Any]] = []

        def start() -> None:
            tasks.append(self.loop.create_task(_all(awaitables)))
            tasks[0].add_done_callback(ended.set_result)

        self.loop.call_soon_threadsafe(start)
        try:
            task = ended.result()
        except BaseException:  # only a signal's handler raises here
            self.loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            ended.result()
            raise
        return task.result()


async def _all(awaitables: tuple[Awaitable[Any], ...]) -> Any:
    if len(awaitables) == 1:
        return await awaitables[0]
    tasks = [asyncio.ensure_future(one) for one in awaitables]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_workers: list[_Worker] = []
_lock = threading.Lock()


def _take_worker() -> tuple[_Worker | None, _Worker]:
    """The worker in whose thread we are, if any, now waiting; and one that is free to run.

    A waiting worker is never chosen, so nobody waits in a circle. Threads that a fork left behind are not alive.
    """
    with _lock:
        _workers[:] = [one for one in _workers if one.thread.is_alive()]
        here = next((one for one in _workers if one.thread is threading.current_thread()), None)
        if here is not None:
            here.is_waiting = True
        free = next((one for one in _workers if not one.is_waiting), None)
        if free is None:
            free = _Worker()
            _workers.append(free)
        return here, free
