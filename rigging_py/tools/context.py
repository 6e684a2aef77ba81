"""What the program hands to a tool beside the model's arguments, and how a parameter asks for it."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Union, final, get_args, get_origin

from typing_extensions import TypeVar

T_co = TypeVar("T_co", covariant=True, default=object)


@final
@dataclass(frozen=True, slots=True)
class ToolContext(Generic[T_co]):
    """What a call of a tool gets from the program; the model neither sees nor gives it.

    A tool asks for it with one parameter of this type: `ToolContext[Deps]` for a value of a class of yours, or plain
    `ToolContext`.

    Args:
        value: what the program gave for its tools, None when it gave nothing.
        key: names this call; the same again when the call is repeated, after a crash too. Send it along as the
            idempotency key of whatever the tool does to the world.
        run_id: the run that the call is part of.
        attempt: 1 the first time that this call is tried.
    """

    value: T_co
    key: str
    run_id: str
    attempt: int = 1


@dataclass(frozen=True)
class ContextParameter:
    """The parameter that a callable takes its `ToolContext` by, and what the value in it must be."""

    name: str
    expected: Any

    def complaint(self, value: object) -> str | None:
        """None for a value that the callable takes, else what is wrong with it."""
        try:
            fits = isinstance(value, self.expected)
        except TypeError:
            return None  # no plain class: only a type checker can tell
        named = getattr(self.expected, "__name__", str(self.expected))
        return None if fits else f"takes a ToolContext[{named}], and was given {_shown(value)}"


def _shown(value: object) -> str:
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


def expected_value(annotation: Any) -> list[Any]:
    """What the value must be for an annotation that asks for a `ToolContext`; empty for one that does not."""
    plain = _plain(annotation)
    if plain is ToolContext:
        return [object]
    return list(get_args(plain)) if get_origin(plain) is ToolContext else []


def mentions_context(annotation: Any) -> bool:
    """Whether a `ToolContext` is somewhere inside the annotation."""
    return ToolContext in (annotation, get_origin(annotation)) or any(map(mentions_context, get_args(annotation)))


def _plain(annotation: Any) -> Any:
    """The annotation without metadata, without the name of an alias, and without `| None`."""
    if hasattr(annotation, "__value__"):
        return _plain(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [one for one in get_args(annotation) if one is not types.NoneType]
        return _plain(others[0]) if len(others) == 1 else annotation
    return annotation
