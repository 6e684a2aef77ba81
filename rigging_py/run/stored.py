"""The stored form of a run: plain data with a format number, checked when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from rigging_py.error import StateFormatError
from rigging_py.run.state import PendingTurn, RunState, State

FORMAT = 0
"""The format this release writes. Format 0 is promised to no later release."""
KIND = "rigging_py.run"


@cache
def _adapter() -> TypeAdapter[RunState]:
    return TypeAdapter(RunState)


@cache
def _fingerprint_adapter() -> TypeAdapter[dict[str, str]]:
    return TypeAdapter(dict[str, str])


def write_state(run: RunState, fingerprint: Mapping[str, str]) -> dict[str, Any]:
    """`run` as JSON-safe data. Metadata that JSON has no form for is written as its `repr`."""
    data = _adapter().dump_python(run, mode="json", by_alias=True, fallback=repr)
    return {"format": FORMAT, "kind": KIND, "fingerprint": dict(fingerprint), "run": data}


def read_state(state: Mapping[str, Any]) -> tuple[RunState, dict[str, str]]:
    """The run in `state` and the fingerprint of its program.

    Raises `StateFormatError` for anything else than a whole run of a known format.
    """
    if not isinstance(state, Mapping) or state.get("kind") != KIND:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise StateFormatError(f"This is not a stored run: its kind is not {KIND!r}.", supported=(FORMAT,))
    found = state.get("format")
    if found != FORMAT:
        problem = f"The run was stored in format {found!r}; this release reads format {FORMAT}"
        raise StateFormatError(f"{problem}. Use the release that wrote it.", found=found, supported=(FORMAT,))
    data = cast("Mapping[str, Any]", stored if isinstance(stored := state.get("run"), Mapping) else {})
    # The defaults of a new run would do for what is missing in a stored one, and be wrong.
    missing = {field.name for field in fields(RunState)} - set(data)
    if missing:
        raise _damaged(f": {', '.join(sorted(missing))} missing")
    try:
        run = _adapter().validate_python(data)
        fingerprint = _fingerprint_adapter().validate_python(state.get("fingerprint"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _damaged(f" at {'.'.join(map(str, first['loc']))!r}: {first['msg']}") from None
    if (flaw := _flaw(run)) is not None:
        raise _damaged(f": {flaw}")
    return run, fingerprint


def _damaged(how: str) -> StateFormatError:
    return StateFormatError(f"The stored run is damaged{how}.", found=FORMAT, supported=(FORMAT,))


def _flaw(run: RunState) -> str | None:
    """What holds for no run that was dumped, and holds for this one."""
    has_pending = run.state in (State.RESOLVING, State.EXECUTING_TOOLS)
    flaws = {
        "messages it began with are missing": not 0 < run.given <= len(run.messages),
        "its state and its cause do not fit": (run.cause is not None) != (run.state is State.FAILED),
        "its state and its pending turn do not fit": (run.pending is not None) != has_pending,
        "its pending turn and its calls do not fit": run.pending is not None and not _fits(run.pending, run.state),
    }
    return next((flaw for flaw, is_there in flaws.items() if is_there), None)


def _fits(turn: PendingTurn, state: State) -> bool:
    asked = [(call.id, call.name, call.arguments) for call in turn.message.tool_calls or ()]
    is_resolving = state is State.RESOLVING
    return (
        asked == [(call.id, call.name, call.raw) for call in turn.calls]
        and set(turn.results) <= {call.key for call in turn.calls}
        and 0 <= turn.scanned <= len(turn.calls) - is_resolving
        and (turn.problem is not None) == is_resolving
        and bool(turn.missing())
    )
