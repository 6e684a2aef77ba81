"""JSON texts that are read and written again without a digit of a number being lost."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, cast


@dataclass(frozen=True, slots=True)
class Number:
    """A number with a point or an exponent, as it was written."""

    text: str


class JsonText(NamedTuple):
    """What stands in a JSON text."""

    value: Any

    @classmethod
    def read(cls, text: str, *, exact: bool = False) -> Self | None:
        """What the text says, None for one that is no JSON; `exact` leaves numbers as they were written."""
        try:
            return cls((_EXACT if exact else _READ).decode(text))
        except (ValueError, RecursionError):
            return None


def written(value: Any) -> str:
    """The JSON text of what was read exactly."""
    try:
        text = _PLAIN.encode(value)
    except TypeError:
        text = _laid_out(value)  # there is a number with a point in it
    # Half of a surrogate pair can only be escaped.
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _laid_out(value: Any) -> str:
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return "{" + ", ".join(f"{_PLAIN.encode(name)}: {_laid_out(one)}" for name, one in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_laid_out, cast("list[Any]", value))) + "]"
    return _PLAIN.encode(value)


_PLAIN = json.JSONEncoder(ensure_ascii=False)
_HALF = re.compile("[\ud800-\udfff]")


def is_type(kind: str, value: object) -> bool:
    """Whether a value is of the type that JSON schemas name `kind`."""
    return isinstance(value, _TYPES.get(kind, ())) and (kind == "boolean" or not isinstance(value, bool))


_NUMBER = (int, float, Number)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": _NUMBER,
    "number": _NUMBER,
    "boolean": bool,
    "null": type(None),
}


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_READ = json.JSONDecoder(parse_constant=_no_number)
_EXACT = json.JSONDecoder(parse_float=cast("Any", Number), parse_constant=_no_number)
