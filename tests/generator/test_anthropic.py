"""`anthropic!` against a stub that says what Anthropic's reference says."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import pytest

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    InvalidError,
    InvalidGeneratorError,
    NotFoundError,
    PipelineWarning,
    ProviderError,
    RateLimitedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator import get_generator, get_identifier
from rigging_py.message import ContentReasoning
from tests.generator.stub import Reply, Stub
from tests.wire.anthropic_letters import LETTERS, Letter, sse, whole

KEY = "hush-hush-9"
DEFAULT_KEY = "hush-default-9"
HELLO = [rg.Message("user", "Hi")]


@pytest.fixture(autouse=True)
def default_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", DEFAULT_KEY)


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"anthropic!claude-test,api_base={stub.url},api_key={KEY}")


def look(at: Annotated[str, "where"]) -> str:
    """Look somewhere."""
    return f"{at} is blue"


async def streamed(model: rg.Generator) -> rg.ModelTurn:
    *_, turn = [delta async for delta in model.stream_message(HELLO, rg.GenerateParams())]
    assert isinstance(turn, rg.ModelTurn)
    return turn


async def direct(model: rg.Generator) -> rg.ModelTurn:
    [turn] = await model.generate_messages([HELLO], [rg.GenerateParams()])
    if isinstance(turn, BaseException):
        raise turn
    return turn


def reply(*content: dict[str, Any], **others: Any) -> Reply:
    return Reply(whole(*content, **others))


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


# What is sent and what is read.


async def test_a_chat_is_one_request_with_the_key_and_the_version_in_headers(stub: Stub, model: rg.Generator) -> None:
    stub.will(reply(text("Hello!")))
    chat = await model.chat([rg.Message("system", "Be kind."), rg.Message("user", "Hi")]).run()
    [heard] = stub.heard
    assert heard.path == "/v1/messages"
    assert heard.key is None
    assert (heard.headers["x-api-key"], heard.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "anthropic-beta" not in heard.headers
    assert heard.body == {
        "model": "claude-test",
        "max_tokens": 64_000,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": "Hi"}],
    }
    assert (chat.last.role, chat.last.content, chat.stop_reason) == ("assistant", "Hello!", "stop")
    assert chat.usage == rg.Usage(input_tokens=9, output_tokens=4, total_tokens=13)
    assert chat.extra == {"response_id": "msg_7", "model": "claude-test", "stop_reason": "end_turn"}


async def test_features_that_are_not_for_everybody_are_asked_for_by_name(stub: Stub) -> None:
    stub.will(reply(text("Hello!")))
    model = get_generator(f'anthropic!claude-test,api_base={stub.url},beta="a-2025-01-01,b-2026-01-01"')
    await model.chat("Hi").run()
    assert stub.heard[0].headers["anthropic-beta"] == "a-2025-01-01,b-2026-01-01"
    assert get_generator(get_identifier(model)) == model
    with pytest.raises(InvalidGeneratorError, match="beta"):
        get_generator('anthropic!claude-test,beta="a: b"')


async def test_thoughts_and_calls_go_back_with_the_results(stub: Stub, model: rg.Generator) -> None:
    thinking = {"type": "thinking", "thinking": "I must look.", "signature": "c2ln"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
    stub.will(reply(thinking, use, reason="tool_use"), reply(text("It is blue.")))
    chat = await model.chat("What is it like?").using(look).run()
    assert chat.last.content == "It is blue."
    first, second = (heard.body for heard in stub.heard)
    assert first["tools"][0]["input_schema"]["properties"] == {"at": {"type": "string", "description": "where"}}
    assert second["messages"] == [
        {"role": "user", "content": "What is it like?"},
        {"role": "assistant", "content": [thinking, use]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sky is blue"}],
        },
    ]
    assert chat.extra == {"response_id": "msg_7", "model": "claude-test", "stop_reason": "end_turn"}


async def test_a_call_that_cannot_be_made_is_told_as_an_error(stub: Stub, model: rg.Generator) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 5}}
    stub.will(reply(use, reason="tool_use"), reply(text("Sorry.")))
    await model.chat("What is it like?").using(look).run()
    [result] = stub.heard[1].body["messages"][-1]["content"]
    assert result["is_error"] is True


async def test_a_turn_that_was_paused_goes_on_from_where_it_was(stub: Stub, model: rg.Generator) -> None:
    paused = LETTERS["the provider's own tool"].whole
    stub.will(Reply(paused), reply(text("And grey.")))
    chat = await model.chat("What is it like?").run()
    assert chat.extra["stop_reason"] == "pause_turn"
    await chat.restart(include_all=True).run()
    sent = stub.heard[1].body["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant"]
    assert [block["type"] for block in sent[1]["content"]] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]


async def test_a_stored_chat_keeps_what_only_its_model_understands(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(LETTERS["thinking"].whole))
    chat = await model.chat("6 * 7?").run()
    stored = rg.Chat.model_validate_json(chat.model_dump_json())
    parts = [part for part in stored.last.content_parts if isinstance(part, ContentReasoning)]
    assert [(part.form, part.signature, part.data, part.origin) for part in parts] == [
        ("thinking", "c2ln", None, "anthropic!claude-test"),
        ("redacted_thinking", None, "ZGF0YQ==", "anthropic!claude-test"),
    ]
    assert chat.usage is not None
    assert (chat.usage.input_tokens, chat.usage.cached_tokens, chat.usage.cache_write_tokens) == (123, 100, 20)


async def test_whether_another_server_holds_to_a_schema_is_not_known(model: rg.Generator) -> None:
    assert await get_generator("anthropic!claude-test").supports_json_schema() is True
    assert await model.supports_json_schema() is None
    assert await model.supports_function_calling() is True


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
async def test_a_streamed_answer_is_the_one_that_comes_whole(stub: Stub, model: rg.Generator, letter: Letter) -> None:
    body = letter.body
    stub.will(Reply(letter.whole), Reply(pieces=[body[at : at + 40] for at in range(0, len(body), 40)]))
    one, other = await direct(model), await streamed(model)
    assert one.message.content_parts == other.message.content_parts
    assert one.message.tool_calls == other.message.tool_calls
    assert (one.stop_reason, one.usage, one.extra) == (other.stop_reason, other.usage, other.extra)
    assert stub.heard[1].body == {**stub.heard[0].body, "stream": True}


async def test_a_stream_that_is_cut_after_any_event_is_whole_or_interrupted(stub: Stub, model: rg.Generator) -> None:
    letter = LETTERS["tools"]
    events = [*letter.until_final, *letter.after]
    for count in range(len(events) + 1):
        is_whole = count >= len(letter.until_final)
        # A connection that is reset may lose what was sent last, so only those that are cut early are.
        stub.will(Reply(pieces=[sse(event) for event in events[:count]], broken=not is_whole and count % 2 == 0))
        if is_whole:
            assert (await streamed(model)).message.content == letter.text
        else:
            with pytest.raises(StreamInterruptedError):
                await streamed(model)


# What goes wrong.


@pytest.mark.parametrize(
    ("status", "kind", "said", "error"),
    [
        (400, "invalid_request_error", "messages: at least one message is required", InvalidError),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextOverflowError),
        (401, "authentication_error", "invalid x-api-key", AuthenticationFailedError),
        (402, "billing_error", "Your credit balance is too low", AuthenticationFailedError),
        (403, "permission_error", "no", AuthenticationFailedError),
        (404, "not_found_error", "model: claude-test", NotFoundError),
        (413, "request_too_large", "Request exceeds the maximum size", ContextOverflowError),
        (429, "rate_limit_error", "Slow down", RateLimitedError),
        (500, "api_error", "Internal server error", ServerFaultError),
        (504, "timeout_error", "Too slow", TimedOutError),
        (529, "overloaded_error", "Overloaded", ServerFaultError),
    ],
)
@pytest.mark.parametrize("ask", [direct, streamed])
async def test_an_error_is_of_its_kind_with_its_facts(
    stub: Stub,
    model: rg.Generator,
    status: int,
    kind: str,
    said: str,
    error: type[ProviderError],
    ask: Callable[[rg.Generator], Awaitable[rg.ModelTurn]],
) -> None:
    body = {"type": "error", "error": {"type": kind, "message": f"{said} ({KEY})"}, "request_id": "req_1"}
    stub.will(Reply(body, status, {"request-id": "req_1", "retry-after": "7"}))
    with pytest.raises(error) as raised:
        await ask(model)
    failure = raised.value
    assert type(failure) is error
    assert (failure.status, failure.request_id, failure.retry_after) == (status, "req_1", 7.0)
    assert said in str(failure)
    assert KEY not in f"{failure}{failure.body}"


async def test_the_key_of_the_environment_is_for_anthropic_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.will(reply(text("Hello!")))
    await get_generator(f"anthropic!claude-test,api_base={stub.url}").chat("Hi").run()
    assert DEFAULT_KEY not in json.dumps(dict(stub.heard[0].headers))
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(AuthenticationFailedError, match="set the environment variable ANTHROPIC_API_KEY"):
        await get_generator("anthropic!claude-test").chat("Hi").run()


async def test_a_form_is_asked_for_in_words_where_nobody_knows_that_it_can_be_held_to(
    stub: Stub, model: rg.Generator
) -> None:
    class Place(rg.Model):
        name: str

    stub.will(reply(text('{"name": "Oslo"}')))
    with pytest.warns(PipelineWarning, match="asked for in words"):
        chat = await model.chat("Where?").until_parsed_as(Place, output_mode="native").run()
    assert chat.output == Place(name="Oslo")
    assert "JSON schema" in stub.heard[0].body["system"]
