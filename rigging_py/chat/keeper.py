"""Keeps a run in a store while it is driven: a checkpoint at every boundary, under a lease that is renewed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from rigging_py.message import new_uuid
from rigging_py.run import LISTS, AgentRun, Program
from rigging_py.store import Checkpoint, Lease, RunStore

LEASE = 30.0
"""Seconds for which a driver holds a run unless the caller says otherwise; it is renewed three times as often."""


@dataclass
class Keeper:
    """The place of one run in a store, held by this driver."""

    store: RunStore
    lease: Lease
    lengths: dict[str, int]
    """How much of each list of the run is stored."""
    lease_for: float = LEASE
    secrets: Collection[str] = ()
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def begin(
        cls, store: RunStore, run: AgentRun, *, lease_for: float = LEASE, secrets: Collection[str] = ()
    ) -> Self:
        """Stores a new run. Raises `RunExistsError`."""
        checkpoint, lengths = _checkpoint(run, {})
        lease = await store.create(run.run_id, checkpoint, owner=_owner(), lease_for=lease_for, secrets=secrets)
        return cls(store, lease, lengths, lease_for, secrets)

    @classmethod
    async def take(
        cls,
        store: RunStore,
        run_id: str,
        program: Program,
        *,
        lease_for: float = LEASE,
        secrets: Collection[str] = (),
        allow_changes: bool = False,
    ) -> tuple[Self, AgentRun]:
        """Takes a stored run over, and gives it. Raises `LeaseHeldError`, and what `load` raises."""
        lease = await store.acquire(run_id, owner=_owner(), lease_for=lease_for)
        try:
            run, lengths = await read(store, run_id, program, allow_changes=allow_changes)
        except BaseException:
            await store.release(lease)
            raise
        return cls(store, lease, lengths, lease_for, secrets), run

    async def save(self, run: AgentRun) -> None:
        """Stores what is new. Of several that wait, the first stores for all."""
        async with self._lock:
            if run.position == self.lengths["journal"]:
                return
            checkpoint, lengths = _checkpoint(run, self.lengths)
            self.lease = await self.store.save(self.lease, checkpoint, lease_for=self.lease_for, secrets=self.secrets)
            self.lengths = lengths

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None, None]:
        """The lease is renewed inside and given back at the end; when it is lost, what is inside is cancelled."""
        lost: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew())
                try:
                    yield
                finally:
                    renewing.cancel()
        except BaseExceptionGroup as failed:
            lost = failed.exceptions[0]
        finally:
            await self.store.release(self.lease)
        if lost is not None:
            raise lost

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.lease_for / 3)
            async with self._lock:
                self.lease = await self.store.renew(self.lease, self.lease_for)


async def read(
    store: RunStore, run_id: str, program: Program | None = None, *, allow_changes: bool = False
) -> tuple[AgentRun, dict[str, int]]:
    """A stored run, and the lengths of its lists."""
    stored = await store.load(run_id)
    state: Mapping[str, Any] = {**stored.head, **stored.lists}
    run = AgentRun.load(state, program, allow_changes=allow_changes)
    return run, {name: len(stored.lists.get(name, ())) for name in LISTS}


def _checkpoint(run: AgentRun, lengths: Mapping[str, int]) -> tuple[Checkpoint, dict[str, int]]:
    head = run.dump(since=lengths)
    tail = {name: head.pop(name) for name in LISTS}
    grown = {name: lengths.get(name, 0) + len(new) for name, new in tail.items()}
    return Checkpoint(run.state, head, tail), grown


def _owner() -> str:
    """Who drives: the machine, the process and a number, so that people can find it."""
    return f"{socket.gethostname()}/{os.getpid()}/{new_uuid().hex[:8]}"
