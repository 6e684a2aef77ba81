"""Reads calls written as Python, `[f(a=1), g(b="x")]`, without executing anything, in time linear in the text.

It is not Python's own parser, which warns of the escapes that models write (`"\\d"`), takes hundreds of times the
memory of a long list, and knows neither `true` nor line ends in strings.
"""

from __future__ import annotations

import re
from typing import Any, cast

from rigging_py.tools.codecs.found import FoundCall, arguments_of, as_json

_MOST_LEVELS = 100
_STRING = (
    r"""[rRuUbB]?(?:\"{3}(?:[^"\\]|\\.|"(?!""))*+\"{3}|'{3}(?:[^'\\]|\\.|'(?!''))*+'{3}"""
    r"""|"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')"""
)
_NUMBER = r"[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?"
_VALUE = re.compile(
    rf"\s*(?:(?P<string>{_STRING})|(?P<number>{_NUMBER})|(?P<word>[^\W\d]\w*)|(?P<mark>[\[({{]))", re.DOTALL
)
_CALLED = re.compile(r"\s*(\w[\w.-]*)\s*\(")
_KEYWORD = re.compile(r"\s*([^\W\d]\w*)\s*=")
_STEP = re.compile(rf"({_STRING})|[\[({{]|[\])}}]|[\"']", re.DOTALL)
_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_ESCAPE = re.compile(r"\\(?:(\n)|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\\'\"abfnrtv]))")
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def end_of_block(text: str, start: int) -> int | None:
    """Where the bracket at `start` is closed, brackets in strings aside; None where it is not."""
    depth = 0
    for step in _STEP.finditer(text, start):
        if step[1]:
            continue
        if step.group() in "\"'":
            return None  # a string that does not end
        depth += 1 if step.group() in "[({" else -1
        if not depth:
            return step.end()
    return None


def read_calls(block: str) -> list[FoundCall]:
    """The calls in a list of calls. Raises `ValueError` for whatever else it is."""
    reader = _Reader(block)
    if not reader.accept("["):
        raise ValueError("no list")
    return reader.sequence("]", reader.call)


class _Reader:
    """Reads from `at` on; what does not fit is a `ValueError`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.level = 0

    def next_mark(self) -> str:
        """The character that comes next, white space aside; nothing at the end."""
        while (mark := self.text[self.at : self.at + 1]).isspace():
            self.at += 1
        return mark

    def accept(self, mark: str) -> bool:
        if self.next_mark() != mark:
            return False
        self.at += 1
        return True

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def sequence(self, close: str, one: Any) -> list[Any]:
        """What stands between commas up to a closing mark; a comma may be last."""
        found: list[Any] = []
        while self.next_mark() != close:
            found.append(one())
            if not self.accept(",") and self.next_mark() != close:
                raise ValueError(f"neither a comma nor {close} at {self.at}")
        self.at += 1
        return found

    def call(self) -> FoundCall:
        called = self.take(_CALLED)
        if called is None:
            raise ValueError(f"no call at {self.at}")
        given = self.sequence(")", self.argument)
        if len(given) == 1 and isinstance(given[0], str):
            # Arguments that are no object are written as a text, and some models write objects so too.
            return FoundCall(called[1], arguments_of(given[0]))
        if not all(isinstance(one, dict) for one in given):
            raise ValueError("an argument without a name")
        return FoundCall(called[1], as_json({name: value for one in given for name, value in one.items()}))

    def argument(self) -> object:
        if self.accept("*"):
            if not (self.accept("*") and isinstance(given := self.value(), dict)):
                raise ValueError("arguments without names")
            return cast("object", given)
        keyword = self.take(_KEYWORD)
        if keyword:
            return {keyword[1]: self.value()}
        value = self.value()
        if not isinstance(value, str):
            raise ValueError("an argument without a name")
        return value

    def value(self) -> object:
        token = self.take(_VALUE)
        if token is None:
            raise ValueError(f"no value at {self.at}")
        kind = token.lastgroup or ""
        written = token[kind]
        if kind == "string":
            return self.strings(written)
        if kind == "number":
            return _number(written)
        if kind == "word":
            if written not in _WORDS:
                raise ValueError(f"{written} is no value")
            return _WORDS[written]
        self.level += 1
        if self.level > _MOST_LEVELS:
            raise ValueError("too many levels")
        value = self.container(written)
        self.level -= 1
        return value

    def strings(self, first: str) -> str:
        """A string, and those that follow it without a comma."""
        found = [_text(first)]
        while self.next_mark() not in ",)]}:" and (again := _VALUE.match(self.text, self.at)) and again["string"]:
            self.at = again.end()
            found.append(_text(again["string"]))
        return "".join(found)

    def container(self, mark: str) -> object:
        if mark == "[":
            return self.sequence("]", self.value)
        if mark == "(":
            found = self.sequence(")", self.value)
            is_one = len(found) == 1 and not self.text[: self.at - 1].rstrip().endswith(",")
            return found[0] if is_one else found
        entries = self.sequence("}", self.entry)
        if all(len(one) == 2 for one in entries):
            return dict(entries)
        if any(len(one) == 2 for one in entries):
            raise ValueError("half a dict")
        return [one[0] for one in entries]

    def entry(self) -> tuple[object, ...]:
        """A key and a value of a dict, or an item of a set."""
        key = self.value()
        if not self.accept(":"):
            return (key,)
        if isinstance(key, list | dict):
            raise ValueError("a key that JSON cannot have")
        return key, self.value()


def _number(text: str) -> int | float:
    return float(text) if "." in text or "e" in text or "E" in text else int(text)


def _text(written: str) -> str:
    """What a string literal says. Raises `ValueError` for half of a surrogate pair."""
    kind = written[0] if written[0] not in "\"'" else ""
    quoted = written[len(kind) :]
    width = 3 if len(quoted) >= 6 and quoted[:3] in ('"""', "'''") else 1
    inside = quoted[width:-width]
    if kind in ("r", "R") or "\\" not in inside:
        return inside
    said = _ESCAPE.sub(_character, inside)
    # Models that think in JSON write a character outside the basic plane as two halves.
    return said.encode("utf-16", "surrogatepass").decode("utf-16") if "\\u" in inside else said


def _character(escape: re.Match[str]) -> str:
    line_end, two, four, eight, octal, letter = escape.groups()
    if line_end:
        return ""
    if letter:
        return _LETTERS.get(letter, letter)
    return chr(int(octal, 8)) if octal else chr(int(two or four or eight, 16))
