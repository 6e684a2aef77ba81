"""What an S3 store has: yes, no, and every other answer."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from botocore.exceptions import ClientError

import rigging_py as rg
from tests.watchers.seaweed import Seaweed


@pytest.fixture(scope="module")
def store() -> Generator[Seaweed]:
    server = Seaweed()
    try:
        server.start()
        yield server
    finally:
        server.remove()


async def test_a_bucket_and_an_object_are_there_or_not(store: Seaweed) -> None:
    client, bucket = store.client(), store.new_bucket()
    client.put_object(Bucket=bucket, Key="a/é.jsonl", Body=b"{}")
    assert await rg.data.s3_bucket_exists(client, bucket)
    assert not await rg.data.s3_bucket_exists(client, f"{bucket}-not")
    assert await rg.data.s3_object_exists(client, bucket, "a/é.jsonl")
    assert not await rg.data.s3_object_exists(client, bucket, "a")
    assert not await rg.data.s3_object_exists(client, f"{bucket}-not", "a")


async def test_who_may_not_ask_gets_no_answer(store: Seaweed) -> None:
    bucket, stranger = store.new_bucket(), store.client("another secret")
    with pytest.raises(ClientError, match="403"):
        await rg.data.s3_bucket_exists(stranger, bucket)
    with pytest.raises(ClientError, match="403"):
        await rg.data.s3_object_exists(stranger, bucket, "a")
