"""Small helpers for the program around the package: `await_` for places that cannot await."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
def await_(coroutine: Coroutine[Any, Any, T], /) -> T: ...
@overload
def await_(*coroutines: Coroutine[Any, Any, T]) -> list[T]: ...
def await_(*coroutines: Coroutine[Any, Any, Any]) -> Any:
    """Runs coroutines to their end and gives their results: one its own, several a list.

    They run on one event loop in a thread of its own, so this works in scripts, in notebooks, and inside of running loops
    (which it blocks). The first exception cancels the others and is raised; so does Ctrl-C.
    """
    loop, thread = _background()
    if threading.current_thread() is thread:
        # That loop is the one waiting for us: go on in a thread of our own.
        return _in_new_thread(_all(coroutines))
    return _result(asyncio.run_coroutine_threadsafe(_all(coroutines), loop))


async def _all(coroutines: tuple[Coroutine[Any, Any, Any], ...]) -> Any:
    if len(coroutines) == 1:
        return await coroutines[0]
    tasks = [asyncio.ensure_future(one) for one in coroutines]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _in_new_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(asyncio.run(coroutine))
        except BaseException as error:  # noqa: BLE001 — carried to the caller's thread, whatever it is
            future.set_exception(error)

    threading.Thread(target=work, name="rigging_py.await_", daemon=True).start()
    return _result(future)


_lock = threading.Lock()


def _background() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    with _lock:
        return _start_background()


@cache
def _start_background() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="rigging_py.await_", daemon=True)
    thread.start()
    return loop, thread
