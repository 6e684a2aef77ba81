"""What a model may use: tools, their schemas, and their execution."""

from typing import TYPE_CHECKING

from rigging_py.error import Stop
from rigging_py.lazy import on_first_use
from rigging_py.message import FunctionCall, FunctionDefinition, ToolCall, ToolChoice, ToolDefinition
from rigging_py.tools.context import ToolContext
from rigging_py.tools.methods import ToolMethod, as_tools, tool_method
from rigging_py.tools.mode import ToolMode
from rigging_py.tools.options import ToolOptions
from rigging_py.tools.robopages import robopages
from rigging_py.tools.slots import ToolSlots
from rigging_py.tools.tool import Tool, tool

if TYPE_CHECKING:
    from rigging_py.tools.mcp_client import MCPClient, mcp
    from rigging_py.tools.mcp_server import as_mcp
    from rigging_py.tools.response import ToolResponse

__all__ = [
    "FunctionCall",
    "FunctionDefinition",
    "MCPClient",
    "Stop",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "ToolContext",
    "ToolDefinition",
    "ToolMethod",
    "ToolMode",
    "ToolOptions",
    "ToolResponse",
    "ToolSlots",
    "as_mcp",
    "as_tools",
    "mcp",
    "robopages",
    "tool",
    "tool_method",
]

if not TYPE_CHECKING:  # or checkers would take any name
    # Most programs use no tools of other servers, and no model class to read results with.
    __getattr__ = on_first_use(
        __name__, {"MCPClient": "mcp_client", "ToolResponse": "response", "as_mcp": "mcp_server", "mcp": "mcp_client"}
    )
