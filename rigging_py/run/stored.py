"""The stored form of a run: plain data with a format number, checked when it is read.

Format 1 is promised for ever: every later release reads it. What only grows is in lists (`bodies`, `history`,
`refused`, `journal`), where a message stands once and is named by its place; the rest is in `head`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from rigging_py.error import StateFormatError
from rigging_py.message import Message, StopReason, Usage
from rigging_py.run.calls import read_calls
from rigging_py.run.causes import Cause, Problem
from rigging_py.run.journal import Entry, StoredResult
from rigging_py.run.memory import Answered, PendingTurn, RunState
from rigging_py.run.migrations import MIGRATIONS
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import Overrides, Truncation, Why

FORMAT = 1
"""The format this release writes."""
KIND = "rigging_py.run"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A pending turn; its calls are read from its message again."""

    body: int
    stop_reason: StopReason
    results: tuple[StoredResult, ...]
    scanned: int
    problem: Problem | None
    undecided: dict[str, Why]
    decided: tuple[str, ...]
    started: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What of a run is written anew each time. `waiting` are places of messages."""

    run_id: str
    limits: RunLimits
    begun_with: RunLimits
    begun_as: str
    given: int
    state: State
    turn: int
    attempt: int
    turns: int
    tool_turns: int
    output_retries: int
    call_retries: int
    cuts: int
    tool_calls: int
    usage: Usage
    waiting: tuple[int, ...]
    pending: StoredTurn | None
    cause: Cause | None
    prefix: str
    overrides: Overrides | None
    truncation: Truncation


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A stored run."""

    format: int
    kind: str
    fingerprint: dict[str, str]
    head: Head
    bodies: list[Message]
    history: list[int]
    refused: list[UUID]
    journal: list[Entry]


_AS_THEY_ARE = (
    "run_id",
    "limits",
    "begun_with",
    "begun_as",
    "given",
    "state",
    "turn",
    "attempt",
    "turns",
    "tool_turns",
    "output_retries",
    "call_retries",
    "cuts",
    "tool_calls",
    "usage",
    "cause",
    "prefix",
    "overrides",
    "truncation",
)
LISTS = ("bodies", "history", "refused", "journal")
"""The parts that only grow."""


@cache
def stored_adapter() -> TypeAdapter[StoredRun]:
    """Reads and writes format 1."""
    return TypeAdapter(StoredRun)


def json_schema() -> dict[str, Any]:
    """The JSON schema of format 1."""
    return stored_adapter().json_schema(mode="serialization")


def write_state(run: RunState, fingerprint: Mapping[str, str], since: Mapping[str, int]) -> dict[str, Any]:
    """`run` as JSON-safe data; of a list that had a length before, only what is new.

    Metadata that JSON has no form for is written as its `repr`.
    """
    begin = {name: since.get(name, 0) for name in LISTS}
    state = StoredRun(
        format=FORMAT,
        kind=KIND,
        fingerprint=dict(fingerprint),
        head=_head(run),
        bodies=run.bodies[begin["bodies"] :],
        history=[run.places[id(message)] for message in run.messages[begin["history"] :]],
        refused=run.refused[begin["refused"] :],
        journal=run.journal[begin["journal"] :],
    )
    return cast("dict[str, Any]", stored_adapter().dump_python(state, mode="json", by_alias=True, fallback=repr))


def _head(run: RunState) -> Head:
    own = {name: getattr(run, name) for name in _AS_THEY_ARE}
    waiting = tuple(run.places[id(message)] for message in run.waiting)
    return Head(**own, waiting=waiting, pending=_stored_turn(run, run.pending) if run.pending is not None else None)


def _stored_turn(run: RunState, turn: PendingTurn) -> StoredTurn:
    results = tuple(
        StoredResult(key, run.places[id(one.message)], one.error, one.stop) for key, one in turn.results.items()
    )
    body = run.places[id(turn.message)]
    return StoredTurn(
        body, turn.stop_reason, results, turn.scanned, turn.problem, turn.undecided, turn.decided, turn.started
    )


