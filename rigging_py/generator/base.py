"""`Generator`: who answers. Providers and users subclass it; everything else only calls it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from rigging_py.error import AuthenticationFailedError
from rigging_py.generator.gate import Gate
from rigging_py.message import Delta, GeneratedText, GenerateParams, Message, MessageDict, ModelTurn

if TYPE_CHECKING:
    from rigging_py.chat import ChatPipeline
    from rigging_py.completion import CompletionPipeline
    from rigging_py.prompt import PromptDecorator

A = TypeVar("A")
S = TypeVar("S")

Wrapper: TypeAlias = Callable[[Callable[[Any, GenerateParams], Awaitable[Any]]], Callable[..., Awaitable[Any]]]
"""A decorator of the function that asks a model; see `Generator.wrap`."""

WatchCallback: TypeAlias = Callable[[list[Any]], Awaitable[None] | None]
"""Sees finished chats and completions, at once or awaited; what it raises becomes a warning."""

GeneratedMessage = ModelTurn
"""What `generate_messages` gives for one conversation; the name that Rigging's users know."""


async def each(
    answer: Callable[[S, GenerateParams], Awaitable[A]],
    messages: Sequence[S],
    params: Sequence[GenerateParams],
    gate: Gate | None = None,
) -> list[A | BaseException]:
    """The answers to several conversations or texts from a function that answers one, each behind the gate.

    Without a gate at most 64 of these are under way at once. What the function raises is that conversation's own
    result; cancelling cancels them all.
    """
    if gate is None and len(messages) > 1:
        gate = Gate(concurrency=64)

    async def one(said: S, asked: GenerateParams) -> A | BaseException:
        try:
            async with gate.one() if gate is not None else nullcontext():
                return await answer(said, asked)
        except Exception as error:  # noqa: BLE001 — the wall between one conversation and the others
            return error

    if len(messages) == 1:
        return [await one(messages[0], params[0])]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(said, asked)) for said, asked in zip(messages, params, strict=True)]
    return [task.result() for task in tasks]


def closable(deltas: AsyncIterator[Delta]) -> AsyncGenerator[Delta, None]:
    """A stream; an iterator of a user's own need not have a way to be closed."""
    return cast("AsyncGenerator[Delta, None]", deltas if hasattr(deltas, "aclose") else _each_of(deltas))


async def _each_of(deltas: AsyncIterator[Delta]) -> AsyncGenerator[Delta, None]:
    async for delta in deltas:
        yield delta


