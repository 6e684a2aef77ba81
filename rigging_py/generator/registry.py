"""Which provider name stands for which generator class: `get_generator`, `get_identifier`, `register_generator`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from collections.abc import Generator as Generator_
from contextlib import contextmanager
from importlib.metadata import entry_points
from pkgutil import resolve_name
from threading import Lock
from typing import Any, TypeAlias, cast

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from rigging_py.error import InvalidGeneratorError
from rigging_py.generator.base import Generator
from rigging_py.generator.identifier import (
    Composition,
    Identifier,
    format_composition,
    format_identifier,
    is_secret,
    masked,
    parse_composition,
)
from rigging_py.generator.options import from_text, to_text
from rigging_py.generator.policies.base import Policy
from rigging_py.generator.scripted import Named
from rigging_py.generator.shorthands import SHORTHANDS
from rigging_py.message import GenerateParams, without_secrets

LazyGenerator: TypeAlias = Callable[[], type[Generator]]
"""Imports and returns a generator class."""

DEFAULT_PROVIDER = "litellm"
ALTERNATIVES = "fallback"
"""The policy of generators with bars between them."""
ENTRY_POINTS = "rigging_py.generators"
"""The entry-point group in which other packages announce their generators: `name = "module:Class"`."""

_providers: dict[str, type[Generator] | LazyGenerator | str] = {
    "litellm": "rigging_py.generator.lite:LiteLLMGenerator",
    "openai": "rigging_py.generator.openai:OpenAIGenerator",
    "azure": "rigging_py.generator.azure:AzureGenerator",
    **{row.name: f"rigging_py.generator.shorthands:{row.class_name}" for row in SHORTHANDS},
    "anthropic": "rigging_py.generator.anthropic:AnthropicGenerator",
    "openai-responses": "rigging_py.generator.openai_responses:OpenAIResponsesGenerator",
    "gemini": "rigging_py.generator.gemini:GeminiGenerator",
    "ollama": "rigging_py.generator.ollama:OllamaGenerator",
    "http": "rigging_py.generator.http.generator:HTTPGenerator",
    "local": "rigging_py.generator.local.generator:LocalGenerator",
    "transformers": "rigging_py.generator.transformers.generator:TransformersGenerator",
    "vllm": "rigging_py.generator.vllm:VLLMGenerator",
    "scripted": "rigging_py.generator.scripted:ScriptedGenerator",
    "function": "rigging_py.generator.function:FunctionGenerator",
    "retry": "rigging_py.generator.policies.retry:Retry",
    "limit": "rigging_py.generator.policies.limit:Limit",
    "fallback": "rigging_py.generator.policies.fallback:Fallback",
    "cache": "rigging_py.generator.policies.cache:Cache",
    "record": "rigging_py.generator.policies.record:Record",
    "replay": "rigging_py.generator.policies.replay:Replay",
    "budget": "rigging_py.generator.policies.budget:Budget",
}
_lock = Lock()
"""Held for writing and never while something is imported, which may register itself."""
_OWN_FIELDS = {"model", "params"}
_NO_TEXT_PARAMS = {"tools", "output"}


def get_generator(identifier: str, *, params: GenerateParams | Mapping[str, Any] | None = None) -> Generator:
    """The generator that a connection string describes, such as `openai!gpt-4o,temperature=0.2`.

    Keys are fields of the generator's class or of `GenerateParams`, whose declared types convert the text. `params` go
    over the string's. Raises `InvalidGeneratorError` saying which piece is wrong and what is known.
    """
    parts = parse_composition(identifier, is_provider=_is_provider, is_policy=_is_policy)
    return _built(identifier, parts, params or {})


def _built(identifier: str, parts: Identifier | Composition, params: GenerateParams | Mapping[str, Any]) -> Generator:
    name = parts.policy or ALTERNATIVES if isinstance(parts, Composition) else parts.provider or DEFAULT_PROVIDER
    if isinstance(parts, Identifier) and parts.provider is None:
        _refuse_provider_alone(identifier, parts.model)
    cls = _find_class(identifier, name)
    fields, values = _read_options(identifier, cls, parts.options)
    inside = [_built(identifier, one, {}) for one in parts.generators] if isinstance(parts, Composition) else []
    try:
        given = GenerateParams(**values).merge_with(GenerateParams.model_validate(params))
        if isinstance(parts, Identifier):
            return _make(cls, parts.model, fields, given)
        return cast("type[Policy]", cls).over(inside, given, fields)
    except ValidationError as error:
        raise _bad_value(identifier, error, {**fields, **values}) from None


def _refuse_provider_alone(identifier: str, model: str) -> None:
    """Refuses a provider's name where a model's is, alone or before a colon, as other libraries have it."""
    provider, colon, rest = model.partition(":")
    if provider in _providers:
        problem = f"{provider!r} is a provider and no model; write {provider}!{rest if colon else 'MODEL'}"
        raise InvalidGeneratorError(masked(identifier), model, problem)


def _read_options(
    identifier: str, cls: type[Generator], options: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of the class and the parameters, as their declared types read them."""
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for key, text in options.items():
        if key in _own_fields(cls):
            fields[key] = from_text(cls, key, text)
        elif key in _text_params():
            values[key] = from_text(GenerateParams, key, text)
        else:
            known = [*_own_fields(cls), *_text_params()]
            raise InvalidGeneratorError(masked(identifier), key, f"{key!r} is no option of {cls.__name__}", known)
    return fields, values


