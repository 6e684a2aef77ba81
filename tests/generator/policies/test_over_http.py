"""Policies around a provider that is really asked, over loopback."""

from __future__ import annotations

import asyncio
import socket

import pytest

import rigging_py as rg
from rigging_py.error import NotFoundError, ServerFaultError, StreamInterruptedError
from tests.generator.stub import Reply, Stub, completion, refusal, serving
from tests.wire.letters import LETTERS

KEY = "hush-hush-9"


def model(stub: Stub, name: str = "m") -> rg.Generator:
    return rg.get_generator(f"openai!{name},api_base={stub.url},api_key={KEY}")


def nobody() -> rg.Generator:
    """A model where no server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return rg.get_generator(f"openai!m,api_base=http://127.0.0.1:{free.getsockname()[1]}/v1,api_key={KEY}")


async def test_the_wait_that_a_header_asks_for_is_waited(stub: Stub) -> None:
    clock = rg.VirtualClock()
    stub.will(Reply(refusal("Slow down."), 429, {"retry-after": "7"}), Reply(refusal("Broken."), 503))
    retrying = rg.retry(model(stub), clock=clock, first=1, random=lambda: 1.0)
    assert (await retrying.chat("Hi").run()).last.content == "Hello!"
    assert clock.now() == 7 + 1 + 2
    assert len(stub.heard) == 3


async def test_what_was_sent_and_never_answered_is_not_sent_again_unless_that_is_wanted(stub: Stub) -> None:
    stub.will(Reply(hangs_up=True), Reply(hangs_up=True))
    with pytest.raises(StreamInterruptedError) as caught:
        await rg.retry(model(stub), clock=rg.VirtualClock()).chat("Hi").run()
    assert caught.value.is_outcome_unknown
    assert len(stub.heard) == 1
    retrying = rg.retry(model(stub), clock=rg.VirtualClock(), unknown=True)
    assert (await retrying.chat("Hi").run()).last.content == "Hello!"
    assert len(stub.heard) == 3


async def test_a_server_that_cannot_be_reached_is_tried_again_and_then_another_asked(stub: Stub) -> None:
    clock = rg.VirtualClock()
    either = rg.fallback(rg.retry(nobody(), attempts=3, clock=clock, random=lambda: 1.0), model(stub, "spare"))
    chat = await either.chat("Hi").run()
    assert chat.extra["generator"] == "openai!spare"
    assert clock.now() == 0.5 + 1
    with pytest.raises(ServerFaultError) as caught:
        await rg.retry(nobody(), attempts=3, clock=clock).chat("Hi").run()
    assert len(caught.value.attempts) == 2


async def test_a_stream_that_is_refused_is_begun_again(stub: Stub) -> None:
    letter = next(iter(LETTERS.values()))
    stub.will(Reply(refusal("Slow down."), 429), Reply(pieces=[letter.body]))
    retrying = rg.retry(model(stub), clock=rg.VirtualClock())
    pieces = [one async for one in retrying.stream_message([rg.Message("user", "Hi")], rg.GenerateParams())]
    turn = pieces[-1]
    assert isinstance(turn, rg.ModelTurn)
    assert len(turn.attempts) == 1
    assert len(pieces) > 2


async def test_no_more_connections_are_open_than_calls_allowed(stub: Stub) -> None:
    stub.will(*[Reply(waits=0.01)] * 12)
    limited = rg.limit(model(stub), concurrency=2)
    await asyncio.gather(*(limited.chat("Hi").run() for _ in range(12)))
    assert stub.most_under_way <= 2
    assert len(stub.heard) == 12


async def test_each_alternative_gets_its_own_key_and_none_that_of_another(stub: Stub) -> None:
    with serving() as other:
        stub.will(Reply(refusal("No such model.", code="model_not_found"), 404))
        other.will(Reply(completion("Hi from the other.")))
        first = f"openai!a,api_base={stub.url},api_key=key-of-a"
        second = f"openai!b,api_base={other.url},api_key=key-of-b"
        chat = await rg.get_generator(f"{first}|{second}").chat("Hi").run()
    assert chat.last.content == "Hi from the other."
    assert [one.key for one in (*stub.heard, *other.heard)] == ["Bearer key-of-a", "Bearer key-of-b"]


async def test_errors_of_all_alternatives_show_no_key(stub: Stub) -> None:
    stub.will(*[Reply(refusal(f"No such model for {KEY}."), 404)] * 2)
    with pytest.raises(NotFoundError) as caught:
        await rg.fallback(model(stub), model(stub)).chat("Hi").run()
    assert KEY not in "".join(f"{one} {one.body}" for one in (*caught.value.attempts, caught.value))
