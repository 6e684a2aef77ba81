"""The system message of a conversation: what is put into it, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from rigging_py.message.message import Message

_SYSTEM = ("system", "developer")


def inject_system_content(messages: Sequence[Message], content: str) -> list[Message]:
    """The messages with `content` in the system message: a new one, or after a blank line unless it says so already.

    The developer's message, where there is one in its place, is taken for it.
    """
    if not messages or messages[0].role not in _SYSTEM:
        return [Message("system", content), *messages]
    first, *rest = messages
    if content in first.content:
        return list(messages)
    system = first.shell()
    system.content = f"{first.content}\n\n{content}" if first.content else content
    return [system, *rest]


def strip_system_content(messages: Sequence[Message], content: str) -> list[Message]:
    """The messages without `content` in the system message, which is left out where nothing else is in it."""
    if not content or not messages or messages[0].role not in _SYSTEM or content not in messages[0].content:
        return list(messages)
    first, *rest = messages
    system = first.shell()
    system.content = first.content.replace(content, "").strip()
    return [system, *rest] if system.content_parts else rest
