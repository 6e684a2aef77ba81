"""Makes model classes: `make_from_schema` of a JSON schema that came as data, `make_from_signature` of parameters."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping
from types import GenericAlias
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError
from pydantic_xml import BaseXmlModel, element, wrapped
from pydantic_xml.errors import BaseError

from rigging_py.error import PromptDefinitionError
from rigging_py.model.base import Model
from rigging_py.parsing.codec import bare, without_none
from rigging_py.parsing.extract import NAME
from rigging_py.parsing.lenient import definitions_of
from rigging_py.parsing.shape import JsonSchema
from rigging_py.parsing.untyped import as_list, as_mapping

_PLAIN: Mapping[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "null": type(None),
}
_OF_NUMBERS = {
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
}
_LIMITS: Mapping[str, Mapping[str, str]] = {
    "integer": _OF_NUMBERS,
    "number": _OF_NUMBERS,
    "string": {"minLength": "min_length", "maxLength": "max_length", "pattern": "pattern"},
    "array": {"minItems": "min_length", "maxItems": "max_length"},
}
"""The limits of a JSON type, as pydantic calls them; those of another type do not count."""
_NAMES_OF_LIMITS = frozenset(name for limits in _LIMITS.values() for name in limits)


def make_from_schema(schema: JsonSchema, name: str | None = None, *, allow_primitive: bool = False) -> type[Model]:
    """A model class for the objects of a JSON schema: each property is an element, described as the schema says.

    Objects are models inside it, or mappings where only `additionalProperties` are described; lists are `item` elements
    in one of the property's name, choices are a `Literal`, `anyOf`, `oneOf`, `allOf` and lists of types a union. A
    property that is not required may be missing and is None then. References are followed within the schema alone.

    Args:
        schema: that of an object with properties.
        name: the name of the class; by default the schema's title, or `SchemaModel`.
        allow_primitive: whether a single property is the text of the model, without an element of its own.

    Raises `PromptDefinitionError` for a schema without properties, that holds itself, or that text cannot hold.
    """
    given = name or str(schema.get("title") or "SchemaModel")
    try:
        return _Schemas(schema).model(schema, given, is_primitive=allow_primitive)
    except RecursionError:
        raise PromptDefinitionError(f"The schema of {given!r} is nested too deeply.") from None


def make_from_signature(signature: inspect.Signature, name: str | None = None) -> type[Model]:
    """A model class for the arguments of a function: each parameter is an element.

    Texts in `Annotated[...]` describe their parameters; a list has its items in `item` elements in one of the
    parameter's name, or those of a class in the singular where that name ends with an s. Without an annotation a
    parameter is text.

    Args:
        signature: as `inspect.signature(function, eval_str=True)` gives it.
        name: the name of the class, by default `SignatureModel`.

    Raises `PromptDefinitionError` for a parameter that text cannot hold in a model, as `**options` and dataclasses.
    """
    fields = {one.name: _parameter(one) for one in signature.parameters.values()}
    return _made(name or "SignatureModel", None, fields)


def _parameter(parameter: inspect.Parameter) -> tuple[Any, Any]:
    name = parameter.name
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise PromptDefinitionError(
            f"The parameter {name!r} takes any number of arguments, and a model has its fields."
        )
    kind = str if parameter.annotation is parameter.empty else parameter.annotation
    _check_name(name)
    for one in _alternatives(kind):
        if dataclasses.is_dataclass(one) or (_is_class(one, BaseModel) and not _is_class(one, BaseXmlModel)):
            raise PromptDefinitionError(
                f"The parameter {name!r} is of {one!r}, which is no Model; derive it from Model."
            )
    texts = [one for one in get_args(kind)[1:] if isinstance(one, str)] if get_origin(kind) is Annotated else []
    told: dict[str, Any] = {"description": texts[0] if texts else None}
    if parameter.default is not parameter.empty:
        told["default"] = parameter.default
        kind = _any_of((kind, None)) if parameter.default is None else kind
    is_singular = name.endswith("s") and any(not _is_class(one, (str, int, float, bool)) for one in _alternatives(kind))
    return kind, _placed(kind, name, told, item=name[:-1] if is_singular and len(name) > 1 else "item")


class _Schemas:
    """The parts of one schema as types."""

    def __init__(self, root: JsonSchema) -> None:
        self._definitions = {**as_mapping(root.get("definitions")), **definitions_of(root)}
        self._around: list[str] = []

    def model(self, schema: JsonSchema, name: str, *, is_primitive: bool) -> type[Model]:
        properties = as_mapping(schema.get("properties"))
        if not properties:
            raise PromptDefinitionError(f"{name!r} has no properties in its schema; give the schema of an object.")
        required = as_list(schema.get("required"))
        is_text = is_primitive and len(properties) == 1
        fields = {
            key: self._field(key, as_mapping(part), is_required=key in required, is_text=is_text)
            for key, part in properties.items()
        }
        return _made(name, schema.get("description"), fields)

    def _field(self, key: str, schema: JsonSchema, *, is_required: bool, is_text: bool) -> tuple[Any, Any]:
        _check_name(key)
        kind = self._type(key, schema)
        told: dict[str, Any] = {"description": schema.get("description"), "examples": schema.get("examples")}
        if not is_required:
            told["default"] = schema.get("default", [] if _is_list(kind) else None)
            kind = kind if _is_list(kind) else _any_of((kind, None))
        is_alone = is_text and not _is_list(kind) and not any(_is_class(one, Model) for one in _alternatives(kind))
        return kind, Field(**told) if is_alone else _placed(kind, key, told, item="item")

    def _type(self, key: str, schema: JsonSchema) -> Any:
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference)
        if "const" in schema or "enum" in schema:
            return self._choice([schema["const"]] if "const" in schema else as_list(schema["enum"]))
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema:
                limits = {name: schema[name] for name in _NAMES_OF_LIMITS & schema.keys()}
                return _any_of(self._type(key, {**limits, **as_mapping(part)}) for part in as_list(schema[union]))
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            return _any_of(self._limited(key, str(one), schema) for one in as_list(schema["type"]))
        return self._limited(key, str(kind), schema)

    def _referred(self, reference: str) -> Any:
        name = reference.rpartition("/")[2]
        if name in self._around or name not in self._definitions:
            problem = "leads back to itself" if name in self._around else "leads to nothing in the schema"
            raise PromptDefinitionError(f"The reference {reference!r} {problem}; a model cannot be made of that.")
        self._around.append(name)
        try:
            return self._type(name, as_mapping(self._definitions[name]))
        finally:
            self._around.pop()

    def _choice(self, choices: list[Any]) -> Any:
        if not choices or not all(isinstance(one, (str, int, bool, type(None))) for one in choices):
            raise PromptDefinitionError(
                f"Of {choices!r} no choice can be made; choices are texts, whole numbers or null."
            )
        return Literal[tuple(choices)]

    def _limited(self, key: str, kind: str, schema: JsonSchema) -> Any:
        names = _LIMITS.get(kind, {})
        limits: dict[str, Any] = {ours: schema[theirs] for theirs, ours in names.items() if theirs in schema}
        made = self._of(key, kind, schema)
        return Annotated[made, Field(**limits)] if limits else made

    def _of(self, key: str, kind: str, schema: JsonSchema) -> Any:
        """The type of one JSON type."""
        if kind == "array":
            return GenericAlias(list, (self._type("item", as_mapping(schema.get("items"))),))
        if kind == "object" and "properties" in schema:
            return self.model(schema, str(schema.get("title") or key), is_primitive=True)
        if kind == "object":
            return GenericAlias(dict, (str, self._type(key, as_mapping(schema.get("additionalProperties")))))
        return _PLAIN.get(kind, str)


def _any_of(kinds: Iterable[Any]) -> Any:
    union: Any = Union  # as a value, since type checkers take no variable in a type
    given = tuple(kinds)
    if not given:
        raise PromptDefinitionError("A union of no types is in the schema, and nothing is a value of it.")
    return union[given]


def _made(name: str, description: object, fields: Mapping[str, tuple[Any, Any]]) -> type[Model]:
    """The class; what pydantic says of fields that cannot be is told as ours."""
    doc = str(description) if description else None
    given: dict[str, Any] = dict(fields)
    try:
        made = create_model(_class_name(name), __base__=Model, __doc__=doc, **given)
        made.ensure_valid()
    except (PydanticUserError, SchemaError, BaseError, NameError) as error:
        raise PromptDefinitionError(f"A model {name!r} cannot be made: {error}") from error
    return made


def _placed(kind: Any, name: str, told: Mapping[str, Any], *, item: str) -> Any:
    """Where a field stands: in an element of its name, or with many in one."""
    return wrapped(name, element(item), **told) if _is_list(kind) else element(name, **told)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or not name.isidentifier() or name.startswith("_") or hasattr(Model, name):
        raise PromptDefinitionError(
            f"{name!r} cannot be a field of a model: its name has letters, digits and '_', begins with a letter, "
            "and is that of no method of a model."
        )


def _class_name(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return joined if joined[:1].isalpha() else f"Model{joined}"


def _alternatives(kind: Any) -> list[Any]:
    """The types that a value, or an item of a list, may be of."""
    kind = bare(without_none(kind)[0])
    args = [one for one in get_args(kind) if one is not type(None)]
    is_choice = get_origin(kind) is Literal or not args or get_origin(kind) is dict
    return [str if get_origin(kind) else kind] if is_choice else [one for arg in args for one in _alternatives(arg)]


def _is_list(kind: Any) -> bool:
    return get_origin(bare(without_none(kind)[0])) is list


def _is_class(kind: Any, base: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)
