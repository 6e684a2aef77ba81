"""What is recorded is replayed as it was: streams piece by piece, failures too, and nothing that was not asked for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from copy import deepcopy
from os import truncate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import (
    GeneratorWarning,
    ProcessingError,
    ProviderError,
    RateLimitedError,
    ReplayDivergence,
    StateFormatError,
    StreamInterruptedError,
)
from rigging_py.generator import Cut, FunctionGenerator, Generator, get_generator, record, replay, scripted
from rigging_py.generator.policies.answers import Failure
from rigging_py.message import Delta, GeneratedText, ModelTurn, TextDelta, ToolCall, Usage
from tests.generator.stub import Reply, Stub, completion, refusal

NOTHING = rg.GenerateParams()


def hello(text: str = "Hi") -> list[rg.Message]:
    return [rg.Message("user", text)]


async def said(generator: Generator, text: str = "Hi", params: rg.GenerateParams = NOTHING) -> ModelTurn:
    [turn] = await generator.generate_messages([hello(text)], [params])
    if isinstance(turn, BaseException):
        raise turn
    return turn


async def streamed(generator: Generator, text: str = "Hi") -> list[Delta | BaseException]:
    heard: list[Delta | BaseException] = []
    try:
        async for delta in generator.stream_message(hello(text), NOTHING):
            heard.append(delta)  # noqa: PERF401 — what came before a failure is kept
    except ProviderError as error:
        heard.append(error)
    return heard


def shown(deltas: list[Delta | BaseException]) -> list[object]:
    """The deltas as they can be compared: messages without their uuids, errors by what they say."""
    return [
        (one.message.model_dump(exclude={"uuid"}), one.stop_reason, one.usage, one.extra)
        if isinstance(one, ModelTurn)
        else (type(one), str(one))
        if isinstance(one, BaseException)
        else one
        for one in deltas
    ]


def text_of(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in text_of(path).splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "letters.jsonl"


CALL = ToolCall.model_validate({"id": "c-1", "function": {"name": "now", "arguments": '{"city": "Oslo"}'}})


# What comes back.


async def test_turns_texts_and_failures_come_back(path: Path) -> None:
    usage = Usage(input_tokens=3, output_tokens=2, total_tokens=5, cost=0.5, reasoning_tokens=1)
    turn = ModelTurn(
        rg.Message("assistant", "one", tool_calls=[CALL]), "tool_calls", usage, {"id": "r-1", "none": None}
    )
    model = scripted(turn, RateLimitedError("slow down", provider="p", status=429, retry_after=3), "once")
    recording = record(model, path)
    await said(recording)
    with pytest.raises(RateLimitedError):
        await said(recording, "Bye")
    await recording.generate_texts(["Hi"], [NOTHING])

    again = replay(path)
    with pytest.raises(RateLimitedError, match="slow down") as caught:
        await said(again, "Bye")
    assert (caught.value.provider, caught.value.status, caught.value.retry_after) == ("p", 429, 3)
    assert shown([await said(again)]) == shown([turn])
    [text] = await again.generate_texts(["Hi"], [NOTHING])
    assert isinstance(text, GeneratedText)
    assert (text.text, again.remaining) == ("once", 0)


def with_facts(facts: dict[str, Any]) -> ModelTurn:
    return ModelTurn(rg.Message("assistant", "two words"), "stop", Usage(cost=0.25), facts)


FACTS = st.dictionaries(st.text("abc", min_size=1), st.none() | st.integers() | st.lists(st.none()))
REPLIES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.just(CALL)
    | st.builds(Cut, st.text("ab ", min_size=1), st.integers(0, 3))
    | st.builds(with_facts, FACTS),
    min_size=1,
    max_size=4,
)


@given(REPLIES, st.data())
async def test_a_stream_comes_back_in_the_same_pieces(
    tmp_path_factory: pytest.TempPathFactory, replies: list[Any], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("letters") / "a.jsonl"
    recording = record(scripted(*replies), path)
    texts = [data.draw(st.sampled_from(["Hi", "Bye"])) for _ in replies]
    heard = [shown(await streamed(recording, text)) for text in texts]
    again = replay(path)
    assert [shown(await streamed(again, text)) for text in texts] == heard
    assert again.remaining == 0


async def test_a_stream_can_be_had_whole_and_a_whole_turn_as_a_stream(path: Path) -> None:
    recording = record(scripted("one two", "three four"), path)
    await streamed(recording)
    await said(recording, "Bye")
    again = replay(path)
    assert (await said(again)).message.content == "one two"
    deltas = await streamed(again, "Bye")
    assert deltas[0] == TextDelta("three four")
    assert isinstance(deltas[-1], ModelTurn)


async def test_a_stream_that_was_left_comes_as_far_as_it_was_heard(path: Path) -> None:
    stream: Any = record(scripted("one two three"), path).stream_message(hello(), NOTHING)
    assert await anext(stream) == TextDelta("one")
    await stream.aclose()
    again: Any = replay(path).stream_message(hello(), NOTHING)
    assert await anext(again) == TextDelta("one")
    with pytest.raises(StreamInterruptedError, match="left it here"):
        await anext(again)


async def test_a_chat_with_tools_and_a_typed_answer_comes_back_without_the_model(path: Path) -> None:
    @rg.tool
    def now(city: str) -> str:
        return f"noon in {city}"

    @rg.prompt
    async def hour() -> int:
        """When?"""
        raise NotImplementedError

    recording = record(scripted(CALL, "It is noon.", "<int>twelve</int>", "<int>12</int>"), path)
    for generator in (recording, replay(path)):
        chat = await generator.chat("When?").using(now).run()
        assert chat.last.content == "It is noon."
        assert await hour.bind(generator)() == 12


async def test_tools_in_text_are_asked_for_as_they_were(path: Path) -> None:
    @rg.tool
    def now(city: str) -> str:
        return f"noon in {city}"

    call = '<tool_call>{"name": "now", "arguments": {"city": "Oslo"}}</tool_call>'
    recording = record(scripted(call, "It is noon.", supports_tools=None), path)
    said = [(await one.chat("When?").using(now).run()).last.content for one in (recording, replay(path))]
    assert said == [said[0]] * 2
    assert lines(path)[0]["tools"] is None


async def test_equal_requests_get_their_answers_in_the_order_of_the_file(path: Path) -> None:
    await asyncio.gather(*[said(record(scripted(text), path), "Hi") for text in "abc"])
    again = replay(path)
    turns = await asyncio.gather(*[said(again.with_params(timeout=place + 1)) for place in range(3)])
    recorded = [line["answer"]["turn"]["message"]["content"][0]["text"] for line in lines(path)[1:]]
    assert [turn.message.content for turn in turns] == recorded
    assert sorted(recorded) == ["a", "b", "c"]


# What does not.


async def test_another_request_is_a_divergence_that_says_what_differs(path: Path) -> None:
    recording = record(scripted("one", "two"), path)
    await said(recording)
    await said(recording, "Bye", rg.GenerateParams(temperature=0.5))
    again = replay(path)
    await said(again)
    with pytest.raises(ReplayDivergence) as caught:
        await said(again, "Buy", rg.GenerateParams(temperature=0.7))
    assert caught.value.at == 3
    assert caught.value.diff == ("said.0.content.0.text: 'Bye' → 'Buy'", "params.temperature: 0.5 → 0.7")
    assert f"{path}, line 3" in str(caught.value)
    with pytest.raises(ReplayDivergence) as caught:
        await said(again)
    assert str(caught.value) == f"The replay differs from {path}.\n  'Hi' was asked more often than it was recorded"
    await said(again, "Bye", rg.GenerateParams(temperature=0.5))
    with pytest.raises(ReplayDivergence, match="'Else' came after all that was recorded"):
        await said(again, "Else")


async def test_nothing_is_asked_where_nothing_can_be_written(tmp_path: Path) -> None:
    model = scripted("never said")
    with pytest.raises(ProcessingError, match=r"No such file or directory\. Make the directory"):
        await said(record(model, tmp_path / "nowhere" / "letters.jsonl"))
    for content in ("key = value", "key = value\n", '{"name": "me"}', '{"name": "me"}\n{"name": "you"}\n'):
        other = tmp_path / "other"
        other.write_text(content)
        with pytest.raises(ProcessingError, match=r"no recording|no line of a recording|is not JSON"):
            await said(record(model, other))
        assert other.read_text() == content
    assert not model.heard


@pytest.mark.parametrize("cut", [0, 1, 11, 40])
async def test_a_recording_whose_first_line_a_crash_cut_off_is_begun_anew(path: Path, cut: int) -> None:
    await said(record(scripted("one"), path))
    truncate(path, cut)
    await said(record(scripted("two"), path))
    assert (await said(replay(path))).message.content == "two"


# Keys.


async def test_keys_and_what_looks_like_one_are_not_written(stub: Stub, path: Path) -> None:
    stub.will(Reply(completion("It is sk-abcdefgh123456.")), Reply(refusal("Bad key hush-hush-9"), status=401))
    model = get_generator(f"openai!m,api_base={stub.url},api_key=hush-hush-9")
    recording = record(model, path)
    params = rg.GenerateParams(extra={"api_key": "other-secret", "headers": {"authorization": "Bearer abcdefgh12345"}})
    first = await said(recording, "Mine is hush-hush-9, and yours sk-qwertyuiop?", params)
    with pytest.raises(ProviderError):
        await said(recording, "Bye")
    text = text_of(path)
    assert not [one for one in ("hush-hush-9", "other-secret", "abcdefgh12345", "qwertyuiop") if one in text]
    assert "sk-abc" in first.message.content
    asked = lines(path)[1]["asked"][0]
    assert (asked["generator"], asked["api_base"]) == ("openai!m", stub.url)


async def test_a_request_with_what_looks_like_a_key_is_known_again(path: Path) -> None:
    params = rg.GenerateParams(extra={"user_token": "t-1"})
    await said(record(scripted("one"), path), "Mine is sk-qwertyuiop.", params)
    assert (await said(replay(path), "Mine is sk-qwertyuiop.", params)).message.content == "one"


# The file.


async def test_the_file_is_lines_of_json_that_a_hand_can_edit(path: Path) -> None:
    await said(record(scripted("one"), path))
    header, letter = lines(path)
    assert header == {"format": 1, "kind": "rigging_py.letters", "tools": True, "json_schema": None}
    assert letter["request"] == {"said": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "params": {}}
    write(path, text_of(path).replace('"one"', '"another"') + "\n\n")
    assert (await said(replay(path))).message.content == "another"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", r"line 3, is not JSON"),
        ('{"request": {"said": "a", "params": {}}}', r"line 3, .* answer: Field required"),
        ('{"request": {"said": "a", "params": {}}, "answer": {"txt": 1}}', r"line 3, .* answer\.txt"),
        ('{"request": {"said": "a", "params": {}}, "answer": {}}', r"line 3, .* one of turn, text and failure"),
        (
            '{"request": {"said": "a", "params": {}}, "answer": {"turn": {"message": {}}}}',
            r"line 3, .*role",
        ),
        (
            '{"request": {"said": "a", "params": {}}, "answer": {"deltas": [{"text": "a", "reasoning": "b"}]}}',
            r"answer\.deltas\.0: .*one of text, reasoning and call",
        ),
    ],
)
async def test_a_mistake_of_a_hand_is_named_with_its_line(path: Path, line: str, problem: str) -> None:
    await said(record(scripted("one"), path))
    write(path, f"{text_of(path)}{line}\n")
    with pytest.raises(ProcessingError, match=problem):
        replay(path).load()


async def test_what_is_no_recording_is_said_to_be_none(path: Path) -> None:
    with pytest.raises(ProcessingError, match="There is no recording"):
        await said(replay(path))
    write(path, "")
    with pytest.raises(ProcessingError, match="is empty"):
        await said(replay(path))
    write(path, '{"format": 2, "kind": "rigging_py.letters"}\n')
    with pytest.raises(StateFormatError, match="has format 2"):
        await said(replay(path))
    write(path, '{"a": 1}\n')
    with pytest.raises(ProcessingError, match="line 1"):
        await said(replay(path))


@given(st.integers(0, 10_000))
async def test_a_crash_in_the_middle_of_a_line_costs_that_line_only(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("letters") / "a.jsonl"
    recording = record(scripted("one", "two"), path)
    await said(recording)
    await said(recording, "Bye")
    whole = path.read_bytes()
    end = len(whole) - 1 - cut % (len(whole) - whole[:-1].rindex(b"\n") - 2)
    path.write_bytes(whole[:end])
    if end < len(whole) - 1:
        with pytest.warns(GeneratorWarning, match="cut off"):
            assert replay(path).remaining == 1
    else:
        assert replay(path).remaining == 2
    await said(record(scripted("three"), path), "Else")
    again = replay(path)
    assert again.remaining == (2 if end < len(whole) - 1 else 3)
    assert (await said(again, "Else")).message.content == "three"


WRITER = """
import asyncio, sys
import rigging_py as rg
from rigging_py.generator import record
model = record(rg.scripted(*["x" * 100_000] * 30), sys.argv[1])
for place in range(30):
    asyncio.run(model.chat(f"{sys.argv[2]} {place}").run())
