"""A provider that costs next to nothing: an HTTP server in a process of its own with three fixed answers.

A conversation with tools and no result gets a call of `add`; every other one gets `<int>42</int>`, streamed where it
is to be. Told to wait for a number of requests, it answers none before all of them have come.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import ClassVar, cast

from benchmarks.clock import leave_that_core, open_many_files

_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 40, "b": 2}'}}


def _reply(message: dict[str, object], reason: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice]}
    data = json.dumps({**body, "usage": _USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


_ANSWER = _reply({"content": "<int>42</int>"}, "stop")
_TOOL_CALL = _reply({"content": None, "tool_calls": [_CALL]}, "tool_calls")


_WORDS = ("<int>", "4", "2", "</int>")


def _events() -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    deltas = [{"role": "assistant", "content": ""}, *({"content": word} for word in _WORDS), {}]
    chunks: list[dict[str, object]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}]}
        for delta in deltas
    ]
    chunks.append({**head, "choices": [], "usage": _USAGE})
    lines = [json.dumps(chunk) for chunk in chunks]
    data = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


_STREAM = _events()


class _Connection(asyncio.Protocol):
    awaited = 0
    """Requests that have to come before any is answered."""
    waiting: ClassVar[list[asyncio.Transport]] = []

    def __init__(self) -> None:
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            headers = self.data[:end].lower()
            length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
            stop = end + 4 + length
            if len(self.data) < stop:
                return
            body, self.data = self.data[end + 4 : stop], self.data[stop:]
            self.answer(body)

    def answer(self, body: bytes) -> None:
        if len(self.waiting) < self.awaited:
            self.waiting.append(self.transport)
            if len(self.waiting) == self.awaited:
                for transport in self.waiting:
                    transport.write(_ANSWER)
        elif b'"tools":' in body and b'"tool_call_id":' not in body:
            self.transport.write(_TOOL_CALL)
        else:
            self.transport.write(_STREAM if b'"stream":true' in body else _ANSWER)


async def _serve(awaited: int) -> None:
    _Connection.awaited = awaited
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The end of our input is the end of the process that started us.
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def stub(awaited: int = 0) -> Generator[str]:
    """The base URL of a stub that runs for the length of a `with` block."""
    command = [sys.executable, "-m", "benchmarks.stub", str(awaited)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.stdin.close()


if __name__ == "__main__":
    leave_that_core()
    open_many_files()
    asyncio.run(_serve(int(sys.argv[1])))
