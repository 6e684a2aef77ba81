"""A provider on loopback that says what a test tells it to, well or badly, and keeps what it was sent."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def completion(content: str | None = "Hello!", **message: Any) -> dict[str, Any]:
    """A reply as OpenAI gives it."""
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "stub-1",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": reason}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }


def refusal(message: str, **details: Any) -> dict[str, Any]:
    """The body of an error as OpenAI gives it."""
    return {"error": {"message": message, "type": None, "param": None, "code": None, **details}}


@dataclass(frozen=True)
class Reply:
    """What the stub does with a request.

    `cut`: bytes it sends of the body before it hangs up; `stalls`: it sends none and holds on; `waits`: seconds in
    which it gives other requests the chance to come in; `pieces`: it sends these as chunks, each event that stands
    between them waited for, and hangs up before the end of the chunks when it is `broken`.
    """

    body: Any = field(default_factory=completion)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut: int | None = None
    hangs_up: bool = False
    stalls: bool = False
    waits: float = 0.0
    pieces: Sequence[bytes | threading.Event] | None = None
    broken: bool = False

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def key(self) -> str | None:
        return self.headers.get("authorization")


@dataclass
class Stub:
    """A provider. It gives `replies` in order, and then says hello for ever."""

    port: int = 0
    replies: list[Reply] = field(default_factory=list[Reply])
    heard: list[Request] = field(default_factory=list[Request])
    arrived: threading.Condition = field(default_factory=threading.Condition)
    under_way: int = 0
    most_under_way: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """Whether a client closed the connection while its answer was still to come."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def will(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    def wait_for(self, count: int) -> None:
        """Waits until so many requests have come in."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.heard) >= count, 10)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", 0))
        sent = json.loads(handler.rfile.read(length) or b"{}")
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.arrived:
            self.heard.append(Request(handler.path, headers, sent))
            reply = self.replies.pop(0) if self.replies else Reply()
            self.under_way += 1
            self.most_under_way = max(self.under_way, self.most_under_way)
            self.arrived.notify_all()
            self.arrived.wait_for(lambda: self.most_under_way > 1, reply.waits)
            self.under_way -= 1
        self._send(handler, reply)

    def _send(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        handler.close_connection = True
        if reply.stalls:
            self.closing.wait(30)
        if reply.stalls or reply.hangs_up:
            return
        handler.send_response(reply.status)
        kind = "application/json" if reply.pieces is None else "text/event-stream"
        for name, value in {"content-type": kind, **reply.headers}.items():
            handler.send_header(name, value)
        if reply.pieces is not None:
            self._send_pieces(handler, reply, reply.pieces)
            return
        handler.send_header("content-length", str(len(reply.content)))
        handler.send_header("connection", "close")
        handler.end_headers()
        handler.wfile.write(reply.content[: reply.cut])

    def _send_pieces(
        self, handler: BaseHTTPRequestHandler, reply: Reply, pieces: Sequence[bytes | threading.Event]
    ) -> None:
        handler.send_header("transfer-encoding", "chunked")
        # Else the client may send its next request on a connection that is being closed.
        handler.send_header("connection", "close")
        handler.end_headers()
        try:
            for piece in pieces:
                if isinstance(piece, bytes):
                    handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                else:
                    self._hold(handler, piece)
            handler.wfile.write(b"" if reply.broken else b"0\r\n\r\n")
        except ConnectionError:
            self.left.set()

    def _hold(self, handler: BaseHTTPRequestHandler, until: threading.Event) -> None:
        """Waits for the event, for the client to leave, or for the end of the test."""
        while not (until.is_set() or self.closing.is_set()):
            if select.select([handler.connection], [], [], 0.01)[0] and not handler.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError


@contextmanager
def serving() -> Generator[Stub]:
    """A stub that listens for the length of a `with` block."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            stub.answer(self)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the name is the base class's
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stub
        finally:
            stub.closing.set()
            server.shutdown()
            thread.join()
