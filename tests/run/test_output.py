"""What becomes of an answer: its value, another try, or a failure that keeps what was said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigging_py.message import ContentImageUrl, Message, ModelTurn
from rigging_py.parsing import Element, Leaf
from rigging_py.run import (
    AgentRun,
    CallModel,
    Done,
    Failed,
    Feedback,
    OutputInvalid,
    OutputSpec,
    Program,
    ProviderFailure,
    State,
    ToolResult,
    Truncated,
    TurnFailed,
    TurnFinished,
    TurnRejected,
)
from tests.run.kit import NUMBER, TOOLS, executing, reloaded, started, whole_number

ADVICE = "'plenty' is not a whole number"


def asking_for(**changes: object) -> Program:
    return Program(TOOLS, replace(NUMBER, **changes))  # type: ignore[arg-type]


def ended(run: AgentRun) -> Done:
    step = run.next_step()
    assert isinstance(step, Done)
    return step


def failed(run: AgentRun) -> Failed:
    step = run.next_step()
    assert isinstance(step, Failed)
    return step


def called(run: AgentRun) -> CallModel:
    step = run.next_step()
    assert isinstance(step, CallModel)
    return step


def test_a_bad_answer_goes_back_with_the_reason() -> None:
    run = started()
    assert run.model_response("plenty") == TurnRejected(ADVICE)
    step = called(run)
    assert [(message.role, message.content) for message in step.messages] == [
        ("user", "How many?"),
        ("assistant", "plenty"),
        ("user", ADVICE),
    ]
    assert run.model_response("42") == TurnFinished()
    assert ended(run).response.output == 42


def test_a_regenerated_answer_is_asked_for_as_if_nothing_had_been_said() -> None:
    run = started(asking_for(on_invalid="regenerate"))
    run.model_response("plenty")
    assert [message.content for message in called(run).messages] == ["How many?"]
    assert [message.content for message in run.messages] == ["How many?", "plenty"]
    assert len(run.calls) == 1


def test_refused_answers_are_left_out_of_the_response_where_the_dialog_is_not_kept() -> None:
    run = started(asking_for(keep_dialog=False))
    run.model_response("plenty")
    assert len(called(run).messages) == 3
    run.model_response("42")
    assert [message.content for message in ended(run).response.messages] == ["How many?", "42"]
    assert len(run.messages) == 4


def test_a_silent_answer_leaves_no_empty_message_behind() -> None:
    run = started()
    run.model_response(" ")
    assert [message.role for message in called(run).messages] == ["user", "user"]


def test_retries_spent_is_a_failure_that_says_what_was_wrong_and_keeps_every_answer() -> None:
    run = started(max_output_retries=1)
    run.model_response("plenty")
    run.next_step()
    assert run.model_response("lots") == TurnFailed(OutputInvalid("'lots' is not a whole number", 1))
    assert [message.content for message in failed(run).messages] == ["How many?", "plenty", ADVICE, "lots"]


def test_a_lenient_run_is_done_with_the_text_and_what_was_wrong_with_it() -> None:
    run = started(asking_for(strict=False), max_output_retries=0)
    assert run.model_response("plenty") == TurnFinished()
    response = ended(run).response
    assert (response.output, response.output_error) == ("plenty", ADVICE)


def test_an_answer_is_not_asked_for_again_when_no_turn_is_left() -> None:
    run = started(max_turns=1)
    assert run.model_response("plenty") == TurnFailed(OutputInvalid(ADVICE, 0))


def test_several_validators_give_a_tuple_and_the_first_complaint_counts() -> None:
    def small(text: str) -> object:
        return "small" if len(text) < 3 else Feedback("too long")

    run = started(Program(output=OutputSpec((whole_number, small))))
    assert run.model_response("4200") == TurnRejected("too long")
    run.next_step()
    assert run.model_response("plenty") == TurnRejected(ADVICE)
    run.next_step()
    run.model_response("42")
    assert ended(run).response.output == (42, "small")


def test_an_answer_is_validated_once_however_often_the_response_is_asked_for() -> None:
    read: list[str] = []

    def note(text: str) -> object:
        read.append(text)
        return object()

    program = Program(output=OutputSpec((note,)))
    run = started(program)
    run.model_response("42")
    assert ended(run).response.output is ended(run).response.output
    assert read == ["42"]
    again = reloaded(run, program)
    assert ended(again).response.output is ended(again).response.output
    assert read == ["42", "42"]


def test_the_shape_asked_for_travels_with_the_call() -> None:
    shape = (Element("int", Leaf({"type": "integer"})),)
    assert called(AgentRun("How many?", program=asking_for(shape=shape))).output == shape
    assert called(AgentRun("How many?")).output is None


@pytest.mark.parametrize("text", ["", "forty-"])
def test_an_answer_that_the_limit_cut_is_not_asked_for_again(text: str) -> None:
    run = started()
    run.model_response(ModelTurn.from_text(text, "length"))
    cause = failed(run).cause
    assert isinstance(cause, Truncated)
    assert "max_tokens" in cause.advice
    assert [message.content for message in failed(run).messages] == ["How many?", text][: 1 + bool(text)]


def test_an_answer_that_is_whole_though_the_limit_was_reached_counts() -> None:
    run = started()
    run.model_response(ModelTurn.from_text("42", "length"))
    assert ended(run).response.output == 42


def test_free_text_that_the_limit_cut_is_an_answer() -> None:
    run = started(Program())
    run.model_response(ModelTurn.from_text("Once upon a", "length"))
    assert ended(run).response.output == "Once upon a"
    assert run.calls[-1].stop_reason == "length"


@pytest.mark.parametrize("program", [Program(), asking_for()])
def test_a_filter_that_left_nothing_is_a_refusal(program: Program) -> None:
    run = started(program)
    run.model_response(ModelTurn.from_text("", "content_filter"))
    cause = failed(run).cause
    assert isinstance(cause, ProviderFailure)
    assert cause.error.kind == "Refused"
    assert "rephrase" in cause.error.message


def test_reasoning_alone_is_no_answer() -> None:
    message = Message("assistant", "", metadata={"reasoning": "Let me see: forty"})
    run = started(Program())
    run.model_response(ModelTurn(message, "length"))
    assert isinstance(failed(run).cause, Truncated)


def test_an_image_is_an_answer_without_a_word() -> None:
    message = Message("assistant", [ContentImageUrl.from_url("data:image/png;base64,AA==")])
    run = started(Program())
    run.model_response(ModelTurn(message, "length"))
    assert run.state is State.DONE


def test_a_tool_that_ends_the_run_leaves_a_response_that_says_there_is_no_answer() -> None:
    run = executing()
    run.tool_results([("run/1/0", ToolResult("stop now", stop=True)), ("run/1/1", "seen")])
    response = ended(run).response
    assert response.output == ""
    assert response.output_error is not None
    assert "tool ended the run" in response.output_error
    assert [message.content for message in response.messages] == ["How many?", "", "stop now", "seen"]
