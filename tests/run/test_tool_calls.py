"""The calls of a turn: how they are named, executed, found wanting, and resolved."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from rigging_py.message import ContentText, Message, ModelTurn, ToolCall
from rigging_py.run import (
    AgentRun,
    Answer,
    CallTools,
    Cancelled,
    Fail,
    Failed,
    PendingToolCall,
    Problem,
    Repair,
    ResolutionNeeded,
    ResolveToolCall,
    Retry,
    Skip,
    State,
    Stop,
    ToolResult,
    ToolsRequested,
    TurnContinued,
    UnknownToolCall,
)
from tests.run.kit import ADD, FREE, asking, call, executing, refused, resolving, started

NOT_EXECUTED = "This call was not executed."


def problem_of(run: AgentRun) -> Problem:
    step = run.next_step()
    assert isinstance(step, ResolveToolCall)
    return step.problem


def open_calls(run: AgentRun) -> list[PendingToolCall]:
    step = run.next_step()
    assert isinstance(step, CallTools)
    return list(step.calls)


def results(run: AgentRun) -> list[str]:
    """The tool messages at the end of the history."""
    return [message.content for message in run.messages if message.role == "tool"]


# Executing.


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_results_join_the_history_in_call_order_whatever_order_they_came_in(order: tuple[int, ...]) -> None:
    run = executing(call("look"), call("add", ADD), call("look"))
    for count, index in enumerate(order):
        assert len(open_calls(run)) == 3 - count
        assert len(run.messages) == 1
        run.tool_result(f"run/1/{index}", f"result {index}")
    assert run.state is State.READY
    assert results(run) == ["result 0", "result 1", "result 2"]


def test_several_results_at_once_are_all_taken() -> None:
    run = executing()
    run.tool_results([("run/1/1", "seen"), ("run/1/0", "42")])
    assert results(run) == ["42", "seen"]


def test_a_result_may_hold_parts_metadata_and_an_error() -> None:
    run = executing(call("look", id="c1"))
    run.tool_result("run/1/0", ToolResult((ContentText(text="seen"),), error=True, metadata={"took": 3}))
    message = run.messages[-1]
    assert (message.role, message.content, message.tool_call_id) == ("tool", "seen", "c1")
    assert message.metadata == {"took": 3, "error": True}


def test_a_result_that_says_stop_ends_the_run_after_its_batch() -> None:
    run = executing()
    run.tool_result("run/1/0", ToolResult("enough", stop=True))
    assert [one.key for one in open_calls(run)] == ["run/1/1"]
    run.tool_result("run/1/1", "seen")
    assert run.state is State.DONE
    assert results(run) == ["enough", "seen"]


def test_a_cancelled_batch_keeps_the_results_in_hand_and_says_the_rest_was_not_executed() -> None:
    run = executing()
    run.tool_result("run/1/1", "seen")
    run.cancel("enough")
    assert results(run) == [NOT_EXECUTED, "seen"]
    assert isinstance(run.next_step(), Failed)


@pytest.mark.parametrize("raw", ["", "  ", "{}"])
def test_no_arguments_are_an_empty_object(raw: str) -> None:
    run = executing(call("look", raw))
    assert open_calls(run)[0].arguments == {}


# Ids and keys.


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (["a", "b", "c"], ["a", "b", "c"]),
        (["", "", ""], ["call_1_0", "call_1_1", "call_1_2"]),
        (["a", "a", "a"], ["a", "call_1_1", "call_1_2"]),
        (["", "call_1_0", ""], ["call_1_0_", "call_1_0", "call_1_2"]),
        (["call_1_1", "", "call_1_1"], ["call_1_1", "call_1_1_", "call_1_2"]),
    ],
)
def test_every_call_has_an_id_of_its_own_that_its_result_answers(given: list[str], used: list[str]) -> None:
    run = executing(*(call("look", id=one) for one in given))
    assert [one.id for one in open_calls(run)] == used
    run.tool_results([(one.key, "seen") for one in open_calls(run)])
    asked, *answers = run.messages[1:]
    assert [one.id for one in asked.tool_calls or ()] == used
    assert [one.tool_call_id for one in answers] == used


def test_keys_count_turns_and_calls_so_that_equal_ids_in_two_turns_are_two_calls() -> None:
    run = executing(call("look", id="c1"))
    run.tool_result("run/1/0", "seen")
    run.next_step()
    run.model_response(asking(call("look", id="c1")))
    assert [(one.key, one.id) for one in open_calls(run)] == [("run/2/0", "c1")]


# Problems.


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (call("nope"), Problem("unknown", "There is no tool 'nope'. The tools are: add, look.")),
        (call("add", "oops"), Problem("malformed", "The arguments of 'add' are not a JSON object: 'oops'")),
        (call("add", "[1]"), Problem("malformed", "The arguments of 'add' are not a JSON object: '[1]'")),
        (call("look", "[NaN]"), Problem("malformed", "The arguments of 'look' are not a JSON object: '[NaN]'")),
        (
            call("look", "{'a': 1}"),
            Problem("malformed", """The arguments of 'look' are not a JSON object: "{'a': 1}\""""),
        ),
        (call("add", '{"a": 1}'), Problem("invalid", "The arguments of 'add' are not valid: give a and b")),
    ],
)
def test_a_call_that_cannot_be_executed_is_named_with_what_is_wrong(asked: ToolCall, problem: Problem) -> None:
    run = started()
    outcome = run.model_response(asking(asked))
    assert isinstance(outcome, ResolutionNeeded)
    assert outcome.problem == problem
    assert run.next_step() == ResolveToolCall(outcome.call, problem)


