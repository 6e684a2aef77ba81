"""What the machine does once it has decided: how turns begin, go on, join the history and end. Nothing here runs code
of the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from rigging_py.message import Message
from rigging_py.run.accept import Verdict
from rigging_py.run.causes import BudgetExceeded, Cause, MaxTurns
from rigging_py.run.history import answered, commit, commit_what_was_said, hold, refuse, say
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.program import MoreTokens, Program, ProgramTool
from rigging_py.run.state import State
from rigging_py.run.steps import (
    DecisionNeeded,
    ModelTurnOutcome,
    Overrides,
    PendingToolCall,
    ResolutionNeeded,
    ToolResult,
    ToolsRequested,
    TurnContinued,
    TurnCut,
    TurnFailed,
    TurnFinished,
    TurnRejected,
    Why,
)

TAKEN = "The answer was taken."


def begin_turn(run: RunState) -> bool:
    """Whether a turn begins, with what was said meanwhile, or the run fails because a limit is spent."""
    cause = _spent(run)
    if cause is not None:
        fail(run, cause)
        return False
    say(run, *run.waiting)
    run.waiting = []
    run.turn, run.turns, run.attempt, run.state = run.turn + 1, run.turns + 1, 1, State.AWAITING_MODEL
    return True


def _spent(run: RunState) -> Cause | None:
    """The limit that forbids another call, if one does."""
    limits, used = run.limits, run.usage
    if run.turns >= limits.max_turns:
        return MaxTurns("max_turns", limits.max_turns)
    if limits.max_total_tokens is not None and used.total_tokens >= limits.max_total_tokens:
        return BudgetExceeded("max_total_tokens", limits.max_total_tokens, used.total_tokens)
    if limits.max_cost is not None and (used.cost is None or used.cost >= limits.max_cost):
        return BudgetExceeded("max_cost", limits.max_cost, used.cost)
    return None


def follow(run: RunState, pending: PendingTurn, verdict: Verdict | None) -> ModelTurnOutcome:
    """Does what was decided about a turn; without a verdict a call of it must be resolved."""
    if verdict is None:
        hold(run, pending)
        run.state = State.RESOLVING
        return ResolutionNeeded(*pending.looked_at())
    match verdict.row.then:
        case "execute":
            return _execute(run, pending)
        case "retry":
            return _ask_again(run, verdict)
        case "raise" | "continue":
            return _ask_for_more(run, verdict)
        case "fail":
            assert verdict.row.cause is not None
            return fail(run, verdict.row.cause(verdict), pending)
        case "go_on":
            commit_what_was_said(run, pending)
            run.state = State.READY
            return TurnContinued()
        case "finish" | "keep":
            return _finish(run, verdict)
        case _:
            assert_never(verdict.row.then)


def _execute(run: RunState, pending: PendingTurn) -> ModelTurnOutcome:
    run.truncation = ""
    run.tool_turns += 1
    run.tool_calls += len(pending.calls)
    return proceed(run, pending)


def proceed(run: RunState, pending: PendingTurn) -> ModelTurnOutcome:
    """What can be executed is; then what waits for a decision is asked about; then the batch is complete."""
    calls, requests = pending.executable(), pending.requests()
    # Once decisions are asked for, all of them are awaited.
    if calls and not (requests and run.state is State.AWAITING_DECISION):
        hold(run, pending)
        run.state = State.EXECUTING_TOOLS
        return ToolsRequested(calls)
    if requests:
        hold(run, pending)
        run.state = State.AWAITING_DECISION
        return DecisionNeeded(requests)
    return close(run, pending)


def close(run: RunState, pending: PendingTurn, *unanswered: str) -> ModelTurnOutcome:
    """The batch is complete: the model goes on, unless a tool ended the run."""
    commit(run, pending, *unanswered)
    is_over = any(result.stop for result in pending.results.values())
    run.state = State.DONE if is_over else State.READY
    return TurnFinished() if is_over else TurnContinued()


def send_back(run: RunState, pending: PendingTurn) -> ModelTurnOutcome:
    """The model hears what was wrong with a call, and that nothing was executed."""
    if run.call_retries >= run.limits.max_call_retries:
        return fail(run, MaxTurns("max_call_retries", run.limits.max_call_retries), pending)
    run.call_retries += 1
    return close(run, pending)


def _ask_again(run: RunState, verdict: Verdict) -> ModelTurnOutcome:
    is_told = verdict.output is None or verdict.output.on_invalid == "feedback"
    pending, call = verdict.turn, verdict.answer_call
    if call is not None and not verdict.is_refused:
        pending = answering(run, pending, [(call.key, ToolResult(verdict.feedback, error=True))])
        is_told = False
    run.output_retries += 1
    refuse(run, pending, verdict.feedback if is_told else None)
    run.state = State.READY
    return TurnRejected(verdict.feedback)


def _ask_for_more(run: RunState, verdict: Verdict) -> ModelTurnOutcome:
    """The turn is dropped; what it said comes back in the next, which has room for more or goes on from it."""
    policy = verdict.on_truncated
    run.cuts += 1
    run.pending, run.state = None, State.READY
    if isinstance(policy, MoreTokens):
        # It stays: what was too little once would be too little for the next try of the same answer.
        run.overrides = Overrides(policy.max_tokens)
        return TurnCut("raised")
    run.prefix = verdict.turn.message.content
    return TurnCut("continued")


def _finish(run: RunState, verdict: Verdict) -> ModelTurnOutcome:
    pending, call = verdict.turn, verdict.answer_call
    if call is not None:
        pending = answering(run, pending, [(call.key, ToolResult(TAKEN))])
    if verdict.row.then == "keep":
        run.truncation = "kept_items"
    commit(run, pending)
    run.state = State.DONE
    return TurnFinished()


def fail(run: RunState, cause: Cause, pending: PendingTurn | None = None) -> TurnFailed:
    """Ends the run; what was said in a pending turn joins the history."""
    if pending is not None:
        commit_what_was_said(run, pending)
    run.cause, run.state = cause, State.FAILED
    return TurnFailed(cause)


def answering(run: RunState, pending: PendingTurn, results: Iterable[tuple[str, ToolResult]]) -> PendingTurn:
    """The turn with these results in it, by key."""
    by_key = {call.key: call for call in pending.calls}
    return pending.answering({key: answered(run, pending, by_key[key], result) for key, result in results})


def recovered(pending: PendingTurn, asked: Iterable[PendingToolCall]) -> PendingTurn:
    """The turn without calls under way; somebody is asked about some of them."""
    unfinished: dict[str, Why] = {call.key: "unfinished" for call in asked}
    return replace(pending, started=(), undecided={**pending.undecided, **unfinished})


def listen(run: RunState, messages: Iterable[Message]) -> None:
    """The messages wait for the next turn; a run that is done begins anew, with what it has used."""
    run.waiting = [*run.waiting, *messages]
    for message in run.waiting:
        run.place(message)
    if run.state is State.DONE:
        run.turns = run.tool_turns = run.output_retries = run.call_retries = run.cuts = 0
        run.overrides, run.truncation, run.state = None, "", State.READY


def joined(pending: PendingTurn, prefix: str) -> PendingTurn:
    """The turn with what the model had said before it was cut in front."""
    if not prefix:
        return pending
    message = pending.message.shell()
    message.content = prefix + message.content
    return replace(pending, message=message)


def use_up_prefix(run: RunState) -> None:
    """What the turn went on from is in it now; how its answer was had is told, should it be one."""
    run.truncation = "raised" if run.overrides is not None else "continued" if run.prefix else ""
    run.prefix = ""


def rename(run: RunState, run_id: str, program: Program | None) -> None:
    """The run, and the calls of its pending turn, go by another id."""
    run.run_id = run_id
    if run.pending is None:
        return
    pending = run.pending
    new = {old.key: f"{run_id}/{run.turn}/{index}" for index, old in enumerate(pending.calls)}
    # Under another key nobody can know that a thing is done twice, so somebody is asked, unless it does nothing.
    tools = program.tools if program is not None else dict[str, ProgramTool]()
    harmless = {name for name, tool in tools.items() if tool.effect == "read"}
    started = [call.key for call in pending.calls if call.key in pending.started and call.name not in harmless]
    doubtful: dict[str, Why] = {new[key]: "unfinished" for key in started}
    renamed = replace(
        pending,
        calls=[replace(call, key=new[call.key]) for call in pending.calls],
        results={new[key]: result for key, result in pending.results.items()},
        undecided={**{new[key]: why for key, why in pending.undecided.items()}, **doubtful},
        decided=tuple(new[key] for key in pending.decided if key not in started),
        started=(),
    )
    if run.state is State.RESOLVING:
        run.pending = renamed
    else:
        proceed(run, renamed)