def get_identifier(generator: Generator, params: GenerateParams | None = None, *, short: bool = False) -> str:
    """The connection string that makes `generator` again, with `params` over its own; never its key."""
    return _spelled(generator, params, short=short)


def _spelled(
    generator: Generator, params: GenerateParams | None = None, *, short: bool, is_alternative: bool = False
) -> str:
    # What stands beside a bar begins with a name, by which the bar is known to be one.
    provider = _provider_of(type(generator))
    options = {} if short else _options_of(generator, params)
    if not isinstance(generator, Policy):
        is_default = provider == DEFAULT_PROVIDER and not is_alternative
        return format_identifier(None if is_default else provider, generator.model, options)
    are_alternatives = provider == ALTERNATIVES
    inside = [_spelled(one, short=short, is_alternative=are_alternatives) for one in generator.inners]
    is_bare = are_alternatives and len(inside) > 1 and not options and not is_alternative
    return format_composition(None if is_bare else provider, inside, options)


def _options_of(generator: Generator, params: GenerateParams | None) -> dict[str, str]:
    cls = type(generator)
    options = {key: to_text(cls, key, value) for key, value in _set_fields(generator).items()}
    given = generator.params.merge_with(params).given()
    given |= {name: without_secrets(given[name]) for name in ("api_base", "extra") if name in given}
    if not given.get("extra"):
        given.pop("extra", None)
    return options | {key: to_text(GenerateParams, key, given[key]) for key in _text_params() if key in given}


def register_generator(provider: str, generator_cls: type[Generator] | LazyGenerator) -> None:
    """Makes `provider!…` stand for a class, or for what a function imports on first use; the latest wins."""
    if not provider or not provider.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"A provider's name is letters, digits, - and _; not {provider!r}.")
    if isinstance(generator_cls, type) or not callable(generator_cls):
        _require_class(provider, generator_cls)
    with _lock:
        _providers[provider] = generator_cls


@contextmanager
def registered(provider: str, generator_cls: type[Generator] | LazyGenerator) -> Generator_[None]:
    """Registers a generator for the length of a `with` block, and restores what the name stood for."""
    before = _providers.get(provider)
    register_generator(provider, generator_cls)
    try:
        yield
    finally:
        with _lock:
            if before is None:
                _providers.pop(provider, None)
            else:
                _providers[provider] = before


def _find_class(identifier: str, provider: str) -> type[Generator]:
    if not _is_provider(provider):
        policy, opens, _ = provider.partition("(")
        if opens:
            problem = f"there is no policy {policy!r} to stand before a parenthesis"
            raise InvalidGeneratorError(masked(identifier), masked(policy), problem, _providers)
        way = f"if litellm knows one, write {provider}/ and the model, without the !"
        problem = f"there is no provider {provider!r}; {way}"
        raise InvalidGeneratorError(masked(identifier), provider, problem, _providers)
    return _resolve(provider)


def _is_provider(name: str) -> bool:
    if name not in _providers:
        _announce()
    return name in _providers


def _is_policy(name: str) -> bool:
    return _is_provider(name) and issubclass(_resolve(name), Policy)


def _announce() -> None:
    """Registers what other packages announce, under the names that are free."""
    announced = entry_points(group=ENTRY_POINTS)
    with _lock:
        for point in announced:
            _providers.setdefault(point.name, point.value)


