"""A server on loopback that is as bad as it is told to be: what it says, and how it hangs up, is said by the byte."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

KEEP = "keep"
"""What a fault returns that leaves the connection open for the next request."""
_PATIENCE = 10.0
"""Seconds in which a client has to let go of its connections."""
_DEAF = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Line:
    """A connection from a client, and the request that came last on it."""

    socket: socket.socket
    closing: threading.Event
    heard: bytes = b""
    is_idle: bool = True
    """Whether nothing is owed to the client."""

    def hear(self) -> bool:
        """Waits for a whole request; False when the client hung up instead."""
        self.heard = b""
        while b"\r\n\r\n" not in self.heard:
            if not self._more():
                return False
        head, _, _ = self.heard.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        while len(self.heard) < len(head) + 4 + length:
            if not self._more():
                return False
        return True

    def say(self, *pieces: bytes) -> None:
        """Sends each piece by itself."""
        for piece in pieces:
            self.socket.sendall(piece)

    def reset(self) -> None:
        """Lets the connection end in a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DEAF)

    def hold(self) -> None:
        """Says nothing until the client has hung up, or the test has ended."""
        while not self.closing.is_set():
            if select.select([self.socket], [], [], 0.02)[0] and not self.socket.recv(65536):
                return

    def drip(self, piece: bytes) -> None:
        """Says the same again and again, until the client has hung up or the test has ended."""
        while not self.closing.wait(0.01):
            self.say(piece)

    def _more(self) -> bool:
        more = self.socket.recv(65536)
        self.heard += more
        self.is_idle = self.is_idle and not more
        return bool(more)


Fault = Callable[[Line], object]
"""What is done about a request, after which the connection is closed unless it returns `KEEP`."""


@dataclass
class FaultServer:
    """Does one fault for each request, in their order, and the last one for all that follow."""

    port: int = 0
    faults: list[Fault] = field(default_factory=list[Fault])
    heard: list[bytes] = field(default_factory=list[bytes])
    """The requests, head and body."""
    at_once: Fault | None = None
    """What is done when a connection is opened, instead of hearing a request."""
    connections: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _lines: set[Line] = field(default_factory=set[Line])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def will(self, *faults: Fault) -> None:
        self.faults = [*faults]

    def serve(self, connection: socket.socket) -> None:
        """Serves a connection until it ends."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(connection, self.closing)
        with self._changed:
            self.connections += 1
            self._lines.add(line)
        try:
            with connection, suppress(OSError):
                self._serve(line)
        finally:
            with self._changed:
                self._lines.discard(line)
                self._changed.notify_all()

    def assert_nothing_is_held(self) -> None:
        """That every connection is closed, or waits for its next request."""
        with self._changed:
            assert self._changed.wait_for(lambda: all(line.is_idle for line in self._lines), _PATIENCE)

    def assert_all_is_closed(self) -> None:
        """That every connection is closed."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._lines, _PATIENCE)

    def hang_up(self) -> None:
        """Ends all the connections."""
        with self._changed:
            for line in self._lines:
                with suppress(OSError):
                    line.socket.shutdown(socket.SHUT_RDWR)

    def _serve(self, line: Line) -> None:
        if self.at_once is not None:
            line.is_idle = False
            self.at_once(line)
            return
        while line.hear():
            with self._changed:
                self.heard.append(line.heard)
                fault = self.faults.pop(0) if len(self.faults) > 1 else self.faults[0]
            if fault(line) is not KEEP:
                return
            with self._changed:
                line.is_idle = True
                self._changed.notify_all()


@contextmanager
def fault_serving() -> Generator[FaultServer]:
    """A fault server for the length of a `with` block, after which no client may hold a connection that it closed."""
    server = FaultServer()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        server.port = listening.getsockname()[1]
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                connection, _ = listening.accept()
                if server.closing.is_set():
                    connection.close()
                    return
                threads.append(threading.Thread(target=server.serve, args=(connection,)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
            server.assert_nothing_is_held()
        finally:
            server.closing.set()
            socket.create_connection(("127.0.0.1", server.port)).close()
            accepting.join()
            server.hang_up()
            for thread in threads:
                thread.join()


# Answers, good ones too.


def head(status: int = 200, headers: Mapping[str, str | bytes] | None = None, kind: str = "application/json") -> bytes:
    """The head of an answer, without its last empty line where more headers may follow."""
    lines = [f"HTTP/1.1 {status} So\r\ncontent-type: {kind}\r\n".encode()]
    for name, value in (headers or {}).items():
        lines.append(f"{name}: ".encode() + (value.encode() if isinstance(value, str) else value) + b"\r\n")
    return b"".join(lines)


def answer(
    body: Any, status: int = 200, headers: Mapping[str, str | bytes] | None = None, kind: str = "application/json"
) -> Fault:
    """A whole answer, after which the connection stays open."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def fault(line: Line) -> str:
        length = b"" if status in (204, 304) else b"content-length: %d\r\n" % len(content)
        line.say(head(status, headers, kind) + length + b"\r\n" + (content if length else b""))
        return KEEP

    return fault


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece)


CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
ENDINGS = ("end", "cut", "reset", "close")
"""How a stream ends: as it should; in the middle of its chunks, by hanging up or by a reset; where nothing said how
long it would be."""


def streamed(*pieces: bytes, ending: str = "end", kind: str = "text/event-stream") -> Fault:
    """A stream, each piece by itself, that ends in one of the `ENDINGS`."""

    def fault(line: Line) -> object:
        if ending == "close":
            line.say(head(kind=kind) + b"\r\n", *pieces)
            return None
        line.say(head(kind=kind) + CHUNKED, *map(chunked, pieces))
        if ending == "end":
            line.say(b"0\r\n\r\n")
            return KEEP
        line.say(b"ff\r\nhalf a chunk"[: 4 * (ending == "cut")])
        if ending == "reset":
            line.reset()
        return None

    return fault


def saying(*pieces: bytes) -> Fault:
    """These bytes, and the end."""
    return lambda line: line.say(*pieces)


def echo(status: int = 400, kind: str = "text/plain") -> Fault:
    """The whole request, headers and all, in the body and in every header that somebody may show."""

    def fault(line: Line) -> object:
        said = b" ".join(line.heard.split())
        headers: dict[str, str | bytes] = dict.fromkeys(("x-request-id", "location", "retry-after"), said)
        return answer(line.heard, status, headers, kind)(line)

    return fault
