"""What the page for users of Rigging promises of type checkers: they find the statements that do nothing."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DISCARDING = """
import rigging_py as rg

model = rg.get_generator("openai!gpt-4o")
pipeline = model.chat("Hi")


@rg.tool
def now() -> str:
    return "12:30"


@rg.prompt
async def legs() -> int:
    raise NotImplementedError


model.wrap(None)  # does nothing
pipeline.add("How are you?")  # does nothing
pipeline.with_(temperature=0).using(now)  # does nothing
now.with_(name="clock")  # does nothing
legs.set_(max_parsing_rounds=1)  # does nothing
model.complete("Once").until(bool)  # does nothing
pipeline = pipeline.add("How are you?")
"""


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright_finds_refinements_that_are_thrown_away(tmp_path: Path) -> None:
    shown = re.search(r'reportUnusedCallResult = "(\w+)"', (ROOT / "docs" / "migration.md").read_text())
    assert shown is not None
    (tmp_path / "program.py").write_text(DISCARDING)
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"reportUnusedCallResult": shown[1], "extraPaths": [str(ROOT)], "include": ["program.py"]})
    )
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    found = json.loads(told.stdout)["generalDiagnostics"]
    lines = DISCARDING.splitlines()
    assert {one["rule"] for one in found} == {"reportUnusedCallResult"}
    assert [one["range"]["start"]["line"] for one in found] == [
        place for place, line in enumerate(lines) if line.endswith("# does nothing")
    ]
