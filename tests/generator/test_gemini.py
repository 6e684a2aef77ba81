"""`gemini!` against a stub that answers with the letters of the API."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar

import pytest

import rigging_py as rg
from rigging_py.error import AuthenticationFailedError, ProviderError, RefusedError, StreamInterruptedError
from rigging_py.generator import get_generator
from rigging_py.generator.gemini import GeminiGenerator
from rigging_py.message import Delta, TextDelta
from tests.generator.stub import Reply, Stub
from tests.wire.gemini_letters import COUNTED, COUNTS, LETTERS, Letter, call, chunk, said, sse

KEY = "hush-hush-9"
DEFAULT_KEY = "hush-default-9"


@pytest.fixture(autouse=True)
def default_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", DEFAULT_KEY)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"gemini!gemini-2.5-flash,api_base={stub.url},api_key={KEY}")


def add(a: Annotated[int, "the first"], b: int = 1) -> int:
    """Add two numbers."""
    return a + b


async def told(model: rg.Generator) -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in model.stream_message([rg.Message("user", "Hi")], rg.GenerateParams())]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


async def test_a_chat_is_one_request_with_the_model_in_its_address_and_the_key_in_its_header(
    stub: Stub, model: rg.Generator
) -> None:
    stub.will(Reply(chunk(said("Hello!"), reason="STOP", counts=COUNTS)))
    chat = await model.chat([rg.Message("system", "Be kind."), rg.Message("user", "Hi")]).run()
    [heard] = stub.heard
    assert heard.path == "/v1/models/gemini-2.5-flash:generateContent"
    assert (heard.headers["x-goog-api-key"], heard.key) == (KEY, None)
    assert heard.body == {
        "systemInstruction": {"parts": [said("Be kind.")]},
        "contents": [{"role": "user", "parts": [said("Hi")]}],
    }
    assert (chat.last.role, chat.last.content, chat.stop_reason) == ("assistant", "Hello!", "stop")
    assert chat.usage is not None
    assert chat.usage.model_copy(update={"cost": None}) == COUNTED
    assert chat.extra == {"response_id": "r-1", "model": "gemini-2.5-flash"}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("tunedModels/mine-1", "/v1/tunedModels/mine-1"),
        ("models/gemini-pro", "/v1/models/gemini-pro"),
        ("what?is=this#", "/v1/models/what%3Fis%3Dthis%23"),
    ],
)
async def test_a_name_with_a_slash_is_the_whole_of_it(stub: Stub, name: str, path: str) -> None:
    stub.will(Reply(chunk(said("Hello!"), reason="STOP")))
    model = GeminiGenerator(model=name, params=rg.GenerateParams(api_base=stub.url))
    await model.chat("Hi").run()
    assert stub.heard[0].path == f"{path}:generateContent"


async def test_tools_are_offered_called_and_answered_with_the_signature_on_the_call(
    stub: Stub, model: rg.Generator
) -> None:
    stub.will(
        Reply(chunk(call("add", "c2ln", args={"a": 1337, "b": 42}), reason="STOP", counts=COUNTS)),
        Reply(chunk(said("It is 1379."), reason="STOP", counts=COUNTS)),
    )
    chat = await model.chat("What is 1337 + 42?").using(add, choice="required").run()
    first, second = (heard.body for heard in stub.heard)
    assert [tool["name"] for tool in first["tools"][0]["functionDeclarations"]] == ["add"]
    assert first["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert second["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert second["contents"][1:] == [
        {"role": "model", "parts": [call("add", "c2ln", args={"a": 1337, "b": 42}, id="call_1_0")]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"id": "call_1_0", "name": "add", "response": {"output": "1379"}}}],
        },
    ]
    assert chat.last.content == "It is 1379."


async def test_a_chat_that_was_stored_goes_on_with_what_was_signed(stub: Stub, model: rg.Generator) -> None:
    letter = LETTERS["pictures"]
    stub.will(Reply(letter.whole), Reply(chunk(said("Gladly."), reason="STOP")))
    chat = await model.chat("Draw.").run()
    stored = rg.Chat.model_validate_json(chat.model_dump_json())
    await stored.restart(generator=model, include_all=True).fork("Once more.").run()
    assert stub.heard[1].body["contents"][1] == {"role": "model", "parts": letter.back}


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
async def test_a_streamed_answer_is_the_one_that_comes_whole(stub: Stub, model: rg.Generator, letter: Letter) -> None:
    stub.will(Reply(pieces=[letter.body[:7], letter.body[7:]]), Reply(letter.whole))
    deltas, turn = await told(model)
    [whole] = await model.generate_messages([[rg.Message("user", "Hi")]], [rg.GenerateParams()])
    assert stub.heard[0].path == "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert isinstance(whole, rg.ModelTurn)
    assert turn.message.content_parts == whole.message.content_parts
    assert (turn.stop_reason, turn.usage, turn.extra) == (whole.stop_reason, whole.usage, whole.extra)
    assert "".join(one.text for one in deltas if isinstance(one, TextDelta)) == (letter.streamed or letter.text)


async def test_a_stream_that_is_cut_after_any_chunk_is_whole_or_interrupted(stub: Stub, model: rg.Generator) -> None:
    letter = LETTERS["thoughts, and a signature at the end"]
    events = [sse(one) for one in letter.chunks]
    for count in range(1, len(events)):
        for broken in (True, False):
            stub.will(Reply(pieces=events[:count], broken=broken))
            with pytest.raises(StreamInterruptedError):
                await told(model)
    stub.will(Reply(pieces=events, broken=True))
    assert (await told(model))[1].message.content == letter.text


def failure(code: int, status: str, message: str = "no", *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


FAILURES: list[tuple[dict[str, Any], str]] = [
    (failure(400, "INVALID_ARGUMENT"), "Invalid"),
    (failure(400, "FAILED_PRECONDITION", "User location is not supported for the API use."), "Invalid"),
    (failure(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}), "AuthenticationFailed"),
    (
        failure(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        "ContextOverflow",
    ),
    (failure(403, "PERMISSION_DENIED"), "AuthenticationFailed"),
    (failure(404, "NOT_FOUND"), "NotFound"),
    (failure(429, "RESOURCE_EXHAUSTED", "Quota.", {"@type": "RetryInfo", "retryDelay": "3s"}), "RateLimited"),
    (failure(500, "INTERNAL"), "ServerFault"),
    (failure(503, "UNAVAILABLE", "The model is overloaded."), "ServerFault"),
    (failure(504, "DEADLINE_EXCEEDED"), "TimedOut"),
]


@pytest.mark.parametrize(("body", "kind"), FAILURES)
async def test_an_error_is_of_its_kind_whole_in_a_list_and_in_a_stream(
    stub: Stub, model: rg.Generator, body: dict[str, Any], kind: str
) -> None:
    status = body["error"]["code"]
    stub.will(
        *(Reply(body, status=status), Reply([body], status=status), Reply([body], status=status)),
        Reply(pieces=[sse(chunk(said("Hel"))), sse(body)]),
    )
    for ask in (model.chat("Hi").run, model.chat("Hi").run, lambda: told(model), lambda: told(model)):
        with pytest.raises(ProviderError) as raised:
            await ask()
        assert (raised.value.kind, raised.value.status) == (kind, status)
        assert raised.value.retry_after == (3.0 if kind == "RateLimited" else None)
        assert json.dumps(body["error"]["message"])[1:-2] in str(raised.value)


async def test_a_blocked_prompt_is_refused_whole_and_streamed(stub: Stub, model: rg.Generator) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    stub.will(Reply(blocked), Reply(pieces=[sse(blocked)]))
    with pytest.raises(RefusedError, match="gemini blocked the prompt"):
        await model.chat("Hi").run()
    with pytest.raises(RefusedError, match="gemini blocked the prompt"):
        await told(model)


async def test_an_answer_that_a_filter_left_nothing_of_is_refused(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(chunk(reason="SAFETY")))
    with pytest.raises(RefusedError):
        await model.chat("Hi").run()


# Keys.


async def test_the_key_of_the_environment_is_for_google_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.will(*[Reply(chunk(said("Hello!"), reason="STOP"))] * 4)

    class Here(GeminiGenerator):
        base_url: ClassVar[str | None] = stub.url

    await get_generator(f"gemini!m,api_base={stub.url}").chat("Hi").run()
    await Here(model="m").chat("Hi").run()
    monkeypatch.setenv("GOOGLE_API_KEY", "other")
    await Here(model="m").chat("Hi").run()
    monkeypatch.delenv("GEMINI_API_KEY")
    await Here(model="m").chat("Hi").run()
    assert [one.headers.get("x-goog-api-key") for one in stub.heard] == [None, DEFAULT_KEY, DEFAULT_KEY, "other"]


async def test_no_key_for_google_itself_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(AuthenticationFailedError, match="set the environment variable GEMINI_API_KEY"):
        await get_generator("gemini!gemini-2.5-flash").chat("Hi").run()


def test_it_is_named_by_its_identifier_without_the_key(model: rg.Generator, stub: Stub) -> None:
    assert model.to_identifier() == f"gemini!gemini-2.5-flash,api_base={stub.url}"
    assert KEY not in repr(model)
