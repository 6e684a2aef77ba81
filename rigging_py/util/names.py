"""What to call a callable when it is talked about."""

from __future__ import annotations

import functools
from typing import Any


def get_callable_name(obj: object, *, short: bool = False) -> str:
    """The name of a function, method, class or callable object, with its module; `short` is the last part alone.

    Partial functions and decorated ones go by the name of what they call, an object by that of its class.
    """
    name = get_qualified_name(obj)
    if short:
        return name.rpartition(".")[2]
    code = _code_of(obj)
    module = getattr(code, "__module__", None) or type(code).__module__
    return f"{module}.{name}"


def get_qualified_name(obj: object) -> str:
    """The name with the classes and functions around it, as Python writes it: `Tool.clone`."""
    code = _code_of(obj)
    return str(getattr(code, "__qualname__", None) or type(code).__qualname__)


def _code_of(obj: Any) -> Any:
    """What is called in the end, through partials and decorators."""
    seen: set[int] = set()
    while id(obj) not in seen:
        seen.add(id(obj))
        obj = obj.func if isinstance(obj, functools.partial | functools.partialmethod) else obj
        # Only what is there without asking: an object may answer to any name.
        obj = getattr(obj, "__dict__", {}).get("__wrapped__", obj)
    return obj
