"""Edits of a text by position: how they change the parts that it is made of, and where marked ranges of it go.

The text is that of its pieces, joined by line ends, so it is the coordinate system of all of them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_TOKENS = 500
"""Beyond it the middle of a text counts as one change: to compare tokens takes the square of their number."""


class Edit(NamedTuple):
    """The range from `start` to `stop` becomes `text`. A list of edits is in order and none overlaps another."""

    start: int
    stop: int
    text: str

    @property
    def growth(self) -> int:
        """How much longer the text gets."""
        return len(self.text) - (self.stop - self.start)


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text after its edits."""
    ends = [0, *(edit.stop for edit in edits)]
    kept = [text[start : edit.start] + edit.text for start, edit in zip(ends, edits, strict=False)]
    return "".join(kept) + text[ends[-1] :]


def difference(old: str, new: str) -> list[Edit]:
    """The edits that make `new` of `old`: what both begin and end with stays, and words between that both have."""
    first = _alike(old, new)
    last = _alike(old[first:][::-1], new[first:][::-1])
    before, after = old[first : len(old) - last], new[first : len(new) - last]
    if not before and not after:
        return []
    if (place := after.find(before)) > 0:
        # All of it is there, with something before it and something after.
        stop = first + len(before)
        return [Edit(first, first, after[:place]), Edit(stop, stop, after[place + len(before) :])]
    olds, news = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(olds), len(news)) > _MOST_TOKENS:
        return [Edit(first, first + len(before), after)]
    from difflib import SequenceMatcher  # for the few that come here

    places = list(accumulate(map(len, olds), initial=first))
    codes = SequenceMatcher(None, olds, news, autojunk=False).get_opcodes()
    return [Edit(places[a], places[b], "".join(news[c:d])) for tag, a, b, c, d in codes if tag != "equal"]


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def mover(edits: Sequence[Edit], *, grows: bool = False) -> Callable[[int, int], tuple[int, int] | None]:
    """What tells where a range is after edits: nowhere when they changed it, unless it `grows` with what is inside."""
    stops = [edit.stop for edit in edits]
    shifts = list(accumulate((edit.growth for edit in edits), initial=0))

    def moved(start: int, stop: int) -> tuple[int, int] | None:
        first = place = bisect_right(stops, start)
        growth = 0
        while place < len(edits) and edits[place].start < stop:
            edit = edits[place]
            if not (grows and start <= edit.start and edit.stop <= stop):
                return None
            growth += edit.growth
            place += 1
        return start + shifts[first], stop + shifts[first] + growth

    return moved


def laid_out(pieces: Sequence[str], edits: Sequence[Edit]) -> list[str]:
    """The pieces after edits of their joined text, as many as before; an empty one is gone.

    What was not edited stays in its piece. A piece that would be blank gives its line ends to a neighbour, because
    blank pieces do not count in the joined text.
    """
    starts = [0, *accumulate(len(piece) + 1 for piece in pieces)]
    # The line ends between pieces that no edit takes are the ones between the new pieces.
    ends = [start - 1 for start in starts[1:-1]]
    moved = mover(edits)
    kept = [(index, place) for index, end in enumerate(ends) if (place := moved(end, end + 1)) is not None]
    text = edited("\n".join(pieces), edits)
    cuts = [(-1, 0), *(place for _, place in kept), (len(text), len(text) + 1)]
    groups = [0, *(index + 1 for index, _ in kept), len(pieces)]
    laid = [""] * len(pieces)
    told: list[tuple[int, str]] = []
    for (first, last), ((_, begin), (end, _)) in zip(pairwise(groups), pairwise(cuts), strict=True):
        home = max(range(first, last), key=lambda one: _kept(starts[one], starts[one] + len(pieces[one]), edits))
        told.append((home, text[begin:end]))
    for home, said in _without_blanks(told):
        laid[home] = said
    return laid


def _kept(start: int, stop: int, edits: Sequence[Edit]) -> int:
    """How much of a range no edit takes."""
    taken = sum(max(0, min(stop, edit.stop) - max(start, edit.start)) for edit in edits)
    return stop - start - taken


def _without_blanks(told: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """What is told, with each blank text joined to the one before, or else after it, that is not."""
    joined: list[tuple[int, str]] = []
    for home, said in told:
        if joined and not (said.strip() and joined[-1][1].strip()):
            before, text = joined.pop()
            joined.append((before if text.strip() else home, f"{text}\n{said}"))
        else:
            joined.append((home, said))
    return joined
