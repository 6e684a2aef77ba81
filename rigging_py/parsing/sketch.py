"""What stands between the tags of an example: nothing for plain values, the choices, or the outline of a document."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping

from pydantic_core import to_jsonable_python

from rigging_py.parsing.lenient import branches_of, choices_of, definitions_of
from rigging_py.parsing.shape import JsonSchema

_FORMATS = {
    "date-time": "YYYY-MM-DDTHH:MM:SS",
    "date": "YYYY-MM-DD",
    "time": "HH:MM:SS",
    "duration": "P1DT2H3M",
}


def sketch(schema: JsonSchema, *, as_json: bool = False) -> str:
    """The outline of a value of `schema`: `red|green`, `YYYY-MM-DD`, `{"name": string, "age": integer}`, or nothing."""
    if as_json:
        return _outline(schema, definitions_of(schema), ())
    hints = (
        _FORMATS.get(str(branch.get("format"))) or "|".join(map(str, choices_of(branch)))
        for branch in branches_of(schema)
    )
    return "|".join(hint for hint in hints if hint)


def show_example(value: object) -> str:
    """A value given as an example, as an answer would write it: text as it is, all else in JSON."""
    plain: object = to_jsonable_python(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _outline(schema: JsonSchema, definitions: Mapping[str, JsonSchema], path: tuple[str, ...]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        return name if name in path else _outline(definitions[name], definitions, (*path, name))
    branches = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(branches, list):
        outlines = [_outline(branch, definitions, path) for branch in typing.cast("list[JsonSchema]", branches)]
        return " | ".join(dict.fromkeys(outlines))
    if choices := choices_of(schema):
        return " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    kind = str(schema.get("type", "any"))
    return (
        _document(schema, definitions, path)
        if kind in ("object", "array")
        else _FORMATS.get(str(schema.get("format")), kind)
    )


def _document(schema: JsonSchema, definitions: Mapping[str, JsonSchema], path: tuple[str, ...]) -> str:
    def outline(part: object) -> str:
        return _outline(typing.cast("JsonSchema", part), definitions, path) if isinstance(part, Mapping) else "any"

    if schema.get("type") == "array":
        members = schema.get("prefixItems")
        if isinstance(members, list):
            return f"[{', '.join(outline(member) for member in typing.cast('list[object]', members))}]"
        return f"[{outline(schema.get('items'))}, ...]"
    properties = typing.cast("Mapping[str, object]", schema.get("properties", {}))
    if not properties:
        return f"{{string: {outline(schema.get('additionalProperties'))}, ...}}"
    return f"{{{', '.join(f'{json.dumps(key)}: {outline(part)}' for key, part in properties.items())}}}"
