"""What a run may use: tokens, money, tool calls and time, each met before more of it is spent, each to be raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rigging_py.message import ModelTurn, Usage
from rigging_py.run import (
    AgentRun,
    BudgetExceeded,
    CallModel,
    Cancelled,
    Done,
    Failed,
    FailureRecord,
    MaxTurns,
    ProviderFailure,
    RunLimits,
    State,
    TurnFailed,
)
from tests.run.kit import ADD, DEADLINE, FREE, RUNS, asking, call, executing, refused, reloaded, started, tokens

LATER = DEADLINE + timedelta(seconds=1)


def cause_of(run: AgentRun) -> object:
    step = run.next_step()
    assert isinstance(step, Failed)
    return step.cause


def tool_turn(run: AgentRun, usage: Usage | None = None) -> None:
    """A model turn that calls a tool, and the result."""
    step = run.next_step()
    assert isinstance(step, CallModel)
    run.model_response(ModelTurn.of("", [call("add", ADD)], usage=usage))
    run.tool_result(f"run/{step.turn}/0", "42")


# Tokens.


def test_a_turn_is_not_begun_when_the_tokens_are_spent() -> None:
    run = started(FREE, max_total_tokens=10)
    tool_turn(run, tokens(6, 3))
    tool_turn(run, tokens(1, 0))
    assert cause_of(run) == BudgetExceeded("max_total_tokens", 10, 10)
    assert len(run.calls) == 2


def test_tokens_of_failed_attempts_count_too() -> None:
    run = started(FREE, max_total_tokens=10, max_attempts=2)
    run.model_failed(OSError("gone"), retryable=True, usage=tokens(9, 0))
    tool_turn(run, tokens(1, 0))
    assert cause_of(run) == BudgetExceeded("max_total_tokens", 10, 10)


def test_an_answer_that_passes_the_budget_is_still_an_answer() -> None:
    run = started(max_total_tokens=10)
    run.model_response(ModelTurn.from_text("42", usage=tokens(90, 9)))
    assert isinstance(run.next_step(), Done)


# Money.


def spending(cost: float | None) -> Usage:
    return Usage(input_tokens=1, total_tokens=1, cost=cost)


def test_a_turn_is_not_begun_when_the_money_is_spent() -> None:
    run = started(FREE, max_cost=0.5)
    tool_turn(run, spending(0.25))
    tool_turn(run, spending(0.25))
    assert cause_of(run) == BudgetExceeded("max_cost", 0.5, 0.5)


@pytest.mark.parametrize("usage", [spending(None), None])
def test_a_budget_of_money_cannot_be_kept_when_nobody_knows_the_price_of_a_call(usage: Usage | None) -> None:
    run = started(FREE, max_cost=0.5)
    tool_turn(run, usage)
    assert cause_of(run) == BudgetExceeded("max_cost", 0.5, None)


def test_an_unknown_price_is_nobodys_business_without_a_budget_of_money() -> None:
    run = started()
    tool_turn(run, spending(None))
    assert isinstance(run.next_step(), CallModel)
    assert run.usage.cost is None


# Tool calls.


def test_a_batch_that_would_pass_the_budget_of_tool_calls_is_not_executed_at_all() -> None:
    run = started(FREE, max_tool_calls=2)
    tool_turn(run)
    run.next_step()
    two = [call("look"), call("look")]
    assert run.model_response(asking(*two)) == TurnFailed(BudgetExceeded("max_tool_calls", 2, 1))
    assert [message.content for message in run.messages[-2:]] == ["This call was not executed."] * 2


def test_a_batch_that_just_fits_is_executed_and_the_model_may_answer() -> None:
    run = executing(max_tool_calls=2)
    run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    run.next_step()
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


def test_a_run_that_is_loaded_does_not_count_its_tool_calls_twice() -> None:
    run = executing(program=FREE, max_tool_calls=3)
    for _ in range(3):
        run = reloaded(run, FREE)
    run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    tool_turn(run)
    run.next_step()
    assert run.model_response(asking(call("look"))) == TurnFailed(BudgetExceeded("max_tool_calls", 3, 3))


# Nothing at all.


@pytest.mark.parametrize(("limit", "spent"), [("max_total_tokens", 0), ("max_cost", 0.0), ("max_turns", None)])
def test_a_budget_of_nothing_is_legal_and_means_no_call(limit: str, spent: float | None) -> None:
    run = AgentRun("How many?", limits=RunLimits(**{limit: 0}))  # type: ignore[arg-type]
    assert cause_of(run) == (MaxTurns("max_turns", 0) if limit == "max_turns" else BudgetExceeded(limit, 0, spent))  # type: ignore[arg-type]
    assert run.calls == ()


def test_no_tool_calls_are_legal_and_the_model_may_still_answer() -> None:
    run = started(max_tool_calls=0)
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


# Time.

LIVE = [State.READY, State.AWAITING_MODEL, State.RESOLVING, State.AWAITING_DECISION, State.EXECUTING_TOOLS]


@pytest.mark.parametrize("state", LIVE)
def test_a_deadline_ends_a_run_wherever_it_is_and_answers_what_is_pending(state: State) -> None:
    run = RUNS[state]()
    run.expire(LATER)
    assert cause_of(run) == BudgetExceeded("deadline", DEADLINE.isoformat(), LATER.isoformat())
    asked = sum(len(message.tool_calls or ()) for message in run.messages)
    assert asked == sum(message.role == "tool" for message in run.messages)


def test_a_deadline_keeps_the_results_in_hand() -> None:
    run = executing()
    run.tool_result("run/1/1", "seen")
    run.expire(DEADLINE)
    assert [message.content for message in run.messages[-2:]] == ["This call was not executed.", "seen"]


def test_a_deadline_passes_at_the_same_moment_everywhere() -> None:
    run = started()
    here = DEADLINE.astimezone(timezone(timedelta(hours=9)))
    assert "has not passed" in refused(run, lambda run: run.expire(here - timedelta(seconds=1))).hint
    run.expire(here)
    assert run.state is State.FAILED


def test_a_run_without_a_deadline_does_not_expire() -> None:
    run = AgentRun("How many?")
    assert "deadline is None" in refused(run, lambda run: run.expire(LATER)).hint


def test_a_deadline_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        RunLimits(deadline=datetime(2030, 1, 1))


def test_a_time_without_a_zone_says_so_and_changes_nothing() -> None:
    run = started()
    naive = datetime(2031, 1, 1)
    assert "time zone" in refused(run, lambda run: run.expire(naive)).hint


# Raising.


def spent_tokens() -> AgentRun:
    run = started(FREE, max_total_tokens=5)
    tool_turn(run, tokens(5, 0))
    return run


def spent_money() -> AgentRun:
    run = started(FREE, max_cost=0.5)
    tool_turn(run, spending(0.5))
    return run


def spent_calls() -> AgentRun:
    run = started(FREE, max_tool_calls=0)
    run.model_response(asking(call("add", ADD)))
    return run


def spent_time() -> AgentRun:
    run = executing(program=FREE)
    run.expire(LATER)
    return run


def spent_turns() -> AgentRun:
    run = started(FREE, max_turns=1)
    tool_turn(run)
    return run


SPENT: Mapping[str, tuple[Callable[[], AgentRun], Any]] = {
    "max_total_tokens": (spent_tokens, 10),
    "max_cost": (spent_money, 1.0),
    "max_tool_calls": (spent_calls, 4),
    "deadline": (spent_time, DEADLINE + timedelta(days=1)),
    "max_turns": (spent_turns, 4),
}


@pytest.mark.parametrize("limit", SPENT)
def test_a_raised_limit_makes_the_run_go_on_to_its_answer(limit: str) -> None:
    make, higher = SPENT[limit]
    run = make()
    run.next_step()
    assert run.state is State.FAILED
    run = reloaded(run, FREE)
    run.raise_limit(**{limit: higher})
    assert run.state is State.READY
    step = run.next_step()
    assert isinstance(step, CallModel)
    run.model_response("42")
    assert isinstance(run.next_step(), Done)


@pytest.mark.parametrize("limit", [one for one in SPENT if one != "max_turns"])
def test_a_budget_may_be_lifted_for_good(limit: str) -> None:
    run = SPENT[limit][0]()
    run.next_step()
    run.raise_limit(**{limit: None})
    assert getattr(run.limits, limit) is None
    assert isinstance(run.next_step(), CallModel)


@pytest.mark.parametrize("limit", SPENT)
def test_a_limit_is_refused_that_is_not_higher_or_is_another_than_the_one_spent(limit: str) -> None:
    run = SPENT[limit][0]()
    run.next_step()
    for same in ({limit: getattr(run.limits, limit)}, {"max_output_retries": 99}, {}):
        assert limit in refused(run, lambda run, same=same: run.raise_limit(**same)).hint  # type: ignore[misc]


def test_a_limit_that_is_raised_but_spent_all_the_same_fails_again_with_the_new_figure() -> None:
    run = spent_tokens()
    run.next_step()
    run.raise_limit(max_total_tokens=6)
    tool_turn(run, tokens(90, 0))
    assert cause_of(run) == BudgetExceeded("max_total_tokens", 6, 95)


@pytest.mark.parametrize("wrong", [{"deadline": "tomorrow"}, {"deadline": datetime(2031, 1, 1)}, {"deadline": 7}])
def test_a_limit_of_another_kind_is_refused(wrong: dict[str, Any]) -> None:
    assert "deadline" in refused(spent_time(), lambda run: run.raise_limit(**wrong)).hint


def test_a_failed_call_goes_on_in_the_same_turn_with_another_attempt() -> None:
    run = started(max_attempts=1)
    failed = run.model_failed(FailureRecord("RateLimited", "Slow down."), retryable=True, usage=tokens(3, 0))
    assert isinstance(failed, Failed)
    assert isinstance(failed.cause, ProviderFailure)
    run = reloaded(run)
    run.raise_limit(max_attempts=2)
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert (step.turn, step.attempt, step.request_id) == (1, 2, "run/1/2")
    run.model_response("42")
    assert (run.turn, len(run.calls), run.usage) == (1, 2, tokens(3, 0) + Usage())


def test_a_failed_call_goes_on_by_its_attempts_alone() -> None:
    run = started()
    run.model_failed(OSError("gone"))
    assert "max_attempts" in refused(run, lambda run: run.raise_limit(max_turns=99)).hint


def test_a_cancelled_run_stays_cancelled() -> None:
    run = started()
    run.cancel("enough")
    assert "limit" in refused(run, lambda run: run.raise_limit(max_turns=99)).hint
    assert cause_of(run) == Cancelled("enough")
