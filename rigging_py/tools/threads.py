"""Threads for tools that are not async: kept for the next call, and never waited for when the process ends."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Job: TypeAlias = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], object]]
MAX_IDLE = 32
"""How many threads are kept for later calls; there may be more at work."""

# asyncio.to_thread has a few threads, so that a few calls that never return would stop all others, and Python
# waits for those threads before it exits.
_idle: list[SimpleQueue[Job]] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function in a daemon thread, with the context variables of here.

    When the caller is cancelled, the thread goes on, and nobody hears of what it gives.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    work = partial(contextvars.copy_context().run, partial(_without_stop_iteration, call, *args, **kwargs))
    _jobs_of_a_thread().put((loop, future, work))
    try:
        return await future
    finally:
        del future  # it holds the error, which holds this frame


def _jobs_of_a_thread() -> SimpleQueue[Job]:
    try:
        return _idle.pop()
    except IndexError:
        jobs: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=_work, args=(jobs,), name="rigging_py tool", daemon=True).start()
        return jobs


def _work(jobs: SimpleQueue[Job]) -> None:
    # No name here holds what was done while waiting for more.
    while _do(jobs, *jobs.get()):
        pass


def _do(
    jobs: SimpleQueue[Job], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], work: Callable[[], object]
) -> bool:
    """Whether the thread is kept. It offers itself before it tells, or the next call would start another one."""
    tell: Callable[[], None]
    try:
        tell = partial(_tell, future, work(), None)
    except BaseException as error:  # noqa: BLE001 — the wall of the thread: whoever waits gets what was raised
        tell = partial(_tell, future, None, error)
    is_kept = len(_idle) < MAX_IDLE
    if is_kept:
        _idle.append(jobs)
    with suppress(RuntimeError):  # the loop is closed: nobody waits any longer
        loop.call_soon_threadsafe(tell)
    del tell, future  # they hold the error, which holds this frame
    return is_kept


def _tell(future: asyncio.Future[Any], value: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def _without_stop_iteration(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return call(*args, **kwargs)
    except StopIteration as stop:
        # No future can hold one. A coroutine makes the same of it.
        raise RuntimeError("The tool raised StopIteration.") from stop
