"""`Database`: one SQLite file, used from a thread of its own, one whole transaction at a time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from typing import Literal, TypeAlias, TypeVar

from rigging_py.error import StateFormatError, StoreUnavailableError

T = TypeVar("T")
Job: TypeAlias = Callable[[sqlite3.Connection], T]
"""Does its work between BEGIN and COMMIT."""

FORMAT = 1
"""The layout of the tables, kept as the file's `user_version`."""

_READING = "BEGIN"
_OURS = 0x72696773  # the file's `application_id`: "rigs"
_SCHEMA = """
    CREATE TABLE runs (
        run_id TEXT PRIMARY KEY, version INTEGER NOT NULL, status TEXT NOT NULL, head BLOB NOT NULL,
        token INTEGER NOT NULL, owner TEXT, expires INTEGER NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL
    );
    CREATE TABLE tails (
        run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, version INTEGER NOT NULL, items BLOB NOT NULL,
        PRIMARY KEY (run_id, version)
    );
    CREATE TABLE tokens (last INTEGER NOT NULL);
    CREATE INDEX runs_by_age ON runs (created, run_id);
    CREATE INDEX runs_by_status ON runs (status, created, run_id);
    INSERT INTO tokens VALUES (0);
"""
_LET_WRITE = "It can only be read. Let this user write to it and to the directory it lies in, or name another file."
_ADVICE = {
    sqlite3.SQLITE_NOTADB: "It is not a SQLite database. Name another file, or move this one away.",
    sqlite3.SQLITE_CORRUPT: "It is damaged. Restore it from a backup, or move it away.",
    sqlite3.SQLITE_READONLY: _LET_WRITE,
    sqlite3.SQLITE_PERM: _LET_WRITE,
    sqlite3.SQLITE_FULL: "The disk, or max_file_bytes, is full and nothing was stored. Make room, then save again.",
    sqlite3.SQLITE_BUSY: "Another process kept it locked. Let that one finish, or raise timeout.",
    sqlite3.SQLITE_LOCKED: "Another process kept it locked. Let that one finish, or raise timeout.",
    sqlite3.SQLITE_IOERR: "The disk failed. Nothing that was not stored before is stored now.",
    sqlite3.SQLITE_TOOBIG: "Save smaller checkpoints.",
    sqlite3.SQLITE_ERROR: "Its tables are not those of this store. Name another file.",
}


_left: list[_Open] = []
"""Those of a parent process: their threads are not here, and to close their connections would take its locks away."""


