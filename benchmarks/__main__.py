"""Runs every benchmark: `python -m benchmarks`, or some: `python -m benchmarks machine stores`."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Callable

from benchmarks import calls, imports, machine, memory, pipelines, stores

BENCHMARKS: dict[str, Callable[[], None]] = {
    "imports": imports.run,
    "calls": lambda: asyncio.run(calls.run()),
    "memory": memory.run,
    "machine": machine.run,
    "pipelines": lambda: asyncio.run(pipelines.run()),
    "stores": lambda: asyncio.run(stores.run()),
}


def main(names: list[str]) -> None:
    """Runs the benchmarks of these names, or all."""
    print(
        f"Python {platform.python_version()} on {platform.machine()}; CPU time is user and system time of this process."
    )
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()


main(sys.argv[1:])
