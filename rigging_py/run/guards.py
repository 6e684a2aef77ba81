"""What the machine refuses: inputs that a state does not take, and arguments that no run takes. Each is a
`ProtocolError` that names what would have been right, raised before anything has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from rigging_py.error import ProgramNeededError, ProtocolError
from rigging_py.message import Message, ModelTurn
from rigging_py.run.calls import EDITED, is_finite, problem_of, repaired, undecided
from rigging_py.run.causes import BudgetExceeded, MaxTurns, OutputInvalid, ProviderFailure, shortened
from rigging_py.run.journal import model_calls
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.program import Program
from rigging_py.run.rules import HINTS, rule_for
from rigging_py.run.state import RunLimits
from rigging_py.run.steps import Approve, Decision, Deny, Edit, InputName


def refusal(run: RunState, name: InputName, hint: str) -> ProtocolError:
    """The error that says what would have been right."""
    return ProtocolError(name, run.state, hint)


def check_state(run: RunState, name: InputName, program: Program | None) -> None:
    """Refuses an input that the state does not take, or that needs a program which is not there."""
    rule = rule_for(run.state, name)
    if rule is None:
        raise refusal(run, name, HINTS[run.state])
    if rule.needs_program and program is None:
        raise ProgramNeededError(
            f"{name}() has to check calls or answers, and the run {run.run_id!r} was loaded without its program; "
            "load it with AgentRun.load(state, program)."
        )


def check_turn(run: RunState, turn: ModelTurn) -> None:
    """Refuses a turn that is not the model's."""
    if turn.message.role != "assistant":
        raise refusal(run, "model_response", f"a turn is an assistant's, not a {turn.message.role}'s")


def check_repair(run: RunState, name: str, program: Program) -> None:
    """Refuses a name that no call may have."""
    if not program.allows(name):
        hint = f"a call can only be repaired to a tool that may be called, not {shortened(name)!r}"
        raise refusal(run, "resolve_tool_call", hint)


def check_skip(run: RunState, program: Program) -> None:
    """Refuses to go on with a model that has no other way to answer than the one that was just skipped."""
    if program.allowed is not None and not program.allowed:
        raise refusal(run, "resolve_tool_call", "no tool may be called, so the model would only call again")


