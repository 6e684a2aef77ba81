"""`FunctionGenerator`: a model that is a Python function."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from pydantic import PrivateAttr

from rigging_py.generator.base import each
from rigging_py.generator.scripted import Named, Reply, to_turn
from rigging_py.message import GenerateParams, Message, ModelTurn

Answering: TypeAlias = Callable[[Sequence[Message], GenerateParams], Reply | Awaitable[Reply]]
"""Takes a conversation and its parameters and gives the reply, at once or awaited."""


class FunctionGenerator(Named):
    """A model whose answers come from a function, sync or async; what it raises is the failure of that call."""

    _function: Answering = PrivateAttr()

    def __init__(self, function: Answering, *, model: str | None = None, **fields: Any) -> None:
        super().__init__(model=model or self.free_name(getattr(function, "__name__", "function").strip("<>")), **fields)
        self._function = function

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def supports_function_calling(self) -> bool:
        return True

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        reply = self._function(messages, self.params.merge_with(params))
        reply = await reply if inspect.isawaitable(reply) else reply
        if reply is None:  # pyright: ignore[reportUnnecessaryComparison]  # functions without types may
            name = getattr(self._function, "__name__", self.model)
            raise TypeError(f"{name}() returned None. It has to return the reply: a text, a message or tool calls.")
        turn = to_turn(reply)
        if isinstance(turn, BaseException):
            raise turn
        return turn
