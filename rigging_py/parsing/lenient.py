"""Reads plain words the way people write them: `1,234` is a number, `Yes, it is` is true, `RED` is the choice `Red`."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping

from rigging_py.parsing.shape import JsonSchema

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[,_ ]\d{3})+(?:\.\d+)?")
_YES_OR_NO = re.compile(r"(yes|true|no|false)\b", re.IGNORECASE)


def lenient(text: str, schema: JsonSchema) -> object:
    """`text` as validation against `schema` accepts it; unchanged where there is nothing to forgive."""
    kinds = _kinds(schema)
    if kinds & {"integer", "number"} and _GROUPED.fullmatch(text):
        return re.sub("[,_ ]", "", text)
    if kinds == {"boolean"} and (word := _YES_OR_NO.match(text)):
        return word.group().lower() in ("yes", "true")
    bare = text.strip("\"'`. ").casefold()
    choices = choices_of(schema)
    exact = [choice for choice in choices if str(choice) == text]
    return next(iter(exact or [choice for choice in choices if str(choice).casefold() == bare]), text)


def _kinds(schema: JsonSchema) -> set[object]:
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        return {kind for branch in typing.cast("list[JsonSchema]", branches) for kind in _kinds(branch)}
    return {schema.get("type")}


def choices_of(schema: JsonSchema) -> list[object]:
    """The values an enumeration allows; empty where any will do."""
    if "const" in schema:
        return [schema["const"]]
    return typing.cast("list[object]", schema.get("enum", []))


def allows_null(schema: JsonSchema) -> bool:
    """Whether no value is a value of `schema`."""
    return "null" in _kinds(schema)


def definitions_of(schema: JsonSchema) -> Mapping[str, JsonSchema]:
    """The named schemas that `$ref`s in `schema` point to."""
    return typing.cast("Mapping[str, JsonSchema]", schema.get("$defs", {}))
