"""A call of an endpoint that is cancelled leaves nothing of itself."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress

import pytest

from rigging_py.generator.http import HTTPGenerator


async def test_cancelling_in_the_middle_of_an_answer_closes_the_connection() -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n" + b"x" * 16_000_000)
        await writer.drain()  # more than fits between the two, so it is being read
        begun.set()
        assert await reader.read() == b""
        closed.set()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        generator = HTTPGenerator.for_json_endpoint(f"http://127.0.0.1:{port}", {"q": "$content"})
        running = asyncio.create_task(generator.chat("Hello").run())
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(20):
            await closed.wait()


async def test_a_call_that_is_cancelled_when_its_answer_has_come_is_cancelled() -> None:
    answering: set[asyncio.Task[object] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"}")
            # More is said to come, so a call that goes on in spite of being cancelled never ends.
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n" + b"x" * 100_000)
            await reader.read()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        generator = HTTPGenerator.for_json_endpoint(f"http://127.0.0.1:{port}", {"q": "$content"})
        for turns in range(60):
            running = asyncio.create_task(generator.chat("Hello").run())
            for _ in range(turns):
                await asyncio.sleep(0)
            running.cancel()
            ended, _ = await asyncio.wait([running], timeout=20)
            assert ended, f"cancelled after {turns} turns of the loop, it goes on"
            assert running.cancelled()
        began = [task for task in answering if task]
        _, open_still = await asyncio.wait(began, timeout=20)
        assert not open_still
    # A connection that the client made ahead may have come meanwhile; it waits for a request.
    for _ in range(10):
        await asyncio.sleep(0)
    for task in answering:
        if task:
            task.cancel()
    await asyncio.wait([task for task in answering if task])
