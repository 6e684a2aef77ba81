"""An endpoint on loopback that answers what a test tells it to, and keeps every request as it came."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A status, a body (text, or data that is sent as JSON) and headers; one that `stalls` never comes."""

    body: Any = field(default_factory=lambda: {"output": "Hello!"})
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    stalls: bool = False

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """It gives its answers in order, and then says hello for ever."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list[Answer])
    asked: list[Asked] = field(default_factory=list[Asked])
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ask"

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        body = handler.rfile.read(int(handler.headers.get("content-length", 0))).decode()
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.lock:
            self.asked.append(Asked(handler.command, handler.path, headers, body))
            answer = self.answers.pop(0) if self.answers else Answer()
        if answer.stalls:
            self.closing.wait(30)
            return
        handler.send_response(answer.status)
        own = {"content-length": str(len(answer.content)), "connection": "close"}
        for name, value in {"content-type": "application/json", **answer.headers, **own}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.content)


@contextmanager
def listening() -> Generator[Endpoint]:
    """An endpoint for the length of a `with` block."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            endpoint.take(self)

        do_GET = do_PUT = do_POST

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the name is the base class's
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.closing.set()
            server.shutdown()
            thread.join()