def read_state(state: Mapping[str, Any]) -> tuple[RunState, dict[str, str]]:
    """The run in `state` and the fingerprint of its program.

    Raises `StateFormatError` for anything else than a whole run of a known format.
    """
    if not isinstance(state, Mapping) or state.get("kind") != KIND:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise StateFormatError(f"This is not a stored run: its kind is not {KIND!r}.", supported=_formats())
    found = state.get("format")
    if found not in _formats() or isinstance(found, bool):
        known = ", ".join(map(str, _formats()))
        problem = f"The run was stored in format {found!r}; this release reads the formats {known}"
        raise StateFormatError(f"{problem}. Use the release that wrote it.", found=found, supported=_formats())
    try:
        for number in range(cast("int", found), FORMAT):
            state = MIGRATIONS[number](state)
        stored = stored_adapter().validate_python(state)
        run = _run(stored)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _damaged(found, f" at {'.'.join(map(str, first['loc']))!r}: {first['msg']}") from None
    except (LookupError, TypeError, AttributeError) as error:
        raise _damaged(found, f": {type(error).__name__}, {error}") from None
    if (flaw := _flaw(run)) is not None:
        raise _damaged(found, f": {flaw}")
    return run, stored.fingerprint


def _formats() -> tuple[int, ...]:
    return (*MIGRATIONS, FORMAT)


def _damaged(found: object, how: str) -> StateFormatError:
    return StateFormatError(f"The stored run is damaged{how}.", found=found, supported=_formats())


def _run(stored: StoredRun) -> RunState:
    head, bodies = stored.head, stored.bodies
    own = {name: getattr(head, name) for name in _AS_THEY_ARE}
    return RunState(
        **own,
        bodies=bodies,
        messages=[_at(bodies, place) for place in stored.history],
        waiting=[_at(bodies, place) for place in head.waiting],
        refused=stored.refused,
        journal=stored.journal,
        pending=_pending(head, head.pending, bodies) if head.pending is not None else None,
    )


def _pending(head: Head, turn: StoredTurn, bodies: list[Message]) -> PendingTurn:
    message = _at(bodies, turn.body)
    calls = read_calls(head.run_id, head.turn, message.tool_calls or ())
    results = {one.key: Answered(_at(bodies, one.body), one.error, one.stop) for one in turn.results}
    return PendingTurn(
        message,
        turn.stop_reason,
        calls,
        results,
        turn.scanned,
        turn.problem,
        turn.undecided,
        turn.decided,
        turn.started,
    )


def _at(bodies: list[T], place: int) -> T:
    if place < 0:
        raise LookupError(f"there is no message {place}")
    return bodies[place]


_PENDING = (State.RESOLVING, State.AWAITING_DECISION, State.EXECUTING_TOOLS)


def _flaw(run: RunState) -> str | None:
    """What holds for no run that was dumped, and holds for this one."""
    is_pending = run.state in _PENDING
    places = [place for entry in run.journal for place in entry.places()]
    flaws = {
        "messages it began with are missing": not 0 < run.given <= len(run.messages)
        or run.messages[: run.given] != run.bodies[: run.given],
        "its journal names messages that are not there": not all(0 <= place < len(run.bodies) for place in places),
        "its state and its cause do not fit": (run.cause is not None) != (run.state is State.FAILED),
        "its state and its pending turn do not fit": (run.pending is not None) != is_pending,
        "its pending turn and its calls do not fit": run.pending is not None and not _fits(run.pending, run.state),
    }
    return next((flaw for flaw, is_there in flaws.items() if is_there), None)


def _fits(turn: PendingTurn, state: State) -> bool:
    keys = {call.key for call in turn.calls}
    is_resolving = state is State.RESOLVING
    return (
        {*turn.results, *turn.undecided, *turn.decided, *turn.started} <= keys
        and not turn.results.keys() & {*turn.undecided, *turn.started}
        and 0 <= turn.scanned <= len(turn.calls) - is_resolving
        and (turn.problem is not None) == is_resolving
        and bool(turn.undecided if state is State.AWAITING_DECISION else turn.missing())
    )
