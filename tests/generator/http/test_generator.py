"""`http!` against an endpoint on loopback: what is sent, what is read, what hooks do, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import traceback
from contextlib import suppress
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    InvalidGeneratorError,
    NetworkRefusedError,
    NotFoundError,
    ProcessingError,
    ProviderError,
    RateLimitedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator import HTTPGenerator, HttpHookAction, get_generator, get_identifier
from rigging_py.generator.http import HttpResponse
from rigging_py.generator.http.response import Headers
from tests.generator.http.endpoint import Answer, Endpoint

KEY = "hush/hush+9?é"


def spec(endpoint: Endpoint, *, query: str = "", **request: Any) -> dict[str, Any]:
    return {
        "request": {
            "url": endpoint.url + query,
            "transforms": [{"type": "json", "pattern": {"said": "$content"}}],
            **request,
        },
        "response": {"transforms": [{"type": "jsonpath", "pattern": "$.output"}], "error_path": "$.error"},
    }


@pytest.fixture
def model(endpoint: Endpoint) -> HTTPGenerator:
    return HTTPGenerator("m", spec=spec(endpoint))


class Pauses(list[float]):
    """A clock on which every pause is over at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


# What is sent and what is read.


async def test_a_chat_is_one_request_made_and_read_by_the_spec(endpoint: Endpoint) -> None:
    one = spec(endpoint, query="?m={{ model }}", method="put", headers={"X-Key": "{{ api_key }}"})
    model = HTTPGenerator("m", spec=one, api_key="hush-hush-9")
    chat = await model.chat([rg.Message("system", "Be kind."), rg.Message("user", "Hi")]).run()
    [asked] = endpoint.asked
    assert (asked.method, asked.path, asked.json) == ("PUT", "/ask?m=m", {"said": "Hi"})
    assert asked.headers["x-key"] == "hush-hush-9"
    assert asked.headers["content-type"] == "application/json"
    assert "authorization" not in asked.headers
    assert (chat.last.role, chat.last.content, chat.stop_reason) == ("assistant", "Hello!", "stop")


async def test_a_text_is_sent_as_text_unless_a_header_says_otherwise(endpoint: Endpoint) -> None:
    steps = [{"type": "jinja", "pattern": "said: {{ content }}"}]
    for headers in ({}, {"Content-Type": "text/csv"}):
        await HTTPGenerator("m", spec=spec(endpoint, transforms=steps, headers=headers)).chat("Hé").run()
    assert [one.body for one in endpoint.asked] == ["said: Hé"] * 2
    assert [one.headers["content-type"] for one in endpoint.asked] == ["text/plain; charset=utf-8", "text/csv"]


async def test_a_chat_can_be_stored_afterwards(endpoint: Endpoint, model: HTTPGenerator) -> None:  # surface 3.2 no. 41
    endpoint.will(Answer(headers={"x-id": "7", "set-cookie": "session=hush"}))
    chat = await model.chat("Hi").run()
    stored = json.loads(chat.model_dump_json())
    assert stored["extra"]["status_code"] == 200
    assert stored["extra"]["url"] == endpoint.url
    assert stored["extra"]["headers"]["x-id"] == "7"
    assert "set-cookie" not in stored["extra"]["headers"]
    assert rg.Chat.model_validate(stored).last.content == "Hello!"


async def test_the_spec_sees_the_generator_s_parameters_under_the_call_s(  # surface 3.2 no. 41
    endpoint: Endpoint,
) -> None:
    steps = [{"type": "json", "pattern": {"asked": "$params"}}]
    params = rg.GenerateParams(temperature=0.5, max_tokens=9, extra={"style": "dry"})
    model = HTTPGenerator("m", spec=spec(endpoint, transforms=steps), params=params)
    await model.chat("Hi").with_(max_tokens=10).run()
    assert endpoint.asked[0].json == {"asked": {"temperature": 0.5, "max_tokens": 10, "style": "dry"}}


