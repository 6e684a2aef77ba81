"""The journal: every input that a run accepted, in order, as data that can be stored, read and played again.

Messages are in it by their place among the run's messages, where each stands once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, cast, overload

from pydantic import Field

from rigging_py.message import Message, ModelTurn, StopReason, Usage
from rigging_py.run.causes import FailureRecord
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import Decision, ModelCall, Resolution, ToolResult

T = TypeVar("T")
Place: TypeAlias = Annotated[int, Field(ge=0)]
"""Where a message stands among all messages of the run."""


@dataclass(frozen=True, slots=True)
class TurnBegan:
    """`next_step` began a turn."""

    turn: int
    type: Literal["TurnBegan"] = "TurnBegan"


@dataclass(frozen=True, slots=True)
class LimitReached:
    """`next_step` began no turn, because a limit or a budget is spent."""

    type: Literal["LimitReached"] = "LimitReached"


@dataclass(frozen=True, slots=True)
class ModelResponded:
    """`model_response`: the message at `body`, and the facts of the turn; `feedback` is the driver's own refusal."""

    turn: int
    attempt: int
    body: Place
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    attempts: tuple[Usage, ...] = ()
    feedback: str | None = None
    type: Literal["ModelResponded"] = "ModelResponded"


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """`model_failed`: what happened instead of a turn."""

    turn: int
    attempt: int
    failure: FailureRecord
    retryable: bool = False
    usage: Usage | None = None
    type: Literal["ModelFailed"] = "ModelFailed"


@dataclass(frozen=True, slots=True)
class CallResolved:
    """`resolve_tool_call`."""

    resolution: Resolution
    type: Literal["CallResolved"] = "CallResolved"


@dataclass(frozen=True, slots=True)
class Decided:
    """`decide`; `by` says who decided, where the driver said so."""

    key: str
    decision: Decision
    by: str = ""
    type: Literal["Decided"] = "Decided"


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """`tool_started`, with other arguments where the driver gave some."""

    key: str
    arguments: dict[str, Any] | None = None
    type: Literal["ToolStarted"] = "ToolStarted"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The result of a call: the message at `body`, and whether it ends the run."""

    key: str
    body: Place
    error: bool = False
    stop: bool = False


@dataclass(frozen=True, slots=True)
class ToolsReturned:
    """`tool_results`."""

    results: tuple[StoredResult, ...]
    type: Literal["ToolsReturned"] = "ToolsReturned"


@dataclass(frozen=True, slots=True)
class Recovered:
    """`recover`."""

    type: Literal["Recovered"] = "Recovered"


@dataclass(frozen=True, slots=True)
class Injected:
    """`inject`: the messages at `bodies`."""

    bodies: tuple[Place, ...]
    type: Literal["Injected"] = "Injected"


@dataclass(frozen=True, slots=True)
class Expired:
    """`expire`: the deadline had passed at `now`."""

    now: datetime
    type: Literal["Expired"] = "Expired"


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """`cancel`."""

    reason: str
    by: str = ""
    type: Literal["CancelAsked"] = "CancelAsked"


@dataclass(frozen=True, slots=True)
class LimitsRaised:
    """`raise_limit`: the limits from then on."""

    limits: RunLimits
    type: Literal["LimitsRaised"] = "LimitsRaised"


@dataclass(frozen=True, slots=True)
class Forked:
    """`fork`: from here on the run goes by another id."""

    run_id: str
    type: Literal["Forked"] = "Forked"


@dataclass(frozen=True, slots=True)
class ProgramChanged:
    """`recheck`: from here on the run goes by another program; each of `changes` says how it differs."""

    changes: tuple[str, ...]
    type: Literal["ProgramChanged"] = "ProgramChanged"


@dataclass(frozen=True, slots=True)
class Migrated:
    """The run was stored in an older format, which kept no journal: these calls were made before."""

    format: int
    calls: tuple[ModelCall, ...] = ()
    type: Literal["Migrated"] = "Migrated"


Input: TypeAlias = Annotated[
    TurnBegan
    | LimitReached
    | ModelResponded
    | ModelFailed
    | CallResolved
    | Decided
    | ToolStarted
    | ToolsReturned
    | Recovered
    | Injected
    | Expired
    | CancelAsked
    | LimitsRaised
    | Forked
    | ProgramChanged
    | Migrated,
    Field(discriminator="type"),
]
"""An input that a run accepted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An input, the state it led to, and the time that the driver gave, if it gave one."""

    input: Input
    state: State
    time: datetime | None = None

    def places(self) -> tuple[int, ...]:
        """The places of the messages that it names."""
        match self.input:
            case ModelResponded(body=body):
                return (body,)
            case ToolsReturned(results):
                return tuple(one.body for one in results)
            case Injected(bodies):
                return bodies
            case _:
                return ()


class Prefix(Sequence[T]):
    """A list as long as it is now; nothing is copied, so the list may only grow."""

    __slots__ = ("_length", "_whole")

    def __init__(self, whole: list[T]) -> None:
        self._whole, self._length = whole, len(whole)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        places = range(self._length)[index]
        return self._whole[places] if isinstance(places, int) else [self._whole[place] for place in places]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._whole, self._length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and [*self] == [*cast("Sequence[object]", other)]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr([*self])


@dataclass(frozen=True, slots=True)
class Journal(Sequence[Entry]):
    """What happened in a run: how it began, and every input since. It is whole by itself, and does not grow."""

    run_id: str
    """The name the run had when it began."""
    limits: RunLimits
    """The limits it had when it began."""
    given: int
    """How many of `bodies`, from the first, the run began with."""
    bodies: Sequence[Message]
    """Every message of the run, also those that were refused or are not in its history yet."""
    entries: Sequence[Entry]

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self.entries[index]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def turn(self, said: ModelResponded) -> ModelTurn:
        """The turn that the model gave."""
        return ModelTurn(self.bodies[said.body], said.stop_reason, said.usage, said.extra, said.attempts)

    def last_turn(self) -> ModelTurn | None:
        """What the model said last."""
        said = next((one.input for one in reversed(self) if isinstance(one.input, ModelResponded)), None)
        return self.turn(said) if said is not None else None

    def results(self, returned: ToolsReturned) -> list[tuple[str, ToolResult]]:
        """The results that the tools gave, by key."""
        return [(one.key, self._result(one)) for one in returned.results]

    def messages(self, entry: Entry) -> list[Message]:
        """The messages that an entry names."""
        return [self.bodies[place] for place in entry.places()]

    def _result(self, stored: StoredResult) -> ToolResult:
        message = self.bodies[stored.body]
        # The message is marked anew when the result is given again.
        metadata = {name: value for name, value in message.metadata.items() if not (stored.error and name == "error")}
        return ToolResult(tuple(message.content_parts), stored.error, stored.stop, metadata)


def model_calls(entries: Sequence[Entry]) -> Iterator[ModelCall]:
    """Every call of the model, with those that a generator had to make again by itself."""
    for entry in entries:
        match entry.input:
            case ModelResponded(turn=turn, attempt=attempt) as said:
                for usage in said.attempts:
                    yield ModelCall(turn, attempt, usage, failure="Retried")
                yield ModelCall(turn, attempt, said.usage, said.stop_reason)
            case ModelFailed(turn=turn, attempt=attempt) as failed:
                yield ModelCall(turn, attempt, failed.usage, failure=failed.failure.kind)
            case Migrated(calls=calls):
                yield from calls
            case _:
                pass
