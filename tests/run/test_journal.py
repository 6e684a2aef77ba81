"""The journal: every input that was accepted is one entry, with the state it led to and the time the driver gave."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given

from rigging_py.message import Message, ModelTurn, Usage
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    CallModel,
    CallResolved,
    CancelAsked,
    Decided,
    Deny,
    Entry,
    Expired,
    Forked,
    Injected,
    Input,
    LimitReached,
    LimitsRaised,
    Migrated,
    ModelFailed,
    ModelResponded,
    Program,
    ProgramChanged,
    Recovered,
    RunLimits,
    State,
    StoredResult,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
)
from tests.run.drives import CHOICES, LIMITS, PROGRAMS, drive, run_of
from tests.run.kit import (
    DEADLINE,
    FREE,
    NUMBER,
    PROGRAM,
    TOOLS,
    asking,
    call,
    deciding,
    done,
    executing,
    failed,
    refused,
    resolving,
    started,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

# An act in a state, the input that its entry holds, and the state it leads to.
ACTS: list[tuple[Callable[[], AgentRun], Callable[[AgentRun], Any], object, State]] = [
    (lambda: AgentRun("How many?"), AgentRun.next_step, TurnBegan(1), State.AWAITING_MODEL),
    (
        lambda: AgentRun("How many?", limits=RunLimits(max_turns=0)),
        AgentRun.next_step,
        LimitReached(),
        State.FAILED,
    ),
    (
        deciding,
        lambda run: run.decide("run/1/0", Deny("No."), by="Ann"),
        Decided("run/1/0", Deny("No."), "Ann"),
        State.AWAITING_DECISION,
    ),
    (
        started,
        lambda run: run.model_response("42"),
        ModelResponded(1, 1, 1, "stop"),
        State.DONE,
    ),
    (
        started,
        lambda run: run.model_response("42", feedback="Say it otherwise."),
        ModelResponded(1, 1, 1, "stop", feedback="Say it otherwise."),
        State.READY,
    ),
    (resolving, lambda run: run.resolve_tool_call(Answer("no")), CallResolved(Answer("no")), State.READY),
    (deciding, lambda run: run.decide("run/1/0", Approve()), Decided("run/1/0", Approve()), State.AWAITING_DECISION),
    (executing, lambda run: run.tool_started("run/1/0"), ToolStarted("run/1/0"), State.EXECUTING_TOOLS),
    (
        executing,
        lambda run: run.tool_started("run/1/0", {"a": 1, "b": 2}),
        ToolStarted("run/1/0", {"a": 1, "b": 2}),
        State.EXECUTING_TOOLS,
    ),
    (
        executing,
        lambda run: run.tool_result("run/1/1", "seen"),
        ToolsReturned((StoredResult("run/1/1", 2),)),
        State.EXECUTING_TOOLS,
    ),
    (
        executing,
        lambda run: run.tool_results([("run/1/1", "seen"), ("run/1/0", "42")]),
        ToolsReturned((StoredResult("run/1/1", 2), StoredResult("run/1/0", 3))),
        State.READY,
    ),
    (started, lambda run: run.inject(["And?", "So?"]), Injected((1, 2)), State.AWAITING_MODEL),
    (done, lambda run: run.inject("And then?"), Injected((2,)), State.READY),
    (started, lambda run: run.expire(DEADLINE), Expired(DEADLINE), State.FAILED),
    (started, lambda run: run.cancel("enough", by="Ann"), CancelAsked("enough", "Ann"), State.FAILED),
    (
        failed,
        lambda run: run.raise_limit(max_turns=2),
        LimitsRaised(RunLimits(max_turns=2, deadline=DEADLINE)),
        State.READY,
    ),
    (started, lambda run: run.rename("other"), Forked("other"), State.AWAITING_MODEL),
    (started, lambda run: run.recheck(["output is new"]), ProgramChanged(("output is new",)), State.AWAITING_MODEL),
]


@pytest.mark.parametrize(("run_in", "act", "said", "state"), ACTS)
def test_every_input_is_one_entry_with_what_it_was_and_where_it_led(
    run_in: Callable[[], AgentRun], act: Callable[[AgentRun], Any], said: object, state: State
) -> None:
    run = run_in()
    before = run.position
    run.stamp(NOON)
    act(run)
    assert run.journal[before:] == [Entry(said, state, NOON)]  # type: ignore[arg-type]
    assert run.position == before + 1


def test_a_failed_call_and_a_recovery_are_entries_too() -> None:
    run = started(max_attempts=2)
    run.model_failed(OSError("gone"), retryable=True)
    run.model_response(asking(call("look")))
    run.tool_started("run/1/0")
    run.recover()
    entries = [type(entry.input) for entry in run.journal]
    assert entries == [TurnBegan, ModelFailed, ModelResponded, ToolStarted, Recovered]


def test_every_kind_of_input_is_in_these_tests() -> None:
    kinds = {type(said) for _, _, said, _ in ACTS} | {ModelFailed, Recovered}
    assert kinds | {Migrated} == set(get_args(get_args(Input)[0]))


def test_an_entry_has_no_time_unless_the_driver_gave_one() -> None:
    run = started()
    run.stamp(NOON)
    run.model_response("plenty")
    assert [entry.time for entry in run.journal] == [None, NOON]


def test_asking_again_and_what_is_refused_leave_no_entry() -> None:
    run = executing()
    journal = run.journal
    run.next_step()
    refused(run, lambda run: run.tool_result("run/7/0", "42"))
    refused(run, lambda run: run.model_response("42"))
    assert run.journal == journal


def test_a_journal_is_whole_by_itself_and_does_not_grow_with_the_run() -> None:
    run = started(FREE)
    journal = run.journal
    entries, bodies = list(journal), list(journal.bodies)
    run.model_response("42")
    assert (list(journal), list(journal.bodies)) == (entries, bodies)
    assert len(journal) == 1
    assert len(run.journal) == 2
    assert (journal.run_id, journal.given, journal.limits) == ("run", 1, run.limits)


def test_a_journal_names_messages_that_are_in_no_history() -> None:
    run = started(FREE)
    run.model_response(asking(call("nope"), text="Hm."))
    [_, said] = run.journal
    assert isinstance(said.input, ModelResponded)
    assert said.places() == (1,)
    assert [message.content for message in run.journal.messages(said)] == ["Hm."]
    assert [message.content for message in run.messages] == ["How many?"]
    assert run.journal.turn(said.input).stop_reason == "tool_calls"


@given(PROGRAMS, LIMITS, CHOICES)
def test_the_journal_only_grows_and_its_last_entry_says_where_the_run_is(
    program: Program, limits: RunLimits, choices: list[int]
) -> None:
    before: list[Entry] = []
    for run in drive(run_of(program, limits), choices):
        entries = list(run.journal)
        assert entries[: len(before)] == before
        assert not entries or entries[-1].state is run.state
        before = entries


@given(PROGRAMS, LIMITS, CHOICES)
def test_the_calls_of_the_model_are_told_by_the_journal(
    program: Program, limits: RunLimits, choices: list[int]
) -> None:
    for run in drive(run_of(program, limits), choices):
        made = [one for one in run.journal if isinstance(one.input, ModelResponded | ModelFailed)]
        retried = sum(len(one.input.attempts) for one in made if isinstance(one.input, ModelResponded))
        assert len(run.calls) == len(made) + retried
        assert AgentRun.load(json.loads(json.dumps(run.dump())), program).calls == run.calls


def test_an_entry_costs_little_memory() -> None:
    run = AgentRun(Message("user", "How many?"), limits=RunLimits(max_turns=10_000))
    turn = ModelTurn.from_text("42")
    tracemalloc.start()
    try:
        for _ in range(1000):
            assert isinstance(run.next_step(), CallModel)
            run.model_response(turn)
            run.inject("Again.")
        entries = run.journal
        before, _ = tracemalloc.get_traced_memory()
        copies = [Entry(entry.input, entry.state, entry.time) for entry in entries]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(copies) == 3000
    assert (after - before) / len(copies) < 100
    assert not hasattr(copies[0], "__dict__")
    assert not hasattr(copies[0].input, "__dict__")


def test_a_run_that_goes_by_another_program_says_so_in_its_journal_and_can_be_forked() -> None:
    old = Program({"add": TOOLS["add"]}, NUMBER)
    run = AgentRun.load(resolving(call("look"), program=old).dump(), PROGRAM, allow_changes=True)
    assert run.state is State.EXECUTING_TOOLS
    assert run.journal[-1].input == ProgramChanged(("tool look is new",))
    fork = run.fork()
    assert fork.next_step() != run.next_step()
    fork.tool_result(f"{fork.run_id}/1/0", "seen")
    fork.next_step()
    fork.model_response("42")
    assert fork.state is State.DONE
    assert run.state is State.EXECUTING_TOOLS


@pytest.mark.parametrize("cost", [float("inf"), float("nan")])
def test_a_number_that_json_has_not_is_no_limit_and_no_cost(cost: float) -> None:
    with pytest.raises(ValueError, match="max_cost is a number of dollars"):
        RunLimits(max_cost=cost)
    with pytest.raises(ValueError, match="finite"):
        Usage(cost=cost)


def test_a_time_without_a_zone_is_no_time_of_an_entry() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        started().stamp(datetime(2026, 11, 21))
