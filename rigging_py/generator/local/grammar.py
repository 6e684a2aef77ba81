"""Compiles the shape of an answer, and the tools it may call, to a GBNF grammar whose every sentence is bounded.

Each piece knows the most tokens it can cost, so the budget of a request follows from its grammar, and a reply always
ends where the grammar ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.generator.local.pieces import Piece, characters, either, literal, series
from rigging_py.generator.local.scalars import FORMATS, scalar
from rigging_py.message import ToolDefinition
from rigging_py.parsing import Element, Leaf, Shape, escape
from rigging_py.parsing.extract import escape_attribute
from rigging_py.parsing.lenient import branches_of, choices_of, definitions_of
from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_mapping

DEFAULT_BUDGET = 16_384
"""Tokens that an answer may have at worst, with one for each byte. Ordinary text has an eighth of them."""
_PLAIN = r'<>&"\x00-\x1F\x7F'
# What reading strips, ASCII's own spaces aside.
_SPACES = r" \u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000"
_JSON_TEXT = r'[^"\\<&\x00-\x1F\x7F]'

_Write = Callable[[str], str]
_Path = tuple[str, ...]
"""The names of the definitions that are being gone into, from the outermost in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds an answer where its schema does not.

    Attributes:
        text: characters of a text between tags or in JSON.
        answer: characters of a free answer beside tools.
        key: characters of a key in JSON.
        items: items of a list.
        depth: how often a definition may hold itself, and once more.
    """

    text: int = 160
    answer: int = 400
    key: int = 40
    items: int = 6
    depth: int = 3


LIMITS = (
    Limits(),
    Limits(100, 300, 30, 5, 2),
    Limits(60, 200, 24, 4, 2),
    Limits(40, 120, 20, 3, 1),
    Limits(20, 80, 12, 2, 1),
)
"""From roomy to narrow; a large shape gets the first ones that keep its longest answer within the budget."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a grammar is made from, equal where it is written equal."""

    written: bytes
    must_call: bool
    budget: int
    shape: Shape | None = field(default=None, compare=False)
    tools: Sequence[ToolDefinition] = field(default=(), compare=False)
    schema: JsonSchema | None = field(default=None, compare=False)


def compile_grammar(
    shape: Shape | None,
    tools: Sequence[ToolDefinition] = (),
    *,
    must_call: bool = False,
    budget: int = DEFAULT_BUDGET,
) -> tuple[str, int]:
    """The grammar of an answer of `shape` or of one call of one of `tools`, or with `must_call` of a call only.

    Gives the grammar and the most tokens of a text of it, at most `budget` unless the shape itself asks for more. What
    was compiled is kept, for the 256 latest of them.
    """
    return _compiled(_Asked(to_json((shape, tools)), must_call, budget, shape, tools))


def compile_json_grammar(schema: JsonSchema, *, budget: int = DEFAULT_BUDGET) -> tuple[str, int]:
    """The grammar of a JSON document of `schema`, and the most tokens of one; kept likewise."""
    return _compiled(_Asked(to_json(schema), False, budget, schema=schema))


@lru_cache(maxsize=256)
def _compiled(asked: _Asked) -> tuple[str, int]:
    """Measured: making a grammar takes some 300 to 1,000 microseconds, writing down what it is made from 5."""

    def root(limits: Limits) -> Piece:
        json = _Json(limits)
        if asked.schema is not None:
            return json.document(asked.schema)
        answer = _Tags(limits).blocks(asked.shape) if asked.shape else json.answer()
        calls = [json.call(tool) for tool in asked.tools]
        return either(calls if asked.must_call else [*calls, answer])

    return _within(asked.budget, root)


def _within(budget: int, root: Callable[[Limits], Piece]) -> tuple[str, int]:
    pieces = map(root, LIMITS)
    piece = next(pieces)
    while piece.most + 8 > budget and (narrower := next(pieces, None)) is not None:
        piece = narrower
    # The end of the text costs a token too.
    return f"root ::= {piece.expression}\n", piece.most + 8


