"""`PostgresStore`: runs kept in a PostgreSQL database, for many machines."""

from __future__ import annotations

import builtins
import ipaddress
import os
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from rigging_py.error import (
    InvalidStoreError,
    LeaseHeldError,
    LeaseLostError,
    NetworkRefusedError,
    RunExistsError,
    RunNotFoundError,
)
from rigging_py.store.base import (
    DEFAULT_MAX_BYTES,
    Checkpoint,
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
)
from rigging_py.store.encoding import Encoder, decode_head, decode_tails
from rigging_py.store.masking import masked
from rigging_py.store.pool import Pool, load_psycopg

_LOOPBACK_ONLY = "RIGGING_PY_LOOPBACK_ONLY"

# Each is one statement, so that it is one transaction and one journey. clock_timestamp() goes on while a statement
# waits for a row, where now() stands still.
_CREATE = """
    WITH made AS (
        INSERT INTO rigging_runs (run_id, version, status, head, token, owner, expires, created, updated)
        SELECT %(run_id)s, 1, %(status)s, %(head)s, nextval('rigging_tokens'), %(owner)s,
            time + make_interval(secs => %(seconds)s), time, time
        FROM clock_timestamp() AS time
        ON CONFLICT DO NOTHING RETURNING run_id, token, expires
    ), kept AS (
        INSERT INTO rigging_tails (run_id, version, items)
        SELECT run_id, 1, %(tail)s FROM made WHERE %(tail)s::bytea IS NOT NULL
    )
    SELECT token, expires FROM made
"""
_LOAD = """
    SELECT head, version, status, updated, 0 AS place FROM rigging_runs WHERE run_id = %(run_id)s
    UNION ALL
    SELECT items, NULL, NULL, NULL, version FROM rigging_tails WHERE run_id = %(run_id)s ORDER BY place
"""
_ACQUIRE = """
    UPDATE rigging_runs SET token = nextval('rigging_tokens'), owner = %(owner)s,
        expires = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE run_id = %(run_id)s AND (owner IS NULL OR expires <= clock_timestamp())
    RETURNING token, version, expires
"""
_HOLDER = """
    SELECT coalesce(owner, 'nobody any more'), greatest(extract(epoch FROM expires - clock_timestamp()), 0)::float8
    FROM rigging_runs WHERE run_id = %(run_id)s
"""
_SAVE = """
    WITH saved AS (
        UPDATE rigging_runs SET version = version + 1, status = %(status)s, head = %(head)s,
            updated = clock_timestamp(),
            expires = coalesce(clock_timestamp() + make_interval(secs => %(seconds)s), expires)
        WHERE run_id = %(run_id)s AND token = %(token)s AND version = %(version)s AND owner IS NOT NULL
        RETURNING run_id, version, expires
    ), kept AS (
        INSERT INTO rigging_tails (run_id, version, items)
        SELECT run_id, version, %(tail)s FROM saved WHERE %(tail)s::bytea IS NOT NULL
    )
    SELECT version, expires FROM saved
"""
_RENEW = """
    UPDATE rigging_runs SET expires = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE run_id = %(run_id)s AND token = %(token)s AND owner IS NOT NULL RETURNING expires
"""
_RELEASE = "UPDATE rigging_runs SET owner = NULL WHERE run_id = %(run_id)s AND token = %(token)s RETURNING 1"
_STORED = "SELECT token, version, owner FROM rigging_runs WHERE run_id = %(run_id)s"
_LIST = """
    SELECT run_id, version, status, CASE WHEN expires > clock_timestamp() THEN owner END, created, updated
    FROM rigging_runs
    WHERE (%(status)s::text IS NULL OR status = %(status)s)
        AND (%(created)s::timestamptz IS NULL OR (created, run_id) < (%(created)s, %(run_id)s))
    ORDER BY created DESC, run_id DESC LIMIT %(limit)s
"""
_DELETE = "DELETE FROM rigging_runs WHERE run_id = %(run_id)s RETURNING 1"


