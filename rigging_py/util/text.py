"""Texts made shorter or spelled another way, and lists made flat."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, cast

from rigging_py.parsing import to_xml_tag

_CDATA = {"&lt;![CDATA[": "<![CDATA[", "]]&gt;": "]]>"}
_JOINERS = "\u200c\u200d"
"""Parts of words and of emoji, which hide nothing."""


def to_snake(text: str) -> str:
    """A name in snake case: `FunFact` and `fun-fact` give `fun_fact`."""
    return to_xml_tag(text).replace("-", "_")


def unescape_cdata_tags(text: str) -> str:
    """`text` with the marks around CDATA as they were before somebody escaped them; everything else stays."""
    for escaped, mark in _CDATA.items():
        text = text.replace(escaped, mark)
    return text


def plain(text: str, *, keep: str = "\n\t") -> str:
    """Text of others as people may be shown it: what moves the cursor, changes colours, turns text around or cannot be
    seen is an escape such as `\\x1b`. Of such characters those to `keep` stay, lines and tabs where nothing is said.
    """
    if text.isprintable():
        return text
    return "".join(one if one in keep or _is_seen(one) else ascii(one)[1:-1] for one in text)


def _is_seen(character: str) -> bool:
    if character.isprintable() or character in _JOINERS:
        return True
    # Blanks of other scripts, and what is newer than Python's tables, such as emoji; what is behind them is all tags.
    return unicodedata.category(character) in ("Zs", "Cn") and character < "\U000e0000"


def truncate_string(text: str, max_length: int, *, suf: str = "...") -> str:
    """At most `max_length` characters of `text`: its beginning, then `suf`, where that fits."""
    if len(text) <= max_length:
        return text
    if max_length <= len(suf):
        return text[: max(max_length, 0)]
    return text[: max_length - len(suf)] + suf


def shorten_string(text: str, max_length: int, *, sep: str = "...") -> str:
    """At most `max_length` characters of `text`: its beginning and its end with `sep` between, where that fits."""
    if len(text) <= max_length:
        return text
    kept = max_length - len(sep)
    if kept < 2:  # there is no room for both ends
        return text[: max(max_length, 0)]
    return text[: kept - kept // 2] + sep + text[-(kept // 2) :]


def shorten_text(text: str, max_lines: int | None = None, max_chars: int | None = None, *, sep: str = "...") -> str:
    """The first and the last of the lines of `text`, `max_lines` of them and a line of `sep` between.

    What is left is then shortened to `max_chars` characters as `shorten_string` does it.
    """
    lines = text.splitlines()
    if max_lines is not None and len(lines) > max_lines:
        last = max(max_lines, 0) // 2
        text = "\n".join([*lines[: max(max_lines, 0) - last], sep, *lines[len(lines) - last :]])
    return text if max_chars is None else shorten_string(text, max_chars, sep=sep)


def flatten_list(nested: Iterable[Any]) -> list[Any]:
    """What is in `nested` and in the lists inside of it at any depth, in their order; tuples stay as they are."""
    flat: list[Any] = []
    waiting = [iter(nested)]
    while waiting:
        for one in waiting[-1]:
            if isinstance(one, list):
                waiting.append(iter(cast("list[Any]", one)))
                break
            flat.append(one)
        else:
            waiting.pop()
    return flat
