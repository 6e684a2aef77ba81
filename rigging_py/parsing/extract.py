"""Finds tagged elements in a model's free text, in time linear in the text.

Nothing here knows Python types: it answers where an element is and what its text says. It forgives what models
write (chatter, stray tags, bare `<` and `&`, CDATA) and it never lets a value open or close a tag.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_CDATA_OPEN, _CDATA_CLOSE = "<![CDATA[", "]]>"
_COMMENT_OPEN, _COMMENT_CLOSE = "<!--", "-->"
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ATTRIBUTE = re.compile(r"""([A-Za-z_][\w.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")
ANY_NAME = r"[A-Za-z_][\w.-]*"


@dataclass(frozen=True, slots=True)
class Found:
    """An element: offsets of the whole (`start`, `stop`) and of what is between its tags."""

    tag: str
    start: int
    stop: int
    inner_start: int
    inner_stop: int
    attributes: str = ""

    def inner(self, text: str) -> str:
        return text[self.inner_start : self.inner_stop]


def escape(text: str) -> str:
    """`text` with `&`, `<` and `>` as entities, so that it can neither open nor close a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_attribute(text: str) -> str:
    """As `escape`, and quotes and line ends too, for use between double quotes."""
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;").replace("\r", "&#13;")


def tagged(tag: str, text: str, **attributes: str) -> str:
    """An element that says `text`, over several lines where the text has several; everything in it is escaped."""
    inside = f"\n{escape(text)}\n" if "\n" in text else escape(text)
    given = "".join(f' {name}="{escape_attribute(value)}"' for name, value in attributes.items())
    return f"<{tag}{given}>{inside}</{tag}>"


def unescape(text: str) -> str:
    """`text` with the five named entities and character references resolved, once."""
    return _ENTITY.sub(_entity, text) if "&" in text else text


def _entity(match: re.Match[str]) -> str:
    name, decimal, hexadecimal = match.groups()
    if name:
        return _ENTITIES[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    is_character = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
    return chr(code) if is_character else match.group()


def read_text(inner: str) -> str:
    """What the text between two tags says: CDATA kept to the letter, entities resolved elsewhere, dedented, stripped."""
    pieces = _between(inner, _CDATA_OPEN, _CDATA_CLOSE)
    return textwrap.dedent("".join(piece if is_inside else unescape(piece) for is_inside, piece in pieces)).strip()


def _between(text: str, opening: str, closing: str) -> Iterator[tuple[bool, str]]:
    """`text` cut at its marked stretches: each piece, and whether it stood between the marks."""
    position = 0
    while (start := text.find(opening, position)) >= 0:
        stop = text.find(closing, start + len(opening))
        if stop < 0:
            break
        yield False, text[position:start]
        yield True, text[start + len(opening) : stop]
        position = stop + len(closing)
    yield False, text[position:]


def read_attributes(raw: str) -> dict[str, str]:
    """The attributes of an opening tag, by name."""
    return {name: unescape(double or single) for name, double, single in _ATTRIBUTE.findall(raw)}


def without_comments(text: str) -> str:
    """`text` without `<!-- … -->`; an unclosed one stays."""
    return "".join(piece for is_comment, piece in _between(text, _COMMENT_OPEN, _COMMENT_CLOSE) if not is_comment)


@lru_cache(maxsize=512)
def _tokens(names: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for the tags of these names; no token reaches past the next `<`, which keeps every scan linear."""
    name = "|".join(map(re.escape, names)) or ANY_NAME
    attributes = r"""(\s(?:[^<>"'/]|"[^"<]*+"|'[^'<]*+'|/(?!>))*+)?"""
    return re.compile(rf"<(?:(!\[CDATA\[)|/({name})\s*+>|({name}){attributes}(/)?>)")


def elements(text: str, names: Sequence[str], start: int = 0, stop: int | None = None) -> list[Found]:
    """Every closed element of these names in `text[start:stop]`, nested ones too, in the order they close.

    A closing tag belongs to the nearest open one of its name; tags without a partner are text.
    No names means all names.
    """
    stop = len(text) if stop is None else stop
    pattern = _tokens(tuple(names))
    open_tags: dict[str, list[re.Match[str]]] = {}
    open_count = 0
    found: list[Found] = []
    position = start
    while token := pattern.search(text, position, stop):
        position = token.end()
        cdata, closes, opens, attributes, is_empty = token.groups()
        if cdata:
            # Outside every element it is chatter, and so it is when nothing closes it.
            end = text.find(_CDATA_CLOSE, position, stop) if open_count else -1
            position = end + len(_CDATA_CLOSE) if end >= 0 else position
            if open_count and end < 0:
                pattern = _tokens_without_cdata(tuple(names))
        elif is_empty:
            found.append(Found(opens, token.start(), position, position, position, attributes or ""))
        elif opens:
            open_tags.setdefault(opens, []).append(token)
            open_count += 1
        elif partners := open_tags.get(closes):
            opening = partners.pop()
            open_count -= 1
            raw = opening.group(4) or ""
            found.append(Found(closes, opening.start(), position, opening.end(), token.start(), raw))
    return found


@lru_cache(maxsize=512)
def _tokens_without_cdata(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_tokens(names).pattern.replace(r"(!\[CDATA\[)", r"((?!))"))


def innermost(found: Iterable[Found]) -> list[Found]:
    """Those that hold none of the others, in text order. A stray opening tag or a wrapper of the same name so loses."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: f.stop):
        if not kept or kept[-1].start < one.start:
            kept.append(one)
    return kept


def outermost(found: Iterable[Found]) -> list[Found]:
    """Those that are in none of the others, in text order."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.stop)):
        if not kept or kept[-1].stop <= one.start:
            kept.append(one)
    return kept
