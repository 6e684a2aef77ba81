"""A run with six effects, driven by processes that are killed: `python -m tests.crash.driven FOLDER STORE SEED COUNT`.

This process forks one after the other, so that none has to import anything, and kills them: each at a place of the
journal, before or after what stands there is stored, or after a random time. When a run has ended its chat is in
`RUN.json`; `RUN.log` is what happened to the outside world, in order, and `kills` has the kills of each run.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from uuid import UUID

import rigging_py as rg
from rigging_py.error import LeaseHeldError, LeaseLostError, RunNotFoundError
from rigging_py.store import Checkpoint, Lease, RunStore, StoredRun, get_store
from tests.crash.through import Through
from tests.tools.calls import call

LEASE = 0.03
"""Seconds for which the dead hold a run, and the next must wait."""
PLACES = 19
"""Places of the journal of a run that nothing happens to: its beginning, and eighteen entries."""
TURNS = (("Ann", "Bob", "Cid"), ("Dan", "Eve", "Fay"))
PROMPT = rg.Message("user", "Write to all six, then say how many they are.", uuid=UUID(int=1))

Moment: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True)
class Death:
    """When a process kills itself: as the entry at `place` is stored."""

    place: int
    moment: Moment

    def come(self, length: int, moment: Moment) -> None:
        if length >= self.place and moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)


NEVER = Death(10_000, "after")


class World:
    """The outside world: a log of what was executed, what had an effect, and which results were found to be stored."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def note(self, what: str, key: str) -> None:
        with self.log.open("a") as log:
            log.write(f"{what} {key}\n")

    def send(self, key: str) -> None:
        """Does something to the world, once for each key."""
        self.note("executed", key)
        if ["effect", key] not in self.lines():
            self.note("effect", key)


class DeadlyStore(Through):
    """A store in whose hands the process dies; it also tells the world which results it had when a run was taken up."""

    def __init__(self, store: RunStore, death: Death, world: World) -> None:
        super().__init__(store)
        self.death, self.world, self.length = death, world, 0

    async def create(self, run_id: str, checkpoint: Checkpoint, **more: Any) -> Lease:
        self.death.come(0, "before")
        lease = await super().create(run_id, checkpoint, **more)
        self.death.come(0, "after")
        return lease

    async def load(self, run_id: str) -> StoredRun:
        run = await super().load(run_id)
        journal = run.lists["journal"]
        self.length = len(journal)
        for entry in journal:
            for result in entry["input"].get("results", ()):
                self.world.note("stored", result["key"])
        return run

    async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
        self.length += len(checkpoint.tail["journal"])
        self.death.come(self.length, "before")
        lease = await super().save(lease, checkpoint, **more)
        self.death.come(self.length, "after")
        return lease


@rg.tool(effect="idempotent")
async def send(to: str, context: rg.ToolContext[World]) -> str:
    """Send a letter."""
    context.value.send(context.key)
    # So that calls of one turn are under way together.
    await asyncio.sleep(0)
    return f"{to} has it."


