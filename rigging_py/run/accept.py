"""What becomes of an accepted turn: the first rule of `ACCEPTED` that holds decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rigging_py.run.causes import Cause, FailureRecord, MaxTurns, OutputInvalid, ProviderFailure, Truncated
from rigging_py.run.program import Feedback, OutputSpec
from rigging_py.run.state import PendingTurn, RunState

if TYPE_CHECKING:
    from rigging_py.message import Message

ADVICE_CUT = "The answer reached the token limit before it was complete; raise max_tokens or ask for less."
ADVICE_FILTERED = "A content filter withheld the answer; rephrase, or ask another model."


@dataclass
class Verdict:
    """A turn under judgement; what its text is worth is found out once, when a rule first asks."""

    run: RunState
    turn: PendingTurn
    output: OutputSpec | None

    @cached_property
    def value(self) -> object:
        """The value of the text, or `Feedback`."""
        return self.output.check(self.turn.message.content) if self.output else self.turn.message.content

    @property
    def is_invalid(self) -> bool:
        return isinstance(self.value, Feedback)

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
    """A row of the table: when it holds, the turn ends in `cause`, or in what `then` names."""

    meaning: str
    when: Callable[[Verdict], bool]
    then: str
    cause: Callable[[Verdict], Cause] | None = None


def _refusal(_: Verdict) -> Cause:
    return ProviderFailure(FailureRecord("Refused", ADVICE_FILTERED))


ACCEPTED: tuple[Accepted, ...] = (
    Accepted(
        "tools are called, and no tool turn is left",
        lambda v: bool(v.turn.calls) and v.run.tool_turns >= v.run.limits.max_tool_turns,
        "fail",
        lambda v: MaxTurns("max_tool_turns", v.run.limits.max_tool_turns),
    ),
    Accepted("tools are called", lambda v: bool(v.turn.calls), "execute"),
    Accepted("a filter left nothing", lambda v: v.was_filtered and v.is_silent, "fail", _refusal),
    Accepted("the limit left nothing", lambda v: v.was_cut and v.is_silent, "fail", lambda _: Truncated(ADVICE_CUT)),
    Accepted(
        "the limit cut the answer that was asked for",
        lambda v: v.was_cut and v.is_invalid,
        "fail",
        lambda _: Truncated(ADVICE_CUT),
    ),
    Accepted("the answer is invalid, and may be asked for again", lambda v: v.is_invalid and v.may_retry, "retry"),
    Accepted(
        "the answer is invalid, and must not be",
        lambda v: v.is_invalid and v.output is not None and v.output.strict,
        "fail",
        lambda v: OutputInvalid(v.feedback, v.run.output_retries),
    ),
    Accepted("otherwise", lambda _: True, "finish"),
)


def judge(verdict: Verdict) -> Accepted:
    """The first row that holds."""
    return next(row for row in ACCEPTED if row.when(verdict))


def says_anything(message: Message) -> bool:
    """Whether an answer has content of its own; reasoning alone is none."""
    return bool(message.content.strip()) or any(part.type != "text" for part in message.content_parts)
