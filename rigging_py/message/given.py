"""What a message can be made of: text, parts, plain data, and the answers of other libraries, as fields and parts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pydantic_core import to_jsonable_python

from rigging_py.message.content import AnyContent, ContentText


def fields_of(message: object) -> dict[str, Any]:
    """The fields of a message that is data, or another library's. Raises `TypeError` for what is no message."""
    if not isinstance(message, Mapping) and hasattr(message, "role") and hasattr(message, "content"):
        # The answer of another library. It has the names of the OpenAI API.
        message = {name: getattr(message, name) for name in _FOREIGN if getattr(message, name, None) is not None}
        message = to_jsonable_python(message, fallback=repr)
    if not isinstance(message, Mapping) or "role" not in message:
        raise TypeError(
            f"A message is text, a content part, a dict with role and content, or a Message; not {message!r}."
        )
    fields = dict(cast("Mapping[str, Any]", message))
    thought = {name: fields.pop(name) for name in _THOUGHT if fields.get(name)}
    return {**fields, "metadata": {**fields.get("metadata", {}), **thought}} if thought else fields


_THOUGHT = ("thinking_blocks", "reasoning_content")
_FOREIGN = ("role", "content", "tool_calls", "tool_call_id", *_THOUGHT)


def parts_of(content: Any, *, is_ours: bool) -> list[Any]:
    """The content parts of what was given as content; text of our own is dedented."""
    if content is None or content == "":
        return []
    is_one = isinstance(content, str | Mapping | AnyContent) or not isinstance(content, Iterable)
    pieces: list[Any] = [content] if is_one else list(cast("Iterable[Any]", content))
    return [
        ContentText(text=textwrap.dedent(piece) if is_ours and "\n" in piece else piece)
        if isinstance(piece, str)
        else piece
        for piece in pieces
    ]
