"""What every run store does."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rigging_py.error import (
    InvalidRunIdError,
    LeaseHeldError,
    LeaseLostError,
    PayloadTooLargeError,
    RunExistsError,
    RunNotFoundError,
    StoreError,
)
from rigging_py.store import Checkpoint, Lease, RunStore
from rigging_py.util import await_
from tests.store.conftest import Kept, first


async def create(store: RunStore, run_id: str = "r", *items: Any, lease_for: float = 60, **more: Any) -> Lease:
    return await store.create(run_id, first(*items, **more), owner="one", lease_for=lease_for)


async def test_what_was_saved_is_what_another_process_loads(kept: Kept, store: RunStore) -> None:
    lease = await create(store, "r", 1, {"two": [2]}, turn=0)
    lease = await store.save(lease, Checkpoint("Done", {"turn": 1}, {"journal": ["three"], "blobs": [None]}))
    lease = await store.save(lease, Checkpoint("Done", {"turn": 2}, {}))

    run = await kept.another().load("r")
    assert (run.run_id, run.version, run.status, run.head) == ("r", 3, "Done", {"turn": 2})
    assert run.lists == {"journal": [1, {"two": [2]}, "three"], "blobs": [None]}
    assert lease.version == 3
    assert run.updated.utcoffset() is not None


async def test_one_of_two_who_acquire_a_run_gets_it(kept: Kept, store: RunStore) -> None:
    await store.release(await create(store))
    stores = [kept.another() for _ in range(4)]
    tries = [one.acquire("r", owner=f"w{place}", lease_for=60) for place, one in enumerate(stores)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    [lease] = [one for one in results if isinstance(one, Lease)]
    held = [one for one in results if isinstance(one, LeaseHeldError)]
    assert len(held) == 3
    assert {one.owner for one in held} == {lease.owner}
    assert all(50 < one.seconds <= 60 for one in held)


async def test_one_of_two_saves_of_one_version_is_stored(kept: Kept, store: RunStore) -> None:
    lease = await create(store)
    saves = [one.save(lease, first(place)) for place, one in enumerate([store, kept.another(), kept.another()])]
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert sum(isinstance(one, LeaseLostError) for one in results) == 2
    assert sum(isinstance(one, Lease) for one in results) == 1
    run = await store.load("r")
    assert (run.version, len(run.lists["journal"])) == (2, 1)


async def test_a_lease_that_ended_can_be_taken_over_and_its_holder_writes_no_more(kept: Kept, store: RunStore) -> None:
    old = await create(store, lease_for=30)
    with pytest.raises(LeaseHeldError, match="driven by one"):
        await store.acquire("r", owner="one", lease_for=30)
    kept.pass_time(31)
    new = await store.acquire("r", owner="two", lease_for=30)
    assert new.token > old.token
    for write in (store.save(old, first("late")), store.renew(old, 30)):
        with pytest.raises(LeaseLostError, match="acquired again since, by two"):
            await write
    await store.release(old)  # is not the new holder's
    await store.save(new, first("in time"))
    assert (await store.load("r")).lists == {"journal": ["in time"]}


async def test_a_lease_that_ended_still_writes_while_nobody_took_the_run(kept: Kept, store: RunStore) -> None:
    lease = await create(store, lease_for=30)
    kept.pass_time(31)
    lease = await store.save(lease, first("late"))
    lease = await store.renew(lease, 30)
    with pytest.raises(LeaseHeldError):
        await store.acquire("r", owner="two", lease_for=30)


async def test_a_save_can_renew_the_lease(kept: Kept, store: RunStore) -> None:
    old = await create(store, lease_for=30)
    new = await store.save(old, first(), lease_for=90)
    assert new.expires > old.expires
    kept.pass_time(31)
    with pytest.raises(LeaseHeldError):
        await store.acquire("r", owner="two", lease_for=30)


async def test_renewing_may_run_beside_saving(store: RunStore) -> None:
    lease = await create(store)
    renewed, saved = await asyncio.gather(store.renew(lease, 90), store.save(lease, first()))
    assert (renewed.version, saved.version) == (1, 2)
    assert renewed.expires > lease.expires
    await store.renew(renewed, 90)


async def test_a_lease_that_was_released_is_free_at_once_and_writes_no_more(store: RunStore) -> None:
    lease = await create(store)
    await store.release(lease)
    await store.release(lease)
    with pytest.raises(LeaseLostError, match="released"):
        await store.save(lease, first())
    with pytest.raises(LeaseLostError, match="released"):
        await store.renew(lease, 5)
    assert (await store.acquire("r", owner="two", lease_for=5)).version == 1


async def test_a_version_that_is_not_the_latest_writes_nothing(store: RunStore) -> None:
    lease = await create(store)
    await store.save(lease, first(1))
    with pytest.raises(LeaseLostError, match="at version 2, and the lease knows version 1"):
        await store.save(lease, first(2))
    assert (await store.load("r")).lists == {"journal": [1]}


async def test_a_run_that_was_deleted_takes_no_more_even_when_its_name_is_used_again(store: RunStore) -> None:
    lease = await create(store)
    await store.delete("r")
    with pytest.raises(LeaseLostError, match=r"no such run any more\. It was deleted") as caught:
        await store.save(lease, first("ghost"))
    assert "holder" not in str(caught.value)
    await create(store, "r", "new")
    with pytest.raises(LeaseLostError, match="acquired again"):
        await store.save(lease, first("ghost"))
    assert (await store.load("r")).lists == {"journal": ["new"]}


async def test_a_name_is_taken_once(store: RunStore) -> None:
    await create(store)
    with pytest.raises(RunExistsError, match="resume"):
        await create(store)


async def test_a_run_that_is_not_there_is_said_to_be_so(store: RunStore) -> None:
    with pytest.raises(RunNotFoundError, match="no run"):
        await store.load("nobody")
    with pytest.raises(RunNotFoundError, match="no run"):
        await store.delete("nobody")
    with pytest.raises(RunNotFoundError, match="no run"):
        await store.acquire("nobody", owner="one", lease_for=5)


@pytest.mark.parametrize("status", ["nothing", "no\0thing", "no\ud800thing", ""])
async def test_no_run_has_a_status_that_was_never_saved(store: RunStore, status: str) -> None:
    await create(store)
    assert await store.list(status=status) == []


@pytest.mark.parametrize("run_id", ["", "a\0b", "\ud800", "x" * 5000, None, 7, ["x"] * 5000])
async def test_what_is_no_run_id_is_refused_in_few_words_by_whatever_takes_one(store: RunStore, run_id: Any) -> None:
    for call in (
        create(store, run_id),
        store.load(run_id),
        store.acquire(run_id, owner="one", lease_for=5),
        store.delete(run_id),
    ):
        with pytest.raises(InvalidRunIdError, match="run id is 1 to 255 printable characters; not ") as caught:
            await call
        assert isinstance(caught.value, ValueError)
        assert caught.value.run_id == run_id
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "line\nbreak", "x" * 256])
async def test_names_that_some_database_cannot_take_are_refused_by_all(store: RunStore, name: str) -> None:
    with pytest.raises(ValueError, match="run id is 1 to 255"):
        await create(store, name)
    with pytest.raises(ValueError, match="owner is 1 to 255"):
        await store.create("r", first(), owner=name, lease_for=1)
    with pytest.raises(ValueError, match="status is 1 to 255"):
        await store.create("r", first(status=name), owner="one", lease_for=1)
    assert await store.list() == []


@pytest.mark.parametrize("lease_for", [0, -1, math.inf, math.nan])
async def test_a_lease_lasts_a_positive_time(store: RunStore, lease_for: float) -> None:
    lease = await create(store)
    for call in (create(store, "x", lease_for=lease_for), store.renew(lease, lease_for)):
        with pytest.raises(ValueError, match="positive number of seconds"):
            await call


async def test_the_list_shows_the_newest_first_page_by_page(kept: Kept, store: RunStore) -> None:
    leases = [await create(store, f"run {number}") for number in range(5)]
    await store.save(leases[3], first(status="Done"))
    await store.release(leases[1])
    everything = await store.list()
    assert [one.run_id for one in everything] == [f"run {number}" for number in (4, 3, 2, 1, 0)]
    assert [(one.version, one.status, one.owner) for one in everything[1:4:2]] == [
        (2, "Done", "one"),
        (1, "Ready", None),
    ]
    assert everything[1].updated >= everything[1].created

    pages = [await store.list(limit=2)]
    while page := await store.list(limit=2, after=pages[-1][-1]):
        pages.append(page)
    assert [one for page in pages for one in page] == everything

    assert [one.run_id for one in await store.list(status="Done")] == ["run 3"]
    assert [one.run_id for one in await store.list(status="Ready", limit=1, after=everything[2])] == ["run 1"]
    kept.pass_time(61)
    assert {one.owner for one in await store.list()} == {None}


async def test_a_page_goes_on_where_its_last_line_was_deleted(store: RunStore) -> None:
    for number in range(3):
        await create(store, f"run {number}")
    [last] = await store.list(limit=1)
    await store.delete(last.run_id)
    assert [one.run_id for one in await store.list(after=last)] == ["run 1", "run 0"]


async def test_a_checkpoint_that_is_too_large_is_refused_and_nothing_is_written(kept: Kept) -> None:
    store = kept.another(max_bytes=100)
    lease = await create(store, "r", "x" * 50)
    with pytest.raises(PayloadTooLargeError, match="raise max_bytes") as caught:
        await store.save(lease, first("é" * 50))
    assert (caught.value.size, caught.value.limit) == (len('{}{"journal":[""]}') + 100, 100)
    with pytest.raises(PayloadTooLargeError):
        await create(store, "other", "x" * 100)
    assert [(one.run_id, one.version) for one in await store.list()] == [("r", 1)]
    await store.save(lease, first("small"))


async def test_what_is_no_json_is_refused_and_nothing_is_written(store: RunStore) -> None:
    with pytest.raises(StoreError, match="cannot be written as JSON") as caught:
        await create(store, "r", object())
    assert caught.value.__cause__ is not None
    assert await store.list() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.dictionaries(st.text(st.characters()), JSON, max_size=3), items=st.lists(JSON, max_size=3))
async def test_any_json_comes_back_as_it_was(store: RunStore, head: dict[str, Any], items: list[Any]) -> None:
    lease = await store.create("r", Checkpoint("Ready", head, {"items": items}), owner="one", lease_for=5)
    try:
        run = await store.load("r")
        assert (run.head, run.lists) == (head, {"items": items})
    finally:
        await store.delete(lease.run_id)


async def test_nul_lone_surrogates_and_deep_nesting_survive(store: RunStore) -> None:
    deep: list[Any] = []
    for _ in range(230):
        deep = [deep]
    odd = ["a\0b", "\ud800", "😀", 10**40, {"\udfff": 1}, deep]
    await create(store, "r", *odd)
    assert (await store.load("r")).lists["journal"] == odd


SECRET = 'pa"ss\\wörd'
SPELLED = [SECRET, r"pa\"ss\\wörd", r"pa\"ss\\w\u00f6rd", r"pa\\\"ss\\\\w\\u00f6rd"]


async def test_secrets_are_stored_nowhere_however_json_spells_them(store: RunStore) -> None:
    items = [{"arguments": f"before {one} after", f"key {one}": 1} for one in SPELLED]
    checkpoint = Checkpoint("Ready", {"address": f"http://{SECRET}@host", "n": 12}, {"journal": items})
    lease = await store.create("r", checkpoint, owner="one", lease_for=5, secrets=[SECRET, "", "unused", "1"])
    await store.save(lease, Checkpoint("Ready", {"n": 12}, {"journal": [SECRET]}), secrets={SECRET})
    run = await store.load("r")
    assert run.lists["journal"] == [{"arguments": "before *** after", "key ***": 1}] * len(SPELLED) + ["***"]
    assert run.head == {"n": 12}  # a secret is text, and numbers are not


async def test_the_longest_of_two_secrets_is_taken_out_whole(store: RunStore) -> None:
    await store.create("r", first("sk-12-34"), owner="one", lease_for=5, secrets=["sk-12", "sk-12-34"])
    assert (await store.load("r")).lists == {"journal": ["***"]}


async def test_every_string_passes_through_redact(kept: Kept) -> None:
    def redact(text: str) -> str:
        return text.replace("Bob", "B.")

    store = kept.another(redact=redact)
    await create(store, "r", ["Bob", {"Bob": "is Bob", "n": 1}], name="Bob")
    run = await store.load("r")
    assert run.lists == {"journal": [["B.", {"B.": "is B.", "n": 1}]]}
    assert run.head == {"name": "B."}


async def test_a_single_string_is_no_collection_of_secrets(store: RunStore) -> None:
    lease = await create(store)
    with pytest.raises(TypeError, match="single string"):
        await store.save(lease, first(), secrets="secret")


async def test_what_was_handed_over_may_change_afterwards(store: RunStore) -> None:
    items = [1]
    head = {"n": items}
    lease = await store.create("r", Checkpoint("Ready", head, {"journal": items}), owner="one", lease_for=5)
    items.append(2)
    run = await store.load("r")
    run.lists["journal"].append(3)
    assert (await store.load("r")).lists == {"journal": [1]}
    assert lease == replace(lease)


async def test_a_store_opens_again_after_it_was_closed(store: RunStore) -> None:
    async with store:
        lease = await create(store)
    await store.close()
    await store.save(lease, first(1))
    assert (await store.load("r")).version == 2


def test_a_store_is_used_from_several_event_loops(kept: Kept) -> None:
    store = kept.another()

    async def step(number: int) -> None:
        lease = await create(store, f"run {number}")
        await store.save(lease, first(number))

    asyncio.run(step(1))
    asyncio.run(step(2))
    await_(step(3), step(4))
    runs = await_(*(store.load(f"run {number}") for number in range(1, 5)))
    assert [run.lists["journal"] for run in runs] == [[1], [2], [3], [4]]
    asyncio.run(store.close())


async def test_many_runs_are_saved_at_once(store: RunStore) -> None:
    async def drive(number: int) -> int:
        lease = await create(store, f"run {number}")
        for turn in range(3):
            lease = await store.save(lease, first(turn))
        return (await store.load(f"run {number}")).version

    assert await asyncio.gather(*map(drive, range(12))) == [4] * 12


async def test_a_store_shows_where_it_is(store: RunStore) -> None:
    assert str(store) == store.address
    assert store.address in repr(store)
    assert "hunter2" not in repr(store)
