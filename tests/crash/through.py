"""A store that passes everything on to another, for those that do something on the way."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rigging_py.store import Checkpoint, Lease, RunStore, RunSummary, StoredRun


class Through(RunStore):
    """Does nothing by itself."""

    def __init__(self, store: RunStore) -> None:
        self.store, self.address = store, store.address

    async def create(
        self, run_id: str, checkpoint: Checkpoint, *, owner: str, lease_for: float, secrets: Collection[str] = ()
    ) -> Lease:
        return await self.store.create(run_id, checkpoint, owner=owner, lease_for=lease_for, secrets=secrets)

    async def load(self, run_id: str) -> StoredRun:
        return await self.store.load(run_id)

    async def acquire(self, run_id: str, *, owner: str, lease_for: float) -> Lease:
        return await self.store.acquire(run_id, owner=owner, lease_for=lease_for)

    async def save(
        self, lease: Lease, checkpoint: Checkpoint, *, lease_for: float | None = None, secrets: Collection[str] = ()
    ) -> Lease:
        return await self.store.save(lease, checkpoint, lease_for=lease_for, secrets=secrets)

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        return await self.store.renew(lease, lease_for)

    async def release(self, lease: Lease) -> None:
        await self.store.release(lease)

    async def list(
        self, *, status: str | None = None, limit: int = 100, after: RunSummary | None = None
    ) -> Sequence[RunSummary]:
        return await self.store.list(status=status, limit=limit, after=after)

    async def delete(self, run_id: str) -> None:
        await self.store.delete(run_id)

    async def close(self) -> None:
        await self.store.close()
