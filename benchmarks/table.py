"""Prints what was measured."""

from __future__ import annotations

from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table: the first column to the left, numbers to the right."""
    lines = [columns, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    print(f"\n{title}")
    for line in lines:
        first, *others = (
            text.ljust(width) if not index else text.rjust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  " + "   ".join([first, *others]).rstrip())
