"""What calls cost: by litellm's table as litellm itself reckons, by the program's own prices, never zero unasked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.generator import get_max_tokens_for_model
from rigging_py.generator.local.weights import weights
from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.generator.prices import Price, table_price
from rigging_py.message import ToolCall
from rigging_py.run import StreamedUsage
from tests.generator.stub import Reply, Stub, completion

USED = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
numbers = count()


def reply(model: str = "gpt-4o-2024-08-06", **usage: Any) -> Reply:
    return Reply({**completion(), "model": model, "usage": {**USED, **usage}})


def streamed(model: str = "gpt-4o-2024-08-06") -> Reply:
    chunk = b'data: {"model": "%s", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}\n\n'
    return Reply(pieces=[chunk % model.encode(), usage, b"data: [DONE]\n\n"])


@pytest.fixture
def home(stub: Stub) -> Callable[[str], rg.Generator]:
    """`openai!` whose own address is the stub's."""
    kind: type[OpenAIGenerator] = type("Home", (OpenAIGenerator,), {"base_url": stub.url, "needs_key": False})
    return lambda model: kind(model=model)


@pytest.fixture
def name() -> str:
    """A model that no table and no other test knows."""
    return f"priced-{next(numbers)}"


def dollars(price: Price | None, **usage: int) -> float | None:
    assert price is not None
    return price.of(rg.Usage(**usage))


# The table.


async def test_a_call_costs_what_the_table_says_streamed_or_not(
    stub: Stub, home: Callable[[str], rg.Generator]
) -> None:
    stub.will(reply(), streamed())
    model = home("gpt-4o")
    chat = await model.chat("Hi").run()
    assert chat.usage is not None
    assert chat.usage.cost == pytest.approx(1000 * 2.5e-6 + 100 * 10e-6)
    usages = [event.usage async for event in model.chat("Hi").stream() if isinstance(event, StreamedUsage)]
    assert [usage.cost for usage in usages] == [pytest.approx(chat.usage.cost)]


async def test_another_server_under_the_name_of_a_model_costs_nobody_knows_what(stub: Stub) -> None:
    stub.will(reply())
    chat = await rg.get_generator(f"openai!gpt-4o,api_base={stub.url}").chat("Hi").run()
    assert chat.usage is not None
    assert (chat.usage.input_tokens, chat.usage.cost) == (1000, None)


async def test_the_name_in_the_answer_is_the_exact_one(stub: Stub, home: Callable[[str], rg.Generator]) -> None:
    stub.will(reply("gpt-4o-mini-2024-07-18"), reply("nobody-knows"))
    chats = [await home("gpt-4o").chat("Hi").run() for _ in range(2)]
    assert [chat.usage.cost for chat in chats if chat.usage] == [
        pytest.approx(dollars(table_price("openai", "gpt-4o-mini"), input_tokens=1000, output_tokens=100)),
        pytest.approx(dollars(table_price("openai", "gpt-4o"), input_tokens=1000, output_tokens=100)),
    ]


async def test_another_tier_of_service_has_a_price_of_its_own_or_none(
    stub: Stub, home: Callable[[str], rg.Generator]
) -> None:
    stub.will(*[reply("gpt-5") for _ in range(3)])
    model = home("gpt-5")
    plain, flex, odd = [
        await model.chat("Hi").with_(extra=extra).run()
        for extra in ({"service_tier": "auto"}, {"service_tier": "flex"}, {"service_tier": "express"})
    ]
    costs = [chat.usage.cost for chat in (plain, flex, odd) if chat.usage is not None]
    assert costs == [pytest.approx(0.00225), pytest.approx(0.001125), None]


@pytest.mark.parametrize(
    ("provider", "model"), [("ollama", "llama3"), ("openai", "no-such-model"), ("nobody", "gpt-4o"), ("openai", "")]
)
def test_a_price_that_is_zero_or_not_there_is_unknown(provider: str, model: str) -> None:
    assert table_price(provider, model) is None


def test_a_fine_tuned_model_costs_what_those_of_its_kind_do() -> None:
    own = table_price("openai", "ft:gpt-4o-2024-08-06:team::abc")
    assert own is not None
    assert own == table_price("openai", "ft:gpt-4o-2024-08-06")
    assert own != table_price("openai", "gpt-4o-2024-08-06")


def test_sound_costs_more_than_text_and_nobody_says_which_was_which() -> None:
    price = table_price("openai", "gpt-audio")
    assert dollars(price, input_tokens=10, output_tokens=10) is not None
    assert dollars(price, input_tokens=10, output_tokens=10, audio_tokens=3) is None


