"""State that policies share by name: all of one kind and one name in this process have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar, cast

from rigging_py.error import InvalidGeneratorError

S = TypeVar("S")

_lock = Lock()
_states: dict[tuple[str, str], tuple[Mapping[str, Any], object]] = {}
"""By policy and name, with the settings of who was first; they last as long as the process."""


def shared(policy: str, name: str | None, settings: Mapping[str, Any], make: Callable[[], S]) -> S:
    """The state that `make` gives, or gave for this policy and name before; without a name always a new one.

    `make` is called once and must not ask for shared state. Raises `InvalidGeneratorError` where the settings differ
    from those of who was first.
    """
    if name is None:
        return make()
    with _lock:
        first, state = _states.setdefault((policy, name), (settings, None))
        if differing := [key for key in {**first, **settings} if first.get(key) != settings.get(key)]:
            raise _at_odds(policy, name, {key: (first.get(key), settings.get(key)) for key in differing})
        if state is None:
            state = make()
            _states[policy, name] = settings, state
    return cast("S", state)


def _at_odds(policy: str, name: str, differing: Mapping[str, tuple[Any, Any]]) -> InvalidGeneratorError:
    said = "; ".join(f"{key} is {first!r} there and {now!r} here" for key, (first, now) in differing.items())
    piece = f"name={name}"
    problem = f"another {policy} of this name has other settings ({said}); give this one another name, or the same ones"
    return InvalidGeneratorError(f"{policy}(…),{piece}", piece, problem)
