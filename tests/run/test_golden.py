"""Runs that were stored in format 1 load in every later release and go on to the end they had when they were stored.

THIS TEST AND THE FILES IT READS MAY NEVER BE DELETED OR CHANGED. They stand for runs that lie in people's stores, some
of which wait for a decision for months; what is promised to those people is that every later release goes on with them.
When it fails, the code is wrong, not the file. A new feature adds a case, and `python -m tests.run.golden` writes its
file; a new format adds a folder and a migration, and this folder stays.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast, get_args

import jsonschema
import pytest

from rigging_py.run import FORMAT, AgentRun, Cause, Input, Migrated, State, replay
from tests.run.golden.cases import CASES, FOLDER, Case, ended, ends, loaded

NAMES = [case.name for case in CASES]


def stored(case: Case) -> dict[str, Any]:
    return json.loads(case.file.read_text())  # type: ignore[no-any-return]


def holds(new: Any, old: Any) -> bool:
    """Whether data holds all that older data did; it may have more fields."""
    if isinstance(old, dict):
        return all(name in new and holds(new[name], one) for name, one in cast("dict[str, Any]", old).items())
    if isinstance(old, list):
        pairs = zip(new, cast("list[Any]", old), strict=True)
        return len(new) == len(cast("list[Any]", old)) and all(holds(one, other) for one, other in pairs)
    return bool(new == old)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_golden_run_loads_where_it_was_and_all_of_it_is_stored_again(case: Case) -> None:
    run = AgentRun.load(stored(case), case.program)
    assert run.state is case.state
    if FORMAT == 1:
        assert holds(run.dump(), stored(case))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_golden_run_goes_on_to_the_end_it_had_when_it_was_stored(case: Case) -> None:
    assert ended(loaded(case)).splitlines() == ends()[case.name]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_golden_run_can_be_looked_at_without_its_program(case: Case) -> None:
    run = AgentRun.load(stored(case))
    assert run.state is case.state
    assert [message.role for message in run.messages]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_journal_of_a_golden_run_still_leads_to_it(case: Case) -> None:
    run = AgentRun.load(stored(case), case.program)
    assert replay(run.journal, case.program).dump() == run.dump()
    assert [run.fork(at).position for at in range(run.position + 1)] == list(range(1, run.position + 2))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_golden_run_is_valid_by_the_published_schema(case: Case) -> None:
    schema = json.loads((Path(__file__).parents[2] / "docs" / "run-format-1.schema.json").read_text())
    checked: Any = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in checked.iter_errors(stored(case))] == []


def test_there_is_a_golden_run_in_every_state_with_every_cause_and_every_input() -> None:
    runs = [stored(case) for case in CASES]
    assert {run["head"]["state"] for run in runs} == set(State)
    causes = {run["head"]["cause"]["type"] for run in runs if run["head"]["cause"]}
    assert causes == {kind.__name__ for kind in get_args(get_args(Cause)[0])}
    inputs = {entry["input"]["type"] for run in runs for entry in run["journal"]}
    assert inputs == {kind.__name__ for kind in get_args(get_args(Input)[0])} - {Migrated.__name__}


def test_no_golden_file_is_left_without_its_case() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == {*NAMES, "ends"}
    assert list(ends()) == NAMES
