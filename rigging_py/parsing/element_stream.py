"""The elements of one kind in a text that is still arriving: each as a whole value when it closes, and what the open
one shows so far.

An element that closes is read by its codec like any other, so what is handed out here is what reading the whole finds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from rigging_py.parsing.codec import LeafCodec, TaggedCodec, is_empty_element
from rigging_py.parsing.extract import CDATA_CLOSE, CDATA_OPEN, DEPTH_LIMIT, read_attributes, read_text, unescape
from rigging_py.parsing.growing import Fields, Growing, Items, Words
from rigging_py.parsing.json_stream import JsonStream, shows_done
from rigging_py.parsing.lenient import branches_of
from rigging_py.parsing.model_plan import ModelPlan, Slot, Slots, model_plan_of
from rigging_py.parsing.plan import plan_of
from rigging_py.parsing.shape import Element
from rigging_py.parsing.tag_stream import Piece, TagStream

ElementCodec: TypeAlias = LeafCodec[Any] | TaggedCodec[Any]
_HALF_ENTITY = re.compile(r"&(?:[a-z]{0,4}|#\d{0,7}|#x[0-9a-fA-F]{0,6})$")
_LONGEST_ENTITY = 11
_LIMITS = {"enum", "const", "pattern", "format"}


@dataclass(frozen=True, slots=True)
class Closed:
    """An element that has closed: its value, or what is wrong with it."""

    value: Any
    is_empty: bool


class View(Protocol):
    """What an open element shows."""

    has_news: bool

    @property
    def drafts(self) -> int:
        """As for `ElementStream`."""
        ...

    @property
    def growing(self) -> Growing | None:
        """What is there so far, or None where that is shown when it is whole."""
        ...

    def take(self, piece: Piece) -> None:
        """`piece` comes next between the tags."""
        ...


class ElementStream:
    """Elements in the order they close, those alone that reading the whole text would find.

    Attributes:
        growing: what the open element shows.
        drafts: how many elements that showed something as done came to nothing or to something else.
        has_news: whether there is something to show that was not there when this was last set to False.
    """

    def __init__(self, codec: ElementCodec) -> None:
        self._codec = codec
        self._tag = codec.element.tag
        names = list(_tags(codec.element))
        self._tags = TagStream(tuple(dict.fromkeys(names)))
        self._holds_itself = self._tag in names[1:]
        self._raw: list[str] | None = None
        self._depth = 0
        self._view: View | None = None
        self._drafts = 0
        self.has_news = False

    @property
    def growing(self) -> Growing | None:
        return self._view.growing if self._view is not None else None

    @property
    def drafts(self) -> int:
        return self._drafts + (self._view.drafts if self._view is not None else 0)

    def feed(self, text: str) -> Iterator[Closed]:
        """The elements that `text` closes."""
        for piece in self._tags.feed(text):
            if piece.tag == self._tag and self._is_own(piece):
                yield from self._own(piece)
            elif self._raw is not None and self._view is not None:
                self._raw.append(piece.raw)
                self._view.take(piece)
                self.has_news |= self._view.has_news
                self._view.has_news = False

    def _is_own(self, piece: Piece) -> bool:
        """Whether a tag of this name is that of the element looked for, and not of one of the same name inside it."""
        if not self._holds_itself:
            return True
        before = self._depth
        self._depth += {"open": 1, "close": -1}.get(piece.kind, 0)
        return (before if piece.kind != "close" else self._depth) == 0

    def _own(self, piece: Piece) -> Iterator[Closed]:
        if piece.kind == "open":
            self._drop()
            self._raw, self._view = [piece.raw], view_of(self._codec, piece)
            self.has_news |= self._view.growing is not None
        elif piece.kind == "empty":
            self._drop()
            yield self._read(piece.raw, None)
        elif self._raw is not None:
            raw, view = "".join([*self._raw, piece.raw]), self._view
            self._raw = self._view = None
            self._drafts += view.drafts if view is not None else 0
            yield self._read(raw, view.growing if view is not None else None)

    def _drop(self) -> None:
        """What has begun comes to nothing: the element begins anew inside it."""
        if self._view is not None:
            self._drafts += self._view.drafts + shows_done(self._view.growing)
            self.has_news |= self._view.growing is not None
        self._raw = self._view = None

    def _read(self, raw: str, growing: Growing | None) -> Closed:
        closed = read_element(self._codec, raw)
        self._drafts += disagrees(growing, closed.value)
        self.has_news = True
        return closed


def read_element(codec: ElementCodec, raw: str) -> Closed:
    """The value of one whole element."""
    found = codec.candidates(raw)
    value = found[0][0] if found else ValueError(f"{raw!r} is not read as an element")
    return Closed(value, is_empty_element(raw, codec.element.tag))


def disagrees(growing: Growing | None, value: object) -> bool:
    """Whether something was shown as done that is not so in the whole value."""
    if growing is None or not shows_done(growing):
        return False
    return isinstance(value, Exception) or not growing.agrees(value)


def _tags(element: Element) -> Iterator[str]:
    yield element.tag
    for child in element.content if isinstance(element.content, tuple) else ():
        yield from _tags(child)


def view_of(codec: ElementCodec, opening: Piece) -> View:
    """What an element of `codec` shows that opens with this tag."""
    if isinstance(codec, TaggedCodec):
        return ModelView(model_plan_of(codec.model), opening)
    if codec.is_json:
        return JsonView(codec)
    return TextView(shows_text(codec))


def shows_text(codec: LeafCodec[Any]) -> bool:
    """Whether a part of the value is of use: any text will do, and not one of several words or of some form."""
    return any(one.get("type") == "string" and not _LIMITS & one.keys() for one in branches_of(codec.schema))


class TextView:
    """Plain text between two tags. Half an entity is held back."""

    drafts = 0

    def __init__(self, is_shown: bool) -> None:
        self.growing: Words | None = Words(read_text) if is_shown else None
        self._half = ""
        self.has_news = False

    def take(self, piece: Piece) -> None:
        if self.growing is None:
            return
        words, self._half = (piece.raw, "") if piece.kind == "cdata" else _whole_entities(self._half + piece.raw)
        if words:
            self.growing.add(words)
        self.has_news |= bool(words.strip())


def _whole_entities(text: str) -> tuple[str, str]:
    """`text` up to the entity that it may end in the middle of, and that."""
    start = text.rfind("&", -_LONGEST_ENTITY)
    if start >= 0 and _HALF_ENTITY.match(text, start):
        return text[:start], text[start:]
    return text, ""


class JsonView:
    """A JSON document between two tags."""

    def __init__(self, codec: LeafCodec[Any]) -> None:
        self._json = JsonStream(plan_of(codec.kind), "{[")
        self._half = ""
        self._is_over = False
        self.has_news = False

    @property
    def drafts(self) -> int:
        return self._json.drafts

    @property
    def growing(self) -> Growing | None:
        return self._json.root

    def take(self, piece: Piece) -> None:
        if piece.kind == "cdata":
            words, self._half = piece.raw[len(CDATA_OPEN) : -len(CDATA_CLOSE)], ""
        else:
            words, self._half = _whole_entities(self._half + piece.raw)
            words = unescape(words)
        if not self._is_over:
            self._is_over = bool(next(self._json.feed(words), None))
            self.has_news, self._json.has_news = self._json.has_news, False


class _Frame:
    """A child that is open: its text so far, what it shows, the children it may have, and where its value goes."""

    def __init__(self, opening: Piece, slot: Slot, owner: Fields) -> None:
        self.tag, self.slot, self.owner = opening.tag, slot, owner
        self.raw = [opening.raw]
        self.text: TextView | None = None
        self.fields = owner
        self.children: Slots = slot.inside
        if isinstance(slot.codec, TaggedCodec):
            plan = model_plan_of(slot.codec.model)
            self.fields, self.children = fields_of_tag(plan, opening), plan.children
            if plan.text is not None and plan.text.codec is not None:
                self.text = TextView(isinstance(plan.text.codec, LeafCodec) and shows_text(plan.text.codec))
                _show_text(self.fields, plan.text.name, self.text)
        elif slot.codec is not None:
            self.text = TextView(shows_text(slot.codec))

    @property
    def growing(self) -> Growing | None:
        if isinstance(self.slot.codec, TaggedCodec):
            return self.fields
        return self.text.growing if self.text is not None else None

    @property
    def is_leaf(self) -> bool:
        return self.text is not None


def fields_of_tag(plan: ModelPlan, opening: Piece) -> Fields:
    """The fields of a model of which the opening tag is there: those in its attributes are done."""
    fields = Fields(marks=plan.marks)
    written = read_attributes(opening.attributes) if plan.attributes and opening.attributes else {}
    for key, slot in plan.attributes.items():
        if key in written and isinstance(slot.codec, LeafCodec):
            value = slot.codec.value(written[key])
            if not isinstance(value, Exception):
                fields.finish(slot.name, value)
    return fields


def _show_text(fields: Fields, name: str, text: TextView) -> None:
    if text.growing is not None:
        fields.begun[name] = text.growing


class ModelView:
    """A model between its tags: its children are shown as they open and read as they close."""

    def __init__(self, plan: ModelPlan, opening: Piece) -> None:
        self._root = fields_of_tag(plan, opening)
        self._children = plan.children
        self._text: TextView | None = None
        if plan.text is not None and isinstance(plan.text.codec, LeafCodec):
            self._text = TextView(shows_text(plan.text.codec))
            _show_text(self._root, plan.text.name, self._text)
        self._frames: list[_Frame] = []
        self._deeper: Counter[str] = Counter()
        """Open tags below the last level that is read, which are words."""
        self.drafts = 0
        self.has_news = False

    @property
    def growing(self) -> Growing:
        return self._root

    def take(self, piece: Piece) -> None:
        if self._is_too_deep(piece):
            self._note(piece)
        elif piece.kind == "close" and (depth := self._depth_of(piece.tag)) is not None:
            self._note(piece)
            self._abandon(depth + 1)
            frame = self._frames.pop()
            self._deeper.clear()
            self._deliver(frame, piece)
        elif piece.kind in ("open", "empty") and (slot := self._slot_of(piece.tag)) is not None:
            self._note(piece)
            self._begin(piece, slot)
        else:
            self._note(piece)
            self._say(piece)

    def _is_too_deep(self, piece: Piece) -> bool:
        if len(self._frames) < DEPTH_LIMIT or self._frames[-1].is_leaf:
            return False
        if piece.kind == "open":
            self._deeper[piece.tag] += 1
        elif piece.kind == "close" and self._deeper[piece.tag] > 0:
            self._deeper[piece.tag] -= 1
        else:
            return piece.kind == "empty"
        return True

    def _note(self, piece: Piece) -> None:
        for frame in self._frames:
            frame.raw.append(piece.raw)

    def _depth_of(self, tag: str) -> int | None:
        return next((at for at in reversed(range(len(self._frames))) if self._frames[at].tag == tag), None)

    def _slot_of(self, tag: str) -> Slot | None:
        """The child that a tag opens here. In a text its own tag begins it anew, and all others are words."""
        if not self._frames:
            return self._children.get(tag) if self._text is None else None
        frame = self._frames[-1]
        if frame.is_leaf:
            return frame.slot if frame.tag == tag else None
        return frame.children.get(tag)

    def _begin(self, piece: Piece, slot: Slot) -> None:
        if self._frames and self._frames[-1].is_leaf:
            self._abandon(len(self._frames) - 1)
        frame = _Frame(piece, slot, self._frames[-1].fields if self._frames else self._root)
        if piece.kind == "empty":
            self._deliver(frame, piece)
            return
        self._frames.append(frame)
        growing = frame.growing
        if growing is not None and slot.codec is not None:
            self._show(frame, growing)

    def _show(self, frame: _Frame, growing: Growing) -> None:
        name, owner = frame.slot.name, frame.owner
        if frame.slot.is_many:
            _items(owner, name).begun = growing
        elif name not in owner.done:
            owner.begun[name] = growing
        self.has_news = True

    def _say(self, piece: Piece) -> None:
        text = self._frames[-1].text if self._frames else self._text
        if text is not None:
            text.take(piece)
            self.has_news |= text.has_news
            text.has_news = False

    def _abandon(self, depth: int) -> None:
        """The frames from `depth` in never closed: their tags were words."""
        for frame in self._frames[depth:]:
            if frame.slot.codec is None:
                continue
            self.drafts += shows_done(frame.growing)
            self.has_news = True
            if frame.slot.is_many:
                _items(frame.owner, frame.slot.name).begun = None
            else:
                frame.owner.begun.pop(frame.slot.name, None)
        del self._frames[depth:]

    def _deliver(self, frame: _Frame, closing: Piece) -> None:
        """A child has closed: its value goes where it belongs, unless it is invalid or says that there is none."""
        codec, name = frame.slot.codec, frame.slot.name
        if codec is None:
            return
        closed = read_element(codec, _renamed("".join(frame.raw), frame.tag, closing, codec))
        self.drafts += disagrees(frame.growing, closed.value)
        self.has_news = True
        if frame.slot.is_many:
            _items(frame.owner, name).finish(closed.value, frame.tag, is_empty=closed.is_empty)
        elif isinstance(closed.value, Exception) or (closed.is_empty and codec.is_optional):
            frame.owner.begun.pop(name, None)
        else:
            frame.owner.finish(name, closed.value)


def _items(owner: Fields, name: str) -> Items:
    found = owner.begun.get(name)
    if not isinstance(found, Items):
        found = owner.begun[name] = Items()
    return found


def _renamed(raw: str, tag: str, closing: Piece, codec: ElementCodec) -> str:
    """An element with the tag that its class has, where its field gave it another."""
    own = codec.element.tag
    if tag == own:
        return raw
    rest = raw[1 + len(tag) :]
    return f"<{own}{rest}" if closing.kind == "empty" else f"<{own}{rest[: -len(closing.raw)]}</{own}>"
