"""What the embedded engine does for many at once, and what it gives besides chats."""

from __future__ import annotations

import asyncio
import gc
import re
from math import isclose, sqrt
from weakref import finalize

import pytest

import rigging_py as rg
from rigging_py.error import ContextOverflowError, InvalidError
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine, engine_for
from rigging_py.generator.local.generator import LocalGenerator
from rigging_py.generator.local.grammar import compile_grammar, compile_json_grammar
from rigging_py.generator.local.weights import weights
from rigging_py.parsing import codec_of

pytestmark = pytest.mark.model


def local(options: str = "slots=1,context=2048") -> LocalGenerator:
    generator = get_generator(f"local!smollm2,temperature=0,{options}")
    assert isinstance(generator, LocalGenerator)
    return generator


def counted(engine: Engine, name: str) -> float:
    found = re.search(rf"^llamacpp:{name} (\S+)$", engine.metrics(), re.MULTILINE)
    assert found is not None
    return float(found[1])


# Many at once.


async def test_requests_at_once_are_decoded_in_the_same_steps() -> None:
    model = local("slots=4,context=2049")
    engine = engine_for(weights("smollm2"), 2049, 4)
    try:
        chats = await model.chat("Count from one to one hundred.").with_(max_tokens=24).run_many(4)
        tokens = sum(chat.usage.output_tokens for chat in chats if chat.usage)
        # One by one, each token would be a step.
        assert counted(engine, "n_decode_total") < tokens / 2
    finally:
        model.unload()


async def test_a_prefix_that_was_read_before_is_not_read_again() -> None:
    model = local()
    rules = rg.Message("system", "You are a careful clerk. " * 30)
    chats = [await model.chat([rules, rg.Message("user", text)]).with_(max_tokens=2).run() for text in ("One?", "Two?")]
    usages = [chat.usage for chat in chats if chat.usage is not None]
    assert usages[1].cached_tokens is not None
    assert usages[1].cached_tokens > 0.8 * usages[1].input_tokens


async def test_a_cancelled_call_stops_reading_its_prompt_and_leaves_the_engine_to_the_next() -> None:
    model = local()
    engine = engine_for(weights("smollm2"), 2048, 1)
    before = counted(engine, "prompt_tokens_total")
    long = " ".join(map(str, range(480)))
    task = asyncio.create_task(model.chat(long).with_(max_tokens=1).run())
    await asyncio.wait([task], timeout=0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    chat = await model.chat("Hi").with_(max_tokens=1).run()
    assert chat.usage is not None
    # The prompt has more than 1,800 tokens, which are read in eight steps; a busy machine may have begun a second.
    assert counted(engine, "prompt_tokens_total") - before < 1000


def test_the_grammar_of_a_form_is_made_once() -> None:
    shapes = [codec_of(list[int]).shape, codec_of(list[int]).shape, codec_of(list[str]).shape]
    one, same, other = map(compile_grammar, shapes)
    assert one is same
    assert one != other
    assert compile_json_grammar({"type": "null"}) is compile_json_grammar({"type": "null"})
    assert compile_grammar(shapes[0], budget=40) != one


# Texts.


async def test_a_text_is_continued_and_counted() -> None:
    completion = await local().complete("The capital of France is").with_(max_tokens=4).run()
    assert completion.generated.startswith(" Paris")
    assert completion.stop_reason == "length"
    assert completion.usage is not None
    assert completion.usage.output_tokens == 4


async def test_a_stop_text_ends_a_continuation_before_it() -> None:
    pipeline = local().complete("one two three").with_(max_tokens=20)
    whole = (await pipeline.run()).generated
    word = whole.split()[3]
    completion = await pipeline.with_(stop=[word]).run()
    assert completion.stop_reason == "stop"
    assert completion.generated == whole[: whole.index(word)]


async def test_a_text_that_is_too_long_is_refused_alone() -> None:
    params = [rg.GenerateParams(max_tokens=1)] * 2
    good, bad = await local().generate_texts(["one two", "word " * 3000], params)
    assert isinstance(good, rg.GeneratedText)
    assert isinstance(bad, ContextOverflowError)


# Vectors.


def product(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_texts_of_like_meaning_have_like_vectors() -> None:
    model = local("context=2048,pooling=mean")
    cat, kitten, taxes = await model.embed(
        ["A cat sits on the mat.", "A kitten rests on a rug.", "Quarterly tax filings are due."]
    )
    assert isclose(sqrt(product(cat, cat)), 1, abs_tol=1e-5)
    assert product(cat, kitten) > product(cat, taxes) + 0.1
    assert await model.embed([]) == []
    with pytest.raises(ContextOverflowError, match="too large"):
        await model.embed(["word " * 3000])
    model.unload()


async def test_a_model_without_pooling_says_what_to_do() -> None:
    model = local("context=256")
    with pytest.raises(InvalidError, match="pooling=mean"):
        await model.embed(["text"])
    model.unload()


# Memory.


async def test_unloading_frees_the_model_and_the_next_call_loads_it_again() -> None:
    model = local("slots=1,context=300")
    assert (await model.chat("Hi").with_(max_tokens=1).run()).last.content
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    finalize(engine_for(weights("smollm2"), 300, 1), loop.call_soon_threadsafe, gone.set)
    assert model.unload() is model
    gc.collect()
    async with asyncio.timeout(10):
        await gone.wait()
    assert (await model.chat("Hi").with_(max_tokens=1).run()).last.content
    model.unload()


def test_what_was_only_loaded_can_be_unloaded() -> None:
    model = local("slots=1,context=256")
    for _ in range(5):
        model.load().unload()
