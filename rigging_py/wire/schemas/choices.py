"""Choices on their way to a dialect: of values, of schemas, and of types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list
from rigging_py.wire.schemas.forms import SAME, Branch, Either, Form
from rigging_py.wire.schemas.keywords import OF_TYPE, TYPES, type_of
from rigging_py.wire.schemas.place import Place, shown

if TYPE_CHECKING:
    from rigging_py.wire.schemas.writer import Writer


def fixed(writer: Writer, schema: JsonSchema, place: Place) -> tuple[dict[str, Any], Form]:
    """One of several values, which stand together by their type."""
    values = [schema["const"]] if "const" in schema else as_list(schema.get("enum"))
    kinds = schema.get("type")
    allowed = as_list(kinds) or ([kinds] if kinds else TYPES)
    groups: dict[str, list[Any]] = {}
    for value in values:
        kind = type_of(value)
        if kind in allowed or (kind == "integer" and "number" in allowed):
            groups.setdefault(kind, []).append(value)
    if not groups or not groups.keys().isdisjoint(("object", "array")):
        bare = {key: one for key, one in schema.items() if key not in ("enum", "const")}
        writer.tell(place.path, "drops its choices", "they are no plain values", "checked")
        return writer.part(bare, place)
    parts = [_group(writer, kind, group, place) for kind, group in groups.items()]
    out = parts[0] if len(parts) == 1 else {"anyOf": parts}
    return writer.finished(schema, dict(out), place), SAME


def _group(writer: Writer, kind: str, values: list[Any], place: Place) -> dict[str, Any]:
    if kind == "null" or kind in writer.dialect.enums:
        return {"type": kind} if kind == "null" else {"type": kind, "enum": values}
    if kind != "boolean" or len(values) < 2:
        writer.tell(place.path, f"drops its choices of type {kind}", "only others can be listed", "checked")
    return {"type": kind, "description": f"One of {', '.join(map(shown, values))}"}


def either(writer: Writer, schema: JsonSchema, place: Place) -> tuple[dict[str, Any], Form]:
    key = "anyOf" if "anyOf" in schema else "oneOf"
    if key == "oneOf":
        writer.tell(place.path, "oneOf is anyOf", "only that is taken", "checked")
    parts = [writer.part(one, place.into(key, index)) for index, one in enumerate(as_list(schema.get(key)))]
    if not parts:
        return writer.anything(schema, place, "it has no alternatives")
    return _joined(writer, schema, parts, key, place)


def of_kinds(writer: Writer, schema: JsonSchema, kinds: Sequence[str], place: Place) -> tuple[dict[str, Any], Form]:
    """A part that may be of several types, each with what is said of it."""
    alone = {
        kind: {"type": kind, **{key: schema[key] for key in OF_TYPE.get(kind, ()) if key in schema}} for kind in kinds
    }
    parts = [writer.part(one, replace(place, level=place.level + 1)) for one in alone.values()]
    if not parts:
        return writer.anything(schema, place, "it has no type")
    said = {key: one for key, one in schema.items() if not any(key in OF_TYPE.get(kind, ()) for kind in kinds)}
    return _joined(writer, said, parts, "type", place)


def _joined(
    writer: Writer, schema: JsonSchema, parts: Sequence[tuple[dict[str, Any], Form]], key: str, place: Place
) -> tuple[dict[str, Any], Form]:
    kept = {name: one for name, one in schema.items() if name != key}
    if len(parts) == 1:
        [(part, form)] = parts
        return writer.finished(kept, dict(part), place), form
    out = writer.finished(kept, {"anyOf": [part for part, _ in parts]}, place)
    if all(form is SAME for _, form in parts):
        return out, SAME
    either = Either(tuple(Branch(part, form) for part, form in parts), writer.definitions)
    writer.choices.append((place.path, either))
    return out, either
