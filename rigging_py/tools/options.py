"""What can be chosen about a tool, and the check of what was chosen."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypedDict, cast, get_args

from rigging_py.error import ToolDefinitionError
from rigging_py.run.program import Effect, OnUnfinished

Catch: TypeAlias = bool | Iterable[type[BaseException]]
"""Which exceptions of a tool become results that the model sees: all (True), none (False), or these."""

NeedsApproval: TypeAlias = bool | Callable[..., bool]
"""Whether somebody must decide before a call is executed; a function decides from the arguments."""


class ToolOptions(TypedDict, total=False):
    """What `tool`, `tool_method`, `Tool.from_callable` and `Tool.with_` take; the fields of `Tool` explain it."""

    name: str | None
    description: str | None
    catch: Catch | None
    truncate: int | None
    timeout: float | None
    retries: int
    group: str | None
    max_concurrent: int | None
    effect: Effect
    needs_approval: NeedsApproval
    on_unfinished: OnUnfinished | None


def settings_of(options: ToolOptions) -> dict[str, Any]:
    """The fields of a tool that the options give; its name and its description are not among them."""
    settings: dict[str, Any] = {
        key: value for key, value in options.items() if key not in ("name", "description", "catch")
    }
    catch = options.get("catch")
    if catch is not None:
        settings["catch"] = catch if isinstance(catch, bool) else _classes(catch)
    return settings


def check_options(options: Mapping[str, Any]) -> None:
    """Raises `ToolDefinitionError` for a tool whose options cannot be."""
    for name, (is_good, meaning) in _RULES.items():
        if not is_good(options[name]):
            raise ToolDefinitionError(
                f"{name}={options[name]!r} was given to the tool {options['name']!r}; it is {meaning}."
            )
    if options["retries"] and options["effect"] == "once":
        raise ToolDefinitionError(
            f"retries={options['retries']} was given to the tool {options['name']!r}, whose effect is 'once', so that "
            "nothing may be tried again; say effect='read' or effect='idempotent' if that is what it is."
        )


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _decides(value: object) -> bool:
    waits = inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(getattr(value, "__call__", None))  # noqa: B004
    return isinstance(value, bool) or (callable(value) and not waits)


def _named(choices: tuple[str, ...]) -> str:
    return ", ".join(map(repr, choices))


_EFFECTS, _POLICIES = get_args(Effect), get_args(OnUnfinished)
_RULES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "truncate": (lambda it: it is None or _is_count(it, 0), "a number of characters, or None for all"),
    "timeout": (lambda it: it is None or _is_seconds(it), "a number of seconds above 0, or None for no limit"),
    "retries": (lambda it: _is_count(it, 0), "how often to try again, a whole number from 0"),
    "group": (lambda it: it is None or (isinstance(it, str) and it != ""), "the name of a group, or None"),
    "max_concurrent": (lambda it: it is None or _is_count(it, 1), "a whole number from 1, or None"),
    "effect": (lambda it: it in _EFFECTS, f"one of {_named(_EFFECTS)}"),
    "needs_approval": (_decides, "True, False, or a function of the arguments that is not async"),
    "on_unfinished": (lambda it: it is None or it in _POLICIES, f"one of {_named(_POLICIES)}, or None"),
}


def _classes(catch: Iterable[type[BaseException]]) -> tuple[type[BaseException], ...]:
    classes: tuple[object, ...] = (catch,) if isinstance(catch, str | type) else tuple(catch)
    if isinstance(catch, str) or not all(isinstance(one, type) and issubclass(one, BaseException) for one in classes):
        raise ToolDefinitionError(f"catch is True, False, or classes of exceptions as in (ValueError,); not {catch!r}.")
    return cast("tuple[type[BaseException], ...]", classes)
