"""Tokens become text that is shown as soon as it is sure, up to where it is to stop."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.generator.transformers.writing import Text, Until

pytest.importorskip("transformers")
from tests.generator import tiny

TOKENIZER = tiny.tokenizer()


def shown(tokens: Sequence[int], *, keeps_marks: bool = False) -> list[str]:
    text = Text(TOKENIZER, keeps_marks=keeps_marks)
    return [*map(text.feed, tokens), text.rest()]


@given(st.text("hello thé😀 中\n", max_size=30))
def test_the_pieces_are_the_text_and_no_character_comes_in_two(text: str) -> None:
    pieces = shown(TOKENIZER.encode(text))
    assert "".join(pieces) == text
    assert "\ufffd" not in "".join(pieces)


@given(st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=30))
def test_whatever_tokens_come_their_text_is_that_of_all_of_them(tokens: list[int]) -> None:
    assert "".join(shown(tokens)) == TOKENIZER.decode(tokens, skip_special_tokens=True)


def test_words_are_shown_as_they_come() -> None:
    assert shown(TOKENIZER.encode("hello there"))[-2:] == [" there", ""]


def test_marks_are_shown_where_they_are_asked_for() -> None:
    tokens = TOKENIZER.encode("a<|im_start|>b")
    assert "".join(shown(tokens)) == "ab"
    assert "".join(shown(tokens, keeps_marks=True)) == "a<|im_start|>b"


@given(st.lists(st.text("ab", max_size=4)), st.lists(st.text("ab", max_size=3), max_size=3))
def test_what_is_said_ends_before_the_first_stop_however_it_comes(pieces: list[str], stops: list[str]) -> None:
    until = Until(stops)
    said = ""
    for piece in pieces:
        said += until.feed(piece)
        if until.is_found:
            break
    whole = "".join(pieces)
    ends = [(whole.index(stop) + len(stop), whole.index(stop)) for stop in stops if stop and stop in whole]
    assert until.is_found == bool(ends)
    if not ends:
        assert said + until.held == whole
    else:
        # Nothing of the stop that was complete first is said.
        assert whole.startswith(said)
        assert len(said) <= min(ends)[1]


def test_only_what_may_be_a_stop_is_held_back() -> None:
    until = Until(["END"])
    assert [until.feed(piece) for piece in ("so E", "N", "d. E", "ND of it")] == ["so ", "", "ENd. ", ""]
    assert until.is_found
