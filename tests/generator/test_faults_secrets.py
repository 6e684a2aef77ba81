"""A server that sends back all it was sent: no error shows the key, whatever the failure and wherever it stands."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from rigging_py.error import ProviderError
from tests.generator.fault_server import (
    CHUNKED,
    ENDINGS,
    Fault,
    FaultServer,
    Line,
    answer,
    chunked,
    echo,
    fault_serving,
    head,
    streamed,
)
from tests.generator.fault_wires import KEY, WIRES, Spoken, asking, facts, outcome, wires

streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def said_by(make: Callable[[bytes], Fault]) -> Fault:
    """A fault made of the request it is about."""
    return lambda line: make(line.heard)(line)


def quoted(heard: bytes) -> bytes:
    return json.dumps(heard.decode()).encode()


ECHOES: dict[str, Fault] = {
    "text": echo(),
    "a page": echo(502, "text/html"),
    "no answer": echo(200),
    "a fault": echo(500),
    "a redirect": echo(307),
    "a limit": echo(429, "application/json"),
    "an error in JSON": said_by(lambda heard: answer(b'{"error": {"message": ' + quoted(heard) + b"}}", 401)),
    "an error with slashes": said_by(
        lambda heard: answer(b'{"detail": [{"msg": ' + quoted(heard).replace(b"/", rb"\/") + b"}]}", 422)
    ),
    "an error in place of an answer": said_by(lambda heard: answer(b'{"error": ' + quoted(heard) + b"}")),
    "an error with codes": said_by(
        lambda heard: answer(b'{"request_id": %s, "error": {"code": %s}}' % (quoted(heard), quoted(heard)), 400)
    ),
    "an address": said_by(lambda heard: answer(quote(heard).encode(), 404)),
    "an event of an error": said_by(lambda heard: streamed(b'data: {"error": ' + quoted(heard) + b"}\n\n")),
    "an event of JSON": said_by(lambda heard: streamed(b"data: " + quoted(heard) + b"\n\n")),
    "an event of no JSON": said_by(lambda heard: streamed(b"data: {" + heard.replace(b"\r\n", b" ") + b"\n\n")),
    "a blocked prompt": said_by(
        lambda heard: answer(b'{"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": %s}}' % quoted(heard))
    ),
    "no HTTP": said_by(lambda heard: lambda line: line.say(heard)),
    "a strange status": said_by(
        lambda heard: lambda line: line.say(b"HTTP/1.1 500 " + heard.split(b"\r\n")[0] + heard)
    ),
    "half a body": said_by(lambda heard: lambda line: line.say(head(), b"content-length: 99999\r\n\r\n", heard)),
    "a chunk's size": said_by(lambda heard: lambda line: line.say(head(), CHUNKED, chunked(b"{"), heard)),
}


def everything(error: BaseException) -> str:
    """All that somebody may come to see of an error."""
    assert isinstance(error, ProviderError)
    causes = [repr(vars(one)) for one in (error.__cause__, error.__context__) if one is not None]
    return "".join([*traceback.format_exception(error), *causes, repr(facts(error))])


@wires
@streams
@pytest.mark.parametrize("name", ECHOES)
async def test_no_failure_shows_the_key(server: FaultServer, wire: Spoken, stream: bool, name: str) -> None:
    server.will(ECHOES[name])
    result = await outcome(asking(wire, server), stream=stream)
    assert any(KEY.encode() in heard for heard in server.heard)
    said = everything(result.failure)
    for spelling in (KEY, KEY.replace("/", r"\/"), quote(KEY, safe=""), quote(KEY)):
        assert spelling not in said


@wires
@pytest.mark.parametrize("ending", ENDINGS)
async def test_nor_does_an_answer_that_breaks_off_in_the_middle_of_it(
    server: FaultServer, wire: Spoken, ending: str
) -> None:
    def breaks_off(line: Line) -> object:
        return streamed(*wire.events[:2], b'data: {"id": "' + line.heard, ending=ending, kind=wire.kind)(line)

    server.will(breaks_off)
    failure = (await outcome(asking(wire, server), stream=True)).failure
    assert KEY not in everything(failure)


async def test_a_key_that_is_sent_back_in_a_header_is_no_name_of_a_request(server: FaultServer) -> None:
    server.will(answer(b"no", 500, {"x-request-id": f"r-7 {KEY}", "retry-after": KEY}))
    failure = (await outcome(asking(WIRES["openai"], server), stream=False)).failure
    assert (failure.request_id, failure.retry_after) == ("r-7 ***", None)
