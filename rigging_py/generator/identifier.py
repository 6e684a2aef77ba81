"""Connection strings: `[provider!]model[,key=value]…`, taken apart and put together. Text only, no classes.

A value is everything up to the next comma, with `%2C`-style escapes resolved; or it stands between double quotes, with
JSON's backslash escapes. White space around the pieces means nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from rigging_py.error import InvalidGeneratorError
from rigging_py.generator.network import without_user

_PIECE = re.compile(r'\s*(?:([^=,"]*?)\s*=\s*)?("(?:[^"\\]|\\.)*+"|[^,]*?)\s*(?:,|\Z)', re.DOTALL)
_HIDDEN = "(?:key|secret|password|token(?!s))"
# A comma in a key that is not quoted cuts it; what follows without a `=` is more of it.
_SECRET = re.compile(
    rf'(?is)([^,=!]*{_HIDDEN}[^,=]*=\s*)(?!env:)(?:"(?:[^"\\]|\\.)*+(?:"|\Z))?[^,]*(?:,(?![^,=]*=)[^,]*)*'
)
_LIKE_A_KEY = re.compile(r"(?i)\b(?:sk|pk|rk)-[\w-]{8,}")
_UNSAFE = re.compile(r'[%,"!\x00-\x1f\x7f]|^\s|\s$|^$')


@dataclass(frozen=True, slots=True)
class Identifier:
    """A connection string, taken apart. `provider` is None where the default is meant."""

    provider: str | None
    model: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])


def is_secret(key: str) -> bool:
    """Whether an option of this name is not to be shown."""
    return re.search(_HIDDEN, key, re.IGNORECASE) is not None


def masked(identifier: str) -> str:
    """The string with the values of keys, tokens, secrets and passwords as `***`, and whatever else looks like one."""
    return without_user(_LIKE_A_KEY.sub("***", _SECRET.sub(r"\1***", identifier)))


def parse_identifier(text: str) -> Identifier:
    """Takes a connection string apart. Raises `InvalidGeneratorError` naming the piece that is wrong."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # a variable that is not set is None
        raise TypeError(f"A connection string is a text such as 'openai!gpt-4o'; not {text!r}.")
    head, comma, tail = text.partition(",")
    provider, mark, model = head.partition("!")
    if mark and not provider.strip():
        raise _error(text, head, "the name of the provider before the ! is missing")
    model = _decoded(text, head, (model if mark else head).strip())
    if not model:
        raise _error(text, head, "the name of the model is missing")
    return Identifier(provider.strip() if mark else None, model, _options(text, tail) if comma else {})


def format_identifier(provider: str | None, model: str, options: Mapping[str, str]) -> str:
    """Puts a connection string together; `parse_identifier` gives the same parts back."""
    head = f"{provider}!{_encoded(model)}" if provider else _encoded(model)
    return ",".join([head, *(f"{key}={_encoded(value)}" for key, value in options.items())])


def _options(text: str, tail: str) -> dict[str, str]:
    options: dict[str, str] = {}
    last = ""
    for piece in _pieces(tail):
        key, value = piece.groups()
        shown = masked(piece.group().strip(" ,"))
        if not key:
            said = "***" if shown and is_secret(last) else shown
            problem = f"{said!r} is not of the form key=value; a comma in a value is written %2C"
            problem = problem if shown else "there is nothing after a comma"
            raise _error(text, said, problem)
        options[key] = _decoded(text, shown, value)
        last = key
    return options


def _pieces(tail: str) -> Iterator[re.Match[str]]:
    """What stands between the commas; after a last comma there is one more, which is empty."""
    position, is_over = 0, False
    while not is_over and (piece := _PIECE.match(tail, position)):
        yield piece
        position, is_over = piece.end(), not piece.group().endswith(",")


def _decoded(text: str, piece: str, value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            raise _error(text, piece, "a quoted value must end at its closing quote") from None
    return unquote(value) if "%" in value else value


def _encoded(value: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()) or '""', value)


def _error(text: str, piece: str, problem: str) -> InvalidGeneratorError:
    return InvalidGeneratorError(masked(text), masked(piece), problem)
