"""`MemoryStore`: runs kept in this process, for tests and for programs that end with their runs."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from rigging_py.error import LeaseHeldError, RunExistsError, RunNotFoundError
from rigging_py.store.base import (
    DEFAULT_MAX_BYTES,
    Checkpoint,
    Clock,
    Lease,
    Redact,
    RunStore,
    RunSummary,
    StoredRun,
    lost,
    require_name,
    require_run_id,
    require_seconds,
    utcnow,
)
from rigging_py.store.encoding import Encoded, Encoder, decode_head, decode_tails


@dataclass(slots=True)
class _Row:
    run_id: str
    status: str
    head: bytes
    tails: list[bytes]
    version: int
    owner: str | None
    token: int
    expires: datetime
    created: datetime
    updated: datetime

    def lease(self) -> Lease:
        return Lease(self.run_id, self.owner or "", self.token, self.version, self.expires)

    def write(self, encoded: Encoded) -> None:
        self.status, self.head = encoded.status, encoded.head
        if encoded.tail is not None:
            self.tails.append(encoded.tail)

    def summary(self, now: datetime) -> RunSummary:
        owner = self.owner if self.expires > now else None
        return RunSummary(self.run_id, self.version, self.status, owner, self.created, self.updated)


@dataclass(slots=True)
class _Memory:
    rows: dict[str, _Row] = field(default_factory=dict[str, _Row])
    last_token: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_token(self) -> int:
        self.last_token += 1
        return self.last_token


class MemoryStore(RunStore):
    """Stores of one name share their runs while the process lives; a store without a name has its own.

    `clock` says when a lease ends. `max_bytes` and `redact` are as in `get_store`.
    """

    _named: ClassVar[dict[str, _Memory]] = {}

    def __init__(
        self,
        name: str | None = None,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        redact: Redact | None = None,
        clock: Clock = utcnow,
    ) -> None:
        self.address = f"memory!{name or ''}"
        self._memory = _Memory() if name is None else self._named.setdefault(name, _Memory())
        self._encoder = Encoder(max_bytes, redact)
        self._clock = clock

    async def create(
        self, run_id: str, checkpoint: Checkpoint, *, owner: str, lease_for: float, secrets: Collection[str] = ()
    ) -> Lease:
        require_run_id(run_id)
        encoded = self._encoder.encode(run_id, checkpoint, secrets)
        with self._memory.lock:
            if run_id in self._memory.rows:
                raise RunExistsError(run_id, self.address)
            now, expires = self._clock(), self._after(lease_for)
            held_by, token = require_name("owner", owner), self._memory.next_token()
            row = _Row(run_id, encoded.status, encoded.head, [], 1, held_by, token, expires, now, now)
            row.write(encoded)
            self._memory.rows[run_id] = row
            return row.lease()

    async def load(self, run_id: str) -> StoredRun:
        with self._memory.lock:
            row = self._row(run_id)
            version, status, updated, head, tails = row.version, row.status, row.updated, row.head, [*row.tails]
        return StoredRun(run_id, version, status, decode_head(run_id, head), decode_tails(run_id, tails), updated)

    async def acquire(self, run_id: str, *, owner: str, lease_for: float) -> Lease:
        with self._memory.lock:
            row, now = self._row(run_id), self._clock()
            if row.owner is not None and row.expires > now:
                raise LeaseHeldError(run_id, row.owner, (row.expires - now).total_seconds())
            row.owner, row.expires = require_name("owner", owner), self._after(lease_for)
            row.token = self._memory.next_token()
            return row.lease()

    async def save(
        self, lease: Lease, checkpoint: Checkpoint, *, lease_for: float | None = None, secrets: Collection[str] = ()
    ) -> Lease:
        encoded = self._encoder.encode(lease.run_id, checkpoint, secrets)
        with self._memory.lock:
            row = self._held(lease)
            if row.version != lease.version:
                raise lost(lease, (row.token, row.version, row.owner))
            row.expires = row.expires if lease_for is None else self._after(lease_for)
            row.version, row.updated = row.version + 1, self._clock()
            row.write(encoded)
            return row.lease()

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        with self._memory.lock:
            row = self._held(lease)
            row.expires = self._after(lease_for)
            return Lease(lease.run_id, lease.owner, lease.token, lease.version, row.expires)

    async def release(self, lease: Lease) -> None:
        with self._memory.lock:
            row = self._memory.rows.get(lease.run_id)
            if row is not None and row.token == lease.token:
                row.owner = None

    async def list(
        self, *, status: str | None = None, limit: int = 100, after: RunSummary | None = None
    ) -> builtins.list[RunSummary]:
        with self._memory.lock:
            now = self._clock()
            lines = [row.summary(now) for row in self._memory.rows.values() if status in (None, row.status)]
        lines.sort(key=_age, reverse=True)
        return [line for line in lines if after is None or _age(line) < _age(after)][: max(limit, 0)]

    async def delete(self, run_id: str) -> None:
        with self._memory.lock:
            self._row(run_id)
            del self._memory.rows[run_id]

    async def close(self) -> None:
        """Does nothing: the runs of a name stay until the process ends."""

    def _row(self, run_id: str) -> _Row:
        if require_run_id(run_id) not in self._memory.rows:
            raise RunNotFoundError(run_id, self.address)
        return self._memory.rows[run_id]

    def _held(self, lease: Lease) -> _Row:
        row = self._memory.rows.get(lease.run_id)
        if row is None or row.token != lease.token or row.owner is None:
            raise lost(lease, (row.token, row.version, row.owner) if row else None)
        return row

    def _after(self, lease_for: float) -> datetime:
        return self._clock() + timedelta(seconds=require_seconds(lease_for))


def _age(line: RunSummary) -> tuple[datetime, str]:
    return line.created, line.run_id
