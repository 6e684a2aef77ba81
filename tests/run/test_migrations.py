"""Runs that older releases stored go on in this one, to the same end that they would have come to there.

`golden/format_0` was written by revision e9467f3, the last that wrote format 0, and so was `ends.json`: what became of
each run there when its model answered 42, its tools told what they were given, and bad calls were answered.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_never, cast

import pytest

from rigging_py.error import ReplayDivergence, StateFormatError
from rigging_py.message import Message
from rigging_py.run import (
    FORMAT,
    AgentRun,
    Answer,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Done,
    Failed,
    Migrated,
    ProviderFailure,
    ResolveToolCall,
    State,
    replay,
)
from rigging_py.run.migrations import MIGRATIONS
from tests.run.kit import PROGRAM

Data = dict[str, Any]
FOLDER = Path(__file__).parent / "golden" / "format_0"
ENDS: Data = json.loads((FOLDER / "ends.json").read_text())


def stored(name: str) -> Data:
    return cast("Data", json.loads((FOLDER / f"{name}.json").read_text()))


def loaded(name: str) -> AgentRun:
    # Format 0 hashed the output without its mode, so every output looks changed.
    return AgentRun.load(stored(name), PROGRAM, allow_changes=True)


def go_on(run: AgentRun) -> Done | Failed:
    while True:
        step = run.next_step()
        match step:
            case CallModel():
                run.model_response("42")
            case ResolveToolCall():
                run.resolve_tool_call(Answer("There is none."))
            case AwaitDecision(requests):
                run.decide(requests[0].call.key, Approve())
            case CallTools(calls):
                for one in calls:
                    run.tool_result(one.key, f"{one.name} gave {sorted(one.arguments)}")
            case Done() | Failed():
                return step
            case _:
                assert_never(step)


@pytest.mark.parametrize("name", ENDS)
def test_a_run_of_format_0_goes_on_to_the_end_it_had_there(name: str) -> None:
    run = loaded(name)
    assert run.state == stored(name)["run"]["state"]
    end, there = go_on(run), ENDS[name]
    assert type(end).__name__ == there["step"]
    assert (end.response.output if isinstance(end, Done) else None) == there["output"]
    assert (end.cause.type if isinstance(end, Failed) else None) == there["cause"]
    assert list(run.messages) == [Message.model_validate(message) for message in there["messages"]]
    assert run.usage.total_tokens == there["tokens"]
    assert [[one.turn, one.attempt, one.failure] for one in run.calls] == there["calls"]
    assert run.tool_turns == there["tool_turns"]


@pytest.mark.parametrize("name", ENDS)
def test_a_run_of_format_0_is_stored_in_this_format_from_then_on(name: str) -> None:
    run = AgentRun.load(stored(name))
    assert run.dump()["format"] == FORMAT
    assert AgentRun.load(json.loads(json.dumps(run.dump()))).dump() == run.dump()
    [entry] = run.journal
    assert isinstance(entry.input, Migrated)
    assert (entry.input.format, entry.state) == (0, run.state)
    assert list(run.calls) == list(entry.input.calls)


def test_what_a_run_of_format_0_had_is_kept() -> None:
    run = loaded("executing_tools")
    step = run.next_step()
    assert isinstance(step, CallTools)
    assert [(one.key, one.id) for one in step.calls] == [("r0/1/0", "c1"), ("r0/1/3", "call_1_3")]
    assert run.messages[0].metadata == {"page": 3}
    assert step.started == ()
    failed = loaded("provider_failure").next_step()
    assert isinstance(failed, Failed)
    assert isinstance(failed.cause, ProviderFailure)
    assert (failed.cause.error.kind, failed.cause.error.status) == ("RateLimited", 429)


def test_a_run_of_format_0_has_no_journal_that_could_be_played() -> None:
    run = loaded("done")
    with pytest.raises(ReplayDivergence, match="format 0, which kept no journal") as caught:
        replay(run.journal, PROGRAM)
    assert caught.value.at == 0


def test_a_migration_changes_nothing_of_what_it_is_given() -> None:
    for name in ENDS:
        state = stored(name)
        before = copy.deepcopy(state)
        MIGRATIONS[0](state)
        assert state == before


def paths(value: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    pairs = cast("Data", value).items() if isinstance(value, dict) else enumerate(cast("list[object]", value))
    for key, one in pairs:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from paths(cast("object", one), *path, key)


@pytest.mark.parametrize("odd", [None, 7, "seven", [], {}, ...])
@pytest.mark.parametrize("name", ["executing_tools", "output_invalid", "done"])
def test_damaged_data_of_format_0_is_refused_or_can_be_looked_at(name: str, odd: object) -> None:
    for *path, last in paths(stored(name)):
        harmed: Any = stored(name)
        holder = harmed
        for key in path:
            holder = holder[key]
        if odd is ...:
            del holder[last]
        else:
            holder[last] = odd
        try:
            run = AgentRun.load(harmed, PROGRAM, allow_changes=True)
        except StateFormatError:
            continue
        assert run.state in State
        assert AgentRun.load(run.dump()).dump() == run.dump()


def test_every_format_before_this_one_has_its_migration() -> None:
    assert list(MIGRATIONS) == list(range(FORMAT))
