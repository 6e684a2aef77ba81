"""Where litellm works: one event loop in a thread of its own, and one session, which follows no redirect.

litellm keeps its clients, its queue of what is to be logged and the task that works it off for one event loop at a
time. Under `asyncio.run` after `asyncio.run`, or loops in several threads, they would pile up, or be of a loop that is
closed.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from rigging_py.error import InvalidError, NetworkRefusedError
from rigging_py.generator.network import redirect_to, refuse_outside, shown_address

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession

T = TypeVar("T")
_MOVED = (300, 301, 302, 303, 307, 308)
_AHEAD = 256
"""Chunks of a stream that may wait to be read."""
_GOODBYE = 1.0
"""Seconds that connections have to be closed in when the process ends."""


async def there(work: Coroutine[Any, Any, T]) -> T:
    """What the coroutine gives, run on litellm's loop in the context of the caller, whose cancelling cancels it."""
    future = asyncio.run_coroutine_threadsafe(work, litellms_thread().loop)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        future.add_done_callback(_let_go)
        raise


def _let_go(future: Future[Any]) -> None:
    """Closes a stream that was opened for somebody who had just left."""
    if not future.cancelled() and future.exception() is None and isinstance(stream := future.result(), ReadAhead):
        asyncio.run_coroutine_threadsafe(stream.aclose(), litellms_thread().loop)


class ReadAhead:
    """The chunks of a stream, read on litellm's loop as they come: what aiohttp holds when a connection breaks is lost.

    To be made and used on that loop.
    """

    def __init__(self, chunks: Any) -> None:
        self.chunks = chunks
        self._read: asyncio.Queue[Any] = asyncio.Queue(_AHEAD)
        self._task = asyncio.create_task(self._reading())

    async def _reading(self) -> None:
        try:
            async for chunk in self.chunks:
                await self._read.put(chunk)
            await self._read.put(None)
        except Exception as error:  # noqa: BLE001 — whoever reads gets it
            await self._read.put(error)

    async def some(self) -> list[Any]:
        """The next chunks that are there, at least one; an exception or None is the last."""
        chunks = [await self._read.get()]
        while not self._read.empty():
            chunks.append(self._read.get_nowait())
        return chunks

    async def aclose(self) -> None:
        """Closes the connection."""
        self._task.cancel()
        await asyncio.wait([self._task])
        if hasattr(self.chunks, "aclose"):
            await self.chunks.aclose()


@cache
def litellms_thread() -> LiteLLMsThread:
    """The thread, which is begun with the first call and ends with the process."""
    thread = LiteLLMsThread()
    # After litellm's own, so that it runs before: the connections have to be closed by the loop that they are of.
    atexit.register(thread.end)
    return thread


os.register_at_fork(after_in_child=litellms_thread.cache_clear)


class LiteLLMsThread:
    """An event loop that runs in a daemon thread, and what belongs to it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="rigging_py.litellm", daemon=True).start()

    @cached_property
    def session(self) -> ClientSession:
        """What requests go through; to be asked for on the loop."""
        from aiohttp import ClientSession, DummyCookieJar, TCPConnector

        # How many there are at once is the generator's affair.
        return ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar(), middlewares=(_guarded,))

    @cached_property
    def client(self) -> Any:
        """litellm's own client over that session, for the providers of which it passes no session on."""
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        return AsyncHTTPHandler(shared_session=self.session)

    def end(self) -> None:
        """Closes the connections and stops the loop."""
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(_GOODBYE)
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=_GOODBYE / 2) if others else None
        if "session" in vars(self):
            await self.session.close()


async def _guarded(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Sends nothing out of a machine that is not to be left, and takes no redirect, whose target might get the key."""
    url = str(request.url)
    try:
        refuse_outside(url)
        refuse_outside(url if request.proxy is None else "a proxy")
    except NetworkRefusedError as error:
        # After an OSError, which this is, litellm would try again past this session.
        raise ValueError("refused") from error
    response = await send(request)
    place = redirect_to(url, response.headers.get("location")) if response.status in _MOVED else None
    if place is None:
        return response
    response.close()
    raise InvalidError(
        f"{shown_address(url)} answered HTTP {response.status}: it redirects to {place}. Redirects are not followed; "
        "give the address it leads to.",
        provider="litellm",
        status=response.status,
    )
