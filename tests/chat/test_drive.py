"""The loop: rounds until an answer can be read, callbacks once for each finished run, nothing left behind."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import ExhaustedMaxRoundsError, MaxDepthError, MessagesExhaustedMaxRoundsError, PipelineWarning
from rigging_py.run import CallTools, ModelResponded, ToolsReturned
from tests.tools.calls import call


class Person(rg.Model):
    name: str
    age: int


# Asking until the answer can be read.


async def test_a_bad_answer_goes_back_with_what_was_wrong_with_it() -> None:
    model = rg.scripted("plenty", "<person><name>Ada</name><age>old</age></person>", "<int>42</int>")
    chat = await model.chat("How many?").until_parsed_as(int).run()
    assert chat.output == 42
    missing = model.heard[1].messages[-1]
    assert missing.role == "user"
    assert missing.content == (
        "<validation-error type=\"MissingModelError\">There is no 'int' element in the text.</validation-error>\n"
        "\n"
        "Rewrite your entire message with all of the required elements:\n"
        "\n"
        "<int></int>"
    )


async def test_feedback_names_the_field_that_is_wrong() -> None:
    model = rg.scripted(
        "<person><name>Ada</name><age>old</age></person>", "<person><name>Ada</name><age>36</age></person>"
    )
    chat = await model.chat("Who?").until_parsed_as(Person).run()
    assert chat.output == Person(name="Ada", age=36)
    said = model.heard[1].messages[-1].content
    assert "age" in said
    assert "integer" in said
    assert Person.xml_example() in said


async def test_types_add_up_over_several_calls() -> None:  # surface 3.2 no. 6
    model = rg.scripted("<int>1</int>", "<str>a</str>", "<int>1</int> <str>a</str>")
    chat = await model.chat("hi").until_parsed_as(int).until_parsed_as(str).run()
    assert chat.output == (1, "a")
    assert len(model.heard) == 3


@pytest.mark.parametrize("rounds", [0, 1, 3])
async def test_n_rounds_are_n_calls_more_than_the_first(rounds: int) -> None:  # surface 3.2 no. 7
    model = rg.scripted(*["no"] * 10)
    with pytest.raises(ExhaustedMaxRoundsError) as caught:
        await model.chat("hi").until_parsed_as(int, max_rounds=rounds).run()
    assert len(model.heard) == rounds + 1
    assert caught.value.max_rounds == rounds


async def test_max_depth_is_another_name_for_the_rounds() -> None:
    model = rg.scripted(*["no"] * 10)
    with pytest.raises(MessagesExhaustedMaxRoundsError):
        await model.chat("hi").until_parsed_as(int, max_depth=2).run()
    assert len(model.heard) == 3


async def test_five_more_rounds_are_the_default() -> None:
    model = rg.scripted(*["no"] * 10)
    with pytest.raises(ExhaustedMaxRoundsError):
        await model.chat("hi").until_parsed_as(int).run()
    assert len(model.heard) == 6


async def test_without_recovery_every_round_sends_only_the_first_messages() -> None:
    model = rg.scripted("no", "nor this", "<int>3</int>")
    await model.chat(["one", "two"]).until_parsed_as(int, attempt_recovery=False).run()
    assert [[m.content for m in heard.messages] for heard in model.heard] == [["one", "two"]] * 3


async def test_with_recovery_every_round_sends_the_dialog() -> None:
    model = rg.scripted("no", "nor this", "<int>3</int>")
    chat = await model.chat("hi").until_parsed_as(int, attempt_recovery=True).run()
    assert [len(heard.messages) for heard in model.heard] == [1, 3, 5]
    assert len(chat) == 6


@pytest.mark.parametrize("recovers", [True, False])
async def test_a_dropped_dialog_is_not_in_the_chat(recovers: bool) -> None:
    pipeline = rg.scripted("no", "<int>3</int>").chat("hi")
    chat = await pipeline.until_parsed_as(int, attempt_recovery=recovers, drop_dialog=True).run()
    assert [m.content for m in chat.all] == ["hi", "<int>3</int>"]


# Callbacks.


async def test_then_comes_before_map_and_each_once_for_a_finished_run() -> None:  # surface 3.2 no. 29
    order: list[str] = []
    model = rg.scripted("no", call("look"), "<int>3</int>")

    def look() -> str:
        return "seen"

    async def second(chat: rg.Chat) -> None:
        order.append(f"second {chat.last.content}")

    def all_of_them(chats: rg.ChatList) -> rg.ChatList:
        order.append(f"map {len(chats)}")
        return chats

    await (
        model.chat("hi")
        .using(look)
        .map(all_of_them)
        .then(lambda chat: order.append("first"), second)
        .until_parsed_as(int)
        .run()
    )
    assert order == ["first", "second <int>3</int>", "map 1"]


async def test_a_then_callback_may_put_another_chat_in_place() -> None:
    other = rg.Chat(messages=[rg.Message("user", "other")])
    assert await rg.scripted("hi").chat("hello").then(lambda chat: other).run() is other


@pytest.mark.parametrize("form", ["a pipeline", "its steps"])
async def test_a_then_callback_may_return_a_pipeline_whose_chat_takes_the_place(form: str) -> None:
    def more(chat: rg.Chat) -> object:
        pipeline = chat.continue_("And?")
        return pipeline if form == "a pipeline" else pipeline.step()

    model = rg.scripted("one", "two")
    chat = await model.chat("hi").then(more).run()
    assert [m.content for m in chat.all] == ["hi", "one", "And?", "two"]


async def test_a_map_callback_may_return_a_pipeline_too() -> None:
    model = rg.scripted("one", "two", "sum")
    summary = model.chat("Sum up.")
    chats = await model.chat("hi").map(lambda chats: summary.add([c.last.content for c in chats])).run_many(2)
    assert [m.content for chat in chats for m in chat.all] == ["Sum up.", "one", "two", "sum"]


async def test_a_map_callback_that_returns_no_chats_is_an_error() -> None:
    def forgetful(chats: rg.ChatList) -> None: ...

    with pytest.raises(TypeError, match=r"forgetful must return a list of chats.*None") as caught:
        await rg.scripted("hi").chat("hello").map(forgetful).run()
    assert [chat.last.content for chat in cast("Any", caught.value).chats] == ["hi"]


async def test_run_says_so_when_a_map_callback_makes_two_chats_of_one() -> None:
    with pytest.raises(ValueError, match=r"2 chats of one.*run_many"):
        await rg.scripted("hi").chat("hello").map(lambda chats: [*chats, *chats]).run()
    assert len(await rg.scripted("hi").chat("hello").map(lambda chats: [*chats, *chats]).run_many(1)) == 2


async def test_a_callback_that_continues_its_chat_by_hand_does_not_call_itself() -> None:  # surface 3.2 no. 29
    model = rg.scripted("one", "two", "three")

    async def more(chats: rg.ChatList) -> list[rg.Chat]:
        return [await chat.continue_("And?").run() for chat in chats]

    await model.chat("hi").map(more).run()
    assert model.remaining == 1


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_pipelines_inside_of_each_other_stop_at_the_limit(
    limit: int, count: int, watched: bool
) -> None:  # surface 3.2 no. 7
    calls = 0

    def answer(messages: Any, params: Any) -> str:
        nonlocal calls
        calls += 1
        return "on and on"

    def more(chat: rg.Chat) -> rg.ChatPipeline:
        return chat.continue_("And?").then(more, max_depth=limit)

    pipeline = rg.FunctionGenerator(answer).chat("hi").then(more, max_depth=limit)

    async def go() -> None:
        if not watched:
            await pipeline.run_many(count, max_concurrent=1)
            return
        async with pipeline.step() as steps:
            async for _ in steps:
                pass

    with pytest.raises(MaxDepthError, match=f"{limit} is the limit") as caught:
        await go()
    assert calls == limit + (count if not watched else 1)
    assert caught.value.max_depth == limit
    assert caught.value.messages[-1].content == "on and on"


async def test_a_callback_that_raises_does_not_lose_the_chats() -> None:
    def broken(chat: rg.Chat) -> None:
        raise KeyError("my own mistake")

    with pytest.raises(KeyError) as caught:
        await rg.scripted("precious").chat("hi").then(broken).run()
    assert caught.value.chats[0].last.content == "precious"  # type: ignore[attr-defined]


async def test_pipelines_that_a_batch_of_callbacks_returns_run_side_by_side() -> None:
    together = asyncio.Barrier(3)

    async def answer(messages: Any, params: Any) -> str:
        if len(messages) > 1:
            await asyncio.wait_for(together.wait(), 10)
        return f"answer {len(messages)}"

    chats = await rg.FunctionGenerator(answer).chat("hi").then(lambda chat: chat.continue_("And?")).run_many(3)
    assert [chat.last.content for chat in chats] == ["answer 3"] * 3


# Watchers.


async def test_watchers_see_finished_chats_and_those_of_the_generator_too() -> None:
    seen: list[str] = []

    async def by_generator(chats: list[Any]) -> None:
        seen.append(f"generator {len(chats)}")

    async def by_pipeline(chats: list[Any]) -> None:
        seen.append(f"pipeline {chats[0].last.content}")

    await rg.scripted("a", "b").watch(by_generator).chat("hi").watch(by_pipeline).run_many(2)
    assert seen == ["generator 2", "pipeline a"]


async def test_a_watcher_that_raises_is_a_warning_and_loses_nothing() -> None:  # surface 3.2 no. 27
    async def broken(chats: list[Any]) -> None:
        raise OSError("disk full")

    with pytest.warns(PipelineWarning, match="OSError: disk full"):
        chat = await rg.scripted("hi").chat("hello").watch(broken).run()
    assert chat.last.content == "hi"


async def test_a_watcher_that_lets_out_the_end_of_another_task_loses_nothing() -> None:
    async def broken(chats: list[Any]) -> None:
        writing = asyncio.ensure_future(asyncio.sleep(3600))
        writing.cancel()
        await writing

    with pytest.warns(PipelineWarning, match="CancelledError"):
        chat = await rg.scripted("hi").chat("hello").watch(broken).run()
    assert chat.last.content == "hi"


async def test_a_run_is_cancelled_while_a_watcher_watches() -> None:
    watching = asyncio.Event()

    async def slow(chats: list[Any]) -> None:
        watching.set()
        await asyncio.sleep(3600)

    running = asyncio.create_task(rg.scripted("hi").chat("hello").watch(slow).run())
    await watching.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_watcher_need_not_be_async() -> None:
    seen: list[Any] = []
    chat = await rg.scripted("hi").chat("hello").watch(cast("Any", seen.extend)).run()
    assert seen == [chat]


async def test_a_watcher_cannot_take_chats_out_of_the_batch() -> None:
    async def greedy(chats: list[Any]) -> None:
        chats.clear()

    assert len(await rg.scripted("a", "b").chat("hi").watch(greedy).run_many(2)) == 2


# Stopping and going on.


async def test_cancelling_leaves_no_task_behind() -> None:  # surface 3.2 no. 44
    asked, never = asyncio.Event(), asyncio.Event()

    async def wait(x: int) -> None:
        asked.set()
        await never.wait()

    model = rg.scripted([call("wait", {"x": 1}), call("wait", {"x": 2}, "c2")])
    before = asyncio.all_tasks()
    task = asyncio.create_task(model.chat("hi").using(wait).run())
    await asyncio.wait_for(asked.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() - {task} == before


async def test_a_cancelled_run_can_go_on() -> None:
    asked, never = asyncio.Event(), asyncio.Event()
    runs: list[rg.AgentRun] = []
    answers = 0

    async def answer(messages: Any, params: Any) -> str:
        nonlocal answers
        answers += 1
        if answers == 2:
            asked.set()
            await never.wait()
        return "no" if answers == 1 else "<int>3</int>"

    pipeline = rg.FunctionGenerator(answer).chat("hi").until_parsed_as(int)

    async def go() -> None:
        async with pipeline.step() as steps:
            async for step in steps:
                runs[:] = step.runs

    task = asyncio.create_task(go())
    await asyncio.wait_for(asked.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    chat = await pipeline.resume(runs[0])
    assert chat.output == 3
    assert len(chat) == 4


async def test_a_run_stored_between_its_tools_goes_on_and_runs_none_twice() -> None:
    executed: list[int] = []

    async def note(x: int) -> str:
        executed.append(x)
        return f"noted {x}"

    pipeline = rg.scripted([call("note", {"x": 1}), call("note", {"x": 2}, "c2")], "Done.").chat("Note.").using(note)
    async with pipeline.step() as steps:
        [run] = (await anext(steps)).runs
        step = run.next_step()
        assert isinstance(step, CallTools)
        run.tool_result(step.calls[0].key, await note(1))
        stored = json.dumps(run.dump())

    chat = await pipeline.resume(json.loads(stored))
    assert executed == [1, 2]
    assert [m.content for m in chat.all] == ["Note.", "", "noted 1", "noted 2", "Done."]


ELSEWHERE = """
import asyncio, json, sys
import rigging_py as rg

