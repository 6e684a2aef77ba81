"""Tools for models that know no tool calling: described in words, called in JSON text. Pure functions both ways.

The model writes `{"tool": name, "arguments": {…}}` to call, or `{"answer": text}` to answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json, to_json

from rigging_py.message import FunctionCall, Message, ToolCall, ToolDefinition, inject_system_content
from rigging_py.parsing import tagged
from rigging_py.parsing.lenient import definitions_of
from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.sketch import sketch

_ANSWER = 'When you know the answer, reply with: {"answer": text}'
_ANSWER_AS_ASKED = "When you know the answer, reply in the form you were asked for."


def describe_tools(
    messages: Sequence[Message], tools: Sequence[ToolDefinition], *, has_form: bool = False
) -> list[Message]:
    """The conversation with the tools in its system message, and with earlier calls and results as text.

    `has_form`: the answer has a form of its own, so it is not wrapped in JSON.
    """
    lines = [f"- {tool.function.description or tool.function.name} Reply with: {_form(tool)}" for tool in tools]
    said = "\n".join(["You can use these tools:", *lines, "", _ANSWER_AS_ASKED if has_form else _ANSWER])
    names = {call.id: call.name for message in messages for call in message.tool_calls or ()}
    return inject_system_content([_as_text(message, names) for message in messages], said)


def _form(tool: ToolDefinition) -> str:
    """A call of the tool with types in place of values; measured: a small model that sees this picks the right tool."""
    schema = tool.function.parameters or {}
    properties = cast("Mapping[str, JsonSchema]", schema.get("properties", {}))
    definitions = definitions_of(schema)
    arguments = ", ".join(
        f"{_json(name)}: {sketch({**part, '$defs': definitions}, as_json=True)}" for name, part in properties.items()
    )
    return f'{{"tool": {_json(tool.function.name)}, "arguments": {{{arguments}}}}}'


def _as_text(message: Message, names: dict[str, str]) -> Message:
    if message.role == "tool":
        name = names.get(message.tool_call_id or "", "tool")
        return Message("user", tagged("tool-response", message.content, tool=name))
    if not message.tool_calls:
        return message
    calls = [write_call(call.name, _read_arguments(call.arguments)) for call in message.tool_calls]
    return Message("assistant", "\n".join([message.content, *calls] if message.content else calls))


def _read_arguments(text: str) -> object:
    try:
        return from_json(text or "{}", allow_partial=True)
    except ValueError:  # another model wrote them
        return text


def write_call(name: str, arguments: object) -> str:
    """A call as the model is to write it."""
    return f'{{"tool": {_json(name)}, "arguments": {_json(arguments)}}}'


def read_call(text: str) -> Message:
    """The assistant's message that a reply stands for: a tool call, or text."""
    value = _json_object(text)
    if value.keys() <= {"tool", "arguments"} and isinstance(value.get("tool"), str):
        function = FunctionCall(name=value["tool"], arguments=_json(value.get("arguments", {})))
        return Message("assistant", tool_calls=[ToolCall(function=function)])
    is_answer = value.keys() == {"answer"} and isinstance(value["answer"], str)
    return Message("assistant", value["answer"] if is_answer else text)


def _json_object(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        value = from_json(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return to_json(value).decode()