def check_decision(run: RunState, pending: PendingTurn, key: str, decision: Decision) -> None:
    """Refuses what is no decision, and a decision about a call that waits for none."""
    if not isinstance(decision, Approve | Deny | Edit):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refusal(run, "decide", f"a decision is Approve(), Deny(reason) or Edit(arguments), not {decision!r}")
    if isinstance(decision, Deny) and not isinstance(decision.reason, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise refusal(run, "decide", f"the reason of a Deny is a text, not {decision.reason!r}")
    if key not in pending.undecided:
        waiting = ", ".join(request.call.key for request in pending.requests())
        raise refusal(run, "decide", f"{key!r} waits for no decision; these do: {waiting}")


def edited(
    run: RunState, name: InputName, pending: PendingTurn, key: str, arguments: dict[str, Any], program: Program
) -> PendingTurn:
    """The turn with other arguments in a call; refuses those that are not valid."""
    index = next(index for index, call in enumerate(pending.calls) if call.key == key)
    check_arguments(run, name, arguments)
    turn = repaired(pending, index, pending.calls[index].name, arguments, mark=EDITED)
    wrong = problem_of(turn.calls[index], program)
    if wrong is not None:
        raise refusal(run, name, f"nothing is edited: {wrong.text.rstrip('.')}")
    return turn


def check_arguments(run: RunState, name: InputName, arguments: object) -> None:
    """Refuses arguments that JSON has no form for."""
    try:
        written = to_json(arguments, inf_nan_mode="constants")
        is_object = isinstance(from_json(written), dict) and is_finite(from_json(written))
    except (PydanticSerializationError, ValueError) as error:
        raise refusal(run, name, f"the arguments cannot be written as JSON: {error}") from None
    if not is_object:
        raise refusal(run, name, f"arguments are a dict, by name, not {shortened(repr(arguments))}")


def begun(
    run: RunState, pending: PendingTurn, key: str, arguments: dict[str, Any] | None, program: Program
) -> PendingTurn:
    """The turn with a call under way; refuses a call that cannot be, and arguments that slip past approval."""
    if key in pending.started or key not in [call.key for call in pending.executable()]:
        raise refusal(run, "tool_started", _why_not(pending, key))
    if arguments is not None:
        pending = edited(run, "tool_started", pending, key, arguments, program)
        if key in undecided(pending, program):
            raise refusal(run, "tool_started", "nothing is started: these arguments need a decision")
    return replace(pending, started=(*pending.started, key))


def check_results(run: RunState, pending: PendingTurn, keys: Sequence[str]) -> None:
    """Refuses results unless each is of another call that can be executed now."""
    executable = [call.key for call in pending.executable()]
    wrong = next((key for key in keys if key not in executable), None)
    if not keys:
        raise refusal(run, "tool_result", f"no result was given; results are missing for {', '.join(executable)}")
    if wrong is not None:
        raise refusal(run, "tool_result", _why_not(pending, wrong))
    if len(set(keys)) < len(keys):
        raise refusal(run, "tool_result", "a call was answered twice")


def _why_not(pending: PendingTurn, key: str) -> str:
    """Why nothing can be said about the execution of a call."""
    if key in pending.results:
        problem = "has its result already"
    elif key in pending.undecided:
        problem = "waits for a decision"
    elif key in pending.started:
        problem = "was started already"
    else:
        problem = "is no call of this turn"
    missing = ", ".join(call.key for call in pending.executable())
    return f"{key!r} {problem}; results are missing for {missing}"


def check_messages(run: RunState, messages: Sequence[Message]) -> None:
    """Refuses to say nothing, and messages of which no history may be made."""
    if not messages:
        raise refusal(run, "inject", "there is no message to say")
    if any(message.role == "tool" or message.tool_calls for message in messages):
        # Every call in the history is answered at once; only turns can promise that.
        raise refusal(run, "inject", "tool calls and a tool's results come from turns, and are not injected")


def check_expired(run: RunState, now: datetime) -> datetime:
    """The deadline; refuses one that has not passed."""
    deadline = run.limits.deadline
    if now.tzinfo is None:
        raise refusal(run, "expire", f"a moment needs a time zone, and {now} has none")
    if deadline is None or now < deadline:
        raise refusal(run, "expire", f"the deadline is {deadline}, which has not passed at {now}")
    return deadline


def raised(run: RunState, higher: Mapping[str, Any]) -> RunLimits:
    """The limits with higher ones in place; refuses any but those by which the run failed, and more beside them."""
    spent = _spent(run)
    if spent is None:
        raise refusal(run, "raise_limit", "only a run that failed at a limit or a call goes on")
    known = {one.name for one in fields(RunLimits)}
    unknown = [name for name in higher if name not in known]
    if unknown:
        raise refusal(run, "raise_limit", f"there is no limit {unknown[0]!r}; there are {', '.join(sorted(known))}")
    limits = run.limits.raised(higher)
    if spent not in higher or limits is None:
        kind = "a later time with a zone" if spent == "deadline" else "a higher number"
        given = ", ".join(f"{name}={value!r}" for name, value in higher.items()) or "nothing"
        hint = f"{spent} is {getattr(run.limits, spent)}; give it {kind}, and others too if need be, not {given}"
        raise refusal(run, "raise_limit", hint)
    return limits


def _spent(run: RunState) -> str | None:
    match run.cause:
        case MaxTurns(limit) | BudgetExceeded(limit):
            return limit
        case OutputInvalid():
            return "max_output_retries"
        # What a filter withheld is a cause of this kind too, but that turn is over.
        case ProviderFailure() if [*model_calls(run.journal)][-1].failure:
            return "max_attempts"
        case _:
            return None
