"""An answer that the token limit cut: asked for with more room, continued, kept in part, or a failure; by policy."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rigging_py.message import ModelTurn
from rigging_py.run import (
    AgentRun,
    CallModel,
    Continue,
    Done,
    Failed,
    Feedback,
    MoreTokens,
    OnTruncated,
    OutputSpec,
    Overrides,
    Program,
    Response,
    Retry,
    RunLimits,
    Skip,
    Truncated,
    TurnCut,
    TurnFailed,
    TurnFinished,
    TurnRejected,
)
from tests.run.kit import NUMBER, TOOLS, asking, call, reloaded, started, tokens


def numbers(text: str) -> object:
    """A list of numbers in JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return Feedback("that is no JSON", "malformed")


def complete_items(text: str) -> object:
    """The numbers of a list that was cut."""
    items = text.strip("[").split(",")[:-1]
    return [int(item) for item in items] if items else Feedback("there is no complete item", "missing")


def asking_for(on_truncated: OnTruncated, **changes: object) -> Program:
    output = OutputSpec((numbers,), on_truncated=on_truncated, salvage=complete_items)
    return Program(TOOLS, replace(output, **changes))  # type: ignore[arg-type]


def cut(text: str) -> ModelTurn:
    return ModelTurn.from_text(text, "length", tokens(5, 3))


def called(run: AgentRun) -> CallModel:
    step = run.next_step()
    assert isinstance(step, CallModel)
    return step


def response(run: AgentRun) -> Response:
    step = run.next_step()
    assert isinstance(step, Done)
    return step.response


# More tokens.


def test_a_cut_answer_is_asked_for_once_more_with_more_room() -> None:
    run = started(asking_for(MoreTokens(99)))
    assert run.model_response(cut("[1, 2")) == TurnCut("raised")
    step = called(run)
    assert step.overrides == Overrides(max_tokens=99)
    assert (step.turn, step.prefix) == (2, "")
    assert [message.content for message in step.messages] == ["How many?"]
    run.model_response(ModelTurn.from_text("[1, 2, 3]", usage=tokens(5, 9)))
    ended = response(run)
    assert (ended.output, ended.truncation) == ([1, 2, 3], "raised")
    assert ended.usage == tokens(10, 12)
    assert [one.stop_reason for one in ended.calls] == ["length", "stop"]


def test_an_answer_cut_again_is_a_failure_and_not_asked_for_at_the_same_size() -> None:
    run = started(asking_for(MoreTokens(99)))
    run.model_response(cut("[1, 2"))
    called(run)
    outcome = run.model_response(cut("[1, 2, 3"))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)
    assert len(run.calls) == 2


def test_the_room_stays_for_the_next_try_of_an_answer_that_is_whole_but_not_valid() -> None:
    run = started(asking_for(MoreTokens(99)))
    run.model_response(cut("[1, 2"))
    called(run)
    assert run.model_response("one, two") == TurnRejected("that is no JSON")
    assert called(run).overrides == Overrides(max_tokens=99)
    run.model_response("[1]")
    assert response(run).truncation == "raised"


def test_a_call_that_is_tried_again_keeps_its_room() -> None:
    run = started(asking_for(MoreTokens(99)), max_attempts=2)
    run.model_response(cut("[1, 2"))
    called(run)
    again = run.model_failed(OSError("gone"), retryable=True)
    assert isinstance(again, CallModel)
    assert again.overrides == Overrides(max_tokens=99)


# Continuing.


def test_a_cut_answer_is_continued_from_what_was_said_and_read_as_one() -> None:
    run = started(asking_for(Continue()))
    assert run.model_response(cut("[1, 2")) == TurnCut("continued")
    step = called(run)
    assert (step.prefix, step.overrides) == ("[1, 2", None)
    assert [message.content for message in step.messages] == ["How many?"]
    assert run.model_response("2, 3]") == TurnFinished()
    ended = response(run)
    assert (ended.output, ended.truncation) == ([1, 22, 3], "continued")
    assert [message.content for message in ended.messages] == ["How many?", "[1, 22, 3]"]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_answer_is_continued_as_often_as_the_policy_says(times: int) -> None:
    run = started(asking_for(Continue(times)))
    for count in range(times):
        assert called(run).prefix == ("[" + "1, " * count if count else "")
        assert run.model_response(cut("1, " if count else "[1, ")) == TurnCut("continued")
    called(run)
    assert isinstance(run.model_response(cut("1, ")), TurnFailed)
    assert run.messages[-1].content == "[" + "1, " * (times + 1)


def test_a_continued_answer_that_is_not_valid_is_asked_for_anew_without_its_beginning() -> None:
    run = started(asking_for(Continue()))
    run.model_response(cut("[1, 2"))
    called(run)
    assert run.model_response(" and so on") == TurnRejected("that is no JSON")
    step = called(run)
    assert step.prefix == ""
    assert [message.content for message in step.messages[1:]] == ["[1, 2 and so on", "that is no JSON"]
    run.model_response("[3]")
    assert (response(run).output, response(run).truncation) == ([3], "")


