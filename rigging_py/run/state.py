"""Where a run can be, and how far it may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a run is. A turn that is accepted goes on at once, by the rows of `ACCEPTED`, so no run rests there."""

    READY = "Ready"
    AWAITING_MODEL = "AwaitingModel"
    RESOLVING = "Resolving"
    AWAITING_DECISION = "AwaitingDecision"
    EXECUTING_TOOLS = "ExecutingTools"
    DONE = "Done"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How far a run may go; None is no limit.

    `max_turns`: model turns in all. `max_tool_turns`: batches of tool calls. `max_output_retries`: times an answer may
    be refused. `max_call_retries`: times a bad tool call may be sent back with `Retry`. `max_attempts`: tries of one
    call. These count until the run is done; a follow-up begins anew.

    `max_total_tokens`, `max_cost` (in US dollars) and `max_tool_calls` are budgets of the whole run, follow-ups too.
    `deadline` is a time with a zone; the machine has no clock, so its driver says when it has passed.
    """

    max_turns: int = 1
    max_tool_turns: int = 20
    max_output_retries: int = 5
    max_call_retries: int = 3
    max_attempts: int = 1
    max_total_tokens: int | None = None
    max_cost: float | None = None
    max_tool_calls: int | None = None
    deadline: datetime | None = None

    def __post_init__(self) -> None:
        if self.deadline is not None and self.deadline.tzinfo is None:
            raise ValueError(f"A deadline needs a time zone, or it means another moment elsewhere: {self.deadline!r}.")
