"""`write`: rewrites a JSON schema to a dialect, and notes on the way what was changed and how values come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping
from rigging_py.wire.schemas.changes import Change, Kept
from rigging_py.wire.schemas.dialect import Dialect
from rigging_py.wire.schemas.forms import (
    RESULT,
    SAME,
    Branch,
    Either,
    Form,
    Items,
    Members,
    Named,
    Pairs,
    Places,
    Text,
    Wrapped,
)
from rigging_py.wire.schemas.keywords import LIMITS, OF_TYPE, STRUCTURE, TYPES, type_of
from rigging_py.wire.schemas.source import Source, merged

_LARGE, _DEEP = 20_000, 60
"""Parts of a schema, and levels of it, beyond which it is not gone into; references to references can ask for any
number."""
_SHOWN = 60
"""Characters of a limit that is told to the model in words."""


@dataclass(frozen=True)
class Written:
    """A schema in a dialect, the way back, and what is told of it. `unwritable` says why there is none."""

    schema: dict[str, Any]
    form: Form
    forms: Mapping[str, Form]
    changes: tuple[Change, ...]
    unwritable: Change | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of the schema stands: in which definitions, and whether a value of it may be missing."""

    path: str = ""
    names: frozenset[str] = frozenset()
    is_optional: bool = False
    level: int = 0

    def into(self, *keys: object, is_optional: bool = False) -> _Place:
        steps = "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
        return replace(self, path=self.path + steps, is_optional=self.is_optional or is_optional, level=self.level + 1)


def write(schema: JsonSchema, dialect: Dialect) -> Written:
    """`schema` in the words of `dialect`."""
    as_text: frozenset[str] = frozenset()
    while True:
        writer = _Writer(schema, dialect, as_text)
        written = writer.whole()
        mixed = {path for path, either in writer.choices if not either.is_told_apart(written.forms)} - as_text
        if not mixed or written.unwritable is not None:
            return written
        as_text |= mixed


