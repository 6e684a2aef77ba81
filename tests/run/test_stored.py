"""A stored run: what it holds, who may go on with it, and which data is none."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import ProgramChangedError, ProgramNeededError, RiggingError, StateFormatError
from rigging_py.message import ContentImageUrl, Message, ModelTurn
from rigging_py.run import (
    LISTS,
    AgentRun,
    Answer,
    Approve,
    CallTools,
    Done,
    Failed,
    ModelResponded,
    OutputSpec,
    Program,
    ResolveToolCall,
    RunLimits,
    State,
    ToolResult,
    json_schema,
)
from tests.run.drives import CHOICES, LIMITS, PROGRAMS, drive, driven, run_of
from tests.run.kit import ADD, FREE, NUMBER, PROGRAM, RUNS, TOOLS, asking, call, executing, reloaded, resolving, started

Data = dict[str, Any]


# What it holds.


@pytest.mark.parametrize("state", State)
def test_a_stored_run_is_json_with_a_format_and_a_kind(state: State) -> None:
    stored = RUNS[state]().dump()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    assert (stored["format"], stored["kind"]) == (1, "rigging_py.run")


def test_every_kind_of_message_comes_back_as_it_was() -> None:
    image = ContentImageUrl.from_url("data:image/png;base64,AA==", detail="low")
    history = [Message("system", "  Be\n  brief."), Message("user", ["Look:", image], metadata={"page": 3})]
    run = AgentRun(history=history, program=PROGRAM)
    run.next_step()
    run.model_response(asking(call("look", id="c1"), text="One moment,\n    please."))
    run.tool_result("run/1/0", ToolResult((image,)))
    assert reloaded(run).messages == run.messages


def test_metadata_that_json_has_no_form_for_is_stored_as_its_repr_and_no_number_as_null() -> None:
    run = executing(call("look"))
    odd: Data = {"who": int, "seen": {1}, "raw": [b"\xff"], "7": float("nan"), "text": b"ok"}
    run.tool_result("run/1/0", ToolResult("seen", metadata=odd))
    [_, _, result] = reloaded(run).messages
    assert result.metadata == {"who": "<class 'int'>", "seen": [1], "raw": ["b'\\xff'"], "7": None, "text": "b'ok'"}


def test_what_a_provider_said_besides_is_stored_as_far_as_json_has_a_form_for_it() -> None:
    run = started(FREE)
    run.model_response(replace(ModelTurn.from_text("42"), extra={"raw": b"\xff", "logprob": float("-inf")}))
    [_, entry] = reloaded(run, FREE).journal
    assert isinstance(entry.input, ModelResponded)
    assert entry.input.extra == {"raw": "b'\\xff'", "logprob": None}
    assert reloaded(run, FREE).dump() == run.dump()


def test_each_message_stands_once_wherever_it_is_named() -> None:
    run = executing(call("look", id="c1"))
    run.tool_result("run/1/0", "a result of its own")
    assert json.dumps(run.dump()).count("a result of its own") == 1


# What is new.


@given(PROGRAMS, LIMITS, CHOICES, st.sets(st.integers(0, 25)))
def test_a_run_comes_back_as_it_was_and_what_is_new_of_it_adds_up(
    program: Program, limits: RunLimits, choices: list[int], saved: set[int]
) -> None:
    head: Data = {}
    lists: dict[str, list[Any]] = {name: [] for name in LISTS}
    for count, run in enumerate(drive(run_of(program, limits), choices)):
        whole = json.loads(json.dumps(run.dump(), allow_nan=False))
        assert AgentRun.load(whole, program).dump() == whole
        if count in saved or count == len(choices):
            head = run.dump(since={name: len(of) for name, of in lists.items()})
            for name, of in lists.items():
                of += head.pop(name)
            assert {**head, **lists} == whole


def test_what_is_new_is_all_that_is_looked_at() -> None:
    run = AgentRun(history=["Count.", *(f"{number}." for number in range(50))], program=FREE)
    run.next_step()
    lengths = {name: len(run.dump()[name]) for name in LISTS}
    run.messages[7].metadata["late"] = {"is": object()}
    run.model_response("42")
    new = run.dump(since=lengths)
    assert [len(new[name]) for name in LISTS] == [1, 1, 0, 1]
    assert new["history"] == [51]
    assert new["journal"][0]["input"]["body"] == 51


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
    State.AWAITING_DECISION: lambda run: run.decide("run/1/0", Approve()),
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
    "data", [{}, {"format": 1}, {"kind": "rigging_py.chat", "format": 1}, [], "{}", None, {"kind": None}]
)
def test_foreign_data_is_no_stored_run(data: Any) -> None:
    with pytest.raises(StateFormatError, match="not a stored run"):
        AgentRun.load(data)


@pytest.mark.parametrize("found", [2, 99, "1", None, True, 1.0, [1], -1])
def test_a_format_that_this_release_does_not_know_is_refused_by_name(found: object) -> None:
    named = re.escape(f"format {found!r}; this release reads the formats 0, 1.")
    with pytest.raises(StateFormatError, match=named) as caught:
        AgentRun.load({**started().dump(), "format": found}, PROGRAM)
    assert (caught.value.found, caught.value.supported) == (found, (0, 1))
    assert isinstance(caught.value, RiggingError)
    assert isinstance(caught.value, ValueError)


def damaged(state: State, *path: str | int, value: object) -> Data:
    """A stored run in a state, with something else at one place."""
    data: Any = RUNS[state]().dump()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data  # type: ignore[no-any-return]


def without(state: State, *path: str | int) -> Data:
    """A stored run in a state, with nothing at one place."""
    data: Any = RUNS[state]().dump()
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return data  # type: ignore[no-any-return]


PENDING = executing().dump()["head"]["pending"]
DAMAGED: list[tuple[str, Data]] = [
    ("at 'head.turn'", damaged(State.READY, "head", "turn", value="many")),
    ("at 'head.turn'", damaged(State.READY, "head", "turn", value=-1)),
    ("at 'head.limits'", damaged(State.READY, "head", "limits", value=None)),
    (
        "at 'head.limits': .*needs a time zone",
        damaged(State.READY, "head", "limits", "deadline", value="2030-01-01T00:00:00"),
    ),
    ("at 'bodies.0.role'", damaged(State.READY, "bodies", 0, "role", value="narrator")),
    ("at 'bodies.0.content.0.text.text'", damaged(State.READY, "bodies", 0, "content", 0, "text", value=7)),
    ("at 'bodies'", damaged(State.READY, "bodies", value=None)),
    ("at 'bodies.0'", damaged(State.READY, "bodies", value=["How many?"])),
    ("at 'head.state'", damaged(State.READY, "head", "state", value="Accepted")),
    ("at 'head.begun.given'", damaged(State.READY, "head", "begun", "given", value=0)),
    ("at 'history.0'", damaged(State.READY, "history", 0, value=-1)),
    ("at 'journal.0.input': its type is unknown", damaged(State.DONE, "journal", 0, "input", "type", value="Nodded")),
    ("at 'head.cause': its type is unknown", damaged(State.FAILED, "head", "cause", "type", value="Bored")),
    ("at 'fingerprint.output'", damaged(State.READY, "fingerprint", value={"output": 7})),
    ("at 'head'", damaged(State.AWAITING_MODEL, "head", value=None)),
    ("messages it began with are missing", damaged(State.READY, "history", value=[])),
    ("it names messages that are not there", damaged(State.READY, "bodies", value=[])),
    ("it names messages that are not there", damaged(State.DONE, "journal", 1, "input", "body", value=7)),
    ("it names messages that are not there", damaged(State.EXECUTING_TOOLS, "head", "pending", "body", value=7)),
    ("a message is in its history twice", damaged(State.DONE, "history", 1, value=0)),
    ("a message is in its history twice", damaged(State.DONE, "head", "waiting", value=[1])),
    ("its refused messages are not in its history", damaged(State.EXECUTING_TOOLS, "refused", value=[1])),
    ("its state and its cause", damaged(State.FAILED, "head", "cause", value=None)),
    ("its state and its pending turn", damaged(State.RESOLVING, "head", "pending", value=None)),
    ("its state and its pending turn", damaged(State.AWAITING_MODEL, "head", "pending", value={**PENDING, "body": 0})),
    ("its state and its turn", damaged(State.AWAITING_MODEL, "head", "attempt", value=0)),
    ("it has begun more turns", damaged(State.AWAITING_MODEL, "head", "turns", value=2)),
    ("its pending turn and its calls", damaged(State.RESOLVING, "head", "pending", "problem", value=None)),
    ("its pending turn and its calls", damaged(State.RESOLVING, "head", "pending", "scanned", value=1)),
    ("its pending turn and its calls", damaged(State.EXECUTING_TOOLS, "bodies", 1, "tool_calls", value=None)),
    ("its pending turn and its calls", damaged(State.EXECUTING_TOOLS, "head", "pending", "body", value=0)),
    ("its pending turn and its calls", damaged(State.EXECUTING_TOOLS, "head", "pending", "started", value=["run/7/0"])),
    ("its pending turn and its calls", damaged(State.AWAITING_DECISION, "head", "pending", "undecided", value={})),
]


@pytest.mark.parametrize(("where", "data"), DAMAGED)
def test_damaged_data_is_refused_with_the_place(where: str, data: Data) -> None:
    with pytest.raises(StateFormatError, match=f"^The stored run is damaged: {where}") as caught:
        AgentRun.load(data, PROGRAM)
    assert caught.value.found == 1


def fields_of(value: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The path of every field that the run itself has, at any depth: what others gave may have any."""
    if isinstance(value, dict) and path[-1:] not in [("metadata",), ("fingerprint",), ("undecided",), ("extra",)]:
        for name, one in cast("Data", value).items():
            yield (*path, name)
            yield from fields_of(one, *path, name)
    if isinstance(value, list):
        for place, one in enumerate(cast("list[object]", value)):
            yield from fields_of(one, *path, place)


