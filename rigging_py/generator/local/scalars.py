"""Grammars of numbers between bounds, and of dates, times and the like."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import cast

from rigging_py.generator.local.pieces import Piece, either, literal
from rigging_py.parsing.shape import JsonSchema

_PLACES = 4
"""Digits behind the decimal point."""
_SCALE = 10**_PLACES
_UNBOUNDED = 10**9
"""Where numbers end whose schema sets no bound."""


def scalar(schema: JsonSchema) -> Piece:
    """A boolean or a number, within the bounds of its schema."""
    match schema.get("type"):
        case "boolean":
            return either([literal("true"), literal("false")])
        case "integer":
            return integers(*_bounds(schema, 1))
        case _:
            return decimals(*_bounds(schema, _SCALE))


def integers(low: int, high: int) -> Piece:
    """Every whole number from `low` to `high`, and no other."""
    expressions = [f'"-" {_magnitudes(max(-high, 1), -low)}'] if low < 0 else []
    if high >= 0:
        expressions.append(_magnitudes(max(low, 0), high))
    return Piece(f"({' | '.join(expressions)})", len(str(max(-low, high))) + 1)


def decimals(low: int, high: int) -> Piece:
    """Every number from `low` to `high` ten-thousandths, with at most four digits behind the point."""
    expressions = [f'"-" {_fractions(max(-high, 1), -low)}'] if low < 0 else []
    if high >= 0:
        expressions.append(_fractions(max(low, 0), high))
    return Piece(f"({' | '.join(expressions)})", len(str(max(-low, high) // _SCALE)) + _PLACES + 2)


def _bounds(schema: JsonSchema, scale: int) -> tuple[int, int]:
    """The least and the greatest number that `schema` allows, in units of one `scale`th."""
    low = _limit(schema, "minimum", scale)
    open_low = _limit(schema, "exclusiveMinimum", scale)
    high = _limit(schema, "maximum", scale)
    open_high = _limit(schema, "exclusiveMaximum", scale)
    lows = [ceil(one) for one in (low,) if one is not None] + [floor(one) + 1 for one in (open_low,) if one is not None]
    highs = [floor(one) for one in (high,) if one is not None]
    highs += [ceil(one) - 1 for one in (open_high,) if one is not None]
    far = _UNBOUNDED * scale - 1
    least = max(lows) if lows else min(-far, *(one - far for one in highs), -far)
    most = min(highs) if highs else max(far, *(one + far for one in lows), far)
    return least, max(least, most)


def _limit(schema: JsonSchema, name: str, scale: int) -> Fraction | None:
    value = cast("float | None", schema.get(name))
    return None if value is None else Fraction(str(value)) * scale


def _magnitudes(low: int, high: int) -> str:
    """Whole numbers from `low`, which is not negative, to `high`."""
    parts: list[str] = []
    full: list[int] = []
    for width in range(len(str(low)), len(str(high)) + 1):
        least, most = 10 ** (width - 1) if width > 1 else 0, 10**width - 1
        if width > 1 and low <= least and most <= high:
            full.append(width)
        else:
            parts.append(_digits(str(max(low, least)), str(min(high, most))))
    if full:
        parts.append(f"[1-9] [0-9]{{{full[0] - 1},{full[-1] - 1}}}")
    return f"({' | '.join(parts)})"


def _fractions(low: int, high: int) -> str:
    """Numbers from `low`, which is not negative, to `high` ten-thousandths."""
    (first, from_), (last, to) = divmod(low, _SCALE), divmod(high, _SCALE)
    if first == last:
        return f'"{first}." {_places(from_, to)}' if to else f'"{first}"'
    parts = [f'"{first}." {_places(from_, _SCALE - 1)}'] if from_ else []
    least = first + 1 if from_ else first
    most = last if to == _SCALE - 1 else last - 1
    if least <= most:
        parts.append(f'{_magnitudes(least, most)} ("." [0-9]{{1,{_PLACES}}})?')
    if most < last:
        parts.append(f'"{last}." {_places(0, to)}' if to else f'"{last}"')
    return f"({' | '.join(parts)})"


def _places(low: int, high: int) -> str:
    return _digits(f"{low:0{_PLACES}}", f"{high:0{_PLACES}}")


def _digits(low: str, high: str) -> str:
    """Digits from `low` to `high`, which have the same width."""
    if low[:1] == high[:1]:
        return f"[{low[0]}] {_digits(low[1:], high[1:])}".rstrip() if low else ""
    least, most, rest = int(low[0]), int(high[0]), len(low) - 1
    parts: list[str] = []
    if low[1:].strip("0"):
        parts.append(f"[{least}] {_digits(low[1:], '9' * rest)}")
        least += 1
    if high[1:].strip("9"):
        parts.append(f"[{most}] {_digits('0' * rest, high[1:])}")
        most -= 1
    if least <= most:
        parts.append(f"[{least}-{most}]" + (f" [0-9]{{{rest},{rest}}}" if rest else ""))
    return f"({' | '.join(parts)})"


_DATE = Piece(
    '("19" | "20") [0-9]{2} "-" '
    '(("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ("0" [1-9] | [12] [0-9] | "30" | "31")'
    ' | ("04" | "06" | "09" | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8]))',
    10,
)
_TIME = Piece('([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9]', 8)
_HEX = "[0-9a-f]"
FORMATS: Mapping[str, Piece] = {
    "date": _DATE,
    "time": _TIME,
    "date-time": _DATE + literal("T") + _TIME,
    "duration": Piece('"P" [0-9]{1,3} "DT" [0-9]{1,2} "H" [0-9]{1,2} "M"', 14),
    "uuid": Piece(f'{_HEX}{{8}} "-" {_HEX}{{4}} "-4" {_HEX}{{3}} "-" [89ab] {_HEX}{{3}} "-" {_HEX}{{12}}', 36),
}
"""Texts of a form, by the name that JSON schemas give it."""
