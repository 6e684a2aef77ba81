"""How JSON of a Python type is shown while it arrives: its fields and their types, its items, whether it is text."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import from_json

from rigging_py.parsing.codec import bare, without_none
from rigging_py.parsing.growing import Fields, Growing, Items, Words

_LISTS = (list, set, frozenset, Sequence, Collection)
_MAPS = (dict, Mapping)
_REWRITING = ("str_strip_whitespace", "str_to_lower", "str_to_upper", "use_enum_values", "coerce_numbers_to_str")
"""What a model's config may do to the values of its fields."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How JSON of one type is shown. `Any` is shown as plain data."""

    kind: Any

    @cached_property
    def _inner(self) -> Any:
        return bare(without_none(bare(self.kind))[0])

    @cached_property
    def _adapter(self) -> TypeAdapter[Any] | None:
        try:
            return TypeAdapter(self.kind)
        except (PydanticUserError, NameError):
            return None

    @cached_property
    def _fields(self) -> Mapping[str, tuple[str, Plan]]:
        return {key: (name, plan_of(kind)) for key, name, kind in _fields_of(self._inner)}

    @cached_property
    def _item(self) -> Plan | None:
        args = get_args(self._inner)
        if self._inner is Any:
            return plan_of(Any)
        if get_origin(self._inner) in _MAPS:
            return plan_of(args[1])
        is_list = get_origin(self._inner) in _LISTS or (get_origin(self._inner) is tuple and args[-1:] == (Ellipsis,))
        return plan_of(args[0]) if is_list else None

    @cached_property
    def _is_map(self) -> bool:
        return self._inner is Any or get_origin(self._inner) in _MAPS

    @property
    def holds_items(self) -> bool:
        """Whether the value is any number of items, or of keys and values."""
        return self._inner is not Any and self._item is not None

    def child(self, key: str | None) -> tuple[str, Plan] | None:
        """The name and plan of what stands at `key` of an object, or with None in a list."""
        if key is None or self._is_map:
            return (key or "", self._item) if self._item is not None else None
        return self._fields.get(key)

    def begin(self, first: str) -> Growing | None:
        """What grows where JSON begins with `first`; None for what is shown when it is whole."""
        if first == '"':
            return Words() if self._inner in (str, Any) else None
        if first == "[":
            is_list = self._inner is Any or (self._item is not None and not self._is_map)
            return Items() if is_list else None
        has_fields = self._is_map or bool(self._fields)
        return Fields(marks=not changes_fields(self._inner)) if first == "{" and has_fields else None

    def read(self, raw: str) -> object:
        """The value of a whole JSON document, or what is wrong with it."""
        try:
            if self._inner is Any:
                return from_json(raw)
            return self._adapter.validate_json(raw) if self._adapter is not None else TypeError(str(self.kind))
        except (ValidationError, ValueError) as error:
            return error


def plan_of(kind: Any) -> Plan:
    """The plan of a type, built once."""
    try:
        hash(kind)
    except TypeError:
        return Plan(kind)
    # As with codecs: equal choices of another order are the same here, so the type is key enough.
    return _plan_of(kind)


@lru_cache(maxsize=2048)
def _plan_of(kind: Any) -> Plan:
    return Plan(kind)


def changes_fields(kind: Any) -> bool:
    """Whether a class has code that may change a field's value once the others are known."""
    if not isinstance(kind, type):
        return False
    if dataclasses.is_dataclass(kind):
        return hasattr(kind, "__post_init__") or hasattr(kind, "__pydantic_decorators__")
    if not issubclass(kind, BaseModel):
        return False
    found = kind.__pydantic_decorators__
    # Named here since a model of ours only fills in what the text does not have.
    models = found.model_validators.keys() - {"_with_absent_values"}
    hooked = kind.model_post_init is not BaseModel.model_post_init and not kind.__private_attributes__
    rewrites = any(kind.model_config.get(one) for one in _REWRITING)
    return bool(found.field_validators or found.validators or found.root_validators or models or hooked or rewrites)


def _fields_of(annotation: Any) -> list[tuple[str, str, Any]]:
    """The keys in JSON, the names and the types of the fields of a class."""
    kind: Any = annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        is_bare = issubclass(kind, RootModel)  # pyright: ignore[reportUnknownArgumentType]
        return [] if is_bare else list(_model_fields(kind))
    if not isinstance(kind, type) or not (dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation)):
        return []
    try:
        hints = typing.get_type_hints(annotation, include_extras=True)
    except NameError:
        return []
    # Required[...] and the like say nothing about the value.
    return [(name, name, get_args(one)[0] if _is_mark(one) else one) for name, one in hints.items()]


def _is_mark(annotation: Any) -> bool:
    return getattr(get_origin(annotation), "_name", "") in ("Required", "NotRequired", "ReadOnly")


def _model_fields(kind: type[BaseModel]) -> typing.Iterator[tuple[str, str, Any]]:
    config = kind.model_config
    for name, field in kind.model_fields.items():
        constraints = tuple(one for one in field.metadata if not hasattr(one, "location"))
        annotation = Annotated[(field.annotation, *constraints)] if constraints else field.annotation
        alias = field.validation_alias if isinstance(field.validation_alias, str) else None
        if alias is not None:
            yield alias, name, annotation
        if alias is None or config.get("populate_by_name") or config.get("validate_by_name"):
            yield name, name, annotation