@dataclass(frozen=True, slots=True)
class _Tags:
    """Tagged text."""

    limits: Limits

    def blocks(self, shape: Shape) -> Piece:
        return _joined([self._times(group, 0) for group in _side_by_side(shape)], "\n\n")

    def _times(self, group: Sequence[Element], level: int) -> Piece:
        """One of the alternatives as often as it may come; an outermost list may also be a single empty element."""
        least, most = group[0].least, group[0].most
        one = either([self._element(element, level) for element in group])
        if most == 1:
            return one
        limit = self.limits.items if most is None else most
        some = series(one, literal("\n" + "  " * level), max(least, 1), max(limit, least))
        empty = [literal(f"<{element.tag}></{element.tag}>") for element in group]
        return either([some, *empty]) if least == 0 and level == 0 else some

    def _element(self, element: Element, level: int) -> Piece:
        opening = literal(f"<{element.tag}")
        for one in element.attributes:
            opening = opening + literal(f' {one.name}="') + self._plain(one.schema, escape_attribute) + literal('"')
        return opening + literal(">") + self._content(element, level) + literal(f"</{element.tag}>")

    def _content(self, element: Element, level: int) -> Piece:
        content = element.content
        if isinstance(content, Leaf):
            return _Json(self.limits, escape).document(content.schema) if content.json else self._plain(content.schema)
        # A child that may be missing and cannot be described is left out.
        children = [child for child in content or () if child.content is not None or child.least]
        line = "\n" + "  " * (level + 1)
        inside = [literal(line) + self._times(group, level + 1) for group in _side_by_side(children)]
        return _joined([*inside, literal("\n" + "  " * level)], "") if inside else literal("")

    def _plain(self, schema: JsonSchema, write: _Write = escape) -> Piece:
        """A plain value, written without quotes."""
        branches = branches_of(schema)
        if len(branches) > 1:
            return either([self._plain(branch, write) for branch in branches])
        [branch] = branches
        if branch.get("type") == "null":
            return literal("")
        if choices := choices_of(branch):
            return either([literal(write(_word(choice))) for choice in choices])
        if branch.get("type") != "string":
            return scalar(branch)
        return FORMATS.get(str(branch.get("format"))) or self._text(branch)

    def _text(self, schema: JsonSchema) -> Piece:
        """Text that is neither blank at its ends, which reading would strip, nor able to be markup."""
        least, most = _bounds(schema, "minLength", "maxLength", 1, self.limits.text)
        end = characters(f"[^{_PLAIN}{_SPACES}]", 1, 1)
        if most <= 1:
            return end
        full = end + characters(f"[^{_PLAIN}]", max(least - 2, 0), most - 2) + end
        return full if least > 1 else either([full, end])


def _side_by_side(elements: Sequence[Element]) -> Iterator[list[Element]]:
    """Alternatives together, every other element by itself."""
    keyed = [(element.choice or str(index), element) for index, element in enumerate(elements)]
    for _, group in groupby(keyed, key=lambda pair: pair[0]):
        yield [element for _, element in group]


