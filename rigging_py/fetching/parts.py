"""Images, sound and files as content parts, fetched through the guarded door, so that they travel inline."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Unpack
from urllib.parse import unquote, urlsplit

from rigging_py.error import FetchRefusedError
from rigging_py.fetching.fetch import Fetched, FetchRules, fetch
from rigging_py.message import ContentAudioInput, ContentFile, ContentImageUrl


async def fetch_image(url: str, **rules: Unpack[FetchRules]) -> ContentImageUrl:
    """The image at a web address. Takes the options of `fetch`, and refuses what is no image."""
    got = await fetch(url, **rules)
    return ContentImageUrl.from_bytes(got.data, _typed(got, "image/"))


async def fetch_audio(url: str, **rules: Unpack[FetchRules]) -> ContentAudioInput:
    """The sound at a web address. Takes the options of `fetch`, and refuses what is no sound."""
    got = await fetch(url, **rules)
    _typed(got, "audio/")
    return ContentAudioInput.from_bytes(got.data)


async def fetch_file(url: str, **rules: Unpack[FetchRules]) -> ContentFile:
    """The file at a web address, under the name that it has there. Takes the options of `fetch`."""
    got = await fetch(url, **rules)
    name = PurePosixPath(unquote(urlsplit(got.url).path)).name
    return ContentFile.from_bytes(got.data, got.mimetype or "application/octet-stream", filename=name or "file")


def _typed(got: Fetched, kind: str) -> str:
    if not got.mimetype.startswith(kind):
        raise FetchRefusedError(got.url, f"it is {got.mimetype or 'of no type'}, and {kind}… was asked for")
    return got.mimetype
