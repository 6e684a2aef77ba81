"""`InProcessGenerator`: a model in this process that reads and writes tokens. Which engine runs it, subclasses say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, Self

from rigging_py.generator.base import Generator, each
from rigging_py.generator.gate import Gate
from rigging_py.generator.templated import ChatTemplate
from rigging_py.message import (
    Delta,
    GeneratedText,
    GenerateParams,
    Message,
    ModelTurn,
    StopReason,
    Usage,
)

_ALL = Gate()
"""An engine has a queue of its own, and makes better batches of more."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an engine is asked for: to go on after `tokens`, with `keeps_marks` also by the marks of the tokenizer."""

    tokens: list[int]
    params: GenerateParams
    keeps_marks: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a continuation ended, and what it used."""

    reason: StopReason
    usage: Usage


class TokenEngine(Protocol):
    """A loaded model."""

    @property
    def template(self) -> ChatTemplate:
        """Its tokenizer and chat template."""
        ...

    def write(self, asked: Asked) -> AsyncGenerator[str | Ending, None]:
        """The pieces of a continuation, its ending last. Closing the iterator ends the request."""
        ...


class InProcessGenerator(Generator):
    """A model that runs in this process, loaded on first use and shared by all generators that load it alike."""

    def engine(self) -> TokenEngine:
        """The loaded model; loading it may take minutes."""
        raise NotImplementedError

    @property
    def tokenizer(self) -> Any:
        """The tokenizer of transformers, of the loaded model."""
        return self.engine().template.tokenizer

    def load(self) -> Self:
        """Reads the model into memory, fetching it when it is not on this machine."""
        self.engine()
        return self

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params, _ALL)

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        return await each(self._continuation, texts, params, _ALL)

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        async with aclosing(self._deltas(messages, self.params.merge_with(params))) as deltas:
            async for delta in deltas:
                yield delta

    async def supports_function_calling(self) -> bool:
        """Whether the chat template tells of tools, and the calls that such models write can be read."""
        return (await asyncio.to_thread(self.engine)).template.takes_tools

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        async with aclosing(self._deltas(messages, self.params.merge_with(params))) as deltas:
            return [delta async for delta in deltas if isinstance(delta, ModelTurn)][-1]

    async def _deltas(self, messages: Sequence[Message], params: GenerateParams) -> AsyncGenerator[Delta, None]:
        engine = await asyncio.to_thread(self.engine)
        template = engine.template
        prompt = await asyncio.to_thread(template.prompt, messages, params)
        reply = template.reply(prompt, params)
        async with aclosing(engine.write(Asked(prompt, params, template.keeps_marks))) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    for delta in reply.feed(piece):
                        yield delta
                    continue
                for delta in reply.ending():
                    yield delta
                message = reply.message
                reason = "tool_calls" if message.tool_calls and piece.reason == "stop" else piece.reason
                yield ModelTurn(message, reason, piece.usage, reply.extra)

    async def _continuation(self, text: str, params: GenerateParams) -> GeneratedText:
        engine = await asyncio.to_thread(self.engine)
        tokens = await asyncio.to_thread(engine.template.encode, text)
        async with aclosing(engine.write(Asked(tokens, self.params.merge_with(params)))) as pieces:
            *said, ending = [piece async for piece in pieces]
        assert isinstance(ending, Ending)
        return GeneratedText("".join(map(str, said)), ending.reason, ending.usage)
