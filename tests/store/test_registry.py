"""Connection strings of stores: what they name, what they take, and what they say when they are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rigging_py.error import InvalidStoreError, PayloadTooLargeError
from rigging_py.store import RunStore, get_store, register_store
from tests.store.conftest import first


async def create(store: RunStore, size: int = 0) -> None:
    await store.create("r", first("x" * size), owner="one", lease_for=5)


async def test_memories_of_one_name_are_one() -> None:
    await create(get_store("memory!shared-by-name"))
    assert len(await get_store("memory!shared-by-name").list()) == 1
    assert await get_store("memory!of-another-name").list() == []
    assert get_store("memory!").address == "memory!"


async def test_options_are_read_as_their_declared_types(tmp_path: Path) -> None:
    store = get_store(f"sqlite!{tmp_path}/runs.db, max_bytes=200 ,synchronous=normal,timeout=0.5")
    async with store:
        with pytest.raises(PayloadTooLargeError) as caught:
            await create(store, 200)
    assert caught.value.limit == 200


async def test_keywords_go_over_the_string(tmp_path: Path) -> None:
    async with get_store(f"sqlite!{tmp_path}/runs.db,max_bytes=1", max_bytes=1000) as store:
        await create(store)


async def test_a_comma_in_a_path_is_a_part_of_it(tmp_path: Path) -> None:
    async with get_store(f"sqlite!{tmp_path}/this, that.db,timeout=1") as store:
        await create(store)
    assert (tmp_path / "this, that.db").exists()


@pytest.mark.parametrize(
    ("identifier", "problem"),
    [
        ("runs.db", "it has no !. Known: memory!, sqlite!, postgres!"),
        ("redis!x", "there is no store 'redis'. Known: memory!, sqlite!, postgres!"),
        ("sqlite!", "it names no file"),
        ("sqlite!:memory:", "memory! keeps runs in memory"),
        (
            "sqlite!runs.db,color=red",
            "'color' is no option of it. Known: timeout, synchronous, max_file_bytes, max_bytes",
        ),
        ("sqlite!runs.db,redact=x", "'redact' is no option"),
        ("sqlite!runs.db,max_bytes=many", "max_bytes is not valid: Input should be a valid integer"),
        ("sqlite!runs.db,synchronous=off", "synchronous is not valid: Input should be 'full' or 'normal'"),
        ("memory!,max_bytes=0", "max_bytes is a positive number"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_known(identifier: str, problem: str) -> None:
    with pytest.raises(InvalidStoreError) as caught:
        get_store(identifier)
    assert problem in str(caught.value)
    assert repr(identifier) in str(caught.value)


def test_a_keyword_that_is_no_option_is_said_too() -> None:
    with pytest.raises(InvalidStoreError, match="colour"):
        get_store("memory!", colour="red")


def archive(name: str, *, shelf: int = 1) -> RunStore:
    return get_store(f"memory!archive-{name}-{shelf}")


def test_a_kind_of_store_can_be_added() -> None:
    register_store("archive", archive)
    assert get_store("archive!a,shelf=3").address == "memory!archive-a-3"
    with pytest.raises(ValueError, match="letters, digits"):
        register_store("a!", archive)


def test_nothing_is_imported_before_it_is_used() -> None:
    script = """
import sys
from rigging_py.store import get_store
get_store("memory!")
assert not {"psycopg", "sqlite3", "rigging_py.generator", "rigging_py.chat"} & {*sys.modules}
get_store("sqlite!runs.db")
assert "psycopg" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
