"""Chats as documents of an Elasticsearch index, one each, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from rigging_py.chat import Chat, ChatList
from rigging_py.data.extra import load
from rigging_py.data.reading import as_chats, read_chat, stored
from rigging_py.error import ProcessingError

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

ElasticOpType: TypeAlias = Literal["index", "create", "delete"]
"""What a bulk request does with each chat."""

ElasticMapping: dict[str, Any] = {"properties": {"generated": {"type": "nested"}, "messages": {"type": "nested"}}}
"""The mapping of a new index: each message can be searched by itself."""

_FEATURE = "Elasticsearch"
_PAGE = 1000


def chats_to_elastic_data(
    chats: Chat | Sequence[Chat], index: str, *, op_type: ElasticOpType = "index"
) -> list[dict[str, Any]]:
    """The bulk operations that write the chats to `index`, or with `"delete"` take them out, under their uuids."""
    return [_operation(chat, index, op_type) for chat in as_chats(chats)]


def _operation(chat: Chat, index: str, op_type: ElasticOpType) -> dict[str, Any]:
    operation = {"_index": index, "_op_type": op_type, "_id": str(chat.uuid)}
    if op_type == "delete":
        return operation
    source = stored(chat)
    del source["uuid"]
    return {**operation, "_source": source}


async def chats_to_elastic(
    chats: Chat | Sequence[Chat],
    index: str,
    client: AsyncElasticsearch,
    *,
    op_type: ElasticOpType = "index",
    create_index: bool = True,
    **kwargs: Any,
) -> int:
    """Writes the chats to `index` and returns how many were written.

    A chat that is there already is written over; `op_type="create"` refuses it. `create_index` makes the index where
    there is none, and tells one that there is about messages. `kwargs` go to `elasticsearch.helpers.async_bulk`, so
    that `refresh=True` lets the next search find the chats. Raises what the client raises, and `MissingExtraError`.
    """
    helpers = load("elasticsearch.helpers", _FEATURE)
    if create_index:
        await _ready(index, client)
    count, _ = await helpers.async_bulk(client, chats_to_elastic_data(chats, index, op_type=op_type), **kwargs)
    return cast("int", count)


async def _ready(index: str, client: AsyncElasticsearch) -> None:
    if not await client.indices.exists(index=index):
        try:
            await client.indices.create(index=index, mappings=ElasticMapping)
            return
        except load("elasticsearch", _FEATURE).BadRequestError as error:
            if error.error != "resource_already_exists_exception":  # another writer was faster; its index is as good
                raise
    await client.indices.put_mapping(index=index, properties=ElasticMapping["properties"])


def elastic_data_to_chats(data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> ChatList:
    """The chats in the reply to a search, or in a list of its hits.

    Raises `ProcessingError` for what is neither, and for a hit that is no chat.
    """
    hits: Any = data
    while not isinstance(hits, str | Sequence):
        try:
            hits = hits["hits"]
        except (TypeError, LookupError):
            raise ProcessingError("These are no hits of a search, and no reply that has them.") from None
    return ChatList(_chat(hit, place) for place, hit in enumerate(cast("Sequence[Any]", hits), 1))


def _chat(hit: Any, place: int) -> Chat:
    try:
        fields = {"uuid": hit["_id"], **hit["_source"]}
    except (TypeError, LookupError):
        raise ProcessingError(f"Hit {place} has no _id and _source.") from None
    return read_chat(fields, f"Hit {place}")


async def elastic_to_chats(
    query: Mapping[str, Any],
    index: str,
    client: AsyncElasticsearch,
    *,
    max_results: int | None = None,
    **kwargs: Any,
) -> ChatList:
    """The chats in `index` that `query` finds, the best first: all of them, or `max_results`.

    They are fetched in pages, so there may be more than a search gives at once. `kwargs`, such as `sort`, go to the
    client's search. Raises what the client raises, and `MissingExtraError`.
    """
    helpers = load("elasticsearch.helpers", _FEATURE)
    if max_results == 0:
        return ChatList()
    found: list[Mapping[str, Any]] = []
    size = min(_PAGE, max_results or _PAGE)
    pages = helpers.async_scan(client, {"query": query}, index=index, size=size, preserve_order=True, **kwargs)
    async with aclosing(pages) as hits:
        async for hit in hits:
            found.append(hit)
            if len(found) == max_results:
                break
    return elastic_data_to_chats(found)