async def test_a_conversation_that_fails_fails_alone(endpoint: Endpoint, model: HTTPGenerator) -> None:
    endpoint.will(Answer("no", 500), Answer(), Answer())
    results = await model.generate_messages([[rg.Message("user", "Hi")]] * 3, [rg.GenerateParams()] * 3)
    assert sorted(type(one).__name__ for one in results) == ["ModelTurn", "ModelTurn", "ServerFaultError"]
    [one] = await model.generate_messages([[]], [rg.GenerateParams()])
    assert isinstance(one, ProcessingError)


async def test_tools_are_in_the_parameters_and_called_in_words(model: HTTPGenerator, endpoint: Endpoint) -> None:
    assert await model.supports_function_calling() is False
    function: dict[str, Any] = {"name": "add", "description": "", "parameters": {"type": "object", "properties": {}}}
    tool = rg.ToolDefinition.model_validate({"type": "function", "function": function})
    one = spec(endpoint, transforms=[{"type": "json", "pattern": {"tool": "$params.tools.0.function.name"}}])
    params = rg.GenerateParams(tools=[tool])
    [turn] = await HTTPGenerator("m", spec=one).generate_messages([[rg.Message("user", "Hi")]], [params])
    assert isinstance(turn, rg.ModelTurn)
    assert endpoint.asked[0].json == {"tool": "add"}


# Connection strings.


async def test_an_identifier_makes_the_generator_again_without_its_key(endpoint: Endpoint) -> None:
    one = spec(endpoint, query="?k={{ api_key|urlencode }}", headers={"X-Key": "{{ api_key }}"}, timeout=20)
    model = HTTPGenerator("m", spec=one, api_key=KEY, max_retries=2, params=rg.GenerateParams(temperature=0.5))
    text = get_identifier(model)
    assert text.startswith("http!m,spec=base64:")
    assert text.endswith(",max_retries=2,temperature=0.5")
    again = get_generator(text)
    assert isinstance(again, HTTPGenerator)
    assert (again.spec, again.max_retries, again.params) == (model.spec, 2, model.params)
    assert again.api_key is None
    for shown in (text, repr(model), str(model), model.model_dump_json(), repr(again)):
        assert KEY not in shown
    assert base64.b64encode(KEY.encode()).decode()[:12] not in text


@pytest.mark.parametrize("mark", ["", "base64:"])
async def test_a_connection_string_holds_the_spec(endpoint: Endpoint, mark: str) -> None:
    packed = base64.b64encode(json.dumps(spec(endpoint)).encode()).decode()
    chat = await rg.chat(f"http!m,spec={mark}{packed},api_key=hush-hush-9", "Hi").run()
    assert chat.last.content == "Hello!"
    assert chat.generator_id is not None
    assert (await get_generator(chat.generator_id).chat("Hi").run()).last.content == "Hello!"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http!m", "it has no spec, which says how the endpoint is asked. Give spec=…"),
        ("http!m,spec=e30=", "its spec is not valid: request: Field required"),
        ("http!m,hook=x", "'hook' is no option of HTTPGenerator"),
    ],
)
def test_a_connection_string_without_a_spec_says_what_to_give(text: str, said: str) -> None:
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "where",
    [
        {"query": "?k=hush-hush-9"},
        {"headers": {"X-Key": "Bearer hush-hush-9"}},
        {"transforms": [{"type": "json", "pattern": {"deep": ["hush-hush-9"]}}]},
        {"transforms": [{"type": "jinja", "pattern": "hush-hush-9 {{ content }}"}]},
    ],
)
def test_a_spec_that_says_the_key_itself_is_refused(endpoint: Endpoint, where: dict[str, Any]) -> None:
    with pytest.raises(InvalidGeneratorError, match="its spec says the api_key itself") as raised:
        HTTPGenerator("m", spec=spec(endpoint, **where), api_key="hush-hush-9")
    assert "hush-hush-9" not in str(raised.value)


async def test_a_key_that_stands_in_a_header_is_sent_and_not_stored(endpoint: Endpoint) -> None:
    model = HTTPGenerator("m", spec=spec(endpoint, headers={"Authorization": "Bearer hush-hush-9"}))
    chat = await model.chat("Hi").run()
    assert endpoint.asked[0].headers["authorization"] == "Bearer hush-hush-9"
    assert chat.generator_id is not None
    stored = get_generator(chat.generator_id)
    assert isinstance(stored, HTTPGenerator)
    assert stored.spec.request.headers == {"Authorization": "***"}


