"""A provider that costs next to nothing: an HTTP server in a process of its own with two fixed answers.

A conversation with tools and no result gets a call of `add`; every other one gets `<int>42</int>`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 40, "b": 2}'}}


def _reply(message: dict[str, object], reason: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice]}
    data = json.dumps({**body, "usage": _USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)


_ANSWER = _reply({"content": "<int>42</int>"}, "stop")
_TOOL_CALL = _reply({"content": None, "tool_calls": [_CALL]}, "tool_calls")


class _Connection(asyncio.Protocol):
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
            calls_a_tool = b'"tools":' in body and b'"tool_call_id":' not in body
            self.transport.write(_TOOL_CALL if calls_a_tool else _ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The end of our input is the end of the process that started us.
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def stub() -> Generator[str]:
    """The base URL of a stub that runs for the length of a `with` block."""
    command = [sys.executable, "-m", "benchmarks.stub"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve())