@dataclass(slots=True)
class _Open:
    """A thread and the connection that is used there; apart from the `Database`, to be closed when that is gone."""

    process: int = field(default_factory=os.getpid)
    executor: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "rigging_py.store"))
    connection: sqlite3.Connection | None = None
    file: tuple[int, int] | None = None

    def drop(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def shut(self) -> None:
        self.executor.shutdown(wait=False)
        self.drop()


class Database:
    """A SQLite file. Nothing of it is opened before the first job, nor after `close` before the next.

    `schema` makes its tables, and `application` is the number by which the file is known again; they are those of runs
    unless others are given.

    The standard library's module in one thread: a job is a whole transaction, so a cancelled caller leaves no half of
    one, and any event loop may wait for it. Sending each statement to a thread by itself takes three times as long.
    """

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = 5.0,
        synchronous: Literal["full", "normal"] = "full",
        max_file_bytes: int | None = None,
        schema: str = _SCHEMA,
        application: int = _OURS,
    ) -> None:
        self.path, self.timeout, self.synchronous, self.max_file_bytes = path, timeout, synchronous, max_file_bytes
        self.schema, self.application = schema, application
        self._open: _Open | None = None
        self._forgotten: weakref.finalize[[], Database] | None = None
        self._lock = threading.Lock()

    async def write(self, job: Job[T]) -> T:
        """Runs a job that writes. Raises `StoreUnavailableError`."""
        return await self._submit("BEGIN IMMEDIATE", job)

    async def read(self, job: Job[T]) -> T:
        """Runs a job that only reads, and sees one state of the file. Raises `StoreUnavailableError`."""
        return await self._submit(_READING, job)

    async def close(self) -> None:
        """Closes the file, after the jobs that have begun, and lets the thread end."""
        with self._lock:
            self._leave_what_was_forked()
            opened, forgotten, self._open = self._open, self._forgotten, None
        if opened is not None and forgotten is not None:
            forgotten.detach()
            closing = opened.executor.submit(opened.drop)
            opened.executor.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    async def _submit(self, begin: str, job: Job[T]) -> T:
        # A cancelled caller takes back work that has not begun; what has begun comes to its end in the thread.
        with self._lock:
            self._leave_what_was_forked()
            if self._open is None:
                self._open = _Open()
                self._forgotten = weakref.finalize(self, self._open.shut)
            future = self._open.executor.submit(self._transact, self._open, begin, job)
        return await asyncio.wrap_future(future)

    def _leave_what_was_forked(self) -> None:
        if self._open is not None and self._forgotten is not None and self._open.process != os.getpid():
            self._forgotten.detach()
            _left.append(self._open)
            self._open = None

    def _transact(self, opened: _Open, begin: str, job: Job[T]) -> T:
        try:
            connection = self._connected(opened)
            connection.execute(begin)
            try:
                result = job(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                if connection.in_transaction:
                    opened.drop()
                raise
        except sqlite3.Error as error:
            if begin == _READING and _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                return self._read_only(job, error)
            raise self._unavailable(error) from error
        return result

    def _read_only(self, job: Job[T], wrong: sqlite3.Error) -> T:
        """What a job reads where this process may not write, not even the files that SQLite puts beside this one."""
        # What stands in the log is not seen by a reader to whom the file is immutable.
        is_all = not _size(f"{self.path}-wal")
        name = f"{self.path.as_uri()}?mode=ro{'&immutable=1' if is_all else ''}"
        try:
            with closing(sqlite3.connect(name, uri=True, timeout=self.timeout, isolation_level=None)) as connection:
                if not self._is_ready(connection):
                    raise self._unavailable(wrong) from wrong
                connection.execute(_READING)
                return job(connection)
        except sqlite3.Error:
            raise self._unavailable(wrong) from wrong

    def _connected(self, opened: _Open) -> sqlite3.Connection:
        if opened.connection is None:
            opened.connection = self._connect()
            opened.file = _identity(self.path)
        elif _identity(self.path) != opened.file:
            # SQLite would go on writing to a file that has no name any more.
            opened.drop()
            raise StoreUnavailableError(
                f"sqlite!{self.path} was deleted or replaced while it was in use. "
                "What was stored in it is gone from here; restore the file, or begin again with an empty one."
            )
        return opened.connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if not self._is_ready(connection):
            self._create(connection)
        self._log_ahead(connection)
        connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        if self.max_file_bytes is not None:
            pages = self.max_file_bytes // _number(connection, "PRAGMA page_size")
            connection.execute(f"PRAGMA max_page_count = {max(pages, 1)}")

    def _is_ready(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there. Raises what there is to say about tables that are not ours."""
        found = _number(connection, "PRAGMA user_version")
        is_ours = _number(connection, "PRAGMA application_id") == self.application
        if is_ours and found > FORMAT:
            raise StateFormatError(
                f"sqlite!{self.path} has format {found}, and this release reads {FORMAT}. Update rigging_py.",
                found=found,
                supported=[FORMAT],
            )
        if not is_ours and (found or _number(connection, "SELECT count(*) FROM sqlite_master")):
            raise StoreUnavailableError(
                f"sqlite!{self.path} cannot be used: it is the database of another program. Name another file."
            )
        return is_ours

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not self._is_ready(connection):  # another process may have been faster
                for statement in self.schema.strip().split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {self.application}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise

    def _log_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait by itself here while others have the file open for the first time.
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _unavailable(self, error: sqlite3.Error) -> StoreUnavailableError:
        advice = _ADVICE.get(_code(error), "See what the chained error says.")
        if _code(error) == sqlite3.SQLITE_CANTOPEN:
            advice = _advice_to_open(self.path)
        return StoreUnavailableError(f"sqlite!{self.path} cannot be used: {error}. {advice}")


def _advice_to_open(path: Path) -> str:
    try:
        is_directory = S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        if path.parent.exists():
            return f"Let this user write to the directory {path.parent}, which may be mounted to be read only."
        return f"Make the directory {path.parent}."
    except NotADirectoryError:
        return "What it should lie in is a file and no directory. Name another file."
    except OSError:
        return "Let this user into the directory it lies in."
    return f"It is a directory. Name a file in it, as sqlite!{path / 'runs.db'}." if is_directory else _LET_WRITE


def _roll_back(connection: sqlite3.Connection) -> None:
    # A full disk or a failed write has rolled back already.
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _code(error: sqlite3.Error) -> int:
    """The primary result code; its extensions are in the higher bytes."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _size(path: str) -> int:
    """Bytes in a file, 0 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  a third of the time of Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino
