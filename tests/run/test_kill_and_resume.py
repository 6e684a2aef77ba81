"""A run whose process is killed goes on in another, and no tool call that was finished runs twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rigging_py.run import AgentRun, replay
from tests.run.driven_by_hand import PROGRAM, begin, drive

ROOT = Path(__file__).parents[2]


def process(driver: str, folder: Path, *arguments: str) -> int:
    """How a process that drives a run ended; a signal counts as its negative number."""
    command = [sys.executable, "-m", f"tests.run.{driver}", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode


def stored(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text())  # type: ignore[no-any-return]


def effects(folder: Path) -> list[str]:
    return (folder / "effects.log").read_text().splitlines()


# The inputs: a turn and its two calls; each of these is started and returns; a turn and the answer.
POSITIONS = range(1, 9)
STARTED = (3, 5)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_run_killed_at_any_position_ends_as_the_one_that_was_not_and_has_each_effect_once(
    tmp_path: Path, position: int
) -> None:
    assert process("driven_by_hand", tmp_path, str(position)) == -signal.SIGKILL
    assert len(stored(tmp_path)["journal"]) == position
    assert process("driven_by_hand", tmp_path) == 0
    # What nobody must be asked about goes first.
    assert sorted(effects(tmp_path)) == ["run/1/0 Ann", "run/1/1 Bob"]

    (whole := tmp_path / "whole").mkdir()
    uninterrupted = drive(whole, begin(), None)
    assert uninterrupted.position == POSITIONS[-1]
    resumed = AgentRun.load(stored(tmp_path), PROGRAM)
    assert resumed.messages == uninterrupted.messages
    assert uninterrupted.messages[-1].content == "Ann has it. Bob has it."
    assert replay(resumed.journal, PROGRAM).dump() == stored(tmp_path)
    if position not in STARTED:
        assert stored(tmp_path) == uninterrupted.dump()


def test_a_pipeline_resumes_a_run_whose_process_was_killed(tmp_path: Path) -> None:
    (killed := tmp_path / "killed").mkdir()
    (whole := tmp_path / "whole").mkdir()
    assert process("driven_by_pipeline", killed, "die") == -signal.SIGKILL
    assert effects(killed) == ["first"]
    assert process("driven_by_pipeline", killed) == 0
    assert effects(killed) == ["first", "second"]

    assert process("driven_by_pipeline", whole) == 0
    chats = [json.loads((folder / "chat.json").read_text()) for folder in (killed, whole)]
    assert chats[0] == chats[1]
    assert [message["role"] for message in chats[0]] == ["user", "assistant", "tool", "tool", "assistant"]
