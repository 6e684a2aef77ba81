"""Keys go to nobody but the provider, and are shown nowhere: redirects, errors, texts, data, addresses and headers."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    NetworkRefusedError,
    ProviderError,
    ToolServerError,
)
from rigging_py.generator import get_generator
from rigging_py.generator.http import HTTPGenerator
from rigging_py.generator.network import redirect_to, shown_address
from rigging_py.generator.request import Request
from rigging_py.generator.transport import exchange
from rigging_py.message import without_secrets, without_user
from tests.generator.stub import Reply, Stub, refusal, serving

KEY, PASSWORD, IN_QUERY, IN_HEADER = "hush-hush-9-key", "hush-hush-9-pass", "hush-hush-9-query", "hush-hush-9-header"
SECRETS = (KEY, PASSWORD, IN_QUERY, IN_HEADER)
PROVIDERS = ["openai", "openai-responses", "anthropic", "gemini", "ollama", "azure", "groq", "vllm-server"]


@pytest.fixture
def elsewhere() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


def asked(provider: str, stub: Stub, query: str = "") -> rg.Generator:
    """A generator with secrets in every place that a user may put them into."""
    user = stub.url.replace("//", f"//bob:{PASSWORD}@")
    extra = {"headers": {"authorization": IN_HEADER}, "deep": [{"api-key": IN_HEADER, "plain": "seen"}]}
    params = rg.GenerateParams(api_base=user + query, extra=extra)
    return get_generator(f"{provider}!m,api_key={KEY},timeout=20", params=params)


def leaked(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_redirect_is_told_and_not_followed(stub: Stub, elsewhere: Stub, provider: str, status: int) -> None:
    place = elsewhere.url.replace("//", f"//bob:{PASSWORD}@") + f"/there?key={IN_QUERY}"
    model = asked(provider, stub)
    hello = [rg.Message("user", "Hi")]
    for ask in (model.chat("Hi").run, lambda: anext(aiter(model.stream_message(hello, rg.GenerateParams())))):
        stub.will(Reply("", status, {"location": place}))
        with pytest.raises(InvalidError) as raised:
            await ask()
        said = f"it redirects to {elsewhere.url}/there. Redirects are not followed; give the address it leads to."
        assert said in str(raised.value)
        assert leaked(repr(vars(raised.value)) + repr(raised.value)) == []
    assert (elsewhere.heard, len(stub.heard)) == ([], 2)


async def test_nor_is_it_by_an_endpoint_of_any_shape(stub: Stub, elsewhere: Stub) -> None:
    stub.will(Reply("", 307, {"location": f"{elsewhere.url}/there?key={IN_QUERY}"}))
    model = HTTPGenerator.for_json_endpoint(stub.url, {"text": "$content"}, api_key=KEY)
    with pytest.raises(InvalidError, match=r"it redirects to .*/there\. Redirects are not followed"):
        await model.chat("Hi").run()
    assert elsewhere.heard == []


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/v2/there?sig=abc", "https://one.example/v2/there"),
        ("//two.example/x", "https://two.example/x"),
        ("http://one.example/", "http://one.example/"),
        ("http://bob:pw@two.example", "http://two.example"),
        ("http://[", "what is no address"),
        (None, None),
    ],
)
def test_where_a_redirect_leads_is_shown_whole_and_without_secrets(location: str | None, place: str | None) -> None:
    assert redirect_to("https://one.example/v1", location) == place


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_text_of_a_generator_a_chat_or_an_error_shows_a_secret(
    stub: Stub, provider: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    model = asked(provider, stub, f"?key={IN_QUERY}&alt=json")
    texts = [repr(model), str(model), model.to_identifier(), model.model_dump_json(), str(model.model_dump())]
    texts += [repr(model.params), model.params.model_dump_json(), repr(model.chat("Hi"))]
    stub.will(Reply(refusal(f"I know {KEY}, {PASSWORD} and {IN_QUERY}"), 401))
    with pytest.raises(ProviderError) as raised:
        await model.chat("Hi").with_(extra={"authorization": IN_HEADER}).run()
    error = raised.value
    assert error.run is not None
    texts += [*traceback.format_exception(error), repr(error), repr(vars(error)), str(error.run.dump())]
    assert [leaked(text) for text in (*texts, caplog.text)] == [[]] * (len(texts) + 1)
    assert leaked(pickle.dumps(error).decode(errors="replace")) == []
    assert "seen" in repr(model)


async def test_no_secret_is_in_a_stored_chat(stub: Stub) -> None:
    chat = await asked("openai", stub, f"?key={IN_QUERY}").chat("Hi").with_(extra={"api_key": IN_HEADER}).run()
    assert leaked(chat.model_dump_json() + str(chat.model_dump()) + repr(chat) + str(chat.generator_id)) == []


async def test_what_is_in_the_query_of_a_base_url_is_sent_in_its_place(stub: Stub) -> None:
    await get_generator(f"openai!m,api_base={stub.url}/?key={IN_QUERY}&alt=json").chat("Hi").run()
    assert stub.heard[0].path == f"/v1/chat/completions?key={IN_QUERY}&alt=json"
    identifier = get_generator(f"openai!m,api_base={stub.url}?key={IN_QUERY}").to_identifier()
    assert identifier == f"openai!m,api_base={stub.url}"


async def test_a_key_goes_before_the_password_of_an_address(stub: Stub) -> None:
    for key in (f",api_key={KEY}", ""):
        await get_generator(f"openai!m,api_base={stub.url.replace('//', '//bob:pw@')}{key}").chat("Hi").run()
    assert [heard.key for heard in stub.heard] == [f"Bearer {KEY}", "Basic Ym9iOnB3"]


@pytest.mark.parametrize("end", ["\r\nx-more: 1", "\n", "\0", "\u2028", "\u00e9", "\ud800"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_key_that_no_header_can_carry_is_not_sent(stub: Stub, provider: str, end: str) -> None:
    model = asked(provider, stub).model_copy(update={"api_key": SecretStr(KEY + end)})
    with pytest.raises(AuthenticationFailedError, match="holds a line end or another character") as raised:
        await model.chat("Hi").run()
    assert leaked("".join(traceback.format_exception(raised.value))) == []
    assert stub.heard == []


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\0", "\ud800"])
async def test_nor_is_another_header(stub: Stub, value: str) -> None:
    with pytest.raises(InvalidError, match="'x-more' for p has a line end or another character") as raised:
        await exchange(Request("p", stub.url, {}, headers={"x-more": KEY + value}))
    assert leaked("".join(traceback.format_exception(raised.value))) == []
    assert stub.heard == []


@pytest.mark.parametrize(
    "address",
    [
        "http://bob:{}\n@127.0.0.1/v1",
        "http://bob:{}\r\nx: y@127.0.0.1/v1",
        "http:bob:{}@127.0.0.1/v1",
        "http:\\\\bob:{}@127.0.0.1/v1",
        "http://bob:{}/more@127.0.0.1/v1",
        "http://bob:{}?more@127.0.0.1/v1",
        "http://bob:{}@127.0.0.1:99999/v1",
        "ftp://bob:{}@127.0.0.1/v1",
        "http://127.0.0.1\n/v1?key={}",
    ],
)
async def test_an_odd_address_is_not_asked_and_not_shown(address: str) -> None:
    address = address.format(PASSWORD)
    model = get_generator("openai!m", params={"api_base": address})
    with pytest.raises((ProviderError, PermissionError)) as raised:
        await model.chat("Hi").run()
    texts = [*traceback.format_exception(raised.value), repr(model), model.to_identifier(), shown_address(address)]
    assert [leaked(text) for text in texts] == [[]] * len(texts)


@pytest.mark.parametrize(
    "text",
    ["https://host/a@b", "http://host:80/a@b", "ollama!qwen:7b@x", "vertex_ai/claude@20240229", "ft:gpt-4o@me", "a@b"],
)
def test_an_at_sign_elsewhere_is_no_password(text: str) -> None:
    assert without_user(text) == text


def test_what_has_a_plain_name_stays() -> None:
    plain = {"prompt_cache_key": "a", "max_tokens": 9, "user": "me", "url": "https://host/?page=2", "list": [1, None]}
    assert without_secrets(plain) == plain
    assert without_secrets({"X-API-Key": "a", "cookies": "b", "nested": {"refresh_token": "c"}}) == {"nested": {}}


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("gemini", "GEMINI_API_KEY")],
)
async def test_an_address_that_came_with_data_gets_no_request(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, provider: str, variable: str
) -> None:
    monkeypatch.setenv(variable, KEY)
    chat = await rg.chat(rg.scripted("Hello!"), "Hi").run()
    stored = json.loads(chat.model_dump_json())
    stored |= {
        "generator_id": f"{provider}!m,api_base={stub.url},api_key=env:{variable}",
        "params": {"api_base": stub.url, "extra": {"base_url": stub.url}, "max_tokens": 5},
    }
    loaded = rg.Chat.model_validate_json(json.dumps(stored))
    assert loaded.params is not None
    assert (loaded.params.api_base, loaded.params.extra, loaded.params.max_tokens) == (None, {}, 5)
    with pytest.raises(ValueError, match="builds no generator by itself") as raised:
        loaded.restart()
    assert KEY not in str(raised.value)
    with pytest.raises(NetworkRefusedError) as refused:  # the provider's own address
        await loaded.restart(generator=f"{provider}!m").run()
    assert refused.value.url.startswith("https://")
    assert stub.heard == []


async def test_an_environments_key_goes_to_no_other_address(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, KEY)
    for provider in ("openai", "openai-responses", "anthropic", "gemini", "groq", "ollama"):
        stub.will(Reply("", 500))
        with pytest.raises(ProviderError):
            await get_generator(f"{provider}!m,api_base={stub.url}").chat("Hi").run()
    assert [leaked(str(heard)) for heard in stub.heard] == [[]] * 6


def test_a_robopages_server_may_not_say_too_much(stub: Stub) -> None:
    stub.will(Reply(" " * (64 * 1024 * 1024 + 1)))
    with pytest.raises(ToolServerError, match="answered with more than 67,108,864 bytes"):
        rg.tools.robopages(stub.url)
