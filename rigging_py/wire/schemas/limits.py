"""How large a schema may be: the counts that OpenAI's strict mode limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from rigging_py.parsing.untyped import as_list, as_mapping

_MEMBERS = 5_000
_LEVELS = 10
_CHOICES = 1_000
_NAMES = 120_000
_LONG_ENUM, _LONG_ENUM_TEXT = 250, 15_000


def over_openai_limits(schema: Mapping[str, Any]) -> str | None:
    """Which limit of OpenAI's strict mode a rewritten schema is over, if any."""
    parts = list(_parts(schema))
    members = [name for part in parts for name in as_mapping(part.get("properties"))]
    enums = [as_list(part.get("enum")) for part in parts]
    consts = [part["const"] for part in parts if "const" in part]
    named = [*members, *as_mapping(schema.get("$defs")), *consts, *(value for enum in enums for value in enum)]
    counts = {
        f"{{}} members, and {_MEMBERS} are the most": (len(members), _MEMBERS),
        f"{{}} choices, and {_CHOICES} are the most": (sum(map(len, enums)), _CHOICES),
        f"{{}} levels of objects, and {_LEVELS} are the most": (
            _levels(schema, as_mapping(schema.get("$defs")), {}),
            _LEVELS,
        ),
        f"{{}} characters in its names and choices, and {_NAMES} are the most": (sum(map(_length, named)), _NAMES),
        f"{{}} characters in one long list of choices, and {_LONG_ENUM_TEXT} are the most": (
            max((sum(map(_length, enum)) for enum in enums if len(enum) > _LONG_ENUM), default=0),
            _LONG_ENUM_TEXT,
        ),
    }
    return next((f"it has {said.format(found)}" for said, (found, most) in counts.items() if found > most), None)


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 0


def _parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema and all that stand in it."""
    yield schema
    for key in ("properties", "$defs"):
        for one in as_mapping(schema.get(key)).values():
            yield from _parts(one)
    for one in (*as_list(schema.get("anyOf")), *_items(schema)):
        yield from _parts(one)


def _items(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = schema.get("items")
    return [cast("Mapping[str, Any]", items)] if isinstance(items, Mapping) else []


def _levels(schema: Mapping[str, Any], definitions: Mapping[str, Any], known: dict[str, int]) -> int:
    """How deep objects stand in objects; what a definition holds of itself does not count again."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        if name not in known:
            known[name] = 0
            known[name] = _levels(definitions[name], definitions, known)
        return known[name]
    inside = [*as_mapping(schema.get("properties")).values(), *as_list(schema.get("anyOf")), *_items(schema)]
    deepest = max((_levels(one, definitions, known) for one in inside), default=0)
    return deepest + (schema.get("type") == "object")
