"""Calls that wait for somebody's decision: approved, denied or edited, in any order, in any process."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    AwaitDecision,
    CallTools,
    Decision,
    DecisionNeeded,
    DecisionRequest,
    Deny,
    Done,
    Edit,
    Failed,
    Program,
    ProgramTool,
    Repair,
    State,
    ToolResult,
    ToolsRequested,
    TurnContinued,
    TurnFinished,
)
from tests.run.kit import ADD, FREE, SECRET, TOOLS, asking, call, deciding, refused, reloaded, resolving, started

HIDDEN = '{"at": "secret"}'


def waiting(run: AgentRun) -> list[str]:
    """The keys that wait for a decision."""
    step = run.next_step()
    assert isinstance(step, AwaitDecision)
    return [request.call.key for request in step.requests]


def open_keys(run: AgentRun) -> list[str]:
    step = run.next_step()
    assert isinstance(step, CallTools)
    return [one.key for one in step.calls]


def results(run: AgentRun) -> list[str]:
    return [message.content for message in run.messages if message.role == "tool"]


def test_a_request_names_the_call_and_why_it_waits() -> None:
    run = started()
    outcome = run.model_response(asking(call("add", SECRET, id="c1")))
    assert isinstance(outcome, DecisionNeeded)
    [request] = outcome.requests
    assert isinstance(request, DecisionRequest)
    assert (request.why, request.call.key, request.call.id) == ("approval", "run/1/0", "c1")
    assert request.call.arguments == {"a": "secret", "b": 2}
    assert run.next_step() == AwaitDecision(outcome.requests)


def test_what_needs_approval_may_depend_on_the_arguments() -> None:
    run = started()
    assert isinstance(run.model_response(asking(call("add", ADD))), ToolsRequested)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_several_decisions_are_open_at_once_and_made_in_any_order(order: tuple[int, ...]) -> None:
    run = deciding(call("look", HIDDEN), call("add", SECRET), call("look", HIDDEN))
    for count, index in enumerate(order):
        assert len(waiting(run)) == 3 - count
        run.decide(f"run/1/{index}", Approve())
    assert open_keys(run) == ["run/1/0", "run/1/1", "run/1/2"]


def test_nothing_is_executed_before_every_decision_is_made() -> None:
    run = deciding()
    assert isinstance(run.decide("run/1/0", Approve()), DecisionNeeded)
    assert run.state is State.AWAITING_DECISION
    assert isinstance(run.decide("run/1/1", Approve()), ToolsRequested)
    assert open_keys(run) == ["run/1/0", "run/1/1"]


def test_calls_that_need_no_decision_are_executed_first() -> None:
    run = started()
    outcome = run.model_response(asking(call("look", HIDDEN), call("add", ADD), call("look")))
    assert isinstance(outcome, ToolsRequested)
    assert open_keys(run) == ["run/1/1", "run/1/2"]
    assert "waits for a decision" in refused(run, lambda run: run.tool_result("run/1/0", "seen")).hint
    assert "waits for a decision" in refused(run, lambda run: run.tool_started("run/1/0")).hint
    run.tool_results([("run/1/2", "seen"), ("run/1/1", "42")])
    assert waiting(run) == ["run/1/0"]
    run.decide("run/1/0", Approve())
    run.tool_result("run/1/0", "found")
    assert results(run) == ["found", "42", "seen"]
    assert run.tool_turns == 1


def test_the_reason_of_a_denial_is_the_result_that_the_model_reads() -> None:
    run = deciding()
    run.decide("run/1/0", Deny("Not on a Sunday."))
    run.decide("run/1/1", Approve())
    assert open_keys(run) == ["run/1/1"]
    run.tool_result("run/1/1", "42")
    denied, added = run.messages[-2:]
    assert (denied.content, denied.metadata) == ("Not on a Sunday.", {"error": True})
    assert (added.content, added.metadata) == ("42", {})


def test_a_turn_of_which_every_call_is_denied_goes_back_to_the_model() -> None:
    run = deciding()
    run.decide("run/1/1", Deny("Nor that."))
    assert run.decide("run/1/0", Deny("Not that.")) == TurnContinued()
    assert run.state is State.READY
    assert results(run) == ["Not that.", "Nor that."]


def test_an_edited_call_is_executed_with_the_arguments_it_was_given() -> None:
    run = deciding()
    run.decide("run/1/1", Edit({"a": 1, "b": 2}))
    run.decide("run/1/0", Approve())
    step = run.next_step()
    assert isinstance(step, CallTools)
    assert [one.arguments for one in step.calls] == [{"at": "secret"}, {"a": 1, "b": 2}]
    run.tool_results([("run/1/0", "seen"), ("run/1/1", "3")])
    said = run.messages[1]
    assert [str(one) for one in said.tool_calls or ()] == ['look({"at": "secret"})', 'add({"a":1,"b":2})']
    assert said.metadata == {"edited": True}


def test_an_edit_that_is_not_valid_is_refused_with_what_is_wrong_and_may_be_made_again() -> None:
    run = deciding()
    assert "give a and b" in refused(run, lambda run: run.decide("run/1/1", Edit({"a": 1}))).hint
    assert waiting(run) == ["run/1/0", "run/1/1"]
    run.decide("run/1/1", Edit({"a": 1, "b": 2}))
    assert waiting(run) == ["run/1/0"]


def test_an_edit_is_a_decision_so_that_what_is_secret_still_is_not_asked_about_again() -> None:
    run = deciding(call("add", SECRET))
    assert isinstance(run.decide("run/1/0", Edit({"a": "secret", "b": 3})), ToolsRequested)
    assert open_keys(reloaded(run)) == ["run/1/0"]


def test_a_decision_that_was_made_cannot_be_made_again() -> None:
    run = deciding()
    run.decide("run/1/0", Approve())
    assert "waits for no decision" in refused(run, lambda run: run.decide("run/1/0", Deny("No."))).hint


DECISIONS: list[Decision] = [Approve(), Deny("No."), Edit({"a": 1, "b": 2})]


@pytest.mark.parametrize("decisions", list(product(DECISIONS, repeat=3)))
def test_any_mixture_of_decisions_stored_after_each_is_the_same_run(decisions: tuple[Decision, ...]) -> None:
    run = deciding(*[call("add", SECRET)] * 3)
    again = reloaded(run)
    for index, decision in enumerate(decisions):
        run.decide(f"run/1/{index}", decision)
        again.decide(f"run/1/{index}", decision)
        again = reloaded(again)
        assert again.next_step() == run.next_step()
    if run.state is State.EXECUTING_TOOLS:
        for key in open_keys(run):
            run.tool_result(key, "42")
            again.tool_result(key, "42")
    assert again.dump() == run.dump()
    expected = ["No." if isinstance(decision, Deny) else "42" for decision in decisions]
    assert results(run) == expected


def test_a_run_that_waits_is_stored_and_decided_in_another_process() -> None:
    run = started()
    run.model_response(asking(call("look"), call("look", HIDDEN), call("add", SECRET)))
    run.tool_result("run/1/0", "seen")
    run.decide("run/1/2", Deny("No."))
    again = reloaded(run)
    assert again.next_step() == run.next_step()
    assert waiting(again) == ["run/1/1"]
    again.decide("run/1/1", Approve())
    again.tool_result("run/1/1", "found")
    assert results(again) == ["seen", "found", "No."]


def test_a_stored_run_whose_free_calls_are_under_way_asks_about_the_others_afterwards() -> None:
    run = started()
    run.model_response(asking(call("look"), call("look", HIDDEN)))
    again = reloaded(run)
    assert open_keys(again) == ["run/1/0"]
    again.tool_result("run/1/0", "seen")
    assert waiting(again) == ["run/1/1"]


def test_calls_that_wait_are_answered_as_not_executed_when_the_run_is_cancelled() -> None:
    run = deciding()
    run.decide("run/1/0", Deny("No."))
    run.cancel("enough")
    assert isinstance(run.next_step(), Failed)
    assert results(run) == ["No.", "This call was not executed."]


def test_a_tool_that_ended_the_run_ends_it_once_the_others_are_decided() -> None:
    run = started()
    run.model_response(asking(call("look"), call("look", HIDDEN)))
    run.tool_result("run/1/0", ToolResult("enough", stop=True))
    assert run.decide("run/1/1", Deny("No.")) == TurnFinished()
    assert isinstance(run.next_step(), Done)


def test_a_call_that_was_repaired_needs_approval_like_any_other() -> None:
    run = resolving(call("nope"), call("looc", HIDDEN), program=FREE)
    run.resolve_tool_call(Answer("There is none."))
    assert isinstance(run.resolve_tool_call(Repair(name="look")), DecisionNeeded)
    assert waiting(run) == ["run/1/1"]


def test_arguments_that_a_driver_rewrites_cannot_slip_past_approval() -> None:
    run = started()
    run.model_response(asking(call("add", ADD)))
    rewritten = {"a": "secret", "b": 2}
    assert "need a decision" in refused(run, lambda run: run.tool_started("run/1/0", rewritten)).hint
    run.tool_started("run/1/0", {"a": 41, "b": 1})
    assert open_keys(reloaded(run)) == ["run/1/0"]


def test_arguments_that_were_approved_may_be_rewritten() -> None:
    run = deciding(call("add", SECRET))
    run.decide("run/1/0", Approve())
    assert run.tool_started("run/1/0", {"a": "secret", "b": 9}).arguments == {"a": "secret", "b": 9}
    assert reloaded(run).next_step() == run.next_step()


def test_what_somebody_approved_stays_approved_where_the_tools_have_changed() -> None:
    run = deciding(call("look", HIDDEN), call("look", HIDDEN), program=FREE)
    run.decide("run/1/0", Approve())
    tools = {**TOOLS, "look": ProgramTool({"now": "strict"}, lambda _: None, needs_approval=lambda _: True)}
    again = AgentRun.load(run.dump(), Program(tools), allow_changes=True)
    assert waiting(again) == ["run/1/1"]
