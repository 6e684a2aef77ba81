"""How much memory many chats in flight take, all of them waiting for an answer at once, each on its connection."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable

from pydantic_core import to_json
from pyreqwest.client import ClientBuilder

import rigging_py as rg
from benchmarks.clock import open_many_files
from benchmarks.stub import stub
from benchmarks.table import show

CALLS = 10_000
GOAL = 400

Call = Callable[[], Awaitable[object]]


def run() -> None:
    """Measures, each in a process of its own, and prints a table."""
    rows = [[name, f"{_above(name):.0f}"] for name in CALLERS]
    show(f"Memory: {CALLS:,} calls in flight, MB above the import (goal: <= {GOAL})", ["", "MB"], rows)


def _above(name: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _raw(base: str) -> Call:
    client, body = ClientBuilder().build(), {"model": "stub", "messages": [{"role": "user", "content": "hi"}]}

    async def call() -> object:
        return await (await client.post(f"{base}/chat/completions").body_bytes(to_json(body)).build().send()).json()

    return call


def _chat(base: str) -> Call:
    return rg.get_generator(f"openai!stub,api_base={base},api_key=sk-test").chat("hi").run


CALLERS: dict[str, Callable[[str], Call]] = {"raw pyreqwest": _raw, "openai! chat pipeline": _chat}


def _peak() -> float:
    """MB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _fly(name: str, base: str) -> None:
    call = CALLERS[name](base)
    before = _peak()
    await asyncio.gather(*(call() for _ in range(CALLS)))
    print(_peak() - before)


if __name__ == "__main__":
    open_many_files()
    with stub(CALLS) as address:
        asyncio.run(_fly(sys.argv[1], address))
