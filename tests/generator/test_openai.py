"""`openai!` against a stub that behaves as badly as it is told to, and against llama.cpp's own server."""

from __future__ import annotations

import asyncio
import socket
import traceback
from typing import Annotated, Any

import pytest

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    InvalidError,
    NetworkRefusedError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import engine_for
from rigging_py.generator.local.weights import weights
from tests.generator.stub import Reply, Stub, completion, refusal

KEY = "hush-hush-9"
DEFAULT_KEY = "hush-default-9"


@pytest.fixture(autouse=True)
def default_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", DEFAULT_KEY)


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"openai!stub-1,api_base={stub.url},api_key={KEY}")


def add(a: Annotated[int, "the first"], b: int = 1) -> int:
    """Add two numbers."""
    return a + b


# What is sent and what is read.


async def test_a_chat_is_one_request_with_the_key_in_its_header(stub: Stub, model: rg.Generator) -> None:
    chat = await model.chat([rg.Message("system", "Be kind."), rg.Message("user", "Hi")]).run()
    [heard] = stub.heard
    assert (heard.path, heard.key) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert heard.body == {
        "model": "stub-1",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
    }
    assert (chat.last.role, chat.last.content, chat.stop_reason) == ("assistant", "Hello!", "stop")
    assert chat.usage == rg.Usage(input_tokens=7, output_tokens=5, total_tokens=12)
    assert chat.extra == {"response_id": "chatcmpl-1", "model": "stub-1"}


async def test_parameters_are_sent_as_they_are_and_where_to_and_how_long_are_not(stub: Stub) -> None:
    text = f"openai!m,api_base={stub.url},timeout=20,temperature=0.5,stop=a;b,max_tokens=9,seed=1,top_k=2,top_p=0.9"
    params = rg.GenerateParams(presence_penalty=0.1, frequency_penalty=0.2, extra={"logprobs": True, "seed": 3})
    await get_generator(text).chat("Hi").with_(params, max_tokens=10).run()
    body = stub.heard[0].body
    assert body.pop("messages") == [{"role": "user", "content": "Hi"}]
    assert body == {
        "model": "m",
        "temperature": 0.5,
        "max_tokens": 10,
        "top_k": 2,
        "top_p": 0.9,
        "stop": ["a", "b"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 3,
        "logprobs": True,
    }


async def test_tools_are_offered_called_and_answered(stub: Stub, model: rg.Generator) -> None:
    function = {"name": "add", "arguments": '{"a":1337,"b":42}'}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    stub.will(Reply(completion(None, tool_calls=calls)), Reply(completion("It is 1379.")))
    chat = await model.chat("What is 1337 + 42?").using(add, choice="required").run()
    first, second = (heard.body for heard in stub.heard)
    assert first["tool_choice"] == "required"
    assert first["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "add",
                "description": "Add two numbers.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "integer", "description": "the first"},
                        "b": {"type": "integer", "default": 1},
                    },
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
        }
    ]
    assert second["tool_choice"] == "auto"
    assert second["messages"][1:] == [
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "content": "1379", "tool_call_id": "call_1"},
    ]
    assert chat.last.content == "It is 1379."
    assert chat.usage == rg.Usage(input_tokens=14, output_tokens=10, total_tokens=24)


async def test_conversations_of_a_batch_are_requests_of_their_own(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(refusal("no"), 500), Reply(), Reply())
    results = await model.generate_messages([[rg.Message("user", "Hi")]] * 3, [rg.GenerateParams()] * 3)
    assert len(stub.heard) == 3
    assert sorted(type(result).__name__ for result in results) == ["ModelTurn", "ModelTurn", "ServerFaultError"]


# What goes wrong.


async def failure(model: rg.Generator) -> ProviderError:
    """The error of a chat, which has the transcript on it and the key nowhere."""
    with pytest.raises(ProviderError) as raised:
        await model.chat([rg.Message("user", "Hello there")]).run()
    error = raised.value
    assert [message.content for message in error.messages] == ["Hello there"]
    assert error.run is not None
    assert error.run.state == "Failed"
    assert error.provider == "openai"
    said = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + str(error.run.dump())
    assert KEY not in said
    assert DEFAULT_KEY not in said
    return error


