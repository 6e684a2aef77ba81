"""`rewritten`: a JSON schema as a provider takes it, what was changed about it, and the way back for values of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from pydantic_core import from_json, to_json

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_object
from rigging_py.wire.schemas.changes import Change
from rigging_py.wire.schemas.dialect import Dialect
from rigging_py.wire.schemas.exact import JsonText, written
from rigging_py.wire.schemas.forms import SAME, Form, Forms
from rigging_py.wire.schemas.writer import write

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class RewrittenSchema:
    """A schema as it is sent.

    Attributes:
        dialect: the name of what it was rewritten to.
        schema: what is sent.
        is_strict: whether the provider can be asked to hold to it, where that is an option of its own.
        changes: what was changed, each told with its place in the schema that was given.
        restores: whether values must be restored; otherwise they are in the form that was meant.
    """

    dialect: str
    schema: JsonSchema
    is_strict: bool
    changes: tuple[Change, ...]
    restores: bool
    form: Form
    forms: Forms

    def restore(self, value: Any) -> Any:
        """The provider's value in the form that was meant; what has another form than was asked for stays as it is."""
        return self.form.restore(value, self.forms) if self.restores else value

    def restore_text(self, text: str) -> str:
        """The same for a JSON text. What is no JSON stays as it is, and so do the digits of every number."""
        read = JsonText.read(text, exact=True) if self.restores else None
        try:
            return text if read is None else written(self.restore(read.value))
        except RecursionError:
            return text  # it holds itself too often, and is refused for that or for its form

    def __str__(self) -> str:
        return "\n".join(map(str, self.changes)) or "Nothing is rewritten."


def rewritten(schema: JsonSchema, dialect: Dialect) -> RewrittenSchema:
    """`schema` rewritten to `dialect`; worked out once for each schema, which must not change afterwards."""
    if dialect.is_plain:
        return RewrittenSchema(dialect.name, schema, False, (), False, SAME, {})
    return _of_object(Same(schema), dialect)


class Same(Generic[T]):
    """A value that is equal to itself alone, which costs less to find than one that is equal to its likes."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is cast("Same[Any]", other).value


@lru_cache(maxsize=1024)
def _of_object(same: Same[JsonSchema], dialect: Dialect) -> RewrittenSchema:
    try:
        text = to_json(same.value)
        from_json(text)
    except ValueError as error:
        return _whole(same.value, dialect, Change("", "the whole schema is sent as it is", str(error), "unenforced"))
    return _of_text(text, dialect)


@lru_cache(maxsize=1024)
def _of_text(text: bytes, dialect: Dialect) -> RewrittenSchema:
    schema: Mapping[str, Any] = as_object(from_json(text)) or {}
    found = write(schema, dialect)
    if found.unwritable is not None:
        return _whole(schema, dialect, found.unwritable)
    sent, form, forms = found.schema, found.form, found.forms
    if problem := dialect.limit(sent):
        return _whole(schema, dialect, Change("", "the whole schema is sent as it is", problem, "unenforced"))
    restores = form.changes(forms, frozenset())
    return _told(RewrittenSchema(dialect.name, sent, dialect.strict, found.changes, restores, form, forms))


def _whole(schema: JsonSchema, dialect: Dialect, change: Change) -> RewrittenSchema:
    return _told(RewrittenSchema(dialect.name, schema, False, (change,), False, SAME, {}))


def _told(schema: RewrittenSchema) -> RewrittenSchema:
    """Logs what was changed, once, for it is worked out once."""
    # Who has not loaded it is not listening.
    if schema.changes and "loguru" in sys.modules:
        logger = import_module("rigging_py.logging").logger
        logger.debug("A schema for {}:\n{}", schema.dialect, schema)
    return schema
