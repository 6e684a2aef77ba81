"""Templates: jinja2 in a sandbox, where a name that is not given is an error. Values are never templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

_MARKS = ("{{", "{%", "{#")


def is_template(text: str) -> bool:
    """Whether `text` has anything for a template engine to do."""
    return any(mark in text for mark in _MARKS)


def compile_template(text: str) -> tuple[Callable[..., str], frozenset[str]]:
    """What renders `text` from named values, and the names it asks for. Text without marks needs no engine."""
    if not is_template(text):
        return partial(_as_it_is, text), frozenset()
    from jinja2 import meta, nodes

    environment = _environment()
    tree = environment.parse(text)
    # jinja keeps `self` for its own blocks and so does not call it undeclared.
    names = meta.find_undeclared_variables(tree) | {one.name for one in tree.find_all(nodes.Name) if one.name == "self"}
    return environment.from_string(text).render, frozenset(names)


def _as_it_is(text: str, /, **_: object) -> str:
    return text


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined, autoescape=False
    )
