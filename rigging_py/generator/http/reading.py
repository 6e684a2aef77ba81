"""How the text of an answer is taken out of a body: by a JSON path, or by a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

from pydantic_core import from_json

from rigging_py.generator.http.lookup import described

TEXT_LIMIT = 1_000_000
"""The longest body, in characters, that regular expressions look at."""
_SHOWN = 200
_MANY = 10
"""Times from which a repeat counts as one without end."""


def by_path(path: str, body: str) -> str:
    """What the path finds: one match as it is, several as a JSON list; what is no text as JSON.

    Raises `ValueError` for a body that is no JSON, and `LookupError` where nothing is found.
    """
    try:
        document = from_json(body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON ({error}); it begins {body[:_SHOWN]!r}") from None
    found = matches(path, document)
    if not found:
        raise LookupError(f"{path!r} finds nothing in the body, which holds {described(document)}")
    return as_text(found[0] if len(found) == 1 else found)


def matches(path: str, document: object) -> list[Any]:
    """Everything in the document that the path finds."""
    return [match.value for match in compiled_path(path).find(document)]


def by_regex(pattern: str, body: str) -> str:
    """What the expression finds: one match as it is, several as a JSON list.

    Raises `ValueError` for too long a body, and `LookupError` where nothing is found.
    """
    if len(body) > TEXT_LIMIT:
        raise ValueError(f"the body has {len(body):,} characters and expressions look at {TEXT_LIMIT:,}")
    found = compiled_regex(pattern).findall(body)
    if not found:
        raise LookupError(f"{pattern!r} finds nothing in the body, which begins {body[:_SHOWN]!r}")
    return as_text(found[0] if len(found) == 1 else found)


def as_text(value: Any) -> str:
    """A text as it is, and anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@lru_cache(maxsize=256)
def compiled_path(path: str) -> Any:
    """Raises `ValueError` for what is no JSON path, and for one that may take for ever."""
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.parser import parse

    try:
        compiled = parse(path)
        descents = _descents(compiled)
    except (JSONPathError, RecursionError) as error:
        raise ValueError(f"{path[:_SHOWN]!r} is no JSON path: {error}") from None
    if descents > 1:
        raise ValueError(
            f"{path!r} says .. more than once, which looks below everything that is below everything. "
            "Write out the way between"
        )
    return compiled


def _descents(path: Any) -> int:
    """How often a path looks at everything below."""
    sides = [getattr(path, side, None) for side in ("left", "right")]
    return (type(path).__name__ == "Descendants") + sum(_descents(side) for side in sides if side is not None)


@lru_cache(maxsize=256)
def compiled_regex(pattern: str) -> re.Pattern[str]:
    """Raises `ValueError` for what is no expression, and for one that may take for ever."""
    try:
        compiled = re.compile(pattern)
        tree = import_module("re._parser").parse(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if _repeats_repeats(tree):
        raise ValueError(
            f"{pattern!r} repeats without end what repeats without end, which can take for ever on a text that does "
            "not match. Make the inner one possessive (a++ or a*+), or put it into (?>…)"
        )
    return compiled


def _repeats_repeats(tree: Iterable[Any], *, within: bool = False) -> bool:
    """Whether a repeat that can be given back stands within another."""
    for code, argument in tree:
        name = str(code)
        least, most = argument[:2] if name in ("MAX_REPEAT", "MIN_REPEAT") else (1, 1)
        is_without_end = str(most) == "MAXREPEAT" or int(most) > _MANY
        if within and least != most and (is_without_end or int(most) > 1):
            return True
        # What an atomic group has matched is not given back, whatever stands around it.
        is_inside = (within or is_without_end) and name not in ("ATOMIC_GROUP", "POSSESSIVE_REPEAT")
        if any(_repeats_repeats(part, within=is_inside) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterable[Iterable[Any]]:
    """The expressions within a piece of one."""
    if type(argument).__name__ == "SubPattern":
        yield argument
    elif isinstance(argument, list | tuple):
        for one in cast("list[Any]", argument):
            yield from _parts(one)
