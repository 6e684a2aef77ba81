"""`$name.field.0` in JSON patterns: text that stands for a value of the context, which takes its place as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def filled(pattern: Any, names: Mapping[str, Any]) -> Any:
    """The pattern with every text that begins with `$` replaced by what it names; `$$` stands for a `$`.

    Raises `LookupError` saying what there is instead.
    """
    if isinstance(pattern, str):
        return _value(pattern, names) if pattern.startswith("$") else pattern
    if isinstance(pattern, dict):
        return {key: filled(value, names) for key, value in cast("dict[str, Any]", pattern).items()}
    if isinstance(pattern, list):
        return [filled(value, names) for value in cast("list[Any]", pattern)]
    return pattern


def _value(text: str, names: Mapping[str, Any]) -> Any:
    if text.startswith("$$"):
        return text[1:]
    value: Any = names
    place = ""
    for step in text[1:].split("."):
        try:
            value = cast("list[Any]", value)[int(step)] if isinstance(value, list) else value[step]
        except (LookupError, TypeError, ValueError):
            where = f"{place} holds" if place else "there is"
            raise LookupError(
                f"{text!r} names nothing: {where} {described(value)}. A text that begins with a dollar is written $$"
            ) from None
        place = f"{place}.{step}" if place else f"${step}"
    return value


def described(value: Any) -> str:
    """What a value has to be looked into, without what it says."""
    if isinstance(value, Mapping):
        keys = [str(key) for key in cast("Mapping[Any, Any]", value)]
        return f"{', '.join(keys[:20])}{', …' if len(keys) > 20 else ''}" if keys else "nothing"
    if isinstance(value, list):
        return f"a list of {len(cast('list[Any]', value))}"
    return {"str": "text", "NoneType": "null"}.get(type(value).__name__, f"one {type(value).__name__}")
