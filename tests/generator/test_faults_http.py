"""Bad HTTP, and none at all: each ends in the member of the taxonomy that it is, over every wire, streamed or whole."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest

from rigging_py.error import InvalidError, ServerFaultError
from rigging_py.wire import redacted
from tests.generator.fault_server import (
    CHUNKED,
    Fault,
    FaultServer,
    Line,
    answer,
    chunked,
    fault_serving,
    head,
    saying,
    streamed,
)
from tests.generator.fault_wires import KEY, WIRES, Spoken, asking, outcome, wires

streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
_TLS_ALERT = bytes.fromhex("15030100020246")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def reset(line: Line) -> None:
    """Ends the connection by a reset, with nothing said."""
    line.reset()


NO_HTTP: dict[str, Fault] = {
    "another protocol": saying(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "a TLS alert": saying(_TLS_ALERT),
    "bytes": saying(b"\x00\x01\x02 nothing to read\r\n\r\n"),
    "a page without a head": saying(b"<html>Hello</html>"),
    "HTTP/9.1": saying(b"HTTP/9.1 200 OK\r\n\r\n{}"),
    "the preface of HTTP/2": saying(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a status that is no number": saying(b"HTTP/1.1 abc OK\r\n\r\n"),
    "a status below 100": saying(b"HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\n{}"),
    "a header without a colon": saying(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n{}"),
    "a length that is no number": saying(head() + b"content-length: many\r\n\r\n{}"),
    "a length below 0": saying(head() + b"content-length: -5\r\n\r\n{}"),
    "a length beyond all bounds": saying(head() + b"content-length: 99999999999999999999999\r\n\r\n{}"),
    "two lengths": saying(head() + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
    "a head without an end": saying(head() + b"x: " + b"a" * 600_000),
    "more headers than there can be": saying(head() + b"x: a\r\n" * 500),
}
BROKEN_OFF: dict[str, Fault] = {
    "no byte": saying(),
    "a reset before any byte": reset,
    "half a head": saying(b"HTTP/1.1 200 OK\r\ncontent-ty"),
    "continue, and nothing": saying(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "less than the length": saying(head() + b'content-length: 90\r\n\r\n{"a": '),
    "a chunk with no size": saying(head() + CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of more than there can be": saying(head() + CHUNKED + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n"),
    "a chunk that ends early": saying(head() + CHUNKED + b"9\r\n{}"),
    "chunks without an end": saying(head() + CHUNKED + chunked(b'{"a": ')),
    "half a JSON text, of no known length": saying(head() + b'\r\n{"choices": [{"message"'),
    "half a JSON text, with an end": answer(b'{"choices": [{"message"'),
    "half of what was packed": saying(head() + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b'{"a": 1}')[:-9]),
    "packed by name only": saying(head() + b"content-encoding: gzip\r\n\r\nno gzip at all"),
}


@wires
@streams
@pytest.mark.parametrize("name", NO_HTTP)
async def test_what_does_not_speak_http_is_invalid(server: FaultServer, wire: Spoken, stream: bool, name: str) -> None:
    server.will(NO_HTTP[name])
    failure = (await outcome(asking(wire, server), stream=stream)).failure
    assert (failure.kind, failure.retryable, failure.status) == ("Invalid", False, None)
    assert "does not speak HTTP" in str(failure)
    assert server.url in str(failure)
    server.assert_all_is_closed()


@wires
@streams
@pytest.mark.parametrize("name", BROKEN_OFF)
async def test_an_answer_that_is_broken_off_is_interrupted(
    server: FaultServer, wire: Spoken, stream: bool, name: str
) -> None:
    server.will(BROKEN_OFF[name])
    failure = (await outcome(asking(wire, server), stream=stream)).failure
    assert (failure.kind, failure.retryable, failure.is_outcome_unknown) == ("Interrupted", True, True)


@wires
@streams
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (101, "Invalid"),
        (204, "Invalid"),
        (206, "Invalid"),
        (301, "Invalid"),
        (304, "Invalid"),
        (307, "Invalid"),
        (400, "Invalid"),
        (401, "AuthenticationFailed"),
        (402, "AuthenticationFailed"),
        (403, "AuthenticationFailed"),
        (404, "NotFound"),
        (408, "TimedOut"),
        (409, "ServerFault"),
        (410, "NotFound"),
        (413, "ContextOverflow"),
        (418, "Invalid"),
        (422, "Invalid"),
        (425, "ServerFault"),
        (429, "RateLimited"),
        (500, "ServerFault"),
        (502, "ServerFault"),
        (503, "ServerFault"),
        (504, "TimedOut"),
        (522, "ServerFault"),
        (524, "TimedOut"),
        (529, "ServerFault"),
        (999, "ServerFault"),
    ],
)
async def test_a_status_is_of_its_kind_whatever_came_with_it(
    server: FaultServer, wire: Spoken, stream: bool, status: int, kind: str
) -> None:
    pages = (
        b"",
        b"<!DOCTYPE html><title>Bad gateway</title><p>Ray ID",
        b'{"error": {"message": "No',
        b"\xff\xfe{",
        b"null",
    )
    for body in pages:
        server.will(answer(body, status, {"request-id": "r-7"}, "text/html"))
        failure = (await outcome(asking(wire, server), stream=stream)).failure
        assert (failure.kind, failure.status, failure.provider) == (kind, status, wire.name)
        assert failure.is_outcome_unknown == (kind == "TimedOut")
        assert failure.request_id == "r-7"
        assert "<" not in str(failure)
    if status == 101:  # after which another protocol is spoken
        server.hang_up()


@wires
@streams
async def test_what_comes_before_an_answer_is_no_answer(server: FaultServer, wire: Spoken, stream: bool) -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"

    def late(line: Line) -> object:
        line.say(early)
        return (streamed(wire.stream, kind=wire.kind) if stream else answer(wire.whole))(line)

    server.will(late)
    result = await outcome(asking(wire, server), stream=stream)
    assert result.turn is not None
    assert result.turn.message.content == wire.text


@wires
@streams
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(
    server: FaultServer, wire: Spoken, stream: bool, status: int
) -> None:
    with fault_serving() as elsewhere:
        elsewhere.will(answer(wire.whole))
        server.will(answer(b"", status, {"location": elsewhere.url}))
        failure = (await outcome(asking(wire, server), stream=stream)).failure
        assert (failure.kind, failure.status) == ("Invalid", status)
        assert elsewhere.heard == []
        assert elsewhere.connections == 0


@wires
@streams
async def test_headers_that_are_no_text_are_passed_over(server: FaultServer, wire: Spoken, stream: bool) -> None:
    headers = {"x-request-id": b"\xff\xfe", "x-other": b"\xc3\x28"}
    server.will(answer(wire.whole, headers=headers), answer(b"no", 500, headers))
    model = asking(wire, server)
    result = await outcome(model, stream=stream)
    assert result.turn is not None
    failure = (await outcome(model, stream=stream)).failure
    assert (failure.kind, failure.request_id) == ("ServerFault", None)


@wires
@streams
async def test_a_packed_answer_is_unpacked(server: FaultServer, wire: Spoken, stream: bool) -> None:
    body = wire.stream if stream else json.dumps(wire.whole).encode()
    server.will(answer(gzip.compress(body), headers={"content-encoding": "gzip"}, kind=wire.kind if stream else "json"))
    result = await outcome(asking(wire, server), stream=stream)
    assert result.turn is not None
    assert result.turn.message.content == wire.text


# Nobody there, or somebody else.


@wires
@streams
async def test_a_port_where_nobody_listens_is_a_fault_that_cost_nothing(wire: Spoken, stream: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        server = FaultServer(unused.getsockname()[1])
        failure = (await outcome(asking(wire, server), stream=stream)).failure
    assert isinstance(failure, ServerFaultError)
    assert (failure.retryable, failure.is_outcome_unknown) == (True, False)
    assert "could not be reached" in str(failure)


@wires
@streams
@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP", b"\x00" * 64, b""])
async def test_https_where_plain_http_is_spoken_cannot_be_reached(
    server: FaultServer, wire: Spoken, stream: bool, said: bytes
) -> None:
    def at_once(line: Line) -> None:
        line.socket.recv(65536)
        line.say(said)

    server.at_once = at_once
    model = asking(wire, server, api_base=server.url.replace("http:", "https:"))
    failure = (await outcome(model, stream=stream)).failure
    assert (failure.kind, failure.is_outcome_unknown) == ("ServerFault", False)
    assert server.heard == []


# Connections that are kept.


@wires
@streams
async def test_a_connection_is_used_again_also_after_an_error(server: FaultServer, wire: Spoken, stream: bool) -> None:
    good = streamed(wire.stream, kind=wire.kind) if stream else answer(wire.whole)
    server.will(good, answer({"error": "no"}, 400), answer(b"<html>", 502), good)
    model = asking(wire, server)
    kinds = [(await outcome(model, stream=stream)).kind for _ in range(4)]
    assert kinds == ["answer", "Invalid", "ServerFault", "answer"]
    assert server.connections == 1


@wires
@streams
async def test_a_kept_connection_that_the_server_closed_is_no_error(
    server: FaultServer, wire: Spoken, stream: bool
) -> None:
    good = streamed(wire.stream, kind=wire.kind) if stream else answer(wire.whole)
    server.will(good)
    model = asking(wire, server)
    for _ in range(3):
        assert (await outcome(model, stream=stream)).kind == "answer"
        server.hang_up()
        server.assert_all_is_closed()
    assert server.connections == 3


@wires
@streams
async def test_a_kept_connection_that_closes_when_it_has_heard_the_request_is_interrupted(
    server: FaultServer, wire: Spoken, stream: bool
) -> None:
    server.will(answer(wire.whole), saying(), answer(wire.whole))
    model = asking(wire, server)
    assert (await outcome(model, stream=stream)).kind == "answer"
    failure = (await outcome(model, stream=stream)).failure
    assert (failure.kind, failure.is_outcome_unknown) == ("Interrupted", True)
    assert len(server.heard) == 2


# Sizes.


@pytest.mark.parametrize("name", ["openai"])
async def test_a_bomb_is_not_unpacked_to_its_end(server: FaultServer, name: str) -> None:
    packed = gzip.compress(b'{"a": "' + b"a" * 80_000_000, compresslevel=1)
    server.will(saying(head() + b"content-encoding: gzip\r\n\r\n" + packed))
    for stream in (False, True):
        failure = (await outcome(asking(WIRES[name], server), stream=stream)).failure
        assert isinstance(failure, InvalidError)
        assert "is larger than 67,108,864 bytes" in str(failure)
    server.assert_all_is_closed()


@wires
async def test_an_event_without_an_end_is_not_read_for_ever(server: FaultServer, wire: Spoken) -> None:
    def endless(line: Line) -> None:
        line.say(head(kind=wire.kind) + CHUNKED, chunked(b"data: " if wire.name != "ollama" else b'{"a": "'))
        for _ in range(600):
            line.say(chunked(b"a" * 65536))

    server.will(endless)
    failure = (await outcome(asking(wire, server), stream=True)).failure
    assert isinstance(failure, InvalidError)
    assert "sent an event of more than 16,777,216 bytes" in str(failure)
    server.assert_all_is_closed()


async def test_an_error_of_any_size_is_of_its_kind(server: FaultServer) -> None:
    server.will(answer(b'{"detail": "' + b"no " * 23_000_000, 503))
    for stream in (False, True):
        failure = (await outcome(asking(WIRES["openai"], server), stream=stream)).failure
        assert (failure.kind, failure.status) == ("ServerFault", 503)
        assert (len(failure.body), len(str(failure)) < 500) == (2000, True)


def test_the_key_is_one_that_looks_like_no_key() -> None:
    assert redacted(KEY) == KEY
