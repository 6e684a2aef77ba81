"""Tools as APIs other than OpenAI's chat want them: arguments as an object, results by the name of their tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from rigging_py.message import Message, ToolCall, ToolChoice
from rigging_py.parsing.untyped import as_object

_NO_TOOL = "tool"
"""The name of a result that is of no call before it."""


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object; text that is none stands in one as it was written."""
    try:
        found = as_object(from_json(call.arguments.strip() or "{}"))
    except ValueError:  # a model wrote them
        found = None
    return {"arguments": call.arguments} if found is None else found


def chosen(choice: ToolChoice) -> str | Mapping[str, Any]:
    """The word or the name of a tool that a choice says, OpenAI's object too; any other object is the API's own."""
    function = None if isinstance(choice, str) else as_object(choice.get("function"))
    return choice if function is None else str(function.get("name"))


def with_tool_names(messages: Sequence[Message]) -> Iterator[tuple[Message, str]]:
    """Each message, with the name of the tool whose result it is; calls without an id are answered in their order."""
    waiting: list[ToolCall] = []
    for message in messages:
        if message.tool_calls:
            waiting = list(message.tool_calls)
        if message.role != "tool":
            yield message, ""
            continue
        id_ = message.tool_call_id or ""
        place = next((place for place, call in enumerate(waiting) if call.id == id_), None)
        yield message, _NO_TOOL if place is None else waiting.pop(place).name
