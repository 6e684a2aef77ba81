"""Plays a journal: gives a run the inputs that another accepted, and says where the two part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, assert_never, cast

from pydantic import BaseModel

from rigging_py.error import ProtocolError, ReplayDivergence
from rigging_py.run.journal import (
    CallResolved,
    CancelAsked,
    Decided,
    Entry,
    Expired,
    Forked,
    Injected,
    Journal,
    LimitsRaised,
    Migrated,
    ModelFailed,
    ModelResponded,
    Recovered,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
)

if TYPE_CHECKING:
    from rigging_py.run.machine import AgentRun


def play(run: AgentRun, journal: Journal, upto: int | None = None) -> None:
    """Gives `run` the first `upto` inputs of the journal, or all.

    Raises `ReplayDivergence` at the first that the run does not take, or that leads it elsewhere than it led then.
    """
    for at, entry in enumerate(journal.entries[:upto]):
        if entry.time is not None:
            run.stamp(entry.time)
        try:
            give(run, journal, entry)
        except ProtocolError as error:
            raise ReplayDivergence(at, entry, error, [str(error)]) from None
        check(run, journal, at)


def check(run: AgentRun, journal: Journal, at: int) -> None:
    """Raises `ReplayDivergence` unless the run did at this place what the journal says."""
    expected, played = journal.entries[at], run.journal
    actual = played.entries[at] if at < len(played) else None
    found = list(differences(_shown(expected, journal), _shown(actual, played)))
    if found:
        raise ReplayDivergence(at, expected, actual, found)


def give(run: AgentRun, journal: Journal, entry: Entry) -> None:
    """Gives a run the input of an entry."""
    match entry.input:
        case TurnBegan():
            run.next_step()
        case ModelResponded(feedback=feedback) as said:
            run.model_response(journal.turn(said), feedback=feedback)
        case ModelFailed(failure=failure, retryable=retryable, usage=usage):
            run.model_failed(failure, retryable=retryable, usage=usage)
        case CallResolved(resolution):
            run.resolve_tool_call(resolution)
        case Decided(key, decision):
            run.decide(key, decision)
        case ToolStarted(key, arguments):
            run.tool_started(key, arguments)
        case ToolsReturned() as returned:
            run.tool_results(journal.results(returned))
        case Recovered():
            run.recover()
        case Injected(bodies):
            run.inject([journal.bodies[place] for place in bodies])
        case Expired(now):
            run.expire(now)
        case CancelAsked(reason, by):
            run.cancel(reason, by=by)
        case LimitsRaised(limits):
            run.raise_limit(**{name: value for name, value in _fields(limits) if value != getattr(run.limits, name)})
        case Forked(run_id):
            run.rename(run_id)
        case Migrated():
            raise ReplayDivergence(0, entry, None, ["the run was stored in a format that kept no journal"])
        case _:
            assert_never(entry.input)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    return ((one.name, getattr(value, one.name)) for one in fields(value))


def _shown(entry: Entry | None, journal: Journal) -> object:
    """An entry without its time, with the messages it names."""
    if entry is None:
        return None
    bodies = [journal.bodies[place] for place in entry.places()]
    return {"input": entry.input, "state": entry.state, "messages": bodies}


def differences(expected: object, actual: object, path: str = "") -> Iterator[str]:
    """Where two values differ, one line each, as `path: expected → actual`."""
    old, new = _parts(expected), _parts(actual)
    if old is None or new is None:
        if expected != actual:
            yield f"{path or 'it'}: {expected!r:.200} → {actual!r:.200}"
        return
    for name in dict.fromkeys([*old, *new]):
        yield from differences(old.get(name), new.get(name), f"{path}.{name}" if path else name)


def _parts(value: object) -> Mapping[str, object] | None:
    """What a value is made of, by name; None for one that is compared as a whole."""
    if isinstance(value, BaseModel):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return dict(_fields(value))
    if isinstance(value, Mapping):
        return {str(name): one for name, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return {str(index): one for index, one in enumerate(cast("Sequence[object]", value))}
    return None
