"""Reads values of given types out of text: `parse`, `parse_set`, `parse_many`, and the `try_` forms that do not raise.

A type is a `Model`, or any other that a prompt may return. Every result comes with the slice of the text it stands in.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast, overload

from pydantic import ValidationError

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.parsing.codec import ItemCodec, all_valid, codec_of, first_valid

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")

PARSE_ERRORS = (MissingModelError, UnparsedError, ValidationError)
"""What can be wrong with a text; anything else that a reader raises is a fault in the program."""


def parse(text: str, model_type: type[T]) -> tuple[T, slice]:
    """The first value of `model_type` in `text`, and where it stands.

    Raises `MissingModelError` when there is none, `UnparsedError` or pydantic's `ValidationError` when it is not valid.
    """
    codec = codec_of(model_type)
    if hasattr(codec, "candidates"):
        return first_valid(cast("ItemCodec[T]", codec), text)
    return codec.read(text), slice(0, len(text))


def try_parse(text: str, model_type: type[T]) -> tuple[T, slice] | None:
    """As `parse`, with None where that raises."""
    try:
        return parse(text, model_type)
    except PARSE_ERRORS:
        return None


def parse_set(text: str, model_type: type[T], *, minimum: int | None = None) -> list[tuple[T, slice]]:
    """Every value of `model_type` in `text`, in order.

    Raises `MissingModelError` for fewer than `minimum` (default 1), and as `parse` for the first invalid one.
    """
    codec = codec_of(model_type)
    if not hasattr(codec, "candidates"):
        raise PromptDefinitionError(f"{model_type!r} is several elements already; name the type of one item.")
    found = all_valid(cast("ItemCodec[T]", codec).candidates(text))
    needed = 1 if minimum is None else minimum
    if len(found) < needed:
        tag = codec.shape[0].tag
        raise MissingModelError(
            tag, f"There are {len(found)} {tag!r} elements in the text; at least {needed} are needed."
        )
    return found


def try_parse_set(
    text: str, model_type: type[T], *, minimum: int | None = None, fail_on_missing: bool = False
) -> list[tuple[T, slice]]:
    """As `parse_set`, with an empty list where that raises; `fail_on_missing` still raises for too few."""
    try:
        return parse_set(text, model_type, minimum=minimum)
    except PARSE_ERRORS as error:
        if fail_on_missing and isinstance(error, MissingModelError):
            raise
        return []


@overload
def parse_many(text: str, a: type[A], /) -> list[tuple[A, slice]]: ...
@overload
def parse_many(text: str, a: type[A], b: type[B], /) -> list[tuple[A | B, slice]]: ...
@overload
def parse_many(text: str, a: type[A], b: type[B], c: type[C], /) -> list[tuple[A | B | C, slice]]: ...
@overload
def parse_many(text: str, a: type[A], b: type[B], c: type[C], d: type[D], /) -> list[tuple[A | B | C | D, slice]]: ...
@overload
def parse_many(text: str, *types: type[T]) -> list[tuple[T, slice]]: ...
def parse_many(text: str, *types: type[Any]) -> list[tuple[Any, slice]]:
    """Every value of each type, in the order they stand in the text. Raises as `parse_set` for the first that fails."""
    return sorted((found for one in types for found in _every(text, one)), key=_start)


@overload
def try_parse_many(text: str, a: type[A], /, *, fail_on_missing: bool = ...) -> list[tuple[A, slice]]: ...
@overload
def try_parse_many(
    text: str, a: type[A], b: type[B], /, *, fail_on_missing: bool = ...
) -> list[tuple[A | B, slice]]: ...
@overload
def try_parse_many(
    text: str, a: type[A], b: type[B], c: type[C], /, *, fail_on_missing: bool = ...
) -> list[tuple[A | B | C, slice]]: ...
@overload
def try_parse_many(
    text: str, a: type[A], b: type[B], c: type[C], d: type[D], /, *, fail_on_missing: bool = ...
) -> list[tuple[A | B | C | D, slice]]: ...
@overload
def try_parse_many(text: str, *types: type[T], fail_on_missing: bool = ...) -> list[tuple[T, slice]]: ...
def try_parse_many(text: str, *types: type[Any], fail_on_missing: bool = False) -> list[tuple[Any, slice]]:
    """As `parse_many`, without the types that fail; `fail_on_missing` still raises for the missing."""
    found: list[tuple[Any, slice]] = []
    for one in types:
        try:
            found += _every(text, one)
        except PARSE_ERRORS as error:
            if fail_on_missing and isinstance(error, MissingModelError):
                raise
    return sorted(found, key=_start)


def _every(text: str, kind: type[T]) -> list[tuple[T, slice]]:
    """Every value of a type; of one that is several elements already, the one there is."""
    return parse_set(text, kind) if hasattr(codec_of(kind), "candidates") else [parse(text, kind)]


def _start(found: tuple[Any, slice]) -> int:
    return int(found[1].start)
