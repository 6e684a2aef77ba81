"""What mypy and pyright infer of providers, engines, policies, prices and schemas."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, assert_type

import rigging_py as rg
from rigging_py import generator
from rigging_py.error import FailureKind
from rigging_py.generator import Call, Piece
from rigging_py.generator.anthropic import AnthropicGenerator
from rigging_py.generator.azure import AzureGenerator
from rigging_py.generator.gemini import GeminiGenerator
from rigging_py.generator.local.generator import LocalGenerator
from rigging_py.generator.ollama import OllamaGenerator
from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.generator.openai_responses import OpenAIResponsesGenerator
from rigging_py.generator.shorthands import GroqGenerator
from rigging_py.wire.schemas import Change, RewrittenSchema

# Policies.


class Quiet(generator.Policy):
    words: int = 3

    def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        return call.to(self.inner)


class Held:
    async def get(self, key: str) -> bytes | None:
        return key.encode()

    async def put(self, key: str, value: bytes, ttl: float | None) -> None:
        print(key, value, ttl)


def policies_are_generators(model: rg.ScriptedGenerator, path: Path, on: list[FailureKind]) -> None:
    clock = rg.VirtualClock()
    assert_type(clock.now(), float)
    assert_type(rg.retry(model, attempts=5, first=0.1, total=60, clock=clock, random=lambda: 0.5), generator.Retry)
    assert_type(rg.limit("openai!gpt-4o", rpm=60, tpm=1000, adaptive=True, name="a", clock=clock), generator.Limit)
    assert_type(rg.fallback(model, "openai!gpt-4o", Quiet(inner=model), on=on), generator.Fallback)
    assert_type(rg.cache(model, ttl=3.5, store="sqlite!a.db", max_entries=3), generator.Cache)
    assert_type(rg.cache(model, store=Held()), generator.Cache)
    assert_type(rg.record("openai!gpt-4o", path), generator.Record)
    assert_type(rg.replay("a.jsonl"), generator.Replay)
    assert_type(rg.budget(model, tokens=100, dollars=2.5, name="a"), generator.Budget)
    assert_type(rg.retry(rg.limit(model)).inner, rg.Generator)
    assert_type(rg.fallback(model, model).inners, tuple[rg.Generator, ...])
    assert_type(rg.retry(model).with_params(seed=1).wrap(None).watch(print), generator.Retry)
    assert_type(Quiet(inner=model, words=2).with_params(seed=1), Quiet)
    assert_type(rg.cache(model).chat("a"), rg.ChatPipeline)
    rg.retry(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rg.retry(model, 5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rg.limit(model, rate=60)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rg.fallback(model, on=["Late"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    rg.cache(model, store=path)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    rg.record(model)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def policies_tell_what_they_know(model: rg.ScriptedGenerator) -> None:
    assert_type(rg.limit(model).limit, float)
    assert_type(rg.budget(model, tokens=100).spent, rg.Usage)
    assert_type(rg.replay("a.jsonl").remaining, int)


async def a_policy_has_pieces(call: Call, model: rg.ScriptedGenerator) -> None:
    async for piece in Quiet(inner=model).answer(call):
        assert_type(piece, rg.message.Delta | rg.GeneratedText)
    assert_type(call.to(model), AsyncGenerator[Piece, None])
    assert_type(call.params, rg.GenerateParams)


# Prices, and schemas.


def prices_are_set(usage: rg.Usage) -> None:
    assert_type(rg.set_price("openai!mine", input=2, output=8.5, cached=0.2), None)
    assert_type(usage.cost, float | None)
    rg.set_price("openai!mine", input=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def schemas_are_looked_at(tool: rg.Tool[[int], int], model: rg.ScriptedGenerator) -> None:
    found = rg.lint_schema(list[int], "openai!gpt-5")
    assert_type(found, RewrittenSchema)
    assert_type((found.is_strict, found.changes), tuple[bool, tuple[Change, ...]])
    assert_type(
        [(one.path, one.what, one.why, one.is_lossless) for one in found.changes], list[tuple[str, str, str, bool]]
    )
    assert_type(rg.lint_schema({"type": "object"}, model), RewrittenSchema)
    assert_type(rg.lint_schema(tool.definition, "gemini!gemini-2.5-flash").restore_text("a"), str)
    rg.lint_schema(int)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# Providers and engines.


def providers_are_generators() -> None:
    assert_type(OpenAIGenerator(model="a", strict=True).with_params(seed=1), OpenAIGenerator)
    assert_type(OpenAIResponsesGenerator(model="a").wrap(None), OpenAIResponsesGenerator)
    assert_type(AzureGenerator(model="a", api_version="2024-10-21").watch(print), AzureGenerator)
    assert_type(AnthropicGenerator(model="a", beta="b").load(), AnthropicGenerator)
    assert_type(GeminiGenerator(model="a").chat("a"), rg.ChatPipeline)
    assert_type(OllamaGenerator(model="a").to_identifier(), str)
    assert_type(GroqGenerator, type[OpenAIGenerator])
    OpenAIGenerator(model="a", strict="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def engines_are_generators(llm: object) -> None:
    assert_type(LocalGenerator(model="smollm2").unload(), LocalGenerator)
    assert_type(generator.LiteLLMGenerator(model="gpt-4o", max_connections=3).load(), generator.LiteLLMGenerator)
    assert_type(generator.TransformersGenerator.from_obj(llm, llm), generator.TransformersGenerator)
    assert_type(generator.VLLMGenerator.from_obj("a", llm), generator.VLLMGenerator)
    assert_type(generator.VLLMGenerator(model="a", gpu_memory_utilization=0.8).unload(), generator.VLLMGenerator)
    tokenizer: Any = generator.TransformersGenerator(model="a").tokenizer
    assert tokenizer
