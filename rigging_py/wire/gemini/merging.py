"""How two JSON values of Gemini are put together: what a caller adds to a request, and what chunks add to a reply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rigging_py.parsing.untyped import as_list, as_object


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both: objects merged with objects, lists put after lists, and anything else of `other` in place."""
    found = dict(one)
    for name, value in other.items():
        found[name] = _together(found[name], value) if name in found else value
    return found


def _together(one: object, other: object) -> object:
    objects, lists = (as_object(one), as_object(other)), (as_list(one), as_list(other))
    if objects[0] is not None and objects[1] is not None:
        return merged(objects[0], objects[1])
    return [*lists[0], *lists[1]] if lists[0] is one and lists[1] is other else other
