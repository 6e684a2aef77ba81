"""Callables are called by their names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from rigging_py.util import get_callable_name, get_qualified_name


class Dog:
    def bark(self) -> None: ...

    def __call__(self) -> None: ...


def run() -> None: ...


@functools.wraps(run)
def dressed() -> None: ...


@pytest.mark.parametrize(
    ("given", "qualified", "short"),
    [
        (run, "run", "run"),
        (dressed, "run", "run"),
        (functools.partial(functools.partial(run)), "run", "run"),
        (Dog.bark, "Dog.bark", "bark"),
        (Dog().bark, "Dog.bark", "bark"),
        (Dog, "Dog", "Dog"),
        (Dog(), "Dog", "Dog"),
    ],
)
def test_whatever_can_be_called_has_a_name(given: Callable[..., Any], qualified: str, short: str) -> None:
    assert get_qualified_name(given) == qualified
    assert get_callable_name(given) == f"{__name__}.{qualified}"
    assert get_callable_name(given, short=True) == short


def test_builtin_functions_have_one_too() -> None:
    assert get_callable_name(len) == "builtins.len"
