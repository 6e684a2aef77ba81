"""Jobs from any event loop are worked on by one thread, those of one kind together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.generator.batching import Batcher, Job, Mailbox

Shout = Job[str, str]


class Device:
    """Work that says each item in capitals, letter by letter, once it is let to."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.batches: list[list[str]] = []
        self.is_busy = threading.Event()
        self.gate = threading.Event()
        if is_open:
            self.gate.set()

    def work(self, jobs: Sequence[Shout]) -> None:
        self.batches.append([job.item for job in jobs])
        self.is_busy.set()
        assert self.gate.wait(30)
        for job in jobs:
            if job.item.startswith("bad"):
                job.box.end(ValueError(job.item))
            for letter in job.item.upper():
                job.box.put(letter)


async def said(batcher: Batcher[str, str], item: str) -> str:
    async with aclosing(batcher.stream(item)) as pieces:
        return "".join([piece async for piece in pieces])


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 30)


async def gathered(batcher: Batcher[str, str], items: Sequence[str]) -> list[asyncio.Task[str]]:
    """A task for each item, all of them in the queue."""
    tasks = [asyncio.create_task(said(batcher, item)) for item in items]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_who_comes_while_the_device_is_busy_is_the_next_batch() -> None:
    device = Device(is_open=False)
    batcher = Batcher(device.work)
    first = await gathered(batcher, ["a"])
    await until(device.is_busy)
    rest = await gathered(batcher, ["b", "c", "d"])
    device.gate.set()
    assert await asyncio.gather(*first, *rest) == ["A", "B", "C", "D"]
    assert device.batches == [["a"], ["b", "c", "d"]]


async def test_a_first_one_waits_for_those_that_come_with_it_and_no_longer() -> None:
    now = 100.0
    slept: list[float] = []
    is_asleep, may_wake = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        is_asleep.set()
        assert may_wake.wait(30)

    device = Device()
    batcher = Batcher(device.work, window=0.5, clock=lambda: now, sleep=sleep)
    first = await gathered(batcher, ["a"])
    await until(is_asleep)
    now = 100.3
    rest = await gathered(batcher, ["b", "c"])
    now = 100.5
    may_wake.set()
    assert await asyncio.gather(*first, *rest) == ["A", "B", "C"]
    assert device.batches == [["a", "b", "c"]]
    assert slept == [0.5]


async def test_a_full_batch_waits_for_nobody() -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError(seconds)

    device = Device(is_open=False)
    batcher = Batcher(device.work, most=1, window=60, sleep=sleep)
    tasks = await gathered(batcher, ["a", "b", "c"])
    device.gate.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C"]
    assert device.batches == [["a"], ["b"], ["c"]]


async def test_only_those_of_one_key_are_together_and_the_longest_waiting_goes_first() -> None:
    device = Device(is_open=False)
    batcher = Batcher(device.work, key=len)
    tasks = await gathered(batcher, ["x"])
    await until(device.is_busy)
    tasks += await gathered(batcher, ["aa", "b", "cc", "d"])
    device.gate.set()
    await asyncio.gather(*tasks)
    assert device.batches == [["x"], ["aa", "cc"], ["b", "d"]]


async def test_who_is_cancelled_while_waiting_is_never_worked_on() -> None:
    device = Device(is_open=False)
    batcher = Batcher(device.work)
    tasks = await gathered(batcher, ["x"])
    await until(device.is_busy)
    tasks += await gathered(batcher, ["a", "b"])
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    device.gate.set()
    assert [await task for task in (tasks[0], tasks[2])] == ["X", "B"]
    assert device.batches == [["x"], ["b"]]


async def test_who_is_cancelled_while_worked_on_is_known_to_the_work_and_the_others_go_on() -> None:
    closed: list[bool] = []
    is_busy, may_go = threading.Event(), threading.Event()

    def work(jobs: Sequence[Shout]) -> None:
        is_busy.set()
        assert may_go.wait(30)
        closed.extend(job.box.is_closed for job in jobs)
        for job in jobs:
            job.box.put(job.item)

    batcher = Batcher(work, window=0.1)
    tasks = await gathered(batcher, ["a", "b"])
    await until(is_busy)
    tasks[0].cancel()
    await asyncio.wait([tasks[0]])
    may_go.set()
    assert await tasks[1] == "b"
    assert closed == [True, False]


