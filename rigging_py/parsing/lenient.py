"""Reads plain words the way people write them: `1,234` is a number, `Yes, it is` is true, `RED` is the choice `Red`."""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_mapping

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[,_ ]\d{3})+(?:\.\d+)?")
_YES_OR_NO = re.compile(r"(yes|true|no|false)\b", re.IGNORECASE)
_NOTHING = {"", "none", "null", "n/a"}
_PLAIN_TYPES = {"string", "integer", "number", "boolean", "null"}
_LIMITS = {"enum", "const", "pattern", "format"}


def lenient(text: str, schema: JsonSchema) -> object:
    """`text` as validation against `schema` accepts it; unchanged where there is nothing to forgive."""
    branches = (schema,) if "type" in schema else branches_of(schema)
    for branch in branches:
        if branch.get("type") == "string" and not _LIMITS & branch.keys():
            return text
    kinds = {branch.get("type") for branch in branches}
    if kinds & {"integer", "number"} and _GROUPED.fullmatch(text):
        return re.sub("[,_ ]", "", text)
    if kinds <= {"boolean", "null"} and (word := _YES_OR_NO.match(text)):
        return word.group().lower() in ("yes", "true")
    return _choice(text, [choice for branch in branches for choice in choices_of(branch)])


def _choice(text: str, choices: list[object]) -> object:
    bare = text.strip("\"'`. ").casefold()
    exact = [choice for choice in choices if str(choice) == text]
    return next(iter(exact or [choice for choice in choices if str(choice).casefold() == bare]), text)


def says_nothing(text: str) -> bool:
    """Whether `text` stands for None where a value is optional."""
    return text.lower() in _NOTHING


def branches_of(schema: JsonSchema, definitions: Mapping[str, JsonSchema] | None = None) -> list[JsonSchema]:
    """The schemas of which a value has one, references followed: of an optional choice, the choice and null."""
    definitions = definitions_of(schema) if definitions is None else definitions
    if "$ref" in schema:
        return branches_of(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions)
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        parts = typing.cast("list[JsonSchema]", branches)
        return [branch for part in parts for branch in branches_of(part, definitions)]
    return [schema]


def is_plain(schema: JsonSchema) -> bool:
    """Whether a value of `schema` is one word or phrase, not a document."""
    return all(branch.get("type") in _PLAIN_TYPES or choices_of(branch) for branch in branches_of(schema))


def choices_of(schema: JsonSchema) -> list[object]:
    """The values an enumeration allows; empty where any will do."""
    if "const" in schema:
        return [schema["const"]]
    return typing.cast("list[object]", schema.get("enum", []))


def allows_null(schema: JsonSchema) -> bool:
    """Whether no value is a value of `schema`."""
    return any(branch.get("type") == "null" for branch in branches_of(schema))


def definitions_of(schema: JsonSchema) -> Mapping[str, JsonSchema]:
    """The named schemas that `$ref`s in `schema` point to."""
    return as_mapping(schema.get("$defs"))
