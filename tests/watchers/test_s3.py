"""S3: nothing is lost between writers, whatever the store answers; every test speaks to a real one."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

import rigging_py as rg
from rigging_py.error import NotWrittenError, PipelineWarning
from rigging_py.watchers import write_chats_to_s3
from tests.watchers.seaweed import Seaweed, s3_client
from tests.watchers.writing import a_chat, another_process, write_all

pytestmark = pytest.mark.xdist_group("seaweed")


def lines(client: Any, bucket: str, key: str) -> list[rg.Chat]:
    body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert body.endswith(b"\n")
    return [rg.Chat.model_validate_json(line) for line in body.splitlines()]


def texts(client: Any, bucket: str, key: str = "chats.jsonl") -> list[str]:
    return [chat.last.content for chat in lines(client, bucket, key)]


async def test_chats_are_appended_and_read_again(seaweed: Seaweed) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()
    watcher = write_chats_to_s3(client, bucket, "deep/chats.jsonl")
    chats = await rg.scripted("one", "two", "três").chat("Hello").watch(watcher).run_many(3)
    assert {chat.uuid for chat in lines(client, bucket, "deep/chats.jsonl")} == {chat.uuid for chat in chats}
    assert sorted(texts(client, bucket, "deep/chats.jsonl")) == ["one", "três", "two"]


async def test_what_was_there_stays_and_a_line_that_was_not_ended_is(seaweed: Seaweed) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()
    client.put_object(Bucket=bucket, Key="k", Body=(await a_chat("old")).model_dump_json().encode())
    await write_chats_to_s3(client, bucket, "k")([await a_chat("new")])
    assert texts(client, bucket, "k") == ["old", "new"]


async def test_replace_replaces_what_was_there_and_never_its_own(seaweed: Seaweed) -> None:  # surface 3.2 no. 38
    client, bucket = seaweed.client(), seaweed.new_bucket()
    client.put_object(Bucket=bucket, Key="chats.jsonl", Body=b"what was there\n")
    watcher = write_chats_to_s3(client, bucket, "chats.jsonl", replace=True)
    for text in ("one", "two", "three"):
        await watcher([await a_chat(text)])
    assert texts(client, bucket) == ["one", "two", "three"]


async def test_writers_at_the_same_time_lose_nothing_of_each_other(seaweed: Seaweed) -> None:
    bucket = seaweed.new_bucket()

    def write(name: str) -> None:
        asyncio.run(write_all(write_chats_to_s3(seaweed.client(), bucket, "chats.jsonl"), name, 5))

    # Two event loops of this process, and two processes that know none of its locks.
    processes = [another_process(name, 5, "s3", seaweed.url, bucket, "chats.jsonl") for name in ("c", "d")]
    await asyncio.gather(*(asyncio.to_thread(write, name) for name in ("a", "b")))
    assert [await asyncio.to_thread(process.wait) for process in processes] == [0, 0]
    assert sorted(texts(seaweed.client(), bucket)) == sorted(f"{name} {n}" for name in "abcd" for n in range(5))


async def test_somebody_else_who_was_faster_is_not_overwritten(seaweed: Seaweed) -> None:
    """The other writer puts the object between our reading and our putting it, three times."""
    bucket, other = seaweed.new_bucket(), seaweed.client()
    faster = iter([await a_chat(f"theirs {n}") for n in range(3)])
    client = seaweed.client()

    def put_first(**_: Any) -> None:
        if (chat := next(faster, None)) is not None:
            try:
                there = other.get_object(Bucket=bucket, Key="chats.jsonl")["Body"].read()
            except other.exceptions.NoSuchKey:
                there = b""
            other.put_object(Bucket=bucket, Key="chats.jsonl", Body=there + chat.model_dump_json().encode() + b"\n")

    client.meta.events.register("before-send.s3.PutObject", put_first)
    await write_chats_to_s3(client, bucket, "chats.jsonl")([await a_chat("ours")])
    assert texts(other, bucket) == ["theirs 0", "theirs 1", "theirs 2", "ours"]


async def test_wrong_credentials_are_a_warning_and_the_batch_is_kept(seaweed: Seaweed) -> None:
    bucket = seaweed.new_bucket()
    watcher = write_chats_to_s3(seaweed.client(secret="wrong"), bucket, "chats.jsonl")
    pipeline = rg.scripted("one", "two").chat("Hello").watch(watcher)
    with pytest.warns(PipelineWarning, match=r"1 of .*s3://bucket-.*SignatureDoesNotMatch") as caught:
        assert (await pipeline.run()).last.content == "one"
    assert "wrong" not in str(caught[0].message)
    with pytest.warns(PipelineWarning, match="2 of"):
        assert (await pipeline.run()).last.content == "two"
    assert watcher.pending == 2
    with pytest.raises(NotWrittenError, match="SignatureDoesNotMatch") as raised:
        await watcher.flush()
    assert (raised.value.kept, watcher.pending) == (2, 2)
    assert isinstance(raised.value.__cause__, ClientError)


async def test_a_bucket_that_comes_later_gets_all_that_was_kept(seaweed: Seaweed) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()
    client.delete_bucket(Bucket=bucket)
    watcher = write_chats_to_s3(client, bucket, "chats.jsonl")
    with pytest.raises(NotWrittenError, match="NoSuchBucket"):
        await watcher([await a_chat("early")])
    client.create_bucket(Bucket=bucket)
    await watcher([await a_chat("late")])
    assert texts(client, bucket) == ["early", "late"]
    assert watcher.pending == 0


@pytest.mark.parametrize("replace", [False, True])
async def test_what_was_put_without_an_answer_is_not_put_twice(seaweed: Seaweed, replace: bool) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()
    breaks = iter([True])

    def lose_the_answer(**_: Any) -> None:
        if next(breaks, False):
            raise ConnectionResetError("the line broke")

    client.meta.events.register("after-call.s3.PutObject", lose_the_answer)
    watcher = write_chats_to_s3(client, bucket, "chats.jsonl", replace=replace)
    with pytest.raises(NotWrittenError, match="the line broke"):
        await watcher([await a_chat("one")])
    await watcher([await a_chat("two")])
    assert texts(client, bucket) == ["one", "two"]


async def test_a_cancelled_run_is_written_whole(seaweed: Seaweed) -> None:
    client, bucket = seaweed.client(), seaweed.new_bucket()
    sending, go_on = threading.Event(), threading.Event()

    def hold(**_: Any) -> None:
        sending.set()
        go_on.wait(20)

    client.meta.events.register("before-send.s3.PutObject", hold)
    watcher = write_chats_to_s3(client, bucket, "chats.jsonl")
    task = asyncio.create_task(watcher([await a_chat("one")]))
    await asyncio.to_thread(sending.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watcher.pending == 1
    go_on.set()
    await watcher.flush()
    assert texts(client, bucket) == ["one"]


async def test_a_store_that_is_not_there_keeps_the_batch_and_the_loop_free() -> None:
    watcher = write_chats_to_s3(s3_client("http://127.0.0.1:9"), "bucket", "key")
    with pytest.raises(NotWrittenError, match="EndpointConnectionError"):
        await watcher([await a_chat()])
    assert watcher.pending == 1
