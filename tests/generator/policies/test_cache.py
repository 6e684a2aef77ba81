"""A cache answers an equal request as it was answered before, makes one call of several, and never fails a call."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import rigging_py as rg
from rigging_py.error import GeneratorWarning, InvalidGeneratorError, RateLimitedError, StoreUnavailableError
from rigging_py.generator import Generator, get_generator, scripted
from rigging_py.generator.policies.cache import Cache, cache
from rigging_py.generator.policies.cache_stores import MemoryCache
from rigging_py.message import Delta, GeneratedText, ModelTurn, TextDelta, ToolCall, Usage

NOTHING = rg.GenerateParams()


def hello(text: str = "Hi") -> list[rg.Message]:
    return [rg.Message("user", text)]


def used(text: str, **facts: Any) -> ModelTurn:
    return ModelTurn.from_text(text, usage=Usage(input_tokens=5, output_tokens=2, total_tokens=7, cost=0.5), **facts)


async def said(generator: Generator, text: str = "Hi", params: rg.GenerateParams = NOTHING) -> ModelTurn:
    [turn] = await generator.generate_messages([hello(text)], [params])
    if isinstance(turn, BaseException):
        raise turn
    return turn


async def streamed(generator: Generator, text: str = "Hi") -> list[Delta]:
    return [delta async for delta in generator.stream_message(hello(text), NOTHING)]


class Slow(Generator):
    """Answers when it is told to, and counts how often it was asked, and how often it was cancelled."""

    model: str = "slow"
    go: asyncio.Event = Field(default_factory=asyncio.Event)
    asked: list[str] = Field(default_factory=list[str])
    cancelled: list[str] = Field(default_factory=list[str])
    fails: list[Exception] = Field(default_factory=list[Exception])

    async def generate_messages(
        self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return [[piece async for piece in self.stream_message(said, NOTHING)][-1] for said in messages]  # type: ignore[misc]

    async def stream_message(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> AsyncIterator[Delta]:
        text = messages[-1].content
        self.asked.append(text)
        try:
            yield TextDelta("al")
            await self.go.wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.append(text)
            raise
        if self.fails:
            raise self.fails.pop(0)
        yield TextDelta("so")
        yield used("also")


@pytest.fixture
def slow() -> Slow:
    return Slow()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


# What is equal.


async def test_an_equal_request_is_answered_as_before_and_uses_nothing() -> None:
    model = scripted(used("one"), used("two"))
    cached = cache(model)
    first, again = await said(cached), await said(cached)
    assert (first.message.content, again.message.content) == ("one", "one")
    assert (first.usage, again.usage) == (used("").usage, Usage(cost=0.0))
    assert (first.extra, again.extra) == ({}, {"cached": True})
    assert again.message.uuid != first.message.uuid
    assert (await said(cached, "Bye")).message.content == "two"


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"extra": {"logprobs": True}},
        {"tools": [{"function": {"name": "f"}}]},
        {"seed": 2},
    ],
)
async def test_what_changes_the_answer_makes_another_request(other: dict[str, Any]) -> None:
    cached = cache(scripted("one", "two"))
    await said(cached)
    assert (await said(cached, params=rg.GenerateParams(**other))).message.content == "two"


async def test_the_form_of_the_answer_belongs_to_the_request() -> None:
    cached = cache(scripted("<int>1</int>", "<str>two</str>"))

    @rg.prompt
    async def legs() -> int:
        """How many?"""
        raise NotImplementedError

    assert await legs.bind(cached)() == 1
    assert await legs.bind(cached)() == 1


async def test_a_time_limit_marks_and_made_up_names_of_calls_change_nothing() -> None:
    def dialogue(name: str) -> list[rg.Message]:
        call = ToolCall.model_validate({"id": name, "function": {"name": "now"}})
        return [
            rg.Message("user", "When?").cache(),
            rg.Message("assistant", "", tool_calls=[call]),
            rg.Message("tool", "noon", tool_call_id=name),
        ]

    cached = cache(scripted("one", "two"))
    [first] = await cached.generate_messages([dialogue("a1")], [NOTHING])
    [again] = await cached.generate_messages([dialogue("b2")], [rg.GenerateParams(timeout=3)])
    assert isinstance(first, ModelTurn)
    assert isinstance(again, ModelTurn)
    assert first.message.content == again.message.content == "one"


async def test_another_model_or_other_parameters_of_it_have_other_answers(tmp_path: Path) -> None:
    store = MemoryCache()
    one, two = scripted("one", "warm"), scripted("two")
    assert (await said(cache(one, store=store))).message.content == "one"
    assert (await said(cache(two, store=store))).message.content == "two"
    assert (await said(cache(one.with_params(temperature=1), store=store))).message.content == "warm"
    # Retries around the same model do not make it another.
    assert (await said(cache(cache(one), store=store))).message.content == "one"


async def test_texts_are_kept_apart_from_conversations() -> None:
    cached = cache(scripted("once", "turn"))
    [text] = await cached.generate_texts(["Hi"], [NOTHING])
    [again] = await cached.generate_texts(["Hi"], [NOTHING])
    assert isinstance(text, GeneratedText)
    assert isinstance(again, GeneratedText)
    assert (text.text, again.text, again.extra) == ("once", "once", {"cached": True})
    assert (await said(cached)).message.content == "turn"


# What is kept.


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_what_was_cut_or_filtered_is_not_kept(reason: Any) -> None:
    cached = cache(scripted(ModelTurn.from_text("o", reason), "one"))
    assert [(await said(cached)).message.content for _ in range(3)] == ["o", "one", "one"]


async def test_a_failure_is_not_kept() -> None:
    cached = cache(scripted(RateLimitedError("slow down"), "one"))
    with pytest.raises(RateLimitedError):
        await said(cached)
    assert (await said(cached)).message.content == "one"


async def test_an_answer_is_good_for_so_many_seconds() -> None:
    now = [1000.0]
    cached = Cache(inner=scripted("one", "two"), ttl=60, now=lambda: now[0])
    texts: list[str] = []
    for later in (0, 59, 1, 30):
        now[0] += later
        texts.append((await said(cached)).message.content)
    assert texts == ["one", "one", "two", "two"]


async def test_memory_keeps_the_latest_used() -> None:
    model = scripted(*"abcdef")
    cached = cache(model, max_entries=2)
    for text in ("1", "2", "1", "3", "1", "2"):
        await said(cached, text)
    assert [heard.text for heard in model.heard] == ["[user]: 1", "[user]: 2", "[user]: 3", "[user]: 2"]


async def test_what_json_cannot_hold_is_told_and_not_kept() -> None:
    cached = cache(scripted(ModelTurn(rg.Message("assistant", "one"), "stop", extra={"raw": object()}), "two"))
    with pytest.warns(GeneratorWarning, match="JSON cannot hold"):
        assert (await said(cached)).message.content == "one"
    assert (await said(cached)).message.content == "two"


def turn_of(text: str, calls: list[dict[str, Any]], usage: Usage | None, extra: dict[str, Any]) -> ModelTurn:
    message = rg.Message("assistant", text, tool_calls=[ToolCall.model_validate(one) for one in calls])
    return ModelTurn(message, "stop", usage, extra)


TURNS = st.builds(
    turn_of,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(
        st.fixed_dictionaries(
            {"id": st.text("ab1", max_size=3), "function": st.just({"name": "f", "arguments": '{"a": [1, null]}'})}
        ),
        max_size=2,
    ),
    st.none() | st.builds(Usage, input_tokens=st.integers(0, 9), cost=st.none() | st.floats(0, 1)),
    st.dictionaries(st.text("abc", min_size=1), st.none() | st.integers() | st.text("xyz") | st.lists(st.booleans())),
)


@given(TURNS)
async def test_what_is_kept_comes_back_as_it_was(turn: ModelTurn) -> None:
    cached = cache(scripted(turn))
    await said(cached)
    again = await said(cached)
    assert again.message.model_dump(exclude={"uuid"}) == turn.message.model_dump(exclude={"uuid"})
    assert (again.stop_reason, again.extra) == (turn.stop_reason, {**turn.extra, "cached": True})


# Streams.


async def test_a_streamed_answer_is_kept_and_streams_again() -> None:
    cached = cache(scripted("one two"))
    first, again = await streamed(cached), await streamed(cached)
    assert [one.text for one in first[:-1] if isinstance(one, TextDelta)] == ["one", " two"]
    assert again[0] == TextDelta("one two")
    assert isinstance(again[-1], ModelTurn)
    assert (await said(cached)).extra == {"cached": True}


async def test_a_stream_that_its_reader_leaves_is_closed_and_not_kept(slow: Slow) -> None:
    cached = cache(slow)
    stream: Any = cached.stream_message(hello(), NOTHING)
    assert await anext(stream) == TextDelta("al")
    await stream.aclose()
    assert (slow.asked, slow.cancelled) == (["Hi"], ["Hi"])
    slow.go.set()
    assert (await said(cached)).extra == {}


# One call for several.


async def test_equal_requests_at_one_time_are_one_call(slow: Slow) -> None:
    cached = cache(slow)
    tasks = [asyncio.create_task(said(cached)) for _ in range(5)]
    await settled()
    slow.go.set()
    turns = await asyncio.gather(*tasks)
    assert slow.asked == ["Hi"]
    assert [turn.usage.cost for turn in turns if turn.usage] == [0.5, 0.0, 0.0, 0.0, 0.0]
    assert len({turn.message.uuid for turn in turns}) == 5


@pytest.mark.parametrize("leaving", [[0], [1], [0, 1], [0, 2], [1, 2]])
async def test_who_is_cancelled_takes_nothing_from_the_others(slow: Slow, leaving: list[int]) -> None:
    cached = cache(slow)
    tasks = [asyncio.create_task(said(cached)) for _ in range(3)]
    await settled()
    for place in leaving:
        tasks[place].cancel()
    await settled()
    slow.go.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in results] == [place in leaving for place in range(3)]
    assert (slow.asked, slow.cancelled) == (["Hi"], [])


async def test_a_call_that_nobody_waits_for_any_longer_is_cancelled(slow: Slow) -> None:
    cached = cache(slow)
    tasks = [asyncio.create_task(said(cached)) for _ in range(2)]
    await settled()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert slow.cancelled == ["Hi"]
    assert len(asyncio.all_tasks()) == 1
    slow.go.set()
    assert (await said(cached)).message.content == "also"
    assert slow.asked == ["Hi", "Hi"]


async def test_a_failure_is_everybody_s_who_waited_and_each_gets_an_error_of_their_own(slow: Slow) -> None:
    slow.fails.append(RateLimitedError("slow down", retry_after=3))
    cached = cache(slow)
    tasks = [asyncio.create_task(said(cached)) for _ in range(3)]
    await settled()
    slow.go.set()
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [(type(one), str(one), getattr(one, "retry_after", 0)) for one in errors] == [
        (RateLimitedError, "slow down", 3)
    ] * 3
    assert len({id(one) for one in errors}) == 3
    assert (await said(cached)).message.content == "also"


async def test_streams_of_one_call_come_to_all_readers_at_their_own_pace(slow: Slow) -> None:
    cached = cache(slow)
    stuck: Any = cached.stream_message(hello(), NOTHING)
    assert await anext(stuck) == TextDelta("al")
    other = asyncio.create_task(streamed(cached))
    whole = asyncio.create_task(said(cached))
    await settled()
    slow.go.set()
    # Nobody waits for the reader who stands still.
    assert [type(one) for one in await other] == [TextDelta, TextDelta, ModelTurn]
    assert (await whole).message.content == "also"
    assert [type(one) async for one in stuck] == [TextDelta, ModelTurn]
    assert slow.asked == ["Hi"]


def test_one_cache_serves_several_event_loops() -> None:
    cached = cache(scripted("one", "two"))
    assert [asyncio.run(said(cached)).message.content for _ in range(2)] == ["one", "one"]


# Stores.


class Broken:
    """A store that is not there."""

    async def get(self, key: str) -> bytes | None:
        raise StoreUnavailableError("it is away")

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:
        raise StoreUnavailableError("it is away")


async def test_a_store_that_fails_fails_no_call() -> None:
    cached = cache(scripted("one", "two"), store=Broken())
    for text in ("one", "two"):
        with pytest.warns(GeneratorWarning, match="it is away") as warned:
            assert (await said(cached)).message.content == text
        assert len(warned) == 2


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b"null", b'{"format": 1}', b'{"format": 1, "since": 0, "answer": {"turn": 3}}', b"\xff"]
)
async def test_an_entry_that_cannot_be_read_is_a_warning_and_no_answer(value: bytes) -> None:
    class Odd(MemoryCache):
        async def get(self, key: str) -> bytes | None:
            return value

    cached = cache(scripted("one"), store=Odd())
    with pytest.warns(GeneratorWarning, match="cannot be read"):
        assert (await said(cached)).message.content == "one"


async def test_what_a_later_release_kept_is_no_answer() -> None:
    class Later(MemoryCache):
        async def get(self, key: str) -> bytes | None:
            return json.dumps({"format": 2, "what": "ever"}).encode()

    assert (await said(cache(scripted("one"), store=Later()))).message.content == "one"


async def test_caches_of_one_name_share_what_they_keep() -> None:
    model = scripted("one", "two")
    one, two = cache(model, name="shared-answers"), cache(model, name="shared-answers")
    assert [(await said(each)).message.content for each in (one, two)] == ["one", "one"]
    with pytest.raises(InvalidGeneratorError, match="ttl"):
        cache(model, name="shared-answers", ttl=3)
    assert (await said(cache(model))).message.content == "two"


async def test_copies_share_what_they_keep() -> None:
    cached = cache(scripted("one"))
    await said(cached)
    copies = cached.with_params(timeout=5), cached.watch(lambda _: None)
    assert [(await said(copy)).message.content for copy in copies] == ["one", "one"]


async def test_it_is_written_in_a_connection_string() -> None:
    text = "cache(openai!gpt-4o,temperature=0.5),store=sqlite!answers.db,ttl=3600.0"
    generator = get_generator(text)
    assert isinstance(generator, Cache)
    assert (generator.ttl, generator.store, generator.model) == (3600, "sqlite!answers.db", "gpt-4o")
    again = generator.to_identifier()
    assert again == text.replace("!answers", "%21answers")
    assert get_generator(again).to_identifier() == again
    secret = get_generator("cache(openai!gpt-4o),store=redis!redis://me:hush-hush@localhost/0")
    assert "hush" not in secret.to_identifier() + repr(secret)


@pytest.mark.parametrize("store", ["disk!", "sqlite!", "", "redis!", "memory!x"])
def test_a_store_that_is_none_is_refused(store: str) -> None:
    with pytest.raises(InvalidGeneratorError, match="no place for answers"):
        cache(scripted(), store=store)


async def test_a_chat_with_tools_is_had_again_without_the_model() -> None:
    asked: list[str] = []

    @rg.tool
    def now(city: str) -> str:
        asked.append(city)
        return "noon"

    call = ToolCall.model_validate({"id": "1", "function": {"name": "now", "arguments": '{"city": "Oslo"}'}})
    cached = cache(scripted(call, "It is noon."))
    chats = [await cached.chat("When?").using(now).run() for _ in range(2)]
    assert [chat.last.content for chat in chats] == ["It is noon."] * 2
    assert asked == ["Oslo", "Oslo"]
    assert chats[1].usage == Usage(cost=0.0)


# What readers may do to each other.


async def test_who_edits_an_answer_changes_that_of_no_other_reader(slow: Slow) -> None:
    cached = cache(slow)

    async def edited() -> str:
        turn = await said(cached)
        turn.message.content = "mine"
        turn.extra["mine"] = True
        return turn.message.content

    editor, reader = asyncio.create_task(edited()), asyncio.create_task(said(cached))
    await settled()
    slow.go.set()
    assert await editor == "mine"
    assert ((await reader).message.content, (await reader).extra) == ("also", {"cached": True})


async def test_generators_of_ones_own_class_are_told_apart_by_their_settings() -> None:
    class Echo(Generator):
        word: str

        async def generate_messages(
            self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
        ) -> Sequence[ModelTurn | BaseException]:
            assert len(messages) == len(params)
            return [ModelTurn.from_text(self.word) for _ in messages]

    words = [(await said(cache(Echo(model="m", word=word), name="echoes"))).message.content for word in "aba"]
    assert words == ["a", "b", "a"]


async def test_a_store_of_ones_own_may_fail_as_files_do() -> None:
    class Full(MemoryCache):
        async def put(self, key: str, value: bytes, ttl: float | None) -> None:
            raise OSError(f"No room for {key}, {len(value)} bytes, {ttl}.")

    with pytest.warns(GeneratorWarning, match="could not keep an answer: No room"):
        assert (await said(cache(scripted("Hi."), store=Full()))).message.content == "Hi."


async def test_a_file_that_was_in_use_when_the_process_was_forked_can_be_used_in_both(tmp_path: Path) -> None:
    cached = cache(scripted("one", "two"), store=f"sqlite!{tmp_path / 'answers.db'}")
    assert (await said(cached)).message.content == "one"

    def in_child() -> int:
        if child := os.fork():
            return os.waitpid(child, 0)[1]
        threading.Timer(20, os._exit, (1,)).start()
        turns = [asyncio.run(said(cached)), asyncio.run(said(cached, "Bye"))]
        os._exit([turn.message.content for turn in turns] != ["one", "two"])

    assert await asyncio.to_thread(in_child) == 0
    assert (await said(cached, "Bye")).message.content == "two"
    assert (await said(cached, "Bye")).extra == {"cached": True}


async def test_who_has_less_time_by_its_generator_fails_nobody_else() -> None:
    slow = Slow()
    hasty, patient = (cache(slow.with_params(timeout=seconds), name="hasty and patient") for seconds in (1, 600))
    asking = [asyncio.create_task(said(one)) for one in (hasty, patient, patient)]
    await settled()
    assert len(slow.asked) == 2
    slow.go.set()
    await asyncio.gather(*asking)
