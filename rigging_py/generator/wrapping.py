"""The classes of generators that ask their model through functions of the program, as `Generator.wrap` makes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import cache
from types import MethodType
from typing import Any, TypeVar

from rigging_py.generator.base import Generator, closable, each
from rigging_py.message import Delta, GeneratedText, GenerateParams, Message, ModelTurn

A = TypeVar("A")

_plain: dict[type[Generator], type[Generator]] = {}


def plain_class(cls: type[Generator]) -> type[Generator]:
    """The class that was wrapped, or `cls` where none was."""
    return _plain.get(cls, cls)


def wrapped_class(cls: type[Generator]) -> type[Generator]:
    """`cls` with each call of its methods made through the wrappers of the object.

    It is a subclass, so that the object keeps its type, its fields, its name and all that its class can do besides.
    """
    return _subclass(plain_class(cls))


@cache
def _subclass(cls: type[Generator]) -> type[Generator]:
    # Functions and no methods, which could take the names of some that the class has.
    async def one_message(self: Generator, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        return _or_raised(*await cls.generate_messages(self, [messages], [params]))

    async def one_text(self: Generator, text: str, params: GenerateParams) -> GeneratedText:
        return _or_raised(*await cls.generate_texts(self, [text], [params]))

    async def opened(
        self: Generator, messages: Sequence[Message], params: GenerateParams
    ) -> AsyncGenerator[Delta, None]:
        deltas = closable(cls.stream_message(self, messages, params))
        return _joined(await anext(deltas, None), deltas)

    # A stream that is one whole turn is made by generate_messages, which is wrapped already.
    is_whole = cls.stream_message is Generator.stream_message

    class Wrapped(cls):  # type: ignore[valid-type, misc]  # pyright: ignore[reportGeneralTypeIssues]
        async def generate_messages(
            self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
        ) -> Sequence[ModelTurn | BaseException]:
            return await each(_through(self, one_message), messages, params)

        async def generate_texts(
            self, texts: Sequence[str], params: Sequence[GenerateParams]
        ) -> Sequence[GeneratedText | BaseException]:
            return await each(_through(self, one_text), texts, params)

        async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
            call = MethodType(opened, self) if is_whole else _through(self, opened)
            async with aclosing(await call(messages, params)) as deltas:
                async for delta in deltas:
                    yield delta

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(Wrapped, name, getattr(cls, name))
    _plain[Wrapped] = cls
    return Wrapped


def _through(generator: Generator, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The function with the generator as its first argument, in all wrappers."""
    call: Callable[..., Awaitable[Any]] = MethodType(function, generator)
    for wrapper in generator.wrappers:
        call = wrapper(call)
    return call


def _or_raised(result: A | BaseException) -> A:
    if isinstance(result, BaseException):
        raise result
    return result


async def _joined(first: Delta | None, rest: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    async with aclosing(rest):
        if first is not None:
            yield first
        async for delta in rest:
            yield delta
