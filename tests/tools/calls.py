"""How tests write down the tool calls of a model."""

from __future__ import annotations

import json

import rigging_py as rg
from rigging_py.message import FunctionCall


def call(name: str, arguments: object = None, call_id: str = "c1") -> rg.ToolCall:
    """A call of a tool; `arguments` may be text, for those that are not JSON."""
    raw = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
    return rg.ToolCall(id=call_id, function=FunctionCall(name=name, arguments=raw))
