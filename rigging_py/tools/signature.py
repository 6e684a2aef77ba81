"""Reads a callable's signature into a JSON schema of its arguments and a check that converts them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, cast, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from rigging_py.error import ToolDefinitionError
from rigging_py.tools.context import ContextParameter, expected_value, mentions_context

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Arguments:
    """The arguments of a callable: their JSON schema, and what turns JSON values into what the callable takes."""

    schema: dict[str, Any]
    adapter: TypeAdapter[dict[str, Any]]
    names: tuple[str, ...]
    """Parameters that the model gives."""

    defaults: Mapping[str, Any]
    """What the callable takes for those that are not given."""

    positional: tuple[str, ...]
    """Parameters that can only be given by position."""

    context: ContextParameter | None = None
    """The parameter that the program gives."""

    def validate(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The values as the callable takes them, by name. Raises pydantic's `ValidationError`."""
        return self.adapter.validate_python(values)

    def bind(self, values: dict[str, Any], context: object = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Validated values, and the context if the callable takes it, as positional and keyword arguments."""
        if self.context is not None:
            values = {**values, self.context.name: context}
        if not self.positional:
            return (), values
        # One that is left out would let the next one slip into its place.
        given = {**self.defaults, **values}
        return tuple(given[name] for name in self.positional), {
            name: value for name, value in values.items() if name not in self.positional
        }


def name_of(function: Callable[..., Any]) -> str:
    """What a callable is called: a function's name, that of what a partial wraps, or a callable object's class."""
    plain = unwrapped(function)
    return getattr(plain, "__name__", type(plain).__name__)


def unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """What a partial wraps, else the callable itself."""
    while isinstance(function, functools.partial):
        function = cast("functools.partial[Any]", function).func
    return function


def read_arguments(function: Callable[..., Any]) -> Arguments:
    """Reads the signature. Raises `ToolDefinitionError` for one that cannot be described to a model."""
    name = name_of(function)
    settled = _settled(function)
    parameters = [one for one in _signature(function, name).parameters.values() if one.name not in settled]
    if parameters and parameters[0].name == "self":
        raise ToolDefinitionError(
            f"{name}() takes self: a method that is a tool has @rg.tool_method, and is given by an object."
        )
    for one in parameters:
        if one.kind in _VARIADIC:
            raise ToolDefinitionError(f"{name}() takes *{one.name}, which has no schema; name each parameter.")
    context = _context(name, parameters)
    given = [one for one in parameters if context is None or one.name != context.name]
    adapter = _adapter(name, {one.name: _field(one) for one in given})
    return Arguments(
        schema=_schema(name, adapter),
        adapter=adapter,
        names=tuple(one.name for one in given),
        defaults={one.name: one.default for one in given if one.default is not one.empty},
        positional=tuple(one.name for one in parameters if one.kind is one.POSITIONAL_ONLY),
        context=context,
    )


def _context(function: str, parameters: Sequence[inspect.Parameter]) -> ContextParameter | None:
    """The parameter that asks for a `ToolContext`."""
    found = [
        ContextParameter(one.name, *expected) for one in parameters if (expected := expected_value(one.annotation))
    ]
    names = [one.name for one in found]
    if len(found) > 1:
        raise ToolDefinitionError(f"{function}() takes a ToolContext more than once, as {', '.join(names)}; keep one.")
    for one in parameters:
        if one.name not in names and mentions_context(one.annotation):
            raise ToolDefinitionError(
                f"{function}() takes a ToolContext inside of {one.name}; annotate a parameter with it alone."
            )
    return found[0] if found else None


def _settled(function: object) -> Mapping[str, object]:
    """Keyword arguments that the program gave already, secrets perhaps; not the model's to see or to change."""
    return cast("functools.partial[Any]", function).keywords if isinstance(function, functools.partial) else {}


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        read = inspect.signature(function, eval_str=True)
        is_quoted = any(isinstance(one.annotation, str) for one in read.parameters.values())
        return _unquoted(function, read) if is_quoted else read
    except (NameError, ValueError, TypeError) as error:
        raise ToolDefinitionError(f"The signature of {name}() cannot be read: {error}") from error


def _unquoted(function: Callable[..., Any], read: inspect.Signature) -> inspect.Signature:
    """Annotations in quotes, in a file that puts off its annotations, are text once more when they have been read."""
    plain = unwrapped(function)
    hints = get_type_hints(plain if inspect.isroutine(plain) else type(plain).__call__, include_extras=True)
    parameters = [one.replace(annotation=hints.get(one.name, one.annotation)) for one in read.parameters.values()]
    return read.replace(parameters=parameters)


def _field(parameter: inspect.Parameter) -> Any:
    annotation = Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation
    described = _described(annotation)
    if parameter.default is inspect.Parameter.empty:
        return described
    try:
        shown = {"default": to_jsonable_python(parameter.default)}
    except PydanticSerializationError:
        shown = {}
    return NotRequired[Annotated[described, Field(json_schema_extra=shown)]]  # pyright: ignore[reportInvalidTypeForm]


def _described(annotation: Any) -> Any:
    """`Annotated[T, "text"]` means that the text describes the parameter."""
    if get_origin(annotation) is not Annotated:
        return annotation
    base, *metadata = get_args(annotation)
    described = [Field(description=one) if isinstance(one, str) else one for one in metadata]
    return Annotated[(base, *described)]


def _adapter(function: str, fields: dict[str, Any]) -> TypeAdapter[dict[str, Any]]:
    kind = cast("Any", TypedDict)(f"{function}_arguments", fields)
    kind.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    try:
        return TypeAdapter(kind)
    except PydanticUserError as error:
        raise _indescribable(function, error) from error


def _schema(function: str, adapter: TypeAdapter[dict[str, Any]]) -> dict[str, Any]:
    try:
        schema: dict[str, Any] = _without_titles(adapter.json_schema())
    except PydanticUserError as error:
        raise _indescribable(function, error) from error
    return schema


def _indescribable(function: str, error: PydanticUserError) -> ToolDefinitionError:
    return ToolDefinitionError(f"The parameters of {function}() cannot be described to a model: {error}")


def _without_titles(schema: Any) -> Any:
    """pydantic's titles repeat the names and cost tokens."""
    if isinstance(schema, list):
        items = cast("list[Any]", schema)
        return [_without_titles(one) for one in items]
    if not isinstance(schema, dict):
        return schema
    parts = cast("dict[str, Any]", schema)
    return {
        key: {name: _without_titles(one) for name, one in part.items()}
        if key in ("properties", "$defs")
        else _without_titles(part)
        for key, part in parts.items()
        if key != "title" or not isinstance(part, str)
    }