def answer(said: Sequence[rg.Message], _: rg.GenerateParams) -> rg.ModelTurn:
    """The same for the same words, whichever process asks."""
    usage = rg.Usage(input_tokens=len(said), output_tokens=7, total_tokens=len(said) + 7)
    written = sum(message.role == "tool" for message in said)
    if written == 6:
        return rg.ModelTurn.from_text("<int>6</int>", usage=usage)
    asked = [call("send", {"to": to}, f"to-{to}") for to in TURNS[written // 3]]
    return rg.ModelTurn.of(tool_calls=asked, usage=usage)


def pipeline_for(world: World, *, at_once: int) -> rg.ChatPipeline:
    """The pipeline whose runs are killed."""
    pipeline = rg.FunctionGenerator(answer).chat(PROMPT).until_parsed_as(int)
    return pipeline.using(send, max_concurrent=at_once).with_context(world)


def facts(chat: rg.Chat) -> dict[str, Any]:
    """What must be the same, whatever happened in between."""
    messages = [message.model_dump(mode="json") for message in chat.all]
    return {
        "uuid": str(chat.uuid),
        "messages": messages,
        "usage": chat.usage and chat.usage.model_dump(mode="json"),
        "output": chat.output,
        "stop_reason": chat.stop_reason,
    }


def at_once(run_id: str) -> int:
    """Some runs do one thing after the other, some do all at once."""
    return 1 if run_id.endswith("in-turn") else 3


async def drive(folder: Path, identifier: str, run_id: str, death: Death) -> None:
    """Begins the run, or goes on with it once whoever had it is seen to be dead."""
    world = World(folder / f"{run_id}.log")
    pipeline = pipeline_for(world, at_once=at_once(run_id))
    async with DeadlyStore(get_store(identifier), death, world) as store:
        chat = None
        while chat is None:
            # On a busy machine a lease this short may end while the process lives: one more way to be stopped.
            with suppress(LeaseLostError):
                chat = await _driven(run_id, store, pipeline)
    (folder / f"{run_id}.json").write_text(json.dumps(facts(chat)))


async def _driven(run_id: str, store: RunStore, pipeline: rg.ChatPipeline) -> rg.Chat | None:
    try:
        return await rg.resume(run_id, store=store, pipeline=pipeline, lease_for=LEASE)
    except LeaseHeldError as held:
        await asyncio.sleep(held.seconds)
        return None
    except RunNotFoundError:
        return await pipeline.run(store=store, run_id=run_id, lease_for=LEASE)


async def warm_up(folder: Path, identifier: str) -> None:
    """Imports and builds whatever is made on first use, and opens nothing: what is open does not outlive a fork."""
    get_store(identifier)
    for _ in range(2):
        await drive(folder, "memory!warm-up", "warm-up", NEVER)


@dataclass
class Killer:
    """Has runs driven, and counts how many processes died of it."""

    folder: Path
    store: str
    dice: random.Random

    def to_the_end(self, run_id: str, first: Death) -> int:
        """Kills a run at a place, and again at later ones, until it ends."""
        death, kills = first, 0
        while self._dies(run_id, death):
            kills += 1
            death = Death(death.place + self.dice.randint(2, 9), self.dice.choice(("before", "after")))
        return kills

    def at_any_time(self, run_id: str, times: int) -> int:
        """Kills a run as it happens, at most so often, until it ends."""
        kills = 0
        while self._dies(run_id, NEVER, self.dice.uniform(0, 0.06) if kills < times else None):
            kills += 1
        return kills

    def _dies(self, run_id: str, death: Death, after: float | None = None) -> bool:
        child = self._forked(lambda: asyncio.run(drive(self.folder, self.store, run_id, death)))
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, -signal.SIGKILL):
            raise SystemExit(f"The process that drove {run_id} ended with {status}.")
        return status != 0

    def _forked(self, work: Callable[[], None]) -> int:
        if child := os.fork():
            return child
        try:
            # What hangs ends too, by another signal.
            signal.alarm(30)
            work()
            os._exit(0)
        except Exception:
            traceback.print_exc()
            raise
        finally:
            os._exit(1)


def main(folder: Path, store: str, seed: int, count: int) -> None:
    """Kills runs at every place of their journals, and `count` more at any time."""
    asyncio.run(warm_up(folder, store))
    killer, kills = Killer(folder, store, random.Random(seed)), dict[str, int]()
    for how in ("together", "in-turn"):
        for place in range(PLACES):
            for moment in ("before", "after"):
                run_id = f"{place}-{moment}-{how}"
                kills[run_id] = killer.to_the_end(run_id, Death(place, moment))
    for number in range(count):
        run_id = f"timed-{number}"
        kills[run_id] = killer.at_any_time(run_id, 8)
    (folder / "kills").write_text(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
