"""Compiles the shape of an answer, and the tools it may call, to a GBNF grammar whose every sentence is bounded.

Each piece knows the most tokens it can cost, so the budget of a request follows from its grammar, and a reply always
ends where the grammar ends. The reference is llama.cpp's `grammars/README.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rigging_py.message import ToolDefinition
from rigging_py.parsing import Element, Leaf, Shape, escape
from rigging_py.parsing.extract import escape_attribute
from rigging_py.parsing.lenient import choices_of, definitions_of
from rigging_py.parsing.shape import Attribute, JsonSchema

TEXT_LENGTH = 160
"""Characters of a text between tags or in JSON, where its schema sets no lower limit."""
ANSWER_LENGTH = 400
"""Characters of a free answer beside tools."""
LIST_LENGTH = 6
"""Items of a list, where its schema sets no lower limit."""
_DEPTH = 4
"""How often a schema may go into itself."""
_TOKENS_PER_CHARACTER = 4
"""A byte each, for the longest characters there are in UTF-8."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A grammar expression, and the most tokens that a text of it has."""

    expression: str
    most: int

    def __add__(self, other: Piece) -> Piece:
        return Piece(f"{self.expression} {other.expression}", self.most + other.most)


def literal(text: str) -> Piece:
    """Exactly this text."""
    return Piece(json.dumps(text), len(text.encode()))


def either(pieces: Sequence[Piece]) -> Piece:
    """One of these."""
    if len(pieces) == 1:
        return pieces[0]
    return Piece(f"({' | '.join(piece.expression for piece in pieces)})", max(piece.most for piece in pieces))


def series(item: Piece, separator: Piece, least: int, most: int) -> Piece:
    """From `least` to `most` items with separators between."""
    if most == 0:
        return literal("")
    more = f"({separator.expression} {item.expression}){{{max(least - 1, 0)},{most - 1}}}"
    expression = f"({item.expression} {more})" if least else f"({item.expression} {more})?"
    return Piece(expression, most * (item.most + separator.most))


def characters(allowed: str, least: int, most: int) -> Piece:
    return Piece(f"{allowed}{{{least},{most}}}", most * _TOKENS_PER_CHARACTER)


def compile_grammar(
    shape: Shape | None, tools: Sequence[ToolDefinition] = (), *, must_call: bool = False
) -> tuple[str, int]:
    """The grammar of an answer of `shape` or of one call of one of `tools`, or with `must_call` of a call only.

    Gives the grammar and the most tokens of a text of it.
    """
    answer = (
        _blocks(shape) if shape else literal('{"answer": ') + _json_text({"minLength": 1}, ANSWER_LENGTH) + literal("}")
    )
    return _rooted(either([*(_call(tool) for tool in tools), *([] if must_call else [answer])]))


def compile_json_grammar(schema: JsonSchema) -> tuple[str, int]:
    """The grammar of a JSON document of `schema`, and the most tokens of one."""
    return _rooted(_json(schema, definitions_of(schema), 0))


def _rooted(root: Piece) -> tuple[str, int]:
    # The end of the text costs a token too.
    return f"root ::= {root.expression}\n", root.most + 8


def _call(tool: ToolDefinition) -> Piece:
    schema = cast("JsonSchema", tool.function.parameters or {"type": "object"})
    arguments = _json(schema, definitions_of(schema), 0)
    return literal(f'{{"tool": {json.dumps(tool.function.name)}, "arguments": ') + arguments + literal("}")


# Tagged text.


def _blocks(shape: Shape) -> Piece:
    pieces = [_times(element, 0) for element in shape]
    root = pieces[0]
    for piece in pieces[1:]:
        root = root + literal("\n\n") + piece
    return root


def _times(element: Element, level: int) -> Piece:
    """An element as often as it may come; a list may also be a single empty element."""
    one = _element(element, level)
    if element.most == 1:
        return one
    empty = literal(f"<{element.tag}></{element.tag}>")
    some = series(one, literal("\n" + "  " * level), 1, element.most or LIST_LENGTH)
    return either([some, empty]) if element.least == 0 and level == 0 else some


