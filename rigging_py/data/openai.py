"""Chats in the form of OpenAI's chat API, and back. It has messages, and nothing else that a chat knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

from pydantic import ValidationError

from rigging_py.chat import Chat, ChatList
from rigging_py.data.reading import as_chats, chat_of, problem_of
from rigging_py.error import ProcessingError
from rigging_py.message import ContentReasoning, ContentText, Message


def chats_to_openai(chats: Chat | Sequence[Chat]) -> list[list[dict[str, Any]]]:
    """The messages of each chat as OpenAI's chat API takes them.

    The form has no place for uuids, times, slices, metadata, usage, parameters and errors, for transcripts of sound
    and for what a model thought. Text parts that stand together get a line end between them.
    """
    return [chat.to_openai() for chat in as_chats(chats)]


def openai_to_chats(conversations: Sequence[Sequence[Mapping[str, Any]]]) -> ChatList:
    """A chat for each list of OpenAI messages; an assistant's message at the end is what was generated.

    Raises `ProcessingError` for what is no message, naming its place.
    """
    return ChatList(
        chat_of(openai_to_messages(messages, f"Conversation {number}, message"))
        for number, messages in enumerate(conversations, 1)
    )


def openai_to_messages(messages: Sequence[Mapping[str, Any]], place: str = "Message") -> list[Message]:
    """The messages in OpenAI form, kept to the letter: text and parts, tool calls and their results.

    A refusal is text. `reasoning_content` becomes a part of its own. Raises `ProcessingError` for what is no message;
    `place` is what it is called there.
    """
    return [_message(spec, f"{place} {number}") for number, spec in enumerate(messages, 1)]


def _message(spec: Any, place: str) -> Message:
    if not isinstance(spec, Mapping):
        raise ProcessingError(f"{place} is not an OpenAI message: it is no object.")
    given = cast("Mapping[str, Any]", spec)
    fields = {name: given[name] for name in ("role", "tool_calls", "tool_call_id") if given.get(name) is not None}
    try:
        parts = [*_thought(given), *_parts(given.get("content")), *_text(given.get("refusal"))]
        return Message.model_validate({**fields, "content_parts": parts})
    except (ValidationError, TypeError) as error:
        raise ProcessingError(f"{place} is not an OpenAI message: {problem_of(error)}.") from None


def _thought(spec: Mapping[str, Any]) -> list[ContentReasoning]:
    text = spec.get("reasoning_content")
    return [ContentReasoning(text=text)] if text and isinstance(text, str) else []


def _text(text: Any) -> list[Any]:
    return [ContentText(text=text)] if text and isinstance(text, str) else []


def _parts(content: Any) -> list[Any]:
    if content is None or isinstance(content, str):
        return _text(content)
    if not isinstance(content, list):
        raise TypeError("its content is neither text nor a list of parts")
    parts = cast("list[Any]", content)
    return [_without_gap(part, after) for part, after in pairwise([*parts, None])]


def _without_gap(part: Any, after: Any) -> Any:
    # `Message.to_openai` ends a text before another text with a line end where it has none.
    is_between = _is_text(part) and _is_text(after)
    if is_between and part["text"].endswith("\n") and not part["text"].endswith("\n\n"):
        return {**part, "text": part["text"][:-1]}
    return part


def _is_text(part: Any) -> bool:
    spec = cast("dict[str, Any]", part) if isinstance(part, dict) else {}
    return spec.get("type") == "text" and isinstance(spec.get("text"), str)
