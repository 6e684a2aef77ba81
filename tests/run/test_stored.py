"""A stored run: what it holds, who may go on with it, and which data is none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from rigging_py.error import ProgramChangedError, ProgramNeededError, RiggingError, StateFormatError
from rigging_py.message import ContentImageUrl, Message, ModelTurn
from rigging_py.run import (
    AgentRun,
    Answer,
    CallTools,
    Done,
    Failed,
    OutputSpec,
    Program,
    ResolveToolCall,
    State,
    ToolResult,
)
from tests.run.kit import ADD, FREE, NUMBER, PROGRAM, RUNS, TOOLS, asking, call, executing, reloaded, resolving, started

Data = dict[str, Any]


# What it holds.


@pytest.mark.parametrize("state", State)
def test_a_stored_run_is_json_with_a_format_and_a_kind(state: State) -> None:
    stored = RUNS[state]().dump()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert (stored["format"], stored["kind"]) == (0, "rigging_py.run")


def test_every_kind_of_message_comes_back_as_it_was() -> None:
    image = ContentImageUrl.from_url("data:image/png;base64,AA==", detail="low")
    history = [Message("system", "  Be\n  brief."), Message("user", ["Look:", image], metadata={"page": 3})]
    run = AgentRun(history=history, program=PROGRAM)
    run.next_step()
    run.model_response(asking(call("look", id="c1"), text="One moment,\n    please."))
    run.tool_result("run/1/0", ToolResult((image,)))
    assert reloaded(run).messages == run.messages


def test_metadata_that_json_has_no_form_for_is_stored_as_its_repr() -> None:
    run = executing(call("look"))
    run.tool_result("run/1/0", ToolResult("seen", metadata={"who": int, "seen": {1}}))
    [_, _, result] = reloaded(run).messages
    assert result.metadata == {"who": "<class 'int'>", "seen": [1]}


def test_what_is_stored_is_not_changed_by_going_on() -> None:
    run = executing()
    stored = run.dump()
    before = copy.deepcopy(stored)
    AgentRun.load(stored, PROGRAM).tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")])
    assert stored == before


def test_the_program_is_not_stored_only_its_fingerprint() -> None:
    assert set(started().dump()["fingerprint"]) == {"tool add", "tool look", "output"}
    assert "required" not in json.dumps(started().dump())


# Without its program.


@pytest.mark.parametrize("state", State)
def test_a_run_without_its_program_can_be_looked_at_and_stored(state: State) -> None:
    run = RUNS[state]()
    blind = reloaded(run, None)
    assert (blind.state, blind.messages, blind.usage, blind.calls) == (run.state, run.messages, run.usage, run.calls)
    assert blind.dump() == run.dump()


DRIVING: Mapping[State, Callable[[AgentRun], Any]] = {
    State.AWAITING_MODEL: lambda run: run.model_response("42"),
    State.RESOLVING: lambda run: run.resolve_tool_call(Answer("There is none.")),
    State.EXECUTING_TOOLS: lambda run: run.tool_result("run/1/0", "42"),
}


@pytest.mark.parametrize("state", [State.READY, *DRIVING])
def test_a_run_without_its_program_does_not_go_on_and_says_what_it_needs(state: State) -> None:
    blind = reloaded(RUNS[state](), None)
    before = blind.dump()
    for act in (AgentRun.next_step, DRIVING.get(state, AgentRun.next_step)):
        with pytest.raises(ProgramNeededError, match="'run' was loaded without its program; load it with"):
            act(blind)
        assert blind.dump() == before


def test_a_failed_call_is_not_taken_without_the_program() -> None:
    blind = reloaded(started(), None)
    before = blind.dump()
    with pytest.raises(ProgramNeededError):
        blind.model_failed(OSError("gone"), retryable=True)
    assert blind.dump() == before


def test_a_finished_run_without_its_program_gives_text_and_says_that_it_is_only_text() -> None:
    step = reloaded(RUNS[State.DONE](), None).next_step()
    assert isinstance(step, Done)
    assert step.response.output == "42"
    assert step.response.output_error is not None
    assert "without its program" in step.response.output_error


def test_a_failed_run_without_its_program_gives_its_cause_and_takes_a_higher_limit() -> None:
    run = RUNS[State.FAILED]()
    blind = reloaded(run, None)
    assert blind.next_step() == run.next_step()
    blind.raise_limit(max_turns=1)
    assert reloaded(blind).next_step().__class__.__name__ == "CallModel"


def test_a_run_can_be_cancelled_without_its_program() -> None:
    blind = reloaded(executing(), None)
    blind.cancel("nobody is left to execute it")
    assert isinstance(blind.next_step(), Failed)


def test_a_run_that_never_had_a_program_needs_none() -> None:
    run = started(Program())
    again = reloaded(run, None)
    assert again.next_step() == run.next_step()
    again.model_response("42")
    step = again.next_step()
    assert isinstance(step, Done)
    assert (step.response.output, step.response.output_error) == ("42", None)


# With another program.


@pytest.mark.parametrize(
    ("program", "change"),
    [
        (FREE, "output is gone"),
        (Program({"add": TOOLS["add"]}, NUMBER), "tool look is gone"),
        (Program({**TOOLS, "more": TOOLS["look"]}, NUMBER), "tool more is new"),
        (Program({**TOOLS, "look": TOOLS["add"]}, NUMBER), "tool look is not what it was"),
        (Program(TOOLS, replace(NUMBER, strict=False)), "output is not what it was"),
    ],
)
def test_a_program_that_has_changed_is_refused_by_name_unless_allowed(program: Program, change: str) -> None:
    stored = started().dump()
    with pytest.raises(ProgramChangedError, match=change) as caught:
        AgentRun.load(stored, program)
    assert caught.value.changes == (change,)
    assert AgentRun.load(stored, program, allow_changes=True).state is State.AWAITING_MODEL


def test_the_same_program_made_anew_is_the_same() -> None:
    program = Program({"look": TOOLS["look"], "add": TOOLS["add"]}, OutputSpec(NUMBER.validators))
    assert reloaded(executing(), program).state is State.EXECUTING_TOOLS


def test_a_tool_that_is_gone_never_reaches_the_driver() -> None:
    run = executing(call("add", ADD), call("look"), call("look"), max_tool_turns=1)
    run.tool_result("run/1/1", "seen")
    changed = AgentRun.load(run.dump(), Program({"add": TOOLS["add"]}, NUMBER), allow_changes=True)
    step = changed.next_step()
    assert isinstance(step, ResolveToolCall)
    assert step.call.key == "run/1/2"
    changed.resolve_tool_call(Answer("It is gone."))
    step = changed.next_step()
    assert isinstance(step, CallTools)
    assert [one.key for one in step.calls] == ["run/1/0"]
    changed.tool_result("run/1/0", "42")
    assert [message.content for message in changed.messages[2:]] == ["42", "seen", "It is gone."]
    assert changed.tool_turns == 1


def test_a_tool_that_has_come_solves_the_problem_of_a_stored_call() -> None:
    changed = AgentRun.load(
        resolving(call("more")).dump(), Program({**TOOLS, "more": TOOLS["look"]}, NUMBER), allow_changes=True
    )
    step = changed.next_step()
    assert isinstance(step, CallTools)
    assert [one.name for one in step.calls] == ["more"]


def test_a_finished_run_is_read_by_the_program_it_is_given() -> None:
    changed = AgentRun.load(
        RUNS[State.DONE]().dump(),
        Program(TOOLS, OutputSpec((lambda text: text * 2,), strict=False)),
        allow_changes=True,
    )
    step = changed.next_step()
    assert isinstance(step, Done)
    assert step.response.output == "4242"


# Data that is no run.


@pytest.mark.parametrize(
    "data", [{}, {"format": 0}, {"kind": "rigging_py.chat", "format": 0}, [], "{}", None, {"kind": None}]
)
def test_foreign_data_is_no_stored_run(data: Any) -> None:
    with pytest.raises(StateFormatError, match="not a stored run"):
        AgentRun.load(data)


@pytest.mark.parametrize("found", [1, 99, "1", None])
def test_a_format_that_this_release_does_not_know_is_refused_by_name(found: object) -> None:
    with pytest.raises(StateFormatError, match=f"format {found!r}; this release reads format 0") as caught:
        AgentRun.load({**started().dump(), "format": found}, PROGRAM)
    assert (caught.value.found, caught.value.supported) == (found, (0,))
    assert isinstance(caught.value, RiggingError)
    assert isinstance(caught.value, ValueError)


def damaged(state: State, *path: str | int, value: object) -> Data:
    """A stored run in a state, with something else at one place."""
    data: Any = RUNS[state]().dump()
    place = data["run"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data  # type: ignore[no-any-return]


DAMAGED: list[tuple[str, Data]] = [
    ("at 'turn'", damaged(State.READY, "turn", value="many")),
    ("at 'limits'", damaged(State.READY, "limits", value=None)),
    ("at 'messages.0.role'", damaged(State.READY, "messages", 0, "role", value="narrator")),
    ("at 'state'", damaged(State.READY, "state", value="Accepted")),
    ("messages it began with are missing", damaged(State.READY, "messages", value=[])),
    ("its state and its cause", damaged(State.FAILED, "cause", value=None)),
    ("its state and its pending turn", damaged(State.RESOLVING, "pending", value=None)),
    ("its state and its pending turn", damaged(State.DONE, "pending", value=executing().dump()["run"]["pending"])),
    ("its pending turn and its calls", damaged(State.RESOLVING, "pending", "problem", value=None)),
    ("its pending turn and its calls", damaged(State.RESOLVING, "pending", "scanned", value=1)),
    ("its pending turn and its calls", damaged(State.EXECUTING_TOOLS, "pending", "calls", value=[])),
    ("its pending turn and its calls", damaged(State.EXECUTING_TOOLS, "pending", "message", "tool_calls", value=None)),
    (
        "its pending turn and its calls",
        damaged(State.EXECUTING_TOOLS, "pending", "results", value={"run/7/0": {"content": "42"}}),
    ),
    ("attempt, call_retries, .* missing", {**started().dump(), "run": None}),
    ("at 'output'", {**started().dump(), "fingerprint": {"output": 7}}),
]


@pytest.mark.parametrize(("where", "data"), DAMAGED)
def test_damaged_data_is_refused_with_the_place(where: str, data: Data) -> None:
    with pytest.raises(StateFormatError, match=f"damaged:? {where}") as caught:
        AgentRun.load(data, PROGRAM)
    assert caught.value.found == 0


@pytest.mark.parametrize("name", started().dump()["run"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    data = started().dump()
    del data["run"][name]
    with pytest.raises(StateFormatError, match=f"damaged: {name} missing"):
        AgentRun.load(data, PROGRAM)


def test_damage_is_told_without_quoting_the_conversation() -> None:
    run = AgentRun("the secret word", program=PROGRAM)
    data = run.dump()
    data["run"]["messages"][0]["content"] = {"the": "secret word"}
    with pytest.raises(StateFormatError) as caught:
        AgentRun.load(data, PROGRAM)
    assert "secret" not in str(caught.value)


def test_a_turn_that_was_loaded_goes_on_as_the_one_that_was_stored() -> None:
    run = executing()
    run.tool_result("run/1/1", "seen")
    again = reloaded(run)
    for one in (run, again):
        one.tool_result("run/1/0", "42")
        one.next_step()
        one.model_response(ModelTurn.from_text("42"))
    assert again.dump() == run.dump()
    assert again.next_step() == run.next_step()
