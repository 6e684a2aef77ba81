"""`write`: rewrites a JSON schema to a dialect, and notes on the way what was changed and how values come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_mapping
from rigging_py.wire.schemas.changes import Change, Kept
from rigging_py.wire.schemas.choices import either, fixed, of_kinds
from rigging_py.wire.schemas.containers import closed, typed
from rigging_py.wire.schemas.dialect import Dialect
from rigging_py.wire.schemas.forms import RESULT, SAME, Either, Form, Named, Text, Wrapped
from rigging_py.wire.schemas.keywords import LIMITS, STRUCTURE, TYPES
from rigging_py.wire.schemas.place import Place, shown
from rigging_py.wire.schemas.source import Source, merged

_LARGE, _DEEP = 20_000, 60
"""Parts of a schema, and levels of it, beyond which it is not gone into; references to references can ask for any
number."""


@dataclass(frozen=True)
class Written:
    """A schema in a dialect, the way back, and what is told of it. `unwritable` says why there is none."""

    schema: dict[str, Any]
    form: Form
    forms: Mapping[str, Form]
    changes: tuple[Change, ...]
    unwritable: Change | None


def write(schema: JsonSchema, dialect: Dialect) -> Written:
    """`schema` in the words of `dialect`."""
    as_text: frozenset[str] = frozenset()
    while True:
        writer = Writer(schema, dialect, as_text)
        written = writer.whole()
        mixed = {path for path, either in writer.choices if not either.is_told_apart(written.forms)} - as_text
        if not mixed or written.unwritable is not None:
            return written
        as_text |= mixed


class Writer:
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
        schema, form = self.part(self.source.root, Place())
        if self.dialect.needs_object and schema.get("type") != "object":
            self.tell("", f"travels as the member {RESULT!r} of an object", "the root must be an object", "restored")
            schema, form = closed({RESULT: schema}), Wrapped(form)
        for name in self.forms:
            if not _ends(self.forms[name], self.forms):
                self.forms[name] = SAME
        if self.definitions:
            schema = {**schema, "$defs": self.definitions}
        return Written(schema, form, self.forms, tuple(self.changes), self.unwritable)

    def tell(self, path: str, what: str, why: str, kept: Kept) -> None:
        self.changes[Change(path, what, why, kept)] = None

    def part(self, schema: object, place: Place) -> tuple[dict[str, Any], Form]:
        """A part of the schema, rewritten."""
        self.parts += 1
        if place.path in self.as_text:
            return self.anything(schema, place, "its alternatives could not be told apart in the answer")
        if self.parts > _LARGE or place.level > _DEEP:
            return self.anything(schema, place, "the schema is too large to go into")
        if not isinstance(schema, Mapping):
            return self.anything(schema, place, "it says nothing of its type")
        given = cast("JsonSchema", schema)
        if "$ref" in given:
            return self._reference(given, place)
        if "allOf" in given:
            together = merged(given, self.source)
            if together is not None:
                return self.part(together, replace(place, level=place.level + 1))
            return self.anything(given, place, "the schemas that it must all be of cannot be made one")
        if "enum" in given or "const" in given:
            return fixed(self, given, place)
        kinds = given.get("type")
        if kinds is None and ("anyOf" in given or "oneOf" in given):
            return either(self, given, place)
        if isinstance(kinds, list):
            return of_kinds(self, given, [str(kind) for kind in cast("list[object]", kinds)], place)
        if kinds not in TYPES:
            return self.anything(given, place, "it says nothing of its type")
        return typed(self, given, str(kinds), place)

    # What is elsewhere, and what is not there.

    def _reference(self, schema: JsonSchema, place: Place) -> tuple[dict[str, Any], Form]:
        name = self.source.name(schema["$ref"])
        if name is None:
            return self.anything(schema, place, f"it refers to {shown(schema['$ref'])}, which is not in the schema")
        is_recursive = self.source.is_recursive(name, place.names)
        recursion = self.dialect.recursion
        if is_recursive and (recursion == "no" or (recursion == "optional" and not place.is_optional)):
            return self.anything({**as_mapping(self.source.definitions[name]), **schema}, place, "it holds itself")
        beside = {key: one for key, one in schema.items() if key not in ("$ref", "$defs", "definitions")}
        if beside and name not in place.names:
            inside = replace(place, names=place.names | {name}, level=place.level + 1)
            together = merged({**beside, "allOf": [{"$ref": schema["$ref"]}]}, self.source)
            return self.part({} if together is None else together, inside)
        for key in beside:
            self.tell(place.path, f"drops {key}", "nothing may stand beside a reference", _kept_of(key))
        if name not in self.definitions:
            self.definitions[name], self.forms[name] = {}, Named(name)
            at = Place(f"/$defs/{name}", frozenset({name}), level=place.level + 1)
            self.definitions[name], self.forms[name] = self.part(self.source.definitions[name], at)
        return {"$ref": f"#/$defs/{name}"}, Named(name)

    def anything(self, schema: object, place: Place, why: str) -> tuple[dict[str, Any], Form]:
        """What cannot be described travels in the way that can say anything."""
        said = {key: one for key, one in as_mapping(schema).items() if key in ("title", "description")}
        if self.dialect.anything == "types":
            self.tell(place.path, "may be anything", why, "checked")
            return {**said, "type": list(TYPES)}, SAME
        if self.dialect.anything == "no":
            self.cannot(place, why)
            return {}, SAME
        self.tell(place.path, "travels as a JSON text", why, "restored")
        note = f"The value as a JSON text{_described(schema)}."
        text = {
            **said,
            "type": "string",
            "description": f"{said['description']} ({note})" if "description" in said else note,
        }
        return text, Text()

    def cannot(self, place: Place, why: str) -> None:
        what = f"the whole schema is sent as it is, because of {place.path or '/'}"
        self.unwritable = self.unwritable or Change(place.path, what, why, "unenforced")

    # The end of each part.

    def finished(self, schema: JsonSchema, out: dict[str, Any], place: Place) -> dict[str, Any]:
        """`out` with what else `schema` says and may be sent; the limits among the others are told in words."""
        words: list[str] = []
        for key, value in schema.items():
            takes = self.dialect.keywords.get(key)
            if (key in out and key != "description") or key in STRUCTURE or key in _WRITTEN:
                continue
            if takes is not None and takes(value) and ("anyOf" not in out or key in ("title", "description")):
                out[key] = f"{value} {out[key]}" if key in out else value
                continue
            self.tell(place.path, f"drops {key}", f"{self.dialect.name} does not take it", _kept_of(key))
            if (key in LIMITS or key in ("default", "format")) and (word := shown(value)):
                words.append(f"{key}: {word}")
        if words:
            note = f"({'; '.join(words)})"
            out["description"] = f"{out['description']} {note}" if "description" in out else note
        return out


_WRITTEN = frozenset({"properties", "required", "additionalProperties", "items", "prefixItems"})
"""The keywords that were written before a part is finished."""


def _ends(form: Form, forms: Mapping[str, Form]) -> bool:
    """Whether a definition is anything but itself by other names."""
    seen: set[str] = set()
    while isinstance(form, Named) and form.name not in seen:
        seen.add(form.name)
        form = forms[form.name]
    return not isinstance(form, Named)


def _kept_of(key: str) -> Kept:
    return "checked" if key in LIMITS or key == "format" else "said"


def _described(schema: object) -> str:
    """The names of the members, where a schema that travels as a text has some."""
    names = list(as_mapping(as_mapping(schema).get("properties")))
    return f" of an object with {', '.join(names[:10])}" if names else ""
