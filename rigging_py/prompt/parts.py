"""Images and other content parts on their way through the text of a prompt, and the message that holds both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, cast

from rigging_py.message import AnyContent, ContentText, Message


def is_said(part: AnyContent) -> bool:
    """Whether a part is words, which are shown, and nothing that is sent as it is."""
    return part.type in ("text", "reasoning")


class Parts:
    """The parts of one prompt. Each leaves a mark in the text, by which the text is cut up when it is whole.

    Marks hold a word that nobody can know beforehand, so no argument can be taken for one.
    """

    def __init__(self) -> None:
        self._by_mark: dict[str, AnyContent] = {}
        self._word = ""

    def mark(self, part: AnyContent) -> str:
        """What stands for `part` in the text."""
        self._word = self._word or token_hex(8)
        mark = f"[{part.type} {self._word} {len(self._by_mark)}]"
        self._by_mark[mark] = part
        return mark

    def stand_in(self, value: object) -> object:
        """`value` for a template: a part prints its mark, in lists and mappings too; all else is as it was."""
        if isinstance(value, AnyContent):
            return value if is_said(value) else _StandIn(value, self.mark(value))
        if type(value) is dict:
            return {key: self.stand_in(one) for key, one in cast("Mapping[object, object]", value).items()}
        if type(value) in (list, tuple):
            items = map(self.stand_in, cast("list[object]", value))
            return list(items) if type(value) is list else tuple(items)
        return value

    def text(self, marked: str) -> str:
        """The text for people, with `[image_url]` and the like where parts are."""
        return "".join(
            f"[{self._by_mark[piece].type}]" if piece in self._by_mark else piece for piece in self._cut(marked)
        )

    def message(self, marked: str) -> Message:
        """The text and the parts, in the order of the text."""
        if not self._by_mark:
            return Message.of("user", marked)
        # Providers refuse parts of blanks alone.
        pieces = [piece for piece in self._cut(marked) if piece.strip()]
        return Message("user", [self._by_mark.get(piece) or ContentText(text=piece) for piece in pieces])

    def _cut(self, marked: str) -> list[str]:
        if not self._by_mark:
            return [marked]
        return re.split(f"({'|'.join(map(re.escape, self._by_mark))})", marked)


class _StandIn:
    """A part in a template: its members are the part's, and printed it is its mark."""

    def __init__(self, part: AnyContent, mark: str) -> None:
        self._part, self._mark = part, mark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._part, name)

    def __repr__(self) -> str:
        return self._mark
