"""A run that has spent what it may use ends with a letter that says so, and goes on when it may use more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import BudgetExceededError
from rigging_py.message import ModelTurn, Usage
from rigging_py.observe import ApprovalDetail, Hooks
from rigging_py.run import AgentRun, BudgetExceeded, Failed
from tests.tools.calls import call

SOON = 0.2
"""Seconds in which whatever is to be cut short has begun, on a busy machine too."""


async def look() -> str:
    return "seen"


def turn(*calls: rg.ToolCall, tokens: int = 5, cost: float | None = None) -> ModelTurn:
    usage = Usage(input_tokens=tokens, output_tokens=0, total_tokens=tokens, cost=cost)
    return ModelTurn.of("" if calls else "Done.", calls, usage=usage)


def looking(*replies: Any) -> rg.ChatPipeline:
    return rg.scripted(*(replies or (turn(call("look")), turn(call("look")), turn()))).chat("hi").using(look)


def spent(error: BudgetExceededError) -> BudgetExceeded:
    assert error.run is not None
    step = error.run.next_step()
    assert isinstance(step, Failed)
    assert isinstance(step.cause, BudgetExceeded)
    return step.cause


async def test_a_run_within_its_budget_is_left_alone() -> None:
    chat = await looking().within(tokens=100, cost=None, tool_calls=2, seconds=100).run()
    assert chat.last.content == "Done."


async def test_tokens_are_counted_before_each_call_and_more_may_be_given() -> None:
    pipeline = looking().within(tokens=10)
    with pytest.raises(BudgetExceededError, match=r"may use 10 tokens, and has used 10") as caught:
        await pipeline.run()
    assert spent(caught.value).limit == "max_total_tokens"
    assert caught.value.usage == Usage(input_tokens=10, output_tokens=0, total_tokens=10)
    assert [message.role for message in caught.value.messages] == ["user", "assistant", "tool", "assistant", "tool"]
    chat = await pipeline.resume(cast("AgentRun", caught.value.run), limits={"max_total_tokens": 100})
    assert chat.last.content == "Done."
    assert chat.usage is not None
    assert chat.usage.total_tokens == 15


async def test_money_is_counted_and_a_price_that_nobody_knows_cannot_be_kept() -> None:
    pipeline = looking(turn(call("look"), cost=0.5), turn()).within(cost=0.5)
    with pytest.raises(BudgetExceededError, match=r"0\.5 dollars") as caught:
        await pipeline.run()
    chat = await pipeline.resume(cast("AgentRun", caught.value.run), limits={"max_cost": 1.0})
    assert chat.last.content == "Done."
    with pytest.raises(BudgetExceededError, match="nobody knows what its calls cost"):
        await looking().within(cost=0.5).run()


async def test_a_batch_of_more_calls_than_are_left_executes_none() -> None:
    executed: list[int] = []

    def note(x: int) -> None:
        executed.append(x)

    calls = [call("note", {"x": n}, f"c{n}") for n in range(3)]
    model = rg.scripted(calls, calls[:2], "Done.")
    pipeline = model.chat("hi").using(note).within(tool_calls=2)
    with pytest.raises(BudgetExceededError, match="2 tool calls") as caught:
        await pipeline.run()
    assert executed == []
    await pipeline.resume(cast("AgentRun", caught.value.run), limits={"max_tool_calls": 3})
    assert sorted(executed) == [0, 1]


async def test_no_time_is_no_call() -> None:
    model = rg.scripted("Done.")
    with pytest.raises(BudgetExceededError, match="deadline") as caught:
        await model.chat("hi").within(seconds=0).run()
    assert model.heard == []
    assert spent(caught.value).limit == "deadline"
    assert [message.content for message in caught.value.messages] == ["hi"]


class Waiting:
    """Something that never comes, and whether somebody waited for it and was cancelled."""

    def __init__(self) -> None:
        self.was_cancelled = False

    async def wait(self) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return ""


@pytest.mark.parametrize("how", ["run", "stream", "merged"])
async def test_a_model_that_takes_too_long_is_cancelled_and_asked_again_when_there_is_more_time(how: str) -> None:
    waiting, asked = Waiting(), 0

    async def answer(said: Any, params: Any) -> str:
        nonlocal asked
        asked += 1
        return await waiting.wait() if asked <= (2 if how == "merged" else 1) else "Done."

    pipeline = rg.FunctionGenerator(answer).chat("hi").within(seconds=SOON)
    before = asyncio.all_tasks()
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "run": pipeline.run,
        "stream": lambda: pipeline.stream().chat(),
        "merged": lambda: pipeline.run_many(2, mode="merged"),
    }
    with pytest.raises(BudgetExceededError) as caught:
        await ways[how]()
    assert waiting.was_cancelled
    assert asyncio.all_tasks() == before
    assert spent(caught.value).limit == "deadline"
    later = datetime.now(UTC) + timedelta(hours=1)
    chat = await pipeline.resume(cast("AgentRun", caught.value.run), limits={"deadline": later})
    assert chat.last.content == "Done."


async def test_merged_runs_that_run_out_of_time_can_all_be_kept() -> None:
    waiting = Waiting()
    pipeline = rg.FunctionGenerator(lambda said, params: waiting.wait()).chat("hi").within(seconds=SOON)
    chats = await pipeline.run_many(3, mode="merged", on_failed="include")
    assert [type(chat.error) for chat in chats] == [BudgetExceededError] * 3


async def test_tools_that_take_too_long_are_cancelled_and_what_is_in_hand_is_kept() -> None:
    waiting = Waiting()

    async def wait() -> str:
        return await waiting.wait()

    before = asyncio.all_tasks()
    pipeline = looking([call("look"), call("wait", {}, "c2")], "Done.").using(wait).within(seconds=SOON)
    with pytest.raises(BudgetExceededError) as caught:
        await pipeline.run()
    assert waiting.was_cancelled
    assert asyncio.all_tasks() == before
    assert caught.value.messages[2].content == "seen"
    assert caught.value.messages[3].role == "tool"
    chat = await pipeline.resume(cast("AgentRun", caught.value.run), limits={"deadline": None})
    assert chat.last.content == "Done."


async def test_a_person_who_takes_too_long_ends_the_run() -> None:
    waiting = Waiting()

    class Thinker:
        async def on_approval(self, detail: ApprovalDetail) -> None:
            await waiting.wait()

    tool = rg.Tool.from_callable(look, needs_approval=True)
    pipeline = rg.scripted(call("look")).chat("hi").using(tool).with_hooks(cast("Hooks", Thinker()))
    with pytest.raises(BudgetExceededError):
        await pipeline.within(seconds=SOON).run()
    assert waiting.was_cancelled


async def test_the_timeout_of_a_tool_is_not_that_of_the_run() -> None:
    async def wait() -> str:
        return await Waiting().wait()

    model = rg.scripted(call("wait"), "Done.")
    chat = await model.chat("hi").using(rg.Tool.from_callable(wait, timeout=0.01)).within(seconds=100).run()
    assert "took longer" in model.heard[1].messages[-1].content
    assert chat.last.content == "Done."


async def test_a_timeout_of_the_model_is_not_that_of_the_run() -> None:
    with pytest.raises(TimeoutError, match="mine") as caught:
        await rg.scripted(TimeoutError("mine")).chat("hi").within(seconds=100).run()
    assert not isinstance(caught.value, BudgetExceededError)


async def test_a_spent_budget_is_kept_or_skipped_as_other_failures_of_runs() -> None:
    chat = await looking().within(tokens=1).run(allow_failed=True)
    assert isinstance(chat.error, BudgetExceededError)
    assert await looking().within(tokens=1).run_many(1, on_failed="skip") == []


async def test_later_limits_go_over_earlier_ones_and_keep_the_rest() -> None:
    pipeline = looking().within(tokens=1, tool_calls=0).within(tokens=100)
    with pytest.raises(BudgetExceededError, match="0 tool calls"):
        await pipeline.run()


@pytest.mark.parametrize("wrong", [{"tokens": -1}, {"cost": float("nan")}, {"seconds": -0.1}])
def test_a_budget_that_is_no_number_from_0_on_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        looking().within(**wrong)
