"""Every part of the surface that users know, and every defect that was seen in it, has a test that is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.surface.table import DECIDED, Row, rows

TESTS = Path(__file__).parents[1]
NUMBER = re.compile(r"# surface 3\.2 no\. (\d+)")
SECTIONS = {*(f"1.{number}" for number in range(1, 16)), *(f"1.2.{number}" for number in range(1, 5)), "4.2"}
DEFECTS = range(1, 46)


@cache
def found_in(path: Path) -> dict[str, str]:
    """The tests of a file, by name, each with the lines it is written in."""
    if not path.is_file():
        return {}
    source = path.read_text(encoding="utf-8")
    lines = source.split("\n")
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def numbered() -> Iterator[int]:
    """The numbers of the defects that tests name."""
    for path in TESTS.rglob("test_*.py"):
        for lines in found_in(path).values():
            yield from map(int, NUMBER.findall(lines))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.section} {row.what}"[:60])
def test_every_test_that_the_table_names_is_there(row: Row) -> None:
    assert row.tests
    for test in row.tests:
        path, _, name = test.partition("::")
        assert name in found_in(TESTS.parent / path), f"{test} is not there; {row.section} {row.what!r} needs a test"


def test_every_section_has_rows() -> None:
    # What 1.2 has is in the sections inside of it.
    assert {row.section for row in rows()} == SECTIONS


def test_no_two_rows_say_the_same() -> None:
    said = [(row.section, row.what) for row in rows()]
    assert len(said) == len(set(said))


def test_every_defect_has_a_test_or_a_reason_for_none() -> None:
    decided = {int(key.removeprefix("3.2 no. ")) for key in DECIDED if re.fullmatch(r"3\.2 no\. \d+", key)}
    assert {*numbered(), *decided} == set(DEFECTS)
