"""Where in a text what somebody names is: a text, a range, a pattern, all of it, or the values of a model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeGuard

import rigging_py.parsing as parsing
from rigging_py.error import MessageWarning
from rigging_py.parsing.codec import is_tagged

if TYPE_CHECKING:
    # At run time it costs more than all the rest, and most programs' messages hold none.
    from rigging_py.model import Model

Target: TypeAlias = "str | tuple[int, int] | Literal[-1] | re.Pattern[str] | type[Model]"
"""What can be marked; `"*"` and -1 are the whole text."""


def is_model(value: object) -> TypeGuard[Model]:
    """Whether a value is a `Model`."""
    return is_tagged(type(value))


class Match(NamedTuple):
    """A range that is meant, and the model that was read there."""

    start: int
    stop: int
    obj: Model | None = None


def matches(text: str, target: Target, *, case_sensitive: bool) -> list[Match]:
    """Every place that `target` names, in order. What names no text warns."""
    if isinstance(target, type):
        return [Match(place.start, place.stop, value) for value, place in parsing.try_parse_set(text, target)]
    if target == "":
        return _nothing("An empty text marks nothing.")
    if isinstance(target, str | re.Pattern) and target != "*":
        return list(_found(text, target, case_sensitive=case_sensitive))
    start, stop = target if isinstance(target, tuple) else (0, len(text))
    if not 0 <= start < stop <= len(text):
        return _nothing(f"There is no text from {start} to {stop}; the message has {len(text)} characters.")
    return [Match(start, stop)]


def _found(text: str, target: str | re.Pattern[str], *, case_sensitive: bool) -> Iterator[Match]:
    source, flags = (re.escape(target), 0) if isinstance(target, str) else (target.pattern, target.flags)
    pattern = re.compile(source, flags if case_sensitive else flags | re.IGNORECASE)
    yield from (Match(*found.span()) for found in pattern.finditer(text) if found.group())


def _nothing(problem: str) -> list[Match]:
    warnings.warn(f"{problem} Nothing was marked.", MessageWarning, stacklevel=4)
    return []
