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

CDATA_OPEN, CDATA_CLOSE = "<![CDATA[", "]]>"
DEPTH_LIMIT = 64
"""Levels of elements in one element that are read; what is deeper is left out. Every level reads its text once more."""
NAME = re.compile(r"[^\W\d][\w.:-]*+")
"""What an attribute may be called."""
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# Looking behind, since a long name would else be tried from each of its characters.
_ATTRIBUTE = re.compile(rf"""(?<![\w.:-])({NAME.pattern})\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")


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
        """What stands between the tags, as it is written."""
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
    """What the text between two tags says: CDATA to the letter, entities resolved elsewhere, dedented, stripped."""
    if CDATA_OPEN in inner:
        inner = "".join(piece if is_inside else unescape(piece) for is_inside, piece in _cut_at_cdata(inner))
    else:
        inner = unescape(inner)
    return (textwrap.dedent(inner) if "\n" in inner else inner).strip()


def _cut_at_cdata(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of `text`, and whether each stood in CDATA; an unclosed opening is text."""
    position = 0
    while (start := text.find(CDATA_OPEN, position)) >= 0:
        stop = text.find(CDATA_CLOSE, start + len(CDATA_OPEN))
        if stop < 0:
            break
        yield False, text[position:start]
        yield True, text[start + len(CDATA_OPEN) : stop]
        position = stop + len(CDATA_CLOSE)
    yield False, text[position:]


def read_attributes(raw: str) -> dict[str, str]:
    """The attributes of an opening tag, by name."""
    return {name: unescape(double or single) for name, double, single in _ATTRIBUTE.findall(raw)}


@lru_cache(maxsize=512)
def tokens(names: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for the tags of these names; no token reaches past the next `<`, which keeps every scan linear."""
    name = "|".join(map(re.escape, names))
    attributes = r"""(\s(?:[^<>"'/]|"[^"<]*+"|'[^'<]*+'|/(?!>))*+)?"""
    return re.compile(rf"<(?:(!\[CDATA\[)|/({name})\s*+>|({name}){attributes}(/)?>)")


def elements(text: str, names: Sequence[str]) -> list[Found]:
    """Every closed element of these names, nested ones too, in the order they close.

    A closing tag belongs to the nearest open one of its name; tags without a partner are text, and so is what stands in
    CDATA inside an element.
    """
    pattern = tokens(tuple(names))
    open_tags: dict[str, list[re.Match[str]]] = {}
    open_count = 0
    found: list[Found] = []
    last_close = text.rfind(CDATA_CLOSE)
    position = 0
    while token := pattern.search(text, position):
        position = token.end()
        cdata, closes, opens, attributes, is_empty = token.groups()
        if cdata:
            # Outside every element it is chatter, and so it is when nothing closes it.
            if open_count and position <= last_close:
                position = text.find(CDATA_CLOSE, position) + len(CDATA_CLOSE)
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
