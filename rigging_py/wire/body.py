"""`ReplyBody`: the body of the reply to a request for a stream, whatever API it is of. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic_core import from_json

from rigging_py.error import InvalidError
from rigging_py.message import Delta, ModelTurn
from rigging_py.parsing.untyped import as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.pieces import deltas_of
from rigging_py.wire.spelling import Wire
from rigging_py.wire.sse import Event, EventDecoder
from rigging_py.wire.unread import no_json, unreadable

_DONE = "[DONE]"
_WHOLE_MAX = 64 * 2**20
"""Bytes that a reply may have which is no stream."""


class ReplyBody:
    """Bytes in, in any pieces, deltas out, the whole turn last.

    A server that does not stream gives its whole reply as one JSON object, which is taken too.
    """

    def __init__(self, wire: Wire, provider: str = "", secret: str | None = None, origin: str = "") -> None:
        self._wire = wire
        self._stream = wire.stream(provider, secret, origin)
        self._events = EventDecoder(provider, is_lines=wire.is_lines)
        self._whole: list[bytes] | None = None
        """The pieces of a reply that is no stream."""
        self._size = 0
        """How long these are together."""
        self._is_begun = wire.is_lines

    @property
    def is_complete(self) -> bool:
        """Whether the final record has come, so that what is missing says nothing more."""
        return self._stream.is_complete

    @property
    def is_done(self) -> bool:
        """Whether the server said that nothing more comes."""
        return self._stream.is_done

    def feed(self, piece: bytes) -> Iterator[Delta]:
        """What this piece adds. Raises as `Assembler.feed` does."""
        if not self._is_begun and (begun := piece.lstrip()):
            self._is_begun = True
            # No line of an event begins like this. Some servers put their errors into a list.
            self._whole = [] if begun.startswith((b"{", b"[")) else None
        if self._whole is not None:
            self._keep(self._whole, piece)
            return
        for event in self._events.feed(piece):
            yield from self._told(event)

    def ending(self) -> Iterator[Delta]:
        """What the end adds, the whole turn last. Raises `StreamInterruptedError` where the final record is missing."""
        if self._whole is None:
            last = self._events.ending()
            if last is not None and _is_json(last.data):  # else it was cut off
                yield from self._told(last)
            yield from self._stream.ending()
            return
        turn = self._turn(b"".join(self._whole))
        yield from deltas_of(turn)
        yield turn

    def _keep(self, whole: list[bytes], piece: bytes) -> None:
        self._size += len(piece)
        if self._size > _WHOLE_MAX:
            provider = self._stream.provider
            raise InvalidError(
                f"The reply from {provider or 'the provider'} is larger than {_WHOLE_MAX:,} bytes.",
                provider=provider,
                is_outcome_unknown=True,
            )
        whole.append(piece)

    def _told(self, event: Event) -> Iterable[Delta]:
        data, stream = event.data.strip(), self._stream
        if stream.is_done or not data:
            return ()
        if data == _DONE:
            stream.is_done = True
            return ()
        if event.name == "error":
            raise stream_failure(stream.provider, data, secret=stream.secret)
        try:
            chunk = from_json(data)
        except ValueError as error:
            raise unreadable(stream.provider, stream.secret, f"is not JSON ({error})", data) from None
        return stream.feed(chunk)

    def _turn(self, body: bytes) -> ModelTurn:
        stream = self._stream
        try:
            reply = from_json(body)
        except ValueError as error:
            raise no_json(stream.provider, stream.secret, body, error) from None
        value = as_object(reply)
        if value is not None and (value.get("error") or value.get("object") == "error"):
            raise stream_failure(stream.provider, reply, secret=stream.secret)
        return self._wire.turn(reply, provider=stream.provider, secret=stream.secret, origin=stream.origin)


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ValueError:
        return False
    return True
