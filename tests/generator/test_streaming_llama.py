"""llama.cpp's own server, recorded once by a proxy that then cuts what it heard at every place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

import rigging_py as rg
from rigging_py.error import StreamInterruptedError
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine
from rigging_py.message import Delta, TextDelta
from tests.generator.stub import Reply, Stub

pytestmark = pytest.mark.model
HELLO = [rg.Message("user", "Say hi.")]
PARAMS = rg.GenerateParams(max_tokens=6, temperature=0)


@asynccontextmanager
async def proxy(engine: Engine, *, whole: bool = True) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A proxy that passes bytes on one by one and keeps them; or breaks off in the middle of the third event."""
    heard: list[bytes] = []
    host, port = urlsplit(engine.address).hostname, urlsplit(engine.address).port

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server, request = await asyncio.open_connection(host, port)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        request.write(head + await reader.readexactly(length))
        while (byte := await server.read(1)) and (whole or b"".join(heard).count(b"data:") < 3):
            heard.append(byte)
            writer.write(byte)
            await writer.drain()
            if b"".join(heard[-7:]) == b"\r\n0\r\n\r\n":
                break
        for end in (request, writer):
            end.close()
            await end.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", heard


def model_at(base: str, engine: Engine) -> rg.Generator:
    return get_generator(f"openai!smollm2,api_base={base},api_key={engine.key}")


async def read(model: rg.Generator) -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in model.stream_message(HELLO, PARAMS)]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


async def test_byte_by_byte_it_is_the_answer_that_comes_whole_and_cut_anywhere_it_is_interrupted(
    llama_server: Engine, stub: Stub
) -> None:
    deltas, direct = await read(model_at(f"{llama_server.address}/v1", llama_server))
    assert len(deltas) > 1
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == direct.message.content
    async with proxy(llama_server) as (base, heard):
        _, turn = await read(model_at(base, llama_server))
    assert (turn.message.content, turn.stop_reason) == (direct.message.content, direct.stop_reason)
    assert turn.usage is not None
    assert direct.usage is not None
    # What the server has in its cache differs from call to call.
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (
        direct.usage.input_tokens,
        direct.usage.output_tokens,
    )
    events = b"".join(heard).split(b"\r\n\r\n", 1)[1]
    said = [line for line in events.splitlines() if line.startswith(b"data:")]
    final = next(i for i, line in enumerate(said) if b'"finish_reason":"' in line)
    for count in range(len(said) + 1):
        # A connection that is reset may lose what was sent last, so only those that are cut early are.
        stub.will(Reply(pieces=[line + b"\n\n" for line in said[:count]], broken=count <= final and count % 2 == 0))
        model = get_generator(f"openai!smollm2,api_base={stub.url}")
        if count > final:
            assert (await read(model))[1].message.content == direct.message.content
        else:
            with pytest.raises(StreamInterruptedError):
                await read(model)


async def test_a_connection_that_breaks_in_the_middle_is_interrupted(llama_server: Engine) -> None:
    async with proxy(llama_server, whole=False) as (base, _):
        with pytest.raises(StreamInterruptedError, match="broke before the answer was complete"):
            await read(model_at(base, llama_server))
