"""`fallback`: asks the next of several generators when one fails in a way that another may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from rigging_py.error import FailureKind, InvalidError, InvalidGeneratorError, ProviderError
from rigging_py.generator.base import Generator
from rigging_py.generator.policies.attempts import failed_after, with_attempts
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, given
from rigging_py.message import GeneratedText, GenerateParams, ModelTurn


def _split(value: object) -> object:
    return tuple(one.strip() for one in value.split(";")) if isinstance(value, str) else value


class Fallback(Policy):
    """`openai!gpt-5|anthropic!claude-sonnet-4-5`: asks the next one when one fails in a way that another may not.

    The turn says in `extra["generator"]` who gave it, and in `.attempts` what those before used; the error that is
    raised in the end has theirs in `.attempts`. A stream is begun anew only before its first delta. Tools and schemas
    are sent as such where all of them take these. Each alternative has an address of its own, so `api_base` is said
    there.
    """

    others: tuple[Generator, ...] = Field(default=(), exclude=True)
    on: Annotated[tuple[FailureKind, ...], BeforeValidator(_split)] = (
        "RateLimited",
        "ServerFault",
        "TimedOut",
        "Interrupted",
        "AuthenticationFailed",
        "NotFound",
        "ContextOverflow",
    )
    """The kinds of failure after which the next one is asked; in connection strings with `;` between them."""

    @classmethod
    def over(cls, generators: Sequence[Generator], params: GenerateParams, fields: Mapping[str, Any]) -> Self:
        return cls(inner=generators[0], others=tuple(generators[1:]), params=params, **fields)

    @property
    def inners(self) -> tuple[Generator, ...]:
        return (self.inner, *self.others)

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        _refuse_one_address(call.params)
        failures: list[ProviderError] = []
        for place, generator in enumerate(self.inners, 1):
            is_seen = False
            try:
                async with aclosing(call.to(generator)) as pieces:
                    async for piece in pieces:
                        is_seen = True
                        yield with_attempts(_signed(piece, generator), failures)
                return
            except ProviderError as error:
                if is_seen or error.kind not in self.on or place == len(self.inners):
                    raise failed_after(error, failures) from error.__cause__
                failures.append(error)


def _refuse_one_address(params: GenerateParams) -> None:
    # It would be sent the keys of them all.
    if params.api_base:
        raise InvalidError(
            "One api_base was given for several generators, each of which has its own address and key. "
            "Write it behind the generator that it belongs to, as in 'openai!a,api_base=https://…|openai!b'."
        )


def _signed(piece: Piece, generator: Generator) -> Piece:
    """The piece; a turn or a text says who gave it, in the words of who stands nearest."""
    if not isinstance(piece, ModelTurn | GeneratedText):
        return piece
    return replace(piece, extra={"generator": _name_of(generator), **piece.extra})


def _name_of(generator: Generator) -> str:
    try:
        return generator.to_identifier(short=True)
    except InvalidGeneratorError:  # a class that nobody registered
        return f"{type(generator).__name__}!{generator.model}"


def fallback(first: Generator | str, *others: Generator | str, on: Sequence[FailureKind] | None = None) -> Fallback:
    """A generator that asks `first`, and when that fails in a way that another may not, the next, and so on.

    `on` are the kinds of such failures; None leaves them as they are in `Fallback`.
    """
    return Fallback(inner=as_generator(first), others=tuple(map(as_generator, others)), **given(on=on))
