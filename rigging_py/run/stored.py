"""The stored form of a run: plain data with a format number, checked when it is read.

Format 1 is promised for ever: every later release reads it. A later release may add fields, which this one ignores;
anything else that changes needs another number. What only grows is in lists (`LISTS`), where a message stands once and
is named by its place; the rest is in `head`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from rigging_py.error import StateFormatError
from rigging_py.message import Message, StopReason, Usage
from rigging_py.run.calls import read_calls
from rigging_py.run.causes import Cause, Problem
from rigging_py.run.journal import Entry, Place, StoredResult
from rigging_py.run.memory import Answered, PendingTurn, RunState
from rigging_py.run.migrations import MIGRATIONS
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import Overrides, Truncation, Why

FORMAT: Final = 1
"""The format this release writes."""
KIND: Final = "rigging_py.run"
LISTS = ("bodies", "history", "refused", "journal")
"""The parts that only grow."""

Count = Annotated[int, Field(ge=0)]
_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn of the model whose tool calls are not all answered; it is not in the history yet.

    Its calls are those of its message. The key of each is `run_id/turn/index`, with the values of `head`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _DESCRIBED

    body: Place
    """The place of its message."""
    stop_reason: StopReason
    results: tuple[StoredResult, ...]
    """The results that are there, in the order they came."""
    scanned: Count
    """So many calls, from the left, can be executed or have a result."""
    problem: Problem | None
    """What is wrong with the next, in the state Resolving."""
    undecided: dict[str, Why]
    """The keys that wait for a decision, and why."""
    decided: tuple[str, ...]
    """The keys about which somebody decided."""
    started: tuple[str, ...]
    """The keys whose execution began, and that have no result."""


@dataclass(frozen=True, slots=True)
class Begun:
    """How the run began."""

    __pydantic_config__: ClassVar[ConfigDict] = _DESCRIBED

    run_id: str
    limits: RunLimits
    given: Annotated[int, Field(ge=1)]
    """The first so many bodies were given to it, and are the beginning of its history."""


@dataclass(frozen=True, slots=True)
class Head:
    """What of a run is written anew each time."""

    __pydantic_config__: ClassVar[ConfigDict] = _DESCRIBED

    run_id: str
    begun: Begun
    limits: RunLimits
    """How far it may go now."""
    state: State
    turn: Count
    """Turns of the model begun; it is part of the keys of calls."""
    attempt: Count
    """Which try of the present call this is, from 1."""
    turns: Count
    """Turns begun since the last follow-up. The counters up to `cuts` count since then."""
    tool_turns: Count
    output_retries: Count
    call_retries: Count
    cuts: Count
    """Answers that the token limit cut, and that were asked for again."""
    tool_calls: Count
    """Tool calls taken for execution, over the whole run."""
    usage: Usage
    """Sum over every call of the model."""
    waiting: tuple[Place, ...]
    """Messages that join the history before the next turn."""
    pending: StoredTurn | None
    cause: Cause | None
    """Why the run failed, in the state Failed."""
    prefix: str
    """What the model has said already, where its next turn goes on from a cut one."""
    overrides: Overrides | None
    truncation: Truncation


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A stored run of rigging_py. A reader ignores fields that it does not know, and refuses what it must know."""

    __pydantic_config__: ClassVar[ConfigDict] = _DESCRIBED

    format: Literal[1]
    kind: Literal["rigging_py.run"]
    requires: list[str]
    """What a reader must know to go on with the run, by name; none of it in the first releases."""
    fingerprint: dict[str, str]
    """A hash of each part of the program, by which it is known again."""
    head: Head
    bodies: list[Message]
    """Every message there ever was, in the order they came; all else names messages by their place here."""
    history: list[Place]
    """The conversation."""
    refused: list[Place]
    """What of it are answers that were not what was asked for, and what was said about them."""
    journal: list[Entry]
    """Every input that the run accepted, in order."""


_AS_THEY_ARE = tuple(one.name for one in fields(Head) if one.name not in ("begun", "waiting", "pending"))


