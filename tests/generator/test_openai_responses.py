"""`openai-responses!` against a stub: what is sent, what goes back, and what a failure is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    GeneratorWarning,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    StreamInterruptedError,
)
from rigging_py.generator import get_generator
from rigging_py.message import TextDelta
from tests.generator.stub import Reply, Stub, refusal
from tests.wire.responses_letters import call, events_of, message, reasoning, response, sse, text

KEY = "hush-hush-9"
HELLO = response(message(text("Hello!")))


@pytest.fixture(autouse=True)
def default_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hush-default-9")


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"openai-responses!gpt-5,api_base={stub.url},api_key={KEY}")


class Animal(BaseModel):
    legs: int


def look(at: str) -> str:
    """Look at something."""
    return f"blue {at}"


async def test_a_chat_is_one_request_with_the_key_in_its_header(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(HELLO))
    chat = await model.chat([rg.Message("system", "Be kind."), rg.Message("user", "Hi")]).with_(max_tokens=99).run()
    [heard] = stub.heard
    assert (heard.path, heard.key) == ("/v1/responses", f"Bearer {KEY}")
    assert heard.body == {
        "model": "gpt-5",
        "input": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "store": False,
        "max_output_tokens": 99,
        "include": ["reasoning.encrypted_content"],
    }
    assert (chat.last.content, chat.stop_reason) == ("Hello!", "stop")
    assert chat.usage is not None
    assert (chat.usage.total_tokens, chat.usage.cached_tokens, chat.usage.reasoning_tokens) == (120, 64, 20)


async def test_the_key_of_the_environment_is_not_sent_elsewhere(stub: Stub) -> None:
    stub.will(Reply(HELLO))
    await get_generator(f"openai-responses!gpt-5,api_base={stub.url}").chat("Hi").run()
    assert stub.heard[0].key is None


async def test_a_tool_is_called_and_what_was_thought_goes_back_with_the_result(stub: Stub, model: rg.Generator) -> None:
    thought, asked = reasoning("I should look."), call(arguments='{"at":"sky"}')
    stub.will(Reply(response(thought, asked)), Reply(HELLO))
    chat = await model.chat("What is it?").using(look).run()
    first, second = (heard.body for heard in stub.heard)
    assert [(tool["name"], tool["strict"]) for tool in first["tools"]] == [("look", False)]
    assert second["input"] == [
        {"role": "user", "content": "What is it?"},
        thought,
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"at":"sky"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "blue sky"},
    ]
    assert chat.last.content == "Hello!"


async def test_another_model_hears_what_was_said_and_not_what_was_thought(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(response(reasoning("Hm."), message(text("Hi.")))), Reply(HELLO))
    chat = await model.chat("Hi").run()
    other = get_generator(f"openai-responses!gpt-6,api_base={stub.url}")
    await chat.restart(generator=other, include_all=True).add("Bye").run()
    assert [item.get("type", "message") for item in stub.heard[1].body["input"]] == ["message"] * 3


async def test_a_stream_says_the_same_in_pieces(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(pieces=[sse(event) for event in events_of(HELLO)]))
    *deltas, turn = [one async for one in model.stream_message([rg.Message("user", "Hi")], rg.GenerateParams())]
    assert stub.heard[0].body["stream"] is True
    assert "".join(one.text for one in deltas if isinstance(one, TextDelta)) == "Hello!"
    assert isinstance(turn, rg.ModelTurn)
    assert turn.message.content == "Hello!"


@pytest.mark.parametrize("is_broken", [False, True])
async def test_a_stream_that_is_cut_at_any_event_is_interrupted(
    stub: Stub, model: rg.Generator, is_broken: bool
) -> None:
    events = [sse(event) for event in events_of(HELLO)]
    for count in range(len(events)):
        stub.will(Reply(pieces=events[:count], broken=is_broken))
        with pytest.raises(StreamInterruptedError):
            [one async for one in model.stream_message([rg.Message("user", "Hi")], rg.GenerateParams())]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(refusal("no key", code="invalid_api_key"), 401), AuthenticationFailedError),
        (Reply(refusal("slow down", code="rate_limit_exceeded"), 429), RateLimitedError),
        (Reply(refusal("too long", code="context_length_exceeded"), 400), ContextOverflowError),
        (Reply(refusal("not that", code="invalid_prompt"), 400), RefusedError),
        (Reply(response(status="failed", error={"code": "server_error", "message": "Oh."})), ServerFaultError),
    ],
)
async def test_a_failure_is_of_our_own_kinds(
    stub: Stub, model: rg.Generator, reply: Reply, kind: type[ProviderError]
) -> None:
    stub.will(reply)
    with pytest.raises(kind):
        await model.chat("Hi").run()


async def test_an_answer_is_held_to_a_schema_where_that_is_known_to_work(stub: Stub, model: rg.Generator) -> None:
    at_home = get_generator("openai-responses!gpt-5")
    assert await at_home.supports_json_schema() is True
    assert await model.supports_json_schema() is None
    strict = get_generator(f"openai-responses!gpt-5,api_base={stub.url},strict=true")
    assert await strict.supports_json_schema() is True
    stub.will(Reply(response(message(text('{"legs": 4}')))))

    chat = await strict.chat("A camel?").until_parsed_as(Animal, output_mode="native").run()
    format_: dict[str, Any] = stub.heard[0].body["text"]["format"]
    assert (format_["type"], format_["strict"], list(format_["schema"]["properties"])) == (
        "json_schema",
        True,
        ["legs"],
    )
    assert chat.output == Animal(legs=4)


async def test_a_text_mode_of_tools_works_without_its_stop(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(HELLO))
    with pytest.warns(GeneratorWarning, match="responses API has no stop"):
        chat = await model.chat("Hi").using(look, mode="xml").run()
    assert chat.last.content == "Hello!"


def test_it_is_made_again_from_its_identifier() -> None:
    model = get_generator("openai-responses!gpt-5,temperature=0.5")
    assert model.to_identifier() == "openai-responses!gpt-5,temperature=0.5"
