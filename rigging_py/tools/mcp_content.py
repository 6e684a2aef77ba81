"""Content of the Model Context Protocol as parts of messages, and parts as such content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from rigging_py.message import AnyContent, Audio, ContentAudioInput, ContentImageUrl, ContentText, media

if TYPE_CHECKING:
    import mcp_types

_MEDIA = re.compile(r"(image|audio)/([\w.+-]+)", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def result_parts(result: mcp_types.CallToolResult) -> list[AnyContent]:
    """What a tool gave. Structured content is added as JSON where no text says it."""
    parts = [to_part(one) for one in result.content]
    has_text = any(isinstance(one, ContentText) for one in parts)
    if result.structured_content is not None and not has_text:
        parts.append(ContentText(text=to_json(result.structured_content).decode()))
    return parts


def to_part(content: Any) -> AnyContent:
    """One content block as a part: text, images and audio as what they are, and anything else as text that names it."""
    match content.type:
        case "text":
            return ContentText(text=content.text)
        case "image" | "audio":
            return _media(content.mime_type, content.data) or _named(content.type, content.mime_type)
        case "resource":
            return resource_part(content.resource)
        case "resource_link":
            said = (content.title or content.name, content.description, content.uri)
            return ContentText(text="\n".join(one for one in said if one))
        case _:
            return ContentText(text=content.model_dump_json(by_alias=True, exclude_none=True))


def resource_part(resource: mcp_types.TextResourceContents | mcp_types.BlobResourceContents) -> AnyContent:
    """What is in a resource: its text, its image, its sound, or the name of what a message cannot hold."""
    text: str | None = getattr(resource, "text", None)
    if text is not None:
        return ContentText(text=text)
    return _media(resource.mime_type or "", getattr(resource, "blob", "")) or _named(
        "resource", resource.mime_type or "unknown type", resource.uri
    )


def _media(mime_type: str, data: str) -> AnyContent | None:
    found = _MEDIA.fullmatch(mime_type.partition(";")[0].strip().lower())
    if found is None or not _BASE64.fullmatch(data):
        return None
    kind, subtype = found.groups()
    if kind == "image":
        return ContentImageUrl.from_url(f"data:image/{subtype};base64,{data}")
    return ContentAudioInput(input_audio=Audio(data=data, format=media.audio_format(subtype)))


def _named(*what: str) -> ContentText:
    return ContentText(text=f"[{', '.join(what)}: not shown]")


def to_blocks(content: str | Iterable[AnyContent]) -> list[mcp_types.ContentBlock]:
    """A result as content blocks; an image that has only an address is a link."""
    from mcp_types import TextContent

    return [TextContent(text=content)] if isinstance(content, str) else [_block(one) for one in content]


def _block(part: AnyContent) -> mcp_types.ContentBlock:
    from mcp_types import AudioContent, ImageContent, ResourceLink, TextContent

    if isinstance(part, ContentAudioInput):
        audio = part.input_audio
        return AudioContent(data=audio.data, mime_type=media.audio_mimetype(audio.format))
    if isinstance(part, ContentImageUrl):
        url = part.image_url.url
        if (found := media.inline(url)) is None:
            return ResourceLink(uri=url, name="image")
        return ImageContent(mime_type=found[0], data=found[1])
    return TextContent(text=str(part))
