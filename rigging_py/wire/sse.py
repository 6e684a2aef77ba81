"""Server-sent events: bytes in whatever pieces they come, events out. No I/O, and nothing about what events hold.

The format is https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rigging_py.error import InvalidError

EVENT_LIMIT = 16 * 2**20
"""Bytes that one event may have; pictures and sound travel in events too."""
_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """What was sent as one: the lines of its data joined by line ends, and its name where it has one."""

    data: str
    name: str = ""


@dataclass(slots=True)
class EventDecoder:
    """Reads a stream of events. What stands after the last blank line was cut off and is no event.

    Where each line is an event, the last one needs no line end, so `ending` gives it.

    Attributes:
        provider: who sends, for the error.
        limit: bytes that an event may have; more is an `InvalidError`.
        is_lines: whether each line is an event and nothing but its data.
    """

    provider: str = ""
    limit: int = EVENT_LIMIT
    is_lines: bool = False
    _begun: list[bytes] = field(default_factory=list[bytes])
    """A line that has not ended yet, in the pieces it came in."""
    _data: list[bytes] = field(default_factory=list[bytes])
    _name: bytes = b""
    _size: int = 0
    _is_first_line: bool = True
    _is_after_cr: bool = False

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that end in this piece."""
        if self._is_after_cr and piece:
            piece, self._is_after_cr = piece.removeprefix(b"\n"), False
        for line in piece.splitlines(keepends=True):
            self._grow(len(line))
            self._begun.append(line)
            if line.endswith((b"\n", b"\r")):
                event = self._line(b"".join(self._begun))
                self._begun.clear()
                if event is not None:
                    yield event
        if piece:
            # The other half of a line end may come with the next piece.
            self._is_after_cr = piece.endswith(b"\r")

    def ending(self) -> Event | None:
        """The line that nothing ended, where lines are events. It may have been cut off."""
        begun = b"".join(self._begun) if self.is_lines else b""
        line = begun.removeprefix(_BOM) if self._is_first_line else begun
        return Event(line.decode(errors="replace")) if line else None

    def _line(self, ended: bytes) -> Event | None:
        line = ended.rstrip(b"\r\n")
        if self._is_first_line:
            line, self._is_first_line = line.removeprefix(_BOM), False
        if self.is_lines:
            self._size = 0
            return Event(line.decode(errors="replace")) if line else None
        if not line:
            return self._dispatched()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        else:
            # Nothing but a name is kept of it, so an event may have any number of comments.
            self._size -= len(ended)
            if name == b"event":
                self._name = value.removeprefix(b" ")
        return None

    def _dispatched(self) -> Event | None:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], b"", 0
        return Event(b"\n".join(data).decode(errors="replace"), name.decode(errors="replace")) if data else None

    def _grow(self, more: int) -> None:
        self._size += more
        if self._size > self.limit:
            raise InvalidError(
                f"{self.provider or 'The provider'} sent an event of more than {self.limit:,} bytes. "
                "Check that the address is the API's.",
                provider=self.provider,
                is_outcome_unknown=True,
            )
