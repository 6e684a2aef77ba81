"""Chats in an index: what is written there, and that a search gives all that it finds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from itertools import count
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, NotFoundError
from elasticsearch.helpers import BulkIndexError

import rigging_py as rg
from rigging_py.error import ProcessingError
from tests.data.chats import EMPTY, facts
from tests.elastic_stub import RESULT_WINDOW, ElasticStub, elastic_stub

EVERY: dict[str, Any] = {"match_all": {}}


@pytest.fixture
def server() -> Generator[ElasticStub]:
    with elastic_stub() as stub:
        yield stub


@pytest.fixture
async def client(server: ElasticStub) -> AsyncGenerator[AsyncElasticsearch]:
    async with AsyncElasticsearch(server.url) as client:
        yield client


def several(number: int) -> list[rg.Chat]:
    return [
        rg.Chat(messages=[rg.Message("user", f"{one}?")], generated=[rg.Message("assistant", "é")], metadata={"n": one})
        for one in range(number)
    ]


def test_an_operation_writes_a_chat_under_its_uuid() -> None:
    [chat] = several(1)
    [operation] = rg.data.chats_to_elastic_data(chat, "chats", op_type="create")
    source = operation.pop("_source")
    assert operation == {"_index": "chats", "_op_type": "create", "_id": str(chat.uuid)}
    assert source["messages"][0]["content"] == [{"type": "text", "text": "0?", "cache_control": None}]
    assert "uuid" not in source
    assert rg.data.chats_to_elastic_data(chat, "chats", op_type="delete") == [{**operation, "_op_type": "delete"}]


async def test_chats_are_written_and_come_back(client: AsyncElasticsearch) -> None:
    chats = several(3)
    assert await rg.data.chats_to_elastic(chats, "chats", client, refresh=True) == 3
    back = await rg.data.elastic_to_chats(EVERY, "chats", client)
    assert [facts(chat) for chat in back] == [facts(chat) for chat in chats]
    assert [chat.uuid for chat in await rg.data.elastic_to_chats({"term": {"metadata.n": 1}}, "chats", client)] == [
        chats[1].uuid
    ]


async def test_a_new_index_has_each_message_as_a_document_of_its_own(
    client: AsyncElasticsearch, server: ElasticStub
) -> None:
    nested = {"properties": {"generated": {"type": "nested"}, "messages": {"type": "nested"}}}
    await rg.data.chats_to_elastic(EMPTY, "chats", client)
    assert server.indices["chats"].body["mappings"] == nested
    await client.indices.create(index="other", mappings={"properties": {"note": {"type": "text"}}})
    await rg.data.chats_to_elastic(EMPTY, "other", client)
    known = server.indices["other"].body["mappings"]["properties"]
    assert known == {"note": {"type": "text"}, **nested["properties"]}


async def test_an_index_that_another_writer_just_made_is_as_good(server: ElasticStub) -> None:
    class Late(AsyncElasticsearch):
        """Asks whether there is an index, and while it hears no, another makes it."""

        async def perform_request(self, method: str, path: str, **how: Any) -> Any:
            reply = await super().perform_request(method, path, **how)
            if method == "HEAD":
                server.answer("PUT", path, b"{}")
            return reply

    async with Late(server.url) as client:
        assert await rg.data.chats_to_elastic(EMPTY, "chats", client) == 1
    assert ("PUT", "/chats/_mapping") in server.requests


async def test_what_the_server_refuses_is_raised(client: AsyncElasticsearch, server: ElasticStub) -> None:
    with pytest.raises(Exception, match="invalid_index_name_exception"):
        await rg.data.chats_to_elastic(EMPTY, "Chats", client)
    with pytest.raises(NotFoundError):
        await rg.data.elastic_to_chats(EVERY, "none", client)
    server.rejected[str(EMPTY.uuid)] = 400
    with pytest.raises(BulkIndexError):
        await rg.data.chats_to_elastic(EMPTY, "chats", client)


async def test_an_index_is_not_made_where_it_should_not_be(client: AsyncElasticsearch, server: ElasticStub) -> None:
    await rg.data.chats_to_elastic(EMPTY, "chats", client, create_index=False)
    assert {method for method, _ in server.requests} == {"PUT"}
    assert {path for _, path in server.requests} == {"/_bulk"}


async def test_chats_are_written_over_created_once_or_deleted(client: AsyncElasticsearch, server: ElasticStub) -> None:
    chats = several(2)
    for _ in range(2):
        assert await rg.data.chats_to_elastic(chats, "chats", client) == 2
    with pytest.raises(BulkIndexError):
        await rg.data.chats_to_elastic(chats, "chats", client, op_type="create")
    assert await rg.data.chats_to_elastic(chats[0], "chats", client, op_type="delete") == 1
    assert [*server.documents("chats")] == [str(chats[1].uuid)]


async def test_a_search_gives_all_that_it_finds_beyond_a_page_and_beyond_the_window(
    client: AsyncElasticsearch, server: ElasticStub
) -> None:
    [operation] = rg.data.chats_to_elastic_data(EMPTY, "chats")
    await rg.data.chats_to_elastic(EMPTY, "chats", client)
    keys = (f"00000000-0000-4000-8000-{number:012}" for number in count())
    server.indices["chats"].found = {
        key: operation["_source"] for key, _ in zip(keys, range(RESULT_WINDOW + 1), strict=False)
    }
    assert len(await rg.data.elastic_to_chats(EVERY, "chats", client)) == RESULT_WINDOW + 1
    assert len(await rg.data.elastic_to_chats(EVERY, "chats", client, max_results=1001)) == 1001
    assert server.snapshots == {}, "what the server kept for the search is given back"


@pytest.mark.parametrize(("most", "found"), [(0, 0), (1, 1), (2, 2), (9, 3), (None, 3)])
async def test_max_results_is_the_most(client: AsyncElasticsearch, most: int | None, found: int) -> None:
    await rg.data.chats_to_elastic(several(3), "chats", client, refresh=True)
    assert len(await rg.data.elastic_to_chats(EVERY, "chats", client, max_results=most)) == found


async def test_other_arguments_go_to_the_search(client: AsyncElasticsearch) -> None:
    await rg.data.chats_to_elastic(several(3), "chats", client, refresh=True)
    back = await rg.data.elastic_to_chats(EVERY, "chats", client, sort=[{"metadata.n": "desc"}])
    assert [chat.metadata["n"] for chat in back] == [2, 1, 0]


async def test_the_reply_to_a_search_and_a_list_of_hits_are_read(client: AsyncElasticsearch) -> None:
    await rg.data.chats_to_elastic(EMPTY, "chats", client, refresh=True)
    reply = await client.search(index="chats")
    forms: list[Any] = [reply, reply.body, reply["hits"], reply["hits"]["hits"]]
    for data in forms:
        assert [chat.uuid for chat in rg.data.elastic_data_to_chats(data)] == [EMPTY.uuid]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"error": "no"}, "no hits of a search"),
        (7, "no hits of a search"),
        ([{"_id": "1"}], "Hit 1 has no _id and _source"),
        ([{"_id": str(EMPTY.uuid), "_source": {"title": "x"}}], "Hit 1 is not a chat: messages: Field required"),
    ],
)
def test_what_is_no_reply_with_chats_is_refused(data: Any, problem: str) -> None:
    with pytest.raises(ProcessingError, match=problem):
        rg.data.elastic_data_to_chats(data)