@pytest.mark.parametrize("raw", ['{"a": NaN}', '{"a": [1e999]}', '{"a": {"b": -1e999}}'])
def test_numbers_that_json_cannot_hold_are_malformed(raw: str) -> None:
    assert problem_of(resolving(call("look", raw))).kind == "malformed"


def test_what_a_model_wrote_is_quoted_up_to_a_length() -> None:
    assert len(problem_of(resolving(call("add", "x" * 10_000))).text) < 300
    assert len(problem_of(resolving(call("y" * 10_000))).text) < 300


def test_problems_are_found_from_the_left() -> None:
    run = resolving(call("look"), call("add", "oops"), call("nope"))
    assert problem_of(run).kind == "malformed"
    run.resolve_tool_call(Answer("That is no JSON."))
    assert problem_of(run).kind == "unknown"


# Resolutions.


def test_an_answer_is_the_result_of_the_bad_call_and_the_others_are_executed() -> None:
    run = resolving(call("look"), call("nope"))
    outcome = run.resolve_tool_call(Answer("There is none."))
    assert isinstance(outcome, ToolsRequested)
    assert [one.name for one in outcome.calls] == ["look"]
    run.tool_result("run/1/0", "seen")
    assert results(run) == ["seen", "There is none."]
    assert run.messages[-1].metadata == {"error": True}


def test_a_turn_of_which_every_call_is_answered_goes_back_to_the_model() -> None:
    run = resolving()
    assert run.resolve_tool_call(Answer("There is none.", error=False)) == TurnContinued()
    assert run.messages[-1].metadata == {}
    assert run.tool_turns == 1


def test_a_retry_executes_nothing_and_tells_each_call_why() -> None:
    run = resolving(call("look"), call("add", "oops"), call("nope"))
    assert run.resolve_tool_call(Retry("Write JSON.")) == TurnContinued()
    assert results(run) == [NOT_EXECUTED, "Write JSON.", NOT_EXECUTED]
    assert run.tool_turns == 0


def test_a_skip_gives_every_open_call_the_reason() -> None:
    run = resolving(call("look"), call("nope"))
    assert run.resolve_tool_call(Skip("Not now.")) == TurnContinued()
    assert results(run) == ["Not now.", "Not now."]