def note(x: int) -> str:
    return f"noted {x}"

pipeline = rg.scripted("Done.").chat().using(note)
print(asyncio.run(pipeline.resume(json.load(sys.stdin))).model_dump_json(include={"uuid", "messages", "generated"}))
"""


async def test_a_run_stored_before_its_tools_finishes_with_the_same_chat_in_another_process() -> None:
    def note(x: int) -> str:
        return f"noted {x}"

    calls = [call("note", {"x": 1}), call("note", {"x": 2}, "c2")]
    stored: list[str] = []
    chat = rg.Chat(messages=[])
    async with rg.scripted(calls, "Done.").chat("Note.").using(note).step() as steps:
        async for step in steps:
            stored.append(json.dumps(step.runs[0].dump()))
            chat = step.chats[0]
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ELSEWHERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await other.communicate(stored[0].encode())
    loaded = rg.Chat.model_validate_json(said)
    assert loaded.uuid == chat.uuid
    assert loaded.all == chat.all


async def test_a_run_begun_by_hand_can_be_finished_by_a_pipeline() -> None:
    pipeline = rg.scripted("hi").chat()
    chat = await pipeline.resume(rg.AgentRun("hello"))
    assert chat.conversation == "[user]: hello\n\n[assistant]: hi"


async def test_the_journal_says_when_each_thing_happened() -> None:
    answered: list[datetime] = []

    async def look() -> str:
        answered.append(datetime.now(UTC))
        return "seen"

    def answer(said: Any, params: Any) -> Any:
        answered.append(datetime.now(UTC))
        return "Done." if said[-1].role == "tool" else call("look")

    async with rg.FunctionGenerator(answer).chat("hi").using(look).step() as steps:
        [run] = [step async for step in steps][-1].runs
    times = [entry.time for entry in run.journal if isinstance(entry.input, ModelResponded | ToolsReturned)]
    assert all(time is not None and time >= earliest for time, earliest in zip(times, answered, strict=True))
    assert times == sorted(times, key=str)
