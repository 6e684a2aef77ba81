"""Writes random sentences of the grammars that we compile, faster and more spitefully than a model does.

It knows the part of GBNF that they use: one rule of literals, character classes, groups, alternatives and repetitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

Sampler: TypeAlias = Callable[[Random], str]

_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<set>\[(?:[^\]\\]|\\.)*\])|\{(?:(?P<least>\d+),)?(?P<most>\d+)\}|(?P<sign>[()|?]))""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([nrt\"\\\[\]]))")
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}
_CHARACTERS = "".join(map(chr, range(256))) + "\u0131\u2028\u3000\u200b\ufeff中\U0001f600"


@dataclass
class _Reader:
    """A grammar's one rule, and how far it has been read."""

    text: str
    position: int = 0

    def peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.position)

    def take(self) -> re.Match[str]:
        token = self.peek()
        assert token is not None, f"no GBNF at {self.text[self.position : self.position + 40]!r}"
        self.position = token.end()
        return token


def sampler_of(grammar: str) -> Sampler:
    """What writes a random sentence of the grammar. Fails for what llama.cpp would not read."""
    name, _, rule = grammar.partition("::=")
    assert name.strip() == "root"
    reader = _Reader(rule.rstrip())
    sampler = _alternatives(reader)
    assert reader.position == len(reader.text), f"no GBNF at {reader.text[reader.position :][:40]!r}"
    return sampler


def _alternatives(reader: _Reader) -> Sampler:
    branches = [_sequence(reader)]
    while (token := reader.peek()) and token["sign"] == "|":
        reader.take()
        branches.append(_sequence(reader))
    return lambda random: random.choice(branches)(random)


def _sequence(reader: _Reader) -> Sampler:
    parts: list[Sampler] = []
    while (token := reader.peek()) and token["sign"] not in ("|", ")"):
        parts.append(_repeated(reader, _item(reader)))
    return lambda random: "".join(part(random) for part in parts)


def _item(reader: _Reader) -> Sampler:
    token = reader.take()
    if token["literal"] is not None:
        text = _unescaped(token["literal"][1:-1])
        return lambda random: text
    if token["set"] is not None:
        allowed = _members(token["set"][1:-1])
        return lambda random: random.choice(allowed)
    assert token["sign"] == "("
    inside = _alternatives(reader)
    assert reader.take()["sign"] == ")"
    return inside


def _repeated(reader: _Reader, item: Sampler) -> Sampler:
    token = reader.peek()
    if token is None or not (token["most"] or token["sign"] == "?"):
        return item
    reader.take()
    least, most = (0, 1) if token["sign"] else (int(token["least"] or token["most"]), int(token["most"]))
    # The ends are where the faults are.
    return lambda random: "".join(
        item(random) for _ in range(random.choice([least, most, random.randint(least, most)]))
    )


def _unescaped(text: str) -> str:
    assert "\\" not in _ESCAPE.sub("", text), f"an escape that llama.cpp does not know in {text!r}"
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    character = chr(int(digits, 16)) if digits else _NAMED.get(match[4], match[4])
    assert not "\ud800" <= character <= "\udfff", f"half a character in {match[0]}"
    return character


def _members(text: str) -> str:
    negated = text.startswith("^")
    ranges = re.findall(r"(\\x..|\\u....|\\.|[^\\])(?:-(\\x..|\\u....|\\.|[^\\]))?", text.removeprefix("^"), re.DOTALL)
    spans = [(_unescaped(low), _unescaped(high or low)) for low, high in ranges]
    members = [one for one in _CHARACTERS if any(low <= one <= high for low, high in spans) != negated]
    assert members
    return "".join(members)
