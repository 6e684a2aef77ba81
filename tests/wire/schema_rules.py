"""What each provider says of the schemas that it takes, written down once more to check schemas by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rigging_py.parsing.untyped import as_mapping, as_object

Schema = Mapping[str, Any]

OPENAI_KEYS = {
    *("type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format"),
}
ANTHROPIC_KEYS = {
    *("type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs", "format"),
    *("properties", "required", "additionalProperties", "items", "minItems"),
}
GEMINI_KEYS = {
    *("$defs", "$ref", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems"),
    *("maxItems", "minimum", "maximum", "anyOf", "properties", "additionalProperties", "required"),
}
LLAMA_KEYS = {
    *("type", "title", "description", "enum", "anyOf", "$ref", "$defs", "properties", "required", "items"),
    *("additionalProperties", "prefixItems", "minItems", "maxItems", "minLength", "maxLength", "pattern", "format"),
}
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def parts(schema: Schema) -> list[Schema]:
    inside = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", [])]
    inside += [*schema.get("prefixItems", []), *(schema[key] for key in ("items",) if key in schema)]
    if isinstance(schema.get("additionalProperties"), dict):
        inside.append(schema["additionalProperties"])
    return [schema, *(part for one in inside if as_object(one) is not None for part in parts(as_mapping(one)))]


def is_known(schema: Schema, keys: set[str]) -> None:
    for part in parts(schema):
        assert part.keys() <= keys, part
        if "$ref" in part:
            assert part.keys() == {"$ref"}
            assert part["$ref"].removeprefix("#/$defs/") in schema["$defs"]
        else:
            assert part.keys() & {"type", "anyOf"}, part


def is_openai(schema: Schema) -> None:
    is_known(schema, OPENAI_KEYS)
    assert schema["type"] == "object"
    assert "anyOf" not in schema
    for part in parts(schema):
        assert part.get("format", "uuid") in FORMATS
        assert "(?" not in part.get("pattern", "")
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        if part.get("type") == "array":
            assert isinstance(part["items"], dict)


def is_anthropic(schema: Schema) -> None:
    is_known(schema, ANTHROPIC_KEYS)
    assert schema["type"] == "object"
    for part in parts(schema):
        assert part.get("format", "uri") in {*FORMATS, "uri"}
        assert part.get("minItems", 0) in (0, 1)
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
    ends(schema, schema, frozenset())


def ends(schema: Schema, whole: Schema, inside: frozenset[str]) -> None:
    """Asserts that no definition holds itself."""
    for part in parts({key: one for key, one in schema.items() if key != "$defs"}):
        if "$ref" in part:
            name = part["$ref"].removeprefix("#/$defs/")
            assert name not in inside
            ends(whole["$defs"][name], whole, inside | {name})


def is_gemini(schema: Schema) -> None:
    is_known(schema, GEMINI_KEYS)
    assert schema["type"] == "object"
    for part in parts(schema):
        assert all(isinstance(value, str | int | float) for value in part.get("enum", []))
        assert not any(isinstance(value, bool) for value in part.get("enum", []))
    needed_end(schema, schema, frozenset())


def needed_end(schema: Schema, whole: Schema, inside: frozenset[str]) -> None:
    """Asserts that a definition holds itself in members that may be missing alone."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        assert name not in inside
        needed_end(whole["$defs"][name], whole, inside | {name})
    needed = [one for name, one in schema.get("properties", {}).items() if name in schema.get("required", [])]
    listed = [*schema.get("anyOf", []), *schema.get("prefixItems", []), schema.get("items")]
    for one in [*needed, *listed]:
        if (part := as_object(one)) is not None:
            needed_end(part, whole, inside)


def is_llama(schema: Schema) -> None:
    is_known(schema, LLAMA_KEYS)
    for part in parts(schema):
        assert part.get("format", "uuid") in {"date-time", "time", "date", "uuid"}
        pattern = part.get("pattern", "^$")
        assert (pattern[0], pattern[-1]) == ("^", "$")
        assert "(?" not in pattern


RULES: Mapping[str, Callable[[Schema], None]] = {
    "openai": is_openai,
    "anthropic": is_anthropic,
    "gemini": is_gemini,
    "llama.cpp": is_llama,
}
