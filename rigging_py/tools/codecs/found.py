"""Calls found in a text, and their arguments as JSON: read leniently, written so that no text in them is a tag."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, cast

from pydantic_core import from_json, to_json

from rigging_py.run.calls import json_object

UNREADABLE = "unreadable_call"
"""The name of a call whose name cannot be read, so that whoever executes it finds that there is no such tool."""

_NAME = re.compile(r'"name"\s*:\s*"([^"\\]*)"')
_ARGUMENTS = re.compile(r'"(?:arguments|parameters)"\s*:\s*')


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call in a text: a name, and arguments in JSON, or as they were written where they are none."""

    name: str
    arguments: str


class Finder(Protocol):
    """Tells the calls in a text from the words around them, in whatever pieces it comes."""

    def feed(self, text: str) -> Iterable[str | FoundCall]:
        """The words and calls that are certain now that `text` has come too."""
        ...

    def ending(self, was_cut: bool, /) -> Iterable[str | FoundCall]:
        """The rest; `was_cut` says that the model would have gone on."""
        ...


def as_json(value: object) -> str:
    """A value in JSON; numbers that JSON lacks come out so that nobody takes the text for JSON."""
    return to_json(value, inf_nan_mode="constants").decode()


def arguments_of(value: object) -> str:
    """Arguments that were given as a value: an object, or a text that may be one in JSON."""
    if not isinstance(value, str):
        return "{}" if value is None else as_json(value)
    given = json_object(value)
    return value if given is None else as_json(given)


def arguments_in(text: str) -> str:
    """Arguments that were written: an object in JSON, or a text in JSON that says one; else what was written."""
    try:
        value: object = from_json(text) if text.strip() else {}
    except ValueError:
        return text.strip()
    return arguments_of(cast("object", value)) if isinstance(value, dict | str) else text.strip()


def value_of(arguments: str) -> object:
    """What `arguments_of` reads back to these arguments: the object, or the text that is none."""
    given = json_object(arguments)
    return arguments if given is None else given


def call_in(text: str) -> FoundCall | None:
    """The call that `{"name": …, "arguments": …}` is; None for an object without a name that is text."""
    try:
        value: object = from_json(text)
    except ValueError:
        return _malformed(text.strip())
    if not isinstance(value, dict):
        return _malformed(text.strip())
    given = cast("dict[str, object]", value)
    name = given.get("name")
    asked = given["arguments"] if "arguments" in given else given.get("parameters")
    return FoundCall(name, arguments_of(asked)) if isinstance(name, str) else None


def _malformed(text: str) -> FoundCall:
    name, begun = _NAME.search(text), _ARGUMENTS.search(text)
    if name is None or begun is None:
        return FoundCall(name[1] if name else UNREADABLE, text)
    raw = text[begun.end() :].strip()
    if raw.count("}") > raw.count("{"):
        raw = raw.removesuffix("}").rstrip()  # that of the call, which some models forget
    return FoundCall(name[1], arguments_in(raw) if raw else text)


def without_tags(written: str, tags: Iterable[str], less_than: str = "\\u003c") -> str:
    """A literal in which nothing opens or closes one of these tags; `less_than` is how it writes the sign."""
    return re.sub(rf"<(?=/?(?:{'|'.join(map(re.escape, tags))}))", lambda _: less_than, written, flags=re.IGNORECASE)
