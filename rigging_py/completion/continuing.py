"""`Continuing`: a generator that continues texts, as one that answers conversations of one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import PrivateAttr

from rigging_py.generator import GeneratedText, Generator
from rigging_py.message import GenerateParams, Message, ModelTurn


class Continuing(Generator):
    """Answers the text of the last message with what a generator writes after it."""

    _generator: Generator = PrivateAttr()

    def __init__(self, generator: Generator, **fields: Any) -> None:
        super().__init__(model=generator.model, **fields)
        self._generator = generator

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        written = await self._generator.generate_texts([said[-1].content for said in messages], params)
        return [one.to_generated_message() if isinstance(one, GeneratedText) else one for one in written]

    def key(self) -> str | None:
        return self._generator.key()

    def to_identifier(self, params: GenerateParams | None = None, *, short: bool = False) -> str:
        return self._generator.to_identifier(params, short=short)
