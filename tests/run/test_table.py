"""The table of the machine is what the machine does: every state with every input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from rigging_py.error import ProtocolError
from rigging_py.message import FunctionCall, Message, ModelTurn, ToolCall
from rigging_py.run import (
    RULES,
    AgentRun,
    Approve,
    BudgetExceeded,
    Continue,
    Edit,
    MaxTurns,
    ModelTurnOutcome,
    MoreTokens,
    OutputInvalid,
    Program,
    ProviderFailure,
    Repair,
    RunLimits,
    State,
    ToolResult,
    ToolsRequested,
    Truncated,
    TurnContinued,
    TurnCut,
    TurnFailed,
    TurnFinished,
    TurnRejected,
)
from rigging_py.run.accept import ACCEPTED, Accepted
from rigging_py.run.rules import HINTS
from rigging_py.run.steps import InputName
from tests.run.kit import (
    ADD,
    DEADLINE,
    INPUTS,
    NUMBER,
    RUNS,
    TOOLS,
    asking,
    call,
    executing,
    refused,
    reloaded,
    started,
)

TABLE = {(rule.state, rule.input): rule for rule in RULES}
PAIRS = list(product(State, get_args(InputName)))


@pytest.mark.parametrize(("state", "name"), [pair for pair in PAIRS if pair in TABLE])
def test_an_input_that_the_table_has_leads_where_the_table_says(state: State, name: InputName) -> None:
    run = RUNS[state]()
    INPUTS[name](run)
    assert run.state in TABLE[state, name].to


@pytest.mark.parametrize(("state", "name"), [pair for pair in PAIRS if pair not in TABLE])
def test_an_input_that_the_table_has_not_is_refused_and_changes_nothing(state: State, name: InputName) -> None:
    error = refused(RUNS[state](), INPUTS[name])
    assert error.method == name
    assert error.state is state
    assert error.hint == HINTS[state]
    assert error.hint in str(error)


def test_the_table_has_one_rule_for_a_state_and_an_input() -> None:
    assert len(TABLE) == len(RULES)


@pytest.mark.parametrize("state", State)
def test_every_state_answers_next_step_and_only_live_ones_can_be_ended(state: State) -> None:
    is_live = state not in (State.DONE, State.FAILED)
    assert (state, "next_step") in TABLE
    assert ((state, "cancel") in TABLE) == is_live
    assert ((state, "expire") in TABLE) == is_live
    assert ((state, "inject") in TABLE) == (state is not State.FAILED)


def test_every_input_has_a_state_that_takes_it_and_every_state_a_hint() -> None:
    assert {name for _, name in TABLE} == set(get_args(InputName)) == set(INPUTS)
    assert set(HINTS) == set(RUNS) == set(State)


@pytest.mark.parametrize("state", State)
def test_the_next_step_asked_twice_is_the_same_and_changes_nothing(state: State) -> None:
    run = RUNS[state]()
    first, after = run.next_step(), run.dump()
    assert run.next_step() == first
    assert run.dump() == after


@pytest.mark.parametrize("state", State)
def test_a_stored_run_has_the_same_next_step_in_every_state(state: State) -> None:
    run = RUNS[state]()
    again = reloaded(run)
    assert again.dump() == run.dump()
    assert again.next_step() == run.next_step()


WRONG: Mapping[str, tuple[State, Callable[[AgentRun], Any], str]] = {
    "a key of another turn": (State.EXECUTING_TOOLS, lambda run: run.tool_result("run/9/0", "42"), "no call"),
    "one result twice": (
        State.EXECUTING_TOOLS,
        lambda run: run.tool_results([("run/1/0", "1"), ("run/1/0", "2")]),
        "twice",
    ),
    "no result": (State.EXECUTING_TOOLS, lambda run: run.tool_results([]), "no result"),
    "a good and a bad key": (
        State.EXECUTING_TOOLS,
        lambda run: run.tool_results([("run/1/0", "1"), ("run/1/7", "2")]),
        "run/1/7",
    ),
    "a repair to a tool that is not there": (
        State.RESOLVING,
        lambda run: run.resolve_tool_call(Repair(name="nada")),
        "'nada'",
    ),
    "a repair of the arguments alone": (
        State.RESOLVING,
        lambda run: run.resolve_tool_call(Repair(arguments={})),
        "'nope'",
    ),
    "a call started with arguments that are not valid": (
        State.EXECUTING_TOOLS,
        lambda run: run.tool_started("run/1/0", {"a": 1}),
        "give a and b",
    ),
    "a call started that is none": (State.EXECUTING_TOOLS, lambda run: run.tool_started("run/1/7"), "no call"),
    "nothing to recover": (State.EXECUTING_TOOLS, lambda run: run.recover(), "no call was started"),
    "a decision about no call": (State.AWAITING_DECISION, lambda run: run.decide("run/1/7", Approve()), "run/1/0"),
    "an edit that is not valid": (
        State.AWAITING_DECISION,
        lambda run: run.decide("run/1/1", Edit({"a": 1})),
        "give a and b",
    ),
    "nothing to say": (State.READY, lambda run: run.inject([]), "no message"),
    "a result without its call": (
        State.READY,
        lambda run: run.inject(Message("tool", "42", tool_call_id="c1")),
        "a tool's",
    ),
    "a call without its result": (
        State.DONE,
        lambda run: run.inject(
            Message("assistant", "", tool_calls=[ToolCall(id="c1", function=FunctionCall(name="add", arguments=ADD))])
        ),
        "tool calls",
    ),
    "a deadline that has not passed": (
        State.AWAITING_MODEL,
        lambda run: run.expire(DEADLINE - timedelta(microseconds=1)),
        "has not passed",
    ),
    "a turn of the user": (
        State.AWAITING_MODEL,
        lambda run: run.model_response(ModelTurn(Message("user", "42"))),
        "user",
    ),
    "a limit that is not higher": (State.FAILED, lambda run: run.raise_limit(max_turns=0), "max_turns"),
    "a limit that is not spent": (State.FAILED, lambda run: run.raise_limit(max_tool_turns=99), "max_turns"),
    "a limit that none can be": (State.FAILED, lambda run: run.raise_limit(max_turns=None), "max_turns"),
    "a limit that there is not": (State.FAILED, lambda run: run.raise_limit(max_turns=3, patience=9), "max_turns"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_argument_is_refused_by_name_and_changes_nothing(what: str) -> None:
    state, act, word = WRONG[what]
    assert word in refused(RUNS[state](), act).hint


def test_a_result_that_is_there_already_is_refused() -> None:
    run = executing()
    run.tool_result("run/1/0", "42")
    assert "already" in refused(run, lambda run: run.tool_result("run/1/0", "43")).hint


def test_a_call_that_was_started_already_is_refused() -> None:
    run = executing()
    run.tool_started("run/1/0")
    assert "started already" in refused(run, lambda run: run.tool_started("run/1/0")).hint


def test_a_refusal_is_a_runtime_error_that_says_what_to_do() -> None:
    with pytest.raises(
        RuntimeError, match=r"^tool_result\(\) while the run is AwaitingModel: answer the CallModel step"
    ):
        started().tool_result("run/1/0", "42")


ASKED = asking(call("add", ADD))
CUT, HALF = ModelTurn.from_text("", "length"), ModelTurn.from_text("forty-", "length")
FILTERED, WRONG_TYPE = ModelTurn.from_text("", "content_filter"), ModelTurn.from_text("plenty")


def forty(_: str) -> object:
    return [40]


def accepting(
    turn: ModelTurn, limits: RunLimits | None = None, *, feedback: str | None = None, aside: str = "", **output: Any
) -> tuple[AgentRun, ModelTurnOutcome]:
    """A run that has taken a turn, and what came of it; `output` says how its answer is asked for."""
    program = Program(TOOLS, replace(NUMBER, **output))
    run = AgentRun("How many?", limits=limits or RunLimits(2), program=program)
    run.next_step()
    if aside:
        run.inject(aside)
    return run, run.model_response(turn, feedback=feedback)


ROWS: Mapping[str, tuple[Callable[[], tuple[AgentRun, ModelTurnOutcome]], type]] = {
    "the driver refuses it, and may ask again": (lambda: accepting(ASKED, feedback="no"), TurnRejected),
    "the driver refuses it, and must not": (lambda: accepting(ASKED, RunLimits(1), feedback="no"), OutputInvalid),
    "tools are called, and no tool turn is left": (lambda: accepting(ASKED, RunLimits(max_tool_turns=0)), MaxTurns),
    "more tools are called than may be": (lambda: accepting(ASKED, RunLimits(max_tool_calls=0)), BudgetExceeded),
    "tools are called": (lambda: accepting(ASKED), ToolsRequested),
    "a filter left nothing": (lambda: accepting(FILTERED), ProviderFailure),
    "the limit cut the answer that was asked for, and may be raised": (
        lambda: accepting(HALF, on_truncated=MoreTokens(99)),
        TurnCut,
    ),
    "it may be continued": (lambda: accepting(HALF, on_truncated=Continue()), TurnCut),
    "its complete items are enough": (
        lambda: accepting(HALF, on_truncated="keep_items", salvage=forty),
        TurnFinished,
    ),
    "the limit left nothing": (lambda: accepting(CUT, validators=(str,)), Truncated),
    "the limit cut the answer that was asked for": (lambda: accepting(HALF), Truncated),
    "the answer is invalid, and may be asked for again": (lambda: accepting(WRONG_TYPE), TurnRejected),
    "the answer is invalid, and must not be": (lambda: accepting(WRONG_TYPE, RunLimits(1)), OutputInvalid),
    "something was said meanwhile, and a turn is left to answer it": (
        lambda: accepting(ModelTurn.from_text("42"), aside="And in words?"),
        TurnContinued,
    ),
    "otherwise": (lambda: accepting(ModelTurn.from_text("42")), TurnFinished),
}


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.meaning)
def test_each_row_for_accepted_turns_leads_where_it_says(row: Accepted) -> None:
    make, kind = ROWS[row.meaning]
    run, outcome = make()
    assert isinstance(outcome.cause if isinstance(outcome, TurnFailed) else outcome, kind)
    assert run.state in row.to
    assert set(row.to) <= set(TABLE[State.AWAITING_MODEL, "model_response"].to)


def test_protocol_errors_are_never_a_cancellation() -> None:
    run = executing()
    with pytest.raises(ProtocolError):
        run.tool_result("elsewhere", ToolResult("42"))
    assert run.state is State.EXECUTING_TOOLS
