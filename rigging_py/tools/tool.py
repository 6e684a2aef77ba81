"""`Tool`: a callable that a model may use, with its schema, the check of its arguments, and its execution."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeAlias, TypeVar, cast, overload

from pydantic import ValidationError

from rigging_py.error import Stop, ToolDefinitionError
from rigging_py.message import FunctionDefinition, ToolDefinition
from rigging_py.parsing.codec import first_complaints
from rigging_py.run import PendingToolCall, ProgramTool, ToolResult
from rigging_py.tools.boxing import box, box_error
from rigging_py.tools.signature import Arguments, name_of, read_arguments, unwrapped

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
Catch: TypeAlias = bool | Iterable[type[BaseException]]
"""Which exceptions of a tool become results that the model sees: all (True), none (False), or these."""


@dataclass(frozen=True)
class Tool(Generic[P, R]):
    """A callable described to a model. Calling the tool calls the callable.

    `catch` says which exceptions become results that the model sees (all by default); the others end the run as they
    are. `truncate` is the most characters of a result's text.
    """

    name: str
    description: str
    fn: Callable[P, R]
    arguments: Arguments
    catch: bool | tuple[type[BaseException], ...] = True
    truncate: int | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ToolDefinitionError(
                f"{self.name!r} cannot be a tool's name: providers take 1 to 64 letters, digits, - and _. Give name=…."
            )

    @classmethod
    def from_callable(
        cls,
        fn: Callable[Q, T],
        *,
        name: str | None = None,
        description: str | None = None,
        catch: Catch | None = None,
        truncate: int | None = None,
    ) -> Tool[Q, T]:
        """The tool of a function, method, callable object or prompt; the name and the docstring describe it.

        Raises `ToolDefinitionError` for a signature that has no JSON schema.
        """
        if not callable(fn):
            raise ToolDefinitionError(f"A tool is something to call; {fn!r} is not.")
        said = inspect.getdoc(unwrapped(fn)) if description is None else description
        return Tool(
            name or name_of(fn),
            " ".join((said or "").split()),
            fn,
            read_arguments(fn),
            _catching(True if catch is None else catch),
            truncate,
        )

    @property
    def parameters_schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self.arguments.schema

    @cached_property
    def definition(self) -> ToolDefinition:
        """The tool as it is described to a model."""
        function = FunctionDefinition(
            name=self.name, description=self.description or None, parameters=self.parameters_schema
        )
        return ToolDefinition(function=function)

    @cached_property
    def program(self) -> ProgramTool:
        """The tool as the machine knows it."""
        return ProgramTool(self.parameters_schema, self.check)

    def check(self, values: dict[str, object]) -> str | None:
        """None for arguments that the callable takes, else what is wrong with them."""
        try:
            self.arguments.validate(values)
        except ValidationError as error:
            return first_complaints(error)
        return None

    async def execute(self, call: PendingToolCall) -> ToolResult:
        """Calls the callable, off the event loop when it is not async, and boxes what it gives or raises."""
        args, kwargs = self.arguments.bind(self.arguments.validate(call.arguments))
        try:
            return box(await self._call(args, kwargs), truncate=self.truncate)
        except Stop as stop:
            return box(stop)
        except (Exception, asyncio.CancelledError) as error:
            if _is_from_outside(error) or not self._catches(error):
                raise
            return box_error(error, truncate=self.truncate)

    async def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        call = cast("Callable[..., Any]", self.fn)
        if inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None)):  # noqa: B004
            return await call(*args, **kwargs)
        value = await asyncio.to_thread(_without_stop_iteration, call, *args, **kwargs)
        return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value

    def _catches(self, error: BaseException) -> bool:
        return self.catch if isinstance(self.catch, bool) else isinstance(error, self.catch)

    def with_(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        catch: Catch | None = None,
        truncate: int | None = None,
    ) -> Self:
        """Returns the tool with these changes."""
        return replace(
            self,
            name=name or self.name,
            description=self.description if description is None else description,
            catch=self.catch if catch is None else _catching(catch),
            truncate=self.truncate if truncate is None else truncate,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.fn(*args, **kwargs)

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"


def _is_from_outside(error: BaseException) -> bool:
    """Whether the task is being cancelled; a tool may also let out the end of some other task."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)


