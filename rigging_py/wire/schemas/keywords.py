"""The keywords of JSON Schema: which are the structure, which limit values, and of which type each is."""

from __future__ import annotations

from collections.abc import Mapping

TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")

_NUMERIC = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
OF_TYPE: Mapping[str, frozenset[str]] = {
    "object": frozenset(
        {
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "unevaluatedProperties",
            "propertyOrdering",
        }
    ),
    "array": frozenset(
        {
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "minContains",
            "maxContains",
            "additionalItems",
            "unevaluatedItems",
        }
    ),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": _NUMERIC | {"format"},
    "number": _NUMERIC | {"format"},
    "boolean": frozenset(),
    "null": frozenset(),
}
"""The keywords that say something of a value of each type."""

ANY_TYPE = frozenset({"not", "if", "then", "else", "anyOf", "oneOf", "allOf", "enum", "const"})
LIMITS = (frozenset[str]().union(*OF_TYPE.values()) | ANY_TYPE) - {"format", "propertyOrdering"}
"""The keywords that a valid value depends on. `format` is a remark where no type of Python's stands behind it."""

STRUCTURE = frozenset({"type", "$ref", "$defs", "definitions", "enum", "const"})
"""The keywords that are always written anew."""


def type_of(value: object) -> str:
    """The JSON type of a value."""
    if isinstance(value, bool):
        return "boolean"
    kinds: dict[type, str] = {str: "string", int: "integer", float: "number", dict: "object", list: "array"}
    return kinds.get(type(value), "null")
