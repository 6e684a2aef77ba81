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


_NOT_KNOWN = "Whether it was stored is not known: acquire the run again, and load it."
_SERVER = "See that the server runs, and that the host and the port are right."
_LOOK = "See that the server runs, and that the address, the user and the password are right."
_ADVICE = {
    "failed to resolve host": "No machine of this name is known here: check the host in the connection string.",
    "Connection refused": _SERVER,
    "No such file or directory": _SERVER,
    "password authentication failed": "See that the user and the password are right.",
    "no password supplied": "Give the password, as ,password=env:NAME or in the connection string.",
    "does not exist": "See that the database and the user are right, or make them first.",
}
"""What to do, by words of an error of connecting."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A statement, and how far it has come."""

    statement: LiteralString
    values: Mapping[str, Any]
    is_sent: bool = False

    @property
    def may_be_stored(self) -> bool:
        return self.is_sent and not self.statement.lstrip().startswith("SELECT")


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
        psycopg, asked = load_psycopg(), _Asked(statement, values)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._fetch(asked)
        except TimeoutError as error:
            problem = f"there was no answer within {self._timeout:g} s"
            advice = "Look at what the server waits for, or raise timeout."
            raise self._unavailable(problem, f"{_NOT_KNOWN} {advice}" if asked.may_be_stored else advice) from error
        except psycopg.Error as error:
            text = " ".join(str(error).split())
            advice = self._advice(error, asked) if asked.is_sent or error.sqlstate else _advice_to_connect(text)
            raise self._unavailable(text, advice) from error

    def close(self) -> None:
        """Closes every connection that nobody uses."""
        with self._lock:
            _finish(self._locals)

    async def _fetch(self, asked: _Asked) -> list[tuple[Any, ...]]:
        local = self._local()
        async with local.places:
            connection = self._reused(local) or await self._connect()
            try:
                asked.is_sent = True
                cursor = await connection.execute(asked.statement, asked.values)
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

    def _advice(self, error: Error, asked: _Asked) -> str:
        """What to do when the server refused, or was lost with a statement."""
        match error.sqlstate:
            case None | "57P01" | "57P02" | "57P03":
                return _NOT_KNOWN if asked.may_be_stored else "Nothing was changed. Try again, which connects anew."
            case "42P01":
                self._has_tables = False
                return "Its tables were deleted; they are made again, empty, when it is next connected to."
            case "42501":
                return "Give this user the right to create tables, or to use those of the store."
            case "53100":
                return "The server's disk is full and nothing was stored. Make room, then save again."
            case _:
                return "See what the chained error says."

    def _unavailable(self, problem: str, advice: str) -> StoreUnavailableError:
        return StoreUnavailableError(f"{self.name} cannot be used: {problem.rstrip('.')}. {advice}")


def _advice_to_connect(text: str) -> str:
    """What to do when there is no connection yet; its errors seldom have a code."""
    return next((advice for words, advice in _ADVICE.items() if words in text), _LOOK)


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
