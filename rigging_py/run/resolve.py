"""What becomes of a turn whose call cannot be executed, once somebody has said so."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rigging_py.run.accept import weigh
from rigging_py.run.calls import read_calls, repaired
from rigging_py.run.causes import Cancelled, UnknownToolCall
from rigging_py.run.guards import check_repair, check_skip
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.moves import answering, close, fail, follow, send_back
from rigging_py.run.program import Program
from rigging_py.run.state import State
from rigging_py.run.steps import Answer, Fail, ModelTurnOutcome, Repair, Resolution, Retry, Skip, Stop, ToolResult


def resolve(run: RunState, pending: PendingTurn, program: Program, resolution: Resolution) -> ModelTurnOutcome:
    """Does what was said about the call that the scan stopped at."""
    call, problem = pending.looked_at()
    match resolution:
        case Answer(text, error):
            return rescan(run, answering(run, pending, [(call.key, ToolResult(text, error))]), program)
        case Repair(name, arguments):
            check_repair(run, name or call.name, program)
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
