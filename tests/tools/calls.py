"""How tests write down the tool calls of a model, and execute a tool by hand."""

from __future__ import annotations

import json
from typing import Any

import rigging_py as rg
from rigging_py.message import FunctionCall
from rigging_py.run import PendingToolCall, ToolResult


def call(name: str, arguments: object = None, call_id: str = "c1") -> rg.ToolCall:
    """A call of a tool; `arguments` may be text, for those that are not JSON."""
    raw = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return rg.ToolCall(id=call_id, function=FunctionCall(name=name, arguments=raw))


async def executed(
    tool: object, arguments: dict[str, Any] | None = None, context: object = None, *, attempt: int = 1
) -> ToolResult:
    """What a tool gives for a call with the key `a/run/1/0`."""
    made: Any = tool if isinstance(tool, rg.Tool) else rg.Tool.from_callable(tool)  # type: ignore[arg-type]  # pyright: ignore
    pending = PendingToolCall("a/run/1/0", "c1", made.name, arguments or {}, json.dumps(arguments))
    result: ToolResult = await made.execute(pending, context, attempt=attempt)
    return result
