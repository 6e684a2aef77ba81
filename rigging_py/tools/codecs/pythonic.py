"""Calls as Python, `[f(a=1), g(b="x")]`: writes them, and finds the last such list in a reply."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from rigging_py.message import ToolCall
from rigging_py.run.calls import json_object
from rigging_py.tools.codecs.found import FoundCall, without_tags
from rigging_py.tools.codecs.literals import end_of_block, read_calls

_OPENING = re.compile(r"\[\s{0,64}(\w[\w.-]{0,127})\s{0,64}\(")
_UNFINISHED = re.compile(r"\[\s{0,64}(?:\w[\w.-]{0,127}\s{0,64})?\Z")
_LONGEST = 260
_KEYWORD = re.compile(r"[^\W\d]\w*")


class PythonicFinder:
    """From the first bracket that opens on a call, everything is held back: only the last list counts.

    A list that cannot be read is one too when it opens on the name of a tool that there is.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._held = ""
        self._rest: list[str] = []

    def feed(self, text: str) -> Iterator[str | FoundCall]:
        """The words that are certain now."""
        if self._rest:
            self._rest.append(text)
            return
        work = self._held + text
        opening = _OPENING.search(work)
        if opening:
            self._rest = [work[opening.start() :]]
            self._held = ""
            yield work[: opening.start()]
            return
        last = work.rfind("[", max(0, len(work) - _LONGEST))
        stop = last if last >= 0 and _UNFINISHED.match(work, last) else len(work)
        self._held = work[stop:]
        yield work[:stop]

    def ending(self, _was_cut: bool, /) -> Iterator[str | FoundCall]:
        """The rest: the calls of the last list, and what stands around it."""
        text = "".join(self._rest) or self._held
        self._rest, self._held = [], ""
        start, stop, calls = self._last_block(text)
        yield text[:start]
        yield from calls
        yield text[stop:]

    def _last_block(self, text: str) -> tuple[int, int, Sequence[FoundCall]]:
        at, last = 0, (len(text), len(text), list[FoundCall]())
        while opening := _OPENING.search(text, at):
            start = opening.start()
            # What never closes goes to the end: nothing in it is looked at again.
            at = end_of_block(text, start) or len(text)
            if calls := self._calls(text[start:at], opening[1]):
                last = start, at, calls
        return last

    def _calls(self, block: str, name: str) -> list[FoundCall]:
        try:
            return read_calls(block)
        except ValueError:
            return [FoundCall(name, block)] if name in self._names else []


def write_pythonic(calls: Iterable[ToolCall], tags: Sequence[str]) -> str:
    """The calls as a list; arguments that are no object are its only, unnamed, text."""
    return without_tags(f"[{', '.join(map(_written, calls))}]", tags, r"\x3c")


def _written(call: ToolCall) -> str:
    name = re.sub(r"[^\w.-]", "_", call.name)[:128] or "_"
    given = json_object(call.arguments)
    if given is None:
        return f"{name}({call.arguments!r})"
    named = [f"{key}={value!r}" for key, value in given.items() if _KEYWORD.fullmatch(key)]
    others = {key: value for key, value in given.items() if not _KEYWORD.fullmatch(key)}
    return f"{name}({', '.join([*named, f'**{others!r}'] if others else named)})"
