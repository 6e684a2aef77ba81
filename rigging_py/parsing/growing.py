"""Values that grow while their text arrives, and `Partial`, the frozen look at one.

What grows only ever appends, so a look is two numbers and costs the same however much is there; it is put together when
somebody reads it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Generic, Protocol, TypeAlias, TypeVar, cast, overload

from pydantic import BaseModel

T = TypeVar("T")
V = TypeVar("V")

Look: TypeAlias = Callable[[], object]
"""What is known at one moment: text, a whole value, or a `Partial`."""


@dataclass(frozen=True)
class Seen:
    """What a `Partial` shows, put together."""

    value: object = None
    done_fields: frozenset[str] = frozenset()
    done_items: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class Partial(Generic[T]):
    """What is known of a `T` whose text is still arriving. It never holds a `T`: that is read from the whole text.

    It is read by name (`partial.get("title", str)`) and not by attribute, so that no checker takes it for a `T` and a
    field called `done` is no trouble. What is whole has its own type; text is shown as far as it has come, objects and
    lists as a `Partial` of their own, and any other value once it is complete.

    Attributes:
        done: whether the whole is there and is a valid `T`.
        draft: how often the answer has begun anew, from 0. Within one draft, what is marked done does not change.
    """

    _look: Look
    done: bool = False
    draft: int = 0

    @cached_property
    def _seen(self) -> Seen:
        return seen(self._look())

    @property
    def value(self) -> object:
        """What is there: text, a whole plain value, a mapping by field, or a sequence of items; None for nothing."""
        return self._seen.value

    @property
    def done_fields(self) -> frozenset[str]:
        """The fields whose values are complete."""
        return self._seen.done_fields

    @property
    def done_items(self) -> int:
        """How many of the items are complete; at most the last one is not."""
        return self._seen.done_items

    @property
    def fields(self) -> Mapping[str, object]:
        """The fields, or keys, that have begun, by name: members of a tuple by their tags. Empty for other types."""
        value = self.value
        return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else MappingProxyType({})

    @property
    def items(self) -> Sequence[object]:
        """The items that have begun. Empty for other types."""
        value = self.value
        return cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()

    @property
    def text(self) -> str:
        """The text so far. Empty for other types."""
        return self.value if isinstance(self.value, str) else ""

    @overload
    def get(self, name: str) -> object: ...
    @overload
    def get(self, name: str, kind: type[V]) -> V | None: ...
    def get(self, name: str, kind: type[object] = object) -> object:
        """What is known of a field: None when it has not begun, or is (not yet) of `kind`."""
        found = self.fields.get(name)
        return found if isinstance(found, kind) else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partial):
            return NotImplemented
        # The parameter is gone at run time.
        theirs = cast("Partial[object]", other)
        return (self._seen, self.done, self.draft) == (theirs._seen, theirs.done, theirs.draft)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        done = f"done, draft={self.draft}" if self.done else f"done_fields={sorted(self.done_fields)}"
        value = dict(self.fields) if isinstance(self.value, Mapping) else self.value
        return f"Partial({value!r}, {done})"


def seen(value: object) -> Seen:
    """What a `Partial` shows of a whole value, or of another `Partial`."""
    if isinstance(value, Seen):
        return value
    if isinstance(value, Partial):
        return cast("Partial[object]", value)._seen  # pyright: ignore[reportPrivateUsage]
    if (fields := fields_of(value)) is not None:
        return Seen(MappingProxyType(fields), frozenset(fields), 0)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = tuple(cast("Collection[object]", value))
        return Seen(items, frozenset(), len(items))
    return Seen(value)


def fields_of(value: object) -> dict[str, object] | None:
    """The fields of a whole value by name, or None where it has none."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): one for key, one in cast("Mapping[object, object]", value).items()}
    return None


class Growing(Protocol):
    """A value in the making."""

    def look(self) -> Look:
        """What is known now."""
        ...

    def agrees(self, whole: object) -> bool:
        """Whether what it has shown as done is so in the whole value."""
        ...


class Words:
    """A text in the making. `read` says what pieces of it mean."""

    def __init__(self, read: Callable[[str], str] = str) -> None:
        self._pieces: list[str] = []
        self._read = read

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def look(self) -> Look:
        count = len(self._pieces)
        return lambda: self._read("".join(self._pieces[:count]))

    def agrees(self, whole: object) -> bool:
        del whole  # A text is never done before its end.
        return True


class Fields:
    """An object in the making. Without `marks` no field counts as done: something may still change its value."""

    def __init__(self, *, marks: bool = True) -> None:
        self.done: dict[str, object] = {}
        self.begun: dict[str, Growing] = {}
        self.marks = marks

    def finish(self, name: str, value: object) -> None:
        """`value` is that of the field, unless it has one."""
        self.begun.pop(name, None)
        self.done.setdefault(name, value)

    def look(self) -> Look:
        count = len(self.done)
        begun = {name: growing.look() for name, growing in self.begun.items() if name not in self.done}
        return lambda: Partial[object](lambda: self._seen(count, begun))

    def _seen(self, count: int, begun: Mapping[str, Look]) -> Seen:
        done = dict(islice(self.done.items(), count))
        value = done | {name: look() for name, look in begun.items()}
        return Seen(MappingProxyType(value), frozenset(done) if self.marks else frozenset())

    def agrees(self, whole: object) -> bool:
        if not self.marks:
            return True
        fields = fields_of(whole)
        if fields is None:
            return not self.done
        finished = all(name in fields and fields[name] == value for name, value in self.done.items())
        return finished and all(name in fields and one.agrees(fields[name]) for name, one in self.begun.items())


class Items:
    """A list in the making."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.begun: Growing | None = None
        self.is_broken = False
        self._waiting: deque[tuple[object, str, bool]] = deque()
        self._counts: Counter[str] = Counter()

    def finish(self, value: object, tag: str = "", *, is_empty: bool = False) -> None:
        """`value` is the next item, or what is wrong with it; after a wrong one there are no more.

        An empty element alone of its tag says that there is none, so it waits for a second, and what follows waits too.
        """
        self.begun = None
        self._counts[tag] += 1
        self._waiting.append((value, tag, is_empty))
        while self._waiting and not self.is_broken and not self._may_be_none(*self._waiting[0]):
            first = self._waiting.popleft()[0]
            self.is_broken = isinstance(first, Exception)
            if not self.is_broken:
                self.done.append(first)

    def _may_be_none(self, _value: object, tag: str, is_empty: bool) -> bool:
        return is_empty and self._counts[tag] == 1

    def look(self) -> Look:
        is_next = self.begun is not None and not self._waiting and not self.is_broken
        count, begun = len(self.done), self.begun.look() if self.begun is not None and is_next else None
        return lambda: Partial[object](lambda: self._seen(count, begun))

    def _seen(self, count: int, begun: Look | None) -> Seen:
        last = [begun()] if begun is not None else []
        return Seen((*self.done[:count], *last), frozenset(), count)

    def agrees(self, whole: object) -> bool:
        if isinstance(whole, (set, frozenset)):
            return all(one in whole for one in self.done)
        return isinstance(whole, (list, tuple)) and list(cast("Sequence[object]", whole)[: len(self.done)]) == self.done
