"""Streams of every kind of generator: live, whole or interrupted, and closed when nobody reads on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    ProviderError,
    RateLimitedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator import Cut, get_generator, scripted
from rigging_py.generator.request import Request
from rigging_py.generator.transport import stream
from rigging_py.message import Delta, FunctionCall, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta
from tests.generator.stub import Reply, Stub, completion, refusal
from tests.wire.letters import DONE, LETTERS, Letter, chunk, sse
from tests.wire.streams import assembled, shown
from tests.wire.test_openai_stream import said

# litellm 1.106 asks instances for what pydantic wants asked of classes at the end of each stream, and builds types that
# pydantic warns of at the first.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning"),
]

KEY = "hush-hush-9"
HELLO = [rg.Message("user", "Hi")]
letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
wires = pytest.mark.parametrize(
    "provider", ["openai!m", pytest.param("litellm!openai/m", marks=pytest.mark.xdist_group("litellm"))]
)


def streaming(model: rg.Generator, **params: Any) -> AsyncGenerator[Delta, None]:
    return cast("AsyncGenerator[Delta, None]", model.stream_message(HELLO, rg.GenerateParams(**params)))


async def read(model: rg.Generator, **params: Any) -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in streaming(model, **params)]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


async def failure(model: rg.Generator, **params: Any) -> tuple[list[Delta], ProviderError]:
    """What came before the error, and the error, which shows no key."""
    deltas: list[Delta] = []

    async def reading() -> None:
        async for delta in streaming(model, **params):
            deltas.append(delta)  # noqa: PERF401 — what came before the error is kept

    with pytest.raises(ProviderError) as raised:
        await reading()
    assert not any(isinstance(delta, rg.ModelTurn) for delta in deltas)
    assert KEY not in str(raised.value) + str(vars(raised.value))
    return deltas, raised.value


@pytest.fixture
def ask(stub: Stub) -> Callable[[str], rg.Generator]:
    return lambda provider: get_generator(f"{provider},api_base={stub.url},api_key={KEY},timeout=20")


# The wires.


@wires
async def test_a_stream_is_asked_for_and_read(stub: Stub, ask: Callable[[str], rg.Generator], provider: str) -> None:
    stub.will(Reply(pieces=[LETTERS["openai"].body]))
    deltas, turn = await read(ask(provider), temperature=0.5)
    body = stub.heard[0].body
    assert (body["stream"], body["stream_options"], body["temperature"]) == (True, {"include_usage": True}, 0.5)
    assert stub.heard[0].key == f"Bearer {KEY}"
    assert shown(turn) == said(LETTERS["openai"])
    assert turn.usage == rg.Usage(input_tokens=9, output_tokens=4, total_tokens=13)
    assert len(deltas) == 3


@letters
async def test_letters_come_over_the_network_as_they_were_written(stub: Stub, ask: Any, letter: Letter) -> None:
    stub.will(Reply(pieces=[letter.body[:100], letter.body[100:]]))
    deltas, turn = await read(ask("openai!m"))
    assert shown(turn) == said(letter)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@wires
async def test_the_first_delta_is_here_before_the_second_was_sent(stub: Stub, ask: Any, provider: str) -> None:
    seen = threading.Event()
    stub.will(Reply(pieces=[sse(chunk({"content": "one"})), seen, sse(chunk({"content": " two"}), chunk({}, "stop"))]))
    async with aclosing(streaming(ask(provider))) as deltas:
        assert await anext(deltas) == TextDelta("one")
        assert not seen.is_set()
        seen.set()
        assert [delta async for delta in deltas][0] == TextDelta(" two")  # noqa: RUF015


@wires
@pytest.mark.parametrize("broken", [True, False])
async def test_a_stream_without_its_final_record_is_interrupted(
    stub: Stub, ask: Any, provider: str, broken: bool
) -> None:
    stub.will(
        Reply(
            pieces=[sse(chunk({"content": "Hel"}), chunk({"content": "lo"})), *([] if broken else [DONE.encode()])],
            broken=broken,
        )
    )
    deltas, error = await failure(ask(provider))
    assert isinstance(error, StreamInterruptedError)
    assert error.retryable
    assert deltas == [TextDelta("Hel"), TextDelta("lo")]


@pytest.mark.parametrize("body", ["", "<html>\n<style>\n:root {}\n</style>\nWelcome</html>\n"])
async def test_a_page_that_is_no_stream_fails_as_it_does_where_none_was_asked_for(
    stub: Stub, ask: Any, body: str
) -> None:
    page = Reply(body, headers={"content-type": "text/html"})
    stub.will(page, page)
    deltas, error = await failure(ask("openai!m"))
    [whole] = await ask("openai!m").generate_messages([HELLO], [rg.GenerateParams()])
    assert (deltas, type(error), error.retryable, str(error)) == ([], InvalidError, False, str(whole))
    assert "is the API's address" in str(error)


async def test_a_page_without_an_end_is_not_read_to_its_end(stub: Stub, ask: Any) -> None:
    page = [b"<p>\n" * 4096] * 100
    stub.will(Reply(pieces=[*page, threading.Event()], headers={"content-type": "text/html"}))
    deltas, error = await asyncio.wait_for(failure(ask("openai!m")), 20)
    assert (deltas, type(error)) == ([], InvalidError)


@pytest.mark.parametrize("body", [LETTERS["openai"].body.decode(), json.dumps(completion(LETTERS["openai"].text))])
async def test_a_server_that_calls_its_stream_plain_text_is_read_all_the_same(stub: Stub, ask: Any, body: str) -> None:
    stub.will(Reply(body, headers={"content-type": "text/plain"}))
    assert (await read(ask("openai!m")))[1].message.content == LETTERS["openai"].text


@wires
async def test_a_connection_that_breaks_after_the_final_record_has_cost_the_counts_only(
    stub: Stub, ask: Any, provider: str
) -> None:
    stub.will(Reply(pieces=[LETTERS["openai, tools"].until_final], broken=True))
    _, turn = await read(ask(provider))
    assert shown(turn) == said(LETTERS["openai, tools"])
    assert turn.usage is None


async def test_a_server_that_says_nothing_after_the_finish_reason_is_not_waited_for(stub: Stub, ask: Any) -> None:
    stub.will(Reply(pieces=[LETTERS["openai, tools"].until_final, threading.Event()]))
    _, turn = await asyncio.wait_for(read(ask("openai!m")), 20)
    assert shown(turn) == said(LETTERS["openai, tools"])


@wires
async def test_an_error_in_the_middle_is_of_its_kind(stub: Stub, ask: Any, provider: str) -> None:
    error = {"error": {"message": f"too many for {KEY}", "code": 429, "type": "rate_limit_exceeded"}}
    stub.will(Reply(pieces=[sse(chunk({"content": "Hel"}), error)]))
    deltas, failed = await failure(ask(provider))
    assert isinstance(failed, RateLimitedError)
    assert "too many for ***" in str(failed)
    assert deltas == [TextDelta("Hel")]


@wires
async def test_a_request_that_is_refused_before_it_began_is_an_error_of_its_kind(
    stub: Stub, ask: Any, provider: str
) -> None:
    stub.will(Reply(refusal(f"Incorrect key {KEY}", code="invalid_api_key"), 401))
    deltas, error = await failure(ask(provider))
    assert isinstance(error, AuthenticationFailedError)
    assert (error.status, deltas) == (401, [])


async def test_a_completion_in_place_of_a_stream_is_taken(stub: Stub, ask: Any) -> None:
    stub.will(Reply(completion("Hello!")))
    deltas, turn = await read(ask("openai!m"))
    assert (deltas, turn.message.content, turn.stop_reason) == ([TextDelta("Hello!")], "Hello!", "stop")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(cut=40), StreamInterruptedError),
        (Reply(hangs_up=True), StreamInterruptedError),
        (Reply(refusal("busy"), 503), ServerFaultError),
        (Reply(pieces=[b"data: {nonsense\n\n"]), InvalidError),
        (Reply(pieces=[]), StreamInterruptedError),
    ],
)
async def test_whatever_else_comes_is_an_error(stub: Stub, ask: Any, reply: Reply, kind: type[ProviderError]) -> None:
    stub.will(reply)
    assert type((await failure(ask("openai!m")))[1]) is kind


async def test_a_stream_that_does_not_end_in_time_is_timed_out(stub: Stub, ask: Any) -> None:
    stub.will(Reply(pieces=[sse(chunk({"content": "Hel"})), threading.Event()]))
    deltas, error = await failure(ask("openai!m"), timeout=0.2)
    assert isinstance(error, TimedOutError)
    assert deltas == [TextDelta("Hel")]


async def test_a_stream_that_falls_silent_is_timed_out(stub: Stub) -> None:
    stub.will(Reply(pieces=[b"data: a\n\n", threading.Event()]))
    request = Request("acme", f"{stub.url}/x", {}, idle=0.1)
    async with aclosing(stream(request)) as chunks:
        assert await anext(chunks) == b"data: a\n\n"
        with pytest.raises(TimedOutError, match=r"nothing more of its answer for 0\.1 seconds"):
            await anext(chunks)


@wires
@pytest.mark.parametrize("how", ["close", "cancel"])
async def test_whoever_stops_reading_closes_the_connection(stub: Stub, ask: Any, provider: str, how: str) -> None:
    stub.will(Reply(pieces=[sse(chunk({"content": "Hel"})), threading.Event(), b"more"]))
    came = asyncio.Event()
    deltas = streaming(ask(provider))

    async def reading() -> None:
        async for _ in deltas:
            came.set()

    if how == "close":
        await anext(deltas)
    else:
        task = asyncio.create_task(reading())
        async with asyncio.timeout(30):
            await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await deltas.aclose()
    assert await asyncio.to_thread(stub.left.wait, 5)


def test_one_generator_streams_from_one_event_loop_after_another(stub: Stub, ask: Any) -> None:
    model = ask("openai!m")
    for _ in range(3):
        stub.will(Reply(pieces=[LETTERS["openai"].body]))
        assert shown(asyncio.run(read(model))[1]) == said(LETTERS["openai"])


async def test_a_server_that_does_not_hang_up_after_done_keeps_nobody_waiting(stub: Stub, ask: Any) -> None:
    stub.will(Reply(pieces=[LETTERS["openai"].body, threading.Event()]))
    async with asyncio.timeout(5):
        assert (await read(ask("openai!m")))[1].usage is not None


# The script, and the law for all.

CALLS = [
    ToolCall(id="a", function=FunctionCall(name="look", arguments=json.dumps({"at": "the whole sky"}))),
    ToolCall(id="b", function=FunctionCall(name="ping")),
]
FULL = rg.ModelTurn(
    rg.Message("assistant", "I will look now.", tool_calls=CALLS),
    "tool_calls",
    extra={"reasoning_content": "Hm, well."},
)


async def test_a_script_thinks_then_speaks_then_calls() -> None:
    deltas, turn = await read(scripted(FULL))
    assert turn is FULL
    assert deltas[:3] == [ReasoningDelta("Hm,"), ReasoningDelta(" well."), TextDelta("I")]
    assert deltas[6:8] == [ToolCallDelta(0, "a", "look"), ToolCallDelta(0, arguments='{"at": "')]
    assert assembled(deltas)[2] == tuple((call.id, call.name, call.arguments) for call in CALLS)


@pytest.mark.parametrize("after", range(16))
async def test_a_script_can_break_off_after_any_piece(after: int) -> None:
    whole, _ = await read(scripted(FULL))
    deltas, error = await failure(scripted(Cut(FULL, after=after)))
    assert deltas == whole[:after]
    assert isinstance(error, StreamInterruptedError)


async def test_asked_for_whole_a_cut_reply_is_the_error_alone() -> None:
    model = scripted(Cut("Hello there", after=1), "Hello")
    with pytest.raises(StreamInterruptedError, match="cuts this answer off"):
        await model.chat("Hi").run()
    assert (await model.chat("Hi").run()).last.content == "Hello"


async def test_a_function_gives_its_turn_as_the_only_piece() -> None:
    assert [type(one) async for one in streaming(rg.get_generator(named.to_identifier()))] == [rg.ModelTurn]


named = rg.generator.FunctionGenerator(lambda messages, params: "Hello!", model="streamed-hello")


def look(at: str) -> str:
    """Looks at something."""
    return at


async def test_text_and_calls_of_the_deltas_are_those_of_the_turn_for_every_kind(stub: Stub, ask: Any) -> None:
    tools = [rg.tool(look).definition]
    stub.will(Reply(pieces=[LETTERS["openai, tools"].body]))
    for model in (ask("openai!m"), scripted(FULL)):
        deltas, turn = await read(model, tools=tools)
        calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
        assert (assembled(deltas)[0], assembled(deltas)[2]) == (turn.message.content, calls)


@pytest.mark.xdist_group("litellm")
@pytest.mark.parametrize("name", ["openai", "openai, tools"])
async def test_and_for_litellm(stub: Stub, ask: Any, name: str) -> None:
    stub.will(Reply(pieces=[LETTERS[name].body]))
    deltas, turn = await read(ask("litellm!openai/m"))
    calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
    assert (assembled(deltas)[0], assembled(deltas)[2]) == (turn.message.content, calls)
    assert shown(turn) == said(LETTERS[name])


@pytest.mark.xdist_group("litellm")
async def test_litellm_says_what_a_known_model_costs_streamed_or_whole(stub: Stub, ask: Any) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    stub.will(Reply(pieces=[LETTERS["openai"].body]), Reply(completion() | {"usage": usage, "model": "gpt-4o"}))
    model = ask("litellm!openai/gpt-4o")
    _, streamed = await read(model)
    [whole] = await model.generate_messages([HELLO], [rg.GenerateParams()])
    assert streamed.usage is not None
    assert streamed.usage.cost == pytest.approx(9 * 2.5e-6 + 4 * 1e-5)
    assert whole.usage == streamed.usage
