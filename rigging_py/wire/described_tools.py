"""Tools for models that know no tool calling: described in words, called in JSON text. Pure functions both ways.

The model writes `{"tool": name, "arguments": {…}}` to call, or `{"answer": text}` to answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Literal, cast

from pydantic_core import from_json, to_json

from rigging_py.message import (
    Delta,
    FunctionCall,
    Message,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    inject_system_content,
)
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
    reply = DescribedReply()
    reply.feed(text)
    reply.ending()
    return reply.message()


class DescribedReply:
    """Reads a reply in the pieces it comes in. Text goes on at once; what may be a call is held back until it is whole.

    The deltas that it gives, put together, are its message. An answer in JSON that was cut off is as long as it came.
    """

    def __init__(self) -> None:
        self._form: Literal["text", "answer", "call"] | None = None
        """What it is, once that is known."""
        self._raw: list[str] = []
        """What was written, where it must be read once more at the end."""
        self._said: list[str] = []
        self._calls: list[ToolCall] = []
        self._is_plain = True
        """Whether what comes of an answer is still written as it is meant."""

    def feed(self, text: str) -> list[Delta]:
        """What this piece adds."""
        if self._form == "text":
            return self._say(text)
        self._raw.append(text)
        if self._form is None:
            begun = "".join(self._raw)
            if _UNDECIDED.fullmatch(begun):
                return []
            self._raw = [begun]
            answer = _ANSWER_OPENING.match(begun)
            self._form = "answer" if answer else "call" if _CALL_OPENING.match(begun) else "text"
            text = begun[answer.end() if answer else 0 :]
        if self._form == "call":
            return []
        return self._say(self._plain(text) if self._form == "answer" else text)

    def ending(self) -> list[Delta]:
        """What the end adds: the call, or the rest of the text."""
        written = "".join(self._raw)
        if self._form == "call":
            value = _json_object(written)
            if value.keys() <= {"tool", "arguments"} and isinstance(value.get("tool"), str):
                return self._call(value["tool"], _json(value.get("arguments", {})))
        if opening := _ANSWER_OPENING.match(written):
            said = "".join(self._said)
            value = _json_object(written, is_cut=True)
            answer = value.get("answer") if value.keys() == {"answer"} else None
            # What is no answer after all goes on as it is written, so that nothing is lost.
            whole = answer if isinstance(answer, str) and answer.startswith(said) else written[opening.end() :]
            return self._say(whole[len(said) :])
        return self._say(written) if self._form != "text" else []

    def message(self) -> Message:
        """What the deltas given so far say and call."""
        return Message.of("assistant", "".join(self._said), self._calls or None)

    def _plain(self, text: str) -> str:
        """What stands before the first quote or escape, which only the whole can be read with."""
        mark = _MARK.search(text) if self._is_plain else None
        plain = text[: mark.start() if mark else None] if self._is_plain else ""
        self._is_plain = self._is_plain and mark is None
        return plain

    def _say(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._said.append(text)
        return [TextDelta(text)]

    def _call(self, name: str, arguments: str) -> list[Delta]:
        self._calls.append(ToolCall(function=FunctionCall(name=name, arguments=arguments)))
        return [ToolCallDelta(0, "", name), ToolCallDelta(0, arguments=arguments)]


_SPACE = r"[ \t\n\r]*"
_MARK = re.compile(r'["\\]')


def _opening(*words: str) -> list[str]:
    """The pieces of a pattern for how an object with this key, and a colon and a quote where asked for, begins."""
    return [_SPACE, r"\{", _SPACE, *words[0], *(piece for word in words[1:] for piece in (_SPACE, word))]


def _beginnings(pieces: list[str]) -> str:
    """A pattern for all that may yet become what the pieces match, and does not do so yet."""
    return reduce(lambda inner, piece: f"(?:{piece}{inner})?", reversed(pieces[:-1]), "")


_ANSWER_PIECES = _opening('"answer"', ":", '"')
_CALL_PIECES = [_opening('"tool"'), _opening('"arguments"')]
_ANSWER_OPENING = re.compile("".join(_ANSWER_PIECES))
_CALL_OPENING = re.compile("|".join("".join(pieces) for pieces in _CALL_PIECES))
_UNDECIDED = re.compile("|".join(map(_beginnings, [_ANSWER_PIECES, *_CALL_PIECES])))


def _json_object(text: str, *, is_cut: bool = False) -> dict[str, Any]:
    try:
        value = from_json(text, allow_partial="trailing-strings" if is_cut else False)
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _json(value: object) -> str:
    return to_json(value).decode()
