"""The table of the machine is what the machine does: every state with every input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any, get_args

import pytest

from rigging_py.error import ProtocolError
from rigging_py.message import Message, ModelTurn
from rigging_py.run import RULES, AgentRun, OutputSpec, Program, Repair, RunLimits, Skip, State, ToolResult
from rigging_py.run.accept import ACCEPTED
from rigging_py.run.steps import InputName
from tests.run.kit import ADD, NUMBER, RUNS, TOOLS, asking, call, executing, refused, reloaded, started, whole_number

INPUTS: Mapping[InputName, Callable[[AgentRun], Any]] = {
    "next_step": lambda run: run.next_step(),
    "model_response": lambda run: run.model_response("42"),
    "model_failed": lambda run: run.model_failed(OSError("gone")),
    "resolve_tool_call": lambda run: run.resolve_tool_call(Skip("no such tool")),
    "tool_result": lambda run: run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")]),
    "cancel": lambda run: run.cancel("enough"),
    "raise_limit": lambda run: run.raise_limit(max_turns=10),
}
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
    assert error.hint in str(error)


def test_the_table_has_one_rule_for_a_state_and_an_input() -> None:
    assert len(TABLE) == len(RULES)


@pytest.mark.parametrize("state", State)
def test_every_state_answers_next_step_and_only_live_ones_can_be_cancelled(state: State) -> None:
    assert (state, "next_step") in TABLE
    assert ((state, "cancel") in TABLE) == (state not in (State.DONE, State.FAILED))


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
    "a turn of the user": (
        State.AWAITING_MODEL,
        lambda run: run.model_response(ModelTurn(Message("user", "42"))),
        "user",
    ),
    "a limit that is not higher": (State.FAILED, lambda run: run.raise_limit(max_turns=0), "max_turns"),
    "a limit that is not spent": (State.FAILED, lambda run: run.raise_limit(max_tool_turns=99), "max_turns"),
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


def test_a_refusal_is_a_runtime_error_that_says_what_to_do() -> None:
    with pytest.raises(
        RuntimeError, match=r"^tool_result\(\) while the run is AwaitingModel: answer the CallModel step"
    ):
        started().tool_result("run/1/0", "42")


LENIENT = Program(TOOLS, OutputSpec((whole_number,), strict=False))
ASKED = asking(call("add", ADD))
CUT, FILTERED = ModelTurn.from_text("", "length"), ModelTurn.from_text("", "content_filter")
ROWS: Mapping[str, tuple[ModelTurn, RunLimits]] = {
    "tools are called, and no tool turn is left": (ASKED, RunLimits(max_tool_turns=0)),
    "tools are called": (ASKED, RunLimits()),
    "a filter left nothing": (FILTERED, RunLimits()),
    "the limit left nothing": (CUT, RunLimits()),
    "the limit cut the answer that was asked for": (ModelTurn.from_text("forty-", "length"), RunLimits(max_turns=2)),
    "the answer is invalid, and may be asked for again": (ModelTurn.from_text("plenty"), RunLimits(max_turns=2)),
    "the answer is invalid, and must not be": (ModelTurn.from_text("plenty"), RunLimits(2, max_output_retries=0)),
    "otherwise": (ModelTurn.from_text("42"), RunLimits()),
}


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: row.meaning)
def test_each_row_for_accepted_turns_leads_where_it_says(row: Any) -> None:
    turn, limits = ROWS[row.meaning]
    run = AgentRun("How many?", limits=limits, program=Program(TOOLS, NUMBER))
    run.next_step()
    run.model_response(turn)
    assert run.state in row.to
    assert set(row.to) <= set(TABLE[State.AWAITING_MODEL, "model_response"].to)


def test_protocol_errors_are_never_a_cancellation() -> None:
    run = executing()
    with pytest.raises(ProtocolError):
        run.tool_result("elsewhere", ToolResult("42"))
    assert run.state is State.EXECUTING_TOOLS
