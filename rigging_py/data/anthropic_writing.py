"""Chats in the form of Anthropic's messages API, which has a place for what was said and for nothing else of a chat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from pydantic_core import from_json

from rigging_py.chat import Chat
from rigging_py.data.reading import as_chats
from rigging_py.error import ProcessingError
from rigging_py.message import (
    AnyContent,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    Message,
    Role,
    ToolCall,
    media,
)

Block = dict[str, Any]


def chats_to_anthropic(chats: Chat | Sequence[Chat]) -> list[dict[str, Any]]:
    """Each chat as `{"system": …, "messages": […]}`; see `messages_to_anthropic`."""
    return [
        messages_to_anthropic(chat.all, f"Chat {number}, message") for number, chat in enumerate(as_chats(chats), 1)
    ]


def messages_to_anthropic(messages: Sequence[Message], place: str = "Message") -> dict[str, Any]:
    """The messages as Anthropic's API takes them: `messages`, and `system` apart where there is any.

    What the system and the developer say is put together in `system`, wherever it was said. Results of tools that
    follow each other are one message of the user. Left out are empty text, thoughts without a signature, which the API
    does not take back, and what it has no place for: uuids, slices, metadata, and the detail of images.

    Raises `ProcessingError` for sound, for images and files that neither the user nor a tool sends, for data that is
    not base64, and for a tool call whose arguments are not a JSON object; `place` is what a message is called there.
    """
    placed = [(message, f"{place} {number}") for number, message in enumerate(messages, 1)]
    system = [block for message, at in placed if _is_instruction(message) for block in _blocks(message, at)]
    spoken = [(message, at) for message, at in placed if not _is_instruction(message)]
    said = {"messages": [spec for group in groupby(spoken, _is_result) for spec in _specs(*group)]}
    return {"system": _shortened(system), **said} if system else said


def _is_instruction(message: Message) -> bool:
    return message.role in ("system", "developer")


def _is_result(placed: tuple[Message, str]) -> bool:
    return placed[0].role == "tool"


def _specs(are_results: bool, group: Iterable[tuple[Message, str]]) -> list[dict[str, Any]]:
    if are_results:
        return [{"role": "user", "content": [_result(message, at) for message, at in group]}]
    return [{"role": message.role, "content": _shortened(_blocks(message, at))} for message, at in group]


def _result(message: Message, at: str) -> Block:
    content = _shortened(_blocks(message, at))
    return {"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": content}


def _shortened(blocks: list[Block]) -> str | list[Block]:
    """The blocks, or where they are nothing but a text that text."""
    if not blocks:
        return ""
    return str(blocks[0]["text"]) if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else blocks


def _blocks(message: Message, at: str) -> list[Block]:
    return [*_parts(message, at), *(_call(call, at) for call in message.tool_calls or ())]


def _parts(message: Message, at: str) -> Iterator[Block]:
    for part in message.content_parts:
        block = _part(part, message.role, at)
        if block is not None:
            yield {**block, "cache_control": part.cache_control} if part.cache_control else block


def _part(part: AnyContent, role: Role, at: str) -> Block | None:
    match part:
        case ContentText():
            return {"type": "text", "text": part.text} if part.text else None
        case ContentReasoning():
            return _thought(part) if role == "assistant" else None
        case ContentAudioInput():
            raise ProcessingError(
                f"{at} has sound, and Anthropic's form has none; take it out, or give its transcript."
            )
        case _ if role not in ("user", "tool"):
            raise ProcessingError(
                f"{at} has {part}, and in Anthropic's form only the user and tools have such; not {role}."
            )
        case ContentImageUrl():
            return {"type": "image", "source": _source(part.image_url.url, at)}
        case ContentFile():
            return _document(part, at)


def _source(url: str, at: str) -> Block:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    if (found := media.inline(url)) is None:
        raise ProcessingError(f"{at} has data inline that is not base64: {url[:40]!r}.")
    return {"type": "base64", "media_type": found[0], "data": found[1]}


def _document(part: ContentFile, at: str) -> Block:
    file = part.file
    title = {"title": file.filename} if file.filename else {}
    return {"type": "document", "source": _source_of_file(part, at), **title}


def _source_of_file(part: ContentFile, at: str) -> Block:
    name = part.file.file_id
    if name is not None:
        return {"type": "url", "url": name} if name.startswith("https://") else {"type": "file", "file_id": name}
    source = _source(part.file.file_data or "", at)
    if source.get("media_type") != "text/plain":
        return source
    try:  # plain text is the one kind that the API wants as it is
        return {"type": "text", "media_type": "text/plain", "data": part.to_bytes().decode()}
    except UnicodeDecodeError:
        raise ProcessingError(f"{at} has a text file that is not UTF-8.") from None


def _thought(part: ContentReasoning) -> Block | None:
    if part.data is not None:
        return {"type": "redacted_thinking", "data": part.data}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature} if part.signature else None


def _call(call: ToolCall, at: str) -> Block:
    try:
        values = from_json(call.arguments or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ProcessingError(f"{at} calls {call.name!r} with what is not a JSON object: {call.arguments[:200]!r}.")
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": values}