def test_a_fail_ends_the_run_with_the_call_and_keeps_what_was_wrong_in_the_history() -> None:
    run = resolving(call("look"), call("nope"))
    text = problem_of(run).text
    run.resolve_tool_call(Fail())
    step = run.next_step()
    assert isinstance(step, Failed)
    assert step.cause == UnknownToolCall("nope", text)
    assert results(run) == [NOT_EXECUTED, text]


def test_a_stop_cancels_the_run_with_the_reason() -> None:
    run = resolving()
    run.resolve_tool_call(Stop("That will do."))
    step = run.next_step()
    assert isinstance(step, Failed)
    assert step.cause == Cancelled("That will do.")
    assert results(run) == [NOT_EXECUTED]


def test_a_repair_executes_the_call_under_its_key_and_marks_the_turn() -> None:
    run = resolving(call("look"), call("plus", '{"a": 40, "b": 2}', id="c1"))
    outcome = run.resolve_tool_call(Repair(name="add"))
    assert isinstance(outcome, ToolsRequested)
    assert outcome.calls[1] == PendingToolCall("run/1/1", "c1", "add", {"a": 40, "b": 2}, '{"a": 40, "b": 2}')
    run.tool_results([(one.key, "done") for one in outcome.calls])
    said = run.messages[1]
    assert [str(one) for one in said.tool_calls or ()] == ["look({})", 'add({"a": 40, "b": 2})']
    assert said.metadata == {"recovered": True}


def test_repaired_arguments_are_checked_like_the_model_s_own() -> None:
    run = resolving(call("add", "oops"))
    outcome = run.resolve_tool_call(Repair(arguments={"a": 40}))
    assert isinstance(outcome, ResolutionNeeded)
    assert outcome.problem.kind == "invalid"
    assert outcome.call.key == "run/1/0"
    assert isinstance(run.resolve_tool_call(Repair(arguments={"a": 40, "b": (2,)})), ToolsRequested)
    assert open_calls(run)[0].arguments == {"a": 40, "b": [2]}


def test_a_repair_to_a_tool_that_is_not_there_is_refused() -> None:
    assert "nada" in refused(resolving(), lambda run: run.resolve_tool_call(Repair(name="nada"))).hint


def test_a_turn_of_the_model_is_not_changed_by_a_repair() -> None:
    turn = ModelTurn(Message("assistant", "", tool_calls=[call("plus", ADD)]))
    run = started(FREE)
    run.model_response(turn)
    run.resolve_tool_call(Repair(name="add"))
    assert str(turn.message.tool_calls[0]) == f"plus({ADD})" if turn.message.tool_calls else False
    assert turn.message.metadata == {}


# Tools that may not be called now.


def test_a_tool_that_may_not_be_called_is_named_with_those_that_may() -> None:
    run = resolving(call("add", ADD), program=replace(FREE, allowed=frozenset({"look"})))
    problem = problem_of(run)
    assert problem.kind == "not_allowed"
    assert problem.text == "The tool 'add' may not be called now. Those that may are: look."


def test_a_call_cannot_be_repaired_to_a_tool_that_may_not_be_called() -> None:
    run = resolving(call("nope", ADD), program=replace(FREE, allowed=frozenset({"look"})))
    assert "'add'" in refused(run, lambda run: run.resolve_tool_call(Repair(name="add"))).hint
    assert isinstance(run.resolve_tool_call(Repair(name="look")), ToolsRequested)


def test_nothing_is_skipped_where_no_tool_may_be_called_for_the_model_would_only_call_again() -> None:
    run = resolving(call("add", ADD), program=replace(FREE, allowed=frozenset()))
    assert "none" in problem_of(run).text
    assert "no tool may be called" in refused(run, lambda run: run.resolve_tool_call(Skip("Not now."))).hint
    assert run.resolve_tool_call(Retry("Answer in words.")) == TurnContinued()


def test_a_tool_that_may_no_longer_be_called_when_a_run_is_loaded_is_a_problem() -> None:
    run = AgentRun.load(executing(call("look"), program=FREE).dump(), replace(FREE, allowed=frozenset({"add"})))
    assert problem_of(run).kind == "not_allowed"
