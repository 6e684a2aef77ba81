"""The packages of the `data` extra, on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rigging_py.error import MissingExtraError


def load(module: str, feature: str) -> Any:
    """The module. Raises `MissingExtraError` where its package is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(feature, "data") from error
