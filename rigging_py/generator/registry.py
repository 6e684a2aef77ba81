"""Which provider name stands for which generator class: `get_generator`, `get_identifier`, `register_generator`."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from collections.abc import Generator as Generator_
from contextlib import contextmanager
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Annotated, Any, TypeAlias, cast

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from rigging_py.error import InvalidGeneratorError
from rigging_py.generator.base import Generator
from rigging_py.generator.identifier import SECRET_KEYS, format_identifier, masked, parse_identifier
from rigging_py.message import GenerateParams

LazyGenerator: TypeAlias = Callable[[], type[Generator]]
"""Imports and returns a generator class."""

DEFAULT_PROVIDER = "litellm"
ENTRY_POINTS = "rigging_py.generators"
"""The entry-point group in which other packages announce their generators: `name = "module:Class"`."""

_providers: dict[str, type[Generator] | LazyGenerator | str] = {
    "litellm": "rigging_py.generator.lite:LiteLLMGenerator",
    "openai": "rigging_py.generator.openai:OpenAIGenerator",
    "local": "rigging_py.generator.local.generator:LocalGenerator",
    "scripted": "rigging_py.generator.scripted:ScriptedGenerator",
    "function": "rigging_py.generator.function:FunctionGenerator",
}
_OWN_FIELDS = {"model", "params"}
_NO_TEXT_PARAMS = {"tools", "output"}


def get_generator(identifier: str, *, params: GenerateParams | Mapping[str, Any] | None = None) -> Generator:
    """The generator that a connection string describes, such as `openai!gpt-4o,temperature=0.2`.

    Keys are fields of the generator's class or of `GenerateParams`, whose declared types convert the text. `params` go
    over the string's. Raises `InvalidGeneratorError` saying which piece is wrong and what is known.
    """
    parts = parse_identifier(identifier)
    cls = _find_class(identifier, parts.provider or DEFAULT_PROVIDER)
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for key, text in parts.options.items():
        field = _own_fields(cls).get(key)
        param = _text_params().get(key)
        if field is None and param is None:
            known = [*_own_fields(cls), *_text_params()]
            raise InvalidGeneratorError(masked(identifier), key, f"{key!r} is no option of {cls.__name__}", known)
        target = fields if field is not None else values
        target[key] = _from_text(text, cast("FieldInfo", field or param))
    try:
        given = GenerateParams.model_validate(params or {})
        return _make(cls, parts.model, fields, GenerateParams(**values).merge_with(given))
    except ValidationError as error:
        raise _bad_value(identifier, error, {**fields, **values}) from None


def get_identifier(generator: Generator, params: GenerateParams | None = None, *, short: bool = False) -> str:
    """The connection string that makes `generator` again, with `params` over its own; never its key."""
    provider = _provider_of(type(generator))
    name = None if provider == DEFAULT_PROVIDER else provider
    if short:
        return format_identifier(name, generator.model, {})
    options = {key: _to_text(key, value) for key, value in _set_fields(generator).items()}
    merged = generator.params.merge_with(params)
    given = {key: value for key, value in merged.given().items() if key in _text_params() and value != {}}
    options.update({key: _to_text(key, value) for key, value in given.items()})
    return format_identifier(name, generator.model, options)


def register_generator(provider: str, generator_cls: type[Generator] | LazyGenerator) -> None:
    """Makes `provider!…` stand for a class, or for what a function imports on first use; the latest wins."""
    if not provider or not provider.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"A provider's name is letters, digits, - and _; not {provider!r}.")
    _providers[provider] = generator_cls


@contextmanager
def registered(provider: str, generator_cls: type[Generator] | LazyGenerator) -> Generator_[None]:
    """Registers a generator for the length of a `with` block, and restores what the name stood for."""
    before = dict(_providers)
    register_generator(provider, generator_cls)
    try:
        yield
    finally:
        _providers.clear()
        _providers.update(before)


def _find_class(identifier: str, provider: str) -> type[Generator]:
    if provider not in _providers:
        _providers.update({point.name: point.value for point in entry_points(group=ENTRY_POINTS, name=provider)})
    if provider not in _providers:
        raise InvalidGeneratorError(masked(identifier), provider, f"there is no provider {provider!r}", _providers)
    return _resolve(provider)


def _resolve(provider: str) -> type[Generator]:
    entry = _providers[provider]
    if isinstance(entry, str):
        entry = cast("type[Generator] | LazyGenerator", resolve_name(entry))
    if not isinstance(entry, type):
        entry = entry()
    _providers[provider] = entry
    return entry


def _provider_of(cls: type[Generator]) -> str:
    """The name a class, or the nearest of its bases, is registered under."""
    names = {entry: name for name, entry in _providers.items() if isinstance(entry, type)}
    paths = {entry: name for name, entry in _providers.items() if isinstance(entry, str)}
    for base in cls.__mro__:
        if name := names.get(base) or paths.get(f"{base.__module__}:{base.__qualname__}"):
            return name
    raise InvalidGeneratorError(
        cls.__name__, cls.__name__, f"{cls.__name__} has no name; give it one with register_generator()", _providers
    )


def _make(cls: type[Generator], model: str, fields: dict[str, Any], params: GenerateParams) -> Generator:
    find = getattr(cls, "find", None)
    generator = cast("Generator", find(model)) if find is not None else cls(model=model, params=params, **fields)
    return generator.with_params(params) if find is not None and params.given() else generator


def _own_fields(cls: type[Generator]) -> dict[str, FieldInfo]:
    return {name: field for name, field in cls.model_fields.items() if name not in _OWN_FIELDS}


def _text_params() -> dict[str, FieldInfo]:
    return {name: field for name, field in GenerateParams.model_fields.items() if name not in _NO_TEXT_PARAMS}


def _set_fields(generator: Generator) -> dict[str, Any]:
    values = {
        name: getattr(generator, name) for name in _own_fields(type(generator)) if name in generator.model_fields_set
    }
    key = values.pop("api_key", None)
    if key is not None and key.get_secret_value().startswith("env:"):
        values["api_key"] = key.get_secret_value()
    return {name: value for name, value in values.items() if value is not None and not isinstance(value, SecretStr)}


def _from_text(text: str, field: FieldInfo) -> Any:
    """`text` as the field's declared type reads it; unchanged when it does not, for validation to complain."""
    annotation: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    adapter: TypeAdapter[Any] = (
        TypeAdapter(annotation, config={"arbitrary_types_allowed": True})
        if _may_configure(annotation)
        else TypeAdapter(annotation)
    )
    try:
        return adapter.validate_strings(text)
    except ValidationError:
        pass
    try:
        return json.loads(base64.b64decode(text[7:], validate=True) if text.startswith("base64:") else text)
    except (ValueError, binascii.Error):
        return text


def _may_configure(annotation: Any) -> bool:
    return not (isinstance(annotation, type) and hasattr(annotation, "model_config"))


def _to_text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if key == "stop" and all(text and ";" not in text for text in value) and not ";".join(value).startswith(("[", '"')):
        return ";".join(value)
    return json.dumps(to_jsonable_python(value), separators=(",", ":"), ensure_ascii=False)


def _bad_value(identifier: str, error: ValidationError, given: Mapping[str, Any]) -> InvalidGeneratorError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    is_secret = any(word in key for word in SECRET_KEYS)
    shown = f"{key}={'***' if is_secret else given[key]}" if key in given else key
    return InvalidGeneratorError(masked(identifier), shown, f"{shown} is not valid: {first['msg']}")