def _element(element: Element, level: int) -> Piece:
    opening = literal(f"<{element.tag}")
    for attribute in element.attributes:
        opening = opening + literal(f' {attribute.name}="') + _attribute(attribute) + literal('"')
    return opening + literal(">") + _content(element, level) + literal(f"</{element.tag}>")


def _content(element: Element, level: int) -> Piece:
    content = element.content
    if isinstance(content, Leaf):
        schema = content.schema
        return _json(schema, definitions_of(schema), 0) if content.json else plain(schema)
    # A child that may be missing and cannot be described is left out.
    children = [child for child in content or () if child.content is not None or child.least]
    inside = literal("")
    for child in children:
        inside = inside + literal("\n" + "  " * (level + 1)) + _times(child, level + 1)
    return inside + literal("\n" + "  " * level) if children else inside


def _attribute(attribute: Attribute) -> Piece:
    return plain(attribute.schema, write=escape_attribute)


def plain(schema: JsonSchema, write: Callable[[str], str] = escape) -> Piece:
    """A plain value between tags, written without quotes."""
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        return either([plain(branch, write) for branch in cast("list[JsonSchema]", branches)])
    if schema.get("type") == "null":
        return literal("")
    if choices := choices_of(schema):
        return either([literal(write(_word(choice))) for choice in choices])
    kind = schema.get("type")
    if kind != "string":
        return _scalar(schema)
    if formatted := _FORMATS.get(str(schema.get("format"))):
        return formatted
    least, most = _bounds(schema, "minLength", "maxLength", 1, TEXT_LENGTH)
    # Neither blank at its ends, which reading would strip, nor able to be markup.
    if most <= 1:
        return characters(r'[^<>&" \x00-\x1F\x7F]', least, most)
    ends = Piece(r'[^<>&" \x00-\x1F\x7F]', _TOKENS_PER_CHARACTER)
    middle = characters(r'[^<>&"\x00-\x1F\x7F]', max(least - 2, 0), most - 2)
    full = ends + middle + ends
    return full if least > 1 else either([full, ends])


