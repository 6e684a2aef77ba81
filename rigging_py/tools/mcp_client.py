"""`mcp`: the tools, resources and prompts of a server of the Model Context Protocol."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar, overload

from rigging_py.error import ToolDefinitionError, ToolFailedError, ToolServerError, ToolWarning
from rigging_py.message import AnyContent, ContentText, Message
from rigging_py.tools.json_schema import schema_arguments
from rigging_py.tools.mcp_content import resource_part, result_parts, to_part
from rigging_py.tools.mcp_session import Owner, session
from rigging_py.tools.mcp_transport import Transport, require_mcp, sse, stdio, streamable_http
from rigging_py.tools.naming import free_name
from rigging_py.tools.tool import Tool

if TYPE_CHECKING:
    import mcp_types
    from mcp import Client, ClientSession

_MOST_PAGES = 1000
INIT_TIMEOUT = 30.0
"""Seconds for a server to be ready; those that are installed when they are first run take a while."""


class _Page(Protocol):
    @property
    def next_cursor(self) -> str | None: ...


PageT = TypeVar("PageT", bound=_Page)


class MCPClient:
    """A server of the Model Context Protocol, connected while inside of `async with`; it may be entered again later.

    Its tools are used like any other, from any task and any event loop. A task of its own holds the connection, so the
    client may be left by another task than entered it; once it is left, no task, process or connection remains.
    """

    def __init__(self, transport: Transport, *, init_timeout: float = INIT_TIMEOUT) -> None:
        self._transport, self._init_timeout = transport, init_timeout
        self._owner: Owner | None = None
        self._tools: list[Tool[..., Any]] = []

    async def __aenter__(self) -> Self:
        """Connects, and reads the tools. Raises `ToolServerError` for a server that is not ready in `init_timeout`."""
        if self._owner is not None:
            raise ToolServerError(self._transport.shown, "is connected already. Make a client for each connection.")
        self._owner = Owner(self._transport.shown, session(self._transport, self._read_tools))
        try:
            await self._owner.opened(self._init_timeout)
        except BaseException:
            self._owner = None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        owner = self._connection
        try:
            await owner.close()
        finally:
            self._owner = None
        if owner.failure is not None:
            text = f"The tool server {owner.shown!r} was lost: {type(owner.failure).__name__}."
            warnings.warn(text, ToolWarning, stacklevel=2)

    def __repr__(self) -> str:
        return f"MCPClient({self._transport.shown!r})"

    @property
    def _connection(self) -> Owner:
        if self._owner is None:
            raise ToolServerError(self._transport.shown, "is not connected. Use it inside of `async with`.")
        return self._owner

    @property
    def name(self) -> str:
        """What the server calls itself, else its command or address."""
        info = self._connection.client.server_info
        return info.name if info is not None else self._transport.shown

    @property
    def session(self) -> ClientSession:
        """The session of the `mcp` package, for what is not offered here; it belongs to the loop it was opened in."""
        return self._connection.client.session

    @property
    def tools(self) -> list[Tool[..., Any]]:
        """The server's tools, as they were when they were last read: by entering, `refresh`, or the server's word."""
        _ = self._connection
        return list(self._tools)

    async def refresh(self) -> list[Tool[..., Any]]:
        """Reads the tools again and gives them. Pipelines that use the former ones keep those."""
        await self._connection.ask(self._read_tools)
        return self.tools

    async def resources(self) -> list[mcp_types.Resource]:
        """What can be read from the server."""

        async def read(client: Client) -> list[mcp_types.Resource]:
            pages = self._pages(lambda cursor: client.list_resources(cursor=cursor, cache_mode="refresh"))
            return [one async for page in pages for one in page.resources]

        return await self._connection.ask(read)

    async def read_resource(self, uri: str) -> list[AnyContent]:
        """The contents of a resource as parts of a message."""
        result = await self._connection.ask(lambda client: client.read_resource(uri))
        return [resource_part(one) for one in result.contents]

    async def prompts(self) -> list[mcp_types.Prompt]:
        """The prompts that the server offers, with their arguments."""

        async def read(client: Client) -> list[mcp_types.Prompt]:
            pages = self._pages(lambda cursor: client.list_prompts(cursor=cursor, cache_mode="refresh"))
            return [one async for page in pages for one in page.prompts]

        return await self._connection.ask(read)

    async def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> list[Message]:
        """A prompt of the server, filled in, as messages to begin a chat with."""
        given = dict(arguments or {})
        result = await self._connection.ask(lambda client: client.get_prompt(name, given))
        return [Message(one.role, [to_part(one.content)]) for one in result.messages]

    async def _read_tools(self, client: Client) -> None:
        pages = self._pages(lambda cursor: client.list_tools(cursor=cursor, cache_mode="refresh"))
        found: dict[str, Tool[..., Any]] = {}
        async for page in pages:
            for described in page.tools:
                try:
                    tool = self._tool(described, free_name(described.name, found))
                except ToolDefinitionError as error:
                    warnings.warn(f"{self!r} has a tool that is left out. {error}", ToolWarning, stacklevel=2)
                else:
                    found[tool.name] = tool
        self._tools = list(found.values())

    async def _pages(self, read: Callable[[str | None], Awaitable[PageT]]) -> AsyncGenerator[PageT]:
        cursor: str | None = None
        seen: set[str | None] = set()
        while cursor not in seen:  # a server that gives the same cursor again has no more
            if len(seen) > _MOST_PAGES:
                raise ToolServerError(self._transport.shown, f"lists more than {_MOST_PAGES:,} pages.")
            page = await read(cursor)
            yield page
            seen |= {cursor, None}
            cursor = page.next_cursor

    def _tool(self, described: mcp_types.Tool, name: str) -> Tool[..., Any]:
        async def call(**arguments: Any) -> str | list[AnyContent]:
            result = await self._connection.ask(lambda client: client.call_tool(described.name, arguments))
            parts = result_parts(result)
            texts = [one.text for one in parts if isinstance(one, ContentText)]
            if result.is_error:
                raise ToolFailedError("\n".join(texts) or f"{described.name} failed, and did not say why.")
            return parts if len(texts) < len(parts) else "\n".join(texts)

        description = (described.description or described.title or "").strip()
        return Tool(name, description, call, schema_arguments(name, described.input_schema))


@overload
def mcp(
    transport: Literal["stdio"],
    *,
    command: str,
    args: Sequence[str] = (),
    cwd: str | PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    init_timeout: float = INIT_TIMEOUT,
) -> MCPClient: ...
@overload
def mcp(
    transport: Literal["sse", "streamable-http"],
    *,
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
    sse_read_timeout: float = 300,
    init_timeout: float = INIT_TIMEOUT,
) -> MCPClient: ...
def mcp(
    transport: Literal["stdio", "sse", "streamable-http"],
    *,
    init_timeout: float = INIT_TIMEOUT,
    **options: Any,
) -> MCPClient:
    """A client of a server of the Model Context Protocol; `async with` connects it.

    Args:
        transport: how to reach the server. "stdio" starts it as a process, "streamable-http" and the older "sse" speak
            to one that runs.
        command: the program to start, with `args`, in the directory `cwd`. Of our environment it gets only what every
            program needs, such as `PATH`, and what `env` says.
        url: where the server is, with `headers` such as `Authorization`.
        timeout: the most seconds to connect, or to send something; `sse_read_timeout` those in which an answer may
            say nothing.
        init_timeout: the most seconds for the server to be ready.

    Raises `MissingExtraError` without the "mcp" extra, and `ValueError` for a transport that there is not.
    """
    require_mcp()
    if transport not in _TRANSPORTS:
        raise ValueError(f"There is no transport {transport!r}. Known: {', '.join(_TRANSPORTS)}.")
    return MCPClient(_TRANSPORTS[transport](**options), init_timeout=init_timeout)


_TRANSPORTS: Mapping[str, Callable[..., Transport]] = {
    "stdio": stdio,
    "sse": sse,
    "streamable-http": streamable_http,
}
