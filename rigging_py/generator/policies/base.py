"""`Policy`: a generator that asks another one under a rule. What the rule does is one async generator, `answer`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Self, TypeAlias, cast

from pydantic import Field, model_validator

from rigging_py.generator.base import Generator, closable, each
from rigging_py.message import Delta, GeneratedText, GenerateParams, Message, ModelTurn

Piece: TypeAlias = Delta | GeneratedText
"""What a call gives: of a stream its deltas, the whole turn last; of any other call the turn, or the text, alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """One conversation, or one text to continue, on its way to a model.

    `kind` says what is asked of the generator: a whole turn, a turn in pieces, or a text. `params` are those that the
    generator gets; its own are under them.
    """

    kind: Literal["message", "stream", "text"]
    said: Sequence[Message] | str
    params: GenerateParams

    def to(self, generator: Generator) -> AsyncGenerator[Piece, None]:
        """The answer of a generator, to be closed by whoever reads it."""
        said: Any = self.said
        if self.kind == "stream":
            return cast("AsyncGenerator[Piece, None]", closable(generator.stream_message(said, self.params)))
        return _whole(generator.generate_messages if self.kind == "message" else generator.generate_texts, self)


class Policy(Generator):
    """A generator that asks another, `inner`, under a rule.

    A subclass says the rule in `answer` and its settings in fields, which connection strings can set after the closing
    parenthesis: `name(inner),field=…`. Fields with `exclude=True` are set by programs only. The model is the inner
    one's. `params` go over those of the generator inside, and the pipeline's go over both.
    """

    model: str = ""
    inner: Generator = Field(exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _name_the_model(cls, values: Any) -> Any:
        return {**values, "model": values["inner"].model} if isinstance(values.get("inner"), Generator) else values

    @classmethod
    def over(cls, generators: Sequence[Generator], params: GenerateParams, fields: Mapping[str, Any]) -> Self:
        """The policy around what stands in its parentheses; several that are separated by bars are one `fallback`."""
        if len(generators) > 1:
            generators = [import_module("rigging_py.generator.policies.fallback").fallback(*generators)]
        return cls(inner=generators[0], params=params, **fields)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """A copy that shares what the policy counts and keeps, as every refinement does."""
        return self.__copy__()

    @property
    def inners(self) -> tuple[Generator, ...]:
        """Whom it may ask, the first first."""
        return (self.inner,)

    def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        """The pieces of the answer to a call, usually those of `call.to(self.inner)`; an async generator.

        It is closed when nobody wants more, and what it raises is the failure of the call. A call that is no stream
        has exactly one piece.
        """
        raise NotImplementedError(f"{type(self).__name__} has no answer().")

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        async def one(said: Sequence[Message], asked: GenerateParams) -> ModelTurn:
            return cast("ModelTurn", await self._only(Call("message", said, self.params.merge_with(asked))))

        return await each(one, messages, params)

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        async def one(said: str, asked: GenerateParams) -> GeneratedText:
            return cast("GeneratedText", await self._only(Call("text", said, self.params.merge_with(asked))))

        return await each(one, texts, params)

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The answer as it arrives, the whole turn last."""
        async with aclosing(self.answer(Call("stream", messages, self.params.merge_with(params)))) as pieces:
            async for piece in pieces:
                yield cast("Delta", piece)

    async def supports_function_calling(self) -> bool | None:
        """What all that may be asked agree on; False where one of them cannot."""
        return _agreed([await one.supports_function_calling() for one in self.inners])

    async def supports_json_schema(self) -> bool | None:
        """What all that may be asked agree on; False where one of them cannot."""
        return _agreed([await one.supports_json_schema() for one in self.inners])

    def load(self) -> Self:
        for one in self.inners:
            one.load()
        return self

    def unload(self) -> Self:
        for one in self.inners:
            one.unload()
        return self

    async def _only(self, call: Call) -> Piece:
        async with aclosing(self.answer(call)) as pieces:
            found = [piece async for piece in pieces]
        if len(found) != 1:
            problem = f"{type(self).__name__}.answer() gave {len(found)} pieces to a call that is no stream"
            raise TypeError(f"{problem}; there it gives one, the turn or the text.")
        return found[0]


def leaves(generator: Generator, params: GenerateParams | None = None) -> Iterator[tuple[Generator, GenerateParams]]:
    """The generators that may be asked in the end, below all policies, each with its parameters, `params` over them."""
    merged = generator.params.merge_with(params)
    if not isinstance(generator, Policy):
        yield generator, merged
        return
    for inner in generator.inners:
        yield from leaves(inner, merged)


def as_generator(given: Generator | str) -> Generator:
    """The generator, or the one that a connection string describes."""
    # The registry knows the policies, so it stands above this file.
    return (
        given if isinstance(given, Generator) else import_module("rigging_py.generator.registry").get_generator(given)
    )


def given(**settings: Any) -> dict[str, Any]:
    """Those that are not None. What was not given is not written into identifiers."""
    return {name: value for name, value in settings.items() if value is not None}


def _agreed(answers: Sequence[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


async def _whole(ask: Callable[..., Awaitable[Sequence[Any]]], call: Call) -> AsyncGenerator[Piece, None]:
    [answer] = await ask([call.said], [call.params])
    if isinstance(answer, BaseException):
        raise answer
    yield answer
