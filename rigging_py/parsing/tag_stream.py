"""Cuts text into words and tags while it arrives, with the same eyes as `elements`, in time linear in the text.

What could still become a tag is held back until it is one or is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rigging_py.parsing.extract import CDATA_CLOSE, CDATA_OPEN, tokens

_LONG = 4096
"""Characters of an unfinished tag up to which every piece that arrives is looked at anew."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text as it is written: words, CDATA, or a tag."""

    kind: Literal["words", "cdata", "open", "close", "empty"]
    raw: str
    tag: str = ""
    attributes: str = ""


class TagStream:
    """The pieces of a text for tags of these names; every other tag is words, and so is a closing one without partner.

    CDATA inside an element is one piece; until it closes nothing after it is handed out.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._pattern = tokens(self._names)
        self._held: list[str] = []
        self._held_size = self._next_look = 0
        self._is_cdata = False
        self._open: Counter[str] = Counter()

    def feed(self, text: str) -> Iterator[Piece]:
        """The pieces that are sure now that `text` has come too."""
        if self._can_wait(text):
            self._hold(text)
            return
        work, at = "".join(self._held) + text, 0
        self._held, self._held_size = [], 0
        while at < len(work):
            if self._is_cdata:
                at = yield from self._cdata(work, at)
            else:
                at = yield from self._next(work, at)

    def _can_wait(self, text: str) -> bool:
        """Whether `text` cannot end what is held, or looking each time would cost too much."""
        if self._is_cdata:
            seam = "".join(self._held[-2:])[-2:] if self._held else ""
            return ">" not in text or CDATA_CLOSE not in seam + text
        if not self._held or "<" in text:
            return False
        size = self._held_size + len(text)
        return self._held_size > _LONG and size < self._next_look

    def _hold(self, text: str) -> None:
        if not text:
            return
        # The last piece keeps two characters at least, so that a seam is never more than two pieces.
        if self._held and len(self._held[-1]) < 2:
            text = self._held.pop() + text
            self._held_size -= 1
        self._held.append(text)
        self._held_size += len(text)

    def _cdata(self, work: str, at: int) -> Generator[Piece, None, int]:
        stop = work.find(CDATA_CLOSE, at + len(CDATA_OPEN))
        if stop < 0:
            self._hold(work[at:])
            return len(work)
        self._is_cdata = False
        stop += len(CDATA_CLOSE)
        yield Piece("cdata", work[at:stop])
        return stop

    def _next(self, work: str, at: int) -> Generator[Piece, None, int]:
        """The words up to the next tag and that, or up to what may become one."""
        found = self._pattern.search(work, at)
        stop = found.start() if found is not None else self._sure_end(work, at)
        if stop > at:
            yield Piece("words", work[at:stop])
        if found is not None:
            return (yield from self._tag(found))
        if stop < len(work):
            self._hold(work[stop:])
            self._next_look = 2 * self._held_size
        return len(work)

    def _tag(self, found: re.Match[str]) -> Generator[Piece, None, int]:
        raw = found.group()
        cdata, closes, opens, attributes, is_empty = found.groups()
        if cdata:
            if self._open:
                self._is_cdata = True
                return found.start()
            yield Piece("words", raw)
        elif is_empty:
            yield Piece("empty", raw, opens, attributes or "")
        elif opens:
            self._open[opens] += 1
            yield Piece("open", raw, opens, attributes or "")
        elif self._open[closes]:
            self._open[closes] -= 1
            self._open += Counter()  # Without the zeros, it is empty when nothing is open.
            yield Piece("close", raw, closes)
        else:
            yield Piece("words", raw)
        return found.end()

    def _sure_end(self, work: str, at: int) -> int:
        last = work.rfind("<", at)
        return last if last >= 0 and self._may_become_one(work, last) else len(work)

    def _may_become_one(self, work: str, start: int) -> bool:
        """Whether what `work` has from its last `<`, which is no tag, could be the beginning of one."""
        rest = work[start + 1 :]
        if CDATA_OPEN.startswith("<" + rest):
            return True
        name = rest.removeprefix("/")
        for one in self._names:
            if one.startswith(name):
                return True
            after = name[len(one) :]
            if name.startswith(one) and (after.isspace() if rest.startswith("/") else _may_be_attributes(after)):
                return True
        return False


def _may_be_attributes(text: str) -> bool:
    return text == "/" or text[0].isspace()
