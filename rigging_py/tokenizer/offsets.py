"""Which characters of a text each of its tokens stands for. The work is linear in the text, whatever is in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from rigging_py.message.edits import difference, mover

_MOST_OF_A_CHARACTER = 16
"""Tokens that may wait for the rest of a character, so that no text makes what is decoded at once grow."""


class Offsets:
    """Where each token begins and ends in the text. One that stands for nothing there has the place after the last."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        end = 0
        for start, stop in ranges:
            self._starts.append(end if start == stop else max(start, self._starts[-1] if self._starts else 0))
            end = max(end, stop)
            self._ends.append(end)

    def tokens_of(self, start: int, stop: int) -> tuple[int, int] | None:
        """The range of tokens in which a range of the text is, if all of it is."""
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, stop)
        is_whole = first < last and self._starts[first] <= start and self._ends[last - 1] >= stop
        return (first, last) if is_whole else None


def decoded_offsets(text: str, tokens: Sequence[int], decode: Callable[[list[int]], str]) -> Offsets:
    """The offsets as decoding tells them, for tokenizers that do not say them.

    Decoders add and drop white space, so only the other characters are counted. Where those differ from the text,
    tokens stand for nothing.
    """
    pieces = [(count, "".join(piece.split())) for count, piece in _pieces(tokens, decode)]
    moved = mover(difference("".join(piece for _, piece in pieces), "".join(text.split())))
    places = [place for place, character in enumerate(text) if not character.isspace()]
    ends = accumulate(len(piece) for _, piece in pieces)

    def ranges() -> Iterator[tuple[int, int]]:
        for (count, piece), end in zip(pieces, ends, strict=True):
            found = moved(end - len(piece), end) if piece else None
            yield from [(places[found[0]], places[found[1] - 1] + 1) if found else (0, 0)] * count

    return Offsets(ranges())


def _pieces(tokens: Sequence[int], decode: Callable[[list[int]], str]) -> Iterator[tuple[int, str]]:
    """What tokens add to the decoded text, with their number: several where they are bytes of one character.

    What a token adds depends on the one before it, and on no other.
    """
    known, first, read = "", 0, 0
    for place in range(1, len(tokens) + 1):
        said = decode(list(tokens[first:place]))
        # Decoders give a character whose last bytes are still to come as a sign of that, or not at all.
        is_broken = said.endswith("\ufffd") or len(said) == len(known)
        if not is_broken or place - read == _MOST_OF_A_CHARACTER or place == len(tokens):
            yield place - read, said[len(known) :]
            first, read = read, place
            known = decode(list(tokens[first:read]))
