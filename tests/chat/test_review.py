"""What a review of the driver found: none of it may come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.chat import TurnDiscarded
from rigging_py.error import RefusedError
from rigging_py.message import Delta, TextDelta
from rigging_py.observe import InvalidCallDetail, ModelCallDetail, ModelCallPatch
from rigging_py.run import MoreTokens, Retry, StreamedText
from tests.tools.calls import call


async def test_a_call_that_was_under_way_when_the_run_was_cancelled_is_not_said_to_be_unexecuted() -> None:
    effects: list[str] = []

    async def send() -> str:
        effects.append("sent")
        return await asyncio.Event().wait() and ""

    chat = await rg.scripted(call("send")).chat("hi").using(send).within(seconds=0.2).run(on_failed="include")
    assert effects == ["sent"]
    assert "may have happened" in chat.all[-1].content


async def test_a_sibling_of_a_tool_that_raised_is_not_executed_again_unasked() -> None:
    effects: list[str] = []
    began = asyncio.Event()

    async def send() -> str:
        effects.append("sent")
        began.set()
        return await asyncio.Event().wait() and ""

    async def fail() -> str:
        await began.wait()
        raise ConnectionError("gone")

    pipeline = rg.scripted([call("send"), call("fail", call_id="c2")]).chat("hi").using(send, fail, catch=False)
    with pytest.raises(ConnectionError) as caught:
        await pipeline.run()
    with pytest.raises(rg.Paused):
        await pipeline.resume(caught.value.run)  # type: ignore[attr-defined]
    assert effects == ["sent"]


async def test_a_run_in_hand_is_judged_by_the_pipeline_that_executes_it() -> None:
    paid: list[int] = []

    def pay() -> str:
        paid.append(1)
        return "paid"

    class Away(rg.Hooks):
        async def before_tool(self, detail: object) -> None:
            raise ConnectionError("away")

    pipeline = rg.scripted(call("pay"), "done").chat("hi").using(pay)
    with pytest.raises(ConnectionError) as caught:
        await pipeline.with_hooks(Away()).run()
    strict = pipeline.using(rg.tool(needs_approval=True)(pay))
    with pytest.raises(rg.Paused):
        await strict.resume(caught.value.run)  # type: ignore[attr-defined]
    assert paid == []


async def test_partials_do_not_join_what_was_said_before_a_tool_to_the_answer() -> None:
    def look() -> str:
        return "seen"

    @rg.prompt
    async def count() -> int:
        """Count."""

    first = rg.ModelTurn.of("<int>1</int>", [call("look")])
    stream = count.bind(rg.scripted(first, "<int>2</int>").chat().using(look)).stream()
    known = [one async for one in stream.partials()]
    assert (known[-1].value, known[-1].done) == (2, True)
    assert await stream.value() == 2


async def test_a_stored_run_that_a_filter_ended_says_so_again_when_it_is_resumed() -> None:
    filtered = rg.ModelTurn.from_text("", "content_filter")
    pipeline = rg.scripted(filtered).chat("hi")
    store = rg.get_store("memory!filtered")
    with pytest.raises(RefusedError):
        await pipeline.run(store=store, run_id="r")
    with pytest.raises(RefusedError):
        await pipeline.resume("r", store=store)


async def test_calls_that_are_sent_back_leave_the_answer_its_turns() -> None:
    class SendBack(rg.Hooks):
        async def on_invalid_call(self, detail: InvalidCallDetail) -> Retry:
            return Retry("There is no such tool.")

    replies: list[Any] = [call("nope"), call("nope"), "Plenty.", "<int>42</int>"]
    pipeline = rg.scripted(*replies).chat("hi").with_hooks(SendBack()).until_parsed_as(int, max_rounds=1)
    chat = await pipeline.using(max_depth=0).run()
    assert chat.output == 42


class Revising(rg.Generator):
    """Says one thing in pieces, and another in the end."""

    model: str = "revising"

    async def stream_message(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> AsyncIterator[Delta]:
        yield TextDelta("No")
        yield rg.ModelTurn.from_text("Yes")


async def test_a_whole_turn_that_contradicts_its_pieces_discards_them() -> None:
    events = [event async for event in Revising().chat("hi").stream()]
    told = [event for event in events if isinstance(event, StreamedText | TurnDiscarded)]
    assert [type(event) for event in told] == [StreamedText, TurnDiscarded, StreamedText]
    assert told[-1] == StreamedText("Yes")


async def test_a_hook_that_edits_a_message_does_not_edit_the_run() -> None:
    class Editing(rg.Hooks):
        async def before_model_call(self, detail: ModelCallDetail) -> ModelCallPatch | None:
            detail.messages[0].content = "MUTATED"
            return None

    chat = await rg.scripted("hello").chat("original").with_hooks(Editing()).run()
    assert chat.all[0].content == "original"


async def test_a_raised_limit_of_tokens_is_never_a_lower_one() -> None:
    model = rg.scripted(rg.ModelTurn.from_text("<int>4", "length"), "<int>42</int>")
    pipeline = model.chat("hi", rg.GenerateParams(max_tokens=500)).until_parsed_as(int, on_truncated=MoreTokens(100))
    assert (await pipeline.run()).output == 42
    assert model.heard[1].params.max_tokens == 500


async def test_a_wrong_context_starts_nothing() -> None:
    def pay(context: rg.ToolContext[int]) -> str:
        return "paid"

    pipeline = rg.scripted(call("pay"), "done").chat("hi").using(pay)
    with pytest.raises(TypeError) as caught:
        await pipeline.with_context("five").run()
    chat = await pipeline.with_context(5).resume(caught.value.run)  # type: ignore[attr-defined]
    assert chat.last.content == "done"


async def test_a_full_group_does_not_hold_up_tools_outside_of_it() -> None:
    free, slow = asyncio.Event(), asyncio.Event()

    @rg.tool(group="slow")
    async def wait() -> str:
        await slow.wait()
        return "waited"

    async def run_free() -> str:
        free.set()
        return "free"

    calls: list[Any] = [call("wait", call_id=f"w{index}") for index in range(3)] + [call("run_free", call_id="f")]
    task = asyncio.create_task(rg.scripted(calls, "done").chat("hi").using(wait, run_free, max_concurrent=2).run())
    await asyncio.wait_for(free.wait(), 10)
    slow.set()
    assert (await task).last.content == "done"
