"""Parts of data from outside as the kind they should be of; one of another kind counts as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

COUNT_MAX = 2**63 - 1
"""What is more is no count of anything, and no number for prices and databases."""


def as_object(value: object) -> dict[str, Any] | None:
    """The value where it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_count(value: object) -> int:
    """The value where it is a whole number that is not below 0, in whatever way it is written, else 0."""
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    count = int(cast("float", value)) if is_whole else 0
    return count if 0 <= count <= COUNT_MAX else 0
