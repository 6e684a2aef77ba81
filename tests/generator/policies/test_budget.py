"""A budget makes no call that would pass its limit, and counts what was really used, whoever shares it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import BudgetExceededError, InvalidGeneratorError, RateLimitedError, TimedOutError
from rigging_py.generator import (
    FunctionGenerator,
    Generator,
    VirtualClock,
    budget,
    cache,
    get_generator,
    retry,
    scripted,
)
from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.generator.policies.budget import Budget
from rigging_py.message import ModelTurn, TextDelta, Usage
from tests.generator.stub import Reply, Stub, completion

NOTHING = rg.GenerateParams()
names = count()


def used(tokens: int = 10, cost: float | None = 0.25, text: str = "Hello") -> ModelTurn:
    return ModelTurn.from_text(text, usage=Usage(input_tokens=tokens, total_tokens=tokens, cost=cost))


async def said(generator: Generator, text: str = "Hi", **params: Any) -> ModelTurn:
    [turn] = await generator.generate_messages([[rg.Message("user", text)]], [rg.GenerateParams(**params)])
    if isinstance(turn, BaseException):
        raise turn
    return turn


# Limits.


async def test_the_call_after_the_limit_is_not_made() -> None:
    model = scripted(*[used(40)] * 3)
    limited = budget(model, tokens=80)
    await said(limited)
    await said(limited)
    with pytest.raises(BudgetExceededError, match="80 of 80 tokens are spent") as caught:
        await said(limited)
    assert (caught.value.spent, caught.value.limit, caught.value.retryable) == (80, 80, False)
    assert len(model.heard) == 2
    assert limited.spent == Usage(input_tokens=80, total_tokens=80, cost=0.5)


async def test_a_call_that_would_pass_the_limit_is_not_made() -> None:
    model = scripted(used(10))
    limited = budget(model, tokens=100)
    for text, most in (("x" * 404, None), ("Hi", 100)):
        with pytest.raises(BudgetExceededError, match="0 of 100 tokens are spent, and 101 more"):
            await said(limited, text, max_tokens=most)
    await said(limited, "Hi", max_tokens=99)
    assert len(model.heard) == 1


async def test_the_generator_s_own_max_tokens_count() -> None:
    limited = budget(scripted(used()).with_params(max_tokens=200), tokens=100)
    with pytest.raises(BudgetExceededError, match="201 more"):
        await said(limited)


async def test_dollars_are_counted_and_reserved_at_the_price_that_is_known(stub: Stub) -> None:
    name = f"budgeted-{next(names)}"
    rg.set_price(f"openai!{name}", input=10, output=1000)
    stub.will(Reply({**completion(), "usage": {"prompt_tokens": 100, "completion_tokens": 1}}))
    limited = budget(get_generator(f"openai!{name},api_base={stub.url}"), dollars=0.01)
    with pytest.raises(BudgetExceededError, match=r"\$0 of \$0.01 are spent, and about \$0.01001 more"):
        await said(limited, max_tokens=10)
    await said(limited, max_tokens=9)
    assert limited.spent.cost == pytest.approx(0.002)


async def test_an_unknown_price_is_an_error_and_never_zero() -> None:
    limited = budget(scripted(used(cost=None), used()), dollars=5)
    for _ in range(2):
        with pytest.raises(BudgetExceededError, match=r"whose price is not known\. Give it with set_price\(…\) before"):
            await said(limited)
    assert limited.spent == Usage(input_tokens=10, total_tokens=10, cost=None)
    free = budget(scripted(used(cost=None), used()), tokens=50)
    await said(free)
    await said(free)


async def test_the_table_s_prices_are_known_before(stub: Stub) -> None:
    home: type[OpenAIGenerator] = type("Home", (OpenAIGenerator,), {"base_url": stub.url, "needs_key": False})
    with pytest.raises(BudgetExceededError, match="more would be needed"):
        await said(budget(home(model="gpt-4o"), dollars=0.005), max_tokens=1000)
    assert stub.heard == []


async def test_below_the_provider_s_own_address_prices_are_known_before_as_they_are_after(stub: Stub) -> None:
    home: type[OpenAIGenerator] = type("Home", (OpenAIGenerator,), {"base_url": stub.url, "needs_key": False})
    below = home(model="gpt-4o", params=rg.GenerateParams(api_base=f"{stub.url}/team"))
    elsewhere = home(model="gpt-4o", params=rg.GenerateParams(api_base=f"{stub.url}-team"))
    assert below.is_at_home(f"{stub.url}/team/chat/completions")
    assert not elsewhere.is_at_home(f"{stub.url}-team/chat/completions")
    with pytest.raises(BudgetExceededError, match="more would be needed"):
        await said(budget(below, dollars=0.005), max_tokens=1000)
    assert stub.heard == []


@pytest.mark.parametrize("text", ["budget(openai!m)", "budget(openai!m),tokens=-1", "budget(openai!m),dollars=inf"])
def test_a_budget_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidGeneratorError):
        get_generator(text)


# What counts.


async def test_failed_attempts_count() -> None:
    failed = RateLimitedError("slow down")
    failed.usage = Usage(input_tokens=7, total_tokens=7, cost=0.125)
    limited = budget(scripted(failed, used(10)), tokens=100)
    with pytest.raises(RateLimitedError):
        await said(limited)
    turn = ModelTurn.from_text("a", usage=used(10).usage)
    attempted = ModelTurn(turn.message, "stop", turn.usage, {}, (Usage(input_tokens=30, total_tokens=30, cost=0.5),))
    limited = budget(scripted(failed, attempted), tokens=100)
    with pytest.raises(RateLimitedError):
        await said(limited)
    await said(limited)
    assert limited.spent == Usage(input_tokens=47, total_tokens=47, cost=0.875)


async def test_a_refused_call_costs_nothing_and_one_whose_outcome_nobody_knows_what_was_guessed() -> None:
    limited = budget(scripted(RateLimitedError("no"), TimedOutError("late", is_outcome_unknown=True)), tokens=100)
    for spent in (0, 10):
        with pytest.raises((RateLimitedError, TimedOutError)):
            await said(limited, "x" * 40)
        assert limited.spent.total_tokens == spent


async def test_an_answer_without_a_usage_counts_as_guessed() -> None:
    limited = budget(scripted("y" * 20), tokens=100)
    await said(limited, "x" * 40)
    assert limited.spent.total_tokens == 15


async def test_a_stream_that_is_left_counts_what_was_heard() -> None:
    limited = budget(scripted("one two three"), tokens=100)
    stream: Any = limited.stream_message([rg.Message("user", "x" * 40)], NOTHING)
    assert await anext(stream) == TextDelta("one")
    await stream.aclose()
    assert limited.spent.total_tokens == 11


async def test_a_cancelled_call_counts_what_it_read_and_gives_back_the_rest() -> None:
    async def never(messages: object, params: object) -> str:
        await asyncio.Event().wait()
        return "never"

    limited = budget(FunctionGenerator(never), tokens=100)
    task = asyncio.create_task(said(limited, "x" * 40, max_tokens=90))
    for _ in range(5):
        await asyncio.sleep(0)
    problem = "0 of 100 tokens are spent, 100 are set aside for calls under way, and 1 more would be needed"
    with pytest.raises(BudgetExceededError, match=problem):
        await said(limited)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert limited.spent.total_tokens == 10


async def test_what_comes_from_a_cache_is_free() -> None:
    limited = budget(cache(scripted(used(60))), tokens=70, dollars=1)
    for _ in range(3):
        await said(limited)
    assert limited.spent.total_tokens == 60


async def test_every_attempt_of_a_retry_is_checked() -> None:
    failed = RateLimitedError("slow down")
    failed.usage = Usage(input_tokens=50, total_tokens=50, cost=0.0)
    with pytest.raises(BudgetExceededError, match="50 of 50"):
        await said(retry(budget(scripted(failed, used()), tokens=50), clock=VirtualClock()))


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(0, 120))
async def test_calls_at_one_time_never_pass_the_limit_where_each_uses_no_more_than_it_may(
    uses: list[int], limit: int
) -> None:
    under_way = asyncio.Event()

    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> ModelTurn:
        await under_way.wait()
        return used(params.max_tokens or 0)

    limited = budget(FunctionGenerator(answer), tokens=limit)
    tasks = [asyncio.create_task(said(limited, "", max_tokens=most)) for most in uses]
    for _ in range(3):
        await asyncio.sleep(0)
    under_way.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    made = [most for most, result in zip(uses, results, strict=True) if isinstance(result, ModelTurn)]
    assert limited.spent.total_tokens == sum(made) <= limit
    assert all(isinstance(one, ModelTurn | BudgetExceededError) for one in results)


# Who shares it.


async def test_budgets_of_one_name_are_one_and_copies_share_theirs() -> None:
    name = f"team-{next(names)}"
    one, two = budget(scripted(used(30)), tokens=50, name=name), budget(scripted(used(30)), tokens=50, name=name)
    await said(one)
    await said(two.with_params(temperature=1))
    assert one.spent.total_tokens == two.spent.total_tokens == 60
    with pytest.raises(BudgetExceededError):
        await said(one.with_params(seed=1))
    with pytest.raises(InvalidGeneratorError, match="tokens"):
        budget(scripted(), tokens=51, name=name)
    assert budget(scripted(), tokens=50).spent.total_tokens == 0


async def test_a_budget_holds_through_chats_tools_and_streams() -> None:
    @rg.tool
    def now() -> str:
        return "noon"

    call = rg.ToolCall.model_validate({"id": "1", "function": {"name": "now", "arguments": "{}"}})
    asking = ModelTurn.of(tool_calls=[call], usage=Usage(input_tokens=60, total_tokens=60))
    limited = budget(scripted(asking, used(60), used(60)), tokens=100)
    chat = await limited.chat("When?").using(now).run()
    assert chat.last.content == "Hello"
    failed = await limited.chat("And now?").using(now).catch(BudgetExceededError, on_failed="include").run()
    assert isinstance(failed.error, BudgetExceededError)
    with pytest.raises(BudgetExceededError):
        [event async for event in limited.chat("And now?").stream()]


async def test_it_is_written_in_a_connection_string() -> None:
    text = f"budget(openai!gpt-4o),tokens=100000,dollars=2.5,name=team-{next(names)}"
    generator = get_generator(text)
    assert isinstance(generator, Budget)
    assert (generator.tokens, generator.dollars, generator.spent) == (100000, 2.5, Usage(cost=0.0))
    assert generator.to_identifier() == text
