"""`ollama!` against a stub that answers with the letters of the API."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pytest

import rigging_py as rg
from rigging_py.error import GeneratorWarning, InvalidError, ProviderError, StreamInterruptedError
from rigging_py.generator import get_generator
from rigging_py.generator.ollama import OllamaGenerator
from rigging_py.message import Delta
from tests.generator.stub import Reply, Stub
from tests.wire.ollama_letters import COUNTED, ENDED, LETTERS, Letter, call, lines, record

KEY = "hush-hush-9"


@pytest.fixture
def base(stub: Stub) -> str:
    return stub.url.removesuffix("/v1")


@pytest.fixture
def model(base: str) -> rg.Generator:
    return get_generator(f"ollama!llama3.2,api_base={base}")


def add(a: Annotated[int, "the first"], b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def told(model: rg.Generator, text: str = "Hi") -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in model.stream_message([rg.Message("user", text)], rg.GenerateParams())]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


async def test_a_chat_is_one_request_without_a_key(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(record("Hello!", **ENDED)))
    chat = await model.chat("Hi").with_(max_tokens=9, extra={"num_ctx": 8192, "keep_alive": 0}).run()
    [heard] = stub.heard
    assert (heard.path, heard.key) == ("/api/chat", None)
    assert heard.body == {
        "model": "llama3.2",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
        "options": {"num_predict": 9, "num_ctx": 8192},
        "keep_alive": 0,
    }
    assert (chat.last.content, chat.stop_reason) == ("Hello!", "stop")
    assert chat.usage is not None
    assert chat.usage.model_copy(update={"cost": None}) == COUNTED


async def test_tools_are_offered_called_and_answered_by_name(stub: Stub, model: rg.Generator) -> None:
    calls = [call("add", {"a": 1337, "b": 42}), call("add", {"a": 1})]
    stub.will(Reply(record(thinking="Add.", tool_calls=calls, **ENDED)), Reply(record("1379 and 2.", **ENDED)))
    chat = await model.chat("What is 1337 + 42, and 1 + 1?").using(add).run()
    first, second = (heard.body for heard in stub.heard)
    assert [tool["function"]["name"] for tool in first["tools"]] == ["add"]
    assert second["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "thinking": "Add.",
            "tool_calls": [{"id": f"call_1_{index}", **one} for index, one in enumerate(calls)],
        },
        {"role": "tool", "content": "1379", "tool_name": "add", "tool_call_id": "call_1_0"},
        {"role": "tool", "content": "2", "tool_name": "add", "tool_call_id": "call_1_1"},
    ]
    assert chat.last.content == "1379 and 2."


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
async def test_a_streamed_answer_is_the_one_that_comes_whole(stub: Stub, model: rg.Generator, letter: Letter) -> None:
    ndjson = {"content-type": "application/x-ndjson"}
    stub.will(Reply(pieces=[letter.body[:7], letter.body[7:]], headers=ndjson), Reply(letter.whole))
    _, turn = await told(model)
    [whole] = await model.generate_messages([[rg.Message("user", "Hi")]], [rg.GenerateParams()])
    assert isinstance(whole, rg.ModelTurn)
    assert stub.heard[0].body["stream"] is True
    assert turn.message.content_parts == whole.message.content_parts
    assert turn.message.tool_calls == whole.message.tool_calls
    assert (turn.stop_reason, turn.usage, turn.extra) == (whole.stop_reason, whole.usage, whole.extra)


async def test_a_stream_that_is_cut_after_any_record_is_whole_or_interrupted(stub: Stub, model: rg.Generator) -> None:
    letter = LETTERS["text"]
    records = [lines(one) for one in letter.records]
    for count in range(1, len(records)):
        for broken in (True, False):
            stub.will(Reply(pieces=records[:count], broken=broken))
            with pytest.raises(StreamInterruptedError):
                await told(model)
    stub.will(Reply(pieces=[b"".join(records)[:-1]]), Reply(pieces=records, broken=True))
    assert (await told(model))[1].message.content == letter.text
    assert (await told(model))[1].message.content == letter.text


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "llama3.2 does not support tools", "Invalid"),
        (400, "the input length exceeds the context length", "ContextOverflow"),
        (401, "unauthorized", "AuthenticationFailed"),
        (404, "model 'llama3.2' not found", "NotFound"),
        (500, "model requires more system memory than is available", "ServerFault"),
        (503, "server busy, please try again", "ServerFault"),
    ],
)
async def test_an_error_is_of_its_kind(stub: Stub, model: rg.Generator, status: int, message: str, kind: str) -> None:
    stub.will(*[Reply({"error": message}, status=status)] * 2)
    for ask in (model.chat("Hi").run, lambda: told(model)):
        with pytest.raises(ProviderError, match=message) as raised:
            await ask()
        assert (raised.value.kind, raised.value.status) == (kind, status)


async def test_an_error_in_a_stream_is_the_server_s_fault(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(pieces=[lines(record("Hel"), {"error": "llama runner process has terminated"})]))
    with pytest.raises(ProviderError, match="ollama broke off its answer: llama runner") as raised:
        await told(model)
    assert raised.value.kind == "ServerFault"


async def test_a_picture_that_would_have_to_be_fetched_is_refused_and_nothing_is_sent(
    stub: Stub, model: rg.Generator
) -> None:
    with pytest.raises(InvalidError, match="Fetch a picture"):
        await model.chat(rg.Message("user", rg.ContentImageUrl.from_url("https://x.org/y.png"))).run()
    assert not stub.heard


async def test_a_prompt_that_was_cut_is_warned_of_whole_and_streamed(stub: Stub, model: rg.Generator) -> None:
    cut = {**ENDED, "prompt_eval_count": 2048}
    stub.will(Reply(record("x", **cut)), Reply(pieces=[lines(record("x", **cut))]))
    long = "word " * 8000
    with pytest.warns(GeneratorWarning, match="Ollama read 2048 tokens, which is less than the prompt must have"):
        await model.chat(long).run()
    with pytest.warns(GeneratorWarning, match="num_ctx"):
        await told(model, long)


async def test_the_key_of_the_environment_is_for_its_cloud_only(
    stub: Stub, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "hush-default-9")
    stub.will(*[Reply(record("Hello!", **ENDED))] * 4)

    class Here(OllamaGenerator):
        base_url: ClassVar[str | None] = base

    class Cloud(OllamaGenerator):
        cloud_url: ClassVar[str] = base

    await Here(model="m").chat("Hi").run()
    await get_generator(f"ollama!m,api_base={base}").chat("Hi").run()
    await get_generator(f"ollama!m,api_base={base},api_key={KEY}").chat("Hi").run()
    await Cloud(model="m", params=rg.GenerateParams(api_base=f"{base}/")).chat("Hi").run()
    assert [one.key for one in stub.heard] == [None, None, f"Bearer {KEY}", "Bearer hush-default-9"]
