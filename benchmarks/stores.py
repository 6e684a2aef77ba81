"""What it costs to keep a run in a SQLite file: one checkpoint by the length of the run, and a whole tool loop."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rigging_py as rg
from benchmarks.table import show
from rigging_py.message import FunctionCall, ToolCall
from rigging_py.store import Checkpoint, Lease, RunStore, get_store

CALL = ToolCall(id="call_1", function=FunctionCall(name="add", arguments='{"a": 40, "b": 2}'))
LENGTHS = (10, 200)
SYNCHRONOUS = ("full", "normal")
LATEST = 24
ROUNDS = 3


@dataclass
class Timed(RunStore):
    """A store whose saves are timed, in µs of wall-clock time; a save waits for the disk."""

    store: RunStore

    def __post_init__(self) -> None:
        self.address = self.store.address
        self.times: list[float] = []

    async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
        before = time.perf_counter()
        saved = await self.store.save(lease, checkpoint, **more)
        self.times.append((time.perf_counter() - before) * 1e6)
        return saved

    async def create(self, *args: Any, **more: Any) -> Lease:
        return await self.store.create(*args, **more)

    async def load(self, run_id: str) -> Any:
        return await self.store.load(run_id)

    async def acquire(self, *args: Any, **more: Any) -> Lease:
        return await self.store.acquire(*args, **more)

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        return await self.store.renew(lease, lease_for)

    async def release(self, lease: Lease) -> None:
        await self.store.release(lease)

    async def list(self, **which: Any) -> Any:
        return await self.store.list(**which)

    async def delete(self, run_id: str) -> None:
        await self.store.delete(run_id)

    async def close(self) -> None:
        await self.store.close()


async def run() -> None:
    """Measures, and prints two tables."""
    loops = [[str(turns), *[await _loop(turns, how) for how in ("", *SYNCHRONOUS)]] for turns in LENGTHS]
    columns = ["tool turns", "no store", *(f"sqlite! {how}" for how in SYNCHRONOUS)]
    show("A tool loop: wall-clock us a turn (one model call, one tool, four checkpoints)", columns, loops)
    saves = [[str(turns), *[await _save(turns, how) for how in SYNCHRONOUS]] for turns in LENGTHS]
    show(f"The last {LATEST} checkpoints of it: wall-clock us each, median", [columns[0], *columns[2:]], saves)


async def _loop(turns: int, how: str) -> str:
    best = min([await _spent(turns, how) for _ in range(ROUNDS)])
    return f"{best / turns * 1e6:,.0f}"


async def _spent(turns: int, how: str) -> float:
    pipeline = _pipeline(turns)
    if not how:
        return await _seconds(pipeline.run)
    async with _kept(how) as store:
        return await _seconds(lambda: pipeline.run(store=store, run_id="run"))


async def _save(turns: int, how: str) -> str:
    async with _kept(how) as store:
        await _pipeline(turns).run(store=store, run_id="run")
        return f"{sorted(store.times[-LATEST:])[LATEST // 2]:,.0f}"


@asynccontextmanager
async def _kept(how: str) -> AsyncGenerator[Timed, None]:
    with tempfile.TemporaryDirectory() as folder:
        async with Timed(get_store(f"sqlite!{Path(folder) / 'runs.db'},synchronous={how}")) as store:
            yield store


async def _seconds(call: Callable[[], Awaitable[object]]) -> float:
    await asyncio.sleep(0)
    before = time.perf_counter()
    await call()
    return time.perf_counter() - before


def _pipeline(turns: int) -> rg.ChatPipeline:
    """A conversation in which a tool is called so many times, one call a turn."""

    def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> Any:  # noqa: ARG001
        return [CALL] if len(messages) < 2 * turns else "42"

    async def add(a: int, b: int) -> int:
        return a + b

    return rg.FunctionGenerator(answer, model="adding").chat("What is 40 + 2?").using(add, max_depth=turns + 1)
