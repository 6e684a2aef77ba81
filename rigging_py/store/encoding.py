"""Checkpoints as bytes: JSON, of a limited size, with secrets taken out before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from pydantic_core import from_json, to_json, to_jsonable_python

from rigging_py.error import PayloadTooLargeError, StateFormatError, StoreError
from rigging_py.store.base import DEFAULT_MAX_BYTES, Checkpoint, Redact, require_name

_MASK = "***"
_DEPTH = 3  # arguments of a tool call are JSON in a string, and may hold such a string themselves


@dataclass(frozen=True, slots=True)
class Encoded:
    """A checkpoint as it is written. `tail` is None when nothing was appended."""

    status: str
    head: bytes
    tail: bytes | None


@dataclass(frozen=True, slots=True)
class Encoder:
    """Writes checkpoints as JSON of at most `max_bytes`, every string of it, keys included, as `redact` gives it."""

    max_bytes: int = DEFAULT_MAX_BYTES
    redact: Redact | None = None

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes is a positive number; not {self.max_bytes!r}.")

    def encode(self, run_id: str, checkpoint: Checkpoint, secrets: Collection[str]) -> Encoded:
        """Raises `PayloadTooLargeError`, and `StoreError` for what is no JSON."""
        status, clean = require_name("status", checkpoint.status), self._cleaner(secrets)
        tail = {name: list(items) for name, items in checkpoint.tail.items()}
        head, items = (_to_json(run_id, value) for value in (dict(checkpoint.head), tail))
        if self.redact is not None or _are_in(secrets, head) or _are_in(secrets, items):
            head, items = _cleaned(head, clean), _cleaned(items, clean)
        size = len(head) + len(items)
        if size > self.max_bytes:
            raise PayloadTooLargeError(run_id, size, self.max_bytes)
        return Encoded(status, head, items if tail else None)

    def _cleaner(self, secrets: Collection[str]) -> Redact | None:
        if isinstance(secrets, str):
            raise TypeError("`secrets` is a collection of strings, and a single string was given.")
        steps: list[Redact] = [self.redact] if self.redact else []
        if given := frozenset(filter(None, secrets)):
            steps.append(lambda text: _spelled(given).sub(_MASK, text))
        return (lambda text: _through(steps, text)) if steps else None


def _are_in(secrets: Collection[str], data: bytes) -> bool:
    """Whether one of them may stand in the JSON, spelled as strings in it are; most checkpoints hold none."""
    given = frozenset(filter(None, secrets))
    return bool(given) and _spelled(given, _DEPTH + 1).search(data.decode()) is not None


def _through(steps: Iterable[Callable[[str], str]], text: str) -> str:
    for step in steps:
        text = step(text)
    return text


def _to_json(run_id: str, value: object) -> bytes:
    try:
        try:
            return to_json(value)
        except ValueError:
            # A lone surrogate is no UTF-8; written as an escape it is JSON, and comes back as it was.
            return json.dumps(value, separators=(",", ":"), default=to_jsonable_python).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreError(f"The checkpoint of the run {run_id!r} cannot be written as JSON: {error}") from error


def _cleaned(data: bytes, clean: Redact | None) -> bytes:
    return data if clean is None else _to_json("", _with_strings(_from_json(data), clean))


def _with_strings(value: Any, clean: Redact) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _with_strings(item, clean) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_with_strings(item, clean) for item in cast("list[Any]", value)]
    return value


@lru_cache(maxsize=32)
def _spelled(secrets: frozenset[str], depth: int = _DEPTH) -> re.Pattern[str]:
    """Finds each of the secrets, as it is and as JSON inside of strings spells it; the longest first."""
    spellings = latest = set(secrets)
    for _ in range(depth):
        latest = {json.dumps(one, ensure_ascii=is_ascii)[1:-1] for one in latest for is_ascii in (True, False)}
        spellings = spellings | latest
    return re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True))))


def decode_head(run_id: str, data: object) -> dict[str, Any]:
    """The head of a run. Raises `StateFormatError`."""
    return _decoded(run_id, "head", data)


def decode_tails(run_id: str, tails: Iterable[object]) -> dict[str, list[Any]]:
    """The lists of a run, put together from its tails in order. Raises `StateFormatError`."""
    lists: dict[str, list[Any]] = {}
    for tail in tails:
        for name, items in _decoded(run_id, "tail", tail).items():
            if not isinstance(items, list):
                raise _damaged(run_id, "tail", f"{name!r} is no list")
            lists.setdefault(name, []).extend(cast("list[Any]", items))
    return lists


def _decoded(run_id: str, part: str, data: object) -> dict[str, Any]:
    if not isinstance(data, bytes | str):
        raise _damaged(run_id, part, f"it is a {type(data).__name__}")
    try:
        value = _from_json(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(run_id, part, str(error)) from error
    if not isinstance(value, dict):
        raise _damaged(run_id, part, "it is no object")
    return cast("dict[str, Any]", value)


def _from_json(data: bytes | str) -> Any:
    try:
        return from_json(data)
    except ValueError:  # it knows no lone surrogates, and nests less deeply than `to_json`
        return json.loads(data)


def _damaged(run_id: str, part: str, problem: str) -> StateFormatError:
    return StateFormatError(
        f"The stored {part} of the run {run_id!r} is damaged: {problem}. "
        "Restore the store from a backup, or delete the run."
    )
