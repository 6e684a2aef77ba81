"""Connection strings: `[provider!]model[,key=value]…`, taken apart and put together. Text only, no classes.

A value is everything up to the next comma, with `%2C`-style escapes resolved; or it stands between double quotes, with
JSON's backslash escapes. White space around the pieces means nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from rigging_py.error import InvalidGeneratorError

_PIECE = re.compile(r'\s*(?:([^=,"]*?)\s*=\s*)?("(?:[^"\\]|\\.)*+"|[^,]*?)\s*(?:,|$)', re.DOTALL)
_SECRET = re.compile(r'(?i)([^,=!]*(?:key|token|secret|password)[^,=]*=\s*)(?!env:)("(?:[^"\\]|\\.)*+"?|[^,]*)')
_UNSAFE = re.compile(r'[%,"!\x00-\x1f\x7f]|^\s|\s$|(?<=^)\s|^$')
SECRET_KEYS = ("key", "token", "secret", "password")


@dataclass(frozen=True, slots=True)
class Identifier:
    """A connection string, taken apart. `provider` is None where the default is meant."""

    provider: str | None
    model: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])


def masked(identifier: str) -> str:
    """The string with the values of keys, tokens, secrets and passwords as `***`."""
    return _SECRET.sub(r"\1***", identifier)


def parse_identifier(text: str) -> Identifier:
    """Takes a connection string apart. Raises `InvalidGeneratorError` naming the piece that is wrong."""
    head, comma, tail = text.partition(",")
    provider, mark, model = head.partition("!")
    if not mark:
        provider, model = "", head
    model = _decoded(text, model.strip())
    if not model:
        raise _error(text, head, "the name of the model is missing")
    return Identifier(provider.strip() or None, model, _options(text, tail) if comma else {})


def format_identifier(provider: str | None, model: str, options: Mapping[str, str]) -> str:
    """Puts a connection string together; `parse_identifier` gives the same parts back."""
    head = f"{provider}!{_encoded(model)}" if provider else _encoded(model)
    return ",".join([head, *(f"{key}={_encoded(value)}" for key, value in options.items())])


def _options(text: str, tail: str) -> dict[str, str]:
    options: dict[str, str] = {}
    position = 0
    while position <= len(tail):
        piece = _PIECE.match(tail, position)
        if piece is None:
            raise _error(text, tail[position:], "a quoted value must end at its closing quote")
        key, value = piece.groups()
        shown = masked(piece.group().strip(" ,"))
        if not key:
            raise _error(
                text, shown, f"{shown!r} is not of the form key=value" if shown else "there is nothing after a comma"
            )
        options[key] = _decoded(text, value)
        if piece.end() == len(tail) and not piece.group().endswith(","):
            break
        position = piece.end()
    return options


def _decoded(text: str, value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            raise _error(text, value, "a quoted value must end at its closing quote") from None
    return unquote(value) if "%" in value else value


def _encoded(value: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()) or '""', value)


def _error(text: str, piece: str, problem: str) -> InvalidGeneratorError:
    return InvalidGeneratorError(masked(text), masked(piece), problem)
