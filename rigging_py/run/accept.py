"""What becomes of an accepted turn: the first rule of `ACCEPTED` that holds decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from rigging_py.run.calls import scan
from rigging_py.run.causes import Cause, FailureRecord, MaxTurns, OutputInvalid, ProviderFailure, Truncated
from rigging_py.run.history import last_answer, says_anything
from rigging_py.run.program import Feedback, OutputSpec, Program
from rigging_py.run.state import PendingTurn, RunState, State

ADVICE_CUT = "The answer reached the token limit before it was complete; raise max_tokens or ask for less."
ADVICE_FILTERED = "A content filter withheld the answer; rephrase, or ask another model."
ENDED_BY_TOOL = "A tool ended the run before the answer that was asked for was given."

Then: TypeAlias = Literal["execute", "retry", "fail", "finish"]
"""What is done with an accepted turn."""

_TO: Mapping[Then, tuple[State, ...]] = {
    "execute": (State.EXECUTING_TOOLS, State.READY),
    "retry": (State.READY,),
    "fail": (State.FAILED,),
    "finish": (State.DONE,),
}


@dataclass
class Verdict:
    """A turn under judgement, and the `row` that holds for it.

    What the turn's text is worth is found out once, when a rule first asks.
    """

    run: RunState
    turn: PendingTurn
    output: OutputSpec | None
    row: Accepted = field(init=False)

    def __post_init__(self) -> None:
        self.row = next(row for row in ACCEPTED if row.when(self))

    @cached_property
    def value(self) -> object:
        """The value of the text, or `Feedback`."""
        return self.output.check(self.turn.message.content) if self.output else self.turn.message.content

    @property
    def is_invalid(self) -> bool:
        return isinstance(self.value, Feedback)

    @property
    def is_strict(self) -> bool:
        return self.output is not None and self.output.strict

    @property
    def feedback(self) -> str:
        return self.value.text if isinstance(self.value, Feedback) else ""

    @property
    def was_cut(self) -> bool:
        return self.turn.stop_reason == "length"

    @property
    def was_filtered(self) -> bool:
        return self.turn.stop_reason == "content_filter"

    @property
    def is_silent(self) -> bool:
        return not says_anything(self.turn.message)

    @property
    def may_retry(self) -> bool:
        limits, run = self.run.limits, self.run
        return run.output_retries < limits.max_output_retries and run.turn < limits.max_turns


@dataclass(frozen=True, slots=True)
class Accepted:
    """A row of the table: `when` it holds, the turn is dealt with as `then` says; a failure has a `cause`."""

    meaning: str
    when: Callable[[Verdict], bool]
    then: Then
    cause: Callable[[Verdict], Cause] | None = None

    @property
    def to(self) -> tuple[State, ...]:
        """Where the run is after it."""
        return _TO[self.then]


def _cut(_: Verdict) -> Cause:
    return Truncated(ADVICE_CUT)


def _refusal(_: Verdict) -> Cause:
    return ProviderFailure(FailureRecord("Refused", ADVICE_FILTERED))


ACCEPTED: tuple[Accepted, ...] = (
    # Met here and not in Ready: after the last batch of calls the model must still be able to answer.
    Accepted(
        "tools are called, and no tool turn is left",
        lambda v: bool(v.turn.calls) and v.run.tool_turns >= v.run.limits.max_tool_turns,
        "fail",
        lambda v: MaxTurns("max_tool_turns", v.run.limits.max_tool_turns),
    ),
    Accepted("tools are called", lambda v: bool(v.turn.calls), "execute"),
    Accepted("a filter left nothing", lambda v: v.was_filtered and v.is_silent, "fail", _refusal),
    Accepted("the limit left nothing", lambda v: v.was_cut and v.is_silent, "fail", _cut),
    Accepted("the limit cut the answer that was asked for", lambda v: v.was_cut and v.is_invalid, "fail", _cut),
    Accepted("the answer is invalid, and may be asked for again", lambda v: v.is_invalid and v.may_retry, "retry"),
    Accepted(
        "the answer is invalid, and must not be",
        lambda v: v.is_invalid and v.is_strict,
        "fail",
        lambda v: OutputInvalid(v.feedback, v.run.output_retries),
    ),
    Accepted("otherwise", lambda _: True, "finish"),
)


def weigh(run: RunState, turn: PendingTurn, program: Program) -> Verdict | None:
    """The verdict on a turn, or None when `turn.problem` is in the way.

    All code of the program runs in here, and `run` is only read: what that code raises leaves the run as it was.
    """
    return Verdict(run, turn, program.output) if scan(turn, program) else None


def read_answer(run: RunState, output: OutputSpec | None) -> object:
    """The value of a finished run's answer, or `Feedback` where it has none of what was asked for."""
    if output is None:
        return last_answer(run)
    return output.check(last_answer(run)) if run.messages[-1].role == "assistant" else Feedback(ENDED_BY_TOOL)
