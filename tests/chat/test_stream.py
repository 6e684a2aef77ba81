"""A run that streams tells what happens as it happens, is never whole when it is not, and ends with its reader."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr

import rigging_py as rg
from rigging_py.chat import ChatEvent, ChatFinished, EventStream, ToolResultEvent, ToolStartedEvent, TurnDiscarded
from rigging_py.error import (
    MessagesExhaustedMaxRoundsError,
    PipelineWarning,
    RateLimitedError,
    StreamInterruptedError,
)
from rigging_py.generator import Cut, Generator, ScriptedGenerator
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn, TextDelta, Usage
from rigging_py.run import (
    Continue,
    Failed,
    MoreTokens,
    PartialStreamedTurn,
    ProviderFailure,
    StreamedArguments,
    StreamedInvalidToolCall,
    StreamedReasoning,
    StreamedText,
    StreamedToolCall,
    StreamedUsage,
)
from rigging_py.util import await_
from tests.tools.calls import call


def turn(text: str = "", calls: Sequence[rg.ToolCall] = (), thought: str = "", **facts: Any) -> ModelTurn:
    made = ModelTurn.of(text, calls, **facts)
    return replace(made, extra={"reasoning_content": thought}) if thought else made


NAMES: dict[type[Any], str] = {
    StreamedText: "text",
    StreamedReasoning: "reasoning",
    StreamedToolCall: "call",
    StreamedArguments: "arguments",
    StreamedInvalidToolCall: "invalid",
    StreamedUsage: "usage",
    ToolStartedEvent: "started",
    ToolResultEvent: "result",
    TurnDiscarded: "discarded",
    ChatFinished: "finished",
}


def look(at: str = "it") -> str:
    return f"seen {at}"


def names(events: Sequence[ChatEvent]) -> list[str]:
    """What the events are, each kind once where several of it come in a row."""
    all_of_them = [NAMES[type(event)] for event in events]
    return [name for before, name in zip(["", *all_of_them], all_of_them, strict=False) if name != before]


def text_of(events: Sequence[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, StreamedText))


async def read(stream: AsyncIterator[ChatEvent], into: list[ChatEvent] | None = None) -> list[ChatEvent]:
    """The events; also `into` a list, for streams that raise."""
    events = [] if into is None else into
    async for event in stream:
        events.append(event)
    return events


async def others() -> None:
    """Waits until no other task is left; forever, were one to stay."""
    here = asyncio.current_task()
    while left := asyncio.all_tasks() - {here}:
        await asyncio.wait_for(asyncio.wait(left), 10)


class Slow(Generator):
    """A model that says one word after the other, for ever, and remembers how far it came and when it was closed."""

    model: str = "slow"
    _said: list[int] = PrivateAttr(default_factory=list[int])
    _closed: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        try:
            while True:
                self._said.append(len(self._said))
                yield TextDelta("word ")
                await asyncio.sleep(0)
        finally:
            self._closed.set()

    @property
    def said(self) -> int:
        return len(self._said)

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()


class Scrawl(Generator):
    """A model whose deltas are these."""

    model: str = "scrawl"
    deltas: tuple[Any, ...] = ()

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        for delta in self.deltas:
            yield delta


# What is told.


async def test_text_comes_in_pieces_and_the_chat_last() -> None:
    events = await read(rg.scripted("one two three").chat("Count.").stream())
    assert [event.text for event in events if isinstance(event, StreamedText)] == ["one", " two", " three"]
    assert isinstance(events[-1], ChatFinished)
    assert events[-1].chat.conversation == "[user]: Count.\n\n[assistant]: one two three"


async def test_reasoning_text_calls_results_and_usage_are_told_in_the_order_they_happen() -> None:
    usage = used(3, 2)
    first = turn("Let me look.", [call("look", {"at": "the sky"})], "Hm.", usage=usage)
    events = await read(rg.scripted(first, "Blue.").chat("What?").using(look).stream())
    assert names(events) == [
        *["reasoning", "text", "call", "arguments", "usage", "started", "result", "text", "finished"],
    ]
    started = next(event for event in events if isinstance(event, ToolStartedEvent))
    result = next(event for event in events if isinstance(event, ToolResultEvent))
    assert (started.call.name, started.call.arguments, started.call) == ("look", {"at": "the sky"}, result.call)
    assert result.result.content == "seen the sky"


async def test_a_tool_runs_once_the_text_of_its_turn_has_streamed_to_the_reader() -> None:
    was_read, executed = asyncio.Event(), asyncio.Event()

    async def look() -> str:
        await asyncio.wait_for(was_read.wait(), 10)
        executed.set()
        return "seen"

    said = ""
    async for text in rg.scripted(turn("Let me look.", [call("look")]), " Done.").chat("hi").using(look).stream_text():
        said += text
        if said == "Let me look.":
            assert not executed.is_set()
            was_read.set()
    assert said == "Let me look. Done."
    assert executed.is_set()


async def test_a_refused_turn_is_told_to_be_void_with_what_the_model_is_told() -> None:
    model = rg.scripted("many", "<int>3</int>")
    events = await read(model.chat("How many?").until_parsed_as(int).stream())
    assert names(events) == ["text", "discarded", "text", "finished"]
    discarded = next(event for event in events if isinstance(event, TurnDiscarded))
    assert discarded.feedback == model.heard[1].messages[-1].content


async def test_a_cut_answer_that_is_asked_for_again_is_void_and_one_that_goes_on_is_not() -> None:
    cut = ModelTurn.from_text("<int>4", stop_reason="length")
    again = rg.scripted(cut, "<int>42</int>").chat("hi")
    events = await read(again.until_parsed_as(int, on_truncated=MoreTokens(100)).stream())
    assert names(events) == ["text", "discarded", "text", "finished"]
    on = rg.scripted(cut, "2</int>").chat("hi").until_parsed_as(int, on_truncated=Continue()).stream()
    events = await read(on)
    assert names(events) == ["text", "finished"]
    assert text_of(events) == "<int>42</int>"


async def test_a_call_of_a_tool_that_is_not_there_comes_out_without_its_arguments() -> None:
    events = await read(rg.scripted(call("secret", {"a": 1}), "Sorry.").chat("hi").using(look).stream())
    assert names(events) == ["invalid", "text", "finished"]


async def test_the_text_alone_can_be_had() -> None:
    model = rg.scripted(ModelTurn.of("Looking. ", [call("look")]), "Done.")
    assert "".join([text async for text in model.chat("hi").using(look).stream_text()]) == "Looking. Done."


async def test_the_chat_can_be_had_after_some_events_or_none() -> None:
    stream = rg.scripted("one two").chat("hi").stream()
    await anext(stream)
    assert (await stream.chat()).last.content == "one two"
    assert (await rg.scripted("one").chat("hi").stream().chat()).last.content == "one"


async def test_a_generator_that_does_not_stream_gives_its_whole_turn_as_one_piece() -> None:
    events = await read(rg.FunctionGenerator(lambda said, params: "one two").chat("hi").stream())
    assert events[0] == StreamedText("one two")
    assert names(events) == ["text", "finished"]


def test_a_script_that_cannot_await_reads_the_same_events() -> None:
    pipeline = rg.scripted(call("look"), "one two").chat("hi").using(look)
    assert names(list(pipeline.stream_sync())) == ["call", "arguments", "started", "result", "text", "finished"]


def test_a_script_that_stops_reading_closes_the_stream() -> None:
    model = Slow()
    for _ in model.chat("hi").stream_sync():
        break
    gc.collect()
    assert model.is_closed


def test_a_script_that_cannot_await_gets_the_error_too() -> None:
    events: list[ChatEvent] = []
    with pytest.raises(StreamInterruptedError):
        events.extend(rg.scripted(Cut("one two", 1)).chat("hi").stream_sync())
    assert names(events) == ["text"]


def test_a_script_reads_on_although_the_loop_that_runs_it_changes() -> None:
    asked, free = threading.Event(), threading.Event()

    async def waiting() -> None:
        # The loop this runs on can take nothing else until it is let go.
        await_(asyncio.to_thread(hold))

    def hold() -> None:
        asked.set()
        free.wait(10)

    busy = threading.Thread(target=lambda: await_(waiting()))
    busy.start()
    assert asked.wait(10)
    events = rg.scripted("one two three").chat("hi").stream_sync()
    next(events)
    free.set()
    busy.join(10)
    assert names(list(events)) == ["text", "finished"]


async def test_a_running_loop_can_run_and_stream_without_awaiting() -> None:
    pipeline = rg.scripted("one", "two").chat("hi")
    assert pipeline.run_sync().last.content == "one"
    assert text_of(list(pipeline.stream_sync())) == "two"


def test_a_script_can_run_without_awaiting_and_keep_what_failed() -> None:
    chat = rg.scripted("no").chat("hi").until_parsed_as(int, max_rounds=0).run_sync(allow_failed=True)
    assert isinstance(chat.error, MessagesExhaustedMaxRoundsError)


# What breaks off.


@pytest.mark.parametrize("after", range(4))
async def test_a_stream_that_breaks_off_is_an_error_that_keeps_what_came(after: int) -> None:
    executed: list[str] = []

    def note(x: str) -> None:
        executed.append(x)

    turn = ModelTurn.of("Noting", [call("note", {"x": "a"})])
    pipeline = rg.scripted(Cut(turn, after), "never asked").chat("hi").using(note)
    events: list[ChatEvent] = []
    with pytest.raises(StreamInterruptedError) as caught:
        await read(pipeline.stream(), events)
    assert caught.value.run is not None
    step = caught.value.run.next_step()
    assert isinstance(step, Failed)
    assert isinstance(step.cause, ProviderFailure)
    assert step.cause.error.kind == "Interrupted"
    assert step.cause.error.partial == PartialStreamedTurn(
        "Noting" if after else "", "", (("note", '{"x": "a' if after == 3 else ""),) if after >= 2 else ()
    )
    assert executed == []
    assert "finished" not in names(events)


async def test_a_stream_that_ends_without_its_whole_turn_is_no_success() -> None:
    with pytest.raises(StreamInterruptedError, match="Scrawl ended its stream without the whole turn") as caught:
        await read(Scrawl(deltas=(TextDelta("a"), TextDelta("b"))).chat("hi").stream())
    step = cast("Any", caught.value.run).next_step()
    assert step.cause.error.partial.text == "ab"


async def test_a_stream_that_goes_on_after_its_whole_turn_is_no_success() -> None:
    with pytest.raises(ValueError, match="nothing comes after it"):
        await read(Scrawl(deltas=(ModelTurn.from_text("a"), TextDelta("b"))).chat("hi").stream())


async def test_a_run_whose_stream_broke_off_can_go_on_streamed() -> None:
    pipeline = rg.scripted(Cut("one two", 1), "one two three").chat("hi")
    with pytest.raises(StreamInterruptedError) as caught:
        await read(pipeline.stream())
    assert caught.value.run is not None
    events = await read(pipeline.stream_resumed(caught.value.run))
    assert text_of(events) == "one two three"
    assert cast("ChatFinished", events[-1]).chat.conversation == "[user]: hi\n\n[assistant]: one two three"


async def test_what_fails_is_raised_once_and_then_the_stream_is_over() -> None:
    stream = rg.scripted(RateLimitedError("slow down")).chat("hi").stream()
    with pytest.raises(RateLimitedError):
        await anext(stream)
    assert await anext(stream, None) is None
    with pytest.raises(RuntimeError, match="no chat"):
        await stream.chat()


async def test_a_failure_that_is_to_be_kept_is_in_the_chat() -> None:
    pipeline = rg.scripted("no").chat("hi").until_parsed_as(int, max_rounds=0)
    chat = await pipeline.stream(on_failed="include").chat()
    assert isinstance(chat.error, MessagesExhaustedMaxRoundsError)


# The same as a run that does not stream.

PIECES = st.text("ab <>/\n", max_size=12)


def used(read: int, written: int) -> Usage:
    return Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)


USAGES = st.none() | st.builds(used, st.integers(0, 9), st.integers(0, 9))
CALLS = st.builds(
    call,
    st.sampled_from(["look", "note", "gone"]),
    st.sampled_from([{}, {"at": "x"}, {"at": 1}, {"x": 3}, "{", "[]"]),
    st.sampled_from(["c1", "c2", ""]),
)
TURNS = st.builds(
    turn,
    PIECES | st.just("<int>4</int>"),
    st.lists(CALLS, max_size=3),
    PIECES,
    stop_reason=st.sampled_from(["stop", "length", "content_filter", "tool_calls"]),
    usage=USAGES,
)
ERRORS = st.sampled_from([RateLimitedError("slow down"), OSError("gone")])
REPLIES = TURNS | PIECES | st.just("<int>4</int>") | ERRORS | st.builds(Cut, TURNS, st.integers(0, 5))
REFINEMENTS: list[Callable[[rg.ChatPipeline], rg.ChatPipeline]] = [
    lambda p: p,
    lambda p: p.until_parsed_as(int),
    lambda p: p.until_parsed_as(int, attempt_recovery=False),
    lambda p: p.until_parsed_as(int, on_truncated=MoreTokens(9)),
    lambda p: p.until_parsed_as(int, on_truncated=Continue(2)),
    lambda p: p.until_parsed_as(list[int], on_truncated="keep_items"),
    lambda p: p.until_parsed_as(int, output_mode="tool"),
    lambda p: p.within(tokens=8),
]


def note(x: int) -> int:
    return x


def facts(chat: rg.Chat) -> dict[str, Any]:
    """All that a chat says, but for the names and the moment of this very run, and what was half said."""
    dumped = chat.model_dump(mode="json", exclude={"uuid", "timestamp", "generator_id"})
    for message in [*dumped["messages"], *dumped["generated"]]:
        message.pop("uuid")
    run = getattr(chat.error, "run", None)
    cause = getattr(run.next_step(), "cause", None) if run is not None else None
    if isinstance(cause, ProviderFailure):
        cause = (cause.error.kind, cause.error.message)
    return {**dumped, "usage": chat.usage, "output": None if chat.failed else chat.output, "cause": cause}


@given(script=st.lists(REPLIES, min_size=1, max_size=6), refine=st.sampled_from(REFINEMENTS))
async def test_a_streamed_run_ends_as_one_that_is_not_streamed(
    script: list[Any], refine: Callable[[rg.ChatPipeline], rg.ChatPipeline]
) -> None:
    def pipeline() -> rg.ChatPipeline:
        model = ScriptedGenerator(*script, model="the same")
        return refine(model.chat("hi").using(look, note)).catch(Exception, on_failed="include")

    blocking = await pipeline().run()
    events = await read(pipeline().stream())
    assert isinstance(events[-1], ChatFinished)
    assert facts(events[-1].chat) == facts(blocking)


@given(script=st.lists(TURNS, min_size=1, max_size=4))
async def test_the_pieces_of_a_stream_are_the_turns_of_the_chat(script: list[ModelTurn]) -> None:
    pipeline = rg.scripted(*script, "end").chat("hi").using(look, note).catch(Exception, on_failed="include")
    events = await read(pipeline.stream())
    chat = cast("ChatFinished", events[-1]).chat
    said = "".join(m.content for m in chat.all if m.role == "assistant")
    # A turn that was cut before it said anything but blanks is no message.
    assert "".join(text_of(events).split()) == "".join(said.split())


# Whoever leaves takes the run along.


async def test_a_stream_that_nobody_reads_does_nothing() -> None:
    model = rg.scripted("one")
    before = asyncio.all_tasks()
    stream = model.chat("hi").stream()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    await stream.aclose()
    assert await read(stream) == []
    assert model.heard == []


async def test_a_stream_that_is_over_stays_over() -> None:
    stream = rg.scripted("one").chat("hi").stream()
    assert names(await read(stream)) == ["text", "finished"]
    assert await read(stream) == []
    assert (await stream.chat()).last.content == "one"


async def test_closing_a_stream_closes_the_request_and_leaves_no_task() -> None:
    model = Slow()
    before = asyncio.all_tasks()
    stream = model.chat("hi").stream()
    await anext(stream)
    await stream.aclose()
    assert model.is_closed
    assert asyncio.all_tasks() == before
    assert await read(stream) == []
    with pytest.raises(RuntimeError, match="no chat"):
        await stream.chat()


async def test_leaving_the_block_of_a_stream_leaves_no_task() -> None:
    model = Slow()
    before = asyncio.all_tasks()
    async with model.chat("hi").stream() as stream:
        async for _ in stream:
            break
    assert model.is_closed
    assert asyncio.all_tasks() == before


async def test_breaking_out_of_a_stream_ends_the_run() -> None:
    model = Slow()
    async for _ in model.chat("hi").stream():
        break
    await others()
    assert model.is_closed


async def test_dropping_a_stream_ends_the_run() -> None:
    model = Slow()
    stream = model.chat("hi").stream()
    await anext(stream)
    del stream
    await others()
    assert model.is_closed


async def test_dropping_a_stream_that_failed_says_nothing_to_the_loop() -> None:
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
    stream = rg.scripted(Cut("one two", 2)).chat("hi").stream()
    await anext(stream)
    await others()
    del stream
    gc.collect()
    assert said == []


async def test_breaking_out_of_the_text_alone_ends_the_run_too() -> None:
    model = Slow()
    before = asyncio.all_tasks()
    async with aclosing(model.chat("hi").stream_text()) as texts:
        await anext(texts)
    assert model.is_closed
    assert asyncio.all_tasks() == before


async def test_cancelling_the_reader_ends_the_run_its_request_and_its_tools() -> None:
    began, never = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def wait(name: str) -> None:
        began.set()
        try:
            await never.wait()
        finally:
            ended.append(name)

    model = rg.scripted([call("wait", {"name": "a"}), call("wait", {"name": "b"}, "c2")])
    before = asyncio.all_tasks()
    reader = asyncio.create_task(read(model.chat("hi").using(wait).stream()))
    await asyncio.wait_for(began.wait(), 10)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert sorted(ended) == ["a", "b"]
    assert asyncio.all_tasks() == before


async def test_cancelling_the_reader_closes_the_stream_of_the_model() -> None:
    began, closed = asyncio.Event(), asyncio.Event()

    class Stuck(Generator):
        model: str = "stuck"

        async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
            try:
                yield TextDelta("a")
                began.set()
                await asyncio.Event().wait()
            finally:
                closed.set()

    before = asyncio.all_tasks()
    reader = asyncio.create_task(read(Stuck().chat("hi").stream()))
    await asyncio.wait_for(began.wait(), 10)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert closed.is_set()
    assert asyncio.all_tasks() == before


async def test_an_error_in_the_readers_block_ends_the_run_and_passes() -> None:
    model = Slow()

    async def fail() -> None:
        async with model.chat("hi").stream() as stream:
            async for _ in stream:
                raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await fail()
    assert model.is_closed


async def test_closing_while_another_task_reads_ends_its_reading_quietly() -> None:
    began = asyncio.Event()

    async def answer(said: Any, params: Any) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    stream = rg.FunctionGenerator(answer).chat("hi").stream()
    reader = asyncio.create_task(read(stream))
    await asyncio.wait_for(began.wait(), 10)
    await stream.aclose()
    assert await asyncio.wait_for(reader, 10) == []


async def test_a_stream_closed_before_its_first_step_ends_its_reader() -> None:
    stream = rg.scripted("one").chat("hi").stream()
    reader = asyncio.create_task(read(stream))
    closer = asyncio.create_task(stream.aclose())
    await asyncio.wait_for(asyncio.gather(reader, closer), 10)


async def test_two_readers_of_one_stream_share_its_events_and_both_end() -> None:
    stream = rg.scripted("a b c d").chat("hi").stream()
    first, second = await asyncio.wait_for(asyncio.gather(read(stream), read(stream)), 10)
    assert names(sorted([*first, *second], key=lambda event: isinstance(event, ChatFinished))) == ["text", "finished"]


async def test_a_slow_reader_holds_the_run_back() -> None:
    model = Slow()
    async with model.chat("hi").stream() as stream:
        await anext(stream)
        for _ in range(1000):
            await asyncio.sleep(0)
        ahead = model.said
        assert 1 < ahead < 100
        for _ in range(10):
            await anext(stream)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert model.said == ahead + 10


async def test_two_streams_of_one_pipeline_do_not_mix() -> None:
    pipeline = rg.FunctionGenerator(lambda said, params: "abc").chat("hi")
    first, second = pipeline.stream(), pipeline.stream()
    begun = [await anext(first), await anext(second)]
    assert begun == [StreamedText("abc"), StreamedText("abc")]
    assert names(await read(second)) == names(await read(first)) == ["finished"]


def test_a_stream_is_read_in_the_loop_where_it_began() -> None:
    stream: EventStream = rg.scripted("one two").chat("hi").stream()
    asyncio.run(_first_of(stream))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(_first_of(stream))


def test_a_stream_that_waits_in_another_event_loop_is_closed_there() -> None:
    stream = rg.scripted("a word " * 100).chat("Hello").stream()  # more than may wait for the reader
    with asyncio.Runner() as here, asyncio.Runner() as there:
        here.run(_first_of(stream))
        with pytest.raises(RuntimeError, match="close it there"):
            there.run(stream.aclose())
        here.run(stream.aclose())
        there.run(stream.aclose())


async def _first_of(stream: EventStream) -> ChatEvent:
    return await anext(stream)


# Callbacks and watchers.


async def test_callbacks_run_before_the_last_event_and_their_pipelines_are_not_told_of() -> None:
    def more(chat: rg.Chat) -> rg.ChatPipeline:
        return chat.continue_("And?")

    events = await read(rg.scripted("one", "two").chat("hi").then(more).stream())
    assert text_of(events) == "one"
    assert [m.content for m in cast("ChatFinished", events[-1]).chat.all] == ["hi", "one", "And?", "two"]


async def test_a_callback_may_stream_a_pipeline_of_its_own() -> None:
    async def more(chat: rg.Chat) -> rg.Chat:
        return await chat.continue_("And?").stream().chat()

    chat = await rg.scripted("one", "two").chat("hi").then(more).stream().chat()
    assert [m.content for m in chat.all] == ["hi", "one", "And?", "two"]


async def test_a_callback_that_raises_ends_the_stream_with_its_error() -> None:
    def broken(chat: rg.Chat) -> None:
        raise KeyError("my own mistake")

    events: list[ChatEvent] = []
    with pytest.raises(KeyError, match="my own mistake"):
        await read(rg.scripted("one").chat("hi").then(broken).stream(), events)
    assert names(events) == ["text"]


async def test_watchers_see_the_chat_of_a_stream() -> None:
    seen: list[str] = []

    async def watcher(chats: list[Any]) -> None:
        seen.extend(chat.last.content for chat in chats)

    async def broken(chats: list[Any]) -> None:
        raise OSError("disk full")

    with pytest.warns(PipelineWarning, match="disk full"):
        chat = await rg.scripted("one").chat("hi").watch(watcher, broken).stream().chat()
    assert (chat.last.content, seen) == ("one", ["one"])


async def test_a_run_may_be_named_before_it_streams() -> None:
    name = "00000000-0000-0000-0000-000000000001"
    chat = await rg.scripted("one").chat("hi").stream(run_id=name).chat()
    assert str(chat.uuid) == name


async def test_an_empty_pipeline_says_so_when_its_stream_is_read() -> None:
    stream = rg.scripted("hi").chat().stream()
    with pytest.raises(ValueError, match="add a message"):
        await anext(stream)


async def test_a_generator_may_stream_by_an_iterator_that_cannot_be_closed() -> None:
    class Once:
        def __init__(self) -> None:
            self.left = [rg.ModelTurn.from_text("hi")]

        def __aiter__(self) -> Once:
            return self

        async def __anext__(self) -> rg.ModelTurn:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    class Plain(rg.ScriptedGenerator):
        def stream_message(self, messages: Any, params: Any) -> Any:
            return Once()

    async with Plain(model="plain").chat("hi").stream() as stream:
        assert (await stream.chat()).last.content == "hi"