FREELY_LEFT_OUT = {"usage", "extra", "tool_calls", "tool_call_id", "metadata", "cache_control"}
"""What of a message, and of what a call used, may be missing: that is how one writes that there is none."""
MISSING = [
    (state, path)
    for state in (State.AWAITING_DECISION, State.EXECUTING_TOOLS, State.FAILED, State.DONE)
    for path in fields_of(RUNS[state]().dump())
    if path[0] not in ("format", "kind") and not ("bodies" in path and len(path) != 3) and "usage" not in path[:-1]
    if path[0] != "bodies" or path[-1] not in FREELY_LEFT_OUT
]


@pytest.mark.parametrize(("state", "path"), MISSING)
def test_a_field_that_is_missing_is_named(state: State, path: tuple[str | int, ...]) -> None:
    with pytest.raises(StateFormatError, match=re.escape(str(path[-1]))) as caught:
        AgentRun.load(without(state, *path), PROGRAM)
    assert caught.value.found == 1


@pytest.mark.parametrize("state", State)
def test_fields_of_a_later_release_are_ignored(state: State) -> None:
    stored = RUNS[state]().dump()
    later: Any = copy.deepcopy(stored)
    for path in [(), *(path for path in fields_of(stored))]:
        place = later
        for key in path:
            place = place[key]
        if isinstance(place, dict) and not {"usage", "metadata", "fingerprint", "undecided", "extra"} & {*path}:
            place["of a later release"] = {"this": ["is", "not", "known"]}
    assert AgentRun.load(later, PROGRAM).dump() == stored


