"""Reads one found element into an XML tree, guided by the shape it should have.

Only the tags that the shape expects are markup; everything else a model writes between them is text. Children may come
in any order.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element as Node

from rigging_py.parsing.extract import (
    Found,
    elements,
    innermost,
    outermost,
    read_attributes,
    read_text,
    without_comments,
)
from rigging_py.parsing.lenient import allows_null
from rigging_py.parsing.shape import Element, Leaf

_DEPTH_LIMIT = 64


def read_tree(text: str, found: Found, shape: Element, depth: int = 0) -> Node:
    """The tree of `found`, with the children that `shape` knows."""
    node = Node(found.tag, read_attributes(found.attributes))
    if isinstance(shape.content, Leaf) or depth > _DEPTH_LIMIT:
        node.text = read_text(found.inner(text)) or None
        return node
    children = _children(text, found, shape)
    by_tag = {child.tag: child for child in shape.content or ()}
    for child in children:
        expected = by_tag.get(child.tag, Element(child.tag, None))
        inner = read_tree(text, child, expected, depth + 1)
        if not _says_none(inner, expected):
            node.append(inner)
    node.text = _own_text(text, found, children) or None
    return node


def _says_none(node: Node, shape: Element) -> bool:
    """Whether an empty element stands for None and not for the empty string."""
    is_optional = isinstance(shape.content, Leaf) and allows_null(shape.content.schema)
    return is_optional and not node.text and not node.attrib


def _children(text: str, found: Found, shape: Element) -> list[Found]:
    known = shape.content or ()
    leaves = {child.tag for child in known if isinstance(child.content, Leaf)}
    tags = [child.tag for child in known]
    inside = elements(text, tags, found.inner_start, found.inner_stop)
    # A leaf's text may mention its own tag, so the innermost pair is meant; a branch may hold itself.
    single = [one for tag in leaves for one in innermost(f for f in inside if f.tag == tag)]
    return outermost([*single, *(one for one in inside if one.tag not in leaves)])


def _own_text(text: str, found: Found, children: list[Found]) -> str:
    """The text of an element outside its children."""
    pieces: list[str] = []
    position = found.inner_start
    for child in children:
        pieces.append(text[position : child.start])
        position = child.stop
    pieces.append(text[position : found.inner_stop])
    return read_text(without_comments("".join(pieces)))
