"""Chats as JSON lines, one chat each, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, cast

from pydantic_core import PydanticSerializationError, from_json

from rigging_py.chat import Chat, ChatList
from rigging_py.data.reading import as_chats, read_chat, stored
from rigging_py.error import ProcessingError


def chats_to_jsonl(chats: Chat | Sequence[Chat], path: str | PathLike[str]) -> None:
    """Writes one line of JSON for each chat, without the values that are None, in place of what was there."""
    with Path(path).open("wb") as file:
        file.writelines(map(chat_line, as_chats(chats)))


def chat_line(chat: Chat) -> bytes:
    """A line that `Chat.model_validate_json` reads again, without what is None.

    What is no JSON, such as an object in the metadata, becomes the name of its type, and half a surrogate pair a `?`.
    """
    try:
        return chat.model_dump_json(exclude_none=True).encode() + b"\n"
    except PydanticSerializationError:
        return json.dumps(stored(chat, exclude_none=True), ensure_ascii=False).encode(errors="replace") + b"\n"


def jsonl_to_chats(path: str | PathLike[str]) -> ChatList:
    """The chats in a file of JSON lines, as `chats_to_jsonl` and the watchers write them; empty lines are left out.

    Raises `ProcessingError` for a line that is no chat, naming its number, and `OSError`.
    """
    return ChatList(_read(path))


def _read(path: str | PathLike[str]) -> Iterator[Chat]:
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _chat(line, f"Line {number} of {path}")


def _chat(line: bytes, place: str) -> Chat:
    try:
        data: Any = from_json(line)
    except ValueError as error:
        raise ProcessingError(f"{place} is not JSON: {error}.") from None
    if not isinstance(data, dict):
        raise ProcessingError(f"{place} is not a chat: it is JSON, but no object.")
    return read_chat(cast("dict[str, Any]", data), place)
