"""What tools are given beside the model's arguments, how many run at once, and that none outlives its run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from rigging_py.run import AgentRun
from rigging_py.store import get_store
from tests.tools.calls import call


@dataclass
class Deps:
    user: str


class Crowd:
    """A tool that stays until as many are there as there will be, and how many that were."""

    def __init__(self, expected: int) -> None:
        self.expected, self.inside, self.most = expected, 0, 0
        self.full = asyncio.Event()

    async def stay(self) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.expected:
            self.full.set()
        await asyncio.wait_for(self.full.wait(), 10)
        # Whoever waits for a place has had every chance to take one.
        for _ in range(10):
            await asyncio.sleep(0)
        self.inside -= 1
        return "stayed"

    def tool(self, name: str, **options: Any) -> rg.Tool[..., Any]:
        return rg.Tool.from_callable(self.stay, name=name, **options)


def calls(*names: str) -> list[rg.ToolCall]:
    return [call(name, {}, f"c{index}") for index, name in enumerate(names)]


# Context.


async def test_a_tool_gets_the_context_of_the_pipeline_and_the_model_never_sees_it() -> None:
    seen: list[rg.ToolContext[Deps]] = []

    def look(at: str, ctx: rg.ToolContext[Deps]) -> str:
        seen.append(ctx)
        return f"{ctx.value.user} sees {at}"

    deps = Deps("Ada")
    model = rg.scripted(call("look", {"at": "it"}), "Done.")
    chat = await model.chat("hi").using(look).with_context(deps).run()
    assert seen[0].value is deps
    assert (seen[0].key, seen[0].run_id, seen[0].attempt) == (f"{chat.uuid}/1/0", str(chat.uuid), 1)
    assert chat.all[2].content == "Ada sees it"
    [tool] = model.heard[0].params.tools or []
    assert list(cast("dict[str, Any]", tool.function.parameters)["properties"]) == ["at"]


async def test_the_key_of_a_call_is_the_same_in_a_run_that_goes_on() -> None:
    keys: list[str] = []
    began = asyncio.Event()

    @rg.tool(effect="read")
    async def look(ctx: rg.ToolContext) -> str:
        keys.append(ctx.key)
        if len(keys) == 1:
            began.set()
            await asyncio.Event().wait()
        return "seen"

    pipeline = rg.scripted(call("look"), "Done.").chat("hi").using(look)
    runs: list[AgentRun] = []

    async def go() -> None:
        async with pipeline.step() as steps:
            async for step in steps:
                runs[:] = step.runs

    task = asyncio.create_task(go())
    await asyncio.wait_for(began.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await pipeline.resume(AgentRun.load(runs[0].dump(), pipeline.program))
    assert keys == [f"{runs[0].run_id}/1/0"] * 2


async def test_a_tool_of_a_stored_run_is_told_which_try_this_is() -> None:
    tries: list[tuple[str, int]] = []
    began = asyncio.Event()

    async def look(ctx: rg.ToolContext) -> str:
        tries.append((ctx.key, ctx.attempt))
        if len(tries) == 1:
            began.set()
            await asyncio.Event().wait()
        return "seen"

    tool = rg.Tool.from_callable(look, effect="idempotent")
    pipeline = rg.scripted(call("look"), call("look"), "Done.").chat("hi").using(tool)
    async with get_store("memory!") as store:
        task = asyncio.create_task(pipeline.run(store=store, run_id="a"))
        await asyncio.wait_for(began.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await pipeline.resume("a", store=store)
    assert tries == [("a/1/0", 1), ("a/1/0", 2), ("a/2/0", 1)]


async def test_two_pipelines_of_one_base_have_their_own_context() -> None:
    def who(ctx: rg.ToolContext[Deps]) -> str:
        return ctx.value.user

    model = rg.FunctionGenerator(lambda said, _: "Done." if said[-1].role == "tool" else call("who"))
    pipeline = model.chat("hi").using(who)
    ada, bob = await asyncio.gather(pipeline.with_context(Deps("Ada")).run(), pipeline.with_context(Deps("Bob")).run())
    assert (ada.all[2].content, bob.all[2].content) == ("Ada", "Bob")


async def test_a_context_of_another_class_is_the_programs_mistake() -> None:
    def who(ctx: rg.ToolContext[Deps]) -> str:
        return ctx.value.user

    with pytest.raises(TypeError, match=r"who.*ToolContext\[Deps\].*with_context"):
        await rg.scripted(call("who")).chat("hi").using(who).run()


# How many at once.


async def test_tools_of_one_turn_run_side_by_side_up_to_the_limit() -> None:
    crowd = Crowd(5)
    await rg.scripted(calls(*["stay"] * 5), "Done.").chat("hi").using(crowd.tool("stay")).run()
    assert crowd.most == 5
    crowd = Crowd(2)
    model = rg.scripted(calls(*["stay"] * 6), "Done.")
    await model.chat("hi").using(crowd.tool("stay"), max_concurrent=2).run()
    assert crowd.most == 2


async def test_sixteen_run_at_once_unless_the_caller_says_otherwise() -> None:
    crowd = Crowd(16)
    await rg.scripted(calls(*["stay"] * 20), "Done.").chat("hi").using(crowd.tool("stay")).run()
    assert crowd.most == 16


@pytest.mark.parametrize("limit", [0, -1])
def test_none_at_once_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="At least one"):
        rg.scripted().chat("hi").using(max_concurrent=limit)


async def test_tools_of_a_group_share_its_slots_and_others_do_not_wait_for_them() -> None:
    group, others = Crowd(1), Crowd(3)
    tools = [group.tool("a", group="disk"), group.tool("b", group="disk"), others.tool("c")]
    await rg.scripted(calls("a", "b", "c", "a", "c", "c"), "Done.").chat("hi").using(tools).run()
    assert (group.most, others.most) == (1, 3)


async def test_two_runs_do_not_share_slots() -> None:
    crowd = Crowd(2)
    tool = crowd.tool("stay", max_concurrent=1)
    model = rg.FunctionGenerator(lambda said, _: "Done." if said[-1].role == "tool" else call("stay"))
    await model.chat("hi").using(tool).run_many(2)
    assert crowd.most == 2


async def test_groups_that_contradict_each_other_are_the_programs_mistake() -> None:
    crowd = Crowd(1)
    tools = [crowd.tool("a", group="g", max_concurrent=1), crowd.tool("b", group="g", max_concurrent=2)]
    with pytest.raises(ToolDefinitionError, match="group 'g'"):
        await rg.scripted(calls("a"), "Done.").chat("hi").using(tools).run()


async def test_results_join_the_history_in_the_order_of_the_calls() -> None:
    second_is_done = asyncio.Event()

    async def first() -> str:
        await asyncio.wait_for(second_is_done.wait(), 10)
        return "first"

    async def second() -> str:
        second_is_done.set()
        return "second"

    chat = await rg.scripted(calls("first", "second"), "Done.").chat("hi").using(first, second).run()
    assert [message.content for message in chat.all if message.role == "tool"] == ["first", "second"]


# Ends.


class Waiting:
    """Tools that never end by themselves, and those that were ended."""

    def __init__(self, expected: int) -> None:
        self.expected, self.began, self.ended = expected, 0, 0
        self.all_began = asyncio.Event()

    async def wait(self) -> None:
        self.began += 1
        if self.began == self.expected:
            self.all_began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


@pytest.mark.parametrize("how", ["run", "run_many", "merged", "stream", "step"])
async def test_cancelling_a_run_ends_its_tools_and_leaves_no_task(how: str) -> None:
    count = 3 if how in ("run_many", "merged") else 1
    waiting = Waiting(2 * count)
    model = rg.FunctionGenerator(lambda said, _: calls("wait", "wait"))
    pipeline = model.chat("hi").using(waiting.wait)

    async def go() -> object:
        match how:
            case "run":
                return await pipeline.run()
            case "stream":
                return await pipeline.stream().chat()
            case "step":
                async with pipeline.step() as steps:
                    return [step async for step in steps]
            case _:
                return await pipeline.run_many(count, mode="merged" if how == "merged" else "parallel")

    before = asyncio.all_tasks()
    task = asyncio.create_task(go())
    await asyncio.wait_for(waiting.all_began.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert waiting.ended == 2 * count
    assert asyncio.all_tasks() == before


async def test_a_tool_that_is_not_caught_ends_those_beside_it() -> None:
    waiting = Waiting(1)

    async def fail() -> None:
        await asyncio.wait_for(waiting.all_began.wait(), 10)
        raise LookupError("my own mistake")

    before = asyncio.all_tasks()
    pipeline = rg.scripted(calls("wait", "fail")).chat("hi").using(waiting.wait).using(fail, catch=False)
    with pytest.raises(LookupError) as caught:
        await pipeline.run()
    assert waiting.ended == 1
    assert asyncio.all_tasks() == before
    assert cast("AgentRun", caught.value.run).state == "ExecutingTools"  # type: ignore[attr-defined]


async def test_a_failed_run_of_a_batch_ends_the_others_and_their_tools() -> None:
    waiting = Waiting(1)

    async def answer(said: Any, params: Any) -> Any:
        if said[0].content == "fail":
            await asyncio.wait_for(waiting.all_began.wait(), 10)
            raise LookupError("no answer")
        return call("wait")

    before = asyncio.all_tasks()
    pipeline = rg.FunctionGenerator(answer).chat().using(waiting.wait)
    with pytest.raises(LookupError):
        await pipeline.run_batch(["wait", "fail"])
    assert waiting.ended == 1
    assert asyncio.all_tasks() == before