async def test_no_key_of_the_environment_is_sent_but_one_that_is_named(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("TEAM_KEY", "hush-hush-9")
    one = spec(endpoint, headers={"X-Key": "{{ api_key }}"})
    with pytest.raises(ProcessingError, match="'api_key' is undefined"):
        await HTTPGenerator("m", spec=one).chat("Hi").run()
    assert endpoint.asked == []
    named = HTTPGenerator("m", spec=one, api_key="env:TEAM_KEY")
    await named.chat("Hi").run()
    assert endpoint.asked[0].headers["x-key"] == "hush-hush-9"
    assert "hush-hush-9" not in get_identifier(named)


# Stored chats.

GADGET = "{{ cycler.__init__.__globals__.os.system('true') }}"


def stored_chat(url: str) -> dict[str, Any]:
    """A chat as somebody may have written it, whose generator reaches `url`."""
    evil = {"request": {"url": url, "transforms": [{"type": "jinja", "pattern": "{{ content }}"}]}}
    packed = base64.b64encode(json.dumps(evil).encode()).decode()
    return {
        "messages": [{"role": "user", "content": "Hi"}],
        "generated": [{"role": "assistant", "content": "Hello!"}],
        "generator_id": f"http!m,spec={packed}",
        "generator": {"model": "m", "spec": packed},
    }


async def test_loading_a_chat_asks_nobody_and_renders_nothing(endpoint: Endpoint) -> None:  # surface 3.2 no. 35
    chat = rg.Chat.model_validate(stored_chat(endpoint.url + "?{{ 1/0 }}"))
    assert chat.generator is None
    again = rg.Chat.model_validate_json(chat.model_dump_json())
    assert (again.generator, again.generator_id) == (None, chat.generator_id)
    with pytest.raises(ValueError, match="builds no generator by itself"):
        again.restart()
    assert endpoint.asked == []


async def test_a_stored_gadget_is_refused_even_by_who_restarts_it(endpoint: Endpoint) -> None:  # surface 3.2 no. 35
    chat = rg.Chat.model_validate(stored_chat(f"{endpoint.url}?{GADGET}"))
    assert chat.generator_id is not None
    with pytest.raises(ProcessingError, match="Making the URL failed"):
        await chat.restart(generator=chat.generator_id).run()
    assert endpoint.asked == []


async def test_where_only_loopback_is_allowed_nothing_else_is_asked() -> None:
    chat = rg.Chat.model_validate(stored_chat("http://169.254.169.254/{{ model }}?k=1"))
    assert chat.generator_id is not None
    with pytest.raises(NetworkRefusedError, match=r"No request was sent to http://169.254.169.254/m:"):
        await chat.restart(generator=chat.generator_id).run()


# What goes wrong.


@pytest.mark.parametrize(
    ("answer", "cls", "said"),
    [
        (Answer({"error": {"message": "x"}}, 401), AuthenticationFailedError, 'answered HTTP 401: {"message": "x"}.'),
        (Answer("<b>gone</b>", 404), NotFoundError, "http!m answered HTTP 404: <b>gone</b>. Check the name"),
        (Answer({"error": "slow"}, 429, {"retry-after": "3"}), RateLimitedError, "http!m answered HTTP 429: slow."),
        (Answer("", 503), ServerFaultError, "http!m answered HTTP 503: no reason given. This is the provider's"),
        (Answer("", 302, {"location": "http://x/"}), InvalidError, "Redirects are not followed"),
        (Answer("{}", 201), InvalidError, "the spec does not take this status; it is not among its valid_status_codes"),
        (Answer({"error": "no cats", "output": "x"}), InvalidError, "http!m answered HTTP 200: no cats."),
    ],
)
async def test_a_refusal_is_an_error_of_our_taxonomy(
    endpoint: Endpoint, model: HTTPGenerator, answer: Answer, cls: type[ProviderError], said: str
) -> None:
    endpoint.will(answer)
    with pytest.raises(cls) as raised:
        await model.chat("Hi").run()
    assert said in str(raised.value)
    assert (raised.value.provider, raised.value.status) == ("http!m", answer.status)
    assert raised.value.retry_after == (3.0 if answer.status == 429 else None)
    assert len(endpoint.asked) == 1


async def test_an_answer_that_cannot_be_read_is_a_processing_error(endpoint: Endpoint, model: HTTPGenerator) -> None:
    endpoint.will(Answer({"other": 1}))
    with pytest.raises(ProcessingError, match=r"'\$\.output' finds nothing in the body, which holds other\."):
        await model.chat("Hi").run()


async def test_an_empty_error_is_none(endpoint: Endpoint, model: HTTPGenerator) -> None:
    endpoint.will(Answer({"error": None, "output": "fine"}))
    assert (await model.chat("Hi").run()).last.content == "fine"


async def test_without_a_response_every_success_is_an_answer(endpoint: Endpoint) -> None:
    model = HTTPGenerator("m", spec={"request": spec(endpoint)["request"]})
    endpoint.will(Answer("made", 201), Answer("no", 400))
    assert (await model.chat("Hi").run()).last.content == "made"
    with pytest.raises(InvalidError, match="http!m answered HTTP 400: no"):
        await model.chat("Hi").run()


@pytest.mark.parametrize("status", [200, 400])
async def test_an_endpoint_that_repeats_the_key_does_not_have_it_shown(endpoint: Endpoint, status: int) -> None:
    one = spec(endpoint, query="/{{ api_key|urlencode }}?k={{ api_key|urlencode }}", headers={"X-Key": "{{ api_key }}"})
    endpoint.will(Answer({"error": f"bad key {KEY}"}, status))
    with pytest.raises(ProviderError, match=r"bad key \*\*\*") as raised:
        await HTTPGenerator("m", spec=one, api_key=KEY).chat("Hi").run()
    no_key_in(raised.value)


def no_key_in(error: BaseException) -> None:
    said = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for spelled in (KEY, "hush%2F", "hush%2f", "hush/hush"):
        assert spelled not in said


async def test_an_endpoint_that_is_not_there_is_a_server_fault_that_does_not_show_the_query() -> None:
    one = {"url": "http://127.0.0.1:9/{{ api_key|urlencode }}?k={{ api_key|urlencode }}"}
    steps: list[dict[str, Any]] = [{"type": "json", "pattern": {}}]
    model = HTTPGenerator("m", spec={"request": {**one, "transforms": steps}}, api_key=KEY)
    with pytest.raises(ServerFaultError, match=r"http!m could not be reached at http://127\.0\.0\.1:9/") as raised:
        await model.chat("Hi").run()
    no_key_in(raised.value)


async def test_the_time_of_the_spec_goes_over_that_of_the_call_and_that_over_the_generator_s(
    endpoint: Endpoint,
) -> None:
    endpoint.will(*[Answer(stalls=True)] * 3)
    slow, short = rg.GenerateParams(timeout=60), rg.GenerateParams(timeout=0.1)
    for model, call in (
        (HTTPGenerator("m", spec=spec(endpoint, timeout=0.1), params=slow), slow),
        (HTTPGenerator("m", spec=spec(endpoint), params=slow), short),
        (HTTPGenerator("m", spec=spec(endpoint), params=short), rg.GenerateParams()),
    ):
        with pytest.raises(TimedOutError, match=r"http!m gave no answer in 0\.1 seconds"):
            await model.chat("Hi").with_(call).run()


async def test_a_broken_connection_is_an_interruption(endpoint: Endpoint) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        endpoint.port = server.sockets[0].getsockname()[1]
        with pytest.raises(StreamInterruptedError):
            await HTTPGenerator("m", spec=spec(endpoint)).chat("Hi").run()


async def test_a_body_that_unpacks_to_more_than_can_be_held_is_refused(endpoint: Endpoint) -> None:
    packed = gzip.compress(bytes(64 * 1024 * 1024 + 1), 1)

    async def bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed) + packed)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(bomb, "127.0.0.1", 0) as server:
        endpoint.port = server.sockets[0].getsockname()[1]
        with pytest.raises(InvalidError, match=r"http!m is larger than 67,108,864 bytes"):
            await HTTPGenerator("m", spec=spec(endpoint)).chat("Hi").run()


