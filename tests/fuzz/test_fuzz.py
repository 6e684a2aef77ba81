"""Whatever a text says, going through a door with it raises nothing but our own errors and finds what is in it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.entries import ENTRIES, Entry

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_laws_hold_of_any_text(entry: Entry) -> None:
    @given(st.lists(st.sampled_from(entry.words) | st.text(max_size=5)).map("".join))
    def law(text: str) -> None:
        entry.check(text)

    law()


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this platform")
@pytest.mark.parametrize("name", ENTRIES)
def test_a_fuzzer_that_looks_for_new_ways_finds_nothing(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", "2", "--seed", "1", "--directory", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    assert "number_of_executed_units" in ran.stderr
