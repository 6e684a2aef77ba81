"""A conversation driven by hand, as the protocol says it."""

from __future__ import annotations

import dataclasses
from typing import Any, assert_never, get_args

import pytest

from rigging_py.error import RateLimitedError
from rigging_py.message import Message
from rigging_py.run import (
    AgentRun,
    AgentRunStep,
    Answer,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Cancelled,
    Cause,
    Decision,
    Done,
    Failed,
    FailureRecord,
    Input,
    ModelTurn,
    ModelTurnOutcome,
    PendingToolCall,
    Program,
    ProviderFailure,
    Resolution,
    ResolveToolCall,
    RunLimits,
    State,
    ToolsRequested,
    TurnFinished,
)
from tests.run.kit import ADD, FREE, PROGRAM, asking, call, refused, started, tokens


def answer(step: CallModel) -> ModelTurn:
    """A model that adds with a tool."""
    if step.prompt.role == "tool":
        return ModelTurn.from_text(step.prompt.content)
    return asking(call("add", ADD))


def execute(pending: PendingToolCall) -> str:
    return str(pending.arguments["a"] + pending.arguments["b"])


def drive(run: AgentRun) -> Done | Failed:
    while True:
        step: AgentRunStep = run.next_step()
        match step:
            case CallModel():
                run.model_response(answer(step))
            case ResolveToolCall(problem=problem):
                run.resolve_tool_call(Answer(problem.text))
            case AwaitDecision(requests):
                run.decide(requests[0].call.key, Approve())
            case CallTools(calls):
                run.tool_results([(pending.key, execute(pending)) for pending in calls])
            case Done() | Failed():
                return step
            case _:
                assert_never(step)


def test_the_protocol_drives_a_conversation_with_a_tool_to_a_typed_answer() -> None:
    end = drive(AgentRun("What is 40+2?", limits=RunLimits(max_turns=3), program=PROGRAM))
    assert isinstance(end, Done)
    assert end.response.output == 42
    assert [message.role for message in end.response.messages] == ["user", "assistant", "tool", "assistant"]


def test_a_run_without_a_program_gives_the_text_after_one_turn() -> None:
    run = AgentRun("What is 2+2?")
    step = run.next_step()
    assert isinstance(step, CallModel)
    outcome: ModelTurnOutcome = run.model_response("Four.")
    assert outcome == TurnFinished()
    end = run.next_step()
    assert isinstance(end, Done)
    assert end.response.output == "Four."
    assert end.response.output_error is None


def test_a_call_of_the_model_says_which_it_is_and_shows_the_prompt_after_the_history() -> None:
    run = AgentRun("And now?", history=["Hello.", {"role": "assistant", "content": "Hi!"}], run_id="r7")
    step = run.next_step()
    assert isinstance(step, CallModel)
    assert (step.turn, step.attempt, step.request_id) == (1, 1, "r7/1/1")
    assert step.prompt.content == "And now?"
    assert [message.content for message in step.history] == ["Hello.", "Hi!"]
    assert step.messages == (*step.history, step.prompt)
    assert run.given == 3


def test_a_run_needs_something_to_answer() -> None:
    with pytest.raises(ValueError, match="prompt or a history"):
        AgentRun()


def test_the_outcome_of_a_turn_names_the_calls_to_execute() -> None:
    run = started()
    outcome = run.model_response(asking(call("add", ADD, id="c1")))
    assert outcome == ToolsRequested((PendingToolCall("run/1/0", "c1", "add", {"a": 40, "b": 2}, ADD),))
    assert run.next_step() == CallTools((PendingToolCall("run/1/0", "c1", "add", {"a": 40, "b": 2}, ADD),))


def test_the_messages_given_to_a_run_are_never_changed_by_it() -> None:
    prompt = Message("user", "What is 40+2?", metadata={"from": "test"})
    turn = asking(call("add", ADD), call("add", ADD))
    before, asked = prompt.model_dump(), turn.message.model_dump()
    run = AgentRun(prompt, limits=RunLimits(max_turns=3), program=FREE)
    run.next_step()
    run.model_response(turn)
    run.tool_results([("run/1/0", "42"), ("run/1/1", "42")])
    run.messages[0].metadata["seen"] = True
    assert prompt.model_dump() == before
    assert turn.message.model_dump() == asked


def test_the_same_inputs_give_the_same_run_uuids_included() -> None:
    prompt = Message("user", "What is 40+2?")
    one, two = (AgentRun(prompt, limits=RunLimits(max_turns=3), program=PROGRAM) for _ in range(2))
    drive(one)
    drive(two)
    assert one.dump() == two.dump()
    assert len({message.uuid for message in one.messages}) == 4


