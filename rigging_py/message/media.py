"""Bytes as the text that messages carry them in, `data:` URIs and base64, and what kind of thing they are."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from rigging_py.error import ProcessingError

File: TypeAlias = str | PathLike[str]

_SHOWN = 40
_AUDIO_FORMATS = {
    "mpeg": "mp3",
    "wave": "wav",
    "x-wav": "wav",
    "vnd.wave": "wav",
    "x-flac": "flac",
    "mp4": "m4a",
    "x-m4a": "m4a",
}
_AUDIO_SUBTYPES = {"mp3": "mpeg", "m4a": "mp4"}


def encoded(data: bytes) -> str:
    """The base64 of `data`."""
    return base64.b64encode(data).decode()


def decoded(text: str, what: str) -> bytes:
    """The bytes that base64 `text` stands for; `what` names it in the `ProcessingError` for text that is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProcessingError(f"The data of {what} is not base64 ({error}); from_bytes() encodes bytes.") from None


def data_uri(data: bytes, mimetype: str) -> str:
    """The `data:` URI of bytes. Raises `ProcessingError` for a mimetype that is none."""
    kind, slash, rest = mimetype.partition("/")
    if not (kind and slash and rest) or any(one in ",; \n" for one in mimetype):
        raise ProcessingError(f"{mimetype!r} is not a mimetype; one looks like 'image/png'.")
    return f"data:{mimetype};base64,{encoded(data)}"


def inline(uri: str) -> tuple[str, str] | None:
    """The mimetype, without its parameters, and the base64 of a base64 `data:` URI; None for any other address."""
    head, comma, data = uri.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    return head.removeprefix("data:").partition(";")[0], data


def bytes_of(uri: str, what: str) -> bytes:
    """The bytes in a base64 `data:` URI. Raises `ProcessingError` for any other address: nothing is fetched here."""
    if not uri.startswith("data:"):
        raise ProcessingError(
            f"{what} is at {shown(uri)!r} and its bytes are not here: fetch them, and give them to from_bytes()."
        )
    if (found := inline(uri)) is None:
        raise ProcessingError(f"The data of {what}, {shown(uri)!r}, is no base64 data: URI; from_bytes() makes one.")
    return decoded(found[1], what)


def mimetype_of(file: File, mimetype: str | None, *kinds: str) -> str:
    """The given mimetype of `file`, or the one that its name tells.

    Raises `ProcessingError` where neither is there, and where it is none of `kinds` (such as `image`).
    """
    known = mimetype or mimetypes.guess_type(Path(file).name)[0]
    if known is None:
        raise ProcessingError(f"The name {Path(file).name!r} does not tell what kind of file it is; give mimetype=….")
    if kinds and known.partition("/")[0] not in kinds:
        raise ProcessingError(f"{Path(file).name!r} is {known}, and this part holds {' or '.join(kinds)} only.")
    return known


def audio_format_of_name(file: File) -> str | None:
    """The format that the name of a sound file tells, or None."""
    kind, _, subtype = (mimetypes.guess_type(Path(file).name)[0] or "").partition("/")
    return audio_format(subtype) if kind == "audio" else None


def audio_format(subtype: str) -> str:
    """The format of sound whose mimetype is `audio/` and this."""
    return _AUDIO_FORMATS.get(subtype, subtype)


def audio_mimetype(format: str) -> str:  # noqa: A002
    """The mimetype of sound in a format."""
    return f"audio/{_AUDIO_SUBTYPES.get(format, format)}"


def audio_format_of(data: bytes) -> str | None:
    """The format that the first bytes of a sound tell: wav, mp3, ogg or flac; None for any other."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] in (b"OggS", b"fLaC"):
        return "ogg" if data[:4] == b"OggS" else "flac"
    # An ID3 tag, or the eleven set bits that every MPEG frame begins with, of layer III.
    is_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2
    return "mp3" if data[:3] == b"ID3" or is_frame else None


def shown(text: str) -> str:
    """As much of a long text as a person needs to know it by."""
    if text.startswith("data:"):
        return text.partition(",")[0][:_SHOWN]
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}…"


def sized(data: str) -> str:
    """In place of base64 data, how much it is."""
    return f"<{len(data)} characters of base64>"
