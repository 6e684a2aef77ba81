"""What a model may use: tools, their schemas, and their execution."""

from rigging_py.error import Stop
from rigging_py.tools.tool import Tool, ToolMethod, as_tools, tool, tool_method

__all__ = ["Stop", "Tool", "ToolMethod", "as_tools", "tool", "tool_method"]
