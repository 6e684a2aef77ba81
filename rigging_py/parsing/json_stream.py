"""Reads JSON objects out of text while it arrives, in time linear in the text, and shows what is there so far.

It is a scanner of its own because a parser that is given the text so far each time reads everything again each time.
It knows JSON's grammar and no more: what closed is handed out as text, and whoever asked decides whether it is valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pydantic_core import from_json

from rigging_py.parsing.growing import Fields, Growing, Items, Words
from rigging_py.parsing.plan import Plan

_BLANKS = " \t\r\n"
_SPACE = re.compile(f"[{_BLANKS}]*")
_PLAIN = re.compile(r'[^"\\]+')
_SCALAR = re.compile(r"[A-Za-z0-9+.\-]+")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_HEX = re.compile(r"[0-9a-fA-F]{0,4}")
_DEPTH_LIMIT = 128
"""Levels of one document. Reading a level costs its text once more, and pydantic gives up at 200."""


class _Frame:
    """A value whose text has begun. `key` and `state` are those of the object or list that it may be."""

    __slots__ = ("growing", "is_object", "key", "name", "plan", "raw")

    def __init__(self, first: str, name: str, plan: Plan | None) -> None:
        self.raw: list[str] = []
        self.is_object = first == "{"
        self.key: str | None = None
        self.name, self.plan = name, plan
        self.growing: Growing | None = plan.begin(first) if plan is not None else None


class JsonStream:
    """The JSON documents in a text, one after another, each beginning with one of `openers`.

    What is no JSON is passed over, and so is a document that breaks JSON's grammar: the next is looked for from there.

    Attributes:
        drafts: how many documents that showed something as done came to nothing.
        broken: the text of the first document that broke the grammar, up to where.
        has_news: whether there is something to show that was not there when this was last set to False.
    """

    def __init__(self, plan: Plan | None, openers: str = "{") -> None:
        # A brace before another one begins nothing, and a text may have a million of them.
        self._plan, self._opener = plan, re.compile(rf"(?!\{{\{{)[{re.escape(openers)}]")
        self._frames: list[_Frame] = []
        self._state: Callable[[str, int], int] = self._seek
        self._escape = self._surrogate = ""
        self._whole: str | None = None
        self.root: Growing | None = None
        self.drafts = 0
        self.broken: str | None = None
        self.has_news = False

    @property
    def is_inside(self) -> bool:
        """Whether a document has begun and not ended."""
        return bool(self._frames)

    def feed(self, text: str) -> Iterator[str]:
        """The documents that `text` closes, as they are written. `root` is what grew, until the next one begins."""
        at = 0
        while at < len(text):
            at = self._state(text, at)
            if self._whole is not None:
                whole, self._whole = self._whole, None
                yield whole

    def _seek(self, text: str, at: int) -> int:
        found = self._opener.search(text, at)
        if found is None:
            return len(text)
        self._begin(found.group(), "", self._plan)
        self.root = self._frames[0].growing
        return found.end()

    def _begin(self, first: str, name: str, plan: Plan | None) -> None:
        frame = _Frame(first, name, plan)
        frame.raw.append(first)
        if self._frames and frame.growing is not None:
            outer = self._frames[-1].growing
            if isinstance(outer, Fields) and name not in outer.done:
                outer.begun[name] = frame.growing
            elif isinstance(outer, Items):
                outer.begun = frame.growing
        self._frames.append(frame)
        self.has_news |= frame.growing is not None
        self._state = {"{": self._first_key, "[": self._first_item, '"': self._string}.get(first, self._scalar)

    def _skip(self, text: str, at: int) -> int:
        if text[at : at + 1] not in _BLANKS:
            return at
        found = _SPACE.match(text, at)
        stop = found.end() if found is not None else at
        if stop > at:
            self._frames[-1].raw.append(text[at:stop])
        return stop

    def _take(self, character: str, state: Callable[[str, int], int]) -> None:
        self._frames[-1].raw.append(character)
        self._state = state

    def _first_key(self, text: str, at: int) -> int:
        return self._key(text, at, may_close=True)

    def _key(self, text: str, at: int, *, may_close: bool = False) -> int:
        at = self._skip(text, at)
        if at == len(text):
            return at
        if text[at] == "}" and may_close:
            return self._close(text, at)
        if text[at] != '"':
            return self._break(at)
        self._frames.append(_Frame("", "", None))
        self._take('"', self._string)
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        at = self._skip(text, at)
        if at < len(text):
            if text[at] != ":":
                return self._break(at)
            self._take(":", self._value)
            at += 1
        return at

    def _first_item(self, text: str, at: int) -> int:
        at = self._skip(text, at)
        if at < len(text) and text[at] == "]":
            return self._close(text, at)
        return self._value(text, at)

    def _value(self, text: str, at: int) -> int:
        at = self._skip(text, at)
        if at == len(text):
            return at
        outer = self._frames[-1]
        is_shown = outer.growing is not None and outer.plan is not None
        child = outer.plan.child(outer.key) if is_shown and outer.plan is not None else None
        name, plan = child if child is not None else ("", None)
        first = text[at]
        if first in '{["':
            if len(self._frames) >= _DEPTH_LIMIT:
                return self._break(at)
            self._begin(first, name, plan)
            return at + 1
        if _SCALAR.match(first) is None:
            return self._break(at)
        self._begin("", name, plan)
        return at

    def _scalar(self, text: str, at: int) -> int:
        found = _SCALAR.match(text, at)
        if found is not None:
            self._frames[-1].raw.append(found.group())
            return found.end()
        self._end()
        return at

    def _string(self, text: str, at: int) -> int:
        frame = self._frames[-1]
        if (found := _PLAIN.match(text, at)) is not None:
            self._say(frame, found.group())
            return found.end()
        if text[at] == "\\":
            self._escape, self._state = "\\", self._in_escape
            return at + 1
        self._say(frame, "")
        frame.raw.append('"')
        self._end()
        return at + 1

    def _say(self, frame: _Frame, words: str, raw: str | None = None) -> None:
        """A piece of a string, and how it is written. Half a surrogate pair that stands alone is no character."""
        lost = "\ufffd" if self._surrogate else ""
        self._surrogate = ""
        frame.raw.append(words if raw is None else raw)
        if isinstance(frame.growing, Words) and lost + words:
            frame.growing.add(lost + words)
            self.has_news = True

    def _in_escape(self, text: str, at: int) -> int:
        self._escape += text[at]
        kind = self._escape[1]
        if (kind != "u" and kind not in _ESCAPES) or (kind == "u" and not _HEX.fullmatch(self._escape[2:])):
            return self._break(at + 1)
        if kind != "u":
            self._say(self._frames[-1], _ESCAPES[kind], self._escape)
            self._state = self._string
        elif len(self._escape) == 6:
            self._say_code(int(self._escape[2:], 16))  # noqa: FURB166 — the prefix is JSON's
            self._state = self._string
        return at + 1

    def _say_code(self, code: int) -> None:
        frame = self._frames[-1]
        if self._surrogate and 0xDC00 <= code < 0xE000:
            high, self._surrogate = ord(self._surrogate), ""
            self._say(frame, chr(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)), self._escape)
        elif 0xD800 <= code < 0xDC00:
            self._say(frame, "", self._escape)
            self._surrogate = chr(code)
        else:
            self._say(frame, "\ufffd" if 0xDC00 <= code < 0xE000 else chr(code), self._escape)

    def _after(self, text: str, at: int) -> int:
        at = self._skip(text, at)
        if at == len(text):
            return at
        frame = self._frames[-1]
        if text[at] == ",":
            self._take(",", self._key if frame.is_object else self._value)
            return at + 1
        return self._close(text, at)

    def _close(self, text: str, at: int) -> int:
        frame = self._frames[-1]
        if text[at] != ("}" if frame.is_object else "]"):
            return self._break(at)
        frame.raw.append(text[at])
        self._end()
        return at + 1

    def _end(self) -> None:
        """The innermost value is whole: its text goes to the one around it, and its value too where that is shown."""
        frame = self._frames.pop()
        raw = "".join(frame.raw)
        if not self._frames:
            self._whole, self._state = raw, self._seek
            return
        outer = self._frames[-1]
        outer.raw.append(raw)
        if outer.is_object and self._is_key(outer):
            outer.key, self._state = _key_of(raw), self._colon
            return
        if outer.growing is not None and frame.plan is not None:
            self._deliver(frame, frame.plan.read(raw), outer.growing)
        if outer.is_object:
            outer.key = None
        self._state = self._after

    def _is_key(self, frame: _Frame) -> bool:
        return frame.key is None

    def _deliver(self, frame: _Frame, value: object, outer: Growing) -> None:
        has_done = shows_done(frame.growing)
        is_wrong = isinstance(value, Exception)
        if frame.growing is not None and has_done and (is_wrong or not frame.growing.agrees(value)):
            self.drafts += 1
        self.has_news = True
        if isinstance(outer, Items):
            outer.finish(value)
        elif isinstance(outer, Fields) and is_wrong:
            outer.begun.pop(frame.name, None)
        elif isinstance(outer, Fields):
            outer.finish(frame.name, value)

    def _break(self, at: int) -> int:
        """This is no JSON. What stands at `at` may begin another document."""
        if self.broken is None:
            self.broken = "".join(piece for frame in self._frames for piece in frame.raw)
        self.drafts += shows_done(self.root)
        self.has_news |= self.root is not None
        self._frames.clear()
        self.root, self._state = None, self._seek
        self._escape = self._surrogate = ""
        return at

    def forget(self) -> None:
        """The document that closed last is not what was looked for."""
        self.drafts += shows_done(self.root)
        self.has_news |= self.root is not None
        self.root = None


def _key_of(raw: str) -> str:
    try:
        return str(from_json(raw))
    except ValueError:
        return raw


def shows_done(growing: Growing | None) -> bool:
    """Whether anything in it is marked as done."""
    if isinstance(growing, Items):
        return bool(growing.done) or shows_done(growing.begun)
    if isinstance(growing, Fields):
        return (growing.marks and bool(growing.done)) or any(map(shows_done, growing.begun.values()))
    return False


def documents(text: str) -> tuple[list[str], str | None]:
    """The objects in `text` as they are written, and the first that broke JSON's grammar, up to where."""
    stream = JsonStream(None)
    return list(stream.feed(text)), stream.broken