# Whatever was done to it.


def places_in(value: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    pairs: Iterable[tuple[str | int, object]] = (
        cast("Data", value).items() if isinstance(value, dict) else enumerate(cast("list[object]", value))
    )
    for key, one in pairs:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from places_in(cast("object", one), *path, key)


ODD = st.sampled_from(
    [None, True, -1, 0, 1, 7, 10**30, 1.5, "", "1", "Done", "run/1/0", [], [0], [7], {}, {"type": "Done"}]
)


@given(PROGRAMS, LIMITS, CHOICES, st.lists(st.tuples(st.integers(0, 9999), st.none() | ODD | st.just(...)), max_size=3))
def test_whatever_is_done_to_a_stored_run_it_is_refused_or_can_be_looked_at(
    program: Program, limits: RunLimits, choices: list[int], harm: list[tuple[int, object]]
) -> None:
    data: Any = json.loads(json.dumps(driven(run_of(program, limits), choices).dump()))
    for number, odd in harm:
        places = list(places_in(data))
        *path, last = places[number % len(places)]
        holder = data
        for key in path:
            holder = holder[key]
        if odd is ...:
            del holder[last]
        elif odd == [7]:
            holder[last] = [holder[last], holder[last]]
        else:
            holder[last] = copy.deepcopy(odd)
    for code in (None, program):
        try:
            run = AgentRun.load(data, code)
        except (StateFormatError, ProgramChangedError):
            continue
        whole = json.loads(json.dumps(run.dump(), allow_nan=False))
        assert AgentRun.load(whole, code).dump() == whole
        assert [repr(run), run.messages, run.waiting, run.calls, run.usage, run.journal]
        with suppress(ProgramNeededError):
            run.next_step()


# For readers in other languages.


def validator() -> Any:
    return jsonschema.Draft202012Validator(json_schema(), format_checker=jsonschema.FormatChecker())


def test_the_published_schema_is_that_of_the_code_and_a_schema() -> None:
    published = json.loads((Path(__file__).parents[2] / "docs" / "run-format-1.schema.json").read_text())
    assert published == json_schema(), "write it anew: python -m tests.run.golden schema"
    jsonschema.Draft202012Validator.check_schema(published)


@given(PROGRAMS, LIMITS, CHOICES)
def test_what_is_stored_is_valid_by_the_published_schema(
    program: Program, limits: RunLimits, choices: list[int]
) -> None:
    stored = driven(run_of(program, limits), choices).dump()
    assert [error.message for error in validator().iter_errors(json.loads(json.dumps(stored)))] == []


@pytest.mark.parametrize("state", State)
def test_every_state_is_valid_by_the_published_schema(state: State) -> None:
    assert validator().is_valid(RUNS[state]().dump())


@pytest.mark.parametrize(("state", "path"), MISSING)
def test_what_is_missing_is_not_valid_by_the_published_schema_either(state: State, path: tuple[str | int, ...]) -> None:
    assert not validator().is_valid(without(state, *path)) or path[0] == "fingerprint" or "undecided" in path[:-1]


def test_damage_is_told_without_quoting_the_conversation() -> None:
    run = AgentRun("the secret word", program=PROGRAM)
    data = run.dump()
    data["bodies"][0]["content"] = {"the": "secret word"}
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
