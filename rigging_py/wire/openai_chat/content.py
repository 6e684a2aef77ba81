"""What a message in a reply of the OpenAI chat API says and shows: text, images and sound, in the forms servers use."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rigging_py.message import Audio, Content, ContentAudioInput, ContentImageUrl
from rigging_py.message.media import audio_format_of
from rigging_py.parsing.untyped import as_list, as_mapping

ODD_KIND = "its content or its tool calls are of another kind"
_BARE = "pcm16"
"""The one format of sound that nothing in it tells."""
_HEAD = 16
"""Characters of base64 that are enough to tell any other."""


def is_spoken(spoken: Mapping[str, Any]) -> bool:
    """Whether what is said and called, whole or as a delta, is of a kind that can be read."""
    return isinstance(spoken.get("content") or "", str | list) and isinstance(spoken.get("tool_calls") or [], list)


def text_of(spoken: Mapping[str, Any]) -> str:
    """What is said: the content, and the refusal that stands in its place or breaks it off."""
    content: Any = spoken.get("content") or ""
    if not isinstance(content, str):
        content = "".join(_text(as_mapping(part)) for part in as_list(content))
    refusal = spoken.get("refusal")
    return f"{content}{refusal}" if refusal and isinstance(refusal, str) else str(content)


def thinking_of(content: object) -> str:
    """What Mistral's models think, in chunks of the content beside those of text."""
    listed = as_list(content)
    if not listed:
        return ""
    chunks = (as_mapping(part) for part in listed)
    thought = (as_list(chunk.get("thinking")) for chunk in chunks if chunk.get("type") == "thinking")
    return "".join(_text(as_mapping(piece)) for pieces in thought for piece in pieces)


def images_of(spoken: Mapping[str, Any]) -> list[Content]:
    """The images, whether beside the content or in it."""
    beside, inside = as_list(spoken.get("images")), as_list(spoken.get("content"))
    if not beside and not inside:
        return []
    given = [as_mapping(image).get("image_url") for image in (*beside, *inside)]
    urls = [as_mapping(one).get("url") or one for one in given]
    return [ContentImageUrl.from_url(url) for url in urls if url and isinstance(url, str)]


class Sound:
    """Puts the sound of a reply together, which a stream sends in pieces."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self._transcript: list[str] = []

    def feed(self, spoken: Mapping[str, Any]) -> None:
        """Adds what a message or a delta has of it."""
        audio = spoken.get("audio")
        if audio:
            for name, pieces in (("data", self._data), ("transcript", self._transcript)):
                if isinstance(piece := as_mapping(audio).get(name), str):
                    pieces.append(piece)

    def parts(self) -> list[Content]:
        """The sound, where there is any."""
        if not any(self._data):
            return []
        data = _joined([piece for piece in self._data if piece])
        known = audio_format_of(_decoded(data[:_HEAD])) or _BARE
        sound = Audio(data=data, format=known, transcript="".join(self._transcript) or None)
        return [ContentAudioInput(input_audio=sound)]


def _joined(pieces: Sequence[str]) -> str:
    """Some servers cut the base64 into pieces, and some the sound, each piece then ending in its own padding."""
    whole = "".join(pieces)
    if "=" not in whole.rstrip("="):
        return whole
    with suppress(ValueError):
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode()
    return whole


def _decoded(head: str) -> bytes:
    with suppress(ValueError):
        return b64decode(head, validate=True)
    return b""


def _text(part: Mapping[str, Any]) -> str:
    text = part.get("text") or part.get("refusal")
    return text if isinstance(text, str) else ""
