"""What Anthropic's messages API says, as types: the blocks of a message, of a result, and of the system's words."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field


class _Block(BaseModel):
    cache_control: dict[str, str] | None = None


class Text(_Block):
    """Words."""

    type: Literal["text"]
    text: str


class Base64Source(BaseModel):
    """Bytes."""

    type: Literal["base64"]
    media_type: str
    data: str


class UrlSource(BaseModel):
    """An address."""

    type: Literal["url"]
    url: str


class TextSource(BaseModel):
    """The text of a document."""

    type: Literal["text"]
    data: str


class FileSource(BaseModel):
    """What was uploaded before."""

    type: Literal["file"]
    file_id: str


class Image(_Block):
    """An image."""

    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource, Field(discriminator="type")]


class Document(_Block):
    """A document."""

    type: Literal["document"]
    source: Annotated[Base64Source | UrlSource | TextSource | FileSource, Field(discriminator="type")]
    title: str | None = None


class Thinking(_Block):
    """What the model thought, under its provider's signature."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinking(_Block):
    """What the model thought, for its provider's eyes only."""

    type: Literal["redacted_thinking"]
    data: str


class ToolUse(_Block):
    """A call."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


def _as_blocks(content: Any) -> Any:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [] if content is None else content


Part: TypeAlias = Annotated[Text | Image | Document, Field(discriminator="type")]
Parts: TypeAlias = Annotated[list[Part], BeforeValidator(_as_blocks)]


class ToolResult(_Block):
    """What a tool gave."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: Parts = Field(default_factory=list[Part])


UserBlock: TypeAlias = Annotated[Text | Image | Document | ToolResult, Field(discriminator="type")]
AssistantBlock: TypeAlias = Annotated[Text | Thinking | RedactedThinking | ToolUse, Field(discriminator="type")]


class UserMessage(BaseModel):
    """What the user says, and what the tools do."""

    role: Literal["user"]
    content: Annotated[list[UserBlock], BeforeValidator(_as_blocks)]


class AssistantMessage(BaseModel):
    """What the model says."""

    role: Literal["assistant"]
    content: Annotated[list[AssistantBlock], BeforeValidator(_as_blocks)]


class Conversation(BaseModel):
    """A request's system and messages."""

    system: Annotated[list[Text], BeforeValidator(_as_blocks)] = Field(default_factory=list[Text])
    messages: list[Annotated[UserMessage | AssistantMessage, Field(discriminator="role")]]
