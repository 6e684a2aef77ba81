"""`Place`: where a part of a schema stands that is being rewritten."""

from __future__ import annotations

from dataclasses import dataclass, replace

_SHOWN = 60
"""Characters of a limit that is told to the model in words."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of the schema stands: in which definitions, and whether a value of it may be missing."""

    path: str = ""
    names: frozenset[str] = frozenset()
    is_optional: bool = False
    level: int = 0

    def into(self, *keys: object, is_optional: bool = False) -> Place:
        steps = "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in keys)
        return replace(self, path=self.path + steps, is_optional=self.is_optional or is_optional, level=self.level + 1)


def shown(value: object) -> str:
    """A short plain value, for words; nothing for any other."""
    text = str(value)
    return text if isinstance(value, str | int | float) and len(text) <= _SHOWN else ""
