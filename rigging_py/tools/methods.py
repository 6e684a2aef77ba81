"""Tools that are methods, and the tools that an object or a list gives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, Unpack, cast, overload

from rigging_py.error import ToolDefinitionError
from rigging_py.tools.options import ToolOptions
from rigging_py.tools.tool import Tool, tool

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

# pydantic takes every attribute of a model for a field, except for functions and properties.
if TYPE_CHECKING:

    class _Descriptor: ...
else:
    _Descriptor = property


class ToolMethod(_Descriptor, Generic[S, P, R]):
    """A method that is a tool: on an object the bound `Tool`, on the class the plain function."""

    def __init__(self, fn: Callable[Concatenate[S, P], R], options: ToolOptions) -> None:
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
def tool_method(fn: Callable[Concatenate[S, P], R], /) -> ToolMethod[S, P, R]: ...
@overload
def tool_method(**options: Unpack[ToolOptions]) -> Callable[[Callable[Concatenate[S, P], R]], ToolMethod[S, P, R]]: ...
def tool_method(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Makes a method a tool: `obj.method` is then a `Tool` bound to the object. Takes the options of `tool`."""
    make = functools.partial(ToolMethod[Any, ..., Any], options=cast("ToolOptions", options))
    return make if fn is None else make(fn)


def as_tools(*tools: object) -> list[Tool[..., Any]]:
    """Tools from tools, callables, and lists of either; an object that holds tools or `tool_method`s gives them all."""
    found: list[Tool[..., Any]] = []
    for one in tools:
        if isinstance(one, Tool):
            found.append(cast("Tool[..., Any]", one))
        elif isinstance(one, list | tuple):
            found += as_tools(*cast("Sequence[object]", one))
        elif held := _tools_of(one):
            found += held
        elif isinstance(one, type) and _has_tool_methods(one):
            raise ToolDefinitionError(f"{one.__name__} is a class, and its tools are those of an object: give one.")
        else:
            found.append(tool(cast("Callable[..., Any]", one)))
    return found


def _tools_of(holder: object) -> list[Tool[..., Any]]:
    """The tools that an object or a module holds; looks where they are kept, so that no property runs."""
    kept: list[Mapping[str, Any]] = [vars(base) for base in reversed(type(holder).__mro__)]
    if not callable(holder):
        kept.append(getattr(holder, "__dict__", {}))
    names = [name for each in kept for name, value in each.items() if isinstance(value, ToolMethod | Tool)]
    found = [getattr(holder, name) for name in dict.fromkeys(names)]
    return [one for one in found if isinstance(one, Tool)]


def _has_tool_methods(holder: type) -> bool:
    return any(isinstance(value, ToolMethod) for base in holder.__mro__ for value in vars(base).values())
