"""Where a cache keeps answers: in memory, in a file of SQLite's, in Redis. Keys are digests, values are JSON."""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from rigging_py.error import InvalidGeneratorError, MissingExtraError, StoreUnavailableError
from rigging_py.message import without_user

if TYPE_CHECKING:
    import sqlite3

    from rigging_py.store.database import Database

MEMORY_MAX = 10_000
"""Answers that are kept in memory, unless `max_entries` says otherwise."""
_OURS = 0x72696763  # a file's `application_id`: "rigc"
_SCHEMA = """
    CREATE TABLE answers (
        place INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, expires REAL
    );
    CREATE INDEX answers_by_end ON answers (expires)
"""
_REDIS_TIMEOUT = 5.0
_REDIS_PREFIX = "rigging_py:answer:"


@runtime_checkable
class CacheStore(Protocol):
    """Keeps answers by their keys, for every event loop and thread. One that cannot raises `StoreUnavailableError`."""

    async def get(self, key: str) -> bytes | None:
        """What was put there, or None; it may be too old."""
        ...

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keeps a value, in place of the one before. After `ttl` seconds it may be forgotten."""
        ...


def cache_store(identifier: str, max_entries: int | None) -> CacheStore:
    """The store of a connection string: `memory!`, `sqlite!answers.db`, `redis!redis://host:6379/0`, `redis!env:NAME`.

    Nothing is opened yet. Raises `InvalidGeneratorError` for what is none.
    """
    kind, _, where = identifier.partition("!")
    if kind == "memory" and not where:
        return MemoryCache(max_entries or MEMORY_MAX)
    if kind == "sqlite" and where:
        return SQLiteCache(where, max_entries)
    if kind == "redis" and where:
        return RedisCache(where)
    shown = f"store={without_user(identifier)}"
    problem = f"{shown} is no place for answers; one of memory!, sqlite!FILE and redis!URL is"
    raise InvalidGeneratorError(f"cache(…),{shown}", shown, problem)


class MemoryCache:
    """The latest used answers, in this process."""

    def __init__(self, max_entries: int = MEMORY_MAX) -> None:
        self.max_entries = max_entries
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    async def get(self, key: str) -> bytes | None:
        """What was put there."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:  # noqa: ARG002
        """Keeps a value, and forgets the one that was not used for the longest time where there are too many."""
        with self._lock:
            self._answers[key] = value
            self._answers.move_to_end(key)
            if len(self._answers) > self.max_entries:
                self._answers.popitem(last=False)


class SQLiteCache:
    """A file that the processes of one machine share; with `max_entries` the oldest answers are deleted."""

    def __init__(
        self, path: str | Path, max_entries: int | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        # Absolute, since the working directory may change before the file is opened.
        self.path = Path(path).expanduser().absolute()
        self.max_entries, self._clock = max_entries, clock

    @cached_property
    def _database(self) -> Database:
        from rigging_py.store.database import Database

        # What a power cut takes is asked for again.
        return Database(self.path, synchronous="normal", schema=_SCHEMA, application=_OURS)

    async def get(self, key: str) -> bytes | None:
        """What was put there."""

        def read(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT value FROM answers WHERE key = ?", (key,)).fetchone()
            return None if row is None else bytes(row[0])

        return await self._database.read(read)

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keeps a value, and deletes those that are too old or too many."""
        now = self._clock()

        def write(connection: sqlite3.Connection) -> None:
            row = (key, value, None if ttl is None else now + ttl)
            connection.execute("REPLACE INTO answers (key, value, expires) VALUES (?, ?, ?)", row)
            connection.execute("DELETE FROM answers WHERE expires <= ?", (now,))
            if self.max_entries is not None:
                oldest = "SELECT place FROM answers ORDER BY place DESC LIMIT 1 OFFSET ?"
                connection.execute(f"DELETE FROM answers WHERE place <= ({oldest})", (self.max_entries,))  # noqa: S608

        await self._database.write(write)

    async def close(self) -> None:
        """Closes the file; the next call opens it again."""
        await self._database.close()


class RedisCache:
    """A Redis server, or one that speaks its protocol; it forgets by itself what is too old."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def get(self, key: str) -> bytes | None:
        """What was put there."""
        value = await self._asked("get", _REDIS_PREFIX + key)
        return None if value is None else bytes(value)

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keeps a value."""
        await self._asked("set", _REDIS_PREFIX + key, value, px=None if ttl is None else max(int(ttl * 1000), 1))

    async def _asked(self, command: str, *arguments: object, **options: object) -> Any:
        # The client for asyncio belongs to one event loop and has to be closed there, and nobody tells us when.
        return await asyncio.to_thread(self._ask, command, *arguments, **options)

    def _ask(self, command: str, *arguments: object, **options: object) -> Any:
        client, failures = self._client
        try:
            return getattr(client, command)(*arguments, **options)
        except failures as error:
            raise self._unavailable(error) from None

    @cached_property
    def _client(self) -> tuple[Any, tuple[type[Exception], ...]]:
        """The client, which threads may share, and what it raises."""
        try:
            import redis
        except ImportError as error:
            raise MissingExtraError("redis!", "redis") from error
        url = os.environ.get(self.url[4:], "") if self.url.startswith("env:") else self.url
        make: Any = getattr(redis.Redis, "from_url")  # noqa: B009 — its options have no types
        try:
            client = make(url, socket_timeout=_REDIS_TIMEOUT, socket_connect_timeout=_REDIS_TIMEOUT)
        except ValueError as error:
            raise self._unavailable(error) from None
        return client, (redis.RedisError, OSError)

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        # What the client says may name the password.
        return StoreUnavailableError(
            f"redis!{without_user(self.url)} cannot be used ({type(error).__name__}). "
            "Check its address, and that it runs there."
        )
