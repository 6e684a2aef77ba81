"""What kind of sound some bytes are."""

from __future__ import annotations

from typing import Literal, TypeAlias

AudioFormat: TypeAlias = Literal["wav", "mp3", "ogg", "flac"]


def identify_audio_format(data: bytes) -> AudioFormat | None:
    """The format that the first bytes of `data` tell, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "wav"
    if data[:4] == b"OggS":
        return "ogg"
    if data[:4] == b"fLaC":
        return "flac"
    return "mp3" if data[:3] == b"ID3" or _is_mpeg_frame(data) else None


def _is_mpeg_frame(data: bytes) -> bool:
    """Whether a frame of MPEG audio begins here: eleven bits that are set, and a version and a layer that exist."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    return version != 1 and layer == 1
