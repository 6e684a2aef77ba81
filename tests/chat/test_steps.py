"""`step()` shows a pipeline as it goes: each model turn, each callback, and once the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

import rigging_py as rg
from tests.tools.calls import call


async def steps_of(pipeline: rg.ChatPipeline, **how: Any) -> list[rg.PipelineStep]:
    async with pipeline.step(**how) as steps:
        return [step async for step in steps]


async def test_steps_are_turns_then_callbacks_then_the_end() -> None:
    def look() -> str:
        return "seen"

    def then(chat: rg.Chat) -> None: ...

    def each(chats: rg.ChatList) -> rg.ChatList:
        return chats

    model = rg.scripted(call("look"), "no", "<int>1</int>")
    steps = await steps_of(model.chat("hi").using(look).until_parsed_as(int).map(each).then(then))
    assert [step.state for step in steps] == ["generated"] * 3 + ["callback", "callback", "final"]
    assert [step.callback for step in steps] == [None, None, None, then, each, None]
    assert {step.depth for step in steps} == {0}


async def test_a_generated_step_shows_what_was_sent_and_what_came_back() -> None:
    def look() -> str:
        return "seen"

    model = rg.scripted(call("look"), call("unknown"), "no", "<int>1</int>")
    steps = await steps_of(model.chat("hi").using(look).until_parsed_as(int))
    generated = [step.chats[0] for step in steps if step.state == "generated"]
    assert [chat.last.role for chat in generated] == ["assistant"] * 4
    assert [len(chat.messages) for chat in generated] == [1, 3, 5, 7]
    assert [one.name for one in generated[0].last.tool_calls or ()] == ["look"]
    assert generated[2].last.content == "no"
    assert steps[-1].chats[0].output == 1


async def test_steps_of_an_inner_pipeline_name_the_step_they_belong_to() -> None:
    model = rg.scripted("outer", "inner", "innermost")
    pipeline = model.chat("hi").then(lambda chat: chat.continue_("more").then(lambda c: c.continue_("yet more").step()))
    steps = await steps_of(pipeline)
    assert [(step.depth, step.state) for step in steps] == [
        (0, "generated"),
        (1, "generated"),
        (2, "generated"),
        (2, "final"),
        (1, "callback"),
        (1, "final"),
        (0, "callback"),
        (0, "final"),
    ]
    assert steps[1].parent is steps[0]
    assert steps[2].parent is steps[1]
    assert steps[-1].chats[0].last.content == "innermost"


async def test_a_run_can_be_stored_at_a_step_and_go_on_elsewhere() -> None:
    pipeline = rg.scripted("no", "<int>1</int>").chat("hi").until_parsed_as(int)
    async with pipeline.step() as steps:
        first = await anext(steps)
        stored = first.runs[0].dump()
    chat = await pipeline.resume(stored)
    assert chat.output == 1


async def test_leaving_early_asks_the_model_no_further() -> None:
    model = rg.scripted("no", "<int>1</int>")
    async with model.chat("hi").until_parsed_as(int).step() as steps:
        async for _ in steps:
            break
    assert model.remaining == 1


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raise", ["generated [True]", "MessagesExhaustedMaxRoundsError"]),
        ("include", ["generated [True]", "final [True]"]),
        ("skip", ["generated [True]", "final []"]),
    ],
)
async def test_a_failure_is_raised_after_its_step_or_kept_in_it(how: rg.FailMode, expected: list[str]) -> None:
    seen: list[str] = []

    async def look() -> None:
        async with rg.scripted("no").chat("hi").until_parsed_as(int, max_rounds=0).step(on_failed=how) as steps:
            async for step in steps:
                seen.append(f"{step.state} {[chat.failed for chat in step.chats]}")  # noqa: PERF401 — kept when it raises

    try:
        await look()
    except rg.RiggingError as error:
        seen.append(type(error).__name__)
    assert seen == expected


async def test_steps_begin_anew_each_time_they_are_entered() -> None:
    steps = rg.scripted("a", "b").chat("hi").step()
    for expected in ("a", "b"):
        async with steps as each:
            last = [step async for step in each][-1]
        assert last.chats[0].last.content == expected


@pytest.mark.parametrize("step", [0, 1])
async def test_editing_the_chat_of_a_step_does_not_change_what_follows(step: int) -> None:
    model = rg.scripted("no", "nor this", "<int>1</int>")
    async with model.chat("hi").until_parsed_as(int).step() as steps:
        seen = 0
        async for one in steps:
            if seen == step:
                one.chats[0].last.content = "edited"
                one.chats[0].messages[0].content = "edited"
            seen += 1
    assert not any("edited" in heard.text for heard in model.heard)


async def test_steps_of_many_runs_go_round_by_round() -> None:
    model = rg.scripted("no", "<int>1</int>", "<int>2</int>")
    params = [rg.GenerateParams(seed=1), rg.GenerateParams(seed=2)]
    async with model.chat("hi").until_parsed_as(int).step_many(2, params=params) as steps:
        seen = [(step.state, len(step.chats)) async for step in steps]
    assert seen == [("generated", 2), ("generated", 1), ("final", 2)]
    assert [heard.params.seed for heard in model.heard] == [1, 2, 1]


async def test_steps_of_a_batch_have_the_pipelines_messages_before_each() -> None:
    model = rg.scripted("a", "b", OSError("down"))
    pipeline = model.chat("Be brief.").catch(OSError)
    async with pipeline.step_batch(["x", ["y", "z"], "w"], on_failed="skip") as steps:
        last = [step async for step in steps][-1]
    assert [[m.content for m in chat.all] for chat in last.chats] == [
        ["Be brief.", "x", "a"],
        ["Be brief.", "y", "z", "b"],
    ]


async def test_a_step_can_be_copied_and_put_under_another() -> None:
    first, last = await steps_of(rg.scripted("a").chat("hi"))
    copy = last.copy()
    copy.chats.clear()
    assert (len(last.chats), copy.state, copy.pipeline) == (1, "final", last.pipeline)
    inner = last.with_parent(first)
    assert (inner.depth, inner.parent, last.parent) == (1, first, None)
    assert inner.with_parent(last).depth == 2
    assert inner.with_parent(last).parent == first.with_parent(last)


@pytest.mark.parametrize("is_over", [True, False])
async def test_a_pipeline_inside_of_another_fails_as_it_says_itself(is_over: bool) -> None:
    inner = rg.scripted("no").chat("x").until_parsed_as(int, max_rounds=0)
    inner = inner.catch(on_failed="include") if is_over else inner
    outer = rg.scripted("a").chat("hi").then(lambda _: inner.step())
    if is_over:
        assert (await outer.run()).failed
    else:
        with pytest.raises(rg.error.MessagesExhaustedMaxRoundsError):
            await outer.run(on_failed="include")


async def test_a_callback_may_give_steps_one_by_one() -> None:
    async def more(chat: rg.Chat) -> AsyncGenerator[rg.PipelineStep, None]:
        for question in ("more", "yet more"):
            async with chat.continue_(question).step() as steps:
                async for step in steps:
                    chat = step.chats[-1]
                    yield step

    pipeline = rg.scripted("a", "b", "c").chat("hi").then(more)
    steps = await steps_of(pipeline)
    assert [(step.depth, step.state) for step in steps] == [
        (0, "generated"),
        *[(1, "generated"), (1, "final")] * 2,
        (0, "callback"),
        (0, "final"),
    ]
    assert steps[1].parent is steps[0]
    assert [m.content for m in steps[-1].chats[0].all] == ["hi", "a", "more", "b", "yet more", "c"]


async def test_all_chats_of_a_batch_may_go_on_step_by_step() -> None:
    async def more(chats: rg.ChatList) -> AsyncGenerator[rg.PipelineStep, None]:
        async with chats[0].continue_("more").step_many(2) as steps:
            async for step in steps:
                yield step

    nothing: list[rg.PipelineStep] = []

    async def none(chat: rg.Chat) -> AsyncGenerator[rg.PipelineStep, None]:
        for step in nothing:
            yield step

    model = rg.scripted(*"abcd")
    chats = await model.chat("hi").then(none).map(more).run_many(2)
    assert [chat.last.content for chat in chats] == ["c", "d"]


async def test_steps_that_a_callback_gives_stop_at_the_limit_too() -> None:
    async def again(chat: rg.Chat) -> AsyncGenerator[rg.PipelineStep, None]:
        async with chat.restart(include_all=True).add("And?").step() as steps:
            async for step in steps:
                yield step

    model = rg.FunctionGenerator(lambda said, params: "Well.")
    with pytest.raises(rg.error.MaxDepthError, match="3 is the limit"):
        await model.chat("hi").then(again, max_depth=3).run()