class PostgresStore(RunStore):
    """Tables `rigging_…` in a database, made on first use. The server's clock says when a lease ends.

    `dsn` is what libpq reads, or `env:NAME` of a variable that holds it; a password, there or as an option, may be
    `env:NAME` too. `timeout` is how many seconds a call may take, connecting included. Each event loop has up to
    `connections` connections, which come back by themselves after a loss.
    """

    def __init__(
        self,
        dsn: str,
        *,
        password: str | None = None,
        timeout: float = 10.0,
        connections: int = 4,
        max_bytes: int = DEFAULT_MAX_BYTES,
        redact: Redact | None = None,
    ) -> None:
        self.address = masked(f"postgres!{dsn}")
        if connections < 1:
            raise InvalidStoreError(self.address, f"connections is a positive number, not {connections}")
        parameters = _parameters(self.address, dsn, password)
        _refuse_outside(self.address, parameters)
        self._pool = Pool(self.address, parameters, timeout=timeout, connections=connections)
        self._encoder = Encoder(max_bytes, redact)

    async def create(
        self, run_id: str, checkpoint: Checkpoint, *, owner: str, lease_for: float, secrets: Collection[str] = ()
    ) -> Lease:
        require_run_id(run_id)
        encoded = self._encoder.encode(run_id, checkpoint, secrets)
        rows = await self._pool.fetch(
            _CREATE,
            run_id=run_id,
            status=encoded.status,
            head=encoded.head,
            tail=encoded.tail,
            owner=require_name("owner", owner),
            seconds=require_seconds(lease_for),
        )
        if not rows:
            raise RunExistsError(run_id, self.address)
        [[token, expires]] = rows
        return Lease(run_id, owner, token, 1, _utc(expires))

    async def load(self, run_id: str) -> StoredRun:
        rows = await self._pool.fetch(_LOAD, run_id=require_run_id(run_id))
        if not rows:
            raise RunNotFoundError(run_id, self.address)
        head, version, status, updated, _ = rows[0]
        lists = decode_tails(run_id, (row[0] for row in rows[1:]))
        return StoredRun(run_id, version, status, decode_head(run_id, head), lists, _utc(updated))

    async def acquire(self, run_id: str, *, owner: str, lease_for: float) -> Lease:
        require_name("owner", owner)
        seconds = require_seconds(lease_for)
        rows = await self._pool.fetch(_ACQUIRE, run_id=require_run_id(run_id), owner=owner, seconds=seconds)
        if not rows:
            holders = await self._pool.fetch(_HOLDER, run_id=run_id)
            if not holders:
                raise RunNotFoundError(run_id, self.address)
            raise LeaseHeldError(run_id, *holders[0])
        [[token, version, expires]] = rows
        return Lease(run_id, owner, token, version, _utc(expires))

    async def save(
        self, lease: Lease, checkpoint: Checkpoint, *, lease_for: float | None = None, secrets: Collection[str] = ()
    ) -> Lease:
        encoded = self._encoder.encode(lease.run_id, checkpoint, secrets)
        rows = await self._pool.fetch(
            _SAVE,
            run_id=lease.run_id,
            token=lease.token,
            version=lease.version,
            status=encoded.status,
            head=encoded.head,
            tail=encoded.tail,
            seconds=None if lease_for is None else require_seconds(lease_for),
        )
        if not rows:
            raise await self._lost(lease)
        [[version, expires]] = rows
        return Lease(lease.run_id, lease.owner, lease.token, version, _utc(expires))

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        seconds = require_seconds(lease_for)
        rows = await self._pool.fetch(_RENEW, run_id=lease.run_id, token=lease.token, seconds=seconds)
        if not rows:
            raise await self._lost(lease)
        return Lease(lease.run_id, lease.owner, lease.token, lease.version, _utc(rows[0][0]))

    async def release(self, lease: Lease) -> None:
        await self._pool.fetch(_RELEASE, run_id=lease.run_id, token=lease.token)

    async def list(
        self, *, status: str | None = None, limit: int = 100, after: RunSummary | None = None
    ) -> builtins.list[RunSummary]:
        created, run_id = (after.created, after.run_id) if after else (None, None)
        state = None if status is None else as_key(status)
        rows = await self._pool.fetch(_LIST, status=state, created=created, run_id=run_id, limit=max(limit, 0))
        return [_summary(*row) for row in rows]

    async def delete(self, run_id: str) -> None:
        if not await self._pool.fetch(_DELETE, run_id=require_run_id(run_id)):
            raise RunNotFoundError(run_id, self.address)

    async def close(self) -> None:
        self._pool.close()

    async def _lost(self, lease: Lease) -> LeaseLostError:
        rows = await self._pool.fetch(_STORED, run_id=lease.run_id)
        return lost(lease, (rows[0][0], rows[0][1], rows[0][2]) if rows else None)


def _summary(
    run_id: str, version: int, status: str, owner: str | None, created: datetime, updated: datetime
) -> RunSummary:
    return RunSummary(run_id, version, status, owner, _utc(created), _utc(updated))


def _parameters(address: str, dsn: str, password: str | None) -> dict[str, Any]:
    """What libpq is told. Its own complaints are left out of errors, since they quote from the string."""
    psycopg = load_psycopg()
    try:
        parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(_revealed(address, dsn.strip()))
    except psycopg.Error:
        problem = "libpq cannot read it, as it can postgresql://user:password@host/database"
        raise InvalidStoreError(address, f"{problem}; a % @ : or / in a password is written %25 %40 %3A %2F") from None
    where = f"{parameters.get('host', '')}{parameters.get('port', '')}"
    if "@" in where or not re.fullmatch(r"[\d,]*", str(parameters.get("port", ""))):
        raise InvalidStoreError(address, "a % @ : or / in a password is written %25 %40 %3A %2F")
    if (secret := password or parameters.get("password")) is not None:
        parameters["password"] = _revealed(address, secret)
    return parameters


def _revealed(address: str, text: str) -> str:
    """`text`, or what the environment variable holds that it names."""
    if not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    if value := os.environ.get(name):
        return value
    raise InvalidStoreError(address, f"the environment variable {name!r} is not set")


def _refuse_outside(address: str, parameters: Mapping[str, Any]) -> None:
    if os.environ.get(_LOOPBACK_ONLY) != "1":
        return
    hosts = f"{parameters.get('host', '')},{parameters.get('hostaddr', '')}".split(",")
    if not all(map(_is_here, hosts)):
        raise NetworkRefusedError(address, _LOOPBACK_ONLY)


def _is_here(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
