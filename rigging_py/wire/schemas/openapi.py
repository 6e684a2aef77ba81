"""A rewritten schema in the spelling of OpenAPI 3.0: types in capitals, `nullable` in place of a type of null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rigging_py.parsing.untyped import as_list, as_mapping


def in_openapi(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, which holds no references, in that spelling."""
    out = {key: one for key, one in schema.items() if key != "additionalProperties"}
    branches = [in_openapi(one) for one in as_list(schema.get("anyOf")) if one.get("type") != "null"]
    if len(branches) < len(as_list(schema.get("anyOf"))):
        del out["anyOf"]
        out = {**(branches[0] if len(branches) == 1 else {"anyOf": branches}), **out, "nullable": True}
    elif branches:
        out["anyOf"] = branches
    if "properties" in schema:
        out["properties"] = {name: in_openapi(one) for name, one in as_mapping(schema["properties"]).items()}
    if "items" in schema:
        out["items"] = in_openapi(schema["items"])
    match schema.get("type"):
        case "null":
            # There is no such type; what is always null is told from others by that alone.
            out |= {"type": "STRING", "nullable": True}
        case str(kind):
            out["type"] = kind.upper()
        case _:
            pass
    return out
