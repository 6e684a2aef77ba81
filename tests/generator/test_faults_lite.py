"""The same faults through litellm: what its exceptions are in our tree, and that none shows the key."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import rigging_py as rg
from rigging_py.error import ProviderError
from rigging_py.generator import get_generator
from tests.generator.fault_server import Fault, FaultServer, Line, answer, echo, fault_serving, head, saying, streamed
from tests.generator.fault_wires import HELLO, WIRES, outcome

pytestmark = [
    pytest.mark.xdist_group("litellm"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*`ReadOnly` qualifier:UserWarning"),
]
streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
KEY = "hush-hush-9"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with fault_serving() as server:
        yield server


def asking(url: str, provider: str = "openai", timeout: float = 10.0) -> rg.Generator:
    return get_generator(f"litellm!{provider}/m,api_base={url},api_key={KEY},timeout={timeout}")


async def failure_of(model: rg.Generator, stream: bool) -> ProviderError:
    failure = (await outcome(model, stream=stream)).failure
    assert KEY not in f"{failure}{failure!r}{vars(failure)}"
    return failure


@streams
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, "Invalid"),
        (400, "Invalid"),
        (401, "AuthenticationFailed"),
        (402, "AuthenticationFailed"),
        (403, "AuthenticationFailed"),
        (404, "NotFound"),
        (408, "TimedOut"),
        (409, "ServerFault"),
        (413, "ContextOverflow"),
        (422, "Invalid"),
        (429, "RateLimited"),
        (500, "ServerFault"),
        (502, "ServerFault"),
        (503, "ServerFault"),
        (504, "TimedOut"),
        (522, "ServerFault"),
        (529, "ServerFault"),
    ],
)
async def test_a_status_is_of_the_kind_that_it_is_without_litellm(
    server: FaultServer, stream: bool, status: int, kind: str
) -> None:
    told = {"X-Request-Id": f"r-7 {KEY}", "Retry-After": "Sat, 21 Nov 2026 19:00:03 GMT"}
    server.will(answer({"error": {"message": f"no {KEY}"}}, status, {**told, "Date": "Sat, 21 Nov 2026 19:00:00 GMT"}))
    failure = await failure_of(asking(server.url), stream)
    assert (failure.kind, failure.status) == (kind, status)
    assert (failure.request_id, failure.retry_after) == ("r-7 ***", 3.0)
    assert failure.is_outcome_unknown == (kind == "TimedOut")


@streams
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "context_length_exceeded", "ContextOverflow"),
        (400, "content_filter", "Refused"),
        (429, "insufficient_quota", "AuthenticationFailed"),
        (429, "rate_limit_exceeded", "RateLimited"),
    ],
)
async def test_a_code_is_known_through_litellm(
    server: FaultServer, stream: bool, status: int, code: str, kind: str
) -> None:
    server.will(answer({"error": {"message": "no", "code": code}}, status))
    assert (await failure_of(asking(server.url), stream)).kind == kind


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (saying(), "Interrupted"),
        (saying(head() + b"content-length: 90\r\n\r\n{"), "Interrupted"),
        (saying(b"SSH-2.0-OpenSSH_9.9\r\n"), "Invalid"),
        (answer(b'{"choices": ['), "Invalid"),
        (answer(b"<html>Hello</html>"), "Invalid"),
        (Line.hold, "TimedOut"),
    ],
    ids=["nothing", "half", "another protocol", "half JSON", "a page", "silence"],
)
async def test_what_was_sent_and_not_answered_may_have_been_paid(
    server: FaultServer, provider: str, fault: Fault, kind: str
) -> None:
    server.will(fault)
    failure = await failure_of(asking(server.url, provider, 0.3 if kind == "TimedOut" else 10.0), False)
    assert (failure.kind, failure.status, failure.is_outcome_unknown) == (kind, None, True)
    server.will(fault, answer(WIRES["openai"].whole))
    heard = len(server.heard)
    again = rg.retry(asking(server.url, provider, 0.3 if kind == "TimedOut" else 10.0), clock=rg.VirtualClock())
    [result] = await again.generate_messages([HELLO], [rg.GenerateParams()])
    assert isinstance(result, ProviderError)
    assert len(server.heard) == heard + 1


@pytest.mark.parametrize("ending", ["cut", "close", "end", "reset"])
async def test_a_cut_stream_is_known_to_be_cut_through_litellm(server: FaultServer, ending: str) -> None:
    wire = WIRES["openai"]
    for count in range(1, 4):
        server.will(streamed(*wire.events[:count], ending=ending))
        failure = await failure_of(asking(server.url), True)
        assert (failure.kind, failure.is_outcome_unknown) == ("Interrupted", True)


@streams
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_port_where_nobody_listens_costs_nothing(provider: str, stream: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        failure = await failure_of(asking(f"http://127.0.0.1:{unused.getsockname()[1]}/v1", provider), stream)
    assert (failure.kind, failure.status, failure.is_outcome_unknown) == ("ServerFault", None, False)


@streams
@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_an_echo_shows_no_key(server: FaultServer, stream: bool, status: int) -> None:
    server.will(echo(status))
    assert (await failure_of(asking(server.url), stream)).status == status