@pytest.mark.parametrize(
    ("reply", "cls", "kind", "said"),
    [
        (
            Reply(refusal(f"Incorrect API key provided: {KEY}.", code="invalid_api_key"), 401),
            AuthenticationFailedError,
            "AuthenticationFailed",
            "openai answered HTTP 401: Incorrect API key provided: ***. Check the key and what it may do.",
        ),
        (
            Reply(refusal("Not for you"), 403),
            AuthenticationFailedError,
            "AuthenticationFailed",
            "openai answered HTTP 403: Not for you. Check the key and what it may do.",
        ),
        (
            Reply(refusal("The model `stub-1` does not exist", code="model_not_found"), 404),
            NotFoundError,
            "NotFound",
            "The model `stub-1` does not exist. Check the name of the model, and the address: http://127.0.0.1:",
        ),
        (
            Reply("<html>\n <b>Not Found</b>\n</html>", 404),
            NotFoundError,
            "NotFound",
            'openai answered HTTP 404: a web page, "Not Found". Check the name',
        ),
        (Reply("", 500), ServerFaultError, "ServerFault", "openai answered HTTP 500: no reason given. This is the"),
        (Reply(refusal("busy"), 529), ServerFaultError, "ServerFault", "openai answered HTTP 529: busy."),
        (
            Reply(refusal("too long", code="context_length_exceeded"), 400),
            ContextOverflowError,
            "ContextOverflow",
            "openai answered HTTP 400: too long. Shorten the conversation",
        ),
        (Reply(refusal("no", code="content_filter"), 400), RefusedError, "Refused", "openai answered HTTP 400: no."),
        (
            Reply(refusal("bad temperature"), 400),
            InvalidError,
            "Invalid",
            "openai answered HTTP 400: bad temperature. The request is not one that the provider takes.",
        ),
        (Reply("", 204), InvalidError, "Invalid", "openai answered HTTP 204"),
    ],
)
async def test_a_refused_request_is_an_error_of_its_kind(
    stub: Stub, model: rg.Generator, reply: Reply, cls: type[ProviderError], kind: str, said: str
) -> None:
    stub.will(reply)
    error = await failure(model)
    assert type(error) is cls
    assert said in str(error)
    assert (error.kind, error.status) == (kind, reply.status)
    assert error.body == reply.content.decode().replace(KEY, "***")


async def test_a_rate_limit_says_how_long_to_wait(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(refusal("Slow down."), 429, {"retry-after": "2.5", "x-request-id": "req-7"}))
    error = await failure(model)
    assert isinstance(error, RateLimitedError)
    assert (error.status, error.retry_after, error.request_id, error.retryable) == (429, 2.5, "req-7", True)
    assert str(error) == "openai answered HTTP 429: Slow down. Send less, or wait."


async def test_a_redirect_is_not_followed(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply("", 307, {"location": f"{stub.url}/elsewhere"}))
    error = await failure(model)
    assert (error.kind, error.status, len(stub.heard)) == ("Invalid", 307, 1)
    assert "Redirects are not followed" in str(error)


NO_COMPLETIONS: list[tuple[Any, str]] = [
    ("", "is not JSON"),
    ("<html>Welcome</html>", "is the API's address"),
    ({"choices": []}, "it has no choices"),
    ({"choices": None}, "it has no choices"),
    ([1], "it is not a JSON object"),
    ("null", "it is not a JSON object"),
    ({"choices": [{}]}, "its first choice has no message"),
    ({"choices": ["hi"]}, "its first choice has no message"),
    (completion(tool_calls=[{"id": "a"}]), "a tool call in it names no function"),
    (completion(tool_calls=7), "its content or its tool calls are of another kind"),
    ({"choices": [{"message": {"content": 5}}]}, "its content or its tool calls are of another kind"),
]


@pytest.mark.parametrize(("body", "problem"), NO_COMPLETIONS)
async def test_a_reply_that_is_no_completion_is_shown(stub: Stub, model: rg.Generator, body: Any, problem: str) -> None:
    stub.will(Reply(body))
    error = await failure(model)
    assert isinstance(error, InvalidError)
    assert problem in str(error)
    assert error.kind == "Invalid"
    if not isinstance(body, dict):
        assert error.body == Reply(body).content.decode()
    else:
        assert error.body


async def test_an_error_in_the_place_of_a_reply_is_of_its_kind(stub: Stub, model: rg.Generator) -> None:
    stub.will(
        Reply({"object": "error", "message": f"bad key {KEY}", "code": 401}),
        Reply({"error": {"message": "Provider returned error", "code": 429}, "user_id": "u"}),
        Reply({"choices": [{"error": {"code": 502, "message": "gone"}, "message": {"content": ""}}]}),
        Reply({"choices": [{"finish_reason": "insufficient_system_resource", "message": {"content": "Hal"}}]}),
    )
    kinds = [(await failure(model)).kind for _ in range(4)]
    assert kinds == ["AuthenticationFailed", "RateLimited", "ServerFault", "ServerFault"]


