"""`Source`: the schema that was given, asked for what its parts mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping

_DEFINED = ("$defs", "definitions")
_DATA = frozenset({"default", "const", "enum", "examples"})
_MEMBERS = frozenset({"properties", "patternProperties", "additionalProperties"})
_REMARKS = frozenset({"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"})


class Source:
    """A whole JSON schema."""

    def __init__(self, schema: JsonSchema) -> None:
        self.schema = schema
        bare = {key: one for key, one in schema.items() if key not in _DEFINED}
        self.definitions: dict[str, Any] = {
            name: one for group in _DEFINED for name, one in as_mapping(schema.get(group)).items()
        }
        self._itself = "self"
        while self._itself in self.definitions:
            self._itself += "_"
        self.definitions[self._itself] = bare

    @cached_property
    def root(self) -> JsonSchema:
        """The schema itself; of one that only refers to a definition, that."""
        root: JsonSchema = self.definitions[self._itself]
        seen: set[str] = set()
        while (name := self.name(root.get("$ref"))) is not None and name not in seen:
            seen.add(name)
            root = {**as_mapping(self.definitions[name]), **{key: one for key, one in root.items() if key != "$ref"}}
        return root

    def name(self, reference: object) -> str | None:
        """The definition that a reference names, if there is one."""
        if reference == "#":
            return self._itself
        group, _, name = str(reference).removeprefix("#/").partition("/")
        is_ours = str(reference).startswith("#/") and group in _DEFINED
        return name if is_ours and name in self.definitions and as_mapping(self.definitions[name]) else None

    def is_recursive(self, name: str, inside: frozenset[str]) -> bool:
        """Whether a definition holds one of those that are being gone into."""
        return any(one == name or one in self._reached(name) for one in inside)

    def _reached(self, name: str) -> frozenset[str]:
        if name not in self._reaches:
            found: set[str] = set()
            left = [name]
            while left:
                fresh = self._referred.get(left.pop(), frozenset()) - found
                found |= fresh
                left.extend(fresh)
            self._reaches[name] = frozenset(found)
        return self._reaches[name]

    @cached_property
    def _reaches(self) -> dict[str, frozenset[str]]:
        return {}

    @cached_property
    def _referred(self) -> Mapping[str, frozenset[str]]:
        """The definitions that each refers to."""
        return {name: frozenset(self._names_in(one)) for name, one in self.definitions.items()}

    def _names_in(self, value: object) -> set[str]:
        found: set[str] = set()
        left: list[object] = [value]
        while left:
            one = left.pop()
            left.extend(as_list(one))
            for key, part in as_mapping(one).items():
                if key == "$ref" and (name := self.name(part)) is not None:
                    found.add(name)
                elif key not in _DATA:
                    left.append(part)
        return found

    def takes_null(self, schema: object, seen: frozenset[str] = frozenset()) -> bool:
        """Whether null may be a value of a part."""
        given = as_mapping(schema)
        name = self.name(given["$ref"]) if "$ref" in given else None
        if name is not None:
            return name not in seen and self.takes_null(self.definitions[name], seen | {name})
        if given.get("const", given.get("enum")) is not None and None not in as_list(given.get("enum")):
            return False
        if "type" in given:
            return "null" in (as_list(given["type"]) or [given["type"]])
        if branches := as_list(given.get("anyOf") or given.get("oneOf")):
            return any(self.takes_null(one, seen) for one in branches)
        return not (isinstance(schema, bool) and not schema)

    def only_value(self, schema: object) -> list[Any]:
        """The value of a part that has but one, such as the tag of a class."""
        given = as_mapping(schema)
        values = [given["const"]] if "const" in given else as_list(given.get("enum"))
        return values if len(values) == 1 else []

    def free_members(self, schema: JsonSchema) -> tuple[object, JsonSchema]:
        """The schema of the members without a name, None for none, and what their names must be."""
        names = as_mapping(schema.get("propertyNames"))
        rest, patterns = schema.get("additionalProperties"), as_mapping(schema.get("patternProperties"))
        if len(patterns) == 1 and not rest and "properties" not in schema:
            [(pattern, value)] = patterns.items()
            return value, {**names, "pattern": pattern}
        return (None if rest is False else rest), names


def merged(schema: JsonSchema, source: Source) -> JsonSchema | None:
    """A schema without its `allOf`, where that can be said at once: no two parts speak of the same."""
    whole: dict[str, Any] = {key: one for key, one in schema.items() if key != "allOf"}
    speaking = int(not _MEMBERS.isdisjoint(whole))
    left = [as_mapping(part) for part in as_list(schema.get("allOf"))]
    seen: set[str] = set()
    while left:
        part = dict(left.pop(0))
        left[:0] = map(as_mapping, as_list(part.pop("allOf", None)))
        if "$ref" in part:
            name = source.name(part.pop("$ref"))
            if name is None or name in seen:
                return None
            seen.add(name)
            left.insert(0, as_mapping(source.definitions[name]))
        speaking += not _MEMBERS.isdisjoint(part)
        if not all(_joins(whole, key, value) for key, value in part.items()):
            return None
    # What is additional is for each part to say of its own members.
    return None if speaking > 1 and "additionalProperties" in whole else whole


def _joins(whole: dict[str, Any], key: str, value: Any) -> bool:
    """Adds a keyword to a schema, if it fits in."""
    if key not in whole:
        whole[key] = value
    elif key == "required":
        whole[key] = [*as_list(whole[key]), *(one for one in as_list(value) if one not in as_list(whole[key]))]
    elif key == "properties" and as_mapping(whole[key]).keys().isdisjoint(as_mapping(value)):
        whole[key] = {**as_mapping(whole[key]), **as_mapping(value)}
    else:
        return key in _REMARKS or (key != "properties" and whole[key] == value)
    return True
