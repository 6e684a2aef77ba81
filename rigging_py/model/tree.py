"""Finds the elements of one shape in text and reads each into a pydantic-xml tree.

Only the tags that the shape expects are markup; everything else a model writes between them is text. Children may come
in any order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

# Not the one that depends on whether lxml is installed: lxml refuses control characters.
from pydantic_xml.element.element import SearchMode
from pydantic_xml.element.native.std import XmlElement

from rigging_py.model.pretty import local
from rigging_py.parsing.extract import (
    DEPTH_LIMIT,
    Found,
    elements,
    innermost,
    outermost,
    read_attributes,
    read_text,
)
from rigging_py.parsing.lenient import allows_null, lenient, says_nothing
from rigging_py.parsing.shape import Attribute, Element, JsonSchema, Leaf

_start = attrgetter("start")


class _LocalElement(XmlElement):
    """An element whose names have no namespace, as tags in text have none: the names that are asked for lose theirs."""

    def find_element(
        self, tag: str, search_mode: SearchMode, look_behind: bool = True, step_forward: bool = True
    ) -> Any:
        return super().find_element(local(tag), search_mode, look_behind, step_forward)

    def pop_element(self, tag: str, search_mode: SearchMode, remove: bool = False) -> Any:
        return super().pop_element(local(tag), search_mode, remove)

    def pop_attrib(self, name: str) -> str | None:
        return super().pop_attrib(local(name))


class TreeReader:
    """Reads the elements of one shape."""

    def __init__(self, shape: Element) -> None:
        self.shape = shape
        self._tags = tuple(dict.fromkeys(_tags(shape)))
        self._holds_itself = shape.tag in [tag for child in _children(shape) for tag in _tags(child)]

    def read(self, text: str) -> Iterator[tuple[XmlElement, slice]]:
        """Each element in text order, with its place."""
        pairs = sorted(elements(text, self._tags), key=_start)
        own = [one for one in pairs if one.tag == self.shape.tag]
        for found in outermost(own) if self._holds_itself else innermost(own):
            yield _node(text, found, self.shape, pairs, ()), slice(found.start, found.stop)


def _node(text: str, found: Found, shape: Element, pairs: Sequence[Found], outer: tuple[Element, ...]) -> XmlElement:
    """The tree of one element. `pairs` are all elements it may hold, `outer` the shapes it stands in."""
    if shape.content is None and shape.model:
        shape = next((one for one in reversed(outer) if one.model == shape.model), shape)
    attributes = _attributes(found, shape.attributes)
    if isinstance(shape.content, Leaf):
        leaf_text = _leaf_text(read_text(found.inner(text)), shape.content.schema)
        return _LocalElement(found.tag, text=leaf_text, attributes=attributes)
    children = _read_children(text, found, shape, pairs, outer) if len(outer) < DEPTH_LIMIT else ()
    return _LocalElement(found.tag, attributes=attributes, elements=list(children))


def _read_children(
    text: str, found: Found, shape: Element, pairs: Sequence[Found], outer: tuple[Element, ...]
) -> Iterator[XmlElement]:
    by_tag = {child.tag: child for child in _children(shape)}
    inside = _inside(pairs, found)
    known = _outermost_known(inside, by_tag)
    counts = Counter(child.tag for child in known)
    for child in _in_order(known, shape):
        expected = by_tag[child.tag]
        node = _node(text, child, expected, inside, (*outer, shape))
        if not (node.is_empty() and _may_be_absent(expected, is_alone=counts[child.tag] == 1)):
            yield node


def _in_order(known: Sequence[Found], shape: Element) -> Iterator[Found]:
    """The children as the shape has them one after another, without those that come more often than they may."""
    places: dict[str, int] = {}
    room: Counter[int] = Counter()
    for index, child in enumerate(_children(shape)):
        place = places.setdefault(child.choice or child.tag, index)
        places.setdefault(child.tag, place)
        is_first_alternative = not child.choice or place == index
        room[place] += len(known) if child.most is None else is_first_alternative
    for found in sorted(known, key=lambda one: places[one.tag]):
        if room[places[found.tag]] > 0:
            room[places[found.tag]] -= 1
            yield found


def _attributes(found: Found, expected: Sequence[Attribute]) -> dict[str, str]:
    attributes = read_attributes(found.attributes) if found.attributes else {}
    for one in expected:
        if (value := attributes.get(one.name)) is None:
            continue
        if says_nothing(value) and allows_null(one.schema):
            del attributes[one.name]
        else:
            attributes[one.name] = str(lenient(value, one.schema))
    return attributes


def _leaf_text(content: str, schema: JsonSchema) -> str | None:
    if says_nothing(content) and allows_null(schema):
        return None
    return str(lenient(content, schema)) or None


def _may_be_absent(shape: Element, *, is_alone: bool) -> bool:
    """Whether an empty element says that there is no value: of an optional one, or of a list when it stands alone."""
    if not isinstance(shape.content, Leaf):
        return False
    return (shape.most is None and is_alone) or allows_null(shape.content.schema)


def _outermost_known(inside: Sequence[Found], by_tag: Mapping[str, Element]) -> list[Found]:
    # A leaf's text may mention its own tag, so the innermost pair is meant; a branch may hold itself.
    leaves = [tag for tag, shape in by_tag.items() if isinstance(shape.content, Leaf)]
    single = [one for tag in leaves for one in innermost(one for one in inside if one.tag == tag)]
    return outermost([*single, *(one for one in inside if one.tag in by_tag and one.tag not in leaves)])


def _inside(pairs: Sequence[Found], outer: Found) -> list[Found]:
    first = bisect_left(pairs, outer.inner_start, key=_start)
    last = bisect_left(pairs, outer.inner_stop, key=_start)
    return [one for one in pairs[first:last] if one.stop <= outer.inner_stop]


def _tags(shape: Element) -> Iterator[str]:
    yield shape.tag
    for child in _children(shape):
        yield from _tags(child)


def _children(shape: Element) -> tuple[Element, ...]:
    return shape.content if isinstance(shape.content, tuple) else ()
