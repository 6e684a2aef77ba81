"""How an answer is asked for: in the text of a turn, or by a call of `final_result`."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from rigging_py.message import ModelTurn
from rigging_py.parsing import Element, Leaf
from rigging_py.run import (
    OUTPUT_TOOL,
    AgentRun,
    Answer,
    CallModel,
    Continue,
    Done,
    Failed,
    Feedback,
    FeedbackKind,
    MoreTokens,
    OutputInvalid,
    OutputMode,
    OutputSpec,
    Program,
    Repair,
    ResolveToolCall,
    Response,
    RunLimits,
    State,
    ToolResult,
    Truncated,
    TurnCut,
    TurnFailed,
    TurnFinished,
    TurnRejected,
)
from tests.run.kit import ADD, TOOLS, asking, call, executing, refused, reloaded, started

NOT_EXECUTED = "This call was not executed."
CALL_IT = "Give the answer by calling the tool 'final_result'."


def number(text: str) -> object:
    """The number in the arguments of the call."""
    return int(text.split(":")[1].strip(" }")) if '"n": ' in text and "x" not in text else Feedback("give n, a number")


BY_CALL = OutputSpec((number,), mode="tool")
PROGRAM = Program(TOOLS, BY_CALL)
GOOD, BAD = call(OUTPUT_TOOL, '{"n": 42}', id="f1"), call(OUTPUT_TOOL, '{"n": x}', id="f1")


def response(run: AgentRun) -> Response:
    step = run.next_step()
    assert isinstance(step, Done)
    return step.response


def said(run: AgentRun) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in run.messages[1:]]


def assert_every_call_is_answered(run: AgentRun) -> None:
    asked = [one.id for message in run.messages for one in message.tool_calls or ()]
    assert asked == [message.tool_call_id for message in run.messages if message.role == "tool"]


def test_an_answer_given_by_a_call_is_read_from_its_arguments_and_the_call_is_answered() -> None:
    run = started(PROGRAM)
    assert run.model_response(asking(GOOD, text="Here:")) == TurnFinished()
    assert response(run).output == 42
    assert said(run) == [("assistant", "Here:"), ("tool", "The answer was taken.")]
    assert_every_call_is_answered(run)
    assert response(reloaded(run, PROGRAM)) == response(run)


def test_a_call_that_gives_no_valid_answer_reads_why_and_is_asked_for_again() -> None:
    run = started(PROGRAM)
    assert run.model_response(asking(BAD)) == TurnRejected("give n, a number")
    assert said(run) == [("assistant", ""), ("tool", "give n, a number")]
    assert run.messages[-1].metadata == {"error": True}
    run.next_step()
    run.model_response(asking(GOOD))
    assert response(run).output == 42
    assert_every_call_is_answered(run)


def test_the_peers_of_an_answer_are_not_executed() -> None:
    run = started(PROGRAM)
    assert run.model_response(asking(call("look"), GOOD, call("add", ADD))) == TurnFinished()
    assert said(run)[1:] == [("tool", NOT_EXECUTED), ("tool", "The answer was taken."), ("tool", NOT_EXECUTED)]
    assert run.tool_turns == 0


def test_the_peers_of_an_answer_that_is_not_valid_are_not_executed_either() -> None:
    run = started(PROGRAM)
    run.model_response(asking(call("look"), BAD))
    assert run.state is State.READY
    assert said(run)[1:] == [("tool", NOT_EXECUTED), ("tool", "give n, a number")]


def test_of_two_answers_the_first_counts() -> None:
    run = started(PROGRAM)
    run.model_response(asking(GOOD, call(OUTPUT_TOOL, '{"n": 7}')))
    assert response(run).output == 42
    assert_every_call_is_answered(run)
    assert response(reloaded(run, PROGRAM)).output == 42


def test_text_alone_is_no_answer_where_it_is_to_be_given_by_a_call() -> None:
    run = started(PROGRAM)
    assert run.model_response("42") == TurnRejected(CALL_IT)
    assert said(run) == [("assistant", "42"), ("user", CALL_IT)]


def test_the_tools_are_executed_before_the_answer_is_given() -> None:
    run = executing(call("look"), program=PROGRAM)
    run.tool_result("run/1/0", "seen")
    run.next_step()
    run.model_response(asking(GOOD))
    assert response(run).output == 42


def test_a_bad_peer_is_resolved_before_the_answer_is_taken() -> None:
    run = started(PROGRAM)
    run.model_response(asking(call("nope"), GOOD))
    step = run.next_step()
    assert isinstance(step, ResolveToolCall)
    assert step.problem.text == "There is no tool 'nope'. The tools are: add, look, final_result."
    assert run.resolve_tool_call(Answer("There is none.")) == TurnFinished()
    assert response(run).output == 42


def test_a_call_under_a_wrong_name_can_be_repaired_to_the_answer() -> None:
    run = started(PROGRAM)
    run.model_response(asking(call("finalResult", '{"n": 42}')))
    assert run.resolve_tool_call(Repair(name=OUTPUT_TOOL)) == TurnFinished()
    assert response(run).output == 42


def test_the_answer_may_be_given_though_no_tool_may_be_called() -> None:
    run = started(replace(PROGRAM, allowed=frozenset()))
    assert run.model_response(asking(GOOD)) == TurnFinished()


def test_no_tool_of_the_programs_own_may_have_the_name_of_the_answer() -> None:
    with pytest.raises(ValueError, match="rename yours"):
        Program({OUTPUT_TOOL: TOOLS["look"]}, BY_CALL)
    own = Program({OUTPUT_TOOL: TOOLS["look"]})
    assert executing(GOOD, program=own).state is State.EXECUTING_TOOLS


def test_answers_spent_are_a_failure_without_an_unanswered_call() -> None:
    run = started(PROGRAM, max_output_retries=0)
    assert run.model_response(asking(BAD)) == TurnFailed(OutputInvalid("give n, a number", 0))
    assert_every_call_is_answered(run)


@pytest.mark.parametrize("turn", [asking(BAD), ModelTurn.from_text("forty-two")])
def test_a_lenient_run_is_done_with_what_was_wrong(turn: ModelTurn) -> None:
    run = started(Program(TOOLS, replace(BY_CALL, strict=False)), max_output_retries=0)
    assert run.model_response(turn) == TurnFinished()
    assert response(run).output == turn.message.content
    assert response(run).output_error in ("give n, a number", CALL_IT)
    assert_every_call_is_answered(run)
    assert response(reloaded(run, Program(TOOLS, replace(BY_CALL, strict=False)))) == response(run)


def test_a_tool_that_ends_the_run_says_so_and_not_that_a_call_is_wanted() -> None:
    run = executing(call("look"), program=PROGRAM)
    run.tool_result("run/1/0", ToolResult("enough", stop=True))
    error = response(run).output_error
    assert error is not None
    assert "tool ended the run" in error


def test_a_regenerated_answer_leaves_neither_the_call_nor_its_result_in_what_is_sent() -> None:
    run = started(Program(TOOLS, replace(BY_CALL, on_invalid="regenerate")))
    run.model_response(asking(BAD))
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert [message.content for message in step.messages] == ["How many?"]
    assert_every_call_is_answered(run)


def test_a_steered_run_answers_the_call_it_goes_on_from() -> None:
    run = started(PROGRAM)
    run.inject("In words?")
    run.model_response(asking(GOOD))
    run.next_step()
    assert_every_call_is_answered(run)
    assert run.state is State.AWAITING_MODEL


# Cut by the limit.


def cut(text: str) -> ModelTurn:
    return asking(call(OUTPUT_TOOL, text), stop_reason="length")


def test_a_call_that_was_cut_is_asked_for_with_more_room_and_leaves_no_trace() -> None:
    run = started(Program(TOOLS, replace(BY_CALL, on_truncated=MoreTokens(99))))
    assert run.model_response(cut('{"n')) == TurnCut("raised")
    assert said(run) == []
    run.next_step()
    run.model_response(asking(GOOD))
    assert (response(run).output, response(run).truncation) == (42, "raised")


def test_a_call_that_was_cut_cannot_be_continued() -> None:
    run = started(Program(TOOLS, replace(BY_CALL, on_truncated=Continue())))
    outcome = run.model_response(cut('{"n'))
    assert isinstance(outcome, TurnFailed)
    assert isinstance(outcome.cause, Truncated)
    assert_every_call_is_answered(run)


def commas(text: str) -> object:
    return text.count(",")


def test_the_complete_items_of_a_call_that_was_cut_may_be_enough() -> None:
    program = Program(TOOLS, replace(BY_CALL, on_truncated="keep_items", salvage=commas))
    run = started(program)
    assert run.model_response(cut("[1, 2, 3")) == TurnFinished()
    assert (response(run).output, response(run).truncation) == (2, "kept_items")
    assert response(reloaded(run, program)) == response(run)
    assert_every_call_is_answered(run)


# In the text.


@pytest.mark.parametrize("mode", ["xml", "native", "prompted"])
def test_in_every_other_mode_the_text_is_the_answer(mode: OutputMode) -> None:
    run = started(Program(TOOLS, OutputSpec((int,), mode=mode)))
    assert run.model_response("42") == TurnFinished()
    assert response(run).output == 42


SHAPE = (Element("int", Leaf({"type": "integer"})),)


@pytest.mark.parametrize(("mode", "is_sent"), [("xml", True), ("native", True), ("prompted", False), ("tool", False)])
def test_the_shape_is_sent_to_those_who_can_enforce_it(mode: OutputMode, is_sent: bool) -> None:
    run = AgentRun("How many?", program=Program(TOOLS, replace(BY_CALL, mode=mode, shape=SHAPE)))
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert step.output == (SHAPE if is_sent else None)


KINDS: list[FeedbackKind] = ["missing", "malformed", "invalid", "rejected"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_with_an_answer_has_a_kind_that_the_cause_keeps(kind: FeedbackKind) -> None:
    run = started(Program(output=OutputSpec((lambda _: Feedback("no", kind),))), max_output_retries=0)
    assert run.model_response("42") == TurnFailed(OutputInvalid("no", 0, kind))
    step = reloaded(run, None).next_step()
    assert isinstance(step, Failed)
    assert step.cause == OutputInvalid("no", 0, kind)


def test_an_answer_that_was_to_be_a_call_is_missing() -> None:
    run = started(PROGRAM, max_output_retries=0)
    assert run.model_response("42") == TurnFailed(OutputInvalid(CALL_IT, 0, "missing"))


# Refused by the driver.

When = Literal["text", "call", "answer"]
TURNS: dict[When, ModelTurn] = {
    "text": ModelTurn.from_text("42"),
    "call": asking(call("add", ADD), call("nope")),
    "answer": asking(GOOD),
}


@pytest.mark.parametrize("what", TURNS)
def test_a_driver_may_refuse_a_turn_and_none_of_its_calls_is_executed(what: When) -> None:
    run = started(PROGRAM)
    assert run.model_response(TURNS[what], feedback="Be polite.") == TurnRejected("Be polite.")
    assert run.state is State.READY
    assert said(run)[-1] == ("user", "Be polite.")
    assert {content for role, content in said(run) if role == "tool"} <= {NOT_EXECUTED}
    assert_every_call_is_answered(run)


def test_a_refusal_counts_as_an_answer_that_is_not_valid() -> None:
    run = started(max_output_retries=1)
    run.model_response("42", feedback="Be polite.")
    run.next_step()
    assert run.model_response("43", feedback="Politer.") == TurnFailed(OutputInvalid("Politer.", 1, "rejected"))
    lenient = started(Program(output=replace(BY_CALL, mode="xml", strict=False)), max_output_retries=0)
    assert isinstance(lenient.model_response("42", feedback="Be polite."), TurnFailed)


def test_a_refusal_needs_no_output_to_be_asked_for() -> None:
    run = started(Program())
    assert run.model_response("Hello.", feedback="Be polite.") == TurnRejected("Be polite.")
    run.next_step()
    run.model_response("Good day to you.")
    assert response(run).output == "Good day to you."


def test_a_refused_answer_is_not_sent_again_where_answers_are_regenerated() -> None:
    run = started(Program(output=replace(BY_CALL, mode="xml", on_invalid="regenerate")))
    run.model_response("42", feedback="Be polite.")
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert [message.content for message in step.messages] == ["How many?"]
    assert [message.content for message in run.messages] == ["How many?", "42"]


def test_a_refused_answer_that_was_cut_is_refused_and_not_continued() -> None:
    run = started(Program(output=replace(BY_CALL, mode="xml", on_truncated=Continue())))
    assert run.model_response(ModelTurn.from_text("4", "length"), feedback="Be polite.") == TurnRejected("Be polite.")


def test_a_refusal_is_only_taken_with_a_turn() -> None:
    run = AgentRun("How many?", limits=RunLimits(2))
    assert refused(run, lambda run: run.model_response("42", feedback="no")).state is State.READY
