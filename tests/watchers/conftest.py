"""The counterparts of the watchers: a real S3 store, and a server that speaks Elasticsearch's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from elasticsearch import AsyncElasticsearch

from tests.elastic_stub import ElasticStub, elastic_stub
from tests.watchers.seaweed import Seaweed


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    server = Seaweed()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def elastic() -> Iterator[ElasticStub]:
    with elastic_stub() as stub:
        yield stub


@pytest.fixture
async def client(elastic: ElasticStub) -> AsyncIterator[AsyncElasticsearch]:
    async with AsyncElasticsearch(elastic.url, max_retries=0) as client:
        yield client