class _Writer:
    """One rewriting. Values at the paths in `as_text` travel in the way that can say anything."""

    def __init__(self, schema: JsonSchema, dialect: Dialect, as_text: frozenset[str]) -> None:
        self.source = Source(schema)
        self.dialect = dialect
        self.as_text = as_text
        self.definitions: dict[str, JsonSchema] = {}
        self.forms: dict[str, Form] = {}
        self.changes: dict[Change, None] = {}
        self.unwritable: Change | None = None
        self.choices: list[tuple[str, Either]] = []
        self.parts = 0

    def whole(self) -> Written:
        schema, form = self.part(self.source.root, _Place())
        if self.dialect.needs_object and schema.get("type") != "object":
            self._tell("", f"travels as the member {RESULT!r} of an object", "the root must be an object", "restored")
            schema, form = _closed({RESULT: schema}), Wrapped(form)
        for name in self.forms:
            if not _ends(self.forms[name], self.forms):
                self.forms[name] = SAME
        if self.definitions:
            schema = {**schema, "$defs": self.definitions}
        return Written(schema, form, self.forms, tuple(self.changes), self.unwritable)

    def _tell(self, path: str, what: str, why: str, kept: Kept) -> None:
        self.changes[Change(path, what, why, kept)] = None

    def part(self, schema: object, place: _Place) -> tuple[dict[str, Any], Form]:
        """A part of the schema, rewritten."""
        self.parts += 1
        if place.path in self.as_text:
            return self._anything(schema, place, "its alternatives could not be told apart in the answer")
        if self.parts > _LARGE or place.level > _DEEP:
            return self._anything(schema, place, "the schema is too large to go into")
        if not isinstance(schema, Mapping):
            return self._anything(schema, place, "it says nothing of its type")
        given = cast("JsonSchema", schema)
        if "$ref" in given:
            return self._reference(given, place)
        if "allOf" in given:
            together = merged(given, self.source)
            if together is not None:
                return self.part(together, replace(place, level=place.level + 1))
            if "type" not in given:
                return self._anything(given, place, "the schemas that it must all be of cannot be made one")
        if "enum" in given or "const" in given:
            return self._fixed(given, place)
        kinds = given.get("type")
        if kinds is None and ("anyOf" in given or "oneOf" in given):
            return self._either(given, place)
        if isinstance(kinds, list):
            return self._kinds(given, [str(kind) for kind in cast("list[object]", kinds)], place)
        if kinds not in TYPES:
            return self._anything(given, place, "it says nothing of its type")
        return self._typed(given, str(kinds), place)

    # Parts of one type.

    def _typed(self, schema: JsonSchema, kind: str, place: _Place) -> tuple[dict[str, Any], Form]:
        match kind:
            case "object":
                return self._object(schema, place)
            case "array":
                return self._array(schema, place)
            case _:
                return self._finished(schema, {"type": kind}, place), SAME

    def _object(self, schema: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
        members = as_mapping(schema.get("properties"))
        rest, keys = self.source.free_members(schema)
        if self.dialect.closes and rest is not None and not members:
            return self._map(schema, rest, keys, place)
        if self.dialect.closes and (rest is not None or "patternProperties" in schema):
            return self._anything(schema, place, "it has named members and free ones")
        if self.dialect.closes and "properties" not in schema and schema.get("additionalProperties") is not False:
            return self._anything(schema, place, "it says nothing of its members")
        return self._members(schema, members, rest, place)

    def _members(
        self, schema: JsonSchema, members: Mapping[str, Any], rest: object, place: _Place
    ) -> tuple[dict[str, Any], Form]:
        required = [str(name) for name in as_list(schema.get("required"))]
        written: dict[str, Any] = {}
        forms: dict[str, Form] = {}
        absent: set[str] = set()
        for name, part in members.items():
            is_optional = name not in required
            inside = place.into("properties", name, is_optional=is_optional)
            written[name], form = self.part(part, inside)
            if form is not SAME:
                forms[name] = form
            if is_optional and self.dialect.needs_all and self._may_be_null(written, name, part, inside):
                absent.add(name)
        out: dict[str, Any] = {"type": "object", "properties": written}
        if self.dialect.closes:
            out = _closed(written, None if self.dialect.needs_all else required)
            if schema.get("additionalProperties") is not False:
                self._tell(place.path, "is closed", "no object may have other members", "closed")
            return self._finished(schema, out, place), _members_form(forms, absent, SAME)
        if not members:
            del out["properties"]
        if required:
            out["required"] = required
        more, form = self._others(schema, rest, place)
        return self._finished(schema, out | more, place), _members_form(forms, absent, form)

    def _others(self, schema: JsonSchema, rest: object, place: _Place) -> tuple[dict[str, Any], Form]:
        """What is said of members without a name, where that may be said."""
        if rest is None or isinstance(rest, bool) or rest == {}:
            said = schema.get("additionalProperties")
            return (
                {"additionalProperties": bool(rest if rest is not None else said)} if said is not None else {}
            ), SAME
        written, form = self.part(rest, place.into("additionalProperties", is_optional=True))
        return {"additionalProperties": written}, form

    def _may_be_null(self, written: dict[str, Any], name: str, part: object, place: _Place) -> bool:
        """Lets a member be null where it may be missing. Whether null stands for nothing there."""
        if self.source.only_value(part) == [as_mapping(part).get("default")]:
            self._tell(place.path, "is always there", "every member is required; it has one value alone", "said")
            return False
        if not self.source.takes_null(part):
            written[name] = _or_null(written[name])
            self._tell(place.path, "is null where it is missing", "every member is required", "restored")
            return True
        if "default" in as_mapping(part):
            self._tell(place.path, "is always there", "every member is required; its default can be given", "said")
        else:
            self._cannot(place, "null means something there, so nothing could say that it is missing")
        return False

    def _map(self, schema: JsonSchema, rest: object, keys: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
        """Free members as a list of pairs."""
        key, _ = self.part({"type": "string", **keys}, place.into("propertyNames"))
        value, form = self.part(rest, place.into("additionalProperties"))
        self._tell(place.path, "is a list of keys and values", "objects have no free members", "restored")
        pair = _closed({"key": key, "value": value})
        kept = {name: one for name, one in schema.items() if name not in ("patternProperties", "propertyNames")}
        return self._finished(kept, {"type": "array", "items": pair}, place), Pairs(form)

    def _array(self, schema: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
        first = as_list(schema.get("prefixItems"))
        if first and not self.dialect.tuples:
            return self._places(schema, first, place)
        out: dict[str, Any] = {"type": "array"}
        forms: list[Form] = []
        for index, part in enumerate(first):
            written, form = self.part(part, place.into("prefixItems", index))
            out.setdefault("prefixItems", []).append(written)
            forms.append(form)
        rest: Form = SAME
        items = schema.get("items")
        if isinstance(items, bool) and first:
            out["items"] = items
        elif not first or items is not None:
            out["items"], rest = self.part(items, place.into("items"))
        is_same = rest is SAME and all(form is SAME for form in forms)
        return self._finished(schema, out, place), SAME if is_same else Items(rest, forms)

    def _places(self, schema: JsonSchema, first: Sequence[object], place: _Place) -> tuple[dict[str, Any], Form]:
        """A list of fixed length as an object."""
        least, most = schema.get("minItems"), len(first) if schema.get("items") is False else schema.get("maxItems")
        if not (least == most == len(first)):
            return self._anything(schema, place, "its first items have schemas of their own, and its length is free")
        names = [f"item_{index}" for index in range(len(first))]
        parts = [self.part(part, place.into("prefixItems", index)) for index, part in enumerate(first)]
        self._tell(place.path, "is an object with a member for each place", "lists have one schema", "restored")
        out = _closed({name: part for name, (part, _) in zip(names, parts, strict=True)})
        kept = {key: one for key, one in schema.items() if key not in OF_TYPE["array"]}
        return self._finished(kept, out, place), Places(dict(zip(names, (form for _, form in parts), strict=True)))

    # Choices.

    def _fixed(self, schema: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
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
            self._tell(place.path, "drops its choices", "they are no plain values", "checked")
            return self.part(bare, place)
        parts = [self._group(kind, group, place) for kind, group in groups.items()]
        out = parts[0] if len(parts) == 1 else {"anyOf": parts}
        return self._finished(schema, dict(out), place), SAME

    def _group(self, kind: str, values: list[Any], place: _Place) -> dict[str, Any]:
        if kind == "null" or kind in self.dialect.enums:
            return {"type": kind} if kind == "null" else {"type": kind, "enum": values}
        if kind != "boolean" or len(values) < 2:
            self._tell(place.path, f"drops its choices of type {kind}", "only others can be listed", "checked")
        return {"type": kind, "description": f"One of {', '.join(map(_shown, values))}"}

    def _either(self, schema: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
        key = "anyOf" if "anyOf" in schema else "oneOf"
        if key == "oneOf":
            self._tell(place.path, "oneOf is anyOf", "only that is taken", "checked")
        parts = [self.part(one, place.into(key, index)) for index, one in enumerate(as_list(schema.get(key)))]
        if not parts:
            return self._anything(schema, place, "it has no alternatives")
        return self._joined(schema, parts, key, place)

    def _kinds(self, schema: JsonSchema, kinds: Sequence[str], place: _Place) -> tuple[dict[str, Any], Form]:
        """A part that may be of several types, each with what is said of it."""
        alone = {
            kind: {"type": kind, **{key: schema[key] for key in OF_TYPE.get(kind, ()) if key in schema}}
            for kind in kinds
        }
        parts = [self.part(one, replace(place, level=place.level + 1)) for one in alone.values()]
        if not parts:
            return self._anything(schema, place, "it has no type")
        said = {key: one for key, one in schema.items() if not any(key in OF_TYPE.get(kind, ()) for kind in kinds)}
        return self._joined(said, parts, "type", place)

    def _joined(
        self, schema: JsonSchema, parts: Sequence[tuple[dict[str, Any], Form]], key: str, place: _Place
    ) -> tuple[dict[str, Any], Form]:
        kept = {name: one for name, one in schema.items() if name != key}
        if len(parts) == 1:
            [(part, form)] = parts
            return self._finished(kept, dict(part), place), form
        out = self._finished(kept, {"anyOf": [part for part, _ in parts]}, place)
        if all(form is SAME for _, form in parts):
            return out, SAME
        either = Either(tuple(Branch(part, form) for part, form in parts), self.definitions)
        self.choices.append((place.path, either))
        return out, either

    # What is elsewhere, and what is not there.

    def _reference(self, schema: JsonSchema, place: _Place) -> tuple[dict[str, Any], Form]:
        name = self.source.name(schema["$ref"])
        if name is None:
            return self._anything(schema, place, f"it refers to {_shown(schema['$ref'])}, which is not in the schema")
        is_recursive = self.source.is_recursive(name, place.names)
        recursion = self.dialect.recursion
        if is_recursive and (recursion == "no" or (recursion == "optional" and not place.is_optional)):
            return self._anything({**as_mapping(self.source.definitions[name]), **schema}, place, "it holds itself")
        beside = {key: one for key, one in schema.items() if key not in ("$ref", "$defs", "definitions")}
        if beside and name not in place.names:
            inside = replace(place, names=place.names | {name}, level=place.level + 1)
            together = merged({**beside, "allOf": [{"$ref": schema["$ref"]}]}, self.source)
            return self.part({} if together is None else together, inside)
        for key in beside:
            self._tell(place.path, f"drops {key}", "nothing may stand beside a reference", _kept_of(key))
        if name not in self.definitions:
            self.definitions[name], self.forms[name] = {}, Named(name)
            at = _Place(f"/$defs/{name}", frozenset({name}), level=place.level + 1)
            self.definitions[name], self.forms[name] = self.part(self.source.definitions[name], at)
        return {"$ref": f"#/$defs/{name}"}, Named(name)

    def _anything(self, schema: object, place: _Place, why: str) -> tuple[dict[str, Any], Form]:
        """What cannot be described travels in the way that can say anything."""
        said = {key: one for key, one in as_mapping(schema).items() if key in ("title", "description")}
        if self.dialect.anything == "types":
            self._tell(place.path, "may be anything", why, "checked")
            return {**said, "type": list(TYPES)}, SAME
        if self.dialect.anything == "no":
            self._cannot(place, why)
            return {}, SAME
        self._tell(place.path, "travels as a JSON text", why, "restored")
        note = f"The value as a JSON text{_described(schema)}."
        text = {
            **said,
            "type": "string",
            "description": f"{said['description']} ({note})" if "description" in said else note,
        }
        return text, Text()

    def _cannot(self, place: _Place, why: str) -> None:
        what = f"the whole schema is sent as it is, because of {place.path or '/'}"
        self.unwritable = self.unwritable or Change(place.path, what, why, "unenforced")

    # The end of each part.

    def _finished(self, schema: JsonSchema, out: dict[str, Any], place: _Place) -> dict[str, Any]:
        """`out` with what else `schema` says and may be sent; the limits among the others are told in words."""
        words: list[str] = []
        for key, value in schema.items():
            takes = self.dialect.keywords.get(key)
            if (key in out and key != "description") or key in STRUCTURE or key in _WRITTEN:
                continue
            if takes is not None and takes(value) and ("anyOf" not in out or key in ("title", "description")):
                out[key] = f"{value} {out[key]}" if key in out else value
                continue
            self._tell(place.path, f"drops {key}", f"{self.dialect.name} does not take it", _kept_of(key))
            if (key in LIMITS or key in ("default", "format")) and (word := _shown(value)):
                words.append(f"{key}: {word}")
        if words:
            note = f"({'; '.join(words)})"
            out["description"] = f"{out['description']} {note}" if "description" in out else note
        return out


_WRITTEN = frozenset({"properties", "required", "additionalProperties", "items", "prefixItems"})
"""The keywords that were written before a part is finished."""


def _closed(members: Mapping[str, Any], required: Sequence[str] | None = None) -> dict[str, Any]:
    """An object of these members, of which all are required unless it is said."""
    needed = list(members) if required is None else list(required)
    return {"type": "object", "properties": dict(members), "required": needed, "additionalProperties": False}


def _ends(form: Form, forms: Mapping[str, Form]) -> bool:
    """Whether a definition is anything but itself by other names."""
    seen: set[str] = set()
    while isinstance(form, Named) and form.name not in seen:
        seen.add(form.name)
        form = forms[form.name]
    return not isinstance(form, Named)


def _members_form(forms: Mapping[str, Form], absent: set[str], rest: Form) -> Form:
    return Members(forms, frozenset(absent), rest) if forms or absent or rest is not SAME else SAME


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    branches = [*as_list(schema["anyOf"]), {"type": "null"}] if "anyOf" in schema else [schema, {"type": "null"}]
    return {**schema, "anyOf": branches} if "anyOf" in schema else {"anyOf": branches}


def _kept_of(key: str) -> Kept:
    return "checked" if key in LIMITS or key == "format" else "said"


def _shown(value: object) -> str:
    """A short plain value, for words; nothing for any other."""
    text = str(value)
    return text if isinstance(value, str | int | float) and len(text) <= _SHOWN else ""


def _described(schema: object) -> str:
    """The names of the members, where a schema that travels as a text has some."""
    names = list(as_mapping(as_mapping(schema).get("properties")))
    return f" of an object with {', '.join(names[:10])}" if names else ""
