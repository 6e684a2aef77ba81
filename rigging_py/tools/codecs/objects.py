"""Finds calls that are bare JSON objects with a name and arguments, in time linear in the text, in any pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigging_py.tools.codecs.found import FoundCall, call_in

# An object begins with a key, so that braces in words and in programs are none. Bounded, so that little is held back.
_OPENING = re.compile(r'\{\s{0,64}("|\Z)')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}:"]', re.DOTALL)
_REST_OF_STRING = re.compile(r'(?:[^"\\]|\\.)*+', re.DOTALL)
_KEYS = {'"name"': 1, '"arguments"': 2, '"parameters"': 2}
_BOTH = 3
_LONGEST_KEY = 16


class ObjectFinder:
    """Everything from the brace that opens an object to the one that closes it is held back."""

    def __init__(self) -> None:
        self._held = ""
        self._pieces: list[str] = []
        self._size = 0
        self._open: list[list[int]] = []
        """Where each open object begins, and which of the keys it has."""
        self._found: list[tuple[int, int]] = []
        """Where calls begin and end that are in no other call."""
        self._string: str | None = None
        """The beginning of the string that the last piece ended in."""
        self._last = ""
        """The last whole string, which a colon makes a key."""

    def feed(self, text: str) -> Iterator[str | FoundCall]:
        """The words and calls that are certain now."""
        work, at = self._held + text, 0
        self._held = ""
        while at < len(work):
            if self._open:
                at = self._inside(work, at)
                if not self._open:
                    yield from self._release(self._size)
                continue
            opening = _OPENING.search(work, at)
            start = opening.start() if opening else len(work)
            if start > at:
                yield work[at:start]
            if opening is None or not opening[1]:
                self._held = work[start:]
                return
            self._open.append([0, 0])
            self._hold("{")
            at = start + 1

    def ending(self, _was_cut: bool, /) -> Iterator[str | FoundCall]:
        """The rest: an open object that has both keys is a call."""
        self._hold(self._held)
        self._held = ""
        begun = next((start for start, keys in self._open if keys == _BOTH), self._size)
        self._found = [one for one in self._found if one[0] < begun]
        if begun < self._size:
            self._found.append((begun, self._size))
        self._open = []
        yield from self._release(self._size)

    def _hold(self, text: str) -> None:
        self._pieces.append(text)
        self._size += len(text)

    def _inside(self, work: str, at: int) -> int:
        """Reads on from `at` until the outermost object closes, and returns where that is."""
        begin, base = at, self._size - at
        while self._open:
            if self._string is not None:
                at = self._go_on_with_string(work, at)
                if not self._last:
                    break
            token = _TOKEN.search(work, at)
            if token is None:
                at = len(work)
                break
            at = token.end()
            self._take(token.group(), base + token.start())
        else:
            self._hold(work[begin:at])
            return at
        self._hold(work[begin:at])
        self._held = work[at:]
        return len(work)

    def _go_on_with_string(self, work: str, at: int) -> int:
        stop = _REST_OF_STRING.match(work, at).end()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        begun = (self._string or "") + work[at : min(stop, at + _LONGEST_KEY)]
        if stop < len(work) and work[stop] == '"':
            self._string, self._last = None, f'"{begun[:_LONGEST_KEY]}"'
            return stop + 1
        self._string = begun[:_LONGEST_KEY]
        return stop

    def _take(self, mark: str, place: int) -> None:
        if mark == "{":
            self._open.append([place, 0])
        elif mark == "}":
            start, keys = self._open.pop()
            if keys == _BOTH:
                while self._found and self._found[-1][0] > start:
                    self._found.pop()
                self._found.append((start, place + 1))
        elif mark == ":":
            self._open[-1][1] |= _KEYS.get(self._last, 0)
            self._last = ""
        elif mark == '"':
            self._string, self._last = "", ""
        else:
            self._last = mark

    def _release(self, stop: int) -> Iterator[str | FoundCall]:
        text, at = "".join(self._pieces), 0
        for start, end in self._found:
            yield text[at:start]
            yield call_in(text[start:end]) or text[start:end]
            at = end
        yield text[at:stop]
        self._pieces, self._size, self._found = [], 0, []
        self._string, self._last = None, ""
