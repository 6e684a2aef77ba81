"""Connection strings of run stores: `get_store("sqlite!runs.db,timeout=10")`, and which word stands for which class."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, TypeAlias, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rigging_py.error import InvalidStoreError
from rigging_py.store.base import Redact, RunStore
from rigging_py.store.masking import masked

StoreClass: TypeAlias = Callable[..., RunStore]
"""Takes what stands between the `!` and the options, and the options by keyword."""

_OPTION = re.compile(r",\s*(\w+)\s*=\s*([^,]*?)\s*$")
_stores: dict[str, StoreClass | str] = {
    "memory": "rigging_py.store.memory:MemoryStore",
    "sqlite": "rigging_py.store.sqlite:SQLiteStore",
    "postgres": "rigging_py.store.postgres:PostgresStore",
}


def get_store(identifier: str, *, redact: Redact | None = None, **options: Any) -> RunStore:
    """The store that a connection string describes: `memory!`, `sqlite!runs.db` or `postgres!postgresql://…`.

    Options stand behind it as `,key=value`, or are given as keywords, which win; `max_bytes` is the JSON that one
    checkpoint may have. `redact` is given every string before it is stored. Nothing is opened or connected to yet.
    Raises `InvalidStoreError` saying what is known, and `MissingExtraError`.
    """
    kind, mark, rest = identifier.strip().partition("!")
    if not mark or kind not in _stores:
        problem = f"there is no store {kind!r}" if mark else "it has no !"
        raise InvalidStoreError(masked(identifier), f"{problem}. Known: {', '.join(f'{one}!' for one in _stores)}")
    make = _resolve(kind)
    target, texts = _split(rest)
    given = {key: _from_text(identifier, make, key, text) for key, text in texts.items()} | options
    if redact is not None:
        given["redact"] = redact
    try:
        return make(target, **given)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidStoreError):
            raise
        raise InvalidStoreError(masked(identifier), str(error).rstrip(".")) from error


def register_store(kind: str, store: StoreClass) -> None:
    """Makes `kind!…` stand for a class, or a function that gives a store; the latest wins.

    Options in a connection string are its keyword-only parameters, as their declared types read them.
    """
    if not re.fullmatch(r"[\w-]+", kind):
        raise ValueError(f"The name of a kind of store is letters, digits, - and _; not {kind!r}.")
    _stores[kind] = store


def _resolve(kind: str) -> StoreClass:
    entry = _stores[kind]
    if isinstance(entry, str):
        module, _, name = entry.partition(":")
        entry = _stores[kind] = getattr(import_module(module), name)
    return entry


def _split(rest: str) -> tuple[str, dict[str, str]]:
    """What the store is, and its options, which are the last `,key=value` pieces; a DSN may have commas before."""
    options: dict[str, str] = {}
    while found := _OPTION.search(rest):
        options.setdefault(found[1], found[2])
        rest = rest[: found.start()]
    return rest.strip(), options


def _from_text(identifier: str, make: StoreClass, key: str, text: str) -> Any:
    known = _known_options(make)
    if key not in known:
        raise InvalidStoreError(masked(identifier), f"{key!r} is no option of it. Known: {', '.join(known) or 'none'}")
    try:
        return TypeAdapter[Any](known[key]).validate_strings(text)
    except ValidationError as error:
        reason = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
        raise InvalidStoreError(masked(identifier), f"{key} is not valid: {reason}") from None


def _known_options(make: StoreClass) -> Mapping[str, Any]:
    """The keyword-only parameters that a text can give, with their types."""
    hints = get_type_hints(getattr(make, "__init__") if isinstance(make, type) else make)  # noqa: B009
    names = [name for name, one in signature(make).parameters.items() if one.kind is Parameter.KEYWORD_ONLY]
    return {name: hints.get(name, str) for name in names if "Callable" not in str(hints.get(name, str))}