def _resolve(provider: str) -> type[Generator]:
    entry = given = _providers[provider]
    if isinstance(entry, str):
        entry = cast("type[Generator] | LazyGenerator", resolve_name(entry))
    if not isinstance(entry, type):
        entry = entry()
    cls = _require_class(provider, entry)
    with _lock:
        # Whoever registered another in the meantime is right.
        if _providers.get(provider) is given:
            _providers[provider] = cls
    return cls


def _require_class(provider: str, given: object) -> type[Generator]:
    if not (isinstance(given, type) and issubclass(given, Generator)):
        problem = f"it has to stand for a subclass of Generator, or for a function that returns one; not for {given!r}"
        raise InvalidGeneratorError(provider, provider, problem)
    return given


def _provider_of(cls: type[Generator]) -> str:
    """The name a class, or the nearest of its bases, is registered under."""
    name = _registered_name(cls)
    if name is None:
        _announce()
        for lazy in [
            name for name, entry in dict(_providers).items() if not isinstance(entry, type) and _is_cheap(entry)
        ]:
            _resolve(lazy)
        name = _registered_name(cls)
    if name is None:
        problem = f"{cls.__name__} has no name; give it one with register_generator()"
        raise InvalidGeneratorError(cls.__name__, cls.__name__, problem, _providers)
    return name


def _registered_name(cls: type[Generator]) -> str | None:
    providers = dict(_providers)  # others may register some meanwhile
    names = {entry: name for name, entry in providers.items() if isinstance(entry, type)}
    paths = {entry: name for name, entry in providers.items() if isinstance(entry, str)}
    found = (names.get(base) or paths.get(f"{base.__module__}:{base.__qualname__}") for base in cls.__mro__)
    return next(filter(None, found), None)


def _is_cheap(entry: LazyGenerator | str) -> bool:
    """Whether asking for the class imports no package for it: a class that exists was imported already."""
    return not isinstance(entry, str) or entry.partition(":")[0] in sys.modules


def _make(cls: type[Generator], model: str, fields: dict[str, Any], params: GenerateParams) -> Generator:
    if issubclass(cls, Policy):
        name = _provider_of(cls)
        problem = f"{name} is a policy, which is written around a generator, as {name}(…)"
        raise InvalidGeneratorError(f"{name}!{masked(model)}", f"{name}!", problem)
    if not issubclass(cls, Named):
        return cls(model=model, params=params, **fields)
    if fields:
        problem = f"{model!r} was made by the program, so {', '.join(fields)} cannot be set here"
        raise InvalidGeneratorError(model, next(iter(fields)), problem, _text_params())
    return cls.find(model).with_params(params) if params.given() else cls.find(model)


def _own_fields(cls: type[Generator]) -> dict[str, FieldInfo]:
    if issubclass(cls, Policy):
        return {name: one for name, one in cls.model_fields.items() if name not in _OWN_FIELDS and not one.exclude}
    return {name: field for name, field in cls.model_fields.items() if name not in _OWN_FIELDS}


def _text_params() -> dict[str, FieldInfo]:
    return {name: field for name, field in GenerateParams.model_fields.items() if name not in _NO_TEXT_PARAMS}


def _set_fields(generator: Generator) -> dict[str, Any]:
    """The options of the class that were set, keys only by the name of their variable."""
    if isinstance(generator, Named):
        return {}
    fields = _own_fields(type(generator))
    values = {name: getattr(generator, name) for name in fields if name in generator.model_fields_set}
    return {
        name: value
        for name, value in values.items()
        if not _is_hidden(value) and (value is not None or fields[name].default is not None)
    }


def _is_hidden(value: Any) -> bool:
    return isinstance(value, SecretStr) and not value.get_secret_value().startswith("env:")


def _bad_value(identifier: str, error: ValidationError, given: Mapping[str, Any]) -> InvalidGeneratorError:
    first = error.errors(include_url=False, include_context=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    shown = f"{key}={'***' if is_secret(key) else given[key]}" if key in given else key
    value = given.get(key)
    is_encoded = isinstance(value, str) and value.startswith("base64:")
    hint = "; what follows base64: is not JSON of that kind in base64" if is_encoded else ""
    return InvalidGeneratorError(masked(identifier), shown, f"{shown or 'it'} is not valid: {first['msg']}{hint}")