@pytest.mark.parametrize("reply", [Reply(cut=40), Reply(cut=0), Reply(hangs_up=True)])
async def test_a_connection_that_closes_before_the_end_is_interrupted(
    stub: Stub, model: rg.Generator, reply: Reply
) -> None:
    stub.will(reply)
    error = await failure(model)
    assert isinstance(error, StreamInterruptedError)
    assert (error.kind, error.status, error.retryable) == ("Interrupted", None, True)
    assert str(error).startswith("The connection to openai broke before the answer was complete: ")


async def test_nobody_listening_is_said_with_the_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        error = await failure(get_generator(f"openai!m,api_base={url},api_key={KEY}"))
    assert isinstance(error, ServerFaultError)
    assert isinstance(error, ConnectionError)
    assert f"could not be reached at {url}/chat/completions: Connection refused" in str(error)
    assert (error.kind, error.retryable) == ("ServerFault", True)


async def test_an_answer_that_does_not_come_in_time_is_timed_out(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(stalls=True))
    error = await failure(model.with_params(timeout=0.05))
    assert isinstance(error, TimedOutError)
    assert isinstance(error, TimeoutError)
    assert (error.kind, error.status) == ("TimedOut", None)
    assert str(error) == "openai gave no answer in 0.05 seconds. Raise `timeout`, or ask for less."


@pytest.mark.parametrize(
    ("base", "problem"),
    [("ftp://127.0.0.1/v1", "URL scheme is not allowed"), ("http://127.0.0.1:99999/v1", "invalid port number")],
)
async def test_an_address_that_is_none_is_named(base: str, problem: str) -> None:
    error = await failure(get_generator(f"openai!m,api_base={base}"))
    assert isinstance(error, InvalidError)
    assert f"'{base}/chat/completions' is no address to send a request to: {problem}" in str(error)


# Keys.


@pytest.mark.parametrize("key", ["", ",api_key="])
async def test_the_default_key_is_not_sent_to_another_server(stub: Stub, key: str) -> None:
    await get_generator(f"openai!m,api_base={stub.url}{key}").chat("Hi").run()
    assert "authorization" not in stub.heard[0].headers
    assert DEFAULT_KEY not in str(stub.heard[0])


async def test_where_no_key_was_sent_a_refusal_says_so_and_how_to_send_one(stub: Stub) -> None:
    stub.will(Reply(refusal("Incorrect API key provided"), 401), Reply(refusal("Incorrect API key provided"), 401))
    error = await failure(get_generator(f"openai!m,api_base={stub.url}"))
    assert "No key was sent: one in the environment goes to the provider's own address only." in str(error)
    error = await failure(get_generator(f"openai!m,api_base={stub.url},api_key={KEY}"))
    assert str(error).endswith("Check the key and what it may do.")


async def test_nor_when_the_pipeline_names_the_server(stub: Stub) -> None:
    await get_generator("openai!m").chat("Hi").with_(api_base=stub.url).run()
    assert stub.heard[0].key is None


