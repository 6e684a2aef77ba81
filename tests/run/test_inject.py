"""Saying more to a run: steering one that is under way, and following up on one that is done."""

from __future__ import annotations

import pytest

from rigging_py.message import Message, ModelTurn
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    CallModel,
    CallTools,
    Done,
    Failed,
    MaxTurns,
    MoreTokens,
    OutputInvalid,
    OutputSpec,
    Program,
    RunLimits,
    State,
    ToolResult,
    TurnContinued,
    TurnFailed,
    TurnFinished,
)
from tests.run.kit import (
    ADD,
    FREE,
    PROGRAM,
    RUNS,
    asking,
    call,
    done,
    executing,
    refused,
    reloaded,
    started,
    tokens,
    whole_number,
)

LIVE = [State.READY, State.AWAITING_MODEL, State.RESOLVING, State.AWAITING_DECISION, State.EXECUTING_TOOLS]
ASIDE = "Mind the units."


def heard(run: AgentRun) -> list[str]:
    """What the next call of the model would be sent."""
    step = run.next_step()
    assert isinstance(step, CallModel)
    return [message.content for message in step.messages]


def finish_tools(run: AgentRun) -> None:
    """Gets a run that waits for tools, decisions or resolutions to its next call."""
    if run.state is State.RESOLVING:
        run.resolve_tool_call(Answer("There is none."))
    if run.state is State.AWAITING_DECISION:
        run.decide("run/1/0", Approve())
        run.decide("run/1/1", Approve())
    if run.state is State.EXECUTING_TOOLS:
        run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])


@pytest.mark.parametrize("state", LIVE)
def test_what_is_said_to_a_run_under_way_is_heard_in_its_next_turn_and_changes_no_state(state: State) -> None:
    run = RUNS[state]()
    before = run.next_step() if state is not State.READY else None
    run.inject(ASIDE)
    assert run.state is state
    assert [message.content for message in run.waiting] == [ASIDE]
    run = reloaded(run)
    assert before is None or run.next_step() == before
    if state is State.AWAITING_MODEL:
        run.model_response(asking(call("add", ADD)))
        run.tool_result("run/1/0", "42")
    finish_tools(run)
    assert heard(run)[-1] == ASIDE
    assert run.waiting == ()


def test_several_things_are_said_in_the_order_they_came() -> None:
    run = executing()
    run.inject("one")
    run.inject(["two", Message("system", "three"), {"role": "user", "content": "four"}])
    finish_tools(run)
    assert heard(run)[-4:] == ["one", "two", "three", "four"]


def test_a_call_that_is_tried_again_is_the_same_call_without_what_was_said_meanwhile() -> None:
    run = started(max_attempts=2)
    run.inject(ASIDE)
    run.model_failed(OSError("gone"), retryable=True)
    assert heard(run) == ["How many?"]


def test_a_turn_that_would_finish_goes_on_when_something_was_said_meanwhile() -> None:
    run = started()
    run.inject(ASIDE)
    assert run.model_response("42") == TurnContinued()
    assert heard(run) == ["How many?", "42", ASIDE]
    assert run.model_response("43") == TurnFinished()
    step = run.next_step()
    assert isinstance(step, Done)
    assert step.response.output == 43


def test_a_silent_turn_that_goes_on_leaves_no_empty_message() -> None:
    run = started(Program())
    run.inject(ASIDE)
    run.model_response("")
    assert heard(run) == ["How many?", ASIDE]


def test_a_turn_finishes_when_none_is_left_to_answer_what_was_said() -> None:
    run = started(max_turns=1)
    run.inject(ASIDE)
    assert run.model_response("42") == TurnFinished()
    assert [message.content for message in run.waiting] == [ASIDE]
    run.inject("And in words?")
    assert heard(run) == ["How many?", "42", ASIDE, "And in words?"]


def test_an_invalid_answer_is_asked_for_again_before_what_was_said_is_heard() -> None:
    run = started()
    run.inject(ASIDE)
    run.model_response("plenty")
    assert heard(run)[-2:] == ["'plenty' is not a whole number", ASIDE]


