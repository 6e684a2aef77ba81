"""What a reply of litellm holds besides text and calls: images, sound, and facts for `extra`. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from rigging_py.message import (
    Content,
    ContentAudioInput,
    ContentImageUrl,
    ContentText,
    Message,
)

_INLINE = re.compile(r"(data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/]+={0,2})")
_FEWEST, _CHARACTERS_A_TOKEN = 1000, 8
"""Short prompts are not cut; and no writing has so many characters a token."""


def with_media(message: Message, audio_format: str | None = None) -> Message:
    """The message with the images inside of its text as parts, and its sound in the format that was asked for."""
    is_heard = audio_format and any(isinstance(part, ContentAudioInput) for part in message.content_parts)
    if not is_heard and "data:image/" not in message.content:
        return message
    message = message.shell()
    message.content_parts = [*chain.from_iterable(_split(part, audio_format) for part in message.content_parts)]
    return message


def facts_of(spoken: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider said in fields of its own, its thoughts in blocks among them."""
    own: Mapping[str, Any] = spoken.get("provider_specific_fields") or {}
    return {**own, "thinking_blocks": spoken.get("thinking_blocks") or own.get("thinking_blocks")}


def facts_streamed(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the provider said in fields of its own while it streamed; of one that came twice, the latest."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    said: list[Mapping[str, Any]] = [delta.get("provider_specific_fields") or {} for delta in deltas]
    own = {name: value for one in said for name, value in one.items() if value and name != "thinking_blocks"}
    blocks = _joined(block for delta in deltas for block in delta.get("thinking_blocks") or ())
    return {**own, "thinking_blocks": blocks}


def _joined(pieces: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Thoughts that came in pieces: those without a signature go on in the next, and a signature ends them."""
    blocks: list[dict[str, Any]] = []
    is_open = False
    for piece in pieces:
        if is_open and piece.get("type") == "thinking":
            blocks[-1]["thinking"] = (blocks[-1].get("thinking") or "") + (piece.get("thinking") or "")
            blocks[-1] |= {"signature": piece["signature"]} if piece.get("signature") else {}
        else:
            blocks.append(dict(piece))
        is_open = piece.get("type") == "thinking" and not piece.get("signature")
    return blocks


def is_probably_cut(tokens: int, messages: Sequence[Message]) -> bool:
    """Whether so few tokens cannot be all of the messages."""
    return tokens >= _FEWEST and sum(len(one.content) for one in messages) > _CHARACTERS_A_TOKEN * tokens


def _split(part: Content, audio_format: str | None) -> Iterator[Content]:
    if isinstance(part, ContentText):
        yield from _cut(part.text)
    elif isinstance(part, ContentAudioInput) and audio_format:
        yield part.model_copy(update={"input_audio": part.input_audio.model_copy(update={"format": audio_format})})
    else:
        yield part


def _cut(text: str) -> Iterator[Content]:
    """Vertex writes images as data URIs in the middle of its text."""
    for piece in _INLINE.split(text):
        if _INLINE.fullmatch(piece):
            yield ContentImageUrl.from_url(piece)
        elif piece.strip():
            yield ContentText(text=piece)
