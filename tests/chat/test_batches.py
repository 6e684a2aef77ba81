"""Many conversations at once: each with its own parameters, a few at a time, the prefix once."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import rigging_py as rg

P = rg.GenerateParams


def said(heard: Any) -> list[list[str]]:
    return [[m.content for m in one.messages] for one in heard]


@pytest.mark.parametrize("mode", ["parallel", "merged"])
async def test_each_of_many_runs_has_its_own_parameters(mode: Any) -> None:  # surface 3.2 no. 2
    model = rg.scripted("a", "b", "c")
    params = [P(temperature=0.1), None, P(temperature=0.9)]
    await model.chat("hi").with_(seed=1, temperature=0.5).run_many(3, params=params, mode=mode)
    assert [heard.params.temperature for heard in model.heard] == [0.1, 0.5, 0.9]
    assert {heard.params.seed for heard in model.heard} == {1}


async def test_parameters_must_be_as_many_as_the_runs() -> None:
    with pytest.raises(ValueError, match="3 runs need 3 parameters, not 1"):
        await rg.scripted().chat("hi").run_many(3, params=[P()])
    with pytest.raises(ValueError, match="2 conversations need 2 parameters, not 3"):
        await rg.scripted().chat("hi").run_batch(["a", "b"], [P()] * 3)


async def test_merged_runs_go_round_by_round_in_one_request() -> None:
    sizes: list[int] = []

    class Counting(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn | BaseException]:
            sizes.append(len(messages))
            is_first = len(sizes) == 1
            return [
                rg.ModelTurn.from_text("no" if is_first and index else "<int>1</int>") for index in range(len(messages))
            ]

    chats = await Counting(model="m").chat("hi").until_parsed_as(int).run_many(3, mode="merged")
    assert sizes == [3, 2]
    assert [len(chat) for chat in chats] == [2, 4, 4]


async def test_parallel_runs_are_independent_and_keep_their_order() -> None:
    first_may_answer = asyncio.Event()
    number = 0

    async def answer(messages: Any, params: Any) -> str:
        nonlocal number
        number += 1
        mine = number
        if mine == 1:
            await asyncio.wait_for(first_may_answer.wait(), 10)
        else:
            first_may_answer.set()
        return f"answer {mine}"

    chats = await rg.FunctionGenerator(answer).chat("hi").run_many(2)
    assert [chat.last.content for chat in chats] == ["answer 1", "answer 2"]
    assert chats[0].uuid != chats[1].uuid


@pytest.mark.parametrize("limit", [1, 3])
async def test_no_more_runs_are_under_way_than_allowed(limit: int) -> None:  # surface 3.2 no. 24
    under_way, most = 0, 0
    everyone = asyncio.Barrier(limit)

    async def answer(messages: Any, params: Any) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.wait_for(everyone.wait(), 10)
        under_way -= 1
        return "hi"

    chats = await rg.FunctionGenerator(answer).chat("hi").run_many(9, max_concurrent=limit)
    assert len(chats) == 9
    assert most == limit


async def test_a_batch_of_a_thousand_is_bounded_by_default() -> None:  # surface 3.2 no. 24
    under_way, most = 0, 0

    async def answer(messages: Any, params: Any) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        under_way -= 1
        return "hi"

    await rg.FunctionGenerator(answer).chat("hi").run_many(1000)
    assert 1 < most <= 64


async def test_at_least_one_run_must_be_allowed() -> None:
    with pytest.raises(ValueError, match="At least one"):
        await rg.scripted("a", "b").chat("hi").run_many(2, max_concurrent=0)


@pytest.mark.parametrize("mode", ["parallel", "merged"])
async def test_a_batch_puts_the_pipelines_messages_before_each_once(mode: Any) -> None:  # surface 3.2 no. 3
    model = rg.scripted("a", "b")
    pipeline = model.chat({"role": "system", "content": "Be brief."})
    await pipeline.run_batch(["q1", [{"role": "user", "content": "q2"}, "q3"]], mode=mode)
    assert said(model.heard) == [["Be brief.", "q1"], ["Be brief.", "q2", "q3"]]


@pytest.mark.parametrize("item", ["abc", {"role": "user", "content": "abc"}, rg.Message("user", "abc")])
async def test_a_single_item_is_one_conversation(item: Any) -> None:  # surface 3.2 no. 3
    model = rg.scripted("a")
    assert len(await model.chat().run_batch(item)) == 1
    assert said(model.heard) == [["abc"]]


async def test_one_message_is_spread_over_many_parameters() -> None:
    model = rg.scripted("a", "b")
    await model.chat().run_batch("hi", [P(seed=1), P(seed=2)])
    assert [heard.params.seed for heard in model.heard] == [1, 2]
    assert said(model.heard) == [["hi"], ["hi"]]


async def test_nothing_to_run_gives_no_chats() -> None:
    assert await rg.scripted().chat("hi").run_batch([]) == []
    assert await rg.scripted().chat("hi").run_many(0) == []


async def test_run_over_asks_each_generator_and_the_own_one_last() -> None:
    own, one, two = rg.scripted("own", "own"), rg.scripted("one"), rg.scripted("two", "two")
    pipeline = own.chat("hi").with_(seed=1)
    chats = await pipeline.run_over(one, two.to_identifier())
    assert [chat.last.content for chat in chats] == ["one", "two", "own"]
    assert two.heard[0].params.seed == 1
    without = await pipeline.run_over(two, include_original=False)
    assert [chat.last.content for chat in without] == ["two"]
    assert [chat.generator for chat in without] == [two]


async def test_run_over_skips_the_generators_that_fail() -> None:  # surface 3.2 no. 28
    pipeline = rg.scripted("own").chat("hi").catch(OSError)
    chats = await pipeline.run_over(rg.scripted(OSError("down")), on_failed="skip")
    assert [chat.last.content for chat in chats] == ["own"]


async def test_runs_whose_chats_nobody_keeps_leave_nothing() -> None:  # surface 3.2 no. 25
    pipeline = rg.scripted(*["a"] * 30).chat("x" * 10_000).until_parsed_as(str, max_rounds=0).catch(on_failed="include")
    counts: list[int] = []
    for _ in range(3):
        await pipeline.run_many(10)
        gc.collect()
        counts.append(sum(isinstance(one, rg.Chat | rg.AgentRun) for one in gc.get_objects()))
    # What other tests left may go meanwhile.
    assert counts[-1] <= counts[0]


async def test_the_chats_of_a_batch_share_what_they_were_given() -> None:  # surface 3.2 no. 25
    image = rg.ContentImageUrl.from_bytes(b"x" * 10_000, "image/png")
    chats = await rg.scripted("a", "b").chat(rg.Message("user", ["Look.", image])).run_many(2)
    assert [chat.messages[0].content_parts[1] is image for chat in chats] == [True, True]
    assert chats[0].messages[0] is not chats[1].messages[0]