def test_what_was_said_waits_for_a_limit_to_be_raised() -> None:
    run = AgentRun("How many?", limits=RunLimits(max_turns=0), program=PROGRAM)
    run.inject(ASIDE)
    run.next_step()
    assert "failed" in refused(run, lambda run: run.inject("more")).hint
    run.raise_limit(max_turns=1)
    assert heard(run) == ["How many?", ASIDE]


def test_what_is_injected_is_a_shell_that_its_owner_does_not_change_any_more() -> None:
    aside = Message("user", ASIDE)
    run = started()
    run.inject(aside)
    aside.metadata["mine"] = True
    assert run.waiting[0].metadata == {}
    assert run.waiting[0].uuid == aside.uuid


# Follow-ups.


def test_a_run_that_is_done_follows_up_in_the_same_conversation() -> None:
    run = done()
    run.inject("And twice that?")
    assert run.state is State.READY
    assert heard(run) == ["How many?", "42", "And twice that?"]
    run.model_response("84")
    step = run.next_step()
    assert isinstance(step, Done)
    assert step.response.output == 84


def test_a_follow_up_has_fresh_turns_and_retries() -> None:
    run = started(max_turns=2, max_output_retries=1, max_tool_turns=1)
    for first in (1, 3):
        assert (run.turns, run.turn) == (1, first)
        run.model_response("plenty")
        run.next_step()
        run.model_response("42")
        run.inject("Again?")
        run.next_step()
    run.model_response(asking(call("add", ADD)))
    run.tool_result("run/5/0", "42")
    run.next_step()
    assert run.model_response("plenty") == TurnFailed(OutputInvalid("'plenty' is not a whole number", 0))


def test_a_follow_up_goes_on_with_the_totals() -> None:
    run = started(FREE, max_total_tokens=10)
    run.model_response(ModelTurn.from_text("42", usage=tokens(6, 2)))
    run.inject("Again?")
    run.next_step()
    run.model_response(ModelTurn.from_text("42", usage=tokens(6, 2)))
    step = run.next_step()
    assert isinstance(step, Done)
    assert step.response.usage.total_tokens == 16
    assert len(step.response.calls) == 2
    run.inject("Once more?")
    assert isinstance(run.next_step(), Failed)


def test_keys_and_uuids_never_repeat_across_follow_ups() -> None:
    run = started(FREE)
    keys: list[str] = []
    for _ in range(3):
        run.next_step()
        run.model_response(asking(call("look", id="c1"), call("look", id="c1")))
        step = run.next_step()
        assert isinstance(step, CallTools)
        keys += [one.key for one in step.calls]
        run.tool_results([(one.key, ToolResult("seen", stop=True)) for one in step.calls])
        run.inject("Again?")
    assert len(set(keys)) == 6
    assert len({message.uuid for message in run.messages}) == len(run.messages)


def test_a_follow_up_that_spends_its_turns_fails_and_keeps_the_first_answer() -> None:
    run = started(FREE, max_turns=1)
    run.model_response("42")
    run.inject("Again?")
    run.next_step()
    run.model_response(asking(call("look")))
    run.tool_result("run/2/0", "seen")
    step = run.next_step()
    assert isinstance(step, Failed)
    assert step.cause == MaxTurns("max_turns", 1)
    assert [message.content for message in step.messages] == ["How many?", "42", "Again?", "", "seen"]


def test_a_follow_up_forgets_how_the_answer_before_it_was_had() -> None:
    program = Program(output=OutputSpec((whole_number,), on_truncated=MoreTokens(99)))
    run = started(program)
    run.model_response(ModelTurn.from_text("forty-", "length"))
    run.next_step()
    run.model_response("42")
    run.inject("And twice that?")
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert step.overrides is None
    run.model_response("84")
    ended = run.next_step()
    assert isinstance(ended, Done)
    assert ended.response.truncation == ""


def test_a_run_without_its_program_can_be_told_more_and_then_needs_it() -> None:
    blind = reloaded(done(), None)
    blind.inject("Again?")
    assert heard(reloaded(blind)) == ["How many?", "42", "Again?"]


def test_nothing_said_is_refused() -> None:
    assert "no message" in refused(done(), lambda run: run.inject([])).hint
