"""One session with a server of the Model Context Protocol, and the task that owns it from its beginning to its end."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rigging_py.error import RiggingError, ToolServerError, ToolWarning
from rigging_py.tools.mcp_transport import Transport

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")


@asynccontextmanager
async def session(transport: Transport, refresh: Callable[[Client], Awaitable[None]]) -> AsyncGenerator[Client]:
    """The official client on a transport; `refresh` reads the tools, at first and whenever they have changed."""
    import anyio
    from mcp import Client, MCPError
    from mcp_types import ToolListChangedNotification

    changed = asyncio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed.set()

    async def follow() -> None:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await refresh(client)
            except (MCPError, ToolServerError, ValueError) as error:
                warnings.warn(f"The changed tools of {transport.shown!r} could not be read: {error}", ToolWarning, 2)

    async with (
        Client(transport.open(), message_handler=hear) as client,
        _subscription(client),
        anyio.create_task_group() as tasks,
    ):
        await refresh(client)
        tasks.start_soon(follow)
        yield client
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _subscription(client: Client) -> AsyncGenerator[None]:
    """Newer servers tell of changes only to those who ask; older ones cannot be asked, and tell everybody."""
    from mcp import MCPError

    async with AsyncExitStack() as stack:
        offered = client.server_capabilities.tools
        if offered is not None and offered.list_changed:
            # The second is what the client raises for older servers, and for a stream that ended at once.
            with suppress(MCPError, RuntimeError):
                await stack.enter_async_context(client.listen(tools_list_changed=True))
        yield


class Owner:
    """The task that opens a session, keeps it, and closes it.

    A session has cancel scopes that must be left by the task that entered them, while those who use a client enter
    and leave it wherever they are: in a task of a gather, in a fixture, in another event loop.
    """

    def __init__(self, shown: str, opened: AbstractAsyncContextManager[Client]) -> None:
        from anyio import CancelScope

        self.shown = shown
        self._loop = asyncio.get_running_loop()
        self._scope, self._leave = CancelScope(), asyncio.Event()
        self._client: asyncio.Future[Client] = self._loop.create_future()
        self._task = self._loop.create_task(self._own(opened), name=f"rigging_py mcp {shown}")

    async def _own(self, opened: AbstractAsyncContextManager[Client]) -> None:
        with self._scope:
            async with opened as client:
                self._client.set_result(client)
                await self._leave.wait()

    async def opened(self, seconds: float) -> None:
        """Waits until the session is open. Raises `ToolServerError` if it fails, or takes longer than `seconds`."""
        either: list[asyncio.Future[Any]] = [self._task, self._client]
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await self._ended(self._scope.cancel)
            raise ToolServerError(self.shown, f"was not ready in {seconds:g} s. Raise init_timeout.") from None
        except asyncio.CancelledError:
            await self._ended(self._scope.cancel)
            raise
        if not self._client.done():
            failure = _first(self.failure)
            # What a client raises may hold the whole address, so it is told in our words and not attached.
            raise failure if isinstance(failure, RiggingError) else ToolServerError(self.shown, _told(failure))

    @property
    def client(self) -> Client:
        """The official client."""
        return self._client.result()

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._task.done()

    @property
    def failure(self) -> BaseException | None:
        """What ended the session before its time."""
        return None if not self.is_over or self._task.cancelled() else self._task.exception()

    async def ask(self, request: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """What a request gives. Raises `ToolServerError` when the connection is closed, or was closed meanwhile."""
        from mcp import MCPError
        from mcp_types import CONNECTION_CLOSED

        if self.is_over:
            raise ToolServerError(self.shown, "is no longer connected. Enter the client again.")
        try:
            return await self._at_home(lambda: request(self.client))
        except MCPError as error:
            if error.code == CONNECTION_CLOSED:
                raise ToolServerError(self.shown, "closed the connection. Enter the client again.") from None
            raise

    async def close(self) -> None:
        """Ends the session and waits until nothing of it is left."""
        if not self.is_over:
            await self._at_home(lambda: self._ended(self._leave.set))

    async def _at_home(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Runs in the event loop that the session lives in, which may be another one than the caller's."""
        if asyncio.get_running_loop() is self._loop:
            return await work()
        if not self._loop.is_running():
            raise ToolServerError(self.shown, "is connected to an event loop that does not run. Use it in one loop.")
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def _ended(self, end: Callable[[], object]) -> None:
        """Tells the task to end and waits for it; who is cancelled meanwhile hurries it, and waits all the same."""
        end()
        was_cancelled = False
        while not self.is_over:
            try:
                await asyncio.wait({self._task})
            except asyncio.CancelledError:
                was_cancelled = True
                self._scope.cancel()
        if was_cancelled:
            raise asyncio.CancelledError


def _first(error: BaseException | None) -> BaseException | None:
    """Task groups put what went wrong into groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error


def _told(error: BaseException | None) -> str:
    """What went wrong in words that hold no address and no header."""
    from mcp import MCPError

    if isinstance(error, FileNotFoundError | PermissionError):
        return f"could not be started: {error.strerror}. Check the command."
    if (response := getattr(error, "response", None)) is not None:
        return f"answered with the status {response.status_code}. Check the address and the headers."
    said = f"{type(error).__name__}: {error}" if isinstance(error, MCPError) else type(error).__name__
    return f"could not be reached ({said}). Check that it runs, and that it speaks the Model Context Protocol."