"""


def test_several_processes_write_to_one_file(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    again = replay(path)
    assert again.remaining == 60
    assert asyncio.run(said(again, "b 29")).message.content == "x" * 100_000


# Around it.


async def test_a_cancelled_call_leaves_no_line(path: Path) -> None:
    async def never(messages: object, params: object) -> str:
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(said(record(FunctionGenerator(never), path)))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessingError, match="There is no recording"):
        replay(path).load()


async def test_it_is_written_in_connection_strings(path: Path) -> None:
    recording = get_generator(f"record(openai!gpt-4o,temperature=0.5),path={path}")
    assert recording.to_identifier() == f"record(openai!gpt-4o,temperature=0.5),path={path}"
    await said(record(scripted("one"), path))
    again = get_generator(f"replay!{path},temperature=0.5")
    assert again.to_identifier() == f"replay!{path},temperature=0.5"
    with pytest.raises(ReplayDivergence, match="temperature"):
        await said(again)


@pytest.mark.parametrize(
    "kind",
    sorted({one.kind for one in vars(rg.error).values() if isinstance(one, type) and issubclass(one, ProviderError)}),
)
def test_every_kind_of_failure_comes_back_as_its_class(kind: Any) -> None:
    [cls] = [
        one
        for one in vars(rg.error).values()
        if isinstance(one, type) and issubclass(one, ProviderError) and one is not ProviderError and one.kind == kind
    ]
    error = cls("it failed", provider="p", status=500, is_outcome_unknown=True, body="b", request_id="r")
    again = Failure.of(error).error()
    assert type(again) is cls
    assert (str(again), again.provider, again.status, again.body, again.request_id) == ("it failed", "p", 500, "b", "r")


async def test_a_deep_copy_goes_on_in_the_same_file(path: Path) -> None:
    recording = record(scripted("one", "two"), path)
    await said(recording)
    await said(recording)
    again = replay(path)
    copy = deepcopy(again)
    assert [(await said(one)).message.content for one in (again, copy)] == ["one", "two"]
