"""Prompt-cache marks: which messages a provider is asked to remember, so that it need not read them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from rigging_py.message import Message

CacheMode: TypeAlias = Literal["latest"]
"""`latest` marks the last two messages that the model did not write."""

_MARKED = 2
_MARK = {"type": "ephemeral"}


def apply_cache_mode_to_messages(mode: CacheMode, messages: Sequence[Sequence[Message]]) -> list[list[Message]]:
    """Conversations with the marks of `mode`, and no others, on copies of their messages."""
    check_cache_mode(mode)
    return [_marked(one) for one in messages]


def check_cache_mode(mode: object) -> None:
    """Raises `ValueError` for what is no mode."""
    if mode not in get_args(CacheMode):
        raise ValueError(f"A cache mode is {' or '.join(map(repr, get_args(CacheMode)))}; not {mode!r}.")


def _marked(messages: Sequence[Message]) -> list[Message]:
    others = [place for place, one in enumerate(messages) if one.role != "assistant" and one.content_parts]
    latest = others[-_MARKED:]
    return [_with_mark(one, _MARK if place in latest else None) for place, one in enumerate(messages)]


def _with_mark(message: Message, mark: dict[str, str] | None) -> Message:
    """The message with this mark on its last part and none on the others; itself where it is so already."""
    marks = [None] * (len(message.content_parts) - 1) + [mark]
    if not message.content_parts or [part.cache_control for part in message.content_parts] == marks:
        return message
    copy = message.shell()
    copy.content_parts = [
        part.model_copy(update={"cache_control": one}) for part, one in zip(message.content_parts, marks, strict=True)
    ]
    return copy
