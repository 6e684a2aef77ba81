"""`on_first_use`: the names of a package whose modules are loaded when somebody asks for them."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package, for names by the module in it that they come from.

    Hide it from type checkers, which would take any name for one of the package's. It raises `AttributeError` for a
    name that is not among these. One that is also that of its module has to be imported at once.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"{package} has no {name!r}.")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
