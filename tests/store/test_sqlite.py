"""`sqlite!`: what a file adds. Other processes, crashes, cancellation, and the bad days of disks."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from rigging_py.error import RunNotFoundError, StateFormatError, StoreUnavailableError
from rigging_py.store import Checkpoint, RunStore, StoredRun, get_store
from tests.store.conftest import first, until
from tests.store.server import NOBODY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


async def create(store: RunStore, run_id: str = "r", size: int = 0) -> None:
    await store.create(run_id, first("x" * size), owner="one", lease_for=60)


def open_raw(path: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, isolation_level=None))


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("rigging_py.store")]


async def refused(store: RunStore, match: str) -> None:
    with pytest.raises(StoreUnavailableError, match=match) as caught:
        await create(store)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert store.address in str(caught.value)
    await store.close()


# Other processes.


TAKE_TURNS = """
import asyncio, sys
from rigging_py.error import LeaseHeldError, RunExistsError
from rigging_py.store import Checkpoint, get_store

async def main(path, name):
    async with get_store(f"sqlite!{path},synchronous=normal,timeout=30") as store:
        try:
            await store.release(await store.create("r", Checkpoint("Ready", {}, {}), owner=name, lease_for=60))
        except RunExistsError:
            pass
        done = 0
        while done < 20:
            try:
                lease = await store.acquire("r", owner=name, lease_for=60)
            except LeaseHeldError:
                continue
            done += 1
            await store.release(await store.save(lease, Checkpoint("Ready", {}, {"by": [f"{name} {done}"]})))

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_that_begin_together_take_turns(path: Path) -> None:
    commands = [[sys.executable, "-W", "error", "-c", TAKE_TURNS, str(path), name] for name in ("one", "two", "three")]
    running = [subprocess.Popen(command) for command in commands]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    run = asyncio.run(loaded(path))
    assert run.version == 61
    for name in ("one", "two", "three"):
        assert [by for by in run.lists["by"] if by.startswith(f"{name} ")] == [f"{name} {n}" for n in range(1, 21)]


async def loaded(path: Path) -> StoredRun:
    async with get_store(f"sqlite!{path}") as store:
        return await store.load("r")


