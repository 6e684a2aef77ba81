"""`vllm!`: an engine that takes requests in and gives pieces out, step by step, driven for all event loops at once.

vLLM itself wants a GPU. What stands for it here does what is used of it: `add_request`, `step` and `abort_request`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import (
    ContextOverflowError,
    InvalidError,
    MissingExtraError,
    NetworkRefusedError,
    ServerFaultError,
)
from rigging_py.generator import VLLMGenerator, get_generator
from rigging_py.generator.in_process import Asked
from rigging_py.generator.vllm import VLLMEngine, sampling
from rigging_py.message import Delta, TextDelta
from rigging_py.parsing import JsonShape

pytest.importorskip("transformers")
from tests.generator import tiny

WORDS = ["so", " it", " goes", " on"]


@dataclass
class Request:
    prompt: list[int]
    options: dict[str, Any]
    written: int = 0


@dataclass
class Engine:
    """Writes a word a step for each request; the prompt says what goes wrong."""

    requests: dict[str, Request] = field(default_factory=dict[str, Request])
    seen: list[Request] = field(default_factory=list[Request])
    together: list[int] = field(default_factory=list[int])
    aborted: list[str] = field(default_factory=list[str])
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(10_000))
    is_full: threading.Event = field(default_factory=threading.Event)
    waits_for: int = 1
    """How many requests must have come before it writes."""
    fails_with: str | None = None

    def add_request(self, request_id: str, prompt: Any, params: Any) -> str:
        if "no_such_option" in params:
            raise TypeError("Unexpected keyword argument 'no_such_option'")
        self.requests[request_id] = Request(prompt["prompt_token_ids"], params)
        self.seen.append(self.requests[request_id])
        if len(self.seen) >= self.waits_for:
            self.is_full.set()
        return f"{request_id}-inside"

    def abort_request(self, request_ids: list[str]) -> None:
        self.aborted += request_ids
        for name in request_ids:
            del self.requests[name]

    def has_unfinished_requests(self) -> bool:
        return bool(self.requests)

    def step(self) -> list[Any]:
        if not self.is_full.is_set():
            return []
        assert self.gate.acquire(timeout=30)
        if self.fails_with == "engine":
            raise RuntimeError("The engine is dead.")
        self.together.append(len(self.requests))
        return [self._output(name) for name in list(self.requests)]

    def _output(self, name: str) -> Any:
        request = self.requests[name]
        request.written += 1
        finished = request.written == min(len(WORDS), request.options["max_tokens"])
        reason = (self.fails_with or ("stop" if request.written == len(WORDS) else "length")) if finished else None
        if finished:
            del self.requests[name]
        piece = SimpleNamespace(text=WORDS[request.written - 1], token_ids=[request.written], finish_reason=reason)
        return SimpleNamespace(request_id=name, outputs=[piece], finished=finished, num_cached_tokens=3)


class LLM:
    """What is used of `vllm.LLM`."""

    def __init__(self, engine: Engine, defaults: dict[str, Any] | None = None) -> None:
        self.llm_engine = engine
        self.model_config = SimpleNamespace(max_model_len=256, get_diff_sampling_param=lambda: defaults or {})

    def get_tokenizer(self) -> Any:
        return tiny.tokenizer()


class Given(VLLMGenerator):
    """A generator of an engine that takes options as they are."""

    @classmethod
    def of(cls, engine: Engine, **defaults: Any) -> Given:
        made = cls(model="tiny")
        made._given = VLLMEngine(LLM(engine, defaults), dict)
        return made


def asked(*texts: str) -> list[list[rg.Message]]:
    return [[rg.Message("user", text)] for text in texts]


async def until(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 30)


async def test_a_chat_is_answered_and_counted() -> None:
    engine = Engine()
    chat = await Given.of(engine).chat("hello").run()
    assert (chat.last.content, chat.stop_reason) == ("so it goes on", "stop")
    read = len(engine.seen[0].prompt)
    assert chat.usage == rg.Usage(input_tokens=read, output_tokens=4, total_tokens=read + 4, cached_tokens=3)
    assert tiny.tokenizer().decode(engine.seen[0].prompt).endswith("hello<|im_end|>\n<|im_start|>assistant\n")


async def test_an_answer_is_streamed_step_by_step() -> None:
    model = Given.of(Engine())
    *pieces, turn = [one async for one in model.stream_message(asked("hello")[0], rg.GenerateParams(max_tokens=3))]
    assert [one.text for one in pieces if isinstance(one, TextDelta)] == WORDS[:3]
    assert isinstance(turn, rg.ModelTurn)
    assert turn.stop_reason == "length"


async def test_a_text_is_continued() -> None:
    engine = Engine()
    completion = await Given.of(engine).complete("one two").run()
    assert completion.generated == "so it goes on"
    assert tiny.tokenizer().decode(engine.seen[0].prompt) == "one two"


async def test_requests_join_those_that_are_under_way() -> None:
    engine = Engine(waits_for=3)
    turns = await Given.of(engine).generate_messages(asked("a", "b", "c"), [rg.GenerateParams()] * 3)
    assert [turn.message.content for turn in turns if isinstance(turn, rg.ModelTurn)] == ["so it goes on"] * 3
    assert engine.together == [3, 3, 3, 3]


async def test_a_cancelled_request_is_aborted_and_the_others_go_on() -> None:
    engine = Engine(gate=threading.Semaphore(0), waits_for=2)
    model = Given.of(engine)
    before = asyncio.all_tasks()
    stays, goes = [asyncio.create_task(model.chat(text).run()) for text in ("stays", "goes")]
    await until(engine.is_full)
    goes.cancel()
    with pytest.raises(asyncio.CancelledError):
        await goes
    engine.gate.release(1000)
    assert (await stays).last.content == "so it goes on"
    assert len(engine.aborted) == 1
    assert asyncio.all_tasks() == before


async def test_a_stream_that_nobody_reads_on_is_aborted() -> None:
    engine = Engine(gate=threading.Semaphore(1))
    model = Given.of(engine)
    stream = cast("AsyncGenerator[Delta, None]", model.stream_message(asked("hello")[0], rg.GenerateParams()))
    assert await anext(stream) == TextDelta("so")
    await stream.aclose()
    engine.gate.release(1000)
    assert (await model.chat("hello").run()).last.content
    assert len(engine.aborted) == 1


async def test_what_vllm_refuses_is_that_requests_own() -> None:
    model = Given.of(Engine())
    bad = rg.GenerateParams(extra={"no_such_option": 1})
    one, other = await model.generate_messages(asked("a", "b"), [bad, rg.GenerateParams()])
    assert isinstance(one, InvalidError)
    assert str(one).startswith("vLLM does not take the request: Unexpected keyword")
    assert isinstance(other, rg.ModelTurn)


async def test_a_conversation_that_is_too_long_is_refused() -> None:
    with pytest.raises(ContextOverflowError, match="the model reads 256"):
        await Given.of(Engine()).chat("hello " * 300).run()


async def test_an_answer_that_failed_inside_is_the_servers_fault() -> None:
    with pytest.raises(ServerFaultError, match="may succeed later"):
        await Given.of(Engine(fails_with="error")).chat("hello").run()


async def test_when_the_engine_dies_everyone_who_waits_is_told() -> None:
    model = Given.of(Engine(fails_with="engine"))
    results = await model.generate_messages(asked("a", "b"), [rg.GenerateParams()] * 2)
    assert [str(one) for one in results] == ["The engine is dead."] * 2
    assert results[0] is not results[1]


def test_several_event_loops_share_the_engine() -> None:
    model = Given.of(Engine())
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda: said.append(asyncio.run(model.chat("hello").run()).last.content))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert said == ["so it goes on"] * 4


# What is asked for.


def options(room: int = 100, **params: Any) -> dict[str, Any]:
    return sampling(Asked([1, 2], rg.GenerateParams(**params)), room)


def test_parameters_have_the_names_of_vllm() -> None:
    assert options(temperature=0.5, top_k=3, top_p=0.9, seed=1, stop=["x"], presence_penalty=1, max_tokens=7) == {
        "temperature": 0.5,
        "top_k": 3,
        "top_p": 0.9,
        "seed": 1,
        "stop": ["x"],
        "presence_penalty": 1.0,
        "max_tokens": 7,
        "skip_special_tokens": True,
    }
    assert options(extra={"min_p": 0.1, "chat_template_kwargs": {"thinks": True}})["min_p"] == 0.1
    assert "chat_template_kwargs" not in options(extra={"chat_template_kwargs": {"thinks": True}})


def test_an_answer_has_the_room_that_is_left() -> None:
    assert options()["max_tokens"] == 100
    assert options(room=5000)["max_tokens"] == 1024
    assert options(room=5, max_tokens=10)["max_tokens"] == 5


async def test_the_models_own_defaults_hold_where_nothing_is_given() -> None:
    engine = Engine()
    model = Given.of(engine, temperature=0.6, top_p=0.95)
    await model.with_params(top_p=0.5).chat("hello").run()
    assert [engine.seen[0].options[name] for name in ("temperature", "top_p")] == [0.6, 0.5]


async def test_a_json_schema_guides_the_decoding() -> None:
    schema = {"type": "object"}
    assert options(output=JsonShape("answer", schema))["structured_outputs"] == {"json": schema}
    assert await VLLMGenerator(model="m").supports_json_schema()


@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vllm")
def test_the_options_are_ones_that_vllm_takes() -> None:
    from rigging_py.generator.vllm import sampling_params

    made = sampling_params(options(temperature=0.5, output=JsonShape("answer", {"type": "object"}), seed=1))
    assert (made.temperature, made.seed, made.max_tokens) == (0.5, 1, 100)
    assert made.structured_outputs.json == {"type": "object"}


# Loading.


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vllm is there")
async def test_without_vllm_the_extra_is_named(tmp_path: Any) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'rigging-py\[vllm\]'"):
        await get_generator(f"vllm!{tmp_path}").chat("Hi").run()


async def test_nothing_is_fetched_while_only_loopback_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGGING_PY_LOOPBACK_ONLY", "1")
    with pytest.raises(NetworkRefusedError, match="org/model"):
        await get_generator("vllm!org/model").chat("Hi").run()


def test_its_fields_are_options_of_the_string() -> None:
    identifier = "vllm!org/model,dtype=bfloat16,gpu_memory_utilization=0.5,enforce_eager=true,temperature=0.5"
    model = get_generator(identifier)
    assert isinstance(model, VLLMGenerator)
    assert (model.dtype, model.gpu_memory_utilization, model.trust_remote_code) == ("bfloat16", 0.5, False)
    assert model.to_identifier() == identifier
    assert model.unload() is model


def test_an_engine_that_was_given_is_used_itself_and_stays() -> None:
    llm = LLM(Engine())
    model = VLLMGenerator.from_obj("tiny", llm, params=rg.GenerateParams(seed=1))
    assert model.with_params(seed=2).unload().llm is llm
    assert model.params.seed == 1
    assert model.tokenizer.eos_token == "<|im_end|>"
