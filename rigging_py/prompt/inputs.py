"""Shows a prompt's arguments to the model: as tagged elements whose text can neither open nor close a tag."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from rigging_py.chat import Chat
from rigging_py.message import AnyContent, Message
from rigging_py.parsing import Ctx, escape, to_xml_tag
from rigging_py.parsing.codec import Tagged, is_tagged
from rigging_py.parsing.extract import escape_attribute
from rigging_py.prompt.parts import Parts, is_said


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """A parameter that is shown below the docstring: its name, its tag, and what its `Ctx` says."""

    name: str
    tag: str
    ctx: Ctx


def tag_of_parameter(name: str, ctx: Ctx) -> str:
    """The tag of a parameter: its `Ctx.tag`, or its name in kebab case (`input_` is shown as `input`)."""
    return ctx.tag or to_xml_tag(name)


def show_input(value: object, one: Input, parts: Parts) -> str:
    """The paragraph that shows one argument."""
    inside = show_value(value, parts)
    inside = f"\n{inside}\n" if "\n" in inside else inside
    has_this_tag = is_tagged(type(value)) and cast("type[Tagged]", type(value)).xml_element().tag == one.tag
    element = inside.strip("\n") if has_this_tag else f"<{one.tag}>{inside}</{one.tag}>"
    return f"{one.ctx.prefix}\n{element}" if one.ctx.prefix else element


def show_value(value: object, parts: Parts) -> str:
    """The text of a value: plain values as words, models as elements, collections as items, the rest as JSON.

    Images and the like are left to `parts`, in conversations too.
    """
    if isinstance(value, AnyContent):
        return escape(str(value)) if is_said(value) else parts.mark(value)
    if hasattr(value, "to_pretty_xml"):
        return str(cast("Any", value).to_pretty_xml())
    if isinstance(value, Message):
        return _said(value, parts)
    if isinstance(value, Chat):
        said = [_said(message, parts) for message in value.all]
        return "\n\n".join(said if value.error is None else [*said, escape(f"[error]: {value.error}")])
    if isinstance(value, Mapping):
        return "\n".join(
            _item(item, parts, f' key="{escape_attribute(str(key))}"')
            for key, item in cast("Mapping[object, object]", value).items()
        )
    if isinstance(value, set | frozenset):
        # Its own order differs from process to process, and a prompt should not.
        return "\n".join(sorted(_item(item, parts) for item in cast("set[Any]", value)))
    if isinstance(value, list | tuple):
        return "\n".join(_item(item, parts) for item in cast("list[Any]", value))
    if isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        return escape(to_json(value, indent=2).decode())
    return escape(_word(value))


def _said(message: Message, parts: Parts) -> str:
    """A message as `str(message)` writes it, but for its parts."""
    speaker = message.shell()
    speaker.content_parts = []
    head, line_end, calls = str(speaker).partition("\n")
    return (
        escape(head) + "\n".join(show_value(part, parts) for part in message.content_parts) + escape(line_end + calls)
    )


def _item(value: object, parts: Parts, attributes: str = "") -> str:
    if hasattr(value, "to_pretty_xml") and not attributes:
        return show_value(value, parts)
    inside = show_value(value, parts)
    inside = f"\n{textwrap.indent(inside, '  ')}\n" if "\n" in inside else inside
    return f"<item{attributes}>{inside}</item>"


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Enum):
        return _word(value.value)
    return str(value) if isinstance(value, str | int | float) else str(to_jsonable_python(value, fallback=repr))