SAVE_UNTIL_KILLED = """
import asyncio, sys
from rigging_py.store import Checkpoint, get_store

async def main(path):
    store = get_store(f"sqlite!{path}")
    lease = await store.create("r", Checkpoint("Ready", {"n": 1}, {"n": [1]}), owner="one", lease_for=0.001)
    while True:
        n = lease.version + 1
        lease = await store.save(lease, Checkpoint("Ready", {"n": n}, {"n": [n]}))
        print(lease.version, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def test_a_kill_loses_nothing_that_save_returned_from(path: Path) -> None:
    command = [sys.executable, "-c", SAVE_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(50)]
        child.send_signal(signal.SIGKILL)
        last = int([*said, *child.stdout.read().split()][-1])
    run = asyncio.run(loaded(path))
    assert last <= run.version <= last + 1
    assert run.head == {"n": run.version}
    assert run.lists == {"n": [*range(1, run.version + 1)]}


# One process: threads, cancellation, forgetting.


async def test_the_event_loop_goes_on_while_another_process_has_the_file_locked(path: Path) -> None:
    async with get_store(f"sqlite!{path},timeout=30") as store:
        await create(store)
        with open_raw(path) as other:
            other.execute("BEGIN IMMEDIATE")
            saving = asyncio.create_task(create(store, "s"))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not saving.done()
            other.execute("ROLLBACK")
        await saving


async def test_a_save_that_is_cancelled_is_stored_as_a_whole_or_not_at_all(path: Path) -> None:
    async with get_store(f"sqlite!{path},timeout=30") as store:
        lease = await store.create("r", first(), owner="one", lease_for=60)
        with open_raw(path) as other:
            other.execute("BEGIN IMMEDIATE")
            saves = [asyncio.create_task(store.save(lease, first(1, n=1))) for _ in range(3)]
            await asyncio.sleep(0)
            for save in saves:
                save.cancel()
            ended = await asyncio.gather(*saves, return_exceptions=True)
            assert [type(one) for one in ended] == [asyncio.CancelledError] * 3
            other.execute("ROLLBACK")
        run = await store.load("r")
        assert (run.version, run.head, run.lists) in [(1, {}, {"journal": []}), (2, {"n": 1}, {"journal": [1]})]
        await store.release(lease)
        await store.save(await store.acquire("r", owner="one", lease_for=5), first(2))


async def test_a_closed_store_leaves_no_thread_and_one_file(path: Path) -> None:
    before = threads()
    async with get_store(f"sqlite!{path}") as store:
        await create(store)
        mine = [one for one in threads() if one not in before]
        assert len(mine) == 1
    mine[0].join(10)
    assert not mine[0].is_alive()
    assert [one.name for one in path.parent.iterdir()] == ["runs.db"]


async def test_a_store_that_was_forgotten_closes_by_itself(path: Path) -> None:
    before = threads()
    store = get_store(f"sqlite!{path}")
    await create(store)
    mine = [one for one in threads() if one not in before]
    del store
    gc.collect()
    for thread in mine:
        thread.join(10)
        assert not thread.is_alive()
    await until(lambda: [one.name for one in path.parent.iterdir()] == ["runs.db"])


async def test_a_relative_path_is_of_the_directory_the_store_was_named_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = get_store("sqlite!runs.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    async with store:
        await create(store)
    assert (tmp_path / "runs.db").exists()


# Bad days.


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("Dear diary, " * 100)
    asyncio.run(refused(get_store(f"sqlite!{path}"), r"not a SQLite database\. Name another file"))
    assert path.read_text().startswith("Dear diary")


async def test_a_database_of_another_program(path: Path) -> None:
    with open_raw(path) as other:
        other.execute("CREATE TABLE runs (distance REAL)")
    async with get_store(f"sqlite!{path}") as store:
        with pytest.raises(StoreUnavailableError, match=r"another program\. Name another file"):
            await create(store)
    with open_raw(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_a_file_of_a_newer_release(path: Path) -> None:
    async with get_store(f"sqlite!{path}") as store:
        await create(store)
    with open_raw(path) as other:
        other.execute("PRAGMA user_version = 7")
    async with get_store(f"sqlite!{path}") as store:
        with pytest.raises(StateFormatError, match="has format 7") as caught:
            await store.load("r")
    assert (caught.value.found, caught.value.supported) == (7, (1,))


async def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    store = get_store(f"sqlite!{tmp_path / 'missing' / 'runs.db'}")
    await refused(store, f"Make the directory {tmp_path / 'missing'}")
    (tmp_path / "missing").mkdir()
    await create(store)
    await store.close()


@contextmanager
def as_a_user_without_rights() -> Generator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def only_to_be_read(directory: Path) -> Generator[None]:
    for one in directory.iterdir():
        one.chmod(0o444)
    directory.chmod(0o555)
    try:
        with as_a_user_without_rights():
            yield
    finally:
        directory.chmod(0o755)


async def test_a_file_that_may_only_be_read_is_read_and_not_written() -> None:
    with tempfile.TemporaryDirectory() as name:
        address = f"sqlite!{name}/runs.db"
        async with get_store(address) as store:
            lease = await store.create("r", first(1), owner="one", lease_for=60)
        with only_to_be_read(Path(name)):
            store = get_store(address)
            assert (await store.load("r")).lists == {"journal": [1]}
            assert [one.run_id for one in await store.list()] == ["r"]
            with pytest.raises(StoreUnavailableError, match=r"It can only be read\. Let this user write to it"):
                await store.save(lease, first(2))
            await refused(store, "It can only be read")


async def test_what_a_process_has_just_saved_is_read_by_one_that_may_only_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        async with get_store(f"sqlite!{name}/runs.db") as writer:
            lease = await writer.create("r", first(1), owner="one", lease_for=60)
            with only_to_be_read(Path(name)):
                async with get_store(f"sqlite!{name}/runs.db") as reader:
                    assert (await reader.load("r")).version == 1
            await writer.save(lease, first(2))
            with only_to_be_read(Path(name)):
                async with get_store(f"sqlite!{name}/runs.db") as reader:
                    assert (await reader.load("r")).version == 2


async def test_a_new_file_where_nothing_may_be_written() -> None:
    with tempfile.TemporaryDirectory() as name, only_to_be_read(Path(name)):
        store = get_store(f"sqlite!{name}/runs.db")
        with pytest.raises(StoreUnavailableError, match=f"Let this user write to the directory {name},"):
            await store.list()
        await refused(store, f"Let this user write to the directory {name},")


async def test_a_directory_and_what_would_lie_in_a_file(tmp_path: Path) -> None:
    await refused(get_store(f"sqlite!{tmp_path}"), f"It is a directory. Name a file in it, as sqlite!{tmp_path}/")
    (tmp_path / "note").write_text("hello")
    await refused(get_store(f"sqlite!{tmp_path}/note/runs.db"), r"is a file and no directory\. Name another")


async def test_a_full_disk_stores_nothing_and_is_used_again_when_there_is_room(path: Path) -> None:
    async with get_store(f"sqlite!{path},max_file_bytes=100000") as store:
        lease = await store.create("r", first(), owner="one", lease_for=60)
        with pytest.raises(StoreUnavailableError, match="full and nothing was stored") as caught:
            await store.save(lease, first("x" * 200_000))
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        assert (await store.load("r")).version == 1
        await store.save(lease, first("small"))
        assert (await store.load("r")).lists == {"journal": ["small"]}


async def test_a_file_that_another_process_keeps_locked(path: Path) -> None:
    store = get_store(f"sqlite!{path},timeout=0.05")
    await create(store, "other")
    with open_raw(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match=r"kept it locked\. Let that one finish, or raise timeout"):
            await create(store)
        assert (await store.load("other")).version == 1  # readers do not wait
    await create(store)
    await store.close()


async def test_a_new_file_that_another_process_keeps_locked(path: Path) -> None:
    with open_raw(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        await refused(get_store(f"sqlite!{path},timeout=0.05"), "kept it locked")


async def test_a_file_that_was_deleted_while_it_was_in_use(path: Path) -> None:
    async with get_store(f"sqlite!{path}") as store:
        lease = await store.create("r", first(), owner="one", lease_for=60)
        for one in path.parent.iterdir():
            one.unlink()
        with pytest.raises(StoreUnavailableError, match="deleted or replaced while it was in use"):
            await store.save(lease, first())
        with pytest.raises(RunNotFoundError):
            await store.load("r")


def spoil(path: Path) -> None:
    """Leaves the first page as it is."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


async def test_a_damaged_file(path: Path) -> None:
    async with get_store(f"sqlite!{path}") as store:
        for number in range(20):
            await create(store, f"run {number}", size=2000)
    spoil(path)
    async with get_store(f"sqlite!{path}") as store:
        with pytest.raises(StoreUnavailableError, match=r"damaged\. Restore it from a backup"):
            await store.load("run 3")


@pytest.mark.parametrize("damage", [b'{"a": ', b"[]", b"\xff", "text", 7])
@pytest.mark.parametrize("change", ["UPDATE runs SET head = ?", "UPDATE tails SET items = ?"])
async def test_a_row_that_is_no_json(path: Path, change: str, damage: object) -> None:
    async with get_store(f"sqlite!{path}") as store:
        await store.create("r", Checkpoint("Ready", {}, {"journal": [1]}), owner="one", lease_for=5)
        with open_raw(path) as other:
            other.execute(change, [damage])
        with pytest.raises(StateFormatError, match="of the run 'r' is damaged"):
            await store.load("r")
        assert len(await store.list()) == 1
