"""A journal played again gives the same run or says where the two part; a fork goes on from any place in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import ProgramNeededError, ProtocolError, ReplayDivergence
from rigging_py.message import Message, ModelTurn
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    AwaitDecision,
    CallTools,
    Deny,
    Done,
    Entry,
    Feedback,
    Journal,
    ModelResponded,
    OutputSpec,
    Program,
    RunLimits,
    State,
    StoredResult,
    ToolsReturned,
    TurnBegan,
    replay,
)
from tests.run.drives import CHOICES, LIMITS, PROGRAMS, driven, run_of
from tests.run.kit import (
    ADD,
    FREE,
    NUMBER,
    PROGRAM,
    SECRET,
    TOOLS,
    asking,
    call,
    deciding,
    executing,
    reloaded,
    resolving,
    started,
)


def long_run() -> AgentRun:
    """A run of seven entries: a refused answer, a batch of two tools one of which needs approval, and the answer."""
    run = started()
    run.model_response("plenty")
    run.next_step()
    run.model_response(asking(call("look"), call("add", SECRET)))
    run.tool_started("run/2/0")
    run.tool_result("run/2/0", "seen")
    run.decide("run/2/1", Deny("No."))
    run.next_step()
    run.model_response("42")
    assert run.state is State.DONE
    return run


def diverges(journal: Journal, program: Program = PROGRAM) -> ReplayDivergence:
    with pytest.raises(ReplayDivergence) as caught:
        replay(journal, program)
    assert caught.value.diff
    assert f"at entry {caught.value.at}" in str(caught.value)
    return caught.value


def tampered(journal: Journal, at: int, **changes: Any) -> Journal:
    entries = list(journal.entries)
    entries[at] = replace(entries[at], **changes)
    return replace(journal, entries=entries)


# The same again.


@given(PROGRAMS, LIMITS, CHOICES)
def test_a_journal_leads_to_the_run_that_it_is_of(program: Program, limits: RunLimits, choices: list[int]) -> None:
    run = driven(run_of(program, limits), choices)
    again = replay(run.journal, program)
    assert again.dump() == run.dump()
    assert again.journal == run.journal
    assert again.next_step() == run.next_step()


@given(PROGRAMS, LIMITS, CHOICES)
def test_the_journal_of_a_run_that_was_stored_leads_there_too(
    program: Program, limits: RunLimits, choices: list[int]
) -> None:
    run = driven(run_of(program, limits), choices)
    loaded = AgentRun.load(json.loads(json.dumps(run.dump())), program)
    assert replay(loaded.journal, program).dump() == run.dump()


def test_a_journal_can_be_played_up_to_a_place() -> None:
    run = long_run()
    states = [replay(run.journal, PROGRAM, upto=at).state for at in range(1, len(run.journal) + 1)]
    assert states == [entry.state for entry in run.journal]
    assert replay(run.journal, PROGRAM, upto=0).state is State.READY


def test_times_are_played_again_and_none_is_made_up() -> None:
    run = started(FREE)
    run.stamp(datetime(2026, 11, 21, tzinfo=UTC))
    run.inject("More.")
    later = reloaded(run, FREE)
    later.model_response("42")
    assert [entry.time is None for entry in later.journal] == [True, False, True]
    assert replay(later.journal, FREE).dump() == later.dump()


def test_what_a_program_raises_while_a_journal_is_played_passes_through() -> None:
    def broken(_: str) -> object:
        raise KeyError("settings")

    with pytest.raises(KeyError, match="settings"):
        replay(long_run().journal, Program(TOOLS, replace(NUMBER, validators=(broken,))))


# Where it parts.


def grumpy(text: str) -> object:
    return Feedback("No.") if text == "42" else Feedback(f"{text!r} is not a whole number")


def curt(text: str) -> object:
    return int(text) if text == "42" else Feedback("No.")


def always(_: object) -> bool:
    return True


def never(_: object) -> bool:
    return False


def wrong(_: object) -> str:
    return "no"


def otherwise(**changes: Any) -> Mapping[str, Any]:
    return {**TOOLS, "look": replace(TOOLS["look"], **changes)}


CHANGED: Sequence[tuple[str, Program, int, str]] = [
    ("it takes what was refused", Program(TOOLS, OutputSpec((str,))), 1, "state: 'Ready' → 'Done'"),
    ("it refuses what was taken", Program(TOOLS, OutputSpec((grumpy,))), 8, "state: 'Done' → 'Ready'"),
    ("it refuses in other words", Program(TOOLS, OutputSpec((curt,))), 1, "messages.2.content_parts.0.text: "),
    ("it has no output", Program(TOOLS), 1, "state: 'Ready' → 'Done'"),
    ("it says nothing", Program(TOOLS, replace(NUMBER, on_invalid="regenerate")), 3, "input.body: 3 → 2"),
    ("a tool is gone", Program({"add": TOOLS["add"]}, NUMBER), 3, "state: 'ExecutingTools' → 'Resolving'"),
    ("a check is stricter", Program(otherwise(check=wrong), NUMBER), 3, "'ExecutingTools' → 'Resolving'"),
    (
        "a tool needs approval",
        Program(otherwise(needs_approval=always), NUMBER),
        3,
        "state: 'ExecutingTools' → 'AwaitingDecision'",
    ),
    (
        "a tool needs none any more",
        Program({**TOOLS, "add": replace(TOOLS["add"], needs_approval=never)}, NUMBER),
        5,
        "state: 'AwaitingDecision' → 'ExecutingTools'",
    ),
    ("a tool may not be called", Program(TOOLS, NUMBER, frozenset({"add"})), 3, "'ExecutingTools' → 'Resolving'"),
]


@pytest.mark.parametrize(("how", "program", "at", "line"), CHANGED, ids=[how for how, *_ in CHANGED])
def test_a_program_that_judges_otherwise_parts_where_it_does(how: str, program: Program, at: int, line: str) -> None:
    parted = diverges(long_run().journal, program)
    assert parted.at == at
    assert line in "\n".join(parted.diff)
    assert parted.expected == long_run().journal[at]


TAMPERED: Sequence[tuple[int, dict[str, Any], str]] = [
    (0, {"input": TurnBegan(2)}, "input.turn: 2 → 1"),
    (0, {"state": State.FAILED}, "state: 'Failed' → 'AwaitingModel'"),
    (1, {"input": TurnBegan(1)}, "it: "),
    (1, {"input": ModelResponded(1, 2, 1, "stop")}, "input.attempt: 2 → 1"),
    (1, {"input": ModelResponded(1, 1, 99, "stop")}, "messages.99: the journal has only 7"),
    (1, {"input": ModelResponded(1, 1, 0, "stop")}, "a turn is an assistant's"),
    (5, {"input": ToolsReturned((StoredResult("run/2/7", 4),))}, "'run/2/7' is no call of this turn"),
    (5, {"input": ToolsReturned((StoredResult("run/2/0", 4, stop=False, error=True),))}, "messages.0.metadata.error"),
]


@pytest.mark.parametrize(("at", "changes", "line"), TAMPERED)
def test_an_entry_that_somebody_changed_is_found(at: int, changes: dict[str, Any], line: str) -> None:
    parted = diverges(tampered(long_run().journal, at, **changes))
    assert parted.at == at
    assert line in "\n".join(parted.diff)


def test_a_message_that_somebody_changed_is_found_where_it_was_said() -> None:
    journal = long_run().journal
    bodies = [body.shell() for body in journal.bodies]
    bodies[2].content = "Be bold."
    parted = diverges(replace(journal, bodies=bodies))
    assert parted.at == 1
    assert "messages.2.content_parts.0.text: 'Be bold.' → " in parted.diff[0]


def test_a_message_that_nobody_said_is_found_at_the_end() -> None:
    journal = long_run().journal
    parted = diverges(replace(journal, bodies=[*journal.bodies, Message("user", "Psst.")]))
    assert parted.at == len(journal) - 1
    assert "messages.7" in parted.diff[0]


def test_an_input_that_the_run_does_not_take_is_told_with_the_reason() -> None:
    journal = long_run().journal
    parted = diverges(replace(journal, entries=[journal[0], journal[0], *journal[1:]]))
    assert (parted.at, parted.actual) == (1, None)
    parted = diverges(replace(journal, entries=journal[1:]))
    assert parted.at == 0
    assert isinstance(parted.actual, ProtocolError)


@given(PROGRAMS, LIMITS, CHOICES, st.integers(0, 99), st.integers(0, 99))
def test_a_journal_with_another_entry_parts_or_is_that_of_another_run(
    program: Program, limits: RunLimits, choices: list[int], one: int, other: int
) -> None:
    run = driven(run_of(program, limits), choices)
    entries: list[Entry] = list(run.journal)
    here, there = one % (len(entries) or 1), other % (len(entries) or 1)
    entries[here:there] = entries[there : there + 1]
    journal = replace(run.journal, entries=entries)
    with suppress(ReplayDivergence):
        assert list(replay(journal, program).journal) == entries


# Forks.


@given(PROGRAMS, LIMITS, CHOICES, st.integers(0, 99))
def test_a_fork_begins_with_what_happened_and_leaves_the_original_as_it_is(
    program: Program, limits: RunLimits, choices: list[int], number: int
) -> None:
    run = driven(run_of(program, limits), choices)
    before, at = run.dump(), number % (run.position + 1)
    fork = run.fork(at, run_id="other")
    assert run.dump() == before
    assert fork.run_id == "other"
    assert list(fork.journal[:at]) == list(run.journal[:at])
    assert fork.position == at + 1
    forked = replay(run.journal, program, upto=at)
    step = forked.next_step() if forked.state is State.EXECUTING_TOOLS else None
    # What was started belongs to the original, so somebody has to decide about it.
    is_begun = isinstance(step, CallTools) and bool(step.started)
    assert fork.state is (State.AWAITING_DECISION if is_begun else forked.state)
    assert forked.state is (run.journal[at - 1].state if at else State.READY)
    assert fork.messages == forked.messages
    again = AgentRun.load(json.loads(json.dumps(fork.dump())), program)
    assert again.dump() == fork.dump()
    assert replay(again.journal, program).dump() == fork.dump()
    assert again.next_step() == fork.next_step()


@given(PROGRAMS, LIMITS, CHOICES, CHOICES)
def test_a_fork_goes_on_by_itself_and_can_be_stored_and_played(
    program: Program, limits: RunLimits, choices: list[int], more: list[int]
) -> None:
    run = driven(run_of(program, limits), choices)
    before = run.dump()
    fork = driven(run.fork(run.position // 2), more)
    assert run.dump() == before
    loaded = AgentRun.load(json.loads(json.dumps(fork.dump())), program)
    assert loaded.dump() == fork.dump()
    assert replay(fork.journal, program).dump() == fork.dump()


def test_a_fork_makes_keys_and_uuids_of_its_own() -> None:
    run = started(FREE)
    fork = run.fork()
    keys: list[str] = []
    for one in (run, fork):
        one.model_response(asking(call("look")))
        step = one.next_step()
        assert isinstance(step, CallTools)
        keys += [pending.key for pending in step.calls]
        one.tool_result(step.calls[0].key, "seen")
    assert keys == ["run/1/0", "run.1/1/0"]
    assert {message.uuid for message in run.messages} & {message.uuid for message in fork.messages} == {
        run.messages[0].uuid
    }


def test_a_fork_of_a_fork_is_named_after_both() -> None:
    run = long_run()
    fork = run.fork(3).fork(2)
    assert fork.run_id == "run.3.2"
    assert [message.content for message in fork.messages] == [message.content for message in run.messages[:3]]
    again = run.fork(3)
    assert again.fork().run_id == "run.3.4"
    assert replay(again.fork().journal, PROGRAM).dump() == again.fork().dump()


def test_a_fork_within_a_batch_keeps_results_and_decisions_and_does_not_finish_what_the_original_began() -> None:
    run = executing(call("look"), call("add", ADD), call("look", '{"at": "secret"}'))
    run.tool_result("run/1/0", "seen")
    run.tool_started("run/1/1")
    fork = run.fork(run_id="other")
    step = fork.next_step()
    assert isinstance(step, CallTools)
    assert ([one.key for one in step.calls], step.started) == (["other/1/1"], ())
    fork.tool_started("other/1/1")
    fork.tool_result("other/1/1", "42")
    step = fork.next_step()
    assert isinstance(step, AwaitDecision)
    assert [request.call.key for request in step.requests] == ["other/1/2"]
    fork.decide("other/1/2", Approve())
    fork.tool_result("other/1/2", "seen too")
    assert [message.content for message in fork.messages[2:]] == ["seen", "42", "seen too"]
    assert replay(fork.journal, PROGRAM).dump() == fork.dump()
    step = run.next_step()
    assert isinstance(step, CallTools)
    assert step.started == ("run/1/1",)


def test_decisions_that_were_made_hold_in_a_fork_and_others_can_be_made_anew() -> None:
    run = deciding()
    run.decide("run/1/0", Deny("No."))
    held, anew = run.fork(run_id="held"), run.fork(run.position - 1, run_id="anew")
    held.decide("held/1/1", Deny("Neither."))
    anew.decide("anew/1/0", Deny("Never."))
    anew.decide("anew/1/1", Deny("Neither."))
    assert [message.content for message in held.messages[2:]] == ["No.", "Neither."]
    assert [message.content for message in anew.messages[2:]] == ["Never.", "Neither."]


def test_another_answer_can_be_tried_from_a_place() -> None:
    run = resolving()
    run.resolve_tool_call(Answer("There is none."))
    fork = run.fork(2)
    fork.resolve_tool_call(Answer("Use add."))
    fork.next_step()
    fork.model_response(ModelTurn.from_text("42"))
    assert [message.content for message in fork.messages[2:]] == ["Use add.", "42"]
    assert isinstance(fork.next_step(), Done)
    assert [message.content for message in run.messages[2:]] == ["There is none."]


@pytest.mark.parametrize("at", [-1, 3])
def test_there_is_no_fork_beyond_the_journal(at: int) -> None:
    with pytest.raises(ValueError, match=f"has 2 entries; a fork is at 0 to 2, not {at}"):
        executing().fork(at)


def test_a_fork_needs_the_program() -> None:
    with pytest.raises(ProgramNeededError, match="'run' needs its program"):
        reloaded(executing(), None).fork()
