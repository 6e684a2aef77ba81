"""What every form shares: a chat as plain data, read again or refused in a letter, and one chat as a list of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rigging_py.chat import Chat
from rigging_py.error import ProcessingError
from rigging_py.message import Message


def as_chats(chats: Chat | Sequence[Chat]) -> Sequence[Chat]:
    """One chat or several, as several."""
    return [chats] if isinstance(chats, Chat) else chats


def stored(chat: Chat, *, exclude_none: bool = False) -> dict[str, Any]:
    """The chat as JSON-safe data. What is no JSON, such as an object in the metadata, becomes the name of its type."""
    return chat.model_dump(mode="json", exclude_none=exclude_none, fallback=_type_name)


def _type_name(value: object) -> str:
    # Not its repr, which may hold what nobody meant to store.
    return f"<{type(value).__qualname__}>"


def read_chat(data: Mapping[str, Any], place: str) -> Chat:
    """The chat in data. Raises `ProcessingError` naming the `place` and the field; nothing else of it is told."""
    try:
        return Chat.model_validate(data)
    except (ValidationError, TypeError) as error:
        raise ProcessingError(f"{place} is not a chat: {problem_of(error)}.") from None


def problem_of(error: Exception) -> str:
    """What is wrong, in one line and without the data."""
    if not isinstance(error, ValidationError):
        return str(error).rstrip(".")
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"


def chat_of(messages: list[Message]) -> Chat:
    """A chat of messages that came alone: an assistant's message at the end is what was generated."""
    is_answered = bool(messages) and messages[-1].role == "assistant"
    return Chat(messages=messages[:-1], generated=messages[-1:]) if is_answered else Chat(messages=messages)
