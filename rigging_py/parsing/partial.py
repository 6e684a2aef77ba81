"""`PartialReader`: shows what is known of a typed answer while its text arrives; `complete_items`: saves what a token
limit left of a list.

No input or output happens here: text goes in, `Partial`s come out, and the work is linear in the text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, cast

from pydantic import ValidationError

from rigging_py.error import UnparsedError
from rigging_py.parsing.codec import Codec, LeafCodec, ManyCodec, SeveralCodec, TaggedCodec
from rigging_py.parsing.element_stream import Closed, ElementStream
from rigging_py.parsing.growing import Fields, Growing, Items, Look, Partial, Seen, fields_of
from rigging_py.parsing.json_codec import RESULT, JsonCodec
from rigging_py.parsing.json_stream import JsonStream, shows_done
from rigging_py.parsing.parse import PARSE_ERRORS
from rigging_py.parsing.plan import plan_of

T = TypeVar("T")


class PartialReader(Generic[T]):
    """Reads one answer while it arrives.

    ```python
    reader = PartialReader(codec_of(Book))
    for text in stream:
        if (known := reader.feed(text)) is not None:
            show(known.get("title", str))
    known = reader.finish()
    ```
    """

    def __init__(self, codec: Codec[T] | JsonCodec[T], *, filling: object = None) -> None:
        """Reads for `codec`; `filling` stands for the members that the caller puts in itself.

        Raises `TypeError` for a codec that is none of this package's.
        """
        self._source = _source_of(codec, filling)
        self._pieces: list[str] = []
        self._shown: Partial[T] = Partial(_nothing)

    @property
    def partial(self) -> Partial[T]:
        """What is known so far."""
        return self._shown

    def feed(self, text: str) -> Partial[T] | None:
        """What is known now that `text` has come too, or None when that is no more than before."""
        self._pieces.append(text)
        self._source.feed(text)
        if not self._source.has_news:
            return None
        return self._show()

    def finish(self) -> Partial[T]:
        """What is known at the end of the text; lists are complete only now. `done` says whether it is a valid `T`."""
        self._source.finish("".join(self._pieces))
        return self._show()

    def _show(self) -> Partial[T]:
        self._source.has_news = False
        look = self._source.look()
        self._shown = Partial(look if look is not None else _nothing, self._source.done, self._source.drafts)
        return self._shown


def _nothing() -> Seen:
    return Seen()


class _Source(Protocol):
    """What reads one codec's value. `result` is the value once `done`."""

    has_news: bool
    done: bool
    result: Any

    @property
    def drafts(self) -> int: ...
    def feed(self, text: str) -> None: ...
    def finish(self, whole: str) -> None: ...
    def look(self) -> Look | None: ...


def _source_of(codec: Codec[Any] | JsonCodec[Any], filling: object) -> _Source:
    match codec:
        case LeafCodec() | TaggedCodec():
            return _One(cast("LeafCodec[Any]", codec))
        case ManyCodec():
            return _Many(codec)
        case SeveralCodec():
            return _Several(codec, filling)
        case JsonCodec():
            return _Document(codec)
        case _:
            raise TypeError(f"{codec!r} is no codec of this package; take one from codec_of or json_codec_of.")


class _One:
    """The first element that reads well; an empty text counts only when no other element does."""

    def __init__(self, codec: LeafCodec[Any] | TaggedCodec[Any]) -> None:
        self._codec, self._elements = codec, ElementStream(codec)
        self.has_news = self.done = False
        self.result: Any = None
        self._has_empty = False
        self._corrections = 0

    @property
    def drafts(self) -> int:
        return self._elements.drafts + self._corrections

    def feed(self, text: str) -> None:
        if self.done:
            return
        for closed in self._elements.feed(text):
            if not isinstance(closed.value, Exception) and closed.value != "":
                self.result, self.done, self.has_news = closed.value, True, True
                return
            self._has_empty |= closed.value == ""
        self.has_news |= self._elements.has_news
        self._elements.has_news = False

    def finish(self, whole: str) -> None:
        if self.done:
            return
        try:
            self.result, self.done = self._codec.read(whole), True
        except PARSE_ERRORS:
            return
        self._corrections += self.growing is not None and not self.growing.agrees(self.result)

    @property
    def growing(self) -> Growing | None:
        """What is there of an element that is open."""
        return self._elements.growing

    def look(self) -> Look | None:
        if self.done:
            result = self.result
            return lambda: result
        if self.growing is not None:
            return self.growing.look()
        return str if self._has_empty else None


