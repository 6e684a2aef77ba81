"""What a message holds, as the blocks of Anthropic's messages API. Pure functions, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NoReturn, TypeAlias

from rigging_py.error import InvalidError, ProcessingError
from rigging_py.message import (
    AnyContent,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    Message,
    media,
)
from rigging_py.wire.tool_use import arguments_of

Block: TypeAlias = dict[str, Any]

THINKING, REDACTED = "thinking", "redacted_thinking"
_ODD_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_TEXTUAL = ("application/json", "application/xml", "application/yaml")
"""What is text, besides all that is `text/`."""


def blocks_of(message: Message, origin: str) -> Iterator[Block]:
    """The blocks of a message; of reasoning only what came from `origin`. Blank text is none, since it is refused.

    Raises `InvalidError` for what the API has no block for.
    """
    if message.role == "tool":
        yield _result(message, origin)
        return
    yield from _parts(message, origin)
    for call in message.tool_calls or ():
        yield {"type": "tool_use", "id": _as_id(call.id), "name": call.name, "input": arguments_of(call)}


def apart(blocks: list[Block]) -> list[Block]:
    """The blocks with a line end between texts, which providers put together without a gap."""
    for block, after in pairwise(blocks):
        if block["type"] == after["type"] == "text" and not block["text"].endswith("\n"):
            block["text"] += "\n"
    return blocks


def shortened(blocks: list[Block]) -> str | list[Block]:
    """The blocks, or where they are nothing but a text that text."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks


def _result(message: Message, origin: str) -> Block:
    blocks = apart(list(_parts(message, origin)))
    # What the provider remembers ends with the whole result.
    marks = [mark for block in blocks if (mark := block.pop("cache_control", None))]
    result: Block = {"type": "tool_result", "tool_use_id": _as_id(message.tool_call_id or "")}
    if blocks:
        result["content"] = shortened(blocks)
    if message.metadata.get("error"):
        result["is_error"] = True
    return {**result, "cache_control": marks[-1]} if marks else result


def _parts(message: Message, origin: str) -> Iterator[Block]:
    for part in message.content_parts:
        block = _part(part, message, origin)
        if block is not None:
            mark = None if isinstance(part, ContentReasoning) else part.cache_control
            yield {**block, "cache_control": mark} if mark else block


def _part(part: AnyContent, message: Message, origin: str) -> Block | None:
    match part:
        case ContentText(text=text):
            return {"type": "text", "text": text} if text.strip() else None
        case ContentReasoning():
            is_its_own = origin and part.origin == origin and message.role == "assistant"
            return _given_back(part) if is_its_own else None
        case ContentAudioInput():
            if not part.transcript:
                _refuse(message, part, "takes no sound: take it out, or give its transcript")
            return {"type": "text", "text": part.transcript}
        case _:
            return _attached(part, message)


def _given_back(part: ContentReasoning) -> Block:
    """A block that only its provider understands, as it came."""
    block = {**part.extra, "type": part.form}
    if part.form == THINKING:
        block["thinking"] = part.text
    own = {"signature": part.signature, "data": part.data}
    return {**block, **{name: value for name, value in own.items() if value is not None}}


def _attached(part: ContentImageUrl | ContentFile, message: Message) -> Block:
    if message.role not in ("user", "tool"):
        _refuse(message, part, "takes such from the user and from tools only")
    if isinstance(part, ContentImageUrl):
        return {"type": "image", "source": _source(part.image_url.url, message, part)}
    source = _source_of_file(part, message)
    if str(source.get("media_type")).startswith("image/"):
        return {"type": "image", "source": source}
    title = {"title": part.file.filename} if part.file.filename else {}
    return {"type": "document", "source": source, **title}


def _source(url: str, message: Message, part: AnyContent) -> Block:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    found = media.inline(url)
    if found is None:
        _refuse(message, part, "takes data in base64 only")
    return {"type": "base64", "media_type": found[0], "data": found[1]}


def _source_of_file(part: ContentFile, message: Message) -> Block:
    name = part.file.file_id
    if name is not None:
        is_address = name.startswith(("https://", "http://"))
        return {"type": "url", "url": name} if is_address else {"type": "file", "file_id": name}
    source = _source(part.file.file_data or "", message, part)
    kind = str(source.get("media_type"))
    if not kind.startswith("text/") and kind not in _TEXTUAL:
        return source
    try:
        return {"type": "text", "media_type": "text/plain", "data": part.to_bytes().decode()}
    except (ProcessingError, UnicodeDecodeError):
        _refuse(message, part, "takes text in base64 of UTF-8 only")


def _as_id(given: str) -> str:
    """An id as the API takes it; those of other providers may have more than letters, digits, `_` and `-`."""
    return _ODD_IN_AN_ID.sub(lambda found: f"_{ord(found[0]):x}_", given)


def _refuse(message: Message, part: AnyContent, reason: str) -> NoReturn:
    raise InvalidError(
        f"The {message.role}'s message has {part}, and Anthropic's messages API {reason}.", provider="anthropic"
    )
