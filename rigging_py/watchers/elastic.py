"""A watcher that writes each chat as a document of an Elasticsearch index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rigging_py.chat import Chat
from rigging_py.data import chats_to_elastic, chats_to_elastic_data
from rigging_py.error import NotWrittenError
from rigging_py.generator.gate import Gate
from rigging_py.watchers.spelling import Watcher, chats_among, snapshot

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch


def write_chats_to_elastic(client: AsyncElasticsearch, index: str, *, create_index: bool = True) -> Watcher:
    """A watcher that writes each chat to an index under its uuid, so that writing it again changes nothing.

    `create_index` makes the index where there is none. A document that is refused is kept, and does not hold up
    the others. Needs the `data` extra.
    """
    return _Index(client, index, create_index)


class _Index:
    """The chats that are not written yet, by uuid; a chat that comes again replaces what is kept of it."""

    def __init__(self, client: AsyncElasticsearch, index: str, is_to_be_made: bool) -> None:
        self._client, self._index, self._is_to_be_made = client, index, is_to_be_made
        self._kept: dict[str, Chat] = {}
        self._sent: dict[str, Chat] = {}
        """What is on its way; it is written, or kept again."""
        self._turns = Gate(concurrency=1)

    def __repr__(self) -> str:
        return f"<writes to {self._target}>"

    @property
    def _target(self) -> str:
        return f"the index {self._index!r}"

    @property
    def pending(self) -> int:
        """How many documents are not written yet."""
        return len(self._sent.keys() | self._kept.keys())

    async def __call__(self, finished: list[Any], /) -> None:
        """Writes the chats, and those that are kept."""
        chats = chats_among(finished, self._target)
        self._kept.update((str(chat.uuid), snapshot(chat)) for chat in chats)
        await self.flush()

    async def flush(self) -> None:
        """Writes what is kept, after what is on its way."""
        async with self._turns.one():
            if self._kept:
                await self._flushed()

    async def _flushed(self) -> None:
        self._sent, self._kept = self._kept, {}
        try:
            refused = await self._refused(self._sent)
        except BaseException as error:
            count = len(self._sent)
            self._keep(self._sent)
            if isinstance(error, Exception):
                raise NotWrittenError(self._target, count, error) from error
            raise
        self._keep(refused)
        if refused:
            raise NotWrittenError(self._target, len(refused), next(iter(refused.values())))

    def _keep(self, keys: Iterable[str]) -> None:
        """Keeps these of what was sent."""
        self._kept, self._sent = {key: self._sent[key] for key in keys} | self._kept, {}

    async def _refused(self, chats: Mapping[str, Chat]) -> dict[str, Exception]:
        """What was not written of `chats`, and why."""
        if self._is_to_be_made:
            await chats_to_elastic([], self._index, self._client)
            self._is_to_be_made = False
        from elasticsearch.helpers import async_bulk

        operations = chats_to_elastic_data([*chats.values()], self._index)
        _, problems = await async_bulk(self._client, operations, raise_on_error=False, raise_on_exception=False)
        return dict(map(_problem, problems if isinstance(problems, list) else ()))


def _problem(item: Mapping[str, Any]) -> tuple[str, Exception]:
    """The id of a document and what Elasticsearch has against it; the document is not repeated."""
    [result] = item.values()
    error = result.get("exception") or RuntimeError(f"{result.get('status')} {result.get('error')}"[:300])
    return result["_id"], error
