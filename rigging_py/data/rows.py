"""Chats as flat rows, one for each message, and back: what every table is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

from pydantic_core import from_json, to_json

from rigging_py.chat import Chat, ChatList
from rigging_py.data.reading import as_chats, read_chat, stored
from rigging_py.error import ProcessingError
from rigging_py.message import ContentText, Message

Row: TypeAlias = dict[str, Any]

COLUMNS: Mapping[str, type] = {
    "chat_id": str,
    "chat_timestamp": datetime,
    "chat_generator_id": str,
    "chat_stop_reason": str,
    "chat_failed": bool,
    "chat_error": str,
    "chat_usage": str,
    "chat_params": str,
    "chat_metadata": str,
    "chat_extra": str,
    "generated": bool,
    "message_index": int,
    "message_id": str,
    "role": str,
    "content": str,
    "content_parts": str,
    "tool_call_id": str,
    "tool_calls": str,
    "slices": str,
    "metadata": str,
}
"""The columns of a table of chats, and what each holds."""

_CHAT_TEXTS = ("timestamp", "generator_id", "stop_reason", "failed", "error")
_CHAT_JSON = ("usage", "params", "metadata", "extra")
_MESSAGE_JSON = ("tool_calls", "slices", "metadata")


def flatten_chats(chats: Chat | Sequence[Chat]) -> list[Row]:
    """One row for each message, which repeats what is known of its chat; a chat without messages has one too.

    The keys are those of `COLUMNS`. A row is plain: text, numbers, True, False and None. `chat_timestamp` is ISO 8601.
    What is nested is JSON text: `chat_usage`, `chat_params`, `chat_metadata`, `chat_extra`, `content_parts`,
    `tool_calls`, `slices` and `metadata`. `content_parts` is None where a message is nothing but the text in `content`.
    """
    return [row for chat in as_chats(chats) for row in _rows_of(chat)]


def _rows_of(chat: Chat) -> Iterator[Row]:
    data = stored(chat)
    of_chat = {"chat_id": data["uuid"]}
    of_chat |= {f"chat_{name}": data[name] for name in _CHAT_TEXTS}
    of_chat |= {f"chat_{name}": _to_text(data[name]) for name in _CHAT_JSON}
    dumps = [*data["messages"], *data["generated"]]
    for index, (message, dump) in enumerate(zip(chat.all, dumps, strict=True)):
        place = {"generated": index >= len(chat.messages), "message_index": index}
        yield {**of_chat, **place, **_of_message(message, dump)}
    if not dumps:
        yield {**dict.fromkeys(COLUMNS), **of_chat, "generated": False, "message_index": 0}


def _of_message(message: Message, dump: Mapping[str, Any]) -> Row:
    text = message.content
    return {
        "message_id": dump["uuid"],
        "role": message.role,
        "content": text,
        "content_parts": None if message.content_parts == _parts_of(text) else _to_text(dump["content"]),
        "tool_call_id": message.tool_call_id,
        **{name: _to_text(dump.get(name)) for name in _MESSAGE_JSON},
    }


def _parts_of(text: str) -> list[ContentText]:
    return [ContentText(text=text)] if text else []


def unflatten_chats(rows: Sequence[Mapping[str, Any]]) -> ChatList:
    """The chats in rows that `flatten_chats` made, in the order in which they first come.

    The rows of a chat may stand in any order, and some may be missing. Raises `ProcessingError` for rows without all
    of the columns, and for one that holds no message or no chat.
    """
    return ChatList(map(_chat, _grouped(rows)))


def _grouped(rows: Sequence[Mapping[str, Any]]) -> Iterable[list[tuple[int, Mapping[str, Any]]]]:
    """The rows of each chat by message, with their numbers. A chat that is there twice has each of its rows twice."""
    groups: dict[tuple[str, int], list[tuple[int, Mapping[str, Any]]]] = {}
    seen = Counter[tuple[str, float]]()
    for number, row in enumerate(rows, 1):
        check_columns(row, f"Row {number}")
        message = (str(row["chat_id"]), _index(row, number))
        groups.setdefault((message[0], seen[message]), []).append((number, row))
        seen[message] += 1
    return [sorted(group, key=lambda one: cast("int", one[1]["message_index"])) for group in groups.values()]


def _index(row: Mapping[str, Any], number: int) -> float:
    index = row["message_index"]
    if not isinstance(index, int | float):
        raise ProcessingError(f"Row {number}: message_index is no number.")
    return index


def check_columns(names: Iterable[str], what: str) -> None:
    """Raises `ProcessingError` naming the columns that are missing."""
    known = {*names}
    if missing := [name for name in COLUMNS if name not in known]:
        raise ProcessingError(f"{what} was not made of chats; there is no {', '.join(missing)}.")


def _chat(group: Sequence[tuple[int, Mapping[str, Any]]]) -> Chat:
    number, first = group[0]
    fields = {"uuid": first["chat_id"]}
    fields |= {name: first[f"chat_{name}"] for name in _CHAT_TEXTS}
    fields |= {name: _from_text(first, f"chat_{name}", number) for name in _CHAT_JSON}
    messages = [(row["generated"], _message(row, place)) for place, row in group if row["message_id"] is not None]
    fields["messages"] = [one for is_generated, one in messages if not is_generated]
    fields["generated"] = [one for is_generated, one in messages if is_generated]
    return read_chat({name: value for name, value in fields.items() if value is not None}, f"Row {number}")


def _message(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    fields = {name: _from_text(row, name, number) for name in _MESSAGE_JSON}
    parts = _from_text(row, "content_parts", number)
    if not isinstance(row["content"], str | None):
        raise ProcessingError(f"Row {number}: content is no text.")
    fields["content_parts"] = _parts_of(row["content"] or "") if parts is None else parts
    fields |= {"uuid": row["message_id"], "role": row["role"], "tool_call_id": row["tool_call_id"]}
    return {name: value for name, value in fields.items() if value is not None}


def _to_text(value: Any) -> str | None:
    return None if value is None else to_json(value).decode()


def _from_text(row: Mapping[str, Any], name: str, number: int) -> Any:
    text = row[name]
    try:
        return None if text is None else from_json(text)
    except (ValueError, TypeError) as error:
        raise ProcessingError(f"Row {number}: {name} is not JSON text: {error}.") from None
