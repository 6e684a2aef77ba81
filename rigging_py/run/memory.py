"""What the machine remembers of a run, and nothing that is code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rigging_py.message import Message, StopReason, Usage
from rigging_py.run.causes import Cause, Problem
from rigging_py.run.journal import Entry
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import DecisionRequest, Overrides, PendingToolCall, Truncation, Why


@dataclass(frozen=True, slots=True)
class Answered:
    """The result of a call, as the message that the model will read."""

    message: Message
    error: bool = False
    stop: bool = False


@dataclass(slots=True)
class PendingTurn:
    """An assistant turn whose calls are not all answered; it is no part of the history yet.

    `scanned` calls, from the left, are known to be executable or answered; `problem` is what is wrong with the next.
    `undecided` calls wait for a decision, `decided` ones have it, `started` ones were begun and have no result.
    """

    message: Message
    stop_reason: StopReason
    calls: list[PendingToolCall] = field(default_factory=list[PendingToolCall])
    results: dict[str, Answered] = field(default_factory=dict[str, Answered])
    scanned: int = 0
    problem: Problem | None = None
    undecided: dict[str, Why] = field(default_factory=dict[str, Why])
    decided: tuple[str, ...] = ()
    started: tuple[str, ...] = ()

    def missing(self) -> tuple[PendingToolCall, ...]:
        """The calls without a result, in call order."""
        return tuple(call for call in self.calls if call.key not in self.results)

    def executable(self) -> tuple[PendingToolCall, ...]:
        """The calls that can be executed now, in call order."""
        return tuple(call for call in self.missing() if call.key not in self.undecided)

    def requests(self) -> tuple[DecisionRequest, ...]:
        """The calls that wait for a decision, in call order."""
        return tuple(
            DecisionRequest(call, self.undecided[call.key]) for call in self.calls if call.key in self.undecided
        )

    def looked_at(self) -> tuple[PendingToolCall, Problem]:
        """The call that the scan stopped at, and what is wrong with it."""
        assert self.problem is not None
        return self.calls[self.scanned], self.problem

    def answering(self, results: dict[str, Answered]) -> PendingTurn:
        """This turn with the results of some calls in it."""
        started = tuple(key for key in self.started if key not in results)
        undecided = {key: why for key, why in self.undecided.items() if key not in results}
        return replace(self, results={**self.results, **results}, started=started, undecided=undecided)


@dataclass(slots=True)
class RunState:
    """The whole memory of a run.

    `messages` is the history, and `bodies` every message there ever was; `given` counts those it began with. `refused`
    names the messages of answers that were not what was asked for, and of what was said about them. `waiting` messages
    were injected and join the history before the next call. `turn` goes on through follow-ups and names calls; the
    counters after it begin anew with each.
    """

    run_id: str
    limits: RunLimits
    begun_with: RunLimits
    begun_as: str
    messages: list[Message]
    given: int
    bodies: list[Message]
    state: State = State.READY
    turn: int = 0
    attempt: int = 0
    turns: int = 0
    tool_turns: int = 0
    output_retries: int = 0
    call_retries: int = 0
    cuts: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=lambda: Usage(cost=0.0))
    refused: list[int] = field(default_factory=list[int])
    waiting: list[Message] = field(default_factory=list[Message])
    journal: list[Entry] = field(default_factory=list[Entry])
    pending: PendingTurn | None = None
    cause: Cause | None = None
    prefix: str = ""
    overrides: Overrides | None = None
    truncation: Truncation = ""
    places: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        if not self.places:
            self.places = {id(message): place for place, message in enumerate(self.bodies)}

    def place(self, message: Message) -> int:
        """Where a message stands among `bodies`, at their end when it is new."""
        place = self.places.setdefault(id(message), len(self.bodies))
        if place == len(self.bodies):
            self.bodies.append(message)
        return place
