"""The work grows as the text does, whatever a text repeats: no answer of a model, and no page it quotes, blocks us."""

from __future__ import annotations

import time

import pytest

from tests.fuzz.entries import ENTRIES
from tests.fuzz.hostile import ALONE, FILLINGS, INSIDE, hostile

SMALL, LARGE = 10_000, 40_000
QUADRATIC = 12
"""Four times the text takes 4 times as long where time is linear, and 16 times where it is quadratic."""
NOISE = 0.05
"""Seconds below which nothing can be said about growth."""
ENOUGH = 60.0
"""Seconds for a megabyte through all readers of a door, on a slow machine too; cubic time would be years."""


def seconds(name: str, text: str) -> float:
    started = time.process_time()
    ENTRIES[name].read(text)
    return time.process_time() - started


def grows_too_fast(name: str, piece: str, inside: tuple[str, str]) -> bool:
    large = seconds(name, hostile(piece, LARGE, inside))
    if large < QUADRATIC * NOISE:
        return False
    # What is slow once may have been interrupted.
    small = min(seconds(name, hostile(piece, SMALL, inside)) for _ in range(2))
    return min(large, seconds(name, hostile(piece, LARGE, inside))) > QUADRATIC * max(small, NOISE)


@pytest.mark.parametrize("name", ENTRIES)
def test_reading_is_linear_in_a_text_that_repeats_itself(name: str) -> None:  # surface 3.2 no. 31
    assert [piece for piece in ALONE[name] if grows_too_fast(name, piece, ("", ""))] == []


@pytest.mark.parametrize("name", ENTRIES)
def test_reading_is_linear_in_what_stands_in_one_value(name: str) -> None:  # surface 3.2 no. 31
    slow = [(piece, around) for around in INSIDE for piece in FILLINGS if grows_too_fast(name, piece, around)]
    assert slow == []


MEGABYTE = 1_000_000


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize(
    ("piece", "inside"),
    [
        ("<answer>", ("", "")),
        ("<answer x='\"", ("", "")),
        ("x", ("<answer ", ">a</answer>")),
        ("x", ('<answer x="', '">a</answer>')),
        ("{", ("", "")),
        ('{"', ("", "")),
    ],
)
def test_a_megabyte_is_read_in_seconds(name: str, piece: str, inside: tuple[str, str]) -> None:  # surface 3.2 no. 31
    assert seconds(name, hostile(piece, MEGABYTE, inside)) < ENOUGH