def _word(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _joined(pieces: Sequence[Piece], separator: str) -> Piece:
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = joined + literal(separator) + piece if separator else joined + piece
    return joined


@dataclass(frozen=True, slots=True)
class _Json:
    """JSON. `write` puts fixed texts into what stands around it; free text needs none, as it holds no markup."""

    limits: Limits
    write: _Write = str

    def answer(self) -> Piece:
        """Free text beside tools."""
        return literal('{"answer": ') + self._text({"minLength": 1}, self.limits.answer) + literal("}")

    def call(self, tool: ToolDefinition) -> Piece:
        """A call of the tool."""
        arguments = self.document(tool.function.parameters or {"type": "object"})
        return literal(f'{{"tool": {json.dumps(tool.function.name)}, "arguments": ') + arguments + literal("}")

    def document(self, schema: JsonSchema) -> Piece:
        return self._value(schema, {}, ())

    def _value(self, schema: JsonSchema, known: Mapping[str, JsonSchema], path: _Path) -> Piece:
        known = {**known, **definitions_of(schema)} if "$defs" in schema else known
        if name := _name(schema):
            return self._value(known[name], known, (*path, name))
        if choices := choices_of(schema):
            return either([self._fixed(choice) for choice in choices])
        if branches := _branches(schema):
            fitting = [branch for branch in branches if self._fits(branch, path)]
            return either([self._value(branch, known, path) for branch in fitting]) if fitting else literal("null")
        match schema.get("type"):
            case "null":
                return literal("null")
            case "boolean" | "integer" | "number":
                return scalar(schema)
            case "array":
                return self._array(schema, known, path)
            case "object":
                return self._object(schema, known, path)
            case kind if kind is None and "properties" in schema:
                return self._object(schema, known, path)
            case _:
                return self._text(schema, self.limits.text)

    def _fixed(self, value: object) -> Piece:
        return literal(self.write(json.dumps(value, ensure_ascii=False)))

    def _fits(self, schema: JsonSchema, path: _Path) -> bool:
        """Whether a value may be gone into; one that holds itself must end somewhere."""
        branches = _branches(schema)
        return any(self._fits(one, path) for one in branches) if branches else self._is_shallow(schema, path)

    def _is_shallow(self, schema: JsonSchema, path: _Path) -> bool:
        return path.count(_name(schema)) < self.limits.depth

    def _object(self, schema: JsonSchema, known: Mapping[str, JsonSchema], path: _Path) -> Piece:
        properties = cast("Mapping[str, JsonSchema]", schema.get("properties", {}))
        if not properties and schema.get("additionalProperties") not in (None, False):
            return self._map(schema, known, path)
        required = cast("Sequence[str]", schema.get("required", ()))
        kept = {name: part for name, part in properties.items() if name in required or self._fits(part, path)}
        members = [self._fixed(name) + literal(": ") + self._value(part, known, path) for name, part in kept.items()]
        return literal("{") + _joined(members, ", ") + literal("}") if members else literal("{}")

    def _map(self, schema: JsonSchema, known: Mapping[str, JsonSchema], path: _Path) -> Piece:
        value = as_mapping(schema.get("additionalProperties"))
        if not self._fits(value, path):
            return literal("{}")
        key = self._key(as_mapping(schema.get("propertyNames")), known)
        least, most = _bounds(schema, "minProperties", "maxProperties", 0, self.limits.items)
        pair = key + literal(": ") + self._value(value, known, path)
        return literal("{") + series(pair, literal(", "), least, most) + literal("}")

    def _key(self, schema: JsonSchema, known: Mapping[str, JsonSchema]) -> Piece:
        [branch, *_] = branches_of(schema, known)
        if choices := choices_of(branch):
            return either([self._fixed(str(choice)) for choice in choices])
        return self._text(branch, self.limits.key)

    def _array(self, schema: JsonSchema, known: Mapping[str, JsonSchema], path: _Path) -> Piece:
        members = schema.get("prefixItems")
        if isinstance(members, list):
            parts = [self._value(part, known, path) for part in cast("list[JsonSchema]", members)]
            return literal("[") + _joined(parts, ", ") + literal("]") if parts else literal("[]")
        items = as_mapping(schema.get("items"))
        least, most = _bounds(schema, "minItems", "maxItems", 0, self.limits.items)
        if not self._fits(items, path):
            return literal("[]")
        return literal("[") + series(self._value(items, known, path), literal(", "), least, most) + literal("]")

    def _text(self, schema: JsonSchema, limit: int) -> Piece:
        if formatted := FORMATS.get(str(schema.get("format"))):
            return literal('"') + formatted + literal('"')
        least, most = _bounds(schema, "minLength", "maxLength", 0, limit)
        return literal('"') + characters(_JSON_TEXT, least, most) + literal('"')


def _name(schema: JsonSchema) -> str:
    """The definition that a schema stands for, or nothing."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _branches(schema: JsonSchema) -> list[JsonSchema]:
    """The schemas of which a value has one; empty where there is no choice."""
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return [{**schema, "type": kind} for kind in cast("list[Any]", kinds)]
    found = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return cast("list[JsonSchema]", found) if isinstance(found, list) else []


def _bounds(schema: JsonSchema, low: str, high: str, least: int, most: int) -> tuple[int, int]:
    smallest = int(cast("Any", schema.get(low, least)))
    return smallest, max(min(int(cast("Any", schema.get(high, most))), most), smallest)
