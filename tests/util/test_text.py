"""Texts are made shorter, spelled another way, escaped; lists are made flat."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.util import (
    escape_xml,
    flatten_list,
    identify_audio_format,
    shorten_string,
    shorten_text,
    to_snake,
    to_xml_tag,
    truncate_string,
    unescape_cdata_tags,
    unescape_xml,
)
from rigging_py.util.text import plain


@given(st.text())
def test_what_is_escaped_opens_no_tag_and_reads_as_before(text: str) -> None:
    escaped = escape_xml(text)
    assert not {"<", ">"} & {*escaped}
    assert unescape_xml(escaped) == text


def test_entities_are_resolved_once() -> None:
    assert unescape_xml("&lt;a&gt; &amp;lt; &quot;&apos;") == "<a> &lt; \"'"


def test_the_marks_of_cdata_are_given_back_and_nothing_else() -> None:
    assert unescape_cdata_tags("&lt;![CDATA[a &lt; b]]&gt;") == "<![CDATA[a &lt; b]]>"


@pytest.mark.parametrize(
    ("name", "snake", "tag"),
    [
        ("FunFact", "fun_fact", "fun-fact"),
        ("fun-fact", "fun_fact", "fun-fact"),
        ("page_count", "page_count", "page-count"),
        ("HTTPServer", "http_server", "http-server"),
    ],
)
def test_names_are_spelled_as_python_and_as_tags_have_them(name: str, snake: str, tag: str) -> None:
    assert (to_snake(name), to_xml_tag(name)) == (snake, tag)


@given(st.text(), st.integers(0, 50))
def test_what_is_shortened_is_never_longer_than_allowed(text: str, limit: int) -> None:
    for short in (truncate_string(text, limit), shorten_string(text, limit), shorten_text(text, max_chars=limit)):
        assert len(short) <= limit
        assert short == text or len(text) > limit


def test_the_end_or_the_middle_goes() -> None:
    assert truncate_string("0123456789", 7) == "0123..."
    assert truncate_string("0123456789", 7, suf="…") == "012345…"
    assert shorten_string("0123456789", 7) == "01...89"
    assert shorten_string("0123456789", 7, sep="|") == "012|789"


def test_lines_go_out_of_the_middle() -> None:
    assert shorten_text("1\n2\n3\n4\n5", max_lines=3) == "1\n2\n...\n5"
    assert shorten_text("1\n2", max_lines=2) == "1\n2"
    assert shorten_text("aaaa\nb\ncccc", 2, 7, sep="-") == "aaa-ccc"


@given(st.text())
def test_plain_text_moves_nothing_and_hides_nothing(text: str) -> None:
    shown = plain(text)
    assert plain(shown) == shown
    assert all(unicodedata.category(one) not in ("Cc", "Cs", "Zl", "Zp") or one in "\n\t" for one in shown)
    assert all(one not in shown for one in "\x1b\r\x9b\u200b\u200f\u202e\u2069\ufeff\U000e0041\ud800")


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("a\nb\tc", "é 👨\u200d👩 \U0001fa77", "\u00a0\u3000", "می\u200cخواهم"):
        assert plain(text) == text
    assert plain("a\nb\x1b[2J", keep="") == r"a\nb\x1b[2J"


def test_lists_are_flattened_and_tuples_left() -> None:
    assert flatten_list([1, [2, [3, (4, [5])]], [], "ab"]) == [1, 2, 3, (4, [5]), "ab"]


def test_a_list_may_be_as_deep_as_it_likes() -> None:
    deep: list[Any] = [1]
    for _ in range(100_000):
        deep = [deep]
    assert flatten_list(deep) == [1]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "wav"),
        (b"ID3\x04\x00", "mp3"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"\xff\xf3\x40\xc0", "mp3"),
        (b"OggS\x00\x02", "ogg"),
        (b"fLaC\x00\x00", "flac"),
        (b"RIFF\x24\x00\x00\x00AVI ", None),
        (b"\x89PNG", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_what_sound_it_is(data: bytes, expected: str | None) -> None:
    assert identify_audio_format(data) == expected
