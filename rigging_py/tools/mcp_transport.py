"""The ways to a server of the Model Context Protocol: a process of its own, server-sent events, streamable HTTP."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from rigging_py.error import MissingExtraError
from rigging_py.generator.network import is_loopback_only, refuse_outside, shown_address

if TYPE_CHECKING:
    import httpx2

Streams: TypeAlias = tuple[Any, Any]
"""What is read from the server, and what is written to it, as the `mcp` package has them."""


@dataclass(frozen=True)
class Transport:
    """A way to a server. `shown` names it without what may be secret, and `open` connects."""

    shown: str
    open: Callable[[], AbstractAsyncContextManager[Streams]] = field(repr=False)


def require_mcp() -> None:
    """Raises `MissingExtraError` where the `mcp` package is not installed."""
    try:
        import mcp  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise MissingExtraError("The Model Context Protocol", "mcp") from None


def stdio(
    *,
    command: str,
    args: Sequence[str] = (),
    cwd: str | PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> Transport:
    """A process that is spoken to over its standard input and output. What it says on standard error is shown."""
    given, environment = list(args), dict(env or {})

    def open_() -> AbstractAsyncContextManager[Streams]:
        from mcp import StdioServerParameters, stdio_client

        # Before Python's own is replaced, as in notebooks, by one that no process can inherit.
        errors = sys.__stderr__ or sys.stderr
        place = None if cwd is None else str(cwd)
        return stdio_client(StdioServerParameters(command=command, args=given, env=environment, cwd=place), errors)

    return Transport(command, open_)


def sse(
    *, url: str, headers: Mapping[str, str] | None = None, timeout: float = 5, sse_read_timeout: float = 300
) -> Transport:
    """The older transport over HTTP."""
    own = dict(headers or {})

    def open_() -> AbstractAsyncContextManager[Streams]:
        from mcp.client.sse import sse_client

        refuse_outside(url)
        return sse_client(url, own, timeout, sse_read_timeout, httpx_client_factory=_client)

    return Transport(shown_address(url), open_)


def streamable_http(
    *, url: str, headers: Mapping[str, str] | None = None, timeout: float = 5, sse_read_timeout: float = 300
) -> Transport:
    """The newer transport over HTTP."""
    own = dict(headers or {})

    @asynccontextmanager
    async def open_() -> AsyncGenerator[Streams]:
        from httpx2 import Timeout
        from mcp.client.streamable_http import streamable_http_client

        refuse_outside(url)
        async with (
            _client(own, Timeout(timeout, read=sse_read_timeout)) as client,
            streamable_http_client(url, http_client=client) as streams,
        ):
            yield streams

    return Transport(shown_address(url), open_)


def _client(
    headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
) -> httpx2.AsyncClient:
    from httpx2 import AsyncClient

    # A proxy would lead out of a machine that is not to be left.
    return AsyncClient(headers=headers, timeout=timeout, auth=auth, trust_env=not is_loopback_only())