@pytest.mark.parametrize("resolution", [Retry("There is none."), Skip("Not now.")])
def test_a_continued_turn_that_calls_a_bad_tool_is_not_continued_again(resolution: Retry | Skip) -> None:
    run = started(asking_for(Continue()))
    run.model_response(cut("[1, 2"))
    called(run)
    run.model_response(asking(call("nope"), text=", let me see"))
    run.resolve_tool_call(resolution)
    step = called(run)
    assert step.prefix == ""
    assert step.messages[1].content == "[1, 2, let me see"
    run.model_response("[3]")
    assert response(run).output == [3]


def test_a_continued_turn_that_calls_tools_keeps_what_was_said_before_them() -> None:
    run = started(asking_for(Continue()))
    run.model_response(cut("[1, 2"))
    called(run)
    run.model_response(asking(call("look"), text=", let me see"))
    run.tool_result("run/2/0", "seen")
    assert [message.content for message in called(run).messages[1:]] == ["[1, 2, let me see", "seen"]


def test_a_silent_answer_cannot_be_continued() -> None:
    run = started(asking_for(Continue()))
    outcome = run.model_response(cut(" "))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)


# Keeping items.


def test_the_complete_items_of_a_cut_list_may_be_enough() -> None:
    run = started(asking_for("keep_items"))
    assert run.model_response(cut("[1, 2, 3")) == TurnFinished()
    assert (response(run).output, response(run).truncation) == ([1, 2], "kept_items")
    again = reloaded(run, asking_for("keep_items"))
    assert response(again) == response(run)


def test_a_list_without_a_complete_item_is_a_failure() -> None:
    outcome = started(asking_for("keep_items")).model_response(cut("[1"))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)


def test_items_cannot_be_kept_without_a_way_to_read_them() -> None:
    outcome = started(asking_for("keep_items", salvage=None)).model_response(cut("[1, 2, 3"))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)


# Always.

POLICIES: list[OnTruncated] = [MoreTokens(99), Continue(2), "keep_items", "fail"]


@pytest.mark.parametrize("policy", POLICIES)
def test_an_answer_that_is_whole_though_the_limit_was_reached_counts(policy: OnTruncated) -> None:
    run = started(asking_for(policy))
    assert run.model_response(cut("[1, 2]")) == TurnFinished()
    assert (response(run).output, response(run).truncation) == ([1, 2], "")


@pytest.mark.parametrize("policy", POLICIES)
def test_free_text_that_was_cut_is_an_answer(policy: OnTruncated) -> None:
    run = started(Program(TOOLS))
    assert run.model_response(cut("Once upon a")) == TurnFinished()
    assert (response(run).output, response(run).truncation) == ("Once upon a", "")


@pytest.mark.parametrize("policy", POLICIES)
def test_without_another_turn_a_cut_answer_is_a_failure_or_what_is_complete(policy: OnTruncated) -> None:
    run = AgentRun("How many?", limits=RunLimits(max_turns=1), program=asking_for(policy))
    called(run)
    run.model_response(cut("[1, 2, 3"))
    step = run.next_step()
    if policy == "keep_items":
        assert isinstance(step, Done)
    else:
        assert isinstance(step, Failed)
        assert isinstance(step.cause, Truncated)
        assert step.messages[-1].content == "[1, 2, 3"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("strict", [True, False])
def test_a_cut_answer_is_never_asked_for_again_at_the_same_size(policy: OnTruncated, strict: bool) -> None:
    run = started(asking_for(policy, strict=strict))
    sizes: list[object] = []
    while isinstance(step := run.next_step(), CallModel):
        sizes.append((step.overrides, step.prefix))
        run.model_response(cut("[1"))
    assert len(sizes) == len(set(map(repr, sizes)))
    assert isinstance(step, Failed)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_cut_run_is_stored_at_any_point_and_goes_on(policy: OnTruncated) -> None:
    run = started(asking_for(policy))
    again = reloaded(run, asking_for(policy))
    for turn in (cut("[1, 2"), cut(", 3, 4"), ModelTurn.from_text("]")):
        if isinstance(run.next_step(), CallModel):
            assert again.next_step() == run.next_step()
            again = reloaded(again, asking_for(policy))
            assert again.model_response(turn) == run.model_response(turn)
    assert again.dump() == run.dump()
    assert again.next_step() == run.next_step()


def test_a_cut_answer_that_goes_on_after_a_deadline_was_raised_is_still_continued() -> None:
    run = started(asking_for(Continue()))
    run.model_response(cut("[1, 2"))
    assert run.limits.deadline is not None
    run.expire(run.limits.deadline)
    run.raise_limit(deadline=None)
    assert called(run).prefix == "[1, 2"


def test_a_failure_says_what_to_do_about_it() -> None:
    outcome = started(Program(TOOLS, NUMBER)).model_response(cut("forty-"))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)
    assert "raise max_tokens or ask for less" in outcome.cause.advice


def test_a_continued_turn_with_a_bad_call_is_stored_as_it_is() -> None:
    program = asking_for(Continue())
    run = started(program)
    run.model_response(cut("[1, 2"))
    called(run)
    run.model_response(asking(call("nope"), text=", let me see"))
    assert reloaded(run, program).dump() == run.dump()
