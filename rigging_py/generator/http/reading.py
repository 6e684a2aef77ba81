"""How the text of an answer is taken out of a body: by a JSON path, or by a regular expression."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from rigging_py.generator.http.lookup import described

SECONDS = 0.5
"""How long a regular expression may look at a body: the expression may be bad, and the body hostile."""
_SHOWN = 200


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

    Raises `ValueError` for one that takes too long, and `LookupError` where nothing is found.
    """
    try:
        found: list[Any] = compiled_regex(pattern).findall(body, timeout=SECONDS)
    except TimeoutError:
        raise ValueError(f"{pattern!r} looked at the body for {SECONDS:g} seconds without an end") from None
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
def compiled_regex(pattern: str) -> Any:
    """Raises `ValueError` for what is no expression."""
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
