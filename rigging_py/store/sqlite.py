"""`SQLiteStore`: runs kept in a file, for the processes of one machine."""

from __future__ import annotations

import builtins
import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from rigging_py.error import InvalidStoreError, LeaseHeldError, RunExistsError, RunNotFoundError
from rigging_py.store.base import (
    DEFAULT_MAX_BYTES,
    Checkpoint,
    Clock,
    Lease,
    Redact,
    RunStore,
    RunSummary,
    StoredRun,
    as_key,
    lost,
    require_name,
    require_run_id,
    require_seconds,
    utcnow,
)
from rigging_py.store.database import Database
from rigging_py.store.encoding import Encoder, decode_head, decode_tails

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_CREATE = """
    INSERT INTO runs (run_id, version, status, head, token, owner, expires, created, updated)
    VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_LOAD = """
    SELECT head, version, status, updated, 0 AS place FROM runs WHERE run_id = ?1
    UNION ALL SELECT items, NULL, NULL, NULL, version FROM tails WHERE run_id = ?1 ORDER BY place
"""
_ACQUIRE = "UPDATE runs SET token = ?, owner = ?, expires = ? WHERE run_id = ? RETURNING version"
_SAVE = """
    UPDATE runs SET version = version + 1, status = ?, head = ?, updated = ?, expires = coalesce(?, expires)
    WHERE run_id = ? AND token = ? AND version = ? AND owner IS NOT NULL RETURNING expires
"""
_RENEW = "UPDATE runs SET expires = ? WHERE run_id = ? AND token = ? AND owner IS NOT NULL"
_LIST = """
    SELECT run_id, version, status, CASE WHEN expires > ? THEN owner END, created, updated FROM runs
    {where} ORDER BY created DESC, run_id DESC LIMIT ?
