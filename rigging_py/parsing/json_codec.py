"""Python types and JSON schemas ↔ JSON documents: how a value is asked for and read where the answer is JSON alone.

The schema is always that of an object, since providers take no other: a type that is none is wrapped as
`{"result": …}`.
"""

from __future__ import annotations

import functools
import json
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args, overload

from pydantic import TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.parsing.codec import shortened, unfenced
from rigging_py.parsing.json_stream import documents
from rigging_py.parsing.lenient import definitions_of
from rigging_py.parsing.shape import JsonSchema, JsonShape
from rigging_py.parsing.sketch import sketch

T = TypeVar("T")
RESULT = "result"
"""The key of a value that is no object."""


@dataclass(frozen=True, eq=False)
class JsonCodec(Generic[T]):
    """A value as one JSON document.

    Attributes:
        name: a name for it that a tool or a schema may have: letters, digits, `_` and `-`, at most 64.
        schema: the JSON schema of the document, always that of an object.
        kind: the Python type of the value; `Any` for plain data.
        document: the Python type of the document: `kind`, or a model around it where it is wrapped.
        is_wrapped: whether the value stands in the document at `"result"`.
        check: the value of a whole document; raises pydantic's `ValidationError` or `UnparsedError`.
        build: the value of Python data that was read already; raises as `check`.
        check_bare: as `check` of a value that was written without its wrapping, or None where there is none.
    """

    name: str
    schema: JsonSchema
    kind: Any
    document: Any
    is_wrapped: bool
    check: Callable[[str], T]
    build: Callable[[Any], T]
    check_bare: Callable[[str], T] | None = None

    @property
    def shape(self) -> JsonShape:
        """The shape of the answer."""
        return JsonShape(self.name, self.schema)

    @functools.cached_property
    def example(self) -> str:
        """The outline of the document."""
        return sketch(self.schema, as_json=True)

    @functools.cached_property
    def instruction(self) -> str:
        """Words that ask for the document, for models that are not held to a schema."""
        schema = json.dumps(self.schema, ensure_ascii=False)
        return (
            "Answer with a single JSON object, without any text before or after it. "
            f"It must be valid against this JSON schema:\n\n{schema}"
        )

    def read(self, text: str) -> T:
        """The first JSON object in `text` that is valid, whatever stands around it.

        Where the schema only wraps a value, the value alone, as the whole of the text, does too.
        Raises `MissingModelError` when no object is complete, and `UnparsedError` for what is wrong with the first.
        """
        found, broken = documents(text)
        wrong: Exception | None = None
        for document in found:
            try:
                return self.check(document)
            except (ValidationError, UnparsedError) as error:
                wrong = wrong or self._unparsed(document, error)
        if self.check_bare is not None:
            try:
                return self.check_bare(unfenced(text.strip()))
            except (ValidationError, UnparsedError) as error:
                # Of a bare list the objects are items, so what is wrong with the list says more.
                wrong = self._unparsed(text, error) if text.lstrip().startswith("[") else wrong
        raise wrong or self._missing(broken)

    def _unparsed(self, document: str, error: ValidationError | UnparsedError) -> UnparsedError:
        if isinstance(error, UnparsedError):
            return error
        wrong = _wrong(self.name, document, _first_complaints(error))
        wrong.__cause__ = error
        return wrong

    def _missing(self, broken: str | None) -> Exception:
        if broken is not None:
            return _wrong(self.name, broken, "it goes on in a way that is not JSON")
        return MissingModelError(
            self.name, f"There is no complete JSON object in the text; {self.name!r} is asked for as one."
        )


@overload
def json_codec_of(kind: type[T]) -> JsonCodec[T]: ...
@overload
def json_codec_of(kind: Any) -> JsonCodec[Any]: ...
def json_codec_of(kind: Any) -> JsonCodec[Any]:
    """The JSON codec for a type: a `Model`, a pydantic class, a dataclass, or any other that pydantic can describe.

    Built once. Raises `PromptDefinitionError` for a type that JSON cannot hold.
    """
    try:
        hash(kind)
    except TypeError:
        return _build(kind)
    return _json_codec_of(kind, "" if isinstance(kind, type) else repr(kind))


@functools.lru_cache(maxsize=1024)
def _json_codec_of(kind: Any, spelling: str) -> JsonCodec[Any]:  # noqa: ARG001 — equal types may differ in order
    return _build(kind)


def _build(kind: Any) -> JsonCodec[Any]:
    name = _safe_name(_words_of(kind))
    adapter, schema = _described(kind)
    is_object, schema = _as_object(schema)
    if is_object:
        return JsonCodec(name, schema, kind, kind, False, adapter.validate_json, adapter.validate_python)
    # RESULT by its own name, since type checkers take a mapping for all the other arguments.
    document: Any = create_model(name, result=(kind, ...))
    wrapper, wrapped = _described(document)

    def check(document: str) -> Any:
        return getattr(wrapper.validate_json(document), RESULT)

    return JsonCodec(name, wrapped, kind, document, True, check, adapter.validate_python, adapter.validate_json)


