"""Events come out of bytes the same however these are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError
from rigging_py.wire import Event, EventDecoder


def events(*pieces: bytes) -> list[Event]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"data: a\n\n", [Event("a")]),
        (b"data:a\r\n\r\ndata:  b\r\rdata\n\n", [Event("a"), Event(" b"), Event("")]),
        (b"data: a\ndata: b\nevent: error\nid: 1\nretry: 5\n\n", [Event("a\nb", "error")]),
        (b"event: alone\n\ndata: a\n\n", [Event("a")]),
        (b": comment\n\n:\n\n\n\ndata: a\n\n", [Event("a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
        ("data: 🦙\n\n".encode(), [Event("🦙")]),
        (b"data: \xff\n\n", [Event("\ufffd")]),
        (b"data: cut off\n", []),
        (b"data: cut off", []),
        (b"", []),
    ],
)
def test_an_event_is_read_as_the_specification_says_whole_and_byte_by_byte(sent: bytes, read: list[Event]) -> None:
    assert events(sent) == read
    assert events(*(bytes([byte]) for byte in sent)) == read


@given(st.lists(st.sampled_from([b"data", b":", b" ", b"\r", b"\n", b"\r\n", b"a", b"event", "ü".encode(), b""])))
def test_wherever_bytes_are_cut_the_events_are_the_same(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert events(*pieces) == events(whole) == events(*(bytes([byte]) for byte in whole))


def test_an_event_that_is_too_long_is_refused_and_one_with_many_comments_is_not() -> None:
    decoder = EventDecoder("acme", limit=20)
    assert list(decoder.feed(b": ping\n" * 50 + b"data: a\n\n" * 50)) == [Event("a")] * 50
    with pytest.raises(InvalidError, match="acme sent an event of more than 20 bytes"):
        [list(decoder.feed(piece)) for piece in [b"x"] * 30]
