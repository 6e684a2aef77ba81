"""JSON in a text and references in JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote

_DECODER = json.JSONDecoder()
_BEGINNING = re.compile(r'\{\s*["}]')
_WINDOW = 1024
"""Characters that are read at first; eight times as many when an object goes on behind them."""
_EFFORT = 8
"""How many times its length a text may be read in all, so that no text can take quadratic time."""
_LEAST = 40
"""What an attempt costs at least, in characters."""
_LAST_WORD = 16
"""How far before its end a document that is cut may be found wrong: a number, an escape or a name is not whole."""


def extract_json_objects(text: str) -> list[tuple[dict[str, Any], slice]]:
    """The JSON objects in a free text, each with where it stands, in their order; those inside of others are left out.

    The work is linear in the text. What comes after very many objects that begin and break off may not be found.
    """
    found: list[tuple[dict[str, Any], slice]] = []
    effort = _EFFORT * len(text) + _WINDOW
    beginning = _BEGINNING.search(text)
    while beginning and effort > 0:
        start = beginning.start()
        stop, value = _read_object(text, start)
        if value is not None:
            found.append((value, slice(start, stop)))
        effort -= max(stop - start, _LEAST)
        beginning = _BEGINNING.search(text, stop if value is not None else start + 1)
    return found


def _read_object(text: str, start: int) -> tuple[int, dict[str, Any] | None]:
    """How far the text was read from `start`, and the object there if it is one."""
    size = _WINDOW
    while True:
        # An error counts the lines before it, so it must not be raised in the whole text.
        window = text[start : start + size]
        try:
            value, length = _DECODER.raw_decode(window)
        except json.JSONDecodeError as error:
            is_cut = error.pos > len(window) - _LAST_WORD or error.msg.startswith("Unterminated")
            if not is_cut or start + size >= len(text):
                return start + (len(window) if is_cut else error.pos), None
        except (RecursionError, ValueError):  # nested too deeply, or a number of more digits than Python reads
            return start + size, None
        else:
            return start + length, value
        size *= 8


def deref_json(obj: Mapping[str, Any], *, is_json_schema: bool = False) -> dict[str, Any]:
    """A copy of a document with what each `{"$ref": "#/…"}` points to in its place; nothing is fetched.

    What stands beside a reference is put over it. A reference to something around it, to nothing, or to another
    document stays. With `is_json_schema` definitions are left out that no reference needs any more.
    """
    whole = _Whole(obj)
    plain = cast("dict[str, Any]", whole.resolved(obj))
    if is_json_schema and not whole.is_needed:
        return {name: value for name, value in plain.items() if name not in ("$defs", "definitions")}
    return plain


class _Whole:
    """A document whose parts refer to each other."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.is_needed = False
        self._known: dict[str, Any] = {}
        self._around: list[str] = []

    def resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolved(one) for one in cast("list[Any]", value)]
        if not isinstance(value, Mapping):
            return value
        members = cast("Mapping[str, Any]", value)
        beside = {name: self.resolved(one) for name, one in members.items() if name != "$ref"}
        reference = members.get("$ref")
        if reference is None:
            return beside
        target = self._target(reference) if isinstance(reference, str) else None
        if target is None:
            self.is_needed = True
            return {"$ref": reference, **beside}
        return {**cast("dict[str, Any]", target), **beside} if isinstance(target, dict) else target

    def _target(self, reference: str) -> Any:
        """What a reference points to, itself resolved once; None for one that has to stay."""
        if reference in self._around or not reference.startswith("#/"):
            return None
        if reference not in self._known:
            self._around.append(reference)
            self._known[reference] = self.resolved(_at(self.root, reference))
            self._around.pop()
        return self._known[reference]


def _at(root: Any, reference: str) -> Any:
    """The value at a JSON pointer (RFC 6901), or None."""
    here: Any = root
    for part in reference[2:].split("/"):
        name = re.sub("~[01]", lambda match: "~" if match.group() == "~0" else "/", unquote(part))
        if isinstance(here, Mapping):
            here = cast("Mapping[str, Any]", here).get(name)
        elif isinstance(here, list) and name.isdecimal() and int(name) < len(cast("list[Any]", here)):
            here = cast("list[Any]", here)[int(name)]
        else:
            return None
    return here
