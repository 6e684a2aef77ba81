"""`Pool`: a few connections to PostgreSQL for each event loop, and the statements that are run on them."""

from __future__ import annotations

import asyncio
import select
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

from rigging_py.error import MissingExtraError, StateFormatError, StoreUnavailableError

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error

    Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]

FORMAT = 1
"""The layout of the tables, kept in `rigging_store`."""

_LOCK = 0x72696773  # any number that other programs are unlikely to lock
_SCHEMA: list[LiteralString] = [
    "CREATE TABLE IF NOT EXISTS rigging_store (format integer PRIMARY KEY)",
    "CREATE SEQUENCE IF NOT EXISTS rigging_tokens",
    """
    CREATE TABLE IF NOT EXISTS rigging_runs (
        run_id text PRIMARY KEY, version bigint NOT NULL, status text NOT NULL, head bytea NOT NULL,
        token bigint NOT NULL, owner text, expires timestamptz NOT NULL,
        created timestamptz NOT NULL, updated timestamptz NOT NULL
    )
    """,
    # Bytes, not jsonb: that refuses a NUL and does not keep numbers as they were written.
    """
    CREATE TABLE IF NOT EXISTS rigging_tails (
        run_id text NOT NULL REFERENCES rigging_runs ON DELETE CASCADE, version bigint NOT NULL, items bytea NOT NULL,
        PRIMARY KEY (run_id, version)
    )
    """,
    "CREATE INDEX IF NOT EXISTS rigging_runs_by_age ON rigging_runs (created, run_id)",
    "CREATE INDEX IF NOT EXISTS rigging_runs_by_status ON rigging_runs (status, created, run_id)",
    "INSERT INTO rigging_store SELECT 1 WHERE NOT EXISTS (SELECT FROM rigging_store)",
]


@dataclass(slots=True, eq=False)
class _Local:
    """What one event loop has: connections that nobody uses, and how many more may be made."""

    places: asyncio.Semaphore
    idle: list[Connection] = field(default_factory=list["Connection"])

    def finish(self) -> None:
        while self.idle:
            connection = self.idle.pop()
            connection.pgconn.finish()  # as close() does, which is a coroutine only by its signature


class Pool:
    """Runs single statements, each a transaction of its own, so that no caller can leave half of one.

    A connection belongs to the event loop that made it. Those of loops that have ended are closed.
    """

    def __init__(self, name: str, parameters: Mapping[str, Any], *, timeout: float, connections: int) -> None:
        load_psycopg()
        self.name, self._parameters, self._timeout, self._connections = name, parameters, timeout, connections
        self._locals: dict[asyncio.AbstractEventLoop, _Local] = {}
        self._lock = threading.Lock()
        self._has_tables = False
        weakref.finalize(self, _finish, self._locals)

    async def fetch(self, statement: LiteralString, **values: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement gives. Raises `StoreUnavailableError`."""
        psycopg = load_psycopg()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._fetch(statement, values)
        except TimeoutError as error:
            problem = f"there was no answer within {self._timeout:g} s, and whether a save was stored is not known"
            raise self._unavailable(problem, "Look at what the server waits for, or raise timeout.") from error
        except psycopg.Error as error:
            raise self._unavailable(*self._reasons(error)) from error

    def close(self) -> None:
        """Closes every connection that nobody uses."""
        with self._lock:
            _finish(self._locals)

    async def _fetch(self, statement: LiteralString, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        local = self._local()
        async with local.places:
            connection = self._reused(local) or await self._connect()
            try:
                cursor = await connection.execute(statement, values)
                return await cursor.fetchall()
            finally:
                self._give_back(local, connection)

    def _local(self) -> _Local:
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._locals:
                for ended in [one for one in self._locals if one.is_closed()]:
                    self._locals.pop(ended).finish()
                self._locals[loop] = _Local(asyncio.Semaphore(self._connections))
            return self._locals[loop]

    def _reused(self, local: _Local) -> Connection | None:
        """A connection that the server has not ended meanwhile."""
        with self._lock:
            while local.idle:
                connection = local.idle.pop()
                if _is_silent(connection.pgconn.socket):
                    return connection
                connection.pgconn.finish()
        return None

    def _give_back(self, local: _Local, connection: Connection) -> None:
        """Keeps a connection whose statement has come to its end, closes another."""
        is_whole = not connection.closed and connection.info.transaction_status.name == "IDLE"
        with self._lock:
            if is_whole and local in self._locals.values():  # which it is not after close()
                local.idle.append(connection)
                return
        connection.pgconn.finish()

    async def _connect(self) -> Connection:
        # Poolers that stand before a server do not all keep prepared statements.
        connection: Connection = await load_psycopg().AsyncConnection.connect(
            autocommit=True, prepare_threshold=None, **self._parameters
        )
        try:
            if not self._has_tables:
                await self._prepare(connection)
                self._has_tables = True
        except BaseException:
            connection.pgconn.finish()
            raise
        return connection

    async def _prepare(self, connection: Connection) -> None:
        """Makes the tables if there are none; users who may not are fine where somebody else has."""
        [[table]] = await (await connection.execute("SELECT to_regclass('rigging_store')")).fetchall()
        if table is None:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])  # IF NOT EXISTS is no lock
                for statement in _SCHEMA:
                    await connection.execute(statement)
        [[found]] = await (await connection.execute("SELECT max(format) FROM rigging_store")).fetchall()
        if found is None or found > FORMAT:
            problem = f"{self.name} has format {found}, and this release reads {FORMAT}. Update rigging_py."
            raise StateFormatError(problem, found=found, supported=[FORMAT])

    def _reasons(self, error: Error) -> tuple[str, str]:
        """What went wrong, and what to do."""
        text = " ".join(str(error).split())
        match error.sqlstate:
            case None if "connection failed" in text or "connection timeout" in text:
                return text, "See that the server runs, and that the address, the user and the password are right."
            case None | "57P01" | "57P02" | "57P03":
                return text, "Whether a save was stored is not known: acquire the run again, and load it."
            case "42P01":
                self._has_tables = False
                return text, "Its tables were deleted; they are made again, empty, when it is next connected to."
            case "42501":
                return text, "Give this user the right to create tables, or to use those of the store."
            case "53100":
                return text, "The server's disk is full and nothing was stored. Make room, then save again."
            case _:
                return text, "See what the chained error says."

    def _unavailable(self, problem: str, advice: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"{self.name} cannot be used: {problem.rstrip('.')}. {advice}")


def load_psycopg() -> Any:
    """The driver. Raises `MissingExtraError`."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingExtraError("The postgres! store", "postgres") from error
    return psycopg


def _finish(every: dict[asyncio.AbstractEventLoop, _Local]) -> None:
    while every:
        every.popitem()[1].finish()


def _is_silent(descriptor: int) -> bool:
    """Whether there is nothing to read: a server that nobody has asked anything speaks only to take its leave."""
    if not hasattr(select, "poll"):
        return not select.select([descriptor], [], [], 0)[0]
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(0)
