"""Turns what a tool returned or raised into a result that a model can read."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeGuard, cast

from pydantic_core import to_json

from rigging_py.error import Stop
from rigging_py.message import AnyContent, ContentText, Message
from rigging_py.parsing import tagged
from rigging_py.run import ToolResult
from rigging_py.util import shorten_string

STOP_TAG = "rg-stop"


def box(value: object, *, truncate: int | None = None) -> ToolResult:
    """The result a value stands for.

    Text, numbers and truths are written as they are, a `Model` as tags, messages and content parts give their parts,
    and everything else is JSON. `truncate` is the most characters of text to keep; the middle goes first.
    """
    if isinstance(value, Stop):
        return ToolResult(tagged(STOP_TAG, value.message), stop=True)
    if isinstance(value, Message):
        return ToolResult(_cut(value.content_parts, truncate))
    if isinstance(value, AnyContent):
        return ToolResult(_cut([value], truncate))
    if _is_content(value):
        return ToolResult(_cut(value, truncate))
    return ToolResult(_shortened(_text(value), truncate))


def box_error(error: BaseException, *, truncate: int | None = None) -> ToolResult:
    """The result of a tool that raised: the kind of the error and what it says, escaped."""
    said = tagged("error", _shortened(str(error), truncate), type=type(error).__name__)
    return ToolResult(said, error=True, metadata={"error": str(error)})


def _is_content(value: object) -> TypeGuard[Sequence[AnyContent]]:
    if not isinstance(value, list | tuple):
        return False
    parts = cast("Sequence[object]", value)
    return bool(parts) and all(isinstance(one, AnyContent) for one in parts)


def _text(value: object) -> str:
    if isinstance(value, Enum):
        return _text(value.value)
    if isinstance(value, str | int | float | bool):
        return str(value)
    if hasattr(value, "to_pretty_xml"):
        return str(cast("Any", value).to_pretty_xml())
    try:
        return to_json(value, fallback=repr).decode()
    except ValueError:
        # Bytes that are no text, or an object inside of itself.
        return repr(value)


def _cut(parts: Sequence[AnyContent], limit: int | None) -> tuple[AnyContent, ...]:
    """The parts with no more text in all than the limit; those of which nothing is left are left out."""
    if limit is None:
        return tuple(parts)
    kept: list[AnyContent] = []
    for part in parts:
        if isinstance(part, ContentText):
            part = part.model_copy(update={"text": _shortened(part.text, limit)})
            limit -= len(part.text)
        if not isinstance(part, ContentText) or part.text:
            kept.append(part)
    return tuple(kept)


def _shortened(text: str, limit: int | None) -> str:
    return text if limit is None else shorten_string(text, limit, sep=" ... ")
