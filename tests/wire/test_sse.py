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


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
        (b'{"a":1}\r\n\r\n\n{"b":2}', ['{"a":1}', '{"b":2}']),
        (b'\xef\xbb\xbf{"a":1}', ['{"a":1}']),
        (b"data: a\n: b", ["data: a", ": b"]),
        ("{🦙".encode()[:-1], ["{\ufffd"]),
        (b"\n\r\n", []),
        (b"", []),
    ],
)
def test_where_lines_are_events_the_last_one_needs_no_end(sent: bytes, read: list[str]) -> None:
    for pieces in ([sent], [bytes([byte]) for byte in sent]):
        decoder = EventDecoder(is_lines=True)
        found = [event for piece in pieces for event in decoder.feed(piece)]
        last = decoder.ending()
        assert [event.data for event in [*found, *([last] if last else [])]] == read


def test_elsewhere_what_nothing_ended_is_no_event() -> None:
    decoder = EventDecoder()
    assert list(decoder.feed(b"data: a")) == []
    assert decoder.ending() is None


def test_an_event_that_is_too_long_is_refused_and_one_with_many_comments_is_not() -> None:
    decoder = EventDecoder("acme", limit=20)
    assert list(decoder.feed(b": ping\n" * 50 + b"data: a\n\n" * 50)) == [Event("a")] * 50
    with pytest.raises(InvalidError, match="acme sent an event of more than 20 bytes"):
        [list(decoder.feed(piece)) for piece in [b"x"] * 30]
