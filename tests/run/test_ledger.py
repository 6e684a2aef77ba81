"""The ledger of tool effects: what was begun, what came of it, and what becomes of a call whose driver is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rigging_py.run import (
    AgentRun,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    DecisionNeeded,
    DecisionRequest,
    Deny,
    Edit,
    Effect,
    Failed,
    OnUnfinished,
    Program,
    ProgramTool,
    State,
    ToolsRequested,
    TurnContinued,
    TurnFailed,
    UnfinishedToolCall,
)
from tests.run.kit import ADD, DEADLINE, FREE, PROGRAM, SECRET, TOOLS, call, deciding, executing, refused, reloaded

UNFINISHED = "This call was started, and its result never came: what it does may have happened."


def with_policy(effect: Effect = "once", on_unfinished: OnUnfinished | None = None) -> Program:
    """A program whose tools leave this trace in the world."""
    tools = {name: replace(tool, effect=effect, on_unfinished=on_unfinished) for name, tool in TOOLS.items()}
    return Program(tools)


def step_of(run: AgentRun) -> CallTools:
    step = run.next_step()
    assert isinstance(step, CallTools)
    return step


def begun(program: Program = FREE) -> AgentRun:
    """A run of three calls: the first has its result, the second was begun, the third not yet; its driver is gone."""
    run = executing(call("look"), call("add", ADD), call("look"), program=program)
    run.tool_started("run/1/0")
    run.tool_started("run/1/1")
    run.tool_result("run/1/0", "seen")
    return reloaded(run, program)


def test_a_call_that_is_begun_is_given_as_it_is_and_the_step_says_that_it_was() -> None:
    run = executing()
    begun_call = run.tool_started("run/1/0")
    step = step_of(run)
    assert begun_call == step.calls[0]
    assert step.started == ("run/1/0",)
    run.tool_result("run/1/0", "42")
    assert step_of(run).started == ()


def test_calls_may_be_begun_in_any_order_and_their_results_come_in_any_other() -> None:
    run = executing()
    run.tool_started("run/1/1")
    run.tool_started("run/1/0")
    assert step_of(run).started == ("run/1/1", "run/1/0")
    run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    assert [message.content for message in run.messages[-2:]] == ["42", "seen"]


def test_a_call_may_be_begun_with_other_arguments_that_the_history_keeps() -> None:
    run = executing()
    assert run.tool_started("run/1/0", {"a": 1, "b": 2}).arguments == {"a": 1, "b": 2}
    assert reloaded(run).next_step() == run.next_step()
    run.tool_results([("run/1/0", "3"), ("run/1/1", "seen")])
    said = run.messages[1]
    assert [str(one) for one in said.tool_calls or ()] == ['add({"a":1,"b":2})', "look({})"]
    assert said.metadata == {"edited": True}


def test_other_arguments_are_checked_and_nothing_is_begun_with_bad_ones() -> None:
    run = executing()
    assert "give a and b" in refused(run, lambda run: run.tool_started("run/1/0", {"a": 1})).hint
    assert step_of(run).started == ()


@pytest.mark.parametrize("key", ["run/1/0", "run/1/1", "run/1/9", "run/2/2"])
def test_only_a_call_that_is_open_and_not_begun_can_be_begun(key: str) -> None:
    run = begun()
    problem = {"run/1/0": "has its result", "run/1/1": "was started"}.get(key, "is no call")
    assert problem in refused(run, lambda run: run.tool_started(key)).hint


def test_a_result_that_is_stored_is_never_asked_for_again_whatever_is_recovered() -> None:
    for program in (FREE, with_policy("idempotent"), with_policy("once"), with_policy("once", "retry")):
        run = begun(program)
        run.recover()
        listed = [one.key for one in step_of(run).calls]
        assert "run/1/0" not in listed
        assert "already" in refused(run, lambda run: run.tool_result("run/1/0", "again")).hint


@pytest.mark.parametrize("program", [with_policy("read"), with_policy("idempotent"), with_policy("once", "retry")])
def test_a_call_that_may_be_done_again_is_listed_again(program: Program) -> None:
    run = begun(program)
    assert step_of(run).started == ("run/1/1",)
    outcome = run.recover()
    assert isinstance(outcome, ToolsRequested)
    assert [one.key for one in outcome.calls] == ["run/1/1", "run/1/2"]
    assert step_of(run).started == ()
    run.tool_started("run/1/1")


@pytest.mark.parametrize("program", [with_policy("once"), with_policy("read", "ask")])
def test_of_a_call_that_may_not_be_done_again_somebody_is_asked_once_the_others_are_done(program: Program) -> None:
    run = begun(program)
    run.recover()
    assert [one.key for one in step_of(run).calls] == ["run/1/2"]
    run.tool_result("run/1/2", "seen")
    step = run.next_step()
    assert isinstance(step, AwaitDecision)
    assert [(one.call.key, one.why) for one in step.requests] == [("run/1/1", "unfinished")]
    assert reloaded(run, program).next_step() == step


def asked() -> AgentRun:
    """A run that asks about a call that was begun."""
    run = executing(call("add", ADD), program=with_policy())
    run.tool_started("run/1/0")
    run = reloaded(run, with_policy())
    assert isinstance(run.recover(), DecisionNeeded)
    return run


def test_a_person_may_have_an_unfinished_call_done_again() -> None:
    run = asked()
    assert isinstance(run.decide("run/1/0", Approve()), ToolsRequested)
    assert step_of(run).started == ()
    run.tool_started("run/1/0")
    run = reloaded(run, with_policy())
    run.recover()
    assert isinstance(run.next_step(), AwaitDecision)


def test_a_person_may_have_it_done_with_other_arguments() -> None:
    run = asked()
    run.decide("run/1/0", Edit({"a": 1, "b": 2}))
    assert step_of(run).calls[0].arguments == {"a": 1, "b": 2}


def test_a_person_may_say_what_came_of_it() -> None:
    run = asked()
    assert run.decide("run/1/0", Deny("It had been done: 42.")) == TurnContinued()
    assert run.messages[-1].content == "It had been done: 42."


def test_a_call_whose_tool_says_fail_ends_the_run_and_the_history_says_it_may_have_happened() -> None:
    program = with_policy("once", "fail")
    run = begun(program)
    assert run.recover() == TurnFailed(UnfinishedToolCall("add", "run/1/1"))
    assert [message.content for message in run.messages[-3:]] == ["seen", UNFINISHED, "This call was not executed."]
    assert isinstance(reloaded(run, program).next_step(), Failed)


def test_each_call_is_recovered_by_its_own_tool() -> None:
    tools = {**TOOLS, "ring": ProgramTool({}, lambda _: None, on_unfinished="fail")}
    run = executing(call("add", ADD), call("look"), call("ring"), program=Program(tools))
    for index in (0, 1):
        run.tool_started(f"run/1/{index}")
    run.recover()
    assert [one.name for one in step_of(run).calls] == ["add", "ring"]
    run.tool_started("run/1/2")
    assert run.recover() == TurnFailed(UnfinishedToolCall("ring", "run/1/2"))


def test_an_approved_call_that_was_begun_is_asked_about_for_another_reason() -> None:
    run = deciding(call("look", '{"at": "secret"}'), call("add", SECRET))
    run.decide("run/1/0", Approve())
    run.decide("run/1/1", Deny("No."))
    run.tool_started("run/1/0")
    run = reloaded(run)
    outcome = run.recover()
    assert isinstance(outcome, DecisionNeeded)
    assert outcome.requests == (DecisionRequest(outcome.requests[0].call, "unfinished"),)


def test_recovering_twice_is_refused_for_there_is_nothing_left_to_recover() -> None:
    run = begun(with_policy("read"))
    run.recover()
    assert "no call was started" in refused(run, lambda run: run.recover()).hint


ENDS: list[Callable[[AgentRun], None]] = [lambda run: run.cancel("enough"), lambda run: run.expire(DEADLINE)]


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_is_ended_while_a_call_is_under_way_does_not_say_that_it_was_not_executed(
    end: Callable[[AgentRun], None],
) -> None:
    run = begun(PROGRAM)
    end(run)
    assert [message.content for message in run.messages[-3:]] == ["seen", UNFINISHED, "This call was not executed."]


def test_a_run_that_goes_on_after_its_deadline_tells_the_model_what_may_have_happened() -> None:
    run = begun(PROGRAM)
    run.expire(DEADLINE)
    run.raise_limit(deadline=None)
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert step.messages[-2].content == UNFINISHED


def test_a_run_that_is_ended_while_somebody_is_asked_says_that_it_may_have_happened() -> None:
    run = asked()
    run.cancel("enough")
    assert run.messages[-1].content == UNFINISHED


def test_results_may_come_of_calls_that_nobody_said_were_begun() -> None:
    run = executing()
    run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    assert run.state is State.READY
