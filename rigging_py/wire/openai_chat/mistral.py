"""A message as Mistral takes it: ids of nine letters, and its own chunks for files and sound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from rigging_py.parsing.untyped import as_list, as_mapping

_ID = re.compile(r"[A-Za-z0-9]{9}")


def mistral_message(message: dict[str, Any]) -> dict[str, Any]:
    """The message, spelled anew where it has to be."""
    sent = dict(message)
    if calls := as_list(message.get("tool_calls")):
        sent["tool_calls"] = [{**call, "id": _id(call["id"])} for call in calls]
    if "tool_call_id" in message:
        sent["tool_call_id"] = _id(message["tool_call_id"])
    if isinstance(message.get("content"), list):
        sent["content"] = [_chunk(part) for part in message["content"]]
    return sent


def _id(given: str) -> str:
    """An id that Mistral takes, the same for the same; a conversation may have begun with another provider."""
    return given if _ID.fullmatch(given) else blake2b(given.encode(), digest_size=5).hexdigest()[:9]


def _chunk(part: Mapping[str, Any]) -> dict[str, Any]:
    if part.get("type") == "input_audio":
        return {**part, "input_audio": as_mapping(part.get("input_audio")).get("data")}
    file = as_mapping(part.get("file"))
    if file.get("file_id"):
        return {"type": "file", "file_id": file["file_id"]}
    if file:
        named = {"document_name": file["filename"]} if file.get("filename") else {}
        return {"type": "document_url", "document_url": file["file_data"], **named}
    return dict(part)