class _Many:
    """Every element, as items."""

    def __init__(self, codec: ManyCodec[Any]) -> None:
        self.codec = codec
        self._elements = ElementStream(cast("LeafCodec[Any]", codec.item))
        self.items = Items()
        self.has_news = self.done = False
        self.result: Any = None
        self._corrections = 0

    @property
    def drafts(self) -> int:
        return self._elements.drafts + self._corrections

    def feed(self, text: str) -> None:
        for closed in self._elements.feed(text):
            self._add(closed)
        self.items.begun = self._elements.growing
        self.has_news |= self._elements.has_news
        self._elements.has_news = False

    def _add(self, closed: Closed) -> None:
        self.items.finish(closed.value, is_empty=closed.is_empty)

    def finish(self, whole: str) -> None:
        try:
            self.result, self.done = self.codec.read(whole), True
        except PARSE_ERRORS:
            return
        # An element that never closed is no item, whatever it showed.
        self._corrections += not self.items.agrees(self.result) or shows_done(self.items.begun)

    def _in_text_order(self) -> Any:
        """The result; of a set, its members as they came."""
        result: Any = self.result
        came: Any = tuple(self.items.done)
        is_set = type(result) in (set, frozenset)
        return came if is_set and result == set(came) else result

    def look(self) -> Look | None:
        if self.done:
            result = self._in_text_order()
            return lambda: result
        return self.items.look() if self.items.done or self.items.begun is not None else None


class _Several:
    """The members of a tuple or a dataclass, each read for itself."""

    def __init__(self, codec: SeveralCodec[Any], filling: object) -> None:
        self._codec, self._filling = codec, filling
        self._members = {
            name: _source_of(member, filling)
            for name, member in zip(codec.names, codec.members, strict=True)
            if member is not None
        }
        self.has_news = self.done = False
        self.result: Any = None
        self._is_wrong = False
        self._corrected: dict[str, object] = {}

    @property
    def drafts(self) -> int:
        return sum(member.drafts for member in self._members.values()) + bool(self._corrected)

    def feed(self, text: str) -> None:
        for member in self._members.values():
            member.feed(text)
        self._gather()

    def finish(self, whole: str) -> None:
        for member in self._members.values():
            member.finish(whole)
        self._gather()

    def _gather(self) -> None:
        for member in self._members.values():
            self.has_news |= member.has_news
            member.has_news = False
        if self.done or self._is_wrong or not all(member.done for member in self._members.values()):
            return
        try:
            self.result, self.done = self._codec.build(self._values()), True
        except ValueError:
            self._is_wrong = True
            return
        # A dataclass may change what it is given.
        fields = fields_of(self.result) or {}
        members = {name: member.result for name, member in self._members.items()}
        self._corrected = {
            name: fields[name] for name, one in members.items() if name in fields and fields[name] != one
        }

    def _values(self) -> list[Any]:
        names = zip(self._codec.names, self._codec.members, strict=True)
        return [self._members[name].result if member is not None else self._filling for name, member in names]

    def look(self) -> Look | None:
        looks = {name: look for name, one in self._members.items() if (look := one.look()) is not None}
        looks |= {name: partial(_same, value) for name, value in self._corrected.items()}
        done = frozenset(name for name, one in self._members.items() if one.done)
        return (lambda: Partial[Any](lambda: _members_seen(looks, done))) if looks else None