def _without_stop_iteration(call: Callable[..., Any], *args: Any, **kwargs: Any) -> object:
    try:
        return call(*args, **kwargs)
    except StopIteration as stop:
        # No future can hold one, and the task would wait for ever. A coroutine makes the same of it.
        raise RuntimeError("The tool raised StopIteration.") from stop


# pydantic takes every attribute of a model for a field, except for functions and properties.
if TYPE_CHECKING:

    class _Descriptor: ...
else:
    _Descriptor = property


class ToolMethod(_Descriptor, Generic[S, P, R]):
    """A method that is a tool: on an object the bound `Tool`, on the class the plain function."""

    def __init__(self, fn: Callable[Concatenate[S, P], R], options: dict[str, Any]) -> None:
        super().__init__()
        self.fn, self.options = fn, options
        self._made: Tool[P, R] | None = None
        functools.update_wrapper(cast("Any", self), fn)

    @overload
    def __get__(self, instance: None, owner: type[S]) -> Callable[Concatenate[S, P], R]: ...
    @overload
    def __get__(self, instance: S, owner: type[S]) -> Tool[P, R]: ...
    def __get__(self, instance: S | None, owner: type[S]) -> Tool[P, R] | Callable[Concatenate[S, P], R]:
        if instance is None:
            return self.fn
        bound = cast("Callable[P, R]", self.fn.__get__(instance, owner))
        if self._made is None:
            # The schema is the same for every object; the object is not to be kept alive by it.
            made = Tool.from_callable(bound, **self.options)
            self._made = replace(made, fn=cast("Callable[P, R]", self.fn))
        return replace(self._made, fn=bound)


@overload
def tool(fn: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *, name: str | None = ..., description: str | None = ..., catch: Catch | None = ..., truncate: int | None = ...
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...
def tool(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a function a `Tool`: `@tool`, or `@tool(name=…, description=…, catch=…, truncate=…)`."""

    def make(function: Callable[..., Any]) -> Tool[..., Any]:
        return Tool.from_callable(function, **options)

    return make if fn is None else make(fn)


@overload
def tool_method(fn: Callable[Concatenate[S, P], R], /) -> ToolMethod[S, P, R]: ...
@overload
def tool_method(
    *, name: str | None = ..., description: str | None = ..., catch: Catch | None = ..., truncate: int | None = ...
) -> Callable[[Callable[Concatenate[S, P], R]], ToolMethod[S, P, R]]: ...
def tool_method(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a method a tool: `obj.method` is then a `Tool` bound to the object. Takes the options of `tool`."""
    make = functools.partial(ToolMethod[Any, ..., Any], options=options)
    return make if fn is None else make(fn)


def as_tools(*tools: object) -> list[Tool[..., Any]]:
    """Tools from tools, callables, and lists of either; an object with `tool_method`s gives all of them."""
    found: list[Tool[..., Any]] = []
    for one in tools:
        if isinstance(one, Tool):
            found.append(cast("Tool[..., Any]", one))
        elif isinstance(one, list | tuple):
            found += as_tools(*cast("Sequence[object]", one))
        elif methods := _tool_methods(one):
            found += methods
        else:
            found.append(tool(cast("Callable[..., Any]", one)))
    return found


def _tool_methods(holder: object) -> list[Tool[..., Any]]:
    """The tools among an object's methods; looks at the class, so that no property runs."""
    names = [
        name
        for base in reversed(type(holder).__mro__)
        for name, value in vars(base).items()
        if isinstance(value, ToolMethod)
    ]
    found = [getattr(holder, name) for name in dict.fromkeys(names)]
    return [one for one in found if isinstance(one, Tool)]


def _catching(catch: Catch) -> bool | tuple[type[BaseException], ...]:
    return catch if isinstance(catch, bool) else tuple(catch)