MODELS = [
    "gpt-4o",
    "gpt-5",
    "o3",
    "claude-sonnet-4-5",
    "claude-opus-4-6",
    "gemini/gemini-2.5-pro",
    "groq/openai/gpt-oss-120b",
]


@settings(max_examples=60)
@given(
    st.sampled_from(MODELS),
    st.integers(0, 400_000),
    st.integers(0, 50_000),
    st.tuples(*[st.floats(0, 1)] * 3),
)
def test_it_reckons_as_litellm_does(model: str, read: int, written: int, shares: tuple[float, float, float]) -> None:
    get_max_tokens_for_model("gpt-4o")  # imports litellm as it is imported here, without a network
    litellm: Any = sys.modules["litellm"]
    cached = int(read * shares[0])
    kept = int((read - cached) * shares[1]) if "claude" in model else 0
    thought = int(written * shares[2])
    provider, slash, own = model.partition("/")
    if not slash:
        provider, own = ("anthropic" if "claude" in model else "openai"), model
    usage = litellm.Usage(
        prompt_tokens=read,
        completion_tokens=written,
        total_tokens=read + written,
        prompt_tokens_details={"cached_tokens": cached, "cache_creation_tokens": kept},
        completion_tokens_details={"reasoning_tokens": thought},
        cache_creation_input_tokens=kept,
        cache_read_input_tokens=cached,
    )
    told = sum(litellm.cost_per_token(model=model, custom_llm_provider=provider, usage_object=usage))
    ours = dollars(
        table_price(provider, own),
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=kept,
        reasoning_tokens=thought,
    )
    assert ours == pytest.approx(told, rel=1e-9, abs=1e-12)


def test_litellm_is_not_imported_for_its_table() -> None:
    program = (
        "import sys; from rigging_py.generator.prices import table_price; "
        "assert table_price('openai', 'gpt-4o'); assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# The program's own.


async def test_a_price_of_the_program_s_own_holds_at_every_address_and_over_what_anybody_else_says(
    stub: Stub, home: Callable[[str], rg.Generator], name: str
) -> None:
    rg.set_price(f"openai!{name}", input=2, output=8, cached=0.5)
    stub.will(reply(name), reply("gpt-4o", prompt_tokens_details={"cached_tokens": 400}), reply(name, cost=7.0))
    models = rg.get_generator(f"openai!{name},api_base={stub.url}"), home(name), home(name)
    usages = [(await model.chat("Hi").run()).usage for model in models]
    assert [usage.cost for usage in usages if usage] == pytest.approx([0.0028, 0.0022, 0.0028])


async def test_a_model_of_this_machine_costs_what_the_program_says_and_else_nobody_knows() -> None:
    # A price stays, so the model has a name that nobody else asks by.
    path = str(weights("smollm2"))
    model = rg.get_generator(f"local!{path},max_tokens=4")
    unknown = await model.chat("Hi").run()
    rg.set_price(f"local!{path}", input=1e6, output=0)
    told = await model.chat("Hi").run()
    assert unknown.usage is not None
    assert told.usage is not None
    assert unknown.usage.cost is None
    assert told.usage.cost == told.usage.input_tokens


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_what_is_no_price_is_refused(name: str, rate: float) -> None:
    with pytest.raises(ValueError, match="output is dollars for a million tokens"):
        rg.set_price(f"openai!{name}", input=1, output=rate)


# Chats, runs and batches.


def used(text: str, cost: float | None) -> rg.ModelTurn:
    return rg.ModelTurn.from_text(text, usage=rg.Usage(input_tokens=1, output_tokens=2, total_tokens=3, cost=cost))


async def test_a_run_costs_all_of_its_calls() -> None:
    @rg.tool
    def now() -> str:
        return "noon"

    call = ToolCall.model_validate({"id": "1", "function": {"name": "now", "arguments": "{}"}})
    asking = rg.ModelTurn.of(tool_calls=[call], usage=rg.Usage(input_tokens=1, total_tokens=1, cost=0.25))
    chat = await rg.scripted(asking, used("It is noon.", 0.5)).chat("What time is it?").using(now).run()
    assert chat.usage == rg.Usage(input_tokens=2, output_tokens=2, total_tokens=4, cost=0.75)


async def test_a_batch_costs_all_of_its_chats_and_is_unknown_where_one_is() -> None:
    chats = await rg.scripted(used("a", 0.25), used("b", 0.5)).chat("Hi").run_many(2)
    assert chats.usage == rg.Usage(input_tokens=2, output_tokens=4, total_tokens=6, cost=0.75)
    chats = await rg.scripted(used("a", 0.25), used("b", None)).chat("Hi").run_many(2)
    assert (chats.usage.total_tokens, chats.usage.cost) == (6, None)
    assert rg.ChatList().usage.cost == 0.0
