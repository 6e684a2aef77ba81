"""What a JSON schema lets stand in one place, so that plain text can be read as the value it is meant to be.

The schemas of foreign tools are read forgivingly: what cannot be followed allows anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping

_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}


@dataclass(frozen=True)
class Place:
    """A place for a value of `schema`, whose references lead into `root`."""

    schema: Any
    root: JsonSchema

    @cached_property
    def branches(self) -> list[JsonSchema]:
        """The schemas of which a value has one."""
        return list(_branches(self.schema, self.root, set()))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types that a value may have; `any` where the schema does not say."""
        return frozenset(kind for branch in self.branches for kind in _kinds_of(branch)) or frozenset({"any"})

    @cached_property
    def fields(self) -> dict[str, Place]:
        """The named fields of an object."""
        return {
            name: Place(part, self.root)
            for branch in self.branches
            for name, part in as_mapping(branch.get("properties")).items()
        }

    def item(self, index: int) -> Place:
        """The place of an item of a list."""
        for branch in self.branches:
            first = branch.get("prefixItems")
            if isinstance(first, list) and index < len(cast("list[object]", first)):
                return Place(first[index], self.root)
            if isinstance(branch.get("items"), Mapping):
                return Place(branch["items"], self.root)
        return Place({}, self.root)

    def allows(self, *kinds: str) -> bool:
        """Whether a value may be of one of these types."""
        return not self.kinds.isdisjoint((*kinds, "any"))


def field_names(schema: object) -> Iterator[str]:
    """Every name of a field, at any depth."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            values = cast("Mapping[str, object]", part)
            yield from as_mapping(values.get("properties"))
            waiting += values.values()
        elif isinstance(part, list):
            waiting += cast("list[object]", part)


def _branches(schema: object, root: JsonSchema, seen: set[str]) -> Iterator[JsonSchema]:
    branch = as_mapping(schema)
    reference = branch.get("$ref")
    if isinstance(reference, str):
        if reference not in seen:
            seen.add(reference)
            yield from _branches(_followed(reference, root), root, seen)
        return
    inner = [part for key in ("anyOf", "oneOf", "allOf") for part in as_list(branch.get(key))]
    for part in inner:
        yield from _branches(part, root, seen)
    if not inner or "properties" in branch:
        yield branch


def _followed(reference: str, root: JsonSchema) -> object:
    part: object = root
    for name in reference.removeprefix("#").split("/")[1:]:
        part = as_mapping(part).get(name.replace("~1", "/").replace("~0", "~"))
    return part


def _kinds_of(branch: JsonSchema) -> list[str]:
    kind: object = branch.get("type")
    if kind is not None:
        return [str(one) for one in as_list(kind) or [kind]]
    if "properties" in branch:
        return ["object"]
    choices: list[object] = [branch["const"]] if "const" in branch else as_list(branch.get("enum"))
    return [_KINDS.get(type(choice), "null") for choice in choices] or ["any"]
