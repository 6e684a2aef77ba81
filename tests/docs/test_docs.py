"""What the docs show is true: their code runs, their tables are those of the program, and every page can be found."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rigging_py import error
from rigging_py.generator.local.weights import KNOWN, cache_directory
from rigging_py.run import RULES
from rigging_py.run.accept import ACCEPTED
from tests.docs.model import providers_replaced

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
NAV = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]

# A fence of any other name is not Python, and no block is left out: what cannot run is not shown.
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


def python_blocks(page: Path) -> Iterator[tuple[int, str]]:
    """The line each block begins on, and its code."""
    text = page.read_text()
    for match in FENCE.finditer(text):
        if match[2] in ("python", "py"):
            yield text.count("\n", 0, match.start(3)), inspect.cleandoc("\n" + match[3])


def with_code(pages: Iterable[Path]) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages if any(python_blocks(page))]


async def run_page(page: Path) -> None:
    """Runs the blocks of a page in order, in one namespace and with top-level `await`, as a notebook does."""
    namespace: dict[str, Any] = {"__name__": "page"}
    for line, code in python_blocks(page):
        source = "\n" * line + code  # so that a traceback names the line of the page
        tree = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        result = eval(tree, namespace)
        if inspect.isawaitable(result):
            await result


@pytest.mark.parametrize("page", with_code(PAGES))
async def test_the_code_of_every_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-docs")
    with providers_replaced():
        await run_page(page)


def weights_are_here() -> bool:
    row = KNOWN["smollm2"]
    is_here = (cache_directory() / f"{row.package}-{row.version}" / Path(row.member).name).exists()
    return is_here and importlib.util.find_spec("xllamacpp") is not None


NEEDS_WEIGHTS = pytest.mark.skipif(not weights_are_here(), reason="the embedded model's weights are not in the cache")


@pytest.mark.model
@NEEDS_WEIGHTS
@pytest.mark.parametrize("page", with_code([ROOT / "README.md", DOCS / "local-model.md"]))
async def test_pages_about_the_embedded_model_run_on_the_embedded_model(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    await run_page(page)


@pytest.mark.model
@NEEDS_WEIGHTS
def test_the_quickstart_runs_on_the_embedded_model() -> None:
    command = [sys.executable, str(ROOT / "examples" / "quickstart.py")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ}, check=False)
    assert said.returncode == 0, said.stderr
    for title in ("capital_of", "is_true", "city_with", "list_planets", "a chat with a tool", "continued"):
        assert title in said.stdout
    assert "|- add_numbers(" in said.stdout


@pytest.mark.model
@NEEDS_WEIGHTS
def test_the_example_of_a_stored_run_goes_on_in_another_process() -> None:
    command = [sys.executable, str(ROOT / "examples" / "durable.py")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ}, check=False)
    assert said.returncode == 0, said.stderr
    assert "'sum' waits: may add_numbers run with {'x': 1337, 'y': 42}?" in said.stdout
    assert "[the tool says: 1379.0]" in said.stdout


@pytest.mark.model
@NEEDS_WEIGHTS
def test_the_example_of_a_batch_that_is_watched_reads_back_what_was_written() -> None:
    command = [sys.executable, str(ROOT / "examples" / "observed.py")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ}, check=False)
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("[local!smollm2: ") >= 3
    assert said.stdout.count('{"topic":"capitals"}') == 3


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"[\w/-]+\.md", NAV)
    there = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")]
    assert sorted(listed) == sorted(there)


ROOMS = [
    "prompt",
    "chat",
    "completion",
    "data",
    "message",
    "model",
    "parsing",
    "tools",
    "transform",
    "caching",
    "fetching",
    "generator",
    "run",
    "observe",
    "store",
    "tokenizer",
    "watchers",
    "cli",
    "error",
]


def test_the_site_builds_and_its_reference_shows_every_public_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr

    for name in ROOMS:
        room = importlib.import_module(f"rigging_py.{name}")
        page = (tmp_path / "api" / name / "index.html").read_text()
        shown = {*re.findall(r'id="rigging_py\.[\w.]*?(\w+)"', page), *re.findall(r"<code>(\w+)</code>", page)}
        assert public_names(room) - shown == set(), f"docs/api/{name}.md"


def public_names(room: ModuleType) -> set[str]:
    """`__all__`, or for a room of one file without one the classes and functions that it defines."""
    kinds = (inspect.isclass, inspect.isfunction)
    own = [name for name, one in vars(room).items() if any(is_one(one) for is_one in kinds) and name[0] != "_"]
    own = [name for name in own if vars(room)[name].__module__ == room.__name__]
    return set(getattr(room, "__all__", own))


def test_the_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def rules_table() -> str:
    """The machine's rules as the page about runs shows them."""
    rows = [
        f"| `{rule.state}` | `{rule.input}()` | {', '.join(f'`{state}`' for state in rule.to)} | {rule.meaning} |"
        for rule in RULES
    ]
    return "\n".join(["| state | input | leads to | when |", "|---|---|---|---|", *rows])


def state_diagram() -> str:
    """The same rules as a Mermaid diagram: what leads from one state to another."""
    inputs: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        for state in rule.to:
            if state is not rule.state:
                inputs.setdefault((rule.state, state), []).append(rule.input)
    arrows = [f"    {here} --> {there}: {', '.join(names)}" for (here, there), names in inputs.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> Ready", *arrows, "    Done --> [*]", "```"])


def accepted_table() -> str:
    """What becomes of an accepted turn."""
    rows = [f"| {row.meaning} | {', '.join(f'`{state}`' for state in row.to)} |" for row in ACCEPTED]
    return "\n".join(["| when | leads to |", "|---|---|", *rows])


@pytest.mark.parametrize("shown", [rules_table, state_diagram, accepted_table])
def test_the_tables_and_the_diagram_of_states_are_the_machine_s_own(shown: Callable[[], str]) -> None:
    assert shown() in (DOCS / "runs.md").read_text(), f"docs/runs.md should say:\n{shown()}"


def test_every_exception_is_explained() -> None:
    page = (DOCS / "failures.md").read_text()
    own = [name for name, value in vars(error).items() if inspect.isclass(value) and value.__module__ == error.__name__]
    assert [name for name in own if f"`{name}`" not in page] == []
