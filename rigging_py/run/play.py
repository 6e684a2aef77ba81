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
    LimitReached,
    LimitsRaised,
    Migrated,
    ModelFailed,
    ModelResponded,
    ProgramChanged,
    Recovered,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
)

if TYPE_CHECKING:
    from rigging_py.run.machine import AgentRun

_NO_JOURNAL = "the run was stored in format {format}, which kept no journal of what came before"


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def play(run: AgentRun, journal: Journal, upto: int | None = None) -> None:
    """Gives `run` the first `upto` inputs of the journal, or all.

    Raises `ReplayDivergence` at the first that the run does not take, or that leads it elsewhere than it led then.
    """
    count = len(journal) if upto is None else upto
    told = len(run.journal.bodies)
    for at in range(count):
        entry = journal.entries[at]
        # No time is a time too: the driver that gave the entry had none.
        run.stamp(entry.time)
        gone = next((place for place in entry.places() if not 0 <= place < len(journal.bodies)), None)
        if gone is not None:
            raise ReplayDivergence(at, entry, None, [f"messages.{gone}: the journal has only {len(journal.bodies)}"])
        try:
            give(run, journal, entry)
        except ProtocolError as error:
            raise ReplayDivergence(at, entry, error, [str(error)]) from None
        told = check(run, journal, at, told)
    if count == len(journal) and told < len(journal.bodies):
        missing = differences(journal.bodies[told], _NOTHING, f"messages.{told}")
        raise ReplayDivergence(count - 1, journal.bodies[told], None, [*missing])


def check(run: AgentRun, journal: Journal, at: int, told: int) -> int:
    """How many messages there are, `told` of which were compared before.

    Raises `ReplayDivergence` unless the run did at this place what the journal says.
    """
    expected, played = journal.entries[at], run.journal
    actual = played.entries[at] if at < len(played) else None
    said = len(played.bodies)
    is_same = (
        actual is not None
        and len(played) == at + 1
        and (actual.input, actual.state) == (expected.input, expected.state)
        and played.bodies[told:said] == journal.bodies[told:said]
    )
    if not is_same:
        found = list(differences(_shown(expected, journal), _shown(actual, played)))
        for place in range(told, said):
            if place not in expected.places():
                then = journal.bodies[place] if place < len(journal.bodies) else _NOTHING
                found += differences(then, played.bodies[place], f"messages.{place}")
        raise ReplayDivergence(at, expected, actual, found or ["the input was taken as more than one"])
    return said


def give(run: AgentRun, journal: Journal, entry: Entry) -> None:
    """Gives a run the input of an entry."""
    match entry.input:
        case TurnBegan() | LimitReached():
            run.next_step()
        case ModelResponded(feedback=feedback) as said:
            run.model_response(journal.turn(said), feedback=feedback)
        case ModelFailed(failure=failure, retryable=retryable, usage=usage):
            run.model_failed(failure, retryable=retryable, usage=usage)
        case CallResolved(resolution):
            run.resolve_tool_call(resolution)
        case Decided(key, decision, by):
            run.decide(key, decision, by=by)
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
        case ProgramChanged(changes):
            run.recheck(changes)
        case Migrated(format=found):
            raise ReplayDivergence(run.position, entry, None, [_NO_JOURNAL.format(format=found)])
        case _:
            assert_never(entry.input)


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    return ((one.name, getattr(value, one.name)) for one in fields(value))


def _shown(entry: Entry | None, journal: Journal) -> object:
    """An entry without its time, with the messages it names."""
    if entry is None:
        return None
    return {"input": entry.input, "state": entry.state, "messages": journal.messages(entry)}


def differences(expected: object, actual: object, path: str = "") -> Iterator[str]:
    """Where two values differ, one line each, as `path: expected → actual`."""
    old, new = _parts(expected), _parts(actual)
    if old is None or new is None or type(expected) is not type(actual):
        if expected != actual:
            yield f"{path or 'it'}: {_quoted(expected)} → {_quoted(actual)}"
        return
    for name in dict.fromkeys([*old, *new]):
        yield from differences(old.get(name, _NOTHING), new.get(name, _NOTHING), f"{path}.{name}" if path else name)


def _quoted(value: object) -> str:
    # A member of an enumeration is shown as what it says.
    text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 200 else f"{text[:200]}…"


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
