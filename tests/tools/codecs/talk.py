"""What the tests of the codecs say: tools, calls, and any arguments, chopped anywhere."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from rigging_py.message import (
    Delta,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ModelTurn,
    StopReason,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
)
from rigging_py.tools.codecs import TextMode, ToolCodec, codec_of_mode

MODES: tuple[TextMode, ...] = ("xml", "json", "json-in-xml", "json-with-tag", "pythonic")
TAGGED: tuple[TextMode, ...] = ("xml", "json-in-xml", "json-with-tag")

NODE = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "size": {"type": "number"},
        "inner": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    },
}
WRITE = ToolDefinition(
    function=FunctionDefinition(
        name="write",
        description="Writes.",
        parameters={
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer"},
                "ratio": {"type": "number"},
                "sure": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
                "node": {"$ref": "#/$defs/Node"},
                "free": {"type": "object"},
                "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "kind": {"enum": ["a", 1]},
                "any": {},
            },
            "$defs": {"Node": NODE},
        },
    )
)
PING = ToolDefinition(function=FunctionDefinition(name="ping"))
TOOLS = [WRITE, PING]


def call(name: str, arguments: object, call_id: str = "c1") -> ToolCall:
    """A call; `arguments` may be text, for those that are not JSON."""
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ToolCall(id=call_id, function=FunctionCall(name=name, arguments=raw))


def codec_for(mode: TextMode) -> ToolCodec:
    return codec_of_mode(mode)


def read(mode: TextMode, text: str, tools: list[ToolDefinition] = TOOLS, stop_reason: StopReason = "stop") -> Message:
    """The message that a whole reply stands for."""
    return codec_of_mode(mode).decode(ModelTurn.from_text(text, stop_reason), tools).message


def called(message: Message) -> list[tuple[str, Any]]:
    """The calls of a message: names, and arguments as values where they are JSON."""
    return [(one.name, value_in(one.arguments)) for one in message.tool_calls or ()]


def value_in(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def written(mode: TextMode, *calls: ToolCall, text: str = "") -> str:
    """Calls as a later turn shows them to the model."""
    said = [Message("assistant", text, tool_calls=calls)]
    encoded, _ = codec_of_mode(mode).encode(said, GenerateParams(tools=TOOLS))
    return encoded[-1].content


def told(mode: TextMode, *pieces: str, stop_reason: StopReason = "stop") -> tuple[list[Delta], Message]:
    """What a reader gives for a reply in pieces."""
    reader = codec_of_mode(mode).reader(TOOLS)
    deltas = [delta for piece in pieces for delta in reader.feed(piece)]
    return [*deltas, *reader.ending(stop_reason)], reader.message()


def put_together(deltas: list[Delta]) -> tuple[str, list[tuple[str, str, str]]]:
    """The text of the deltas, and the id, name and arguments of each call."""
    calls: dict[int, list[str]] = {}
    text = ""
    for delta in deltas:
        if isinstance(delta, TextDelta):
            text += delta.text
        elif isinstance(delta, ToolCallDelta):
            parts = calls.setdefault(delta.index, ["", "", ""])
            calls[delta.index] = [parts[0] + delta.id, parts[1] + delta.name, parts[2] + delta.arguments]
    return text, [(one[0], one[1], one[2]) for one in calls.values()]


TAG_PIECES = [
    "<tool-call>", '<tool-call name="ping">', "</tool-call>", '<rg-tool-call name="ping">', "</rg-tool-call>",
    '<tool-response id="c1">', "</tool-response>", '{"name": "ping", "arguments": {}}', "[ping()]", "<text>", "</text>",
    "<item>", "<![CDATA[", "]]>", '"', "'", "\\", '"""', "&lt;", "&#60;", "\\u003c", "\n", "5", "null", "true", " ",
]  # fmt: skip
texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.lists(st.sampled_from(TAG_PIECES), max_size=4).map(
    "".join
)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
nodes: st.SearchStrategy[Any] = st.deferred(
    lambda: st.fixed_dictionaries({}, optional={"name": texts, "size": numbers, "inner": st.none() | nodes})
)
typed: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "text": texts,
        "count": st.integers(),
        "ratio": numbers,
        "sure": st.booleans(),
        "tags": st.lists(texts, max_size=3),
        "grid": st.lists(st.lists(st.integers(), max_size=2), max_size=2),
        "pair": st.tuples(texts, st.integers()).map(list),
        "node": nodes,
        "free": st.dictionaries(texts, values, max_size=2),
        "maybe": st.none() | texts,
        "either": st.integers() | texts,
        "kind": st.sampled_from(["a", 1]),
        "any": values,
    },
)
arguments = typed | st.dictionaries(texts, values, max_size=3)
