"""Chats out of the form of Anthropic's messages API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from rigging_py.chat import ChatList
from rigging_py.data.anthropic_form import (
    AssistantMessage,
    Base64Source,
    Conversation,
    Document,
    FileSource,
    Image,
    RedactedThinking,
    Text,
    TextSource,
    Thinking,
    ToolResult,
    ToolUse,
    UrlSource,
    UserMessage,
)
from rigging_py.data.reading import chat_of, problem_of
from rigging_py.error import ProcessingError
from rigging_py.message import (
    AnyContent,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    FileData,
    FunctionCall,
    Message,
    ToolCall,
)


def anthropic_to_chats(conversations: Sequence[Mapping[str, Any]]) -> ChatList:
    """A chat for each `{"system": …, "messages": […]}`; an assistant's message at the end is what was generated.

    Raises as `anthropic_to_messages`.
    """
    return ChatList(
        chat_of(anthropic_to_messages(conversation, f"Conversation {number}"))
        for number, conversation in enumerate(conversations, 1)
    )


def anthropic_to_messages(conversation: Mapping[str, Any], place: str = "The conversation") -> list[Message]:
    """The messages in Anthropic form, kept to the letter: the system's first, and each result of a tool by itself.

    Thoughts are parts with their signatures. Raises `ProcessingError` for what has another form, such as the blocks of
    tools that the provider executes; `place` is what the conversation is called there.
    """
    try:
        read = Conversation.model_validate(conversation)
    except ValidationError as error:
        raise ProcessingError(f"{place} is not in Anthropic's form: {problem_of(error)}.") from None
    system = [Message("system", content_parts=[_part(block) for block in read.system])] if read.system else []
    return [*system, *(message for spec in read.messages for message in _messages(spec))]


def _messages(spec: UserMessage | AssistantMessage) -> list[Message]:
    if isinstance(spec, AssistantMessage):
        calls = [_call(block) for block in spec.content if isinstance(block, ToolUse)]
        parts = [_part(block) for block in spec.content if not isinstance(block, ToolUse)]
        return [Message("assistant", content_parts=parts, tool_calls=calls or None)]
    return list(_said_and_done(spec)) or [Message("user")]


def _said_and_done(spec: UserMessage) -> Iterator[Message]:
    """The results of tools by themselves, and what the user says before, between and after them."""
    for is_result, blocks in groupby(spec.content, lambda block: isinstance(block, ToolResult)):
        if is_result:
            yield from (_result(block) for block in blocks if isinstance(block, ToolResult))
        else:
            parts = [_part(block) for block in blocks if not isinstance(block, ToolResult)]
            yield Message("user", content_parts=parts)


def _result(block: ToolResult) -> Message:
    parts = [_part(one) for one in block.content]
    return Message("tool", content_parts=parts, tool_call_id=block.tool_use_id)


def _part(block: Text | Image | Document | Thinking | RedactedThinking) -> AnyContent:
    mark = block.cache_control
    match block:
        case Text():
            return ContentText(text=block.text, cache_control=mark)
        case Image():
            return ContentImageUrl.from_url(_url(block.source)).model_copy(update={"cache_control": mark})
        case Document():
            return _file(block).model_copy(update={"cache_control": mark})
        case Thinking():
            return ContentReasoning(
                text=block.thinking, signature=block.signature, origin="anthropic", cache_control=mark
            )
        case RedactedThinking():
            return ContentReasoning(data=block.data, origin="anthropic", cache_control=mark)


def _url(source: Base64Source | UrlSource) -> str:
    return source.url if isinstance(source, UrlSource) else f"data:{source.media_type};base64,{source.data}"


def _file(block: Document) -> ContentFile:
    match block.source:
        case TextSource(data=text):
            return ContentFile.from_bytes(text.encode(), "text/plain", filename=block.title)
        case Base64Source() as source:
            held = {"file_data": _url(source)}
        case UrlSource(url=name) | FileSource(file_id=name):
            held = {"file_id": name}
    return ContentFile(file=FileData(**held, filename=block.title))


def _call(block: ToolUse) -> ToolCall:
    return ToolCall(id=block.id, function=FunctionCall(name=block.name, arguments=to_json(block.input).decode()))
