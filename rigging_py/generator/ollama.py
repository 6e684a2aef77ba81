"""`OllamaGenerator`: Ollama's own API, on this machine, on another, or its cloud."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import ClassVar, cast

from rigging_py.error import GeneratorWarning
from rigging_py.generator.lite_reply import is_probably_cut
from rigging_py.generator.provider import ProviderGenerator
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn
from rigging_py.wire import OLLAMA, Wire


class OllamaGenerator(ProviderGenerator):
    """`ollama!llama3.2`, on this machine unless `api_base=http://host:11434` says where.

    No key is needed. That in the environment variable OLLAMA_API_KEY is sent to Ollama's cloud only, which is at
    `api_base=https://ollama.com`; other servers get a key only when one is given.
    """

    provider: ClassVar[str] = "ollama"
    base_url: ClassVar[str | None] = "http://localhost:11434"
    cloud_url: ClassVar[str] = "https://ollama.com"
    """Where Ollama answers itself, and wants a key."""
    default_key_variable: ClassVar[str | None] = "OLLAMA_API_KEY"
    needs_key: ClassVar[bool] = False
    wire: ClassVar[Wire] = OLLAMA
    path: ClassVar[str] = "/api/chat"

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        answer = cast("AsyncGenerator[Delta, None]", super().stream_message(messages, params))
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                if isinstance(delta, ModelTurn):
                    _warn_of_a_cut_prompt(delta, messages)
                yield delta

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        turn = await super()._answer(messages, params)
        _warn_of_a_cut_prompt(turn, messages)
        return turn

    def _key_for(self, base: str) -> str | None:
        return self.key() if self.api_key or base == self.cloud_url else None


def _warn_of_a_cut_prompt(turn: ModelTurn, messages: Sequence[Message]) -> None:
    if turn.usage and is_probably_cut(turn.usage.input_tokens, messages):
        warnings.warn(
            f"Ollama read {turn.usage.input_tokens} tokens, which is less than the prompt must have: it cuts what does "
            "not fit, without an error. Raise its context with `extra={'num_ctx': …}`.",
            GeneratorWarning,
            stacklevel=2,
        )
