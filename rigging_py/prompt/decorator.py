"""The decorator that makes a typed function a prompt."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from rigging_py.chat import ChatPipeline
from rigging_py.generator import Generator
from rigging_py.prompt.prompt import Prompt

P = ParamSpec("P")
R = TypeVar("R")


class PromptDecorator(Protocol):
    """Makes a typed function a prompt."""

    @overload
    def __call__(self, func: Callable[P, Awaitable[R]], /) -> Prompt[P, R]: ...
    @overload
    def __call__(self, func: Callable[P, R], /) -> Prompt[P, R]: ...
    @overload
    def __call__(self, *, tools: Iterable[object] = ..., system_prompt: str | None = ...) -> PromptDecorator: ...


@overload
def prompt(func: Callable[P, Awaitable[R]], /) -> Prompt[P, R]: ...
@overload
def prompt(func: Callable[P, R], /) -> Prompt[P, R]: ...
@overload
def prompt(
    *,
    pipeline: ChatPipeline | None = ...,
    generator: Generator | None = ...,
    generator_id: str | None = ...,
    tools: Iterable[object] = ...,
    system_prompt: str | None = ...,
) -> PromptDecorator: ...
def prompt(
    func: Callable[..., Any] | None = None,
    /,
    *,
    pipeline: ChatPipeline | None = None,
    generator: Generator | None = None,
    generator_id: str | None = None,
    tools: Iterable[object] = (),
    system_prompt: str | None = None,
) -> Any:
    """Makes a typed function a prompt: its docstring is said, its parameters are shown, its return type is read.

    At most one of `pipeline`, `generator` and `generator_id` (a connection string, looked up on the first call) answers
    it; without one it is bound later. `tools` are offered to the model, `system_prompt` comes before everything.
    """
    if func is not None and not callable(func):
        raise TypeError(f"A prompt is a function; for {func!r} to answer one, write @prompt(generator_id={func!r}).")
    given = [one for one in (pipeline, generator, generator_id) if one is not None]
    if len(given) > 1:
        raise ValueError(
            "A prompt is answered by one of pipeline, generator and generator_id; more than one was given."
        )

    def decorate(
        function: Callable[..., Any] | None = None,
        *,
        tools: Iterable[object] = tuple(tools),
        system_prompt: str | None = system_prompt,
    ) -> Any:
        if function is None:
            return functools.partial(decorate, tools=tools, system_prompt=system_prompt)
        made: Prompt[..., Any] = Prompt(function, next(iter(given), None), tuple(tools), system_prompt)
        return made

    return decorate if func is None else decorate(func)
