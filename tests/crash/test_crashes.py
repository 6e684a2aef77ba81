"""Processes that drive stored runs are killed at every place of the journal: no run is lost or does a thing twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rigging_py.store import get_store
from tests.crash.driven import NEVER, PLACES, TURNS, DeadlyStore, World, at_once, facts, pipeline_for
from tests.store.conftest import new_schema
from tests.store.server import Server

ROOT = Path(__file__).parents[2]
TIMED = 12


@dataclass(frozen=True)
class Aftermath:
    """What is left when all runs have ended."""

    folder: Path
    store: str
    kills: dict[str, int]

    def chat(self, run_id: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{run_id}.json").read_text())  # type: ignore[no-any-return]

    def world(self, run_id: str) -> list[list[str]]:
        return World(self.folder / f"{run_id}.log").lines()


def killed(folder: Path, store: str) -> Aftermath:
    seed = str(random.randrange(10**6))
    command = [sys.executable, "-m", "tests.crash.driven", str(folder), store, seed, str(TIMED)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert ended.returncode == 0, f"seed {seed}\n{ended.stdout}\n{ended.stderr}"
    return Aftermath(folder, store, json.loads((folder / "kills").read_text()))


@pytest.mark.xdist_group("crash")
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_run_that_is_killed_at_any_place_ends_as_if_it_had_not_been(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        server: Server = request.getfixturevalue("server")
        store = f"postgres!{server.dsn(new_schema(server))}"
    else:
        store = f"sqlite!{tmp_path / 'runs.db'}"
    after = killed(tmp_path, store)
    assert len(after.kills) == 4 * PLACES + TIMED
    assert sum(after.kills.values()) >= 200

    async with get_store(store) as place:
        lines = await place.list(status="Done", limit=1000)
    assert {line.run_id for line in lines} == set(after.kills)
    again = 0
    for run_id in after.kills:
        assert after.chat(run_id) == await uninterrupted(run_id, tmp_path), run_id
        assert_each_effect_once(run_id, after.world(run_id))
        again += [what for what, _ in after.world(run_id)].count("executed") - 6
    # Calls whose processes died between the effect and its result.
    assert again > 0


async def uninterrupted(run_id: str, folder: Path) -> dict[str, Any]:
    pipeline = pipeline_for(World(folder / "uninterrupted.log"), at_once=at_once(run_id))
    chat = await pipeline.run(run_id=run_id)
    return json.loads(json.dumps(facts(chat)))  # type: ignore[no-any-return]


def assert_each_effect_once(run_id: str, world: list[list[str]]) -> None:
    keys = [f"{run_id}/{turn}/{index}" for turn, names in enumerate(TURNS, 1) for index in range(len(names))]
    assert sorted(key for what, key in world if what == "effect") == keys
    stored = set[str]()
    for what, key in world:
        assert what != "executed" or key not in stored, f"{key} was executed again though its result was stored"
        if what == "stored":
            stored.add(key)


async def test_a_run_that_nothing_happens_to_has_as_many_places_as_it_is_killed_at(tmp_path: Path) -> None:
    world = World(tmp_path / "log")
    async with get_store(f"memory!{tmp_path}") as place:
        store = DeadlyStore(place, NEVER, world)
        for how in ("in-turn", "together"):
            await pipeline_for(world, at_once=at_once(how)).run(store=store, run_id=how)
            assert len((await place.load(how)).lists["journal"]) == PLACES - 1
