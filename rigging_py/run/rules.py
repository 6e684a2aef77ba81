"""The rules of the machine as a table: which input each state takes and where it leads.

Where a turn goes that is accepted is a table of its own, in `accept.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rigging_py.run.state import State
from rigging_py.run.steps import InputName

S = State


@dataclass(frozen=True, slots=True)
class Rule:
    """In `state`, `input` leads to one of `to`; `meaning` says when.

    `needs_program` is false where nothing is checked, so that a run loaded without its program takes the input too.
    """

    state: State
    input: InputName
    to: tuple[State, ...]
    meaning: str
    needs_program: bool = True


_LIVE = (S.READY, S.AWAITING_MODEL, S.RESOLVING, S.AWAITING_DECISION, S.EXECUTING_TOOLS)
_PENDING = (S.RESOLVING, S.AWAITING_DECISION, S.EXECUTING_TOOLS)
_AFTER_TURN = (S.RESOLVING, S.AWAITING_DECISION, S.EXECUTING_TOOLS, S.READY, S.DONE, S.FAILED)

RULES: tuple[Rule, ...] = (
    Rule(S.READY, "next_step", (S.AWAITING_MODEL, S.FAILED), "a turn begins, unless a limit is spent"),
    Rule(S.AWAITING_MODEL, "next_step", (S.AWAITING_MODEL,), "the same call again"),
    Rule(
        S.AWAITING_MODEL,
        "model_response",
        _AFTER_TURN,
        "calls are scanned from the left; without a problem the turn is accepted",
    ),
    Rule(S.AWAITING_MODEL, "model_failed", (S.AWAITING_MODEL, S.FAILED), "another attempt while one is left"),
    Rule(S.RESOLVING, "next_step", (S.RESOLVING,), "the same problem again"),
    Rule(
        S.RESOLVING,
        "resolve_tool_call",
        _AFTER_TURN,
        "the scan goes on, or the turn is answered as a whole",
    ),
    Rule(S.AWAITING_DECISION, "next_step", (S.AWAITING_DECISION,), "the calls that wait for a decision"),
    Rule(
        S.AWAITING_DECISION,
        "decide",
        (S.AWAITING_DECISION, S.EXECUTING_TOOLS, S.READY, S.DONE),
        "when all are decided, those that may be are executed",
    ),
    Rule(S.EXECUTING_TOOLS, "next_step", (S.EXECUTING_TOOLS,), "the calls that have no result yet"),
    Rule(S.EXECUTING_TOOLS, "tool_started", (S.EXECUTING_TOOLS,), "the call is begun, which a resumed run will know"),
    Rule(
        S.EXECUTING_TOOLS,
        "tool_result",
        (S.EXECUTING_TOOLS, S.AWAITING_DECISION, S.READY, S.DONE),
        "when all are in, they join the history in call order",
    ),
    Rule(
        S.EXECUTING_TOOLS,
        "recover",
        (S.EXECUTING_TOOLS, S.AWAITING_DECISION, S.FAILED),
        "calls begun by a driver that is gone are begun again, asked about, or fail the run",
    ),
    Rule(S.DONE, "next_step", (S.DONE,), "the same response again", needs_program=False),
    Rule(S.DONE, "inject", (S.READY,), "a follow-up in the same run", needs_program=False),
    Rule(S.FAILED, "next_step", (S.FAILED,), "the same cause again", needs_program=False),
    Rule(
        S.FAILED,
        "raise_limit",
        (S.READY, S.AWAITING_MODEL),
        "only a limit or a budget that is spent; after a failed call, another attempt",
        needs_program=False,
    ),
    *(
        Rule(state, "inject", (state,), "what is said joins the history before the next turn", needs_program=False)
        for state in _LIVE
    ),
    *(Rule(state, "expire", (S.FAILED,), "the deadline has passed", needs_program=False) for state in _LIVE),
    *(
        Rule(state, "recheck", _AFTER_TURN if state in _PENDING else (state,), "another program judges a pending turn")
        for state in S
    ),
    Rule(
        S.EXECUTING_TOOLS,
        "rename",
        (S.EXECUTING_TOOLS, S.AWAITING_DECISION),
        "the run goes by another id; calls that were begun under the old one must be decided about",
        needs_program=False,
    ),
    *(
        Rule(state, "rename", (state,), "the run goes by another id", needs_program=False)
        for state in S
        if state is not S.EXECUTING_TOOLS
    ),
    *(
        Rule(state, "cancel", (S.FAILED,), "what is pending is answered as not executed", needs_program=False)
        for state in _LIVE
    ),
)

HINTS: Mapping[State, str] = {
    S.READY: "call next_step() to begin the turn",
    S.AWAITING_MODEL: "answer the CallModel step with model_response() or model_failed()",
    S.RESOLVING: "answer the ResolveToolCall step with resolve_tool_call()",
    S.AWAITING_DECISION: "answer the AwaitDecision step with decide()",
    S.EXECUTING_TOOLS: "answer the CallTools step with tool_result()",
    S.DONE: "the run is complete; inject() says more",
    S.FAILED: "the run has failed; next_step() gives the cause",
}
"""What a driver should do in each state."""

_BY_INPUT = {(rule.state, rule.input): rule for rule in RULES}


def rule_for(state: State, name: InputName) -> Rule | None:
    """The rule by which `state` takes the input; None when it does not."""
    return _BY_INPUT.get((state, name))
