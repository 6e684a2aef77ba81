"""Which provider name stands for which tokenizer class: `get_tokenizer` and `register_tokenizer`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from pydantic import ValidationError

from rigging_py.error import InvalidGeneratorError, InvalidTokenizerError
from rigging_py.generator.identifier import Identifier, is_secret, masked, parse_identifier
from rigging_py.tokenizer.base import Tokenizer
from rigging_py.tokenizer.transformers_ import TransformersTokenizer

LazyTokenizer: TypeAlias = Callable[[], type[Tokenizer]]
"""Imports and returns a tokenizer class."""

DEFAULT_PROVIDER = "transformers"

_providers: dict[str, type[Tokenizer] | LazyTokenizer] = {DEFAULT_PROVIDER: TransformersTokenizer}


def get_tokenizer(identifier: str) -> Tokenizer:
    """The tokenizer that a connection string describes, such as `Qwen/Qwen3-8B` or `transformers!./tokenizer`.

    Keys are fields of its class. The same string gives the same tokenizer again, so that it is loaded once. Raises
    `InvalidTokenizerError`.
    """
    parts = _parsed(identifier)
    provider = parts.provider or DEFAULT_PROVIDER
    if provider not in _providers:
        raise InvalidTokenizerError(masked(identifier), f"there is no provider {provider!r}", _providers)
    return _make(_class_of(provider), identifier)


def register_tokenizer(provider: str, tokenizer_cls: type[Tokenizer] | LazyTokenizer) -> None:
    """Makes `provider!…` stand for a class, or for what a function imports on first use; the latest wins."""
    if not provider or not provider.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"A provider's name is letters, digits, - and _; not {provider!r}.")
    if isinstance(tokenizer_cls, type) or not callable(tokenizer_cls):
        _require_class(provider, tokenizer_cls)
    _providers[provider] = tokenizer_cls


def _class_of(provider: str) -> type[Tokenizer]:
    entry = _providers[provider]
    return entry if isinstance(entry, type) else _require_class(provider, entry())


def _require_class(provider: str, given: object) -> type[Tokenizer]:
    if not (isinstance(given, type) and issubclass(given, Tokenizer)):
        problem = f"it has to stand for a subclass of Tokenizer, or for a function that returns one; not for {given!r}"
        raise InvalidTokenizerError(provider, problem)
    return given


def _parsed(identifier: str) -> Identifier:
    try:
        return parse_identifier(identifier)
    except InvalidGeneratorError as error:
        raise InvalidTokenizerError(error.identifier, error.problem) from None


@lru_cache(maxsize=128)
def _make(cls: type[Tokenizer], identifier: str) -> Tokenizer:
    parts = _parsed(identifier)
    known = [name for name in cls.model_fields if name != "model"]
    for key in parts.options:
        if key not in known:
            raise InvalidTokenizerError(masked(identifier), f"{key!r} is no option of {cls.__name__}", known)
    fields: dict[str, Any] = {**parts.options}
    try:
        return cls(model=parts.model, **fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = str(first["loc"][0]) if first["loc"] else "model"
        shown = key if is_secret(key) else f"{key}={fields.get(key, parts.model)}"
        raise InvalidTokenizerError(masked(identifier), f"{shown} is not valid: {first['msg']}") from None
