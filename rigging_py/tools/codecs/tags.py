"""Finds calls between two tags, in time linear in the text, however it is cut into pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce

from rigging_py.parsing.extract import read_attributes
from rigging_py.tools.codecs.found import UNREADABLE, FoundCall

_LONGEST = 480
"""Characters of an opening tag's attributes; what is longer is no tag, so that little is ever held back."""


class TagFinder:
    """`read` makes a call of the attributes and of what stands between the tags.

    With `json` a tag in one of its strings is text. Otherwise a call can hold calls, which are then text of its own,
    and only tags with a name are calls. So whatever stands in the argument of a call never becomes one.
    """

    def __init__(self, tag: str, read: Callable[[str, str], FoundCall], *, json: bool) -> None:
        self._read, self._json = read, json
        name = re.escape(tag)
        opening = rf"<{name}(?:\s[^<>]{{0,{_LONGEST}}}|/)?>"
        self._outside = re.compile(opening)
        self._inside = re.compile(rf'"(?:[^"\\]|\\.)*+"|"|</{name}>' if json else rf"{opening}|</{name}>", re.DOTALL)
        begun = reduce(lambda inner, one: f"(?:{re.escape(one)}{inner})?", reversed(tag), "")
        self._unfinished = re.compile(rf"<(?:/?{begun}|/{name}|{name}\s[^<>]{{0,{_LONGEST}}}|{name}/)\Z")
        self._tag = tag
        self._held = self._opening = ""
        self._body: list[str] = []
        self._depth = 0
        self._in_string = False

    def feed(self, text: str) -> Iterator[str | FoundCall]:
        """The words and calls that are certain now."""
        work, at = self._held + text, 0
        while token := self._pattern().search(work, at):
            if token.start() > at:
                yield from self._keep(work[at : token.start()])
            yield from self._take(token.group())
            at = token.end()
        stop = self._stop(work, at)
        yield from self._keep(work[at:stop])
        self._held = work[stop:]

    def ending(self, was_cut: bool, /) -> Iterator[str | FoundCall]:
        """The rest: an open call is closed, as it is where the closing tag ended the reply."""
        yield from self._keep(self._held)
        self._held = ""
        if self._depth:
            yield self._unclosed("".join(self._body), was_cut=was_cut)

    def _unclosed(self, body: str, *, was_cut: bool) -> str | FoundCall:
        call = self._read(self._attributes(), body)
        if call.name == UNREADABLE and not body.lstrip().startswith("{"):
            return self._opening + body  # somebody talks about the tag
        if was_cut and not (self._json and body.strip()):
            # More arguments may have been to come. Of JSON one sees whether it is whole.
            return FoundCall(call.name, self._opening + body)
        return call

    def _pattern(self) -> re.Pattern[str]:
        return _STRING if self._in_string else self._inside if self._depth else self._outside

    def _stop(self, work: str, at: int) -> int:
        """Where that begins which may yet become a token."""
        if self._in_string:
            return len(work) - work.endswith("\\", at)
        last = work.rfind("<", max(at, len(work) - _LONGEST - len(self._tag) - 4))
        return last if last >= 0 and self._unfinished.match(work, last) else len(work)

    def _keep(self, text: str) -> Iterator[str | FoundCall]:
        if self._depth:
            self._body.append(text)
        else:
            yield text

    def _take(self, mark: str) -> Iterator[str | FoundCall]:
        if not self._depth:
            yield from self._open(mark)
        elif mark.startswith("</"):
            yield from self._close(mark)
        else:
            self._body.append(mark)
            if mark == '"':  # a string that goes on, or the end of one
                self._in_string = not self._in_string
            elif mark.startswith("<"):
                self._depth += self._is_call(mark) and not mark.endswith("/>")

    def _open(self, token: str) -> Iterator[str | FoundCall]:
        if not self._is_call(token):
            yield token
            return
        self._opening, self._body = token, []
        if token.endswith("/>"):
            yield self._read(self._attributes(), "")
        else:
            self._depth = 1

    def _close(self, token: str) -> Iterator[FoundCall]:
        self._depth -= 1
        if self._depth:
            self._body.append(token)
        else:
            yield self._read(self._attributes(), "".join(self._body))

    def _is_call(self, token: str) -> bool:
        return self._json or "name" in read_attributes(token)

    def _attributes(self) -> str:
        return self._opening[len(self._tag) + 1 :]


_STRING = re.compile(r'"|\\.', re.DOTALL)