def _word(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


# JSON.


def _json(schema: JsonSchema, definitions: Mapping[str, JsonSchema], depth: int) -> Piece:
    """A JSON value of `schema`."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return _json(definitions[name], definitions, depth + 1)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(branches, list):
        return either(
            _shallow(
                [_json(one, definitions, depth) for one in cast("list[JsonSchema]", branches) if _fits(one, depth)]
            )
        )
    if choices := choices_of(schema):
        return either([literal(json.dumps(choice, ensure_ascii=False)) for choice in choices])
    match schema.get("type"):
        case "object":
            return _json_object(schema, definitions, depth)
        case "array":
            return _json_array(schema, definitions, depth)
        case "string" | None:
            if formatted := _FORMATS.get(str(schema.get("format"))):
                return literal('"') + formatted + literal('"')
            return _json_text(schema, TEXT_LENGTH)
        case "null":
            return literal("null")
        case _:
            return _scalar(schema)


def _shallow(pieces: list[Piece]) -> list[Piece]:
    return pieces or [literal("null")]


def _fits(schema: JsonSchema, depth: int) -> bool:
    """Whether a schema may still be gone into; one that holds itself must end somewhere."""
    return depth < _DEPTH or "$ref" not in schema


def _json_object(schema: JsonSchema, definitions: Mapping[str, JsonSchema], depth: int) -> Piece:
    properties = cast("Mapping[str, JsonSchema]", schema.get("properties", {}))
    required = cast("list[str]", schema.get("required", []))
    kept = {name: part for name, part in properties.items() if name in required or _fits(_inner(part), depth)}
    if not properties and schema.get("additionalProperties") not in (None, False):
        return _json_map(schema, definitions, depth)
    inside = literal("{")
    for index, (name, part) in enumerate(kept.items()):
        inside = inside + literal(f"{', ' if index else ''}{json.dumps(name)}: ") + _json(part, definitions, depth)
    return inside + literal("}")


def _inner(schema: JsonSchema) -> JsonSchema:
    """What a list or an alternative holds, as far as it may hold itself."""
    branches = schema.get("anyOf")
    if isinstance(branches, list) and any(not _has_ref(one) for one in cast("list[JsonSchema]", branches)):
        return {}
    return {} if schema.get("type") == "array" else schema


def _has_ref(schema: JsonSchema) -> bool:
    return "$ref" in schema


def _json_map(schema: JsonSchema, definitions: Mapping[str, JsonSchema], depth: int) -> Piece:
    values = schema.get("additionalProperties")
    value = _json(cast("JsonSchema", values) if isinstance(values, Mapping) else {}, definitions, depth + 1)
    pair = _json_text({}, 40) + literal(": ") + value
    return literal("{") + series(pair, literal(", "), 0, LIST_LENGTH) + literal("}")


def _json_array(schema: JsonSchema, definitions: Mapping[str, JsonSchema], depth: int) -> Piece:
    members = schema.get("prefixItems")
    if isinstance(members, list):
        inside = literal("[")
        for index, part in enumerate(cast("list[JsonSchema]", members)):
            inside = inside + literal(", " if index else "") + _json(part, definitions, depth)
        return inside + literal("]")
    items = cast("JsonSchema", schema.get("items", {}))
    least, most = _bounds(schema, "minItems", "maxItems", 0, LIST_LENGTH)
    if not _fits(items, depth):
        return literal("[]")
    return literal("[") + series(_json(items, definitions, depth), literal(", "), least, most) + literal("]")


def _json_text(schema: JsonSchema, limit: int) -> Piece:
    least, most = _bounds(schema, "minLength", "maxLength", 0, limit)
    return literal('"') + characters(r'[^"\\<&\x00-\x1F\x7F]', least, most) + literal('"')


# Plain values.


def _scalar(schema: JsonSchema) -> Piece:
    match schema.get("type"):
        case "boolean":
            return either([literal("true"), literal("false")])
        case "integer":
            return _integer(schema)
        case _:
            sign = "" if _minimum(schema) >= 0 else '"-"? '
            return Piece(f'{sign}("0" | [1-9] [0-9]{{0,8}}) ("." [0-9]{{1,4}})?', 16)


def _integer(schema: JsonSchema) -> Piece:
    low, high = _minimum(schema), _maximum(schema)
    if high - low <= 100:
        return either([literal(str(number)) for number in range(int(low), int(high) + 1)])
    sign = "" if low >= 0 else '"-"? '
    digits = min(len(str(int(high))) if high < 10**9 else 9, 9)
    zero = '"0" | ' if low <= 0 else ""
    return Piece(f"{sign}({zero}[1-9] [0-9]{{0,{digits - 1}}})", digits + 1)


def _minimum(schema: JsonSchema) -> float:
    exclusive = schema.get("exclusiveMinimum")
    lowest = cast("float | None", schema.get("minimum"))
    return cast("float", exclusive) + 1 if exclusive is not None else lowest if lowest is not None else -(10**9)


def _maximum(schema: JsonSchema) -> float:
    exclusive = schema.get("exclusiveMaximum")
    highest = cast("float | None", schema.get("maximum"))
    return cast("float", exclusive) - 1 if exclusive is not None else highest if highest is not None else 10**9


def _bounds(schema: JsonSchema, low: str, high: str, least: int, most: int) -> tuple[int, int]:
    smallest = int(cast("Any", schema.get(low, least)))
    return smallest, max(min(int(cast("Any", schema.get(high, most))), most), smallest)


_DATE = Piece(
    '("19" | "20") [0-9]{2} "-" '
    '(("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ("0" [1-9] | [12] [0-9] | "30" | "31")'
    ' | ("04" | "06" | "09" | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8]))',
    10,
)
_TIME = Piece('([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9]', 8)
_HEX = "[0-9a-f]"
_FORMATS: Mapping[str, Piece] = {
    "date": _DATE,
    "time": _TIME,
    "date-time": _DATE + literal("T") + _TIME,
    "duration": Piece('"P" [0-9]{1,3} "DT" [0-9]{1,2} "H" [0-9]{1,2} "M"', 14),
    "uuid": Piece(f'{_HEX}{{8}} "-" {_HEX}{{4}} "-4" {_HEX}{{3}} "-" [89ab] {_HEX}{{3}} "-" {_HEX}{{12}}', 36),
}
