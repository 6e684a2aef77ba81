"""The stored form of the object behind a slice: JSON as it is, and anything else as the path of its class and its data.

Reading it imports and runs nothing. The object is there again only where it is one of ours whose class the program has
loaded itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json, to_jsonable_python

from rigging_py.message.calls import ToolCall

_PATH, _DATA = "class_path", "data"


class StoredObject(NamedTuple):
    """An object that is not here: `class_path` is `module:QualifiedName`, `data` its JSON."""

    class_path: str
    data: Any

    def revived(self) -> object:
        """The `Model` or `ToolCall`; None where its class is not loaded here, or takes the data no more."""
        cls = _loaded(self.class_path)
        if cls is None:
            return None
        try:
            return cls.model_validate_json(to_json(self.data))
        except (ValidationError, ValueError):
            return None


def stored(obj: object) -> Any:
    """`obj` as JSON-safe data."""
    if isinstance(obj, StoredObject):
        return {_PATH: obj.class_path, _DATA: obj.data}
    if obj is None or isinstance(obj, str | int | float | list | dict):
        return _jsonable(cast("object", obj))
    cls = type(obj)
    data = obj.model_dump(mode="json", warnings=False, fallback=repr) if isinstance(obj, BaseModel) else _jsonable(obj)
    return {_PATH: f"{cls.__module__}:{cls.__qualname__}", _DATA: data}


def read(value: object) -> object:
    """The object, or what is stored of it."""
    if isinstance(value, Mapping):
        given = cast("Mapping[str, Any]", value)
        if {*given} == {_PATH, _DATA} and isinstance(given[_PATH], str):
            return StoredObject(given[_PATH], given[_DATA])
    return cast("object", value)


def _jsonable(value: object) -> Any:
    try:
        return to_jsonable_python(value, fallback=repr, bytes_mode="base64", inf_nan_mode="strings")
    except ValueError:  # an object inside of itself
        return repr(value)


def _loaded(path: str) -> type[BaseModel] | None:
    """The class at a path, looked up without running anything: no import, no attribute hook."""
    module, _, qualified = path.partition(":")
    found: object = sys.modules.get(module)
    for name in qualified.split("."):
        found = vars(found).get(name) if isinstance(found, ModuleType | type) else None
    from rigging_py.model import Model

    is_ours = isinstance(found, type) and (issubclass(found, Model) or found is ToolCall)
    return cast("type[BaseModel]", found) if is_ours else None
