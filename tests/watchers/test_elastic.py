"""Elasticsearch: a document for each chat, under its uuid, written until it is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from elasticsearch import AsyncElasticsearch

import rigging_py as rg
from rigging_py.data import elastic_to_chats
from rigging_py.error import NotWrittenError, PipelineWarning
from rigging_py.watchers import write_chats_to_elastic
from tests.elastic_stub import ElasticStub
from tests.watchers.writing import a_chat


async def test_chats_are_written_and_found_again(client: AsyncElasticsearch) -> None:
    watcher = write_chats_to_elastic(client, "chats")
    chats = await rg.scripted("one", "two", "three").chat("Hello").watch(watcher).run_many(3)
    await client.indices.refresh(index="chats")
    found = await elastic_to_chats({"match_all": {}}, "chats", client)
    assert {chat.uuid: chat.last.content for chat in found} == {chat.uuid: chat.last.content for chat in chats}


async def test_the_index_is_made_once(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    watcher = write_chats_to_elastic(client, "chats")
    for _ in range(3):
        await watcher([await a_chat()])
    assert elastic.requests.count(("PUT", "/chats")) == 1
    assert elastic.requests.count(("HEAD", "/chats")) == 1
    assert elastic.indices["chats"].body["mappings"]["properties"]["messages"] == {"type": "nested"}


async def test_no_index_is_made_where_that_is_not_wanted(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    await write_chats_to_elastic(client, "chats", create_index=False)([await a_chat()])
    assert [path for _, path in elastic.requests] == ["/_bulk"]


async def test_a_failed_batch_is_written_with_the_next(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    elastic.unavailable = 1
    watcher = write_chats_to_elastic(client, "chats")
    pipeline = rg.scripted("one", "two").chat("Hello").watch(watcher)
    with pytest.warns(PipelineWarning, match="1 of what was to be written to the index 'chats'"):
        first = await pipeline.run()
    assert (first.last.content, watcher.pending) == ("one", 1)
    second = await pipeline.run()
    assert elastic.documents("chats").keys() == {str(first.uuid), str(second.uuid)}
    assert watcher.pending == 0


async def test_what_was_written_without_an_answer_is_one_document(
    elastic: ElasticStub, client: AsyncElasticsearch
) -> None:
    elastic.hangs_up = 2
    chat, watcher = await a_chat(), write_chats_to_elastic(client, "chats")
    with suppress(NotWrittenError):  # the client tries again by itself, as often as it likes
        await watcher([chat])
    while watcher.pending:
        with suppress(NotWrittenError):
            await watcher.flush()
    assert elastic.written == {str(chat.uuid): 3}
    assert len(elastic.documents("chats")) == 1


async def test_a_document_that_is_refused_holds_up_no_other(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    chats = [await a_chat(f"{number}") for number in range(3)]
    refused = str(chats[1].uuid)
    elastic.rejected[refused] = 400
    watcher = write_chats_to_elastic(client, "chats")
    with pytest.raises(NotWrittenError, match="400") as raised:
        await watcher([*chats])
    assert (raised.value.kept, watcher.pending) == (1, 1)
    with pytest.raises(NotWrittenError):
        await watcher([await a_chat("later")])
    assert len(elastic.documents("chats")) == 3
    assert {elastic.written[key] for key in elastic.documents("chats")} == {1}
    del elastic.rejected[refused]
    await watcher.flush()
    assert refused in elastic.documents("chats")


async def test_a_server_that_is_not_there_keeps_the_batch() -> None:
    async with AsyncElasticsearch("http://127.0.0.1:9", max_retries=0) as client:
        watcher = write_chats_to_elastic(client, "chats")
        with pytest.raises(NotWrittenError, match="ConnectionError"):
            await watcher([await a_chat()])
        assert watcher.pending == 1


async def test_a_cancelled_call_keeps_its_batch(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    watcher = write_chats_to_elastic(client, "chats")
    with elastic.lock:  # the server thinks
        writing = asyncio.ensure_future(watcher([await a_chat()]))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
    assert watcher.pending == 1
    await watcher.flush()
    assert (watcher.pending, len(elastic.documents("chats"))) == (0, 1)


async def test_a_flush_waits_for_what_is_on_its_way(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    watcher = write_chats_to_elastic(client, "chats")
    with elastic.lock:  # the server thinks
        writing = asyncio.ensure_future(watcher([await a_chat()]))
        await asyncio.sleep(0)
        flushing = asyncio.ensure_future(watcher.flush())
        await asyncio.sleep(0)
        assert (watcher.pending, flushing.done()) == (1, False)
    await flushing
    assert (watcher.pending, len(elastic.documents("chats"))) == (0, 1)
    await writing


async def test_what_is_no_json_costs_no_chat(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    odd = (await a_chat("half a pair: \ud800")).meta(tool=object())
    await write_chats_to_elastic(client, "chats")([odd, await a_chat()])
    document = elastic.documents("chats")[str(odd.uuid)]
    assert document["metadata"] == {"tool": "<object>"}
    assert document["generated"][0]["content"][0]["text"] == "half a pair: ?"


async def test_completions_are_left_out_and_it_is_said(elastic: ElasticStub, client: AsyncElasticsearch) -> None:
    generator = rg.scripted("one").watch(write_chats_to_elastic(client, "chats"))
    with pytest.warns(PipelineWarning, match="Only chats are written to the index 'chats'"):
        await generator.complete("Once").run()
    assert elastic.requests == []
