"""litellm, the default for a bare model name, against the stub. Its import takes seconds, so all of it is here."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import ClassVar

import pytest

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    GeneratorWarning,
    InvalidError,
    NetworkRefusedError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    TimedOutError,
)
from rigging_py.generator import LiteLLMGenerator, get_generator, get_max_tokens_for_model, registered
from rigging_py.generator.lite_reply import is_probably_cut
from rigging_py.generator.network import LOOPBACK_ONLY
from tests.generator.stub import Reply, Stub, completion, refusal

pytestmark = pytest.mark.xdist_group("litellm")

KEY = "hush-hush-9"
OLLAMA = {
    "model": "small",
    "message": {"role": "assistant", "content": "Yes."},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 9,
    "eval_count": 2,
}
"""What Ollama answers."""


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"openai/ok,api_base={stub.url},api_key={KEY},timeout=5")


async def test_a_chat_goes_to_the_provider_that_litellm_finds_in_the_name(stub: Stub, model: rg.Generator) -> None:
    chat = await model.chat("Hi").with_(temperature=0.5, stop=["x"], seed=1).run()
    [heard] = stub.heard
    assert (heard.path, heard.key) == ("/v1/chat/completions", f"Bearer {KEY}")
    messages = [{"role": "user", "content": "Hi"}]
    assert heard.body == {"model": "ok", "messages": messages, "temperature": 0.5, "stop": ["x"], "seed": 1}
    assert (chat.last.content, chat.stop_reason) == ("Hello!", "stop")
    assert chat.usage == rg.Usage(input_tokens=7, output_tokens=5, total_tokens=12)
    assert chat.extra == {"response_id": "chatcmpl-1", "model": "stub-1", "provider": "openai"}


async def test_tools_are_offered_called_and_answered(stub: Stub, model: rg.Generator) -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    function = {"name": "add", "arguments": '{"a":1337,"b":42}'}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    stub.will(Reply(completion(None, tool_calls=calls)), Reply(completion("It is 1379.")))
    chat = await model.chat("What is 1337 + 42?").using(add, mode="api").run()
    assert set(stub.heard[0].body) == {"model", "messages", "tools"}
    assert stub.heard[0].body["tools"][0]["function"]["name"] == "add"
    assert stub.heard[1].body["messages"][2] == {"role": "tool", "content": "1379", "tool_call_id": "call_1"}
    assert chat.last.content == "It is 1379."


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (0, 2)])
async def test_no_more_than_max_connections_are_under_way_at_once(
    stub: Stub, model: rg.Generator, limit: int, most: int
) -> None:
    stub.will(Reply(waits=0.05 if limit else 10), Reply())
    limited = model.model_copy(update={"max_connections": limit})
    turns = await limited.generate_messages([[rg.Message("user", "Hi")]] * 2, [rg.GenerateParams()] * 2)
    assert [turn.message.content for turn in turns if isinstance(turn, rg.ModelTurn)] == ["Hello!"] * 2
    assert stub.most_under_way == most


def test_it_works_under_one_loop_after_the_other(stub: Stub, model: rg.Generator) -> None:  # surface 3.2 no. 22
    limited = model.model_copy(update={"max_connections": 1})
    for _ in range(2):
        chats = asyncio.run(limited.chat("Hi").run_many(2))
        assert [chat.last.content for chat in chats] == ["Hello!"] * 2


class Paced(LiteLLMGenerator):
    """Whose time passes when it has nothing else to do."""

    clock: ClassVar[rg.generator.Clock] = rg.VirtualClock()


async def test_requests_keep_the_distance_that_was_asked_for(stub: Stub) -> None:  # surface 3.2 no. 22
    with registered("litellm", Paced):
        model = get_generator(f"openai/ok,api_base={stub.url},api_key={KEY},min_delay_between_requests=250")
    await model.generate_messages([[rg.Message("user", "Hi")]] * 3, [rg.GenerateParams()] * 3)
    assert Paced.clock.now() == 0.5


async def test_parameters_that_the_provider_does_not_know_are_dropped(
    stub: Stub,
) -> None:  # surface 3.2 no. 22
    stub.will(Reply(OLLAMA))
    model = get_generator(f"ollama_chat/small,api_base={stub.url},temperature=0.5")
    with pytest.warns(GeneratorWarning, match="is asked without logit_bias, which litellm says it does not know"):
        await model.chat("Hi").with_(extra={"logit_bias": {"1": 2}}).run()
    assert "logit_bias" not in str(stub.heard[0].body)
    assert stub.heard[0].body["options"] == {"temperature": 0.5}


async def test_the_generators_own_extra_is_sent_and_kept(stub: Stub) -> None:  # surface 3.2 no. 1
    params = rg.GenerateParams(temperature=0.2, extra={"metadata": {"a": "1"}, "safety_settings": [1]})
    model = get_generator(f"openai/ok,api_base={stub.url},api_key={KEY}", params=params)
    for _ in range(2):
        await model.chat("Hi").run()
        assert stub.heard.pop().body["safety_settings"] == [1]
    assert model.params.extra == {"metadata": {"a": "1"}, "safety_settings": [1]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gpt-4o", True), ("openai/gpt-4o", True), ("openai/ok", None), ("ollama/nobody-knows", None)],
)
async def test_the_table_says_whether_tools_can_be_sent(name: str, expected: bool | None) -> None:
    # Nothing is asked over the network: the loopback rule would refuse it.
    assert await get_generator(name).supports_function_calling() is expected


def test_the_table_says_how_many_tokens_a_model_takes() -> None:
    assert get_max_tokens_for_model("gpt-4o") == get_max_tokens_for_model("some/openai/gpt-4o") == 16384
    assert get_max_tokens_for_model("nobody/knows") is None


PIXEL = "data:image/png;base64,iVBORw0KGgo="


async def test_images_in_the_midst_of_the_text_become_parts_in_their_places(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(completion(f"Here: {PIXEL} and {PIXEL}")))
    chat = await model.chat("Draw.").run()
    shown = [getattr(part, "text", None) or part.image_url.url for part in chat.last.content_parts]  # type: ignore[union-attr]
    assert shown == ["Here: ", PIXEL, " and ", PIXEL]


async def test_images_beside_the_text_become_parts(stub: Stub, model: rg.Generator) -> None:
    image = {"type": "image_url", "index": 0, "image_url": {"url": PIXEL, "detail": "auto"}}
    stub.will(Reply(completion("Here.", images=[image])))
    chat = await model.chat("Draw.").run()
    assert (chat.last.content, str(chat.last.content_parts[-1])) == ("Here.", str(rg.ContentImageUrl.from_url(PIXEL)))


async def test_sound_becomes_a_part_in_the_format_that_was_asked_for(stub: Stub, model: rg.Generator) -> None:
    sound = {"id": "a1", "data": "UklGRg==", "expires_at": 1, "transcript": "Hi there"}
    stub.will(Reply(completion(None, audio=sound)))
    chat = await model.chat("Say it.").with_(modalities=["text", "audio"], audio={"voice": "x", "format": "mp3"}).run()
    [part] = chat.last.content_parts
    assert isinstance(part, rg.ContentAudioInput)
    assert (part.input_audio.format, part.input_audio.data, part.transcript) == ("mp3", "UklGRg==", "Hi there")


async def test_thoughts_and_what_only_this_provider_says_are_in_extra(stub: Stub, model: rg.Generator) -> None:
    blocks = [{"type": "thinking", "thinking": "Hm.", "signature": "s1"}]
    stub.will(Reply(completion("Yes.", reasoning_content="Hm.", thinking_blocks=blocks, citations=["a"])))
    chat = await model.chat("Hi").run()
    assert chat.extra["reasoning_content"] == "Hm."
    assert chat.extra["thinking_blocks"] == blocks
    assert chat.extra["citations"] == ["a"]


def test_a_prompt_that_is_larger_than_what_was_read_is_probably_cut() -> None:
    words = [rg.Message("user", "word " * 4000)]
    assert is_probably_cut(2048, words)
    assert not is_probably_cut(4001, words)
    assert not is_probably_cut(9, words)


async def test_a_prompt_that_ollama_cut_is_a_warning(stub: Stub) -> None:
    model = get_generator(f"ollama_chat/small,api_base={stub.url}")
    stub.will(Reply({**OLLAMA, "prompt_eval_count": 2048}))
    with pytest.warns(GeneratorWarning, match="read 2048 tokens, which is less than the prompt must have"):
        await model.chat("word " * 4000).run()


async def failure(model: rg.Generator) -> ProviderError:
    """The error of a chat, which has the transcript on it and the key nowhere."""
    with pytest.raises(ProviderError) as raised:
        await model.chat([rg.Message("user", "Hello there")]).run()
    error = raised.value
    assert [message.content for message in error.messages] == ["Hello there"]
    assert error.run is not None
    assert error.run.state == "Failed"
    said = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + str(error.run.dump())
    assert KEY not in said
    return error


@pytest.mark.parametrize(
    ("reply", "cls", "kind", "said"),
    [
        (
            Reply(refusal(f"Incorrect API key provided: {KEY}"), 401),
            AuthenticationFailedError,
            "AuthenticationFailed",
            "Incorrect API key provided: ***",
        ),
        (Reply(refusal("no such model", code="model_not_found"), 404), NotFoundError, "NotFound", "no such model"),
        (Reply(refusal("Slow down."), 429), RateLimitedError, "RateLimited", "Slow down."),
        (Reply(refusal("on fire"), 500), ServerFaultError, "ServerFault", "on fire"),
        (Reply(refusal("bad temperature"), 400), InvalidError, "Invalid", "bad temperature"),
        (
            Reply(refusal("too long", code="context_length_exceeded"), 400),
            ContextOverflowError,
            "ContextOverflow",
            "too long",
        ),
        (Reply(refusal("no", code="content_filter"), 400), RefusedError, "Refused", "no"),
    ],
)
async def test_a_refused_request_is_an_error_of_its_kind(
    stub: Stub, model: rg.Generator, reply: Reply, cls: type[ProviderError], kind: str, said: str
) -> None:
    stub.will(reply)
    error = await failure(model)
    assert type(error) is cls
    assert str(error).startswith("openai/ok through litellm: ")
    assert said in str(error)
    assert (error.kind, error.status, error.provider) == (kind, reply.status, "openai")
    # litellm keeps the body of some kinds only.
    assert error.body == "" or json.loads(error.body)["message"] == said
    assert len(stub.heard) == 1


async def test_a_rate_limit_says_how_long_to_wait(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(refusal("Slow down."), 429, {"retry-after": "2.5", "x-request-id": "req-7"}))
    error = await failure(model)
    assert (error.retry_after, error.request_id) == (2.5, "req-7")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Reply('{"choices": ['), "Invalid"), (Reply(cut=40), "Interrupted"), (Reply(hangs_up=True), "Interrupted")],
)
async def test_a_reply_that_litellm_cannot_read_may_have_been_paid(
    stub: Stub, model: rg.Generator, reply: Reply, kind: str
) -> None:
    stub.will(reply)
    error = await failure(model)
    assert (error.kind, error.is_outcome_unknown) == (kind, True)


async def test_a_reply_without_choices_is_shown(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply({"choices": [], "id": KEY}))
    error = await failure(model)
    assert isinstance(error, InvalidError)
    assert str(error) == "The reply from litellm is not a chat completion: it has no choices."
    assert '"choices":[]' in error.body


async def test_an_answer_that_does_not_come_in_time_is_timed_out(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(stalls=True))
    error = await failure(model.with_params(timeout=0.1))
    assert isinstance(error, TimedOutError)
    assert error.kind == "TimedOut"
    assert len(stub.heard) == 1


async def test_nobody_listening_is_the_server_s_fault() -> None:
    error = await failure(get_generator(f"openai/ok,api_base=http://127.0.0.1:1/v1,api_key={KEY}"))
    assert isinstance(error, ServerFaultError)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("gpt-4o", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.0-flash", "GEMINI_API_KEY"),
        ("azure/mine", "AZURE_OPENAI_API_KEY"),
    ],
)
async def test_a_missing_key_is_no_fault_of_the_server(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in [one for one in os.environ if one.endswith("_KEY")]:
        monkeypatch.delenv(one)
    monkeypatch.delenv(LOOPBACK_ONLY)  # nothing is sent without a key
    with pytest.raises(AuthenticationFailedError, match=variable) as raised:
        await get_generator(name).chat("Hello").run()
    assert "Traceback" not in str(raised.value)


async def test_a_name_that_litellm_cannot_place_is_invalid(stub: Stub) -> None:
    error = await failure(get_generator(f"nobody-knows,api_base={stub.url},api_key={KEY}"))
    assert isinstance(error, InvalidError)
    assert "LLM Provider NOT provided" in str(error)


@pytest.mark.parametrize("text", ["gpt-4o", "ollama/llama3", "openai/ok,api_base=https://192.0.2.1/v1"])
async def test_the_door_refuses_every_other_machine(text: str) -> None:
    with pytest.raises(NetworkRefusedError, match="RIGGING_PY_LOOPBACK_ONLY allows loopback") as raised:
        await get_generator(text).chat("Hello").run()
    assert [message.content for message in raised.value.messages] == ["Hello"]


def test_importing_it_asks_no_network_and_takes_the_price_list_it_brings(model: rg.Generator) -> None:
    # In a process of its own, where nobody has imported it before; the hook refuses by raising, the list keeps it.
    script = """
        import os, sys
        tried = []
        sys.addaudithook(lambda event, args: tried.append(event) if event.startswith("socket.") else None)
        import rigging_py as rg
        assert "litellm" not in sys.modules
        rg.await_(rg.get_generator("gpt-4o").supports_function_calling())
        assert "litellm" in sys.modules
        looks = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
        print(os.environ["LITELLM_LOCAL_MODEL_COST_MAP"], sorted(looks & set(tried)))
    """
    source = "\n".join(line.removeprefix("        ") for line in script.splitlines())
    environment = {name: value for name, value in os.environ.items() if name != "LITELLM_LOCAL_MODEL_COST_MAP"}
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True []\n"


@pytest.mark.parametrize("name", ["api_base", "base_url"])
async def test_the_environments_key_is_not_sent_to_another_address(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    stub.will(Reply())
    params = rg.GenerateParams(api_base=stub.url) if name == "api_base" else rg.GenerateParams(extra={name: stub.url})
    await rg.get_generator("litellm!openai/ok").chat("hi", params).run()
    assert "sk-of-the-environment" not in str(stub.heard[0].headers)


@pytest.mark.parametrize("extra", [{"base_url": "http://192.0.2.1"}, {"model": "anthropic/claude-3"}])
async def test_no_other_address_is_reached_by_another_name(stub: Stub, extra: dict[str, str]) -> None:
    pipeline = rg.get_generator(f"litellm!openai/ok,api_base={stub.url}").chat("hi").with_(extra=extra)
    with pytest.raises(rg.error.NetworkRefusedError):
        await pipeline.run()
    assert stub.heard == []
