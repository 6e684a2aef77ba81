"""Text of others on one line, made harmless: nothing that a model or a tool said moves a cursor or hides a line."""

from __future__ import annotations

from rigging_py.util.text import plain

LONG = 100
"""Characters of an excerpt."""


def one_line(text: str) -> str:
    """The text on one line, with each run of white space as one space."""
    return plain(" ".join(text.split()), keep="")


def excerpt(text: str, limit: int = LONG) -> str:
    """The beginning of a text, on one line."""
    # Only as much as can be shown is looked at, whatever its length is.
    begun = one_line(text[: 4 * limit])
    is_whole = len(text) <= 4 * limit and len(begun) <= limit
    return begun if is_whole else f"{begun[: limit - 1]}…"
