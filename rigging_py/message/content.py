"""What a message is made of: text, images, audio, files and reasoning, each a frozen part."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rigging_py.error import ProcessingError
from rigging_py.message import media

Detail: TypeAlias = Literal["auto", "low", "high"]


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
    detail: Detail = "auto"

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (("url", media.shown(self.url)), ("detail", self.detail))


class ContentImageUrl(_Part):
    """An image."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl

    @classmethod
    def from_url(cls, url: str, *, detail: Detail = "auto") -> Self:
        """The image at `url`, which the provider fetches; a `data:` URI travels inline."""
        return cls(image_url=ImageUrl(url=url, detail=detail))

    @classmethod
    def from_bytes(cls, data: bytes, mimetype: str, *, detail: Detail = "auto") -> Self:
        """The image that `data` is, inline. Raises `ProcessingError` for a `mimetype` of something else."""
        checked = media.mimetype_of("from_bytes", mimetype, "image")
        return cls.from_url(media.data_uri(data, checked), detail=detail)

    @classmethod
    def from_file(cls, file: media.File, *, mimetype: str | None = None, detail: Detail = "auto") -> Self:
        """The image in `file`, inline.

        Raises `ProcessingError` where its name does not tell the type, and `OSError`.
        """
        checked = media.mimetype_of(file, mimetype, "image")
        return cls.from_bytes(Path(file).read_bytes(), checked, detail=detail)

    def to_bytes(self) -> bytes:
        """The image itself. Raises `ProcessingError` for one at a web address: nothing is fetched here."""
        return media.bytes_of(self.image_url.url, "The image")

    def save(self, path: media.File) -> None:
        """Writes the image to a file. Raises as `to_bytes`."""
        Path(path).write_bytes(self.to_bytes())

    def __str__(self) -> str:
        url = self.image_url.url
        return f"<image {url.partition(',')[0] if url.startswith('data:') else url}>"


class Audio(BaseModel):
    """Sound: base64 `data` in a `format` such as wav or mp3, and what is said in it where that is known."""

    model_config = ConfigDict(frozen=True)

    data: str
    format: str
    transcript: str | None = None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (("data", media.sized(self.data)), ("format", self.format), ("transcript", self.transcript))


class ContentAudioInput(_Part):
    """Sound."""

    type: Literal["input_audio"] = "input_audio"
    input_audio: Audio

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        *,
        format: str | None = None,  # noqa: A002
        transcript: str | None = None,
    ) -> Self:
        """The sound that `data` is. Raises `ProcessingError` where it does not show its `format` and none is given."""
        known = format or media.audio_format_of(data)
        if known is None:
            raise ProcessingError("The data does not begin like wav, mp3, ogg or flac; give format=….")
        return cls(input_audio=Audio(data=media.encoded(data), format=known, transcript=transcript))

    @classmethod
    def from_file(
        cls,
        file: media.File,
        *,
        format: str | None = None,  # noqa: A002
        transcript: str | None = None,
    ) -> Self:
        """The sound in `file`, in the format that is given, that it shows, or that its name tells.

        Raises as `from_bytes`, and `OSError`.
        """
        data = Path(file).read_bytes()
        known = format or media.audio_format_of(data) or media.audio_format_of_name(file)
        return cls.from_bytes(data, format=known, transcript=transcript)

    @property
    def transcript(self) -> str | None:
        """What is said in it, where that is known."""
        return self.input_audio.transcript

    def to_bytes(self) -> bytes:
        """The sound itself. Raises `ProcessingError` for data that is not base64."""
        return media.decoded(self.input_audio.data, "The sound")

    def save(self, path: media.File) -> None:
        """Writes the sound to a file. Raises as `to_bytes`."""
        Path(path).write_bytes(self.to_bytes())

    def __str__(self) -> str:
        return f"<audio {self.input_audio.format}>"


class FileData(BaseModel):
    """A file: inline in `file_data` as a `data:` URI, or one that the provider holds already, under `file_id`."""

    model_config = ConfigDict(frozen=True)

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.file_data is None) == (self.file_id is None):
            raise ValueError("a file is either inline (file_data) or with the provider (file_id)")
        return self

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        data = None if self.file_data is None else media.shown(self.file_data)
        yield from (("file_data", data), ("file_id", self.file_id), ("filename", self.filename))


class ContentFile(_Part):
    """A document, such as a PDF."""

    type: Literal["file"] = "file"
    file: FileData

    @classmethod
    def from_id(cls, file_id: str) -> Self:
        """A file that was uploaded to the provider before, by the id that it gave."""
        return cls(file=FileData(file_id=file_id))

    @classmethod
    def from_bytes(cls, data: bytes, mimetype: str, *, filename: str | None = None) -> Self:
        """The file that `data` is, inline. Some providers want a `filename` too."""
        return cls(file=FileData(file_data=media.data_uri(data, mimetype), filename=filename))

    @classmethod
    def from_file(cls, file: media.File, *, mimetype: str | None = None) -> Self:
        """The file, inline, under its name.

        Raises `ProcessingError` where the name does not tell the type, and `OSError`.
        """
        known = media.mimetype_of(file, mimetype)
        return cls.from_bytes(Path(file).read_bytes(), known, filename=Path(file).name)

    def to_bytes(self) -> bytes:
        """The file itself. Raises `ProcessingError` for one that only the provider has."""
        if self.file.file_data is None:
            raise ProcessingError(f"Only the provider has the file {self.file.file_id!r}; ask it for the bytes.")
        return media.bytes_of(self.file.file_data, "The file")

    def save(self, path: media.File) -> None:
        """Writes the file to `path`. Raises as `to_bytes`."""
        Path(path).write_bytes(self.to_bytes())

    def __str__(self) -> str:
        kind = (self.file.file_data or "").partition(";")[0].removeprefix("data:")
        return f"<file {self.file.filename or self.file.file_id or media.shown(kind)}>"


class ContentReasoning(_Part):
    """What a model thought before it spoke. It is no part of a message's `content`.

    It is sent to the model that made it, as it came, and to no other: `signature` and `data` mean something to that
    one alone.
    """

    type: Literal["reasoning"] = "reasoning"
    text: str = ""
    signature: str | None = None
    """By which its provider knows the text for its own."""
    data: str | None = None
    """Reasoning that only its provider can read, in place of text."""
    origin: str = ""
    """Who made it; without a name it is sent to nobody."""
    form: str = "reasoning_content"
    """The field of the provider's message that it came in, and goes back in; after a dot the name of its text there."""
    extra: dict[str, Any] = Field(default_factory=dict[str, Any])
    """What else the provider said about it."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        yield from (("type", self.type), ("text", self.text), ("origin", self.origin))

    def __str__(self) -> str:
        return f"<reasoning {len(self.text)} characters>" if self.text else "<reasoning withheld>"


AnyContent: TypeAlias = ContentText | ContentImageUrl | ContentAudioInput | ContentFile | ContentReasoning
Content: TypeAlias = Annotated[AnyContent, Field(discriminator="type")]
"""One part of a message."""
