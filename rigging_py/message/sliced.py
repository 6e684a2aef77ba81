"""What a message can do with its text and the slices of it: read, mark, edit and take out.

Every edit is one of `Sliced.edit`: it keeps the order of the parts, and each other slice on its own text.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from rigging_py.error import MessageWarning
from rigging_py.message.content import AnyContent, ContentReasoning, ContentText
from rigging_py.message.edits import Edit, difference, edited, laid_out, mover
from rigging_py.message.marking import Target, is_model, matches
from rigging_py.message.slices import MessageSlice, SliceType

if TYPE_CHECKING:
    from rigging_py.model import Model

_TYPES = ("tool_call", "tool_response", "model", "other")


class Sliced:
    """The text of a message and its slices."""

    if TYPE_CHECKING:
        content_parts: list[Any]
        slice_refs: list[MessageSlice] | None

        def clone(self) -> Self:
            """A copy."""
            ...

    # The text.

    @property
    def content(self) -> str:
        """The text: its text parts joined by line ends, blank ones left out; slices count in it.

        Set, it keeps every part that does not change, and the slices whose text is still there.
        """
        parts = self.content_parts
        if len(parts) == 1 and isinstance(parts[0], ContentText):
            return parts[0].text
        texts = [part.text for part in parts if isinstance(part, ContentText)]
        return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text.strip())

    @content.setter
    def content(self, text: str) -> None:
        old, slices = self.content, self.slice_refs or []
        lost = {id(one): one.content for one in slices}
        self.edit(difference(old, text))
        kept = {id(one) for one in self.slice_refs or []}
        for one in slices:
            # One that the comparison of positions lost can be told by its text where there is only one such text.
            said = lost[id(one)]
            if id(one) not in kept and said and old.count(said) == text.count(said) == 1:
                one.start, one.stop = text.index(said), text.index(said) + len(said)
                self._add(one)

    def edit(self, edits: Sequence[Edit], *, grows: bool = False) -> None:
        """Changes ranges of `content`, given in order and apart from each other.

        Slices go along with their text. One whose text changes is taken off; with `grows` it marks the new text, where
        the change was inside of it.
        """
        if not edits:
            return
        places = self._places()
        text = edited(self.content, edits)
        laid = laid_out([self.content_parts[place].text for place in places], edits) if places else [text]
        self._lay(places or [self._first_place()], laid)
        self.move_slices(edits, grows=grows)

    def move_slices(self, edits: Sequence[Edit], *, grows: bool = False) -> None:
        """Takes the slices to where their text is after `edits`, which were made."""
        held: list[MessageSlice] = []
        moved = mover(edits, grows=grows)
        for one in self.slice_refs or ():
            place = moved(one.start, one.stop)
            if place is not None:
                one.start, one.stop = place
                held.append(one)
        self._hold(held)

    def join(self, other: Sliced) -> None:
        """Puts the parts of another message at the end, with copies of its slices."""
        self.content_parts = [*self.content_parts, *other.content_parts]
        offset = len(self.content) - len(other.content)
        copies = [one.clone() for one in other.slice_refs or ()]
        for one in copies:
            one.start, one.stop = one.start + offset, one.stop + offset
        self._add_all(copies)

    def edit_slice(self, slice_: MessageSlice, text: str) -> None:
        """Puts `text` in place of what a slice of this message marks, and the slice on it."""
        start = slice_.start
        self.edit([Edit(start, slice_.stop, text)], grows=True)
        slice_.start, slice_.stop = start, start + len(text)

    def _places(self) -> list[int]:
        """The parts whose text is in `content`."""
        texts = [index for index, part in enumerate(self.content_parts) if isinstance(part, ContentText)]
        shown = [index for index in texts if self.content_parts[index].text.strip()]
        return texts if len(texts) == 1 else shown

    def _first_place(self) -> int:
        """Where text goes that is the first of the message: an empty part there, after what was thought."""
        is_thought = [isinstance(part, ContentReasoning) for part in self.content_parts]
        place = next((index for index, thought in enumerate(is_thought) if not thought), len(is_thought))
        self.content_parts = [*self.content_parts[:place], ContentText(text=""), *self.content_parts[place:]]
        return place

    def _lay(self, places: Sequence[int], texts: Sequence[str]) -> None:
        new = dict(zip(places, texts, strict=True))
        is_blank = not "".join(texts).strip()
        parts: list[AnyContent] = []
        for index, part in enumerate(self.content_parts):
            if new.get(index):
                is_same = part.text == new[index]
                parts.append(part if is_same else part.model_copy(update={"text": new[index]}))
            # Blank text shows only where there is no other.
            elif index not in new and not (is_blank and isinstance(part, ContentText)):
                parts.append(part)
        self.content_parts = parts

    # Its slices.

    @property
    def slices(self) -> list[MessageSlice]:
        """The marked ranges of the text, in the order they were marked. Set, they are put on this message.

        A slice of another message is copied, and one that marks no text of this one is left out with a warning.
        """
        return list(self.slice_refs or ())

    @slices.setter
    def slices(self, slices: Iterable[MessageSlice]) -> None:
        new = [one if one.message is None or one.message is self else one.clone() for one in slices]
        length = len(self.content) if new else 0
        for one in new:
            if one.stop > length:
                said = f"There is no text from {one.start} to {one.stop}; the message has {length} characters."
                warnings.warn(f"{said} The slice was left out.", MessageWarning, stacklevel=2)
        self._hold([one for one in new if one.stop <= length])

    @property
    def models(self) -> list[Model]:
        """The models that were read out of the text or put into it, in its order."""
        return [one.obj for one in self.iter_slices() if is_model(one.obj)]

    def find_slices(
        self,
        slice_type: SliceType | None = None,
        filter_fn: Callable[[MessageSlice], bool] | None = None,
        *,
        reverse: bool = False,
    ) -> list[MessageSlice]:
        """The slices of a type that `filter_fn` says yes to, in the order of the text."""
        return [one for one in self.iter_slices(slice_type, reverse=reverse) if filter_fn is None or filter_fn(one)]

    def get_slice(
        self, slice_type: SliceType | None = None, *, select: Literal["first", "last"] = "first"
    ) -> MessageSlice | None:
        """The first or last slice of a type in the text, or None."""
        return next(self.iter_slices(slice_type, reverse=select == "last"), None)

    def iter_slices(
        self, slice_type: SliceType | Iterable[SliceType] | None = None, *, reverse: bool = False
    ) -> Iterator[MessageSlice]:
        """The slices of one type or several, in the order of the text."""
        types = {slice_type} if isinstance(slice_type, str) else _TYPES if slice_type is None else {*slice_type}
        found = [one for one in self.slice_refs or () if one.type in types]
        return iter(sorted(found, key=lambda one: one.start, reverse=reverse))

    # Marking.

    def append_slice(
        self,
        content: str | Model,
        slice_type: SliceType | None = None,
        *,
        obj: Any = None,
        metadata: dict[str, Any] | None = None,
    ) -> MessageSlice:
        """Adds a text part, or the text of a model, and returns the slice that marks it.

        Blank text is not added, with a warning, and its slice marks nothing.
        """
        text, kind, obj = _told(content, slice_type, obj)
        if not text.strip():
            warnings.warn("A blank text is not part of a message, so none was added.", MessageWarning, stacklevel=2)
            text = ""
        elif not self.content.strip():
            self._hold([])
        self.content_parts = [*self.content_parts, *([ContentText(text=text)] if text else [])]
        stop = len(self.content)
        return self._add(MessageSlice(kind, obj, stop - len(text), stop, metadata))

    def replace_with_slice(
        self,
        content: str | Model,
        slice_type: SliceType | None = None,
        *,
        obj: Any = None,
        metadata: dict[str, Any] | None = None,
    ) -> MessageSlice:
        """Puts a text, or the text of a model, in place of all text and slices, and returns the slice that marks it."""
        text, kind, obj = _told(content, slice_type, obj)
        self._hold([])
        self.edit([Edit(0, len(self.content), text)])
        return self._add(MessageSlice(kind, obj, 0, len(text), metadata))

    @overload
    def mark_slice(
        self,
        target: Target,
        slice_type: SliceType | None = None,
        *,
        obj: Any = None,
        metadata: dict[str, Any] | None = None,
        select: Literal["first", "last"] = "first",
        case_sensitive: bool = True,
    ) -> MessageSlice | None: ...
    @overload
    def mark_slice(
        self,
        target: Target,
        slice_type: SliceType | None = None,
        *,
        obj: Any = None,
        metadata: dict[str, Any] | None = None,
        select: Literal["all"],
        case_sensitive: bool = True,
    ) -> list[MessageSlice]: ...
    def mark_slice(
        self,
        target: Target,
        slice_type: SliceType | None = None,
        *,
        obj: Any = None,
        metadata: dict[str, Any] | None = None,
        select: Literal["first", "last", "all"] = "first",
        case_sensitive: bool = True,
    ) -> MessageSlice | list[MessageSlice] | None:
        """Marks every place of `target` in the text, and returns the first, the last or all of the slices.

        `target` is a text, a range `(start, stop)`, `"*"` or -1 for all of the text, a pattern, or a `Model` class. A
        place that is marked as this type already is not marked again. An empty text and a range without text mark
        nothing, and warn.
        """
        if select not in ("first", "last", "all"):
            raise ValueError(f"select is 'first', 'last' or 'all'; not {select!r}.")
        kind = slice_type or ("model" if isinstance(target, type) or is_model(obj) else "other")
        marked = self._add_all(
            MessageSlice(kind, obj if obj is not None else found.obj, found.start, found.stop, metadata)
            for found in matches(self.content, target, case_sensitive=case_sensitive)
        )
        if select == "all":
            return marked
        return None if not marked else marked[-1 if select == "last" else 0]

    def remember(self, found: Iterable[tuple[Any, slice]]) -> None:
        """Marks where models were read."""
        models = [(value, place) for value, place in found if is_model(value)]
        self._add_all(
            MessageSlice("model", value, place.start, place.stop, {"model_type": type(value).__name__})
            for value, place in models
        )

    def remove_slices(self, *slices: MessageSlice | SliceType | str | type[Any]) -> list[MessageSlice]:
        """Takes slices off together with their text, and blanks around the rest; returns them, detached.

        Each is named as itself, by its type, by its text in any letter case, or by the class of its `obj`.
        """
        taken = [one for one in self.iter_slices() if any(self._is_meant(one, named) for named in slices)]
        if not taken:
            return []
        off = {id(one) for one in taken}
        self._hold([one for one in self.slice_refs or () if id(one) not in off])
        self.edit([Edit(start, stop, "") for start, stop in _united(taken)], grows=True)
        self._drop_empty()
        rest = self.content
        start, stop = len(rest) - len(rest.lstrip()), len(rest.rstrip())
        around = [Edit(0, start, "")] * (start > 0) + [Edit(stop, len(rest), "")] * (start < stop < len(rest))
        self.edit(around, grows=True)
        return taken

    # Shorter copies.

    def truncate(self, max_length: int, suffix: str = "\n[truncated]") -> Self:
        """A clone whose text has at most `max_length` characters, the last of them `suffix` where it was longer."""
        return self._cut(max_length, suffix, at_end=True)

    def shorten(self, max_length: int, sep: str = "...") -> Self:
        """A clone whose text has at most `max_length` characters, with `sep` for the middle where it was longer."""
        return self._cut(max_length, sep, at_end=False)

    def _cut(self, max_length: int, mark: str, *, at_end: bool) -> Self:
        if max_length < 0:
            raise ValueError(f"A text has no fewer than 0 characters; max_length is {max_length}.")
        other, length = self.clone(), len(self.content)
        if length > max_length:
            mark = mark if len(mark) <= max_length else ""
            kept = max_length - len(mark)
            tail = 0 if at_end or not mark else kept // 2
            other.edit([Edit(kept - tail, length - tail, mark)])
        return other

    # Keeping them.

    def _hold(self, slices: list[MessageSlice]) -> None:
        held = {id(one) for one in slices}
        for one in self.slice_refs or ():
            if id(one) not in held:
                one.attach(None)
        for one in slices:
            one.attach(self)
        self.slice_refs = slices or None

    def _add(self, new: MessageSlice) -> MessageSlice:
        return self._add_all([new])[0]

    def _add_all(self, new: Iterable[MessageSlice]) -> list[MessageSlice]:
        """The slice at each of these places: the new one where there was none."""
        there = {(one.start, one.stop, one.type): one for one in self.slice_refs or ()}
        held = [there.setdefault((one.start, one.stop, one.type), one) for one in new]
        self._hold([*there.values()])
        return held

    def _drop_empty(self) -> None:
        self._hold([one for one in self.slice_refs or () if len(one)])

    def _is_meant(self, one: MessageSlice, named: object) -> bool:
        if isinstance(named, MessageSlice):
            return one is named or (named.message is not self and one == named)
        if isinstance(named, str):
            return one.type == named if named in _TYPES else one.content.casefold() == named.casefold()
        return isinstance(named, type) and isinstance(one.obj, named)


def _told(content: str | Model, kind: SliceType | None, obj: Any) -> tuple[str, SliceType, Any]:
    if isinstance(content, str):
        return content, kind or ("model" if is_model(obj) else "other"), obj
    return content.to_pretty_xml(), kind or "model", content if obj is None else obj


def _united(slices: Sequence[MessageSlice]) -> Iterator[tuple[int, int]]:
    """The ranges of slices, in order, those that touch as one."""
    start, stop = slices[0].start, slices[0].stop
    for one in slices:
        if one.start > stop:
            yield start, stop
            start = one.start
        stop = max(stop, one.stop)
    yield start, stop
