"""The parts of a message print shortly and know where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rigging_py.error import ProcessingError
from rigging_py.message import (
    Audio,
    Content,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    ImageUrl,
    Message,
)


def test_an_image_is_printed_without_its_data() -> None:
    assert str(ContentImageUrl.from_url("https://example.org/a.png")) == "<image https://example.org/a.png>"
    assert str(ContentImageUrl.from_url("data:image/png;base64," + "A" * 1000)) == "<image data:image/png;base64>"


def test_a_sound_is_printed_by_its_format() -> None:
    sound = ContentAudioInput(input_audio=Audio(data="A" * 1000, format="mp3", transcript="hello"))
    assert str(sound) == "<audio mp3>"
    assert sound.transcript == "hello"


def test_an_image_has_a_level_of_detail() -> None:
    assert ContentImageUrl.from_url("u", detail="low").image_url == ImageUrl(url="u", detail="low")
    with pytest.raises(ValidationError, match="detail"):
        ImageUrl.model_validate({"url": "u", "detail": "highest"})


def test_a_part_is_told_by_its_type() -> None:
    adapter: TypeAdapter[Content] = TypeAdapter(Content)
    assert adapter.validate_python({"type": "text", "text": "a"}) == ContentText(text="a")
    with pytest.raises(ValidationError, match="film"):
        adapter.validate_python({"type": "film"})


# Bytes and files.

PNG = b"\x89PNG\r\n\x1a\n"
WAV = b"RIFF\x00\x00\x00\x00WAVEfmt "


def test_an_image_comes_from_a_file_and_goes_into_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG)
    image = ContentImageUrl.from_file(tmp_path / "a.png", detail="low")
    assert image == ContentImageUrl.from_bytes(PNG, "image/png", detail="low")
    assert image.image_url.url == "data:image/png;base64,iVBORw0KGgo="
    image.save(tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == image.to_bytes() == PNG
    (tmp_path / "unnamed").write_bytes(PNG)
    assert ContentImageUrl.from_file(str(tmp_path / "unnamed"), mimetype="image/png").to_bytes() == PNG


def test_what_is_no_image_here_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProcessingError, match="does not tell what kind of file it is; give mimetype"):
        ContentImageUrl.from_file(tmp_path / "unnamed")
    with pytest.raises(ProcessingError, match="is application/pdf, and this part holds image only"):
        ContentImageUrl.from_file(tmp_path / "a.pdf")
    with pytest.raises(ProcessingError, match="not a mimetype"):
        ContentImageUrl.from_bytes(PNG, "image/")
    with pytest.raises(ValueError, match=r"'https://x\.org/a' and its bytes are not here: fetch them"):
        ContentImageUrl.from_url("https://x.org/a").to_bytes()
    with pytest.raises(ValueError, match="is not base64"):
        ContentImageUrl.from_url("data:image/png;base64,AA*=").to_bytes()
    with pytest.raises(ValueError, match="is no base64 data: URI"):
        ContentImageUrl.from_url("data:image/svg+xml,<svg/>").to_bytes()


@pytest.mark.parametrize(
    ("data", "format_"),
    [(WAV, "wav"), (b"ID3\x04", "mp3"), (b"\xff\xfb\x90\x00", "mp3"), (b"OggS\x00", "ogg"), (b"fLaC\x00", "flac")],
)
def test_the_format_of_a_sound_is_seen_in_its_first_bytes(data: bytes, format_: str) -> None:
    assert ContentAudioInput.from_bytes(data).input_audio.format == format_


def test_a_sound_comes_from_a_file_and_goes_into_one(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(WAV)
    sound = ContentAudioInput.from_file(tmp_path / "a.wav", transcript="hi")
    assert (sound.input_audio.format, sound.transcript, sound.to_bytes()) == ("wav", "hi", WAV)
    sound.save(tmp_path / "b.wav")
    assert (tmp_path / "b.wav").read_bytes() == WAV
    (tmp_path / "a.mp3").write_bytes(b"????")
    assert ContentAudioInput.from_file(tmp_path / "a.mp3").input_audio.format == "mp3"
    assert ContentAudioInput.from_bytes(b"????", format="pcm16").input_audio.format == "pcm16"
    with pytest.raises(ProcessingError, match="give format"):
        ContentAudioInput.from_bytes(b"????")


def test_a_document_comes_from_a_file_and_goes_into_one(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    document = ContentFile.from_file(tmp_path / "a.pdf")
    assert document == ContentFile.from_bytes(b"%PDF", "application/pdf", filename="a.pdf")
    document.save(tmp_path / "b.pdf")
    assert (tmp_path / "b.pdf").read_bytes() == b"%PDF"
    assert str(document) == "<file a.pdf>"
    assert str(ContentFile.from_bytes(b"x", "text/plain")) == "<file text/plain>"
    with pytest.raises(ProcessingError, match="Only the provider has the file 'f1'"):
        ContentFile.from_id("f1").to_bytes()
    with pytest.raises(ValidationError, match="either inline"):
        ContentFile.model_validate({"type": "file", "file": {}})


@given(st.binary())
def test_bytes_come_back_from_every_part(data: bytes) -> None:
    assert ContentImageUrl.from_bytes(data, "image/png").to_bytes() == data
    assert ContentAudioInput.from_bytes(data, format="x").to_bytes() == data
    assert ContentFile.from_bytes(data, "a/b").to_bytes() == data


def test_no_part_shows_its_data() -> None:
    data = b"x" * 100_000
    parts: list[Content] = [
        ContentImageUrl.from_bytes(data, "image/png"),
        ContentAudioInput.from_bytes(data, format="wav"),
        ContentFile.from_bytes(data, "a/b"),
        ContentImageUrl.from_url("https://x.org/" + "a" * 10_000),
        ContentReasoning(text="Hm.", signature="s" * 10_000),
    ]
    assert max(len(repr(part)) for part in parts) < 300
    assert "eHh4" not in "".join(map(repr, parts)) + "".join(map(str, parts[:3]))


def test_reasoning_is_no_content_and_is_not_sent_in_the_common_form() -> None:
    message = Message("assistant", [ContentReasoning(text="Hm."), "42"])
    assert (message.content, message.to_openai()) == ("42", {"role": "assistant", "content": "42"})
    assert str(message) == "[assistant]: <reasoning 3 characters>\n42"
    assert str(ContentReasoning(data="AA==")) == "<reasoning withheld>"
    message.content = "43"
    assert [part.type for part in message.content_parts] == ["reasoning", "text"]
    thought = Message("assistant", [ContentReasoning(text="Hm.")])
    thought.content = "42"
    assert [part.type for part in thought.content_parts] == ["reasoning", "text"]
