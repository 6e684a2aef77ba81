"""What a message is made of: text, images and audio, each a frozen part."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    cache_control: dict[str, str] | None = None
    """A provider's prompt-cache mark, such as `{"type": "ephemeral"}`."""


class ContentText(_Part):
    """Text."""

    type: Literal["text"] = "text"
    text: str

    def __str__(self) -> str:
        return self.text


class ImageUrl(BaseModel):
    """Where an image is: a web address or a `data:` URI."""

    model_config = ConfigDict(frozen=True)

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ContentImageUrl(_Part):
    """An image."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl

    @classmethod
    def from_url(cls, url: str, *, detail: Literal["auto", "low", "high"] = "auto") -> Self:
        """The image at `url`, which the provider fetches; a `data:` URI travels inline."""
        return cls(image_url=ImageUrl(url=url, detail=detail))

    def __str__(self) -> str:
        url = self.image_url.url
        return f"<image {url.partition(',')[0] if url.startswith('data:') else url}>"


class Audio(BaseModel):
    """Sound: base64 `data` in a `format` such as wav or mp3, and what is said in it where that is known."""

    model_config = ConfigDict(frozen=True)

    data: str
    format: str
    transcript: str | None = None


class ContentAudioInput(_Part):
    """Sound."""

    type: Literal["input_audio"] = "input_audio"
    input_audio: Audio

    @property
    def transcript(self) -> str | None:
        """What is said in it, where that is known."""
        return self.input_audio.transcript

    def __str__(self) -> str:
        return f"<audio {self.input_audio.format}>"


AnyContent: TypeAlias = ContentText | ContentImageUrl | ContentAudioInput
Content: TypeAlias = Annotated[AnyContent, Field(discriminator="type")]
"""One part of a message."""
