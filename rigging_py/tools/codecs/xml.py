"""Arguments as elements, `<city>Oslo</city><days>3</days>`, read by the schema of the tool and written to be read so.

Lists are `<item>` elements, objects with named fields are elements in an element, all else that is no text is JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from pydantic_core import from_json

from rigging_py.parsing import Found, elements, escape, read_text, unescape
from rigging_py.parsing.extract import read_attributes
from rigging_py.parsing.shape import JsonSchema
from rigging_py.run.calls import json_object
from rigging_py.tools.codecs.found import as_json
from rigging_py.tools.codecs.schema import Place, field_names

_ITEM = "item"
_MOST_LEVELS, _MOST_NAMES = 50, 1000
_NAME = re.compile(r"[^\W\d][\w.:-]*")
_PLAIN_ELEMENT = re.compile(r"<([^\W\d][\w.:-]*)>([^<]*)</\1\s*>")


@dataclass(slots=True)
class _Node:
    found: Found
    children: list[_Node] = field(default_factory=list["_Node"])


def read_arguments(body: str, schema: JsonSchema) -> str:
    """The arguments in JSON; what stands in a call that has other than elements, as text."""
    place, given, others, at = Place(schema, schema), dict[str, object](), list[str](), 0
    for node in _tree(body, schema):
        others.append(body[at : node.found.start])
        at = node.found.stop
        if node.found.tag in place.fields:
            given[node.found.tag] = _value(body, node, place.fields[node.found.tag])
        else:
            others.append(body[node.found.start : at])
    rest = "".join(others) + body[at:]
    # Those that the tool does not take are for the check to name.
    given |= {name: unescape(text.strip()) for name, text in _PLAIN_ELEMENT.findall(rest)}
    if not _PLAIN_ELEMENT.sub("", rest).strip():
        return as_json(given)
    text = unescape(body.strip())
    whole = json_object(text)
    return text if whole is None else as_json(whole)


def write_arguments(arguments: str, schema: JsonSchema) -> str:
    """The arguments as elements; where these would not read back the same, in JSON or to the letter, as text."""
    given = json_object(arguments)
    if given is None:
        return _exactly(arguments)
    fields = Place(schema, schema).fields
    written = "".join(_element(name, value, fields[name]) for name, value in given.items() if name in fields)
    return written if read_arguments(written, schema) == as_json(given) else escape(as_json(given))


def _tree(text: str, schema: JsonSchema) -> list[_Node]:
    """The elements whose names the schema knows, each in the one that holds it."""
    names = [name for name in dict.fromkeys([_ITEM, *field_names(schema)]) if _NAME.fullmatch(name)]
    top: list[_Node] = []
    around: list[_Node] = []
    for found in sorted(elements(text, names[:_MOST_NAMES]), key=lambda one: (one.start, -one.stop)):
        while around and around[-1].found.stop <= found.start:
            around.pop()
        if around and found.stop > around[-1].found.inner_stop:
            continue  # they cross
        node = _Node(found)
        (around[-1].children if around else top).append(node)
        around.append(node)
    return top


def _value(text: str, node: _Node, place: Place, level: int = 0) -> object:
    if level < _MOST_LEVELS and place.allows("object", "array"):
        inside = _fields(text, node, place, level) or _items(text, node, place, level)
        if inside:
            return inside
    return _plain(node.found.inner(text), place)


def _fields(text: str, node: _Node, place: Place, level: int) -> dict[str, object] | None:
    attributes = read_attributes(node.found.attributes)
    if not {*attributes, *(one.found.tag for one in node.children)} <= place.fields.keys() or _has_words(text, node):
        return None
    given: dict[str, object] = {name: _plain(escape(said), place.fields[name]) for name, said in attributes.items()}
    for one in node.children:
        given[one.found.tag] = _value(text, one, place.fields[one.found.tag], level + 1)
    return given


def _items(text: str, node: _Node, place: Place, level: int) -> list[object] | None:
    if any(one.found.tag != _ITEM for one in node.children) or _has_words(text, node):
        return None
    return [_value(text, one, place.item(index), level + 1) for index, one in enumerate(node.children)]


def _has_words(text: str, node: _Node) -> bool:
    """Whether something stands beside the elements in an element."""
    at = node.found.inner_start
    for one in node.children:
        if text[at : one.found.start].strip():
            return True
        at = one.found.stop
    return bool(text[at : node.found.inner_stop].strip())


def _plain(raw: str, place: Place) -> object:
    """The value that the text in an element stands for; the text itself where it is of no other type."""
    raw = raw.strip()
    text = read_text(raw) if "<![CDATA[" in raw else unescape(raw)
    if raw.startswith("&#") and place.allows("string"):
        return text  # as texts are written that look like something else
    if raw in ("null", "None") and place.allows("null"):
        return None
    if raw.lower() in ("true", "false") and "boolean" in place.kinds:
        return raw.lower() == "true"
    if not raw:
        return _nothing(place)
    return _from_json(text, place)


def _nothing(place: Place) -> object:
    return "" if place.allows("string") else [] if "array" in place.kinds else {} if "object" in place.kinds else ""


def _from_json(text: str, place: Place) -> object:
    if place.kinds == frozenset({"string"}):
        return text
    try:
        value: object = from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
    return value if place.allows(*_KINDS_OF.get(type(value), ())) else text


_KINDS_OF: Mapping[type, tuple[str, ...]] = {
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number", "integer"),
    list: ("array",),
    dict: ("object",),
    type(None): ("null",),
}


def _element(name: str, value: object, place: Place) -> str:
    return f"<{name}>{_inside(value, place)}</{name}>"


def _inside(value: object, place: Place) -> str:
    if isinstance(value, dict) and value and value.keys() <= place.fields.keys():
        fields = cast("dict[str, object]", value)
        return "".join(_element(name, one, place.fields[name]) for name, one in fields.items())
    if isinstance(value, list) and value and place.allows("array"):
        items = cast("list[object]", value)
        return "".join(_element(_ITEM, one, place.item(index)) for index, one in enumerate(items))
    if not isinstance(value, str):
        return escape(as_json(cast("object", value)))
    plain = _exactly(value)
    return plain if _plain(plain, place) == value else f"{_references(value[:1])}{_exactly(value[1:])}"


def _exactly(text: str) -> str:
    """Escaped text that keeps the white space at its ends."""
    core = text.strip()
    before, _, after = text.partition(core) if core else (text, "", "")
    return f"{_references(before)}{escape(core)}{_references(after)}"


def _references(characters: Iterable[str]) -> str:
    return "".join(f"&#{ord(one)};" for one in characters)
