"""Where a run can be, and how far it may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Any


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
        if self.max_cost is not None and not isfinite(self.max_cost):
            raise ValueError(f"max_cost is a number of dollars, or None for no limit; not {self.max_cost!r}.")
        if self.deadline is not None and self.deadline.tzinfo is None:
            raise ValueError(f"A deadline needs a time zone, or it means another moment elsewhere: {self.deadline!r}.")

    def raised(self, higher: Mapping[str, Any]) -> RunLimits | None:
        """These limits with `higher` ones among them, by name; None when one of those is not higher, or no limit."""
        old = {one.name: getattr(self, one.name) for one in fields(self)}
        if not all(name in old and _is_higher(value, old[name], name) for name, value in higher.items()):
            return None
        return replace(self, **higher)


_BUDGETS = ("max_total_tokens", "max_cost", "max_tool_calls", "deadline")


def _is_higher(new: Any, old: Any, name: str) -> bool:
    if old is None or new is None:
        return old is not None and name in _BUDGETS
    is_of_kind = isinstance(new, int | float if name == "max_cost" else type(old))
    return is_of_kind and getattr(new, "tzinfo", old) is not None and bool(new > old)
