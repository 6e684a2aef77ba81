"""What a model may use: tools, their schemas, and their execution."""

from rigging_py.error import Stop
from rigging_py.tools.context import ToolContext
from rigging_py.tools.options import ToolOptions
from rigging_py.tools.slots import ToolSlots
from rigging_py.tools.tool import Tool, ToolMethod, as_tools, tool, tool_method

__all__ = ["Stop", "Tool", "ToolContext", "ToolMethod", "ToolOptions", "ToolSlots", "as_tools", "tool", "tool_method"]
