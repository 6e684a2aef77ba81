"""How far a run goes: each limit is its own, is met before anything is spent past it, and can be raised."""

from __future__ import annotations

import pytest

from rigging_py.run import (
    AgentRun,
    Answer,
    CallModel,
    Done,
    Failed,
    MaxTurns,
    OutputInvalid,
    Retry,
    RunLimits,
    State,
    TurnFailed,
)
from tests.run.kit import ADD, FREE, PROGRAM, asking, call, executing, refused, resolving, started

TOOL_TURN = asking(call("add", ADD))


def cause_of(run: AgentRun) -> object:
    step = run.next_step()
    assert isinstance(step, Failed)
    return step.cause


def tool_turn(run: AgentRun) -> None:
    """A model turn that calls a tool, and the result."""
    step = run.next_step()
    assert isinstance(step, CallModel)
    run.model_response(TOOL_TURN)
    run.tool_result(f"run/{step.turn}/0", "42")


def test_no_turns_are_legal_and_mean_no_call() -> None:
    run = AgentRun("How many?", limits=RunLimits(max_turns=0))
    assert cause_of(run) == MaxTurns("max_turns", 0)
    assert run.calls == ()


def test_a_hand_driven_run_has_one_turn_unless_it_is_given_more() -> None:
    run = AgentRun("How many?", program=FREE)
    tool_turn(run)
    assert cause_of(run) == MaxTurns("max_turns", 1)


def test_the_model_may_answer_after_the_last_tool_turn() -> None:
    run = started(max_tool_turns=2)
    tool_turn(run)
    tool_turn(run)
    run.next_step()
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


def test_a_tool_turn_past_the_limit_is_not_executed() -> None:
    run = started(max_tool_turns=1)
    tool_turn(run)
    run.next_step()
    assert run.model_response(TOOL_TURN) == TurnFailed(MaxTurns("max_tool_turns", 1))
    assert [message.content for message in run.messages if message.role == "tool"] == [
        "42",
        "This call was not executed.",
    ]


def test_a_turn_whose_bad_calls_are_answered_is_a_tool_turn() -> None:
    run = resolving(max_tool_turns=1)
    run.resolve_tool_call(Answer("There is none."))
    run.next_step()
    run.model_response(asking(call("nope")))
    run.resolve_tool_call(Answer("There is none."))
    assert cause_of(run) == MaxTurns("max_tool_turns", 1)


def test_tool_turns_and_output_retries_do_not_eat_each_other() -> None:
    run = started(max_tool_turns=2, max_output_retries=2, max_turns=5)
    for _ in range(2):
        tool_turn(run)
        run.next_step()
        run.model_response("plenty")
    run.next_step()
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


def test_an_output_retry_never_fails_for_want_of_turns() -> None:
    run = started(max_turns=2, max_output_retries=9)
    run.model_response("plenty")
    run.next_step()
    run.model_response("lots")
    assert cause_of(run) == OutputInvalid("'lots' is not a whole number", 1)


def test_bad_calls_are_sent_back_as_often_as_their_own_limit_allows() -> None:
    run = resolving(max_call_retries=1)
    run.resolve_tool_call(Retry("There is none."))
    run.next_step()
    run.model_response(asking(call("nope")))
    assert run.resolve_tool_call(Retry("Still none.")) == TurnFailed(MaxTurns("max_call_retries", 1))
    assert run.messages[-1].content == "Still none."


def test_a_raised_limit_makes_a_run_go_on_with_all_that_was_said() -> None:
    run = AgentRun("How many?", program=PROGRAM)
    tool_turn(run)
    run.next_step()
    run.raise_limit(max_turns=2)
    assert run.state is State.READY
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert (step.turn, len(step.messages)) == (2, 3)
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


def test_a_raised_limit_on_tool_turns_leaves_the_refused_batch_as_not_executed() -> None:
    run = started(max_tool_turns=0)
    run.model_response(TOOL_TURN)
    run.raise_limit(max_tool_turns=1)
    tool_turn(run)
    assert [message.role for message in run.messages] == ["user", "assistant", "tool", "assistant", "tool"]


def test_a_failure_that_is_not_about_turns_is_final() -> None:
    run = executing()
    run.cancel("enough")
    assert "limit" in refused(run, lambda run: run.raise_limit(max_turns=99)).hint


@pytest.mark.parametrize("attempts", [1, 3])
def test_attempts_of_one_call_are_no_turns(attempts: int) -> None:
    run = started(max_attempts=attempts)
    for _ in range(attempts):
        run.model_failed(OSError("gone"), retryable=True)
    assert isinstance(run.next_step(), Failed)
    assert (run.turn, len(run.calls)) == (1, attempts)