async def test_an_error_of_one_is_raised_there_and_nowhere_else() -> None:
    batcher = Batcher(Device().work, window=0.05)
    good, bad = await asyncio.gather(said(batcher, "good"), said(batcher, "bad"), return_exceptions=True)
    assert good == "GOOD"
    assert isinstance(bad, ValueError)
    assert str(bad) == "bad"


async def test_an_error_of_the_device_is_everyones_each_has_its_own_and_the_next_are_answered() -> None:
    device = Device()

    def work(jobs: Sequence[Shout]) -> None:
        if jobs[0].item == "x":
            raise OSError(5, "broken")
        device.work(jobs)

    batcher = Batcher(work, window=0.05)
    one, other = await asyncio.gather(said(batcher, "x"), said(batcher, "y"), return_exceptions=True)
    assert isinstance(one, OSError)
    assert isinstance(other, OSError)
    assert one is not other
    assert str(one) == str(other) == "[Errno 5] broken"
    assert await said(batcher, "z") == "Z"


async def test_an_error_that_cannot_be_made_again_is_shared() -> None:
    class OddError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(one + two)

    def work(jobs: Sequence[Shout]) -> None:
        raise OddError(1, len(jobs))

    with pytest.raises(OddError, match="2"):
        await said(Batcher(work), "x")


async def test_work_may_let_others_join() -> None:
    joined: list[str] = []
    is_busy, may_go = threading.Event(), threading.Event()

    def work(jobs: Sequence[Shout]) -> None:
        is_busy.set()
        assert may_go.wait(30)
        for job in [*jobs, *batcher.take(1)]:
            joined.append(job.item)
            job.box.put(job.item)
            job.box.end()

    batcher = Batcher(work)
    tasks = await gathered(batcher, ["a"])
    await until(is_busy)
    tasks += await gathered(batcher, ["b", "c"])
    may_go.set()
    assert await asyncio.gather(*tasks) == ["a", "b", "c"]
    assert joined[:2] == ["a", "b"]


def test_several_event_loops_share_a_batch() -> None:
    device = Device(is_open=False)
    batcher = Batcher(device.work)
    answers: dict[str, str] = {}

    def ask(item: str) -> None:
        answers[item] = asyncio.run(said(batcher, item))

    threads = [threading.Thread(target=ask, args=(item,)) for item in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    assert device.is_busy.wait(30)
    device.gate.set()
    for thread in threads:
        thread.join(30)
    assert answers == {"a": "A", "b": "B", "c": "C"}


def test_a_loop_that_has_gone_is_nobody_who_waits() -> None:
    async def made() -> Mailbox[str]:
        return Mailbox[str]()

    box = asyncio.run(made())
    assert not box.is_closed
    box.put("late")
    assert box.is_closed
    box.end()


async def test_closing_the_iterator_of_a_mailbox_closes_it() -> None:
    box = Mailbox[int]()
    box.put(1)
    items = box.items()
    assert await anext(items) == 1
    await items.aclose()
    assert box.is_closed


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=12), st.integers(1, 4), st.sets(st.integers(0, 11)))
async def test_whoever_is_not_cancelled_gets_its_own_answer_in_order(
    items: list[str], most: int, cancelled: set[int]
) -> None:
    device = Device(is_open=False)
    batcher = Batcher(device.work, key=len, most=most)
    tasks = await gathered(batcher, items)
    for place in cancelled & set(range(len(tasks))):
        tasks[place].cancel()
    await asyncio.sleep(0)
    device.gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for place, (item, answer) in enumerate(zip(items, answers, strict=True)):
        assert isinstance(answer, asyncio.CancelledError) if place in cancelled else answer == item.upper()
    assert all(len(batch) <= most and len({len(item) for item in batch}) == 1 for batch in device.batches)