@cache
def stored_adapter() -> TypeAdapter[StoredRun]:
    """Reads and writes format 1."""
    return TypeAdapter(StoredRun)


class _EveryFieldRequired(GenerateJsonSchema):
    """The schema of what is written: no field is left out but those that came later."""

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: ARG002
    ) -> bool:
        is_later = any(field.get("name") in names for names in _LATER.values())
        # What a message has only now and then, such as slices, is left out where it is not there.
        return not is_later and "serialization_exclude_if" not in field


def json_schema() -> dict[str, Any]:
    """The JSON schema of format 1."""
    schema = stored_adapter().json_schema(mode="serialization", schema_generator=_EveryFieldRequired)
    return {"$schema": GenerateJsonSchema.schema_dialect, "title": "A stored run, format 1", **_terse(schema)}


def _terse(schema: Any) -> Any:
    """A schema without the titles that only say a name again, and without the defaults of what is never left out."""
    if isinstance(schema, list):
        return [_terse(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept = {name: one for name, one in cast("dict[str, Any]", schema).items() if name not in ("title", "default")}
    # What stands here are names of fields, of which one may be called a title.
    named = {name: _terse(one) for name, one in kept.pop("properties", {}).items()}
    terse = {name: _terse(one) for name, one in kept.items()}
    return {**terse, "properties": named} if named else terse


# Writing.


def write_state(run: RunState, fingerprint: Mapping[str, str], since: Mapping[str, int]) -> dict[str, Any]:
    """`run` as JSON-safe data; of a list that had a length before, only what is new.

    Metadata that JSON has no form for is written as its `repr`, and a number that is none as null.
    """
    begin = {name: since.get(name, 0) for name in LISTS}
    state = StoredRun(
        FORMAT,
        KIND,
        [],
        dict(fingerprint),
        _head(run),
        run.bodies[begin["bodies"] :],
        [run.places[id(message)] for message in run.messages[begin["history"] :]],
        run.refused[begin["refused"] :],
        run.journal[begin["journal"] :],
    )
    try:
        return _plain(state)
    except UnicodeDecodeError:
        # Somewhere in what others gave are bytes, which pydantic takes for text.
        return _plain(_without_bytes(state))


def _plain(state: StoredRun) -> dict[str, Any]:
    return cast("dict[str, Any]", stored_adapter().dump_python(state, mode="json", by_alias=True, fallback=repr))


def _head(run: RunState) -> Head:
    own = {name: getattr(run, name) for name in _AS_THEY_ARE}
    return Head(
        **own,
        begun=Begun(run.begun_as, run.begun_with, run.given),
        waiting=tuple(run.places[id(message)] for message in run.waiting),
        pending=_stored_turn(run, run.pending) if run.pending is not None else None,
    )


def _stored_turn(run: RunState, turn: PendingTurn) -> StoredTurn:
    results = tuple(
        StoredResult(key, run.places[id(one.message)], one.error, one.stop) for key, one in turn.results.items()
    )
    body = run.places[id(turn.message)]
    return StoredTurn(
        body, turn.stop_reason, results, turn.scanned, turn.problem, turn.undecided, turn.decided, turn.started
    )


def _without_bytes(state: StoredRun) -> StoredRun:
    bodies = [body.shell() for body in state.bodies]
    for body in bodies:
        body.metadata = cast("dict[str, Any]", _shown(body.metadata))
        for one in body.slices:
            one.metadata = cast("dict[str, Any]", _shown(one.metadata))
    return replace(state, bodies=bodies, journal=cast("list[Entry]", _shown(state.journal)))


def _shown(value: object) -> object:
    """The value with bytes, at any depth, as their `repr`."""
    if isinstance(value, bytes | bytearray):
        return repr(value)
    if isinstance(value, Mapping):
        return {_shown(name): _shown(one) for name, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(one) for one in cast("Iterable[object]", value)]
    if isinstance(value, Entry):
        return replace(value, input=_shown(value.input))  # type: ignore[arg-type]
    if is_dataclass(value) and not isinstance(value, type):
        held = ("extra", "arguments")
        return replace(value, **{name: _shown(getattr(value, name)) for name in held if hasattr(value, name)})
    return value


# Reading.


def read_state(state: Mapping[str, Any]) -> tuple[RunState, dict[str, str]]:
    """The run in `state` and the fingerprint of its program.

    Raises `StateFormatError` for anything else than a whole run of a known format.
    """
    if not isinstance(state, Mapping) or state.get("kind") != KIND:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise StateFormatError(f"This is not a stored run: its kind is not {KIND!r}.", supported=_formats())
    found = state.get("format")
    if type(found) is not int or found not in _formats():
        known = ", ".join(map(str, _formats()))
        problem = f"The run was stored in format {found!r}; this release reads the formats {known}"
        raise StateFormatError(f"{problem}. Use the release that wrote it.", found=found, supported=_formats())
    try:
        for number in range(found, FORMAT):
            state = MIGRATIONS[number](state)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        # A migration looks at nothing before it takes it.
        raise _damaged(found, f"{type(error).__name__}, {error}") from None
    flaw = _lacking_in_bodies(state)
    if flaw is not None:
        raise _damaged(found, flaw)
    try:
        stored = stored_adapter().validate_python(state)
    except ValidationError as error:
        raise _damaged(found, _first(error)) from None
    if stored.requires:
        unknown = f"The run needs {', '.join(stored.requires)}, of which this release knows nothing"
        problem = f"{unknown}, so it would go on without. Use the release that stored it."
        raise StateFormatError(problem, found=found, supported=_formats())
    flaw = _lacking(state, stored) or _flaw(stored)
    if flaw is not None:
        raise _damaged(found, flaw)
    run = _run(stored)
    flaw = _turn_flaw(run)
    if flaw is not None:
        raise _damaged(found, flaw)
    return run, stored.fingerprint


def _formats() -> tuple[int, ...]:
    return (*MIGRATIONS, FORMAT)


def _damaged(found: object, how: str) -> StateFormatError:
    return StateFormatError(f"The stored run is damaged: {how}.", found=found, supported=_formats())


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where; it quotes nothing of what was said."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join("content" if name == "content_parts" else str(name) for name in first["loc"])
    return f"at {place!r}: {_UNION.get(first['type'], first['msg'])}"


# The words of these quote what was found.
_UNION = {"union_tag_invalid": "its type is unknown", "union_tag_not_found": "its type is missing"}


def _run(stored: StoredRun) -> RunState:
    head, bodies = stored.head, stored.bodies
    own = {name: getattr(head, name) for name in _AS_THEY_ARE}
    return RunState(
        **own,
        begun_as=head.begun.run_id,
        begun_with=head.begun.limits,
        given=head.begun.given,
        bodies=bodies,
        messages=[bodies[place] for place in stored.history],
        waiting=[bodies[place] for place in head.waiting],
        refused=stored.refused,
        journal=stored.journal,
        pending=_pending(head, head.pending, bodies) if head.pending is not None else None,
    )


def _pending(head: Head, turn: StoredTurn, bodies: list[Message]) -> PendingTurn:
    message = bodies[turn.body]
    return PendingTurn(
        message,
        turn.stop_reason,
        read_calls(head.run_id, head.turn, message.tool_calls or ()),
        {one.key: Answered(bodies[one.body], one.error, one.stop) for one in turn.results},
        turn.scanned,
        turn.problem,
        turn.undecided,
        turn.decided,
        turn.started,
    )


# What is missing. The defaults of a new run would do for it, and be wrong.


def _lacking_in_bodies(state: Mapping[str, Any]) -> str | None:
    bodies = state.get("bodies")
    if not isinstance(bodies, list):
        return "at 'bodies': there is no list of messages"
    for place, body in enumerate(cast("list[object]", bodies)):
        if not isinstance(body, Mapping):
            return f"at 'bodies.{place}': this is no message"
        missing = next((name for name in ("uuid", "role", "content") if name not in body), None)
        if missing is not None:
            return f"at 'bodies.{place}.{missing}': Field required"
    return None


def _lacking(raw: Mapping[str, Any], stored: StoredRun) -> str | None:
    """The first field of the head and the journal that was read as its default because it is not there."""
    for name in ("head", "journal"):
        path = _absent(raw[name], getattr(stored, name))
        if path is not None:
            return f"at '{name}{path}': Field required"
    return None


_PLAIN = frozenset({str, int, bool, float, dict, type(None), State, Usage, datetime})


def _absent(raw: Any, value: object) -> str | None:
    """The path of the first field that is not there. No path is made before: this looks at every entry of a journal."""
    kind = type(value)
    if kind is tuple or kind is list:
        for place, one in enumerate(cast("Sequence[object]", value)):
            if type(one) not in _PLAIN and (path := _absent(raw[place], one)) is not None:
                return f".{place}{path}"
        return None
    names = _names(cast("Hashable", kind))
    if not raw.keys() >= names:
        return f".{min(names - raw.keys())}"
    for name in names:
        one = getattr(value, name)
        if type(one) not in _PLAIN and (path := _absent(raw[name], one)) is not None:
            return f".{name}{path}"
    return None


_LATER: Mapping[type, frozenset[str]] = {}
"""Fields that came after format 1 was frozen, by class: where one is missing its default is meant."""


@cache
def _names(kind: Hashable) -> frozenset[str]:
    """The fields that a class has in every stored run."""
    names = fields(kind) if isinstance(kind, type) and is_dataclass(kind) else ()
    return frozenset(one.name for one in names if one.name not in _LATER.get(cast("type", kind), ()))


# What holds for no run that was stored, and holds for this one.


def _flaw(stored: StoredRun) -> str | None:
    head, count = stored.head, len(stored.bodies)
    given = head.begun.given
    is_failed, is_pending = head.state is State.FAILED, head.state in _PENDING
    flaws: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("messages it began with are missing", lambda: stored.history[:given] != list(range(given))),
        ("it names messages that are not there", lambda: max(_places(stored), default=0) >= count),
        ("a message is in its history twice", lambda: len({*stored.history, *head.waiting}) < _said(stored)),
        ("its refused messages are not in its history", lambda: not {*stored.refused} <= {*stored.history}),
        ("its state and its cause do not fit", lambda: (head.cause is not None) != is_failed),
        ("its state and its pending turn do not fit", lambda: (head.pending is not None) != is_pending),
        ("its state and its turn do not fit", lambda: head.state in _BEGUN and not (head.turn and head.attempt)),
        ("it has begun more turns than there were", lambda: head.turns > head.turn),
    )
    return next((flaw for flaw, is_there in flaws if is_there()), None)


_PENDING = (State.RESOLVING, State.AWAITING_DECISION, State.EXECUTING_TOOLS)
_BEGUN = (State.AWAITING_MODEL, *_PENDING)


def _places(stored: StoredRun) -> list[int]:
    """Every place that is named."""
    pending = stored.head.pending
    of_turn = [pending.body, *(one.body for one in pending.results)] if pending is not None else []
    of_journal = [place for entry in stored.journal for place in entry.places()]
    return [*stored.history, *stored.refused, *stored.head.waiting, *of_turn, *of_journal]


def _said(stored: StoredRun) -> int:
    return len(stored.history) + len(stored.head.waiting)


def _turn_flaw(run: RunState) -> str | None:
    fits = run.pending is None or _fits(run.pending, run.state)
    return None if fits else "its pending turn and its calls do not fit"


def _fits(turn: PendingTurn, state: State) -> bool:
    keys = {call.key for call in turn.calls}
    is_resolving = state is State.RESOLVING
    return (
        turn.message.role == "assistant"
        and {*turn.results, *turn.undecided, *turn.decided, *turn.started} <= keys
        and not turn.results.keys() & {*turn.undecided, *turn.started}
        and 0 <= turn.scanned <= len(turn.calls) - is_resolving
        and (turn.problem is not None) == is_resolving
        and bool(turn.undecided if state is State.AWAITING_DECISION else turn.missing())
    )
