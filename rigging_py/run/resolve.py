"""What becomes of calls that cannot be executed, wait for a decision or were left unfinished, once somebody said so."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rigging_py.run.accept import weigh
from rigging_py.run.calls import read_calls, repaired
from rigging_py.run.causes import Cancelled, UnfinishedToolCall, UnknownToolCall
from rigging_py.run.guards import check_arguments, check_decision, check_repair, check_skip, edited, refusal
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.moves import answering, close, fail, follow, proceed, recovered, send_back
from rigging_py.run.program import Program
from rigging_py.run.state import State
from rigging_py.run.steps import (
    Answer,
    Approve,
    Decision,
    Deny,
    Edit,
    Fail,
    ModelTurnOutcome,
    Repair,
    Resolution,
    Retry,
    Skip,
    Stop,
    ToolResult,
)


def resolve(run: RunState, pending: PendingTurn, program: Program, resolution: Resolution) -> ModelTurnOutcome:
    """Does what was said about the call that the scan stopped at."""
    call, problem = pending.looked_at()
    match resolution:
        case Answer(text, error):
            return rescan(run, answering(run, pending, [(call.key, ToolResult(text, error))]), program)
        case Repair(name, arguments):
            check_repair(run, name or call.name, program)
            if arguments is not None:
                check_arguments(run, "resolve_tool_call", arguments)
            return rescan(run, repaired(pending, pending.scanned, name or call.name, arguments), program)
        case Retry(feedback):
            return send_back(run, answering(run, pending, [(call.key, ToolResult(feedback, error=True))]))
        case Skip(reason):
            check_skip(run, program)
            return close(run, pending, reason)
        case Fail():
            answer = answering(run, pending, [(call.key, ToolResult(problem.text, error=True))])
            return fail(run, UnknownToolCall(call.name, problem.text), answer)
        case Stop(reason):
            return fail(run, Cancelled(reason), pending)
        case _:
            assert_never(resolution)


def decide(run: RunState, pending: PendingTurn, program: Program, key: str, decision: Decision) -> ModelTurnOutcome:
    """Does what was decided about a call."""
    check_decision(run, pending, key, decision)
    match decision:
        case Approve():
            pass
        case Deny(reason):
            pending = answering(run, pending, [(key, ToolResult(reason, error=True))])
        case Edit(arguments):
            pending = edited(run, "decide", pending, key, arguments, program)
        case _:
            assert_never(decision)
    undecided = {one: why for one, why in pending.undecided.items() if one != key}
    return proceed(run, replace(pending, undecided=undecided, decided=(*pending.decided, key)))


def recover(run: RunState, pending: PendingTurn, program: Program) -> ModelTurnOutcome:
    """Deals with the calls that were begun and have no result, each by its tool's policy."""
    left = [(call, program.tools[call.name].recovery) for call in pending.calls if call.key in pending.started]
    if not left:
        raise refusal(run, "recover", "no call was started and left without a result")
    failing = next((call for call, policy in left if policy == "fail"), None)
    if failing is not None:
        return fail(run, UnfinishedToolCall(failing.name, failing.key), pending)
    return proceed(run, recovered(pending, [call for call, policy in left if policy == "ask"]))


def rescan(run: RunState, pending: PendingTurn, program: Program) -> ModelTurnOutcome:
    """The scan goes on where it stopped."""
    return follow(run, pending, weigh(run, pending, program))


def check_anew(run: RunState, pending: PendingTurn, program: Program) -> None:
    """The turn is judged from its beginning, by a program that may be another."""
    if run.state in (State.AWAITING_DECISION, State.EXECUTING_TOOLS):
        # The batch counts again when it is executed.
        run.tool_turns -= 1
        run.tool_calls -= len(pending.calls)
    calls = read_calls(run.run_id, run.turn, pending.message.tool_calls or ())
    rescan(run, replace(pending, scanned=0, calls=calls), program)