def _described(kind: Any) -> tuple[TypeAdapter[Any], JsonSchema]:
    if kind in (Any, None, type(None), object):
        raise PromptDefinitionError(f"{kind} says nothing about the JSON to expect; name a type.")
    if isinstance(kind, Mapping):  # which pydantic takes for a schema of its own kind
        raise PromptDefinitionError(
            f"{shortened(repr(typing.cast('object', kind)))} is data and no type. Name a type, "
            "or give a JSON schema by itself and not as a part of something else."
        )
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        return adapter, typing.cast("JsonSchema", _without_titles(adapter.json_schema()))
    except PydanticUserError as error:
        raise PromptDefinitionError(f"{kind!r} cannot be written as JSON: {error}") from error


def json_codec_of_schema(schema: JsonSchema, *, name: str = "answer") -> JsonCodec[Any]:
    """The codec for a JSON schema that came as data: reads plain data and checks it against the schema.

    References are followed within the schema alone. Raises `PromptDefinitionError` for what is no JSON schema.
    """
    is_object, whole = _as_object(schema)
    name = _safe_name(name)
    if is_object:
        check = _checker(name, whole)
        return JsonCodec(name, whole, Any, Any, False, check, _written_first(check))
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    value = {key: one for key, one in schema.items() if key not in definitions and key != "$schema"}
    wrapped = {"type": "object", "properties": {RESULT: value}, "required": [RESULT], **definitions}
    if "$schema" in schema:
        wrapped["$schema"] = schema["$schema"]
    check_document, check_bare = _checker(name, wrapped), _checker(name, schema)

    def check_wrapped(document: str) -> Any:
        return check_document(document)[RESULT]

    return JsonCodec(name, wrapped, Any, Any, True, check_wrapped, _written_first(check_bare), check_bare)


def _written_first(check: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: check(json.dumps(value))


def _checker(name: str, schema: JsonSchema) -> Callable[[str], Any]:
    """What reads a document and checks it against `schema`."""
    # It takes a while to import, and few programs have schemas as data.
    import jsonschema.validators  # type: ignore[import-untyped,unused-ignore]
    import referencing
    from jsonschema import SchemaError  # type: ignore[import-untyped,unused-ignore]
    from referencing.exceptions import Unresolvable

    kind: Any = jsonschema.validators.validator_for(schema)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise PromptDefinitionError(f"This is no JSON schema: {_complaint(error)}.") from error
    # An empty registry, since otherwise references to other documents would be fetched.
    registry: Any = referencing.Registry()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    validator: Any = kind(schema, registry=registry)

    def check(document: str) -> Any:
        value: object = _ANYTHING.validate_json(document)
        try:
            wrong = sorted(validator.iter_errors(value), key=lambda one: list(map(str, one.absolute_path)))
        except Unresolvable as error:
            raise PromptDefinitionError(
                f"The JSON schema refers to something that it does not hold: {error}"
            ) from error
        if wrong:
            raise _wrong(name, document, "; ".join(map(_complaint, wrong[:3])))
        return value

    return check


_ANYTHING: TypeAdapter[object] = TypeAdapter(object)


def _wrong(name: str, document: str, problem: str) -> UnparsedError:
    wrong = UnparsedError(name, shortened(document), problem)
    # The error's own words are about an element in its tags, and there is none.
    wrong.args = (f"The JSON {wrong.content} is not what was asked for: {problem}",)
    return wrong


def _first_complaints(error: ValidationError) -> str:
    """The first three things pydantic says are wrong, each with its key."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(_at_key(one["loc"], one["msg"]) for one in details[:3])


def _complaint(error: Any) -> str:
    """What jsonschema says is wrong, with its key."""
    return _at_key(error.absolute_path, shortened(str(error.message)))


def _at_key(path: Iterable[object], problem: str) -> str:
    key = ".".join(map(str, path))
    return f"at the key {key!r}: {problem}" if key else problem


def _as_object(schema: JsonSchema) -> tuple[bool, JsonSchema]:
    """Whether `schema` is that of an object, and the schema with nothing but that at its root."""
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        # A class that holds itself: providers want an object at the root, and not a reference to one.
        definitions = definitions_of(schema)
        target = definitions.get(reference.rpartition("/")[2], {})
        schema = {**target, **{key: one for key, one in schema.items() if key != "$ref"}}
    return schema.get("type") == "object", schema


_NAMED_SCHEMAS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_DATA = ("default", "const", "enum", "examples")


def _without_titles(schema: object) -> object:
    """A schema without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_without_titles(one) for one in typing.cast("list[object]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: _cleaned(key, value)
        for key, value in typing.cast("Mapping[str, object]", schema).items()
        if key != "title"
    }


def _cleaned(key: str, value: object) -> object:
    if key in _DATA:
        return value
    if key in _NAMED_SCHEMAS and isinstance(value, Mapping):
        named = typing.cast("Mapping[str, object]", value)
        return {name: _without_titles(schema) for name, schema in named.items()}
    return _without_titles(value)


def _words_of(kind: Any) -> str:
    """A type by name: `Town`, `list_Town`."""
    name = getattr(kind, "__name__", "") if isinstance(kind, type) or get_args(kind) else ""
    inner = [_words_of(one) for one in get_args(kind) if isinstance(one, type) or get_args(one)]
    return "_".join([name, *inner] if name else inner)


def _safe_name(name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")[:64]
    return safe or "answer"
