"""The parts of a message print shortly and know where they come from."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from rigging_py.message import Audio, Content, ContentAudioInput, ContentImageUrl, ContentText, ImageUrl


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
