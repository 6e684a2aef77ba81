"""Calls that need somebody's decision pause a run where nobody can make it, and go on where it is made."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.chat import ChatFinished, RunPaused, ToolResultEvent, ToolStartedEvent
from rigging_py.error import Paused, ProtocolError
from rigging_py.observe import ApprovalDetail, Hooks
from rigging_py.run import AgentRun, Approve, AwaitDecision, Decision, Deny, Edit
from tests.tools.calls import call


def is_much(amount: int) -> bool:
    return amount > 10


class Bank:
    """Tools, one of which moves money, and what was done with them."""

    def __init__(self) -> None:
        self.done: list[str] = []

    @rg.tool_method(needs_approval=is_much)
    def pay(self, to: str, amount: int) -> str:
        """Pays somebody."""
        self.done.append(f"{to} {amount}")
        return f"paid {amount}"

    @rg.tool_method
    def look(self) -> str:
        """Looks at the account."""
        self.done.append("look")
        return "100 left"


TWO = [call("pay", {"to": "Ada", "amount": 20}), call("pay", {"to": "Bob", "amount": 30}, "c2")]


def paying(bank: Bank, *replies: Any) -> rg.ChatPipeline:
    return rg.scripted(*(replies or (TWO, "Done."))).chat("Pay.").using(bank)


async def paused(pipeline: rg.ChatPipeline) -> tuple[AgentRun, list[str]]:
    """The run that waits for decisions, and the keys of the calls that do."""
    with pytest.raises(Paused) as caught:
        await pipeline.run()
    assert caught.value.run is not None
    return caught.value.run, [request.call.key for request in caught.value.requests]


def results(chat: rg.Chat) -> list[str]:
    return [message.content for message in chat.all if message.role == "tool"]


async def test_a_run_that_nobody_can_decide_about_pauses_with_all_it_waits_for() -> None:
    bank = Bank()
    pipeline = paying(bank)
    with pytest.raises(Paused, match=r"pay \(.*/1/0\), pay \(.*/1/1\).*decisions=") as caught:
        await pipeline.run()
    assert bank.done == []
    assert [message.content for message in caught.value.messages] == ["Pay."]
    assert [request.call.arguments["to"] for request in caught.value.requests] == ["Ada", "Bob"]


async def test_a_call_that_needs_no_approval_asks_nobody() -> None:
    bank = Bank()
    chat = await paying(bank, call("pay", {"to": "Ada", "amount": 5}), "Done.").run()
    assert (bank.done, chat.last.content) == (["Ada 5"], "Done.")


async def test_a_paused_run_goes_on_with_decisions() -> None:
    bank = Bank()
    pipeline = paying(bank)
    run, [first, second] = await paused(pipeline)
    chat = await pipeline.resume(run, decisions={second: Deny("Bob has enough."), first: Approve()})
    assert bank.done == ["Ada 20"]
    assert results(chat) == ["paid 20", "Bob has enough."]
    assert chat.last.content == "Done."


async def test_it_goes_on_from_what_was_stored() -> None:
    bank = Bank()
    pipeline = paying(bank)
    run, [first, second] = await paused(pipeline)
    stored = json.loads(json.dumps(run.dump()))
    await pipeline.resume(stored, decisions={first: Approve(), second: Approve()})
    assert sorted(bank.done) == ["Ada 20", "Bob 30"]


async def test_some_decisions_are_kept_and_the_others_waited_for() -> None:
    bank = Bank()
    pipeline = paying(bank)
    run, [first, second] = await paused(pipeline)
    with pytest.raises(Paused) as caught:
        await pipeline.resume(run, decisions={second: Approve()})
    assert [request.call.key for request in caught.value.requests] == [first]
    assert bank.done == []
    chat = await pipeline.resume(run, decisions={first: Approve()})
    assert results(chat) == ["paid 20", "paid 30"]


async def test_edited_arguments_are_checked_and_executed() -> None:
    bank = Bank()
    pipeline = paying(bank)
    run, [first, second] = await paused(pipeline)
    with pytest.raises(ProtocolError, match="nothing is edited") as caught:
        await pipeline.resume(run, decisions={first: Edit({"to": "Ada"})})
    assert caught.value.run is run
    chat = await pipeline.resume(run, decisions={first: Edit({"to": "Ada", "amount": 2}), second: Deny("no")})
    assert bank.done == ["Ada 2"]
    [asked, _] = chat.all[1].tool_calls or []
    assert json.loads(asked.function.arguments)["amount"] == 2


async def test_calls_that_need_no_approval_are_executed_before_it_is_asked_for() -> None:
    bank = Bank()
    pipeline = paying(bank, [TWO[0], call("look", {}, "c2")], "Done.")
    run, [first] = await paused(pipeline)
    assert bank.done == ["look"]
    chat = await pipeline.resume(run, decisions={first: Approve()})
    assert bank.done == ["look", "Ada 20"]
    assert results(chat) == ["paid 20", "100 left"]


async def test_a_hook_may_decide_some_and_leave_the_rest_to_a_person() -> None:
    class Small:
        async def on_approval(self, detail: ApprovalDetail) -> Decision | None:
            return Approve() if cast("int", detail.request.call.arguments["amount"]) < 25 else None

    bank = Bank()
    pipeline = paying(bank).with_hooks(cast("Hooks", Small()))
    run, [second] = await paused(pipeline)
    assert second.endswith("/1/1")
    await pipeline.resume(run, decisions={second: Approve()})
    assert sorted(bank.done) == ["Ada 20", "Bob 30"]


async def test_decisions_given_beforehand_come_before_the_hooks() -> None:
    class No:
        async def on_approval(self, detail: ApprovalDetail) -> Decision | None:
            return Deny("the hook says no")

    bank = Bank()
    run, [first, _] = await paused(paying(bank))
    chat = await paying(bank, "Done.").with_hooks(cast("Hooks", No())).resume(run, decisions={first: Approve()})
    assert results(chat) == ["paid 20", "the hook says no"]


async def test_a_stream_ends_with_the_pause_and_goes_on_as_one() -> None:
    bank = Bank()
    pipeline = paying(bank, [TWO[0], call("look", {}, "c2")], "Done.")
    events = [event async for event in pipeline.stream()]
    last = events[-1]
    assert isinstance(last, RunPaused)
    assert [request.call.name for request in last.requests] == ["pay"]
    assert isinstance(last.run.next_step(), AwaitDecision)
    assert [event.call.name for event in events if isinstance(event, ToolStartedEvent)] == ["look"]

    decisions: dict[str, Decision] = {last.requests[0].call.key: Approve()}
    events = [event async for event in pipeline.stream_resumed(last.run, decisions=decisions)]
    assert [event.call.name for event in events if isinstance(event, ToolResultEvent)] == ["pay"]
    assert isinstance(events[-1], ChatFinished)


async def test_the_chat_of_a_stream_that_pauses_is_the_pause() -> None:
    with pytest.raises(Paused) as caught:
        await paying(Bank()).stream().chat()
    assert len(caught.value.requests) == 2


async def test_a_pause_inside_of_a_callback_names_the_run_that_waits() -> None:
    bank = Bank()
    inner = paying(bank)
    stream = rg.scripted("one").chat("hi").then(lambda chat: inner).stream()
    last = [event async for event in stream][-1]
    assert isinstance(last, RunPaused)
    chat = await inner.resume(last.run, decisions={request.call.key: Approve() for request in last.requests})
    assert sorted(bank.done) == ["Ada 20", "Bob 30"]
    assert chat.last.content == "Done."


async def test_cancelling_while_somebody_thinks_leaves_no_task_and_a_run_that_can_go_on() -> None:
    asked = asyncio.Event()
    runs: list[AgentRun] = []

    class Thinker:
        async def on_approval(self, detail: ApprovalDetail) -> Decision | None:
            asked.set()
            await asyncio.Event().wait()
            return None

    bank = Bank()
    pipeline = paying(bank).with_hooks(cast("Hooks", Thinker()))

    async def go() -> None:
        async with pipeline.step() as steps:
            async for step in steps:
                runs[:] = step.runs

    before = asyncio.all_tasks()
    task = asyncio.create_task(go())
    await asyncio.wait_for(asked.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
    step = runs[0].next_step()
    assert isinstance(step, AwaitDecision)
    decisions: dict[str, Decision] = {request.call.key: Deny("no") for request in step.requests}
    assert (await pipeline.resume(runs[0], decisions=decisions)).last.content == "Done."
