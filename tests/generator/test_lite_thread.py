"""litellm on its own loop: loops and threads of the program, cancelling, redirects, streams, and what it reads."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import InvalidError, NetworkRefusedError
from rigging_py.generator import get_generator
from tests.generator.stub import Reply, Stub, completion, serving

# litellm turns these off while it is imported, and pytest turns them on again.
_ITS_WARNINGS = "ignore:.*(`ReadOnly` qualifier|attribute on the instance is deprecated)"
pytestmark = [pytest.mark.xdist_group("litellm"), pytest.mark.filterwarnings(_ITS_WARNINGS)]

KEY = "hush-hush-9-and-more"
HELLO = [rg.Message("user", "Hi")]
PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.fixture
def model(stub: Stub) -> rg.Generator:
    return get_generator(f"openai/ok,api_base={stub.url},api_key={KEY},timeout=20")


@pytest.fixture
def elsewhere() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


def test_it_answers_under_one_loop_after_the_other_and_in_threads(
    stub: Stub, model: rg.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []

    def ask() -> None:
        said.append(asyncio.run(model.chat("Hi").run()).last.content)

    for _ in range(3):
        ask()
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert said == ["Hello!"] * 6
    assert caplog.text == ""


async def test_it_leaves_no_task_in_the_loop_of_the_program(stub: Stub, model: rg.Generator) -> None:
    await model.chat("Hi").run()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_call_that_is_cancelled_closes_its_connection(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(pieces=[threading.Event()]))
    task = asyncio.create_task(model.chat("Hi").run())
    await asyncio.to_thread(stub.wait_for, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(stub.left.wait, 10)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def events(*deltas: dict[str, Any]) -> list[bytes]:
    """A stream of OpenAI's, to its end."""
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    said: list[dict[str, Any]] = [*({"choices": [one]} for one in choices), {"choices": [], "usage": usage}]
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stub-1"}
    return [*(b"data: " + json.dumps({**head, **one}).encode() + b"\n\n" for one in said), b"data: [DONE]\n\n"]


async def test_a_stream_that_is_left_closes_its_connection(stub: Stub, model: rg.Generator) -> None:
    stub.will(Reply(pieces=[events({"role": "assistant", "content": "Hel"})[0], threading.Event()]))
    stream = model.stream_message(HELLO, rg.GenerateParams())
    assert str(await anext(stream))
    await stream.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(stub.left.wait, 10)


async def streamed(model: rg.Generator, **params: Any) -> rg.ModelTurn:
    [*_, turn] = [delta async for delta in model.stream_message(HELLO, rg.GenerateParams(**params))]
    assert isinstance(turn, rg.ModelTurn)
    return turn


async def test_media_in_a_stream_become_parts_as_they_do_in_a_whole_answer(stub: Stub, model: rg.Generator) -> None:
    stub.will(
        Reply(pieces=events({"role": "assistant", "content": f"Here: {PIXEL}"}, {"content": " so."})),
        Reply(
            pieces=events({"role": "assistant", "audio": {"id": "a", "transcript": "Hi"}}, {"audio": {"data": "QQ=="}})
        ),
    )
    drawn = await streamed(model)
    assert [type(part) for part in drawn.message.content_parts] == [rg.ContentText, rg.ContentImageUrl, rg.ContentText]
    [sound] = (await streamed(model, audio={"voice": "x", "format": "mp3"})).message.content_parts
    assert isinstance(sound, rg.ContentAudioInput)
    assert (sound.input_audio.format, sound.transcript) == ("mp3", "Hi")


async def test_what_only_this_provider_says_is_in_extra_when_it_is_streamed_too(
    stub: Stub, model: rg.Generator
) -> None:
    thoughts = [{"type": "thinking", "thinking": one} for one in ("H", "m.")]
    signed = {"type": "thinking", "thinking": "", "signature": "s1"}
    deltas = [
        {"reasoning_content": "h", "thinking_blocks": [one]}
        for one in (*thoughts, signed, {**thoughts[0], "signature": "s2"})
    ]
    stub.will(Reply(pieces=events({"role": "assistant", "content": "Yes."}, *deltas)))
    turn = await streamed(model)
    assert turn.extra["provider"] == "openai"
    assert [(one["thinking"], one["signature"]) for one in turn.extra["thinking_blocks"]] == [
        ("Hm.", "s1"),
        ("H", "s2"),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["openai/ok", "anthropic/claude-x", "gemini/g", "mistral/m", "groq/x"])
async def test_no_redirect_is_followed(stub: Stub, elsewhere: Stub, name: str, status: int) -> None:
    stub.will(Reply("", status, {"location": f"{elsewhere.url}/there?key=abc"}))
    model = get_generator(f"litellm!{name},api_base={stub.url},api_key={KEY},timeout=20")
    with pytest.raises(InvalidError) as raised:
        await model.chat("Hi").run()
    assert f"answered HTTP {status}: it redirects to {elsewhere.url}/there. Redirects are not followed" in str(
        raised.value
    )
    assert (len(stub.heard), elsewhere.heard, raised.value.status) == (1, [], status)


async def test_no_proxy_leads_out_of_a_machine_that_is_not_to_be_left(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = stub.url.replace("127.0.0.1", "localhost")  # litellm remembers of a host that there is no proxy
    monkeypatch.setenv("HTTP_PROXY", "http://bob:hunter2@127.0.0.1:1")
    with pytest.raises(NetworkRefusedError, match="No request was sent to a proxy"):
        await get_generator(f"litellm!mistral/m,api_base={base},api_key={KEY},timeout=19").chat("Hi").run()
    assert stub.heard == []


SCRIPT = """
import asyncio, logging, os, sys
dialled = []
def look(event, args):
    host = args[1][0] if event == "socket.connect" else args[0] if event == "socket.getaddrinfo" else None
    if host not in (None, "127.0.0.1"):
        dialled.append(args)
sys.addaudithook(look)
import rigging_py as rg
async def main():
    for name in ("openai/gpt-4o", "anthropic/claude-x,api_base=" + os.environ["STUB"] + ",api_key=env:SOME_KEY"):
        try:
            chat = await rg.get_generator("litellm!" + name).chat("Hi").run()
            print(chat.last.content, chat.usage.cost)
        except rg.error.ProviderError as error:
            print(type(error).__name__)
asyncio.run(main())
import litellm
print(dialled, os.environ.get("FROM_A_FILE"), litellm.drop_params, litellm.callbacks, litellm.success_callback)
"""


def test_it_reads_no_env_file_asks_nobody_else_and_goes_where_the_environment_says(stub: Stub, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_A_FILE=1\n")
    stub.will(Reply(completion() | {"model": "gpt-4o"}), Reply("oops", 500))
    kept = ("PATH", "HOME", "LANG", "PYTHONPYCACHEPREFIX", "PYDANTIC_DISABLE_PLUGINS")
    environment = {name: value for name, value in os.environ.items() if name in kept} | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OPENAI_BASE_URL": stub.url,
        "OPENAI_API_KEY": KEY,
        "SOME_KEY": KEY,
        "STUB": stub.url,
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "Hello! 6.75e-05\nServerFaultError\n[] None False [] []\n", done.stderr
    assert KEY not in done.stderr
    assert "unclosed" not in done.stderr.lower()
    assert stub.heard[0].key == f"Bearer {KEY}"
    assert [path.name for path in tmp_path.iterdir()] == [".env"]
