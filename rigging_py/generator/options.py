"""Options of connection strings: text as the declared type of a field reads it, and values as such text again."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, Any, cast

from pydantic import BaseModel, PydanticUserError, SecretStr, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from rigging_py.error import InvalidGeneratorError
from rigging_py.message import GenerateParams


def from_text(cls: type[BaseModel], key: str, text: str) -> Any:
    """`text` as the declared type reads it; unchanged when it does not, for validation to complain.

    Text that is JSON of a list or an object, and any JSON after `base64:`, is that value where the type allows it.
    """
    adapter = _adapter(cls, key)
    for value in _documents(text):
        with suppress(ValidationError):
            return adapter.validate_python(value)
    with suppress(ValidationError):
        return adapter.validate_strings(text)
    with suppress(ValueError):
        return adapter.validate_python(json.loads(text))
    return text


def _documents(text: str) -> Iterator[Any]:
    with suppress(ValueError):
        if text.startswith("base64:"):
            yield json.loads(base64.b64decode(text[7:], validate=True))
        elif text.startswith(("{", "[")):
            yield json.loads(text)


def to_text(cls: type[BaseModel], key: str, value: Any) -> str:
    """The plainest text that is read as `value` again."""
    try:
        plain = value.get_secret_value() if isinstance(value, SecretStr) else to_jsonable_python(value)
    except PydanticSerializationError:
        problem = f"its {key} is a {type(value).__name__}, which no text stands for"
        raise InvalidGeneratorError(cls.__name__, key, problem) from None
    document = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    encoded = base64.b64encode(document.encode(errors="surrogatepass")).decode()
    texts = [document, f"base64:{encoded}"]
    if isinstance(plain, str):
        texts.insert(0, plain)
    elif isinstance(value, BaseModel):
        texts.pop(0)  # full of quotes and commas, it would be all escapes
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in cast("list[object]", value)):
        texts.insert(0, ";".join(cast("list[str]", value)))
    return next((text for text in texts if _is_same(_read(cls, key, text), value)), texts[-1])


def _read(cls: type[BaseModel], key: str, text: str) -> Any:
    value = from_text(cls, key, text)
    return GenerateParams(stop=value).stop if key == "stop" and cls is GenerateParams else value  # splits a text


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


@lru_cache(maxsize=1024)
def _adapter(cls: type[BaseModel], key: str) -> TypeAdapter[Any]:
    field = cls.model_fields[key]
    annotation: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    try:
        return TypeAdapter(annotation, config={"arbitrary_types_allowed": True})
    except PydanticUserError:  # a type with a configuration of its own
        return TypeAdapter(annotation)
