"""The data of a run: everything the machine remembers, and nothing that is code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from rigging_py.message import Message, StopReason, Usage
from rigging_py.run.causes import Cause, Problem
from rigging_py.run.steps import ModelCall, PendingToolCall, ToolResult


class State(StrEnum):
    """Where a run is. A turn that is accepted goes on at once, by the rows of `ACCEPTED`, so no run rests there."""

    READY = "Ready"
    AWAITING_MODEL = "AwaitingModel"
    RESOLVING = "Resolving"
    EXECUTING_TOOLS = "ExecutingTools"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How far a run may go. Counters run per run and are never reset.

    `max_turns`: model turns in all. `max_tool_turns`: batches of tool calls. `max_output_retries`: times an answer may
    be refused. `max_call_retries`: times a bad tool call may be sent back with `Retry`. `max_attempts`: tries of one
    call.
    """

    max_turns: int = 1
    max_tool_turns: int = 20
    max_output_retries: int = 5
    max_call_retries: int = 3
    max_attempts: int = 1


@dataclass(slots=True)
class PendingTurn:
    """An assistant turn whose calls are not all answered; it is no part of the history yet.

    `scanned` calls, from the left, are known to be executable or answered; `problem` is what is wrong with the next.
    """

    message: Message
    stop_reason: StopReason
    calls: list[PendingToolCall] = field(default_factory=list[PendingToolCall])
    results: dict[str, ToolResult] = field(default_factory=dict[str, ToolResult])
    scanned: int = 0
    problem: Problem | None = None

    def missing(self) -> tuple[PendingToolCall, ...]:
        """The calls without a result, in call order."""
        return tuple(call for call in self.calls if call.key not in self.results)

    def answering(self, call: PendingToolCall, text: str, *, error: bool = True) -> PendingTurn:
        """This turn with the result of one call in it."""
        return replace(self, results={**self.results, call.key: ToolResult(text, error)})


@dataclass(slots=True)
class RunState:
    """The whole memory of a run. `given` counts the messages it began with.

    `refused` names the messages of answers that were not what was asked for, and of what was said about them.
    """

    run_id: str
    limits: RunLimits
    messages: list[Message]
    given: int
    state: State = State.READY
    turn: int = 0
    attempt: int = 0
    tool_turns: int = 0
    output_retries: int = 0
    call_retries: int = 0
    usage: Usage = field(default_factory=Usage)
    calls: list[ModelCall] = field(default_factory=list[ModelCall])
    refused: list[UUID] = field(default_factory=list[UUID])
    pending: PendingTurn | None = None
    cause: Cause | None = None
