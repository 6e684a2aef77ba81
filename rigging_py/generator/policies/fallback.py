"""`fallback`: the next generator is asked when one fails in a way that another may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self

from pydantic import Field

from rigging_py.generator.base import Generator
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator
from rigging_py.message import GenerateParams


class Fallback(Policy):
    """Several generators, of which the next is asked when one fails."""

    others: tuple[Generator, ...] = Field(default=(), exclude=True)

    @classmethod
    def over(cls, generators: Sequence[Generator], params: GenerateParams, fields: Mapping[str, Any]) -> Self:
        return cls(inner=generators[0], others=tuple(generators[1:]), params=params, **fields)

    @property
    def inners(self) -> tuple[Generator, ...]:
        return (self.inner, *self.others)

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        async with aclosing(call.to(self.inner)) as pieces:
            async for piece in pieces:
                yield piece


def fallback(*generators: Generator | str, **fields: Any) -> Fallback:
    """The generators as one."""
    return Fallback.over([as_generator(one) for one in generators], GenerateParams(), fields)
