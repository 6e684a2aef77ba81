"""What every form shares: one chat is a list of one, and what is no chat says so in a letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rigging_py.chat import Chat
from rigging_py.error import ProcessingError


def as_chats(chats: Chat | Sequence[Chat]) -> Sequence[Chat]:
    """One chat or several, as several."""
    return [chats] if isinstance(chats, Chat) else chats


def read_chat(stored: Mapping[str, Any], place: str) -> Chat:
    """The chat in stored data. Raises `ProcessingError` naming the `place` and the field; the data is not repeated."""
    try:
        return Chat.model_validate(stored)
    except (ValidationError, TypeError) as error:
        raise ProcessingError(f"{place} is not a chat: {problem_of(error)}.") from None


def problem_of(error: Exception) -> str:
    """What is wrong, in one line and without the data."""
    if not isinstance(error, ValidationError):
        return str(error).rstrip(".")
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