def _same(value: object) -> object:
    return value


def _members_seen(looks: dict[str, Look], done: frozenset[str]) -> Seen:
    return Seen(MappingProxyType({name: look() for name, look in looks.items()}), done)


class _Document:
    """The first JSON object that is valid."""

    def __init__(self, codec: JsonCodec[Any]) -> None:
        self._codec = codec
        self._json = JsonStream(plan_of(codec.document))
        self.has_news = self.done = False
        self.result: Any = None
        self._corrections = 0

    @property
    def drafts(self) -> int:
        return self._json.drafts + self._corrections

    def feed(self, text: str) -> None:
        if self.done:
            return
        for document in self._json.feed(text):
            try:
                self.result, self.done = self._codec.check(document), True
                self._correct()
                return
            except (ValidationError, UnparsedError):
                self._json.forget()
        self.has_news |= self._json.has_news
        self._json.has_news = False

    def _correct(self) -> None:
        self.has_news = True
        root = self._json.root
        if self._codec.is_wrapped and isinstance(root, Fields):
            self._corrections += not root.agrees({RESULT: self.result})
        elif root is not None:
            self._corrections += not root.agrees(self.result)

    def finish(self, whole: str) -> None:
        if self.done:
            return
        try:
            self.result, self.done = self._codec.read(whole), True
        except PARSE_ERRORS:
            return
        self._correct()

    @property
    def growing(self) -> Growing | None:
        """What is there of a value that is not whole, taken out of its wrapper."""
        root = self._json.root
        if not self._codec.is_wrapped:
            return root
        return root.begun.get(RESULT) if isinstance(root, Fields) else None

    @property
    def value_in_wrapper(self) -> Any:
        """The value when it is whole and its wrapper is not; None before."""
        root = self._json.root
        return root.done.get(RESULT) if self._codec.is_wrapped and isinstance(root, Fields) else None

    def look(self) -> Look | None:
        value = self.result if self.done else self.value_in_wrapper
        if self.done or value is not None:
            return lambda: value
        return self.growing.look() if self.growing is not None else None


def complete_items(codec: Codec[T] | JsonCodec[T], text: str) -> T | None:
    """What a cut-off `text` has of a list, set, tuple of any length or dict: the value of its complete items.

    None where there is no complete item, one of them is invalid, the value may not be so short, or it is of another
    type.
    """
    try:
        match codec:
            case ManyCodec():
                many = _Many(codec)
                many.feed(text)
                is_some = bool(many.items.done) and not many.items.is_broken
                return cast("T", many.codec.build(many.items.done)) if is_some else None
            case LeafCodec() if plan_of(codec.kind).holds_items:
                return cast("T | None", _rescued(_One(codec), text, codec.adapter.validate_python))
            case JsonCodec() if _holds_items(codec):
                return cast("T | None", _rescued(_Document(codec), text, codec.build))
            case _:
                return None
    except (*PARSE_ERRORS, TypeError):
        return None


def _holds_items(codec: JsonCodec[Any]) -> bool:
    """Whether the value is a list or a mapping; an object with named properties is neither."""
    if codec.kind is not Any:
        return plan_of(codec.kind).holds_items
    return codec.is_wrapped or "properties" not in codec.schema


def _rescued(source: _One | _Document, text: str, build: Callable[[Any], Any]) -> Any:
    """The value of the items, or keys and values, that are complete in a JSON document."""
    source.feed(text)
    if source.done:
        return source.result
    if isinstance(source, _Document) and source.value_in_wrapper:
        return build(source.value_in_wrapper)
    growing = source.growing
    done: Any = growing.done if isinstance(growing, (Items, Fields)) else None
    is_broken = isinstance(growing, Items) and growing.is_broken
    return build(done) if done and not is_broken else None
