"""Reads a callable's signature into a JSON schema of its arguments and a check that converts them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, cast, get_args, get_origin

from pydantic import ConfigDict, Field, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from rigging_py.error import ToolDefinitionError

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Arguments:
    """The arguments of a callable: their JSON schema, and what turns JSON values into what the callable takes."""

    schema: dict[str, Any]
    adapter: TypeAdapter[dict[str, Any]]
    positional: tuple[str, ...]
    """Parameters that can only be given by position."""

    def validate(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The values as the callable takes them, by name. Raises pydantic's `ValidationError`."""
        return self.adapter.validate_python(values)

    def bind(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Validated values as positional and keyword arguments."""
        given = [name for name in self.positional if name in values]
        return tuple(values[name] for name in given), {k: v for k, v in values.items() if k not in given}


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
    fields: dict[str, Any] = {}
    positional: list[str] = []
    settled = _settled(function)
    for parameter in _signature(function, name).parameters.values():
        if parameter.name in settled:
            continue
        if parameter.kind in _VARIADIC:
            raise ToolDefinitionError(f"{name}() takes *{parameter.name}, which has no schema; name each parameter.")
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional.append(parameter.name)
        fields[parameter.name] = _field(parameter)
    return _arguments(name, fields, tuple(positional))


def _settled(function: object) -> Mapping[str, object]:
    """Keyword arguments that the program gave already, secrets perhaps; not the model's to see or to change."""
    return cast("functools.partial[Any]", function).keywords if isinstance(function, functools.partial) else {}


def _signature(function: Callable[..., Any], name: str) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except (NameError, ValueError, TypeError) as error:
        raise ToolDefinitionError(f"The signature of {name}() cannot be read: {error}") from error


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


def _arguments(name: str, fields: dict[str, Any], positional: tuple[str, ...]) -> Arguments:
    kind = cast("Any", TypedDict)(f"{name}_arguments", fields)
    kind.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    try:
        adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(kind)
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise ToolDefinitionError(f"The parameters of {name}() cannot be described to a model: {error}") from error
    return Arguments(_without_titles(schema), adapter, positional)


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
