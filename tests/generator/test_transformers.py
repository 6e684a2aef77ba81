"""`transformers!`: models that run in this process. Needs torch: see `make engines`."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from weakref import ref

import pytest

import rigging_py as rg
from rigging_py.error import (
    ContextOverflowError,
    InvalidError,
    InvalidGeneratorError,
    MissingExtraError,
    NotFoundError,
)
from rigging_py.generator import TransformersGenerator, get_generator
from rigging_py.message import Delta, TextDelta

HAS_TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="needs torch")


@pytest.fixture(scope="module")
def loaded() -> tuple[Any, Any]:
    from tests.generator import tiny

    return tiny.model(), tiny.tokenizer()


class Counting:
    """The model, the sizes of the batches that it was given, and the tokens that it wrote in their first rows."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.written: list[list[int]] = []
        self.batches: list[tuple[int, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def generate(self, **options: Any) -> Any:
        self.batches.append(tuple(options["input_ids"].shape))
        tokens = self.model.generate(**options)
        self.written.append(tokens[0, options["input_ids"].shape[1] :].tolist())
        return tokens


class Gated(Counting):
    """A model that writes only while the gate is open, token for token."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.gate, self.is_writing = threading.Semaphore(0), threading.Event()
        self.steps = 0

    def generate(self, **options: Any) -> Any:
        def wait(input_ids: Any, scores: Any) -> Any:
            self.steps += 1
            self.is_writing.set()
            assert self.gate.acquire(timeout=30)
            return scores

        return super().generate(**{**options, "logits_processor": [wait]})


def made(loaded: tuple[Any, Any], **params: Any) -> TransformersGenerator:
    return TransformersGenerator.from_obj(*loaded, params=rg.GenerateParams(temperature=0, max_tokens=8, **params))


def asked(*texts: str) -> list[list[rg.Message]]:
    return [[rg.Message("user", text)] for text in texts]


async def answers(model: TransformersGenerator, texts: Sequence[str], *params: rg.GenerateParams) -> list[str]:
    given = [*params, *([rg.GenerateParams()] * (len(texts) - len(params)))]
    turns = await model.generate_messages(asked(*texts), given)
    assert all(isinstance(turn, rg.ModelTurn) for turn in turns), turns
    return [turn.message.content for turn in turns if isinstance(turn, rg.ModelTurn)]


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 30)


# Answers.


@needs_torch
async def test_a_chat_is_answered_and_counted(loaded: tuple[Any, Any]) -> None:  # surface 3.2 no. 40
    chat = await made(loaded).chat("hello there").run()
    prompt = loaded[1].apply_chat_template(
        [{"role": "user", "content": "hello there"}], add_generation_prompt=True, return_dict=False
    )
    torch: Any = import_module("torch")

    tokens = torch.tensor([prompt])
    whole = loaded[0].generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=8, do_sample=False)
    assert chat.last.content == loaded[1].decode(whole[0][len(prompt) :], skip_special_tokens=True)
    assert chat.stop_reason == "length"
    assert chat.usage is not None
    assert (chat.usage.input_tokens, chat.usage.output_tokens) == (len(prompt), 8)


@needs_torch
async def test_a_text_is_continued(loaded: tuple[Any, Any]) -> None:
    completion = await made(loaded).complete("one two").with_(max_tokens=5).run()
    assert completion.generated
    assert completion.usage is not None
    assert completion.usage.output_tokens == 5


@needs_torch
async def test_a_stop_text_ends_the_answer_before_it(loaded: tuple[Any, Any]) -> None:
    model = made(loaded)
    [whole] = await answers(model, ["hello there"])
    stop = whole[3:5]
    chat = await model.chat("hello there").with_(stop=[stop]).run()
    assert chat.stop_reason == "stop"
    assert chat.last.content == whole[: whole.index(stop)]


@needs_torch
async def test_the_end_token_ends_the_answer(loaded: tuple[Any, Any]) -> None:
    class Ending(Counting):
        """Writes the end token as its third."""

        def generate(self, **options: Any) -> Any:
            start = options["input_ids"].shape[1]

            def force(input_ids: Any, scores: Any) -> Any:
                if input_ids.shape[1] == start + 2:
                    scores[:, loaded[1].eos_token_id] = 1e9
                return scores

            return super().generate(**{**options, "logits_processor": [force]})

    chat = await made((Ending(loaded[0]), loaded[1])).chat("hello there").run()
    assert chat.stop_reason == "stop"
    assert chat.usage is not None
    assert chat.usage.output_tokens == 3


@needs_torch
async def test_the_same_seed_says_the_same_again_whoever_else_asks(loaded: tuple[Any, Any]) -> None:
    torch: Any = import_module("torch")

    model = made(loaded)
    warm = rg.GenerateParams(temperature=2.0, seed=7)
    before = torch.get_rng_state()
    [one] = await answers(model, ["hello"], warm)
    again = await answers(model, ["hello"] * 3, warm, warm, warm.merge_with(rg.GenerateParams(seed=8)))
    await answers(model, ["Whoever comes after them comes after all of their work."])
    assert torch.equal(torch.get_rng_state(), before)
    assert [text == one for text in again] == [True, True, False]


@needs_torch
async def test_what_was_written_is_not_written_again_where_that_is_penalised_enough(loaded: tuple[Any, Any]) -> None:
    counting = Counting(loaded[0])
    model = made((counting, loaded[1])).with_params(max_tokens=24)
    await answers(model, ["hello"])
    await answers(model, ["hello"], rg.GenerateParams(presence_penalty=1000))
    await answers(model, ["hello"], rg.GenerateParams(frequency_penalty=1000))
    await answers(model, ["Whoever comes after them comes after all of their work."])
    assert [len(set(tokens)) == 24 for tokens in counting.written[:3]] == [False, True, True]


@needs_torch
async def test_pieces_of_a_stream_make_the_turn_that_ends_it(loaded: tuple[Any, Any]) -> None:
    model = made(loaded)
    *pieces, turn = [one async for one in model.stream_message(asked("hello there")[0], rg.GenerateParams())]
    assert isinstance(turn, rg.ModelTurn)
    assert len(pieces) > 1
    assert "".join(one.text for one in pieces if isinstance(one, TextDelta)) == turn.message.content
    assert [turn.message.content] == await answers(model, ["hello there"])


@needs_torch
async def test_tools_are_for_templates_that_tell_of_them(loaded: tuple[Any, Any]) -> None:
    from tests.generator import tiny

    assert await made(loaded).supports_function_calling()
    assert not await made((loaded[0], tiny.tokenizer("{{ messages }}"))).supports_function_calling()
    assert not await made(loaded).supports_json_schema()


@needs_torch
async def test_a_conversation_that_is_too_long_is_refused_alone_and_an_answer_has_the_room_that_is_left(
    loaded: tuple[Any, Any],
) -> None:
    model = made(loaded).with_params(max_tokens=1000)
    good, bad = await model.generate_messages(asked("hello " * 100, "hello " * 300), [rg.GenerateParams()] * 2)
    assert isinstance(bad, ContextOverflowError)
    assert "the model reads 256" in str(bad)
    assert isinstance(good, rg.ModelTurn)
    assert good.usage is not None
    assert good.usage.total_tokens == 256


@needs_torch
async def test_an_option_that_the_model_does_not_know_is_an_error_of_that_request(loaded: tuple[Any, Any]) -> None:
    model = made(loaded)
    bad = rg.GenerateParams(extra={"no_such_option": 1})
    one, other = await model.generate_messages(asked("a", "b"), [bad, rg.GenerateParams()])
    assert isinstance(one, ValueError)
    assert isinstance(other, rg.ModelTurn)


# Batches.


@needs_torch
async def test_requests_at_once_are_one_batch_and_each_says_what_it_says_alone(loaded: tuple[Any, Any]) -> None:
    counting = Counting(loaded[0])
    model = made((counting, loaded[1]))
    texts = ["hello", "how are you? " * 9, "one two three", "é 😀"]
    alone = [(await answers(model, [text]))[0] for text in texts]
    counting.batches.clear()
    # The first may be on its way already; those that come while it is written are together.
    assert await answers(model, texts * 3) == alone * 3
    assert sum(size for size, _ in counting.batches) == 12
    assert len(counting.batches) <= 2


@needs_torch
async def test_those_that_sample_otherwise_are_another_batch_and_limits_may_differ_in_one(
    loaded: tuple[Any, Any],
) -> None:
    gated = Gated(loaded[0])
    model = made((gated, loaded[1]))
    first = asyncio.create_task(answers(model, ["wait"]))
    await until(gated.is_writing)
    warm = rg.GenerateParams(temperature=1.0, top_p=0.5)
    params = [rg.GenerateParams(max_tokens=2), rg.GenerateParams(max_tokens=5), warm]
    rest = asyncio.create_task(model.generate_messages(asked("a", "b", "c"), params))
    done, _ = await asyncio.wait([rest], timeout=0.2)
    assert not done
    gated.gate.release(1000)
    turns = [turn for turn in await rest if isinstance(turn, rg.ModelTurn)]
    await first
    assert [size for size, _ in gated.batches] == [1, 2, 1]
    assert [turn.usage.output_tokens for turn in turns if turn.usage] == [2, 5, 8]


@needs_torch
async def test_a_cancelled_call_returns_at_once_and_the_model_stops_at_the_next_token(
    loaded: tuple[Any, Any],
) -> None:
    gated = Gated(loaded[0])
    model = made((gated, loaded[1])).with_params(max_tokens=200)
    before = asyncio.all_tasks()
    task = asyncio.create_task(model.chat("hello").run())
    await until(gated.is_writing)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == before
    gated.gate.release(1000)
    await answers(model, ["hello"], rg.GenerateParams(max_tokens=2))
    assert gated.steps <= 4


@needs_torch
async def test_a_stream_that_nobody_reads_on_ends(loaded: tuple[Any, Any]) -> None:
    counting = Gated(loaded[0])
    model = made((counting, loaded[1])).with_params(max_tokens=200)
    counting.gate.release(10)
    stream = cast("AsyncGenerator[Delta, None]", model.stream_message(asked("hello")[0], rg.GenerateParams()))
    assert isinstance(await anext(stream), TextDelta)
    await stream.aclose()
    counting.gate.release(1000)
    await answers(model, ["hello"], rg.GenerateParams(max_tokens=1))
    assert counting.steps <= 13


@needs_torch
def test_it_answers_in_one_event_loop_after_another(loaded: tuple[Any, Any]) -> None:
    pipeline = made(loaded).chat("hello there")
    texts = [asyncio.run(pipeline.run()).last.content for _ in range(2)]
    assert rg.await_(pipeline.run()).last.content == texts[0] == texts[1]


# Loading.


@pytest.fixture(scope="module")
def directory(loaded: tuple[Any, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    loaded[0].save_pretrained(path)
    loaded[1].save_pretrained(path)
    return path


@needs_torch
async def test_a_directory_is_loaded_once_shared_and_unloaded(loaded: tuple[Any, Any], directory: Path) -> None:
    identifier = f"transformers!{directory},device_map=cpu,temperature=0.0,max_tokens=8"
    model = get_generator(identifier)
    assert isinstance(model, TransformersGenerator)
    assert model.to_identifier() == identifier
    assert await answers(model, ["hello there"]) == await answers(made(loaded), ["hello there"])
    same, other = get_generator(f"{identifier},seed=1"), get_generator(f"{identifier},torch_dtype=bfloat16")
    assert isinstance(same, TransformersGenerator)
    assert isinstance(other, TransformersGenerator)
    assert same.load().llm is model.llm
    assert str(other.llm.dtype) == "torch.bfloat16"
    gone = ref(model.llm)
    assert model.unload() is model
    other.unload()
    gc.collect()
    assert gone() is None
    assert await answers(model, ["hello there"])
    model.unload()


@needs_torch
def test_the_pipeline_of_transformers_is_over_the_same_model(loaded: tuple[Any, Any]) -> None:
    model = made(loaded)
    assert model.pipeline.model is loaded[0]
    assert model.unload().llm is loaded[0]
    assert model.tokenizer is loaded[1]


@needs_torch
async def test_what_is_not_there_and_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="transformers cannot load 'org/no-such-model': "):
        await get_generator("transformers!org/no-such-model").chat("Hi").run()
    with pytest.raises(InvalidError, match=f"transformers cannot load '{tmp_path}': "):
        await get_generator(f"transformers!{tmp_path}").chat("Hi").run()


@pytest.mark.skipif(HAS_TORCH, reason="torch is there")
async def test_without_torch_the_extra_is_named() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'rigging-py\[transformers\]'"):
        await get_generator("transformers!org/model").chat("Hi").run()


def test_its_fields_are_options_of_the_string() -> None:
    model = get_generator('transformers!org/model,device_map="{\\"\\": \\"cpu\\"}",load_in_4bit=true')
    assert isinstance(model, TransformersGenerator)
    assert (model.device_map, model.load_in_4bit, model.trust_remote_code) == ({"": "cpu"}, True, False)
    assert get_generator(model.to_identifier()) == model
    with pytest.raises(InvalidGeneratorError, match="max_batch_size=0"):
        get_generator("transformers!org/model,max_batch_size=0")


def test_reading_the_string_imports_neither_torch_nor_transformers() -> None:
    script = (
        "import sys, rigging_py as rg; rg.get_generator('transformers!a/b'); rg.get_generator('vllm!a/b');"
        "print([name for name in ('torch', 'transformers', 'vllm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
