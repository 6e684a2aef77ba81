"""Objects and lists on their way to a dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping
from rigging_py.wire.schemas.forms import SAME, Form, Items, Members, Pairs, Places
from rigging_py.wire.schemas.keywords import OF_TYPE
from rigging_py.wire.schemas.place import Place

if TYPE_CHECKING:
    from rigging_py.wire.schemas.writer import Writer


def typed(writer: Writer, schema: JsonSchema, kind: str, place: Place) -> tuple[dict[str, Any], Form]:
    match kind:
        case "object":
            return _object(writer, schema, place)
        case "array":
            return _array(writer, schema, place)
        case _:
            return writer.finished(schema, {"type": kind}, place), SAME


def _object(writer: Writer, schema: JsonSchema, place: Place) -> tuple[dict[str, Any], Form]:
    members = as_mapping(schema.get("properties"))
    rest, keys = writer.source.free_members(schema)
    if writer.dialect.closes and schema.get("additionalProperties") is not False and _named_beside(schema) - {*members}:
        return writer.anything(schema, place, "its alternatives name members of their own")
    if writer.dialect.closes and rest is not None and not members:
        return _map(writer, schema, rest, keys, place)
    if writer.dialect.closes and (rest is not None or "patternProperties" in schema):
        return writer.anything(schema, place, "it has named members and free ones")
    if writer.dialect.closes and "properties" not in schema and schema.get("additionalProperties") is not False:
        return writer.anything(schema, place, "it says nothing of its members")
    return _members(writer, schema, members, rest, place)


def _named_beside(schema: JsonSchema) -> set[str]:
    """The members that are named where an object is limited further; `$ref` for those that are named elsewhere."""
    listed = [one for key in ("anyOf", "oneOf") for one in as_list(schema.get(key))]
    parts = [*listed, schema.get("then"), schema.get("else"), *as_mapping(schema.get("dependentSchemas")).values()]
    limits = [as_mapping(part) for part in parts]
    return {name for one in limits for name in (*as_mapping(one.get("properties")), *({"$ref"} & one.keys()))}


def _members(
    writer: Writer, schema: JsonSchema, members: Mapping[str, Any], rest: object, place: Place
) -> tuple[dict[str, Any], Form]:
    required = [str(name) for name in as_list(schema.get("required"))]
    written: dict[str, Any] = {}
    forms: dict[str, Form] = {}
    absent: set[str] = set()
    for name, part in members.items():
        is_optional = name not in required
        inside = place.into("properties", name, is_optional=is_optional)
        written[name], form = writer.part(part, inside)
        if form is not SAME:
            forms[name] = form
        if is_optional and writer.dialect.needs_all and _may_be_null(writer, written, name, part, inside):
            absent.add(name)
    out: dict[str, Any] = {"type": "object", "properties": written}
    if writer.dialect.closes:
        out = closed(written, None if writer.dialect.needs_all else required)
        if schema.get("additionalProperties") is not False:
            writer.tell(place.path, "is closed", "no object may have other members", "closed")
        return writer.finished(schema, out, place), _members_form(forms, absent, SAME)
    if not members:
        del out["properties"]
    if required:
        out["required"] = required
    more, form = _others(writer, schema, rest, place)
    return writer.finished(schema, out | more, place), _members_form(forms, absent, form)


def _others(writer: Writer, schema: JsonSchema, rest: object, place: Place) -> tuple[dict[str, Any], Form]:
    """What is said of members without a name, where that may be said."""
    if rest is None or isinstance(rest, bool) or rest == {}:
        said = schema.get("additionalProperties")
        return ({"additionalProperties": bool(rest if rest is not None else said)} if said is not None else {}), SAME
    written, form = writer.part(rest, place.into("additionalProperties", is_optional=True))
    return {"additionalProperties": written}, form


def _may_be_null(writer: Writer, written: dict[str, Any], name: str, part: object, place: Place) -> bool:
    """Lets a member be null where it may be missing. Whether null stands for nothing there."""
    if writer.source.only_value(part) == [as_mapping(part).get("default")]:
        writer.tell(place.path, "is always there", "every member is required; it has one value alone", "said")
        return False
    if not writer.source.takes_null(part):
        written[name] = _or_null(written[name])
        writer.tell(place.path, "is null where it is missing", "every member is required", "restored")
        return True
    if "default" in as_mapping(part):
        writer.tell(place.path, "is always there", "every member is required; its default can be given", "said")
    else:
        writer.cannot(place, "null means something there, so nothing could say that it is missing")
    return False


def _map(
    writer: Writer, schema: JsonSchema, rest: object, keys: JsonSchema, place: Place
) -> tuple[dict[str, Any], Form]:
    """Free members as a list of pairs."""
    key, _ = writer.part({"type": "string", **keys}, place.into("propertyNames"))
    value, form = writer.part(rest, place.into("additionalProperties"))
    writer.tell(place.path, "is a list of keys and values", "objects have no free members", "restored")
    pair = closed({"key": key, "value": value})
    kept = {name: one for name, one in schema.items() if name not in ("patternProperties", "propertyNames")}
    return writer.finished(kept, {"type": "array", "items": pair}, place), Pairs(form)


def _array(writer: Writer, schema: JsonSchema, place: Place) -> tuple[dict[str, Any], Form]:
    first = as_list(schema.get("prefixItems"))
    if first and not writer.dialect.tuples:
        return _places(writer, schema, first, place)
    out: dict[str, Any] = {"type": "array"}
    forms: list[Form] = []
    for index, part in enumerate(first):
        written, form = writer.part(part, place.into("prefixItems", index))
        out.setdefault("prefixItems", []).append(written)
        forms.append(form)
    rest: Form = SAME
    items = schema.get("items")
    if isinstance(items, bool) and first:
        out["items"] = items
    elif not first or items is not None:
        out["items"], rest = writer.part(items, place.into("items"))
    is_same = rest is SAME and all(form is SAME for form in forms)
    return writer.finished(schema, out, place), SAME if is_same else Items(rest, forms)


def _places(writer: Writer, schema: JsonSchema, first: Sequence[object], place: Place) -> tuple[dict[str, Any], Form]:
    """A list of fixed length as an object."""
    least, most = schema.get("minItems"), len(first) if schema.get("items") is False else schema.get("maxItems")
    if not (least == most == len(first)):
        return writer.anything(schema, place, "its first items have schemas of their own, and its length is free")
    names = [f"item_{index}" for index in range(len(first))]
    parts = [writer.part(part, place.into("prefixItems", index)) for index, part in enumerate(first)]
    writer.tell(place.path, "is an object with a member for each place", "lists have one schema", "restored")
    out = closed({name: part for name, (part, _) in zip(names, parts, strict=True)})
    kept = {key: one for key, one in schema.items() if key not in OF_TYPE["array"]}
    return writer.finished(kept, out, place), Places(dict(zip(names, (form for _, form in parts), strict=True)))


def closed(members: Mapping[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    """An object of these members, of which all are required unless it is said."""
    needed = list(members) if required is None else list(required)
    return {"type": "object", "properties": dict(members), "required": needed, "additionalProperties": False}


def _members_form(forms: Mapping[str, Form], absent: set[str], rest: Form) -> Form:
    return Members(forms, frozenset(absent), rest) if forms or absent or rest is not SAME else SAME


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    branches = [*as_list(schema["anyOf"]), {"type": "null"}] if "anyOf" in schema else [schema, {"type": "null"}]
    return {**schema, "anyOf": branches} if "anyOf" in schema else {"anyOf": branches}