class Generator(BaseModel):
    """Something that answers conversations.

    Subclasses override `generate_messages`, `generate_texts` or both, and may add fields, which connection strings
    can then set. A generator is a value: `watch`, `wrap` and `with_params` return new ones that share its connections.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    default_key_variable: ClassVar[str | None] = None
    """The environment variable that holds the key when none is given."""

    model: str
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """The key, or `env:NAME` for the environment variable that holds it."""
    params: GenerateParams = Field(default_factory=GenerateParams)
    _watch_callbacks: tuple[WatchCallback, ...] = PrivateAttr(default=())
    _wrappers: tuple[Wrapper, ...] = PrivateAttr(default=())

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        """The answers to several conversations, one for each, in their order.

        An item may be an exception, which is that conversation's own. `params` are the pipeline's; the generator puts
        them over its own.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not answer conversations: it has no generate_messages()."
        )

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        """The continuations of several texts, one for each, in their order."""
        raise NotImplementedError(f"{type(self).__name__} does not continue texts: it has no generate_texts().")

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The answer to one conversation in pieces, the whole turn last. By default the turn is the only piece."""
        [turn] = await self.generate_messages([messages], [params])
        if isinstance(turn, BaseException):
            raise turn
        yield turn

    async def supports_function_calling(self) -> bool | None:
        """Whether tools can be sent as such; None when that is not known."""
        return None

    async def supports_json_schema(self) -> bool | None:
        """Whether an answer can be held to the JSON schema in `params.output`; None when that is not known."""
        return None

    def load(self) -> Self:
        """Gets ready ahead of the first call."""
        return self

    def unload(self) -> Self:
        """Gives back what `load` took, where it can be given back."""
        return self

    def watch(self, *callbacks: WatchCallback, allow_duplicates: bool = False) -> Self:
        """Returns a generator whose pipelines show what they finish to `callbacks`, each once unless allowed."""
        watching = list(self._watch_callbacks)
        for callback in callbacks:
            if allow_duplicates or callback not in watching:
                watching.append(callback)
        other = self.model_copy()
        other._watch_callbacks = tuple(watching)
        return other

    def wrap(self, func: Wrapper | None) -> Self:
        """Returns a generator that asks its model through `func`, a decorator; None takes all of them off.

        `func` is given an async function of one conversation (or one text) and its parameters, which returns the turn
        (or the `GeneratedText`) or raises; of a streamed answer it is the part until the first piece is there. It
        returns the function to call in its place, so retries, limits and clocks fit. It is called anew for every
        conversation, and the last of several is the outermost.
        """
        other = self.model_copy()
        other._wrappers = (*self._wrappers, func) if func else ()
        wrapping = import_module("rigging_py.generator.wrapping")  # it knows this class
        kind = wrapping.wrapped_class(type(self)) if func else wrapping.plain_class(type(self))
        object.__setattr__(other, "__class__", kind)
        return other

    @property
    def wrappers(self) -> tuple[Wrapper, ...]:
        """What `wrap` was given, the innermost first."""
        return self._wrappers

    @property
    def watch_callbacks(self) -> tuple[WatchCallback, ...]:
        """What `watch` was given; pipelines begin with these."""
        return self._watch_callbacks

    def with_params(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns a generator with these parameters over its own."""
        return self.model_copy(update={"params": self.params.merge_with(params, GenerateParams(**values))})

    def to_identifier(self, params: GenerateParams | None = None, *, short: bool = False) -> str:
        """The connection string that makes this generator again, without its key; `short` drops the options."""
        return _identify(self, params, short=short)

    def key(self) -> str | None:
        """The key to send, from the field, the variable it names, or the provider's own variable.

        Raises `AuthenticationFailedError` when a named variable is not set.
        """
        given = self.api_key.get_secret_value() if self.api_key is not None else ""
        variable = given.removeprefix("env:") if given.startswith("env:") else None
        if variable is None:
            return given or (os.environ.get(self.default_key_variable) if self.default_key_variable else None)
        value = os.environ.get(variable)
        if not value:
            raise AuthenticationFailedError(
                f"The key of {self.to_identifier(short=True)!r} is to be read from the environment variable "
                f"{variable}, which is not set. Set it, or give another api_key.",
                provider=self.to_identifier(short=True),
            )
        return value

    # Doors to the rooms above.

    def chat(
        self,
        messages: Sequence[Message | MessageDict | str] | Message | MessageDict | Mapping[str, Any] | str | None = None,
        params: GenerateParams | None = None,
    ) -> ChatPipeline:
        """A pipeline that begins with `messages`."""
        return import_module("rigging_py.chat").chat(self, messages, params)  # type: ignore[no-any-return]

    def complete(self, text: str, params: GenerateParams | None = None) -> CompletionPipeline:
        """A pipeline that continues `text`."""
        return import_module("rigging_py.completion").complete(self, text, params)  # type: ignore[no-any-return]

    @property
    def prompt(self) -> PromptDecorator:
        """The decorator that makes a typed function a prompt which this generator answers."""
        return import_module("rigging_py.prompt").prompt(generator=self)  # type: ignore[no-any-return]


def _identify(generator: Generator, params: GenerateParams | None, *, short: bool) -> str:
    # The registry knows the classes, so it stands above this file.
    identifier: str = import_module("rigging_py.generator.registry").get_identifier(generator, params, short=short)
    return identifier


def chat(
    generator: Generator,
    messages: Sequence[Message | MessageDict | str] | Message | MessageDict | Mapping[str, Any] | str | None = None,
    params: GenerateParams | None = None,
) -> ChatPipeline:
    """`generator.chat(…)`."""
    return generator.chat(messages, params)


def complete(generator: Generator, text: str, params: GenerateParams | None = None) -> CompletionPipeline:
    """`generator.complete(…)`."""
    return generator.complete(text, params)
