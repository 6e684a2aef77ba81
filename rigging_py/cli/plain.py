"""Text of others, made harmless: nothing that a model or a tool said moves a cursor, hides a line or is markup."""

from __future__ import annotations

LONG = 100
"""Characters of an excerpt."""


def plain(text: str, keep: str = "") -> str:
    """The text with every character that is not printable, and is not one to `keep`, as an escape such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else _escape(one) for one in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def one_line(text: str) -> str:
    """The text on one line, with each run of white space as one space."""
    return plain(" ".join(text.split()))


def excerpt(text: str, limit: int = LONG) -> str:
    """The beginning of a text, on one line."""
    # Only as much as can be shown is looked at, whatever its length is.
    begun = one_line(text[: 4 * limit])
    is_whole = len(text) <= 4 * limit and len(begun) <= limit
    return begun if is_whole else f"{begun[: limit - 1]}…"


def paragraphs(text: str) -> str:
    """The text with its lines and tabs."""
    return plain(text, keep="\n\t")