@pytest.mark.parametrize(
    "header",
    [
        b"x: \xff",
        b"content-type: \xff",
        b"content-type: text/plain; charset=idna",
        b"content-type: a/b; charset*=utf-8''a%00",
    ],
)
async def test_headers_that_are_no_text_cost_no_answer(endpoint: Endpoint, header: bytes) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + header + b'\r\ncontent-length: 15\r\n\r\n{"output":"ok"}')
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(odd, "127.0.0.1", 0) as server:
        endpoint.port = server.sockets[0].getsockname()[1]
        chat = await HTTPGenerator("m", spec=spec(endpoint)).chat("Hi").run()
        assert chat.last.content == "ok"


# Hooks.


async def test_a_hook_sees_every_answer_and_may_ask_again_with_what_it_learned(endpoint: Endpoint) -> None:
    async def sign_in(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        assert (response.headers["X-TOKEN"], response.headers.get("nope")) == ("t1", None)
        if response.status_code == 401:
            model.state["token"] = response.headers["x-token"]
            return "retry"
        assert response.json() == {"output": "Hello!"}
        assert '"output"' in response.text
        return None

    pauses = Pauses()
    one = spec(endpoint, headers={"X-Token": "{{ state.token | default('none') }}"})
    model = HTTPGenerator("m", spec=one, hook=sign_in, sleep=pauses)
    endpoint.will(Answer("who?", 401, {"x-token": "t1"}), Answer(headers={"x-token": "t1"}))
    chat = await model.with_params(temperature=0.5).chat("Hi").run()
    assert chat.last.content == "Hello!"
    assert [asked.headers["x-token"] for asked in endpoint.asked] == ["none", "t1"]
    assert model.state == {"token": "t1"}
    assert pauses == [0.5]


async def test_asking_again_is_bounded_and_pauses_grow(endpoint: Endpoint) -> None:
    async def again(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        return "retry"

    pauses = Pauses()
    endpoint.will(*[Answer("busy", 503)] * 9)
    with pytest.raises(ServerFaultError, match="busy"):
        await HTTPGenerator("m", spec=spec(endpoint), hook=again, sleep=pauses, max_retries=6).chat("Hi").run()
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert len(endpoint.asked) == 7


@pytest.mark.parametrize(("wish", "waited"), [("3", [3.0]), ("0", [0.0]), ("601", []), ("soon", [0.5])])
async def test_the_pause_is_the_one_that_the_endpoint_asks_for(
    endpoint: Endpoint, wish: str, waited: list[float]
) -> None:
    async def again(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        return "retry" if response.status_code == 429 else None

    pauses = Pauses()
    endpoint.will(Answer("slow", 429, {"retry-after": wish}))
    model = HTTPGenerator("m", spec=spec(endpoint), hook=again, sleep=pauses)
    chat = await model.chat("Hi").catch(RateLimitedError, on_failed="include").run()
    assert pauses == waited
    assert chat.failed is (waited == [])


async def test_a_hook_may_refuse_an_answer_and_may_fail(endpoint: Endpoint) -> None:
    async def refuse(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        return "raise"

    async def fail(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        raise KeyError("mine")

    with pytest.raises(InvalidError, match="answered HTTP 200: the hook does not take the answer"):
        await HTTPGenerator("m", spec=spec(endpoint), hook=refuse).chat("Hi").run()
    with pytest.raises(KeyError, match="mine"):
        await HTTPGenerator("m", spec=spec(endpoint), hook=fail).chat("Hi").run()


@pytest.mark.parametrize("action", ["continue", None])
async def test_a_hook_that_goes_on_changes_nothing(endpoint: Endpoint, action: HttpHookAction | None) -> None:
    async def go_on(model: HTTPGenerator, response: HttpResponse) -> HttpHookAction | None:
        return action

    model = HTTPGenerator("m", spec=spec(endpoint), hook=go_on)
    assert (await model.chat("Hi").run()).last.content == "Hello!"
    endpoint.will(Answer("no", 500))
    with pytest.raises(ServerFaultError):
        await model.chat("Hi").run()


def test_an_answer_is_text_in_the_charset_it_names_and_can_be_any_bytes() -> None:
    def text(content: bytes, kind: str) -> str:
        return HttpResponse(200, Headers([("Content-Type", kind)]), content).text

    assert text("é".encode("latin-1"), "text/plain; charset=latin-1") == "é"
    assert text("é".encode(), "text/plain; charset=nope") == "é"
    assert text(b"\xff", "") == "�"
    assert Headers([("A", "1"), ("a", "2")])["A"] == "1, 2"
    with pytest.raises(ValueError):
        HttpResponse(200, content=b"<html>").json()


# Factories.


async def test_an_endpoint_of_json_needs_its_address_and_a_body(endpoint: Endpoint) -> None:  # surface 3.2 no. 41
    endpoint.will(Answer("as it is"))
    model = HTTPGenerator.for_json_endpoint(endpoint.url, {"q": "$content"})
    assert (await model.chat("Hi").run()).last.content == "as it is"
    [asked] = endpoint.asked
    assert (asked.method, asked.json, asked.headers["content-type"]) == ("POST", {"q": "Hi"}, "application/json")


async def test_an_endpoint_of_text_needs_its_address_and_a_template(endpoint: Endpoint) -> None:  # surface 3.2 no. 41
    endpoint.will(Answer("as it is"), Answer("say <b>this</b>"), Answer())
    model = HTTPGenerator.for_text_endpoint(endpoint.url, "Q: {{ content }}")
    assert (await model.chat("Hi").run()).last.content == "as it is"
    assert endpoint.asked[0].body == "Q: Hi"
    found = HTTPGenerator.for_text_endpoint(endpoint.url, "{{ content }}", "<b>(.*?)</b>")
    assert (await found.chat("Hi").run()).last.content == "this"
    path = HTTPGenerator.for_text_endpoint(endpoint.url, "{{ content }}", "$.output", "jsonpath")
    assert (await path.chat("Hi").run()).last.content == "Hello!"


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({}, "authorization", "Bearer hush-hush-9"),
        ({"header": "X-API-Key", "format": "{api_key}"}, "x-api-key", "hush-hush-9"),
        ({"format": "Token {{ api_key }}"}, "authorization", "Token hush-hush-9"),
        (None, "authorization", None),
    ],
)
async def test_a_factory_sends_the_key_where_auth_says(
    endpoint: Endpoint, auth: dict[str, str] | None, header: str, value: str | None
) -> None:
    model = HTTPGenerator.for_json_endpoint(endpoint.url, {"q": "$content"}, "m", "hush-hush-9", auth=auth)
    await model.chat("Hi").run()
    assert endpoint.asked[0].headers.get(header) == value
    assert "hush-hush-9" not in get_identifier(model)


async def test_a_factory_s_paths_find_the_answer_and_what_went_wrong(endpoint: Endpoint) -> None:
    response = {"content_path": "$.output", "error_path": "$.error.message"}
    model = HTTPGenerator.for_json_endpoint(
        endpoint.url, {"q": "$content"}, "m", response=response, valid_status_codes=[200, 202], state={"a": 1}
    )
    endpoint.will(Answer({"output": "late"}, 202), Answer({"error": {"message": "no cats here"}}, 400))
    assert (await model.chat("Hi").run()).last.content == "late"
    with pytest.raises(InvalidError, match=r"http!m answered HTTP 400: no cats here\."):
        await model.chat("Hi").run()
    again = get_generator(get_identifier(model))
    assert isinstance(again, HTTPGenerator)
    assert again.spec == model.spec
    assert model.state == {"a": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auth": {"format": "Bearer"}}, "The format of auth says where the key goes"),
        ({"auth": {"headr": "X"}}, "auth has no 'headr'. Known: header, format."),
        ({"response": {"path": "$.a"}}, "response has no 'path'. Known: content_path, error_path."),
    ],
)
def test_a_factory_says_what_it_does_not_know(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ProcessingError) as raised:
        HTTPGenerator.for_json_endpoint("http://127.0.0.1:9/", {}, **given)
    assert said in str(raised.value)