async def test_a_key_in_a_named_variable_is_sent(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    await get_generator(f"openai!m,api_base={stub.url},api_key=env:MY_KEY").chat("Hi").run()
    assert stub.heard[0].key == f"Bearer {KEY}"


async def test_no_key_for_openai_itself_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    error = await failure(get_generator("openai!gpt-4o"))
    assert isinstance(error, AuthenticationFailedError)
    assert "set the environment variable OPENAI_API_KEY, or write 'openai!gpt-4o,api_key=…'" in str(error)


async def test_a_key_with_a_line_end_is_not_sent(stub: Stub) -> None:
    error = await failure(get_generator(f"openai!m,api_base={stub.url},api_key={KEY}%0A"))
    assert isinstance(error, AuthenticationFailedError)
    assert "holds a line end or another character that no header can carry" in str(error)
    assert stub.heard == []


# The door that lets nothing out while only loopback is allowed.


@pytest.mark.parametrize(
    "base",
    [
        "",
        "https://192.0.2.1/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://127.0.0.1.example.com/v1",
        r"http://example.com\@127.0.0.1/v1",
        "example.com/v1",
        "http://[::1",
    ],
)
async def test_the_door_refuses_every_other_machine(base: str) -> None:
    with pytest.raises(NetworkRefusedError, match="RIGGING_PY_LOOPBACK_ONLY allows loopback") as raised:
        await get_generator("openai!m").chat("Hello").with_(api_base=base).run()
    shown = "http://***" if "\\" in base else base.replace("127.0.0.1@", "")
    assert raised.value.url.startswith(shown or "https://api.openai.com/v1/")
    assert [message.content for message in raised.value.messages] == ["Hello"]
    assert DEFAULT_KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
async def test_it_lets_this_machine_be_asked(stub: Stub, host: str) -> None:
    model = get_generator(f"openai!m,api_base=http://{host}:{stub.port}/v1")
    if host == "127.1.2.3":  # this machine, where the stub does not listen
        with pytest.raises(ServerFaultError, match="could not be reached"):
            await model.chat("Hi").run()
    else:
        assert (await model.chat("Hi").run()).last.content == "Hello!"


# Loops, and being cancelled.


def test_one_generator_works_from_one_event_loop_after_another(stub: Stub, model: rg.Generator) -> None:
    pipeline = model.chat("Hi")
    for _ in range(2):
        with asyncio.Runner() as loop:
            assert loop.run(pipeline.run()).last.content == "Hello!"
    assert [chat.last.content for chat in rg.await_(pipeline.run(), pipeline.run())] == ["Hello!", "Hello!"]
    assert len(stub.heard) == 4


async def test_a_cancelled_run_leaves_no_task_behind_and_goes_on_later(stub: Stub, model: rg.Generator) -> None:
    function = {"name": "look", "arguments": "{}"}
    stub.will(Reply(completion(None, tool_calls=[{"id": "c", "function": function}])), Reply(stalls=True))
    looked: list[str] = []

    def look() -> str:
        looked.append("now")
        return "seen"

    pipeline = model.chat("Look").using(look)
    runs: list[rg.AgentRun] = []

    async def drive() -> None:
        async with pipeline.step() as steps:
            async for step in steps:
                runs[:] = step.runs

    before = asyncio.all_tasks()
    task = asyncio.create_task(drive())
    await asyncio.to_thread(stub.wait_for, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
    assert [message.content for message in runs[0].messages] == ["Look", "", "seen"]
    chat = await pipeline.resume(runs[0].dump())
    assert (chat.last.content, looked) == ("Hello!", ["now"])
    assert stub.heard[-1].body == stub.heard[-2].body


# llama.cpp's server, the real counterpart.


@pytest.fixture(scope="module")
def llama() -> rg.Generator:
    engine = engine_for(weights("smollm2"), 2048, 1)
    return get_generator(f"openai!smollm2,api_base={engine.address}/v1,api_key={engine.key},temperature=0")


@pytest.mark.model
async def test_a_real_server_answers_and_counts_tokens(llama: rg.Generator) -> None:
    chat = await llama.chat("Say hi.").with_(max_tokens=8).run()
    assert chat.last.content
    assert chat.stop_reason in ("stop", "length")
    assert chat.usage is not None
    assert 0 < chat.usage.output_tokens <= 8
    assert chat.usage.total_tokens == chat.usage.input_tokens + chat.usage.output_tokens


@pytest.mark.model
def test_a_real_connection_is_shared_by_event_loops(llama: rg.Generator) -> None:
    pipeline = llama.chat("Say hi.").with_(max_tokens=2)
    for _ in range(2):
        assert asyncio.run(pipeline.run()).last.content
    assert rg.await_(pipeline.run()).last.content


@pytest.mark.model
async def test_a_real_server_refuses_without_the_key(llama: rg.Generator) -> None:
    error = await failure(llama.model_copy(update={"api_key": None}))
    assert isinstance(error, AuthenticationFailedError)
    assert error.status == 401


@pytest.mark.model
async def test_a_real_server_says_that_the_context_is_too_long(llama: rg.Generator) -> None:
    with pytest.raises(ContextOverflowError, match="Shorten the conversation") as raised:
        await llama.chat("word " * 3000).run()
    assert raised.value.status == 400


@pytest.mark.model
async def test_a_real_server_says_that_a_request_is_bad(llama: rg.Generator) -> None:
    with pytest.raises(InvalidError, match="HTTP 400") as raised:
        await llama.chat("Hi").with_(extra={"grammar": 'root ::= "a" ['}).run()
    assert "grammar" in raised.value.body


@pytest.mark.model
async def test_a_real_server_knows_no_other_address(llama: rg.Generator) -> None:
    base = str(llama.params.api_base).removesuffix("/v1") + "/v7"
    with pytest.raises(NotFoundError) as raised:
        await llama.chat("Hi").with_(api_base=base).run()
    assert raised.value.status == 404


@pytest.mark.model
async def test_cancelling_a_real_request_ends_it_at_once(llama: rg.Generator) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await llama.chat("Tell me a very long story.").with_(max_tokens=80).run()
    assert asyncio.all_tasks() == before


async def test_a_password_in_an_address_is_shown_nowhere() -> None:
    generator = get_generator("openai!m,api_base=http://me:hidden@127.0.0.1:1/v1,api_key=sk-x")
    with pytest.raises(ProviderError) as raised:
        await generator.chat("hi").run()
    assert "hidden" not in generator.to_identifier() + str(raised.value)
    assert "127.0.0.1:1/v1" in str(raised.value)
