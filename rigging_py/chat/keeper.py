"""Keeps a run in a store while it is driven: a checkpoint at every boundary, under a lease that is renewed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from rigging_py.error import LeaseLostError, StoreError, StoreUnavailableError
from rigging_py.message import new_uuid
from rigging_py.run import LISTS, AgentRun, Program
from rigging_py.store import Checkpoint, Lease, RunStore

T = TypeVar("T")

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
    _ends: float = field(init=False)
    """When the lease ends, by the clock of this loop and at the earliest."""

    def __post_init__(self) -> None:
        self._ends = _now() + self.lease_for

    @classmethod
    async def begin(
        cls, store: RunStore, run: AgentRun, *, lease_for: float = LEASE, secrets: Collection[str] = ()
    ) -> Self:
        """Stores a new run. Raises `RunExistsError`."""
        checkpoint, lengths = _checkpoint(run, {})
        creating = store.create(run.run_id, checkpoint, owner=_owner(), lease_for=lease_for, secrets=secrets)
        lease = await _whole(creating, store.release)
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
        lease = await _whole(store.acquire(run_id, owner=_owner(), lease_for=lease_for), store.release)
        try:
            run, lengths = await read(store, run_id, program, allow_changes=allow_changes)
        except BaseException:
            await _given_back(store, lease)
            raise
        return cls(store, lease, lengths, lease_for, secrets), run

    async def save(self, run: AgentRun) -> None:
        """Stores what is new. Of several that wait, the first stores for all; one that is cancelled has stored it."""
        if run.position > self.lengths["journal"]:
            await _whole(self._save(run))

    async def _save(self, run: AgentRun) -> None:
        async with self._lock:
            if run.position == self.lengths["journal"]:
                return
            ends = _now() + self.lease_for
            checkpoint, lengths = _checkpoint(run, self.lengths)
            self.lease = await self.store.save(self.lease, checkpoint, lease_for=self.lease_for, secrets=self.secrets)
            self.lengths, self._ends = lengths, ends

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None, None]:
        """The lease is renewed inside and given back at the end; when it is lost, what is inside is cancelled."""
        failed: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew())
                try:
                    yield
                finally:
                    renewing.cancel()
        except BaseExceptionGroup as both:
            failed = both.exceptions[0]
        finally:
            await _given_back(self.store, self.lease)
        if failed is not None:
            # Not inside the handler: there it would take the group for its context, or lose its own cause.
            raise failed

    async def _renew(self) -> None:
        pause = self.lease_for / 3
        while True:
            await asyncio.sleep(pause)
            ends = _now() + self.lease_for
            try:
                # A store that does not answer must not keep a run going whose lease has ended.
                async with asyncio.timeout_at(max(self._ends, _now())), self._lock:
                    self.lease = await self.store.renew(self.lease, self.lease_for)
            except TimeoutError as error:
                raise LeaseLostError(self.lease.run_id, "the store did not renew it in time") from error
            except StoreUnavailableError:
                # It may be back in time; a run that has nothing to store meanwhile need not know.
                if _now() >= self._ends:
                    raise
                pause = self.lease_for / 10
            else:
                self._ends, pause = max(ends, self._ends), self.lease_for / 3


async def read(
    store: RunStore, run_id: str, program: Program | None = None, *, allow_changes: bool = False
) -> tuple[AgentRun, dict[str, int]]:
    """A stored run, and the lengths of its lists."""
    stored = await store.load(run_id)
    state: Mapping[str, Any] = {**stored.head, **stored.lists}
    run = AgentRun.load(state, program, allow_changes=allow_changes)
    return run, {name: len(stored.lists.get(name, ())) for name in LISTS}


async def _given_back(store: RunStore, lease: Lease) -> None:
    # Where the store is gone the lease ends by itself, and what came of the run counts for more.
    with suppress(StoreError):
        await _whole(store.release(lease))


async def _whole(work: Coroutine[Any, Any, T], undo: Callable[[T], Awaitable[object]] | None = None) -> T:
    """Does the work to its end, also when it is cancelled: what came of a write that was cut off, nobody knows.

    What a cancelled one gave is given to `undo`.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None and undo is not None:
            with suppress(StoreError):
                await undo(task.result())
        raise


def _now() -> float:
    return asyncio.get_running_loop().time()


def _checkpoint(run: AgentRun, lengths: Mapping[str, int]) -> tuple[Checkpoint, dict[str, int]]:
    head = run.dump(since=lengths)
    tail = {name: head.pop(name) for name in LISTS}
    grown = {name: lengths.get(name, 0) + len(new) for name, new in tail.items()}
    return Checkpoint(run.state, head, tail), grown


def _owner() -> str:
    """Who drives: the machine, the process and a number, so that people can find it."""
    return f"{socket.gethostname()}/{os.getpid()}/{new_uuid().hex[:8]}"
