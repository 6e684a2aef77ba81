"""What a run tells while it streams, and the stream itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeAlias, TypeVar

from rigging_py.chat.chat import Chat
from rigging_py.error import Paused
from rigging_py.run import (
    AgentRun,
    DecisionRequest,
    PendingToolCall,
    StreamedArguments,
    StreamedInvalidToolCall,
    StreamedReasoning,
    StreamedText,
    StreamedToolCall,
    StreamedUsage,
    ToolResult,
)
from rigging_py.util import await_

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TurnDiscarded:
    """What came since the turn began is no answer, and the model is asked again; `feedback` is what it is told."""

    feedback: str


@dataclass(frozen=True, slots=True)
class ToolStartedEvent:
    """A tool is executed."""

    call: PendingToolCall


@dataclass(frozen=True, slots=True)
class ToolResultEvent:
    """A tool has given its result."""

    call: PendingToolCall
    result: ToolResult


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The run waits for decisions that nobody here makes; the stream ends with it, and the run can be resumed."""

    run: AgentRun
    requests: tuple[DecisionRequest, ...]


@dataclass(frozen=True, slots=True)
class ChatFinished:
    """The run is over, and its callbacks were called; this is the last event."""

    chat: Chat


ChatEvent: TypeAlias = (
    StreamedText
    | StreamedReasoning
    | StreamedToolCall
    | StreamedArguments
    | StreamedInvalidToolCall
    | StreamedUsage
    | TurnDiscarded
    | ToolStartedEvent
    | ToolResultEvent
    | RunPaused
    | ChatFinished
)
"""What a stream of a chat yields."""

Tell: TypeAlias = Callable[[ChatEvent], Awaitable[None]]
"""Takes an event, and waits while the reader is far behind."""

_AHEAD = 64
"""Events that may wait for their reader."""


class _Events:
    """Events on their way to the reader; the end is always let through, and stays."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ChatEvent | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_AHEAD)

    async def put(self, event: ChatEvent) -> None:
        await self._room.acquire()
        self._queue.put_nowait(event)

    def end(self) -> None:
        self._queue.put_nowait(None)

    async def get(self) -> ChatEvent | None:
        event = await self._queue.get()
        if event is None:
            # Others may be waiting.
            self.end()
        else:
            self._room.release()
        return event


class EventStream:
    """The events of one run, which begins when the first is asked for.

    Read it to its end, or leave it: dropping the stream, cancelling who waits for an event, `aclose()` and leaving
    `async with` cancel the run, its request and its tools. What the run raises is raised by the iteration.
    """

    def __init__(self, start: Callable[[Tell], Coroutine[Any, Any, None]]) -> None:
        self.start = start
        self._events = _Events()
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._last: ChatEvent | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatEvent:
        if self._is_over:
            raise StopAsyncIteration
        task = self._task or self._begin()
        if task.get_loop() is not asyncio.get_running_loop():
            raise RuntimeError("This stream began in another event loop; read it to its end there.")
        event = await self._next()
        if event is not None:
            self._last = event
            return event
        if not self._is_over:
            self._is_over = True
            task.result()
        raise StopAsyncIteration

    def _begin(self) -> asyncio.Task[None]:
        events = self._events
        self._task = asyncio.create_task(_started(self.start, events))
        self._task.add_done_callback(lambda task: _ended(task, events))
        return self._task

    async def _next(self) -> ChatEvent | None:
        try:
            return await self._events.get()
        except asyncio.CancelledError:
            # Nobody is left to read on, and the reader's frame may live for long.
            await self.aclose()
            raise

    async def texts(self) -> AsyncGenerator[str, None]:
        """The text of the answer in pieces, and nothing else. A turn that is asked for again comes again.

        Raises `Paused` when the run waits for a decision.
        """
        async for event in self:
            match event:
                case StreamedText(text):
                    yield text
                case RunPaused(run, requests):
                    raise Paused(run, requests)
                case _:
                    pass

    async def chat(self) -> Chat:
        """Reads on to the end, and gives the chat. Raises `Paused` when the run waits for a decision."""
        async for _ in self:
            pass
        if isinstance(self._last, RunPaused):
            raise Paused(self._last.run, self._last.requests)
        if not isinstance(self._last, ChatFinished):
            raise RuntimeError("This stream ended before its run was over, so there is no chat.")
        return self._last.chat

    def sync(self) -> Iterator[ChatEvent]:
        """The events, for code that cannot await."""
        try:
            while (event := await_(self._at_home(_next_of(self)))) is not None:
                yield event
        finally:
            await_(self._at_home(self.aclose()))

    async def _at_home(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` in the loop where the stream began; that of `await_` is not always the same."""
        loop = asyncio.get_running_loop() if self._task is None else self._task.get_loop()
        if loop is asyncio.get_running_loop():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def aclose(self) -> None:
        """Cancels the run, and waits until nothing of it is left. Raises `RuntimeError` in another event loop."""
        self._is_over = True
        if self._task is None or self._task.done():
            return
        if self._task.get_loop() is not asyncio.get_running_loop():
            raise RuntimeError("This stream began in another event loop; close it there.")
        self._task.cancel()
        await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        task = self._task
        if task is not None and not task.done() and not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(task.cancel)


async def _started(start: Callable[[Tell], Coroutine[Any, Any, None]], events: _Events) -> None:
    await start(events.put)


def _ended(task: asyncio.Task[None], events: _Events) -> None:
    if not task.cancelled():
        # Whoever closes or drops a stream does not want to know how it would have ended.
        task.exception()
    events.end()


async def _next_of(stream: EventStream) -> ChatEvent | None:
    return await anext(stream, None)
