"""`as_mcp`: our tools as a server of the Model Context Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from rigging_py.error import ToolDefinitionError
from rigging_py.message import FunctionCall, ToolCall
from rigging_py.tools.mcp_content import to_blocks
from rigging_py.tools.mcp_transport import require_mcp
from rigging_py.tools.methods import as_tools
from rigging_py.tools.slots import ToolSlots
from rigging_py.tools.tool import Tool

if TYPE_CHECKING:
    import mcp_types
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context


def as_mcp(*tools: object, name: str = "Rigging Tools", context: object = None) -> MCPServer[Any]:
    """A server that offers the tools as they are: schemas, descriptions, `catch`, `truncate`, `timeout`, `retries`.

    It takes what `using` takes, and gives the `MCPServer` of the `mcp` package, to which resources, prompts and more
    tools can be added. `.run()` serves over standard input and output, `.run("streamable-http", port=…)` over HTTP.
    `context` is the value for tools that take a `ToolContext`.

    Raises `MissingExtraError` without the "mcp" extra, and `ToolDefinitionError` for a tool that needs an approval,
    which nobody could give.
    """
    require_mcp()
    from mcp.server import MCPServer

    offered = {tool.name: tool for tool in as_tools(*tools)}
    for tool in offered.values():
        tool.check_context(context)
        if tool.needs_approval is not False:
            raise ToolDefinitionError(
                f"The tool {tool.name!r} needs an approval, which is for the client of a server to ask for. "
                "Leave that to it with `with_(needs_approval=False)`, or do not offer the tool."
            )

    slots, value = ToolSlots(offered.values()), context

    class ToolServer(MCPServer[Any]):
        """The package's server, with our tools before those that are added to it."""

        async def list_tools(self) -> list[mcp_types.Tool]:
            return [*map(_described, offered.values()), *await super().list_tools()]

        async def call_tool(
            self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
        ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
            if (tool := offered.get(name)) is None:
                return await super().call_tool(name, arguments, context)
            async with slots.of(tool):
                return await _result(tool, arguments, value)

    return ToolServer(name, log_level="WARNING")


def _described(tool: Tool[..., Any]) -> mcp_types.Tool:
    from mcp_types import Tool as Described

    return Described(name=tool.name, description=tool.description or None, input_schema=tool.parameters_schema)


async def _result(tool: Tool[..., Any], arguments: Mapping[str, Any], context: object) -> mcp_types.CallToolResult:
    from mcp.server.mcpserver.exceptions import UnexpectedToolError
    from mcp_types import CallToolResult

    call = ToolCall(function=FunctionCall(name=tool.name, arguments=to_json(arguments).decode()))
    try:
        message, _ = await tool.handle_tool_call(call, context)
    except Exception as error:
        # What a tool does not catch is for the program that offers it: the client hears of it, but not what it was.
        raise UnexpectedToolError(f"The tool {tool.name!r} could not be executed.") from error
    return CallToolResult(content=to_blocks(message.content_parts), is_error=bool(message.metadata.get("error")))
