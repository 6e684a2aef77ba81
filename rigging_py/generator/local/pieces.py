"""Pieces of a GBNF grammar that know how many tokens they can cost. Nothing here knows schemas or tags.

The reference is llama.cpp's `grammars/README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_TOKENS_PER_CHARACTER = 4
"""A byte each, for the longest characters there are in UTF-8."""
_UNWRITTEN = re.compile(r'[\\"\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class Piece:
    """A grammar expression, and the most tokens that a text of it has."""

    expression: str
    most: int

    def __add__(self, other: Piece) -> Piece:
        return Piece(f"{self.expression} {other.expression}", self.most + other.most)


def literal(text: str) -> Piece:
    """Exactly this text."""
    written = _UNWRITTEN.sub(lambda match: f"\\x{ord(match.group()):02X}", text)
    return Piece(f'"{written}"', len(text.encode()))


def either(pieces: Sequence[Piece]) -> Piece:
    """One of these."""
    if len(pieces) == 1:
        return pieces[0]
    return Piece(f"({' | '.join(piece.expression for piece in pieces)})", max(piece.most for piece in pieces))


def series(item: Piece, separator: Piece, least: int, most: int) -> Piece:
    """From `least` to `most` items with separators between."""
    if most == 0:
        return literal("")
    more = f"({separator.expression} {item.expression}){{{max(least - 1, 0)},{most - 1}}}"
    expression = f"({item.expression} {more})" if least else f"({item.expression} {more})?"
    return Piece(expression, most * (item.most + separator.most))


def characters(allowed: str, least: int, most: int) -> Piece:
    """From `least` to `most` characters of a class."""
    return Piece(f"{allowed}{{{least},{most}}}", most * _TOKENS_PER_CHARACTER)