"""


class SQLiteStore(RunStore):
    """A file of SQLite's in write-ahead mode, made on first use; processes of one machine share it.

    `timeout` is how many seconds to wait for a process that has it locked. With `synchronous="full"` a save has
    reached the disk when it returns; with `"normal"` it outlives the process, and a power cut can take the latest ones.
    `max_file_bytes` is how large the file may grow. `clock` says when a lease ends, so all machines' clocks are one.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        timeout: float = 5.0,
        synchronous: Literal["full", "normal"] = "full",
        max_file_bytes: int | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
        redact: Redact | None = None,
        clock: Clock = utcnow,
    ) -> None:
        self.address = f"sqlite!{path}"
        if str(path) in ("", ".", ":memory:"):
            raise InvalidStoreError(
                self.address, "it names no file, as sqlite!runs.db does; memory! keeps runs in memory"
            )
        if synchronous not in ("full", "normal"):
            raise InvalidStoreError(self.address, f"synchronous is full or normal, not {synchronous!r}")
        # Absolute, since the working directory may change before the file is opened.
        where = Path(path).expanduser().absolute()
        self._database = Database(where, timeout=timeout, synchronous=synchronous, max_file_bytes=max_file_bytes)
        self._encoder = Encoder(max_bytes, redact)
        self._clock = clock

    async def create(
        self, run_id: str, checkpoint: Checkpoint, *, owner: str, lease_for: float, secrets: Collection[str] = ()
    ) -> Lease:
        require_run_id(run_id)
        require_name("owner", owner)
        require_seconds(lease_for)
        encoded = self._encoder.encode(run_id, checkpoint, secrets)

        def job(connection: sqlite3.Connection) -> Lease:
            now, token = self._now(), _next_token(connection)
            expires = _after(now, lease_for)
            row = (run_id, encoded.status, encoded.head, token, owner, expires, now, now)
            if not connection.execute(_CREATE, row).rowcount:
                raise RunExistsError(run_id, self.address)
            _append(connection, run_id, 1, encoded.tail)
            return Lease(run_id, owner, token, 1, _time(expires))

        return await self._database.write(job)

    async def load(self, run_id: str) -> StoredRun:
        key = (require_run_id(run_id),)
        rows = await self._database.read(lambda connection: connection.execute(_LOAD, key).fetchall())
        if not rows or rows[0][1] is None:
            raise RunNotFoundError(run_id, self.address)
        head, version, status, updated, _ = rows[0]
        lists = decode_tails(run_id, (row[0] for row in rows[1:]))
        return StoredRun(run_id, version, status, decode_head(run_id, head), lists, _time(updated))

    async def acquire(self, run_id: str, *, owner: str, lease_for: float) -> Lease:
        require_run_id(run_id)
        require_name("owner", owner)
        require_seconds(lease_for)

        def job(connection: sqlite3.Connection) -> Lease:
            stored, now = _stored(connection, run_id), self._now()
            if stored is None:
                raise RunNotFoundError(run_id, self.address)
            *_, holder, ends = stored
            if holder is not None and ends > now:
                raise LeaseHeldError(run_id, holder, (ends - now) / 1e6)
            token, expires = _next_token(connection), _after(now, lease_for)
            [[version]] = connection.execute(_ACQUIRE, (token, owner, expires, run_id)).fetchall()
            return Lease(run_id, owner, token, version, _time(expires))

        return await self._database.write(job)

    async def save(
        self, lease: Lease, checkpoint: Checkpoint, *, lease_for: float | None = None, secrets: Collection[str] = ()
    ) -> Lease:
        encoded = self._encoder.encode(lease.run_id, checkpoint, secrets)
        length = None if lease_for is None else require_seconds(lease_for)

        def job(connection: sqlite3.Connection) -> Lease:
            now, version = self._now(), lease.version + 1
            until = None if length is None else _after(now, length)
            place = (lease.run_id, lease.token, lease.version)
            saved = connection.execute(_SAVE, (encoded.status, encoded.head, now, until, *place)).fetchall()
            if not saved:
                raise _lost(connection, lease)
            _append(connection, lease.run_id, version, encoded.tail)
            return Lease(lease.run_id, lease.owner, lease.token, version, _time(saved[0][0]))

        return await self._database.write(job)

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        require_seconds(lease_for)

        def job(connection: sqlite3.Connection) -> Lease:
            expires = _after(self._now(), lease_for)
            if not connection.execute(_RENEW, (expires, lease.run_id, lease.token)).rowcount:
                raise _lost(connection, lease)
            return Lease(lease.run_id, lease.owner, lease.token, lease.version, _time(expires))

        return await self._database.write(job)

    async def release(self, lease: Lease) -> None:
        query = "UPDATE runs SET owner = NULL WHERE run_id = ? AND token = ?"
        await self._database.write(lambda connection: connection.execute(query, (lease.run_id, lease.token)).rowcount)

    async def list(
        self, *, status: str | None = None, limit: int = 100, after: RunSummary | None = None
    ) -> builtins.list[RunSummary]:
        where: builtins.list[str] = []
        values: builtins.list[Any] = [self._now()]
        if status is not None:
            where.append("status = ?")
            values.append(as_key(status))
        if after is not None:
            where.append("(created, run_id) < (?, ?)")
            values += [_microseconds(after.created), after.run_id]
        query = _LIST.format(where=f"WHERE {' AND '.join(where)}" if where else "")
        values.append(max(limit, 0))
        rows = await self._database.read(lambda connection: connection.execute(query, values).fetchall())
        return [_summary(*row) for row in rows]

    async def delete(self, run_id: str) -> None:
        query, key = "DELETE FROM runs WHERE run_id = ?", (require_run_id(run_id),)
        if not await self._database.write(lambda connection: connection.execute(query, key).rowcount):
            raise RunNotFoundError(run_id, self.address)

    async def close(self) -> None:
        await self._database.close()

    def _now(self) -> int:
        return _microseconds(self._clock())


def _summary(run_id: str, version: int, status: str, owner: str | None, created: int, updated: int) -> RunSummary:
    return RunSummary(run_id, version, status, owner, _time(created), _time(updated))


def _next_token(connection: sqlite3.Connection) -> int:
    # Of the file, not of the run: a lease on a run that was deleted must not fit one that is made under its name.
    [[token]] = connection.execute("UPDATE tokens SET last = last + 1 RETURNING last").fetchall()
    return int(token)


def _append(connection: sqlite3.Connection, run_id: str, version: int, tail: bytes | None) -> None:
    if tail is not None:
        connection.execute("INSERT INTO tails (run_id, version, items) VALUES (?, ?, ?)", (run_id, version, tail))


def _stored(connection: sqlite3.Connection, run_id: str) -> tuple[int, int, str | None, int] | None:
    """The token, the version, the owner and the end of the lease of a run."""
    query = "SELECT token, version, owner, expires FROM runs WHERE run_id = ?"
    return connection.execute(query, (run_id,)).fetchone()  # type: ignore[no-any-return]


def _lost(connection: sqlite3.Connection, lease: Lease) -> Exception:
    stored = _stored(connection, lease.run_id)
    return lost(lease, stored and stored[:3])


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _after(now: int, seconds: float) -> int:
    return now + round(seconds * 1e6)
