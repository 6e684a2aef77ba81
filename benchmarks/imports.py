"""What it costs to start: imports, and the first prompt, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from benchmarks.table import show

GOAL = 1.3
ROUNDS = 9
FIRST_PROMPT = '''
import rigging_py as rg

@rg.prompt
async def how_many(animal: str, among: list[str]) -> int:
    """Counts the animals of one kind."""

how_many.render("fox", ["fox", "hen"])
'''
SCRIPTS = {
    "import pydantic": "import pydantic",
    "import rigging_py": "import rigging_py",
    "from pydantic import BaseModel": "from pydantic import BaseModel",
    "import rigging_py, first @rg.prompt, render": FIRST_PROMPT,
}


def run() -> None:
    """Measures, and prints a table."""
    spent: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    with TemporaryDirectory() as cache:
        for _ in range(1 + ROUNDS):  # the first fills the cache
            for name, script in SCRIPTS.items():
                spent[name].append(_cpu_seconds(script, cache))
    least = {name: min(seconds) for name, seconds in spent.items()}
    rows = [[name, f"{seconds:.4f}", f"{seconds / least['import pydantic']:.2f}"] for name, seconds in least.items()]
    title = f"Starting: CPU seconds, best of {ROUNDS} fresh processes (goal: import rigging_py <= {GOAL} x pydantic)"
    show(title, ["", "CPU s", "x import pydantic"], rows)


def _cpu_seconds(script: str, cache: str) -> float:
    timed = "import sys, time; before = time.process_time(); exec(sys.argv[1]); print(time.process_time() - before)"
    # Compiled files of its own, so that it does not matter whether this process may write any.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
    return float(subprocess.check_output([sys.executable, "-c", timed, script], text=True, env=environment))