def test_another_run_id_gives_other_uuids_and_keys() -> None:
    prompt = Message("user", "What is 40+2?")
    runs = [AgentRun(prompt, program=PROGRAM, run_id=name) for name in ("one", "two")]
    keys: list[str] = []
    for run in runs:
        run.next_step()
        run.model_response(asking(call("add", ADD)))
        step = run.next_step()
        assert isinstance(step, CallTools)
        keys += [pending.key for pending in step.calls]
        run.cancel("enough")
    assert keys == ["one/1/0", "two/1/0"]
    shared = {message.uuid for message in runs[0].messages} & {message.uuid for message in runs[1].messages}
    assert shared == {prompt.uuid}


def test_a_failure_of_the_model_ends_the_run_with_its_kind_and_its_words() -> None:
    run = started()
    end = run.model_failed(RateLimitedError("Slow down.", provider="openai", status=429, retry_after=3.0))
    assert isinstance(end, Failed)
    assert end.cause == ProviderFailure(
        FailureRecord("RateLimited", "Slow down.", "RateLimitedError", "openai", 429, None, 3.0)
    )
    assert run.next_step() == end


@pytest.mark.parametrize(("error", "kind"), [(TimeoutError("late"), "TimedOut"), (KeyError("choices"), "ServerFault")])
def test_a_failure_the_taxonomy_does_not_know_is_a_fault_of_the_answering_side(error: Exception, kind: str) -> None:
    end = started().model_failed(error)
    assert isinstance(end, Failed)
    assert isinstance(end.cause, ProviderFailure)
    assert (end.cause.error.kind, end.cause.error.type) == (kind, type(error).__name__)


def test_the_words_of_a_failure_are_kept_up_to_a_length() -> None:
    end = started().model_failed(RuntimeError("x" * 100_000))
    assert isinstance(end, Failed)
    assert isinstance(end.cause, ProviderFailure)
    assert len(end.cause.error.message) == 2001


def test_a_retryable_failure_gives_the_same_call_again_while_an_attempt_is_left() -> None:
    run = started(max_attempts=2)
    again = run.model_failed(OSError("gone"), retryable=True, usage=tokens(5, 0))
    assert isinstance(again, CallModel)
    assert (again.turn, again.attempt, again.request_id) == (1, 2, "run/1/2")
    assert isinstance(run.model_failed(OSError("gone"), retryable=True), Failed)


def test_usage_is_the_sum_over_all_calls_failed_attempts_included() -> None:
    run = started(max_attempts=2)
    run.model_failed(OSError("gone"), retryable=True, usage=tokens(5, 0))
    run.model_response(dataclasses.replace(ModelTurn.from_text("42", usage=tokens(5, 2)), attempts=(tokens(4, 1),)))
    assert run.usage == tokens(14, 3)
    assert [(one.attempt, one.failure, one.usage) for one in run.calls] == [
        (1, "ServerFault", tokens(5, 0)),
        (2, "Retried", tokens(4, 1)),
        (2, "", tokens(5, 2)),
    ]


@pytest.mark.parametrize("state", [State.READY, State.AWAITING_MODEL])
def test_a_cancelled_run_fails_with_who_and_why_and_cannot_be_cancelled_again(state: State) -> None:
    run = AgentRun("How many?")
    if state is State.AWAITING_MODEL:
        run.next_step()
    run.cancel("closing time", by="the host")
    end = run.next_step()
    assert isinstance(end, Failed)
    assert end.cause == Cancelled("closing time", "the host")
    assert refused(run, lambda run: run.cancel("again")).state is State.FAILED


def test_code_of_the_program_that_raises_leaves_the_run_as_it_was() -> None:
    def explode(*_: object) -> Any:
        raise ZeroDivisionError

    tools = {name: dataclasses.replace(tool, check=explode) for name, tool in PROGRAM.tools.items()}
    run = started(Program(tools, PROGRAM.output and dataclasses.replace(PROGRAM.output, validators=(explode,))))
    for turn in (ModelTurn.from_text("42"), asking(call("look"))):
        before = run.dump()
        with pytest.raises(ZeroDivisionError):
            run.model_response(turn)
        assert run.dump() == before
    run.model_response(asking(call("nope"), call("look")))
    before = run.dump()
    with pytest.raises(ZeroDivisionError):
        run.resolve_tool_call(Answer("There is none."))
    assert run.dump() == before


@pytest.mark.parametrize(
    "union",
    [AgentRunStep, ModelTurnOutcome, *(get_args(one)[0] for one in (Resolution, Decision, Cause, Input))],
)
def test_steps_outcomes_resolutions_decisions_causes_and_inputs_are_frozen_and_slotted(union: Any) -> None:
    for kind in get_args(union):
        assert dataclasses.is_dataclass(kind)
        assert hasattr(kind, "__slots__")
        assert getattr(kind, "__dataclass_params__").frozen  # noqa: B009
