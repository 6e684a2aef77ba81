"""The same questions are asked of every store: `kept` is one, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rigging_py.store import Checkpoint, RunStore, get_store
from tests.store.server import Server, find_binaries

_numbers = count(1)


@dataclass
class VirtualClock:
    """Stands still until it is told to go on."""

    now: datetime = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Kept:
    """A store; `another` is one more door to the same runs, as another process has it."""

    open: Callable[..., RunStore]
    pass_time: Callable[[float], None]
    opened: list[RunStore] = field(default_factory=list[RunStore])

    def another(self, **options: Any) -> RunStore:
        self.opened.append(self.open(**options))
        return self.opened[-1]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server(find_binaries())
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    if request.param == "postgres":
        kept = in_postgres(request.getfixturevalue("server"))
    else:
        clock, name = VirtualClock(), f"memory!test-{next(_numbers)}"
        identifier = name if request.param == "memory" else f"sqlite!{tmp_path / 'runs.db'}"
        kept = Kept(partial(get_store, identifier, clock=clock), clock.pass_time)
    yield kept
    for store in kept.opened:
        await store.close()


@pytest.fixture
def store(kept: Kept) -> RunStore:
    return kept.another()


def in_postgres(server: Server) -> Kept:
    schema = new_schema(server)

    def pass_time(seconds: float) -> None:
        with server.connect(schema) as connection:
            connection.execute("UPDATE rigging_runs SET expires = expires - make_interval(secs => %s)", [seconds])

    return Kept(partial(get_store, f"postgres!{server.dsn(schema)}"), pass_time)


def new_schema(server: Server) -> str:
    schema = f"test_{next(_numbers)}"
    with server.connect() as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    return schema


def first(*items: Any, status: str = "Ready", **head: Any) -> Checkpoint:
    """A checkpoint that appends `items` to the journal."""
    return Checkpoint(status, head, {"journal": items})


async def until(is_so: Callable[[], bool]) -> None:
    """Lets other tasks run until something is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110  threads and servers set no event
            await asyncio.sleep(0.005)
