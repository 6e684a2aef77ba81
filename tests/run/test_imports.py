"""What the machine may not do, read from its source: wait, look at a clock, roll dice, or look up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rigging_py.run

FILES = sorted(Path(rigging_py.run.__file__).parent.glob("*.py"))
LIBRARY = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "typing",
}
# A time that a driver gives may be kept, and uuids be derived; that none is asked for is a test below.
LIBRARY_WITH_CARE = {"datetime", "uuid"}
BELOW = {"error", "message", "parsing", "run"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every imported name with its module, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def is_allowed(name: str) -> bool:
    root, *rest = name.split(".")
    return (
        root in LIBRARY | LIBRARY_WITH_CARE
        or root in ("pydantic", "pydantic_core")
        or (root == "rigging_py" and rest[0] in BELOW)
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_machine_imports_only_pure_modules_and_the_floors_below(path: Path) -> None:
    assert [name for name in imported(ast.parse(path.read_text())) if not is_allowed(name)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_machine_makes_no_random_uuid_and_opens_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    made = {name.rpartition(".")[2] for name in imported(tree) if name.startswith("uuid")}
    assert made <= {"UUID", "uuid5"}
    assert not called & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_machine_never_asks_what_time_it_is(path: Path) -> None:
    asked = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not asked & {"now", "today", "utcnow"}


@pytest.mark.parametrize("name", ["asyncio", "time.time", "random", "logging", "rigging_py.chat.Chat", ".drive"])
def test_the_check_of_imports_would_see_a_breach(name: str) -> None:
    assert not is_allowed(name)
