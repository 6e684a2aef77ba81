"""What becomes of an accepted turn: the first rule of `ACCEPTED` that holds decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rigging_py.message import ToolCall
from rigging_py.run.calls import scan, undecided
from rigging_py.run.causes import (
    BudgetExceeded,
    Cause,
    FailureRecord,
    MaxTurns,
    OutputInvalid,
    ProviderFailure,
    Truncated,
)
from rigging_py.run.history import last_answer, last_turn, says_anything
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.program import Continue, Feedback, MoreTokens, OnTruncated, OutputSpec, Program
from rigging_py.run.state import State
from rigging_py.run.steps import PendingToolCall

ADVICE_CUT = "The answer reached the token limit before it was complete; raise max_tokens or ask for less."
ADVICE_FILTERED = "A content filter withheld the answer; rephrase, or ask another model."
ENDED_BY_TOOL = "A tool ended the run before the answer that was asked for was given."
BLIND = "The run was loaded without its program, so its answer is only text."
CALL_IT = "Give the answer by calling the tool {tool!r}."

Then: TypeAlias = Literal["execute", "retry", "raise", "continue", "keep", "go_on", "fail", "finish"]
"""What is done with an accepted turn."""

_TO: Mapping[Then, tuple[State, ...]] = {
    "execute": (State.EXECUTING_TOOLS, State.AWAITING_DECISION, State.READY),
    "retry": (State.READY,),
    "raise": (State.READY,),
    "continue": (State.READY,),
    "keep": (State.DONE,),
    "go_on": (State.READY,),
    "fail": (State.FAILED,),
    "finish": (State.DONE,),
}


_UNREAD = object()


@dataclass(slots=True)
class Verdict:
    """A turn under judgement, and the `row` that holds for it.

    What the turn's text is worth is found out once, when a rule first asks. `refusal` is what the driver itself has
    against it.
    """

    run: RunState
    turn: PendingTurn
    program: Program
    refusal: str | None = None
    row: Accepted = field(init=False)
    _value: object = _UNREAD

    def __post_init__(self) -> None:
        self.row = next(row for row in ACCEPTED if row.when(self))

    @property
    def output(self) -> OutputSpec | None:
        return self.program.output

    @property
    def answer_call(self) -> PendingToolCall | None:
        """The call that gives the answer, where it is given by one."""
        name = self.program.output_tool
        return next((call for call in self.turn.calls if call.name == name), None) if name is not None else None

    @property
    def value(self) -> object:
        """The value of the answer, or `Feedback`."""
        # A `cached_property` of Python 3.11 takes a lock, at ten times the cost.
        if self._value is _UNREAD:
            self._value = self._judged()
        return self._value

    def _judged(self) -> object:
        if self.refusal is not None:
            return Feedback(self.refusal, "rejected")
        return judged(self.program, self.turn.message.content, self.answer_call)

    @property
    def kept(self) -> object:
        """The value of the complete items, or `Feedback`."""
        return kept(self.output, self.turn.message.content if self.answer_call is None else self.answer_call.raw)

    @property
    def is_refused(self) -> bool:
        return self.refusal is not None

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
    def has_calls(self) -> bool:
        return bool(self.turn.calls) and self.answer_call is None

    @property
    def was_cut(self) -> bool:
        return self.turn.stop_reason == "length"

    @property
    def was_filtered(self) -> bool:
        return self.turn.stop_reason == "content_filter"

    @property
    def is_silent(self) -> bool:
        return not self.turn.calls and not says_anything(self.turn.message)

    @property
    def lost_its_end(self) -> bool:
        """Whether the token limit is why the answer is not what was asked for."""
        is_open_ended = self.output is not None and self.output.is_open_ended
        return self.was_cut and not self.is_refused and (self.is_invalid or is_open_ended)

    @property
    def on_truncated(self) -> OnTruncated:
        return self.output.on_truncated if self.output is not None else "fail"

    @property
    def has_turn_left(self) -> bool:
        return self.run.turns < self.run.limits.max_turns

    @property
    def may_retry(self) -> bool:
        return self.run.output_retries < self.run.limits.max_output_retries and self.has_turn_left

    @property
    def may_raise(self) -> bool:
        return isinstance(self.on_truncated, MoreTokens) and not self.run.cuts and self.has_turn_left

    @property
    def may_continue(self) -> bool:
        # What a call was going to say cannot be gone on with.
        policy = self.on_truncated
        is_text = not self.turn.calls and not self.is_silent
        return isinstance(policy, Continue) and is_text and self.run.cuts < policy.times and self.has_turn_left

    @property
    def tool_calls_spent(self) -> bool:
        most = self.run.limits.max_tool_calls
        return most is not None and self.run.tool_calls + len(self.turn.calls) > most


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


def _invalid(verdict: Verdict) -> Cause:
    kind = verdict.value.kind if isinstance(verdict.value, Feedback) else "invalid"
    return OutputInvalid(verdict.feedback, verdict.run.output_retries, kind)


ACCEPTED: tuple[Accepted, ...] = (
    Accepted("the driver refuses it, and may ask again", lambda v: v.is_refused and v.may_retry, "retry"),
    Accepted("the driver refuses it, and must not", lambda v: v.is_refused, "fail", _invalid),
    # Met here and not in Ready: after the last batch of calls the model must still be able to answer.
    Accepted(
        "tools are called, and no tool turn is left",
        lambda v: v.has_calls and v.run.tool_turns >= v.run.limits.max_tool_turns,
        "fail",
        lambda v: MaxTurns("max_tool_turns", v.run.limits.max_tool_turns),
    ),
    Accepted(
        "more tools are called than may be",
        lambda v: v.has_calls and v.tool_calls_spent,
        "fail",
        lambda v: BudgetExceeded("max_tool_calls", v.run.limits.max_tool_calls or 0, v.run.tool_calls),
    ),
    Accepted("tools are called", lambda v: v.has_calls, "execute"),
    Accepted("a filter left nothing", lambda v: v.was_filtered and v.is_silent, "fail", _refusal),
    Accepted(
        "the limit cut the answer that was asked for, and may be raised",
        lambda v: v.lost_its_end and v.may_raise,
        "raise",
    ),
    Accepted("it may be continued", lambda v: v.lost_its_end and v.may_continue, "continue"),
    Accepted(
        "its complete items are enough",
        lambda v: v.lost_its_end and v.on_truncated == "keep_items" and not isinstance(v.kept, Feedback),
        "keep",
    ),
    Accepted("the limit left nothing", lambda v: v.was_cut and v.is_silent, "fail", _cut),
    Accepted("the limit cut the answer that was asked for", lambda v: v.lost_its_end, "fail", _cut),
    Accepted("the answer is invalid, and may be asked for again", lambda v: v.is_invalid and v.may_retry, "retry"),
    Accepted("the answer is invalid, and must not be", lambda v: v.is_invalid and v.is_strict, "fail", _invalid),
    Accepted(
        "something was said meanwhile, and a turn is left to answer it",
        lambda v: bool(v.run.waiting) and v.has_turn_left,
        "go_on",
    ),
    Accepted("otherwise", lambda _: True, "finish"),
)


def weigh(run: RunState, turn: PendingTurn, program: Program, refusal: str | None = None) -> Verdict | None:
    """The verdict on a turn, or None when `turn.problem` is in the way.

    All code of the program runs in here, and `run` is only read: what that code raises leaves the run as it was.
    """
    if refusal is None and not scan(turn, program):
        return None
    verdict = Verdict(run, turn, program, refusal)
    if verdict.row.then == "execute":
        turn.undecided = undecided(turn, program)
    return verdict


def judged(program: Program, text: str, call: PendingToolCall | ToolCall | None) -> object:
    """The value of an answer, or `Feedback`; `call` is the call that gives it, where one does."""
    output = program.output
    if output is None:
        return text
    if program.output_tool is None:
        return output.check(text)
    return (
        output.check(_raw(call)) if call is not None else Feedback(CALL_IT.format(tool=program.output_tool), "missing")
    )


def _raw(call: PendingToolCall | ToolCall) -> str:
    return call.raw if isinstance(call, PendingToolCall) else call.arguments


def kept(output: OutputSpec | None, text: str) -> object:
    """The value of the complete items of an answer that was cut, or `Feedback`."""
    return (
        output.salvage(text) if output is not None and output.salvage is not None else Feedback(ADVICE_CUT, "missing")
    )


def read_answer(run: RunState, program: Program | None, *, is_wanted: bool) -> object:
    """The value of a finished run's answer, or `Feedback` where it has none of what was asked for."""
    if program is None:
        return Feedback(BLIND) if is_wanted else last_answer(run)
    said = last_turn(run)
    text, asked = (said.content, said.tool_calls or ()) if said is not None else ("", ())
    if program.output is None:
        return text
    call = next((one for one in asked if one.name == program.output_tool), None)
    if call is None and said is not run.messages[-1]:
        return Feedback(ENDED_BY_TOOL, "missing")
    if run.truncation == "kept_items":
        return kept(program.output, text if call is None else call.arguments)
    return judged(program, text, call)
