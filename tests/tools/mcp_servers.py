"""Servers of the official SDK that the tests of our client speak to: processes, and some within the test."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import anyio
import mcp_types
import uvicorn
from mcp.server import MCPServer, Server
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.runner import serve_loop
from mcp.shared.memory import create_client_server_memory_streams

from rigging_py.tools import MCPClient
from rigging_py.tools.mcp_transport import Transport

PIXEL = "iVBORw0KGgo="


def official(log_level: Any = "CRITICAL") -> MCPServer[Any]:
    """A server made as its documentation says."""
    server: MCPServer[Any] = MCPServer("demo", log_level=log_level)

    @server.tool()
    def add(x: int, y: int = 1) -> int:
        """Adds two numbers."""
        return x + y

    @server.tool()
    def fail(why: str) -> str:
        raise ToolError(why)

    @server.tool()
    def die() -> str:
        os._exit(3)

    @server.tool()
    def pid() -> int:
        return os.getpid()

    @server.tool()
    def secret() -> str:
        return os.environ.get("DEMO_SECRET", "none")

    @server.tool()
    async def wait() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    @server.tool()
    def header(context: Context[Any, Any]) -> str:
        return str((context.headers or {}).get("x-demo"))

    @server.resource("demo://greeting")
    def greeting() -> str:
        return "hello"

    @server.prompt()
    def review(code: str) -> str:
        """Asks for a review."""
        return f"Review {code}."

    return server


@contextmanager
def served(what: str) -> Generator[int]:
    """A server over HTTP in a process of its own; gives its port."""
    command = [sys.executable, "-m", "tests.tools.mcp_servers", what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def in_memory(server: Server[Any] | MCPServer[Any], *, is_old: bool = False) -> MCPClient:
    """Our client of a server within the test; both speak JSON-RPC. An old one knows only the handshake."""
    plain: Any = getattr(server, "_lowlevel_server", server)

    @asynccontextmanager
    async def streams() -> AsyncGenerator[tuple[Any, Any]]:
        async with create_client_server_memory_streams() as (ours, theirs), anyio.create_task_group() as tasks:
            if is_old:
                tasks.start_soon(partial(serve_loop, plain, *theirs, lifespan_state={}))
            else:
                tasks.start_soon(plain.run, *theirs, plain.create_initialization_options())
            yield ours
            tasks.cancel_scope.cancel()

    return MCPClient(Transport("in-memory", streams))


def giving(*content: Any, schema: dict[str, Any] | None = None, **result: Any) -> Server[Any]:
    """A server whose only tool, `give`, gives this content."""

    async def list_tools(_: object, __: object) -> mcp_types.ListToolsResult:
        tool = mcp_types.Tool(name="give", input_schema=schema or {"type": "object"})
        return mcp_types.ListToolsResult(tools=[tool])

    async def call_tool(_: object, __: object) -> mcp_types.CallToolResult:
        return mcp_types.CallToolResult(content=list(content), **result)

    return Server("giver", on_list_tools=list_tools, on_call_tool=call_tool)


def main(what: str) -> None:
    server = official()
    if what == "stdio":
        server.run()
        return
    app = server.sse_app() if what == "sse" else server.streamable_http_app()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        print(listening.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
