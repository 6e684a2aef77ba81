"""Shows a model class as an empty element, the way a prompt asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo
from pydantic_xml import BaseXmlModel

from rigging_py.model.describe import parts_of
from rigging_py.parsing.extract import escape, escape_attribute
from rigging_py.parsing.shape import Attribute, Element, Leaf
from rigging_py.parsing.sketch import show_example, sketch


def example_of(cls: type[BaseXmlModel], tag: str) -> str:
    """Empty tags, descriptions as comments above the children, the first of each field's `examples` in its place."""
    opening, inside = tag, ""
    lines: list[str] = []
    for field, part in parts_of(cls):
        if isinstance(part, Attribute):
            opening += f' {part.name}="{escape_attribute(_first_example(field) or sketch(part.schema))}"'
        elif isinstance(part, Leaf):
            inside = _inside(field, part)
        else:
            lines += _child_lines(field, part)
    return "\n".join([f"<{opening}>", *lines, f"</{tag}>"]) if lines else f"<{opening}>{inside}</{tag}>"


def _first_example(field: FieldInfo) -> str:
    return show_example(field.examples[0]) if field.examples else ""


def _inside(field: FieldInfo, leaf: Leaf) -> str:
    return escape(_first_example(field) or sketch(leaf.schema))


def _child_lines(field: FieldInfo, children: tuple[Element, ...]) -> Iterator[str]:
    if field.description and children:
        # Descriptions may come with the schema of a foreign tool.
        yield f"  <!-- {field.description.strip().replace('-->', '--&gt;')} -->"
    for child in children:
        inside = _inside(field, child.content) if isinstance(child.content, Leaf) else ""
        yield f"  <{child.tag}>{inside}</{child.tag}>" if inside else f"  <{child.tag}/>"
