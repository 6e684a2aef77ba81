"""What a reply of litellm holds besides text and calls: images, sound, and facts for `extra`. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from rigging_py.message import (
    Audio,
    Content,
    ContentAudioInput,
    ContentImageUrl,
    ContentText,
    Message,
)

_INLINE = re.compile(r"(data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/]+={0,2})")
_FEWEST, _CHARACTERS_A_TOKEN = 1000, 8
"""Short prompts are not cut; and no writing has so many characters a token."""


def with_media(message: Message, spoken: Mapping[str, Any], audio_format: str | None = None) -> Message:
    """The message with the images and the sound of the reply as parts, those inside of its text in their places."""
    found = [*_images(spoken), *_sound(spoken, audio_format or "wav")]
    if not found and "data:image/" not in message.content:
        return message
    message = message.shell()
    told = (_cut(part.text) if isinstance(part, ContentText) else [part] for part in message.content_parts)
    message.content_parts = [*chain.from_iterable(told), *found]
    return message


def facts_of(spoken: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider said in fields of its own, its thoughts in blocks among them."""
    own: Mapping[str, Any] = spoken.get("provider_specific_fields") or {}
    return {**own, "thinking_blocks": spoken.get("thinking_blocks") or own.get("thinking_blocks")}


def is_probably_cut(tokens: int, messages: Sequence[Message]) -> bool:
    """Whether so few tokens cannot be all of the messages."""
    return tokens >= _FEWEST and sum(len(one.content) for one in messages) > _CHARACTERS_A_TOKEN * tokens


def _cut(text: str) -> Iterator[Content]:
    """Vertex writes images as data URIs in the middle of its text."""
    for piece in _INLINE.split(text):
        if _INLINE.fullmatch(piece):
            yield ContentImageUrl.from_url(piece)
        elif piece.strip():
            yield ContentText(text=piece)


def _images(spoken: Mapping[str, Any]) -> Iterator[Content]:
    for image in spoken.get("images") or ():
        yield ContentImageUrl.from_url(image["image_url"]["url"])


def _sound(spoken: Mapping[str, Any], audio_format: str) -> Iterator[Content]:
    audio: Mapping[str, Any] = spoken.get("audio") or {}
    if audio.get("data"):
        sound = Audio(data=audio["data"], format=audio_format, transcript=audio.get("transcript"))
        yield ContentAudioInput(input_audio=sound)
