"""Where the texts of a conversation are in what a chat template makes of it.

The template is filled twice, the second time with marks around each text. So nothing is searched for: equal texts,
texts like the template's own words, and messages that it puts in another order are each found at their own place.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from rigging_py.message import Message
from rigging_py.message.edits import Edit, difference, mover

if TYPE_CHECKING:
    from rigging_py.chat import Chat

TokenSliceType = Literal["message", "tool_call", "tool_response", "model", "other"]
"""What a range of tokens is: the text of a message, or what a slice of it marks."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the message at `place`, without the white space around it, which templates may take away."""

    place: int
    start: int
    stop: int
    text: str
    type: TokenSliceType
    obj: Any
    metadata: dict[str, Any]


def texts_of(messages: Sequence[Message]) -> list[Said]:
    """The text of each message that has one, followed by those of its slices."""
    return [said for place, message in enumerate(messages) for said in _texts(place, message)]


def _texts(place: int, message: Message) -> list[Said]:
    content = message.content
    metadata = {**message.metadata, "role": message.role}
    whole = Said(place, 0, len(content), content, "message", message, metadata)
    inside = [
        Said(place, one.start, one.stop, content[one.slice_], one.type, one.obj, dict(one.metadata))
        for one in message.iter_slices()
    ]
    return [_stripped(said) for said in (whole, *inside) if said.text.strip()]


def _stripped(said: Said) -> Said:
    text = said.text.strip()
    start = said.start + said.text.index(text)
    return replace(said, start=start, stop=start + len(text), text=text)


def places_of(
    texts: Sequence[Said], chat: Chat, formatted: str, format_chat: Callable[[Chat], str]
) -> list[tuple[int, int] | None]:
    """Where each text is in the formatted chat; None for one that the template leaves out or changes."""
    # A name that no text can know, so that none can pretend to be a mark.
    name = uuid.uuid4().hex
    plain, marks = _without_marks(format_chat(_marked(chat, texts, name)), name)
    # They are equal, but for templates that look at how a text begins.
    moved = mover(difference(plain, formatted))

    def place(number: int, said: Said) -> tuple[int, int] | None:
        start, stop = marks.get(2 * number, 0), marks.get(2 * number + 1, 0)
        found = moved(start, stop) if start < stop else None
        return found if found and formatted[slice(*found)] == said.text else None

    return [place(number, said) for number, said in enumerate(texts)]


def _marked(chat: Chat, texts: Sequence[Said], name: str) -> Chat:
    """A copy of the chat with a mark before and after each text, with its number."""
    edits: list[list[Edit]] = [[] for _ in chat.all]
    for number, said in enumerate(texts):
        for mark, at in ((2 * number, said.start), (2 * number + 1, said.stop)):
            edits[said.place].append(Edit(at, at, f"\ue000{name}:{mark}\ue001"))
    messages = [_edited(message, each) for message, each in zip(chat.all, edits, strict=True)]
    asked = len(chat.messages)
    return chat.model_copy(update={"messages": messages[:asked], "generated": messages[asked:]})


def _edited(message: Message, edits: Iterable[Edit]) -> Message:
    other = message.shell()
    other.slices = []
    other.edit(sorted(edits, key=lambda edit: edit.start))
    return other


def _without_marks(text: str, name: str) -> tuple[str, dict[int, int]]:
    """The text without marks, and where they were, by number; of a text that was written twice, the first time."""
    pieces = re.split(f"\ue000{name}:(\\d+)\ue001", text)
    marks: dict[int, int] = {}
    for mark, place in zip(pieces[1::2], accumulate(map(len, pieces[::2])), strict=False):
        marks.setdefault(int(mark), place)
    return "".join(pieces[::2]), marks
