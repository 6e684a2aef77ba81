"""HTTP for providers: one pooled client for the process, usable from any event loop. Nothing here knows a provider."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

from pydantic_core import from_json, to_json
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    BuilderError,
    ConnectError,
    PyreqwestError,
    RequestTimeoutError,
)
from pyreqwest.response import Response

from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    NetworkRefusedError,
    ProviderError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.generator.ending import let_threads_finish
from rigging_py.generator.network import LOOPBACK_ONLY, is_loopback_only, refuse_outside, without_user
from rigging_py.wire import http_failure, redacted

DEFAULT_TIMEOUT = 600.0
"""Seconds for one request; long answers take minutes."""
IDLE_TIMEOUT = 300.0
"""Seconds in which a stream may say nothing; models that think first are silent for minutes."""
BODY_MAX = 64 * 1024 * 1024
"""Bytes of a body that an endpoint of any shape may send."""
_ITS_URL = re.compile(r" for url \(.*\)")
_STREAMED = re.compile(r"(?i)event-stream|json")
_BEGUN = re.compile(rb"\A[:{]|^(?:data|event|id|retry):", re.MULTILINE)
"""What a body of some other type holds when it is a stream of events, or an answer in JSON, all the same."""
_BEGUN_LONGEST = len(b"retry:")
_STRANGE_MAX = 1024 * 1024
"""Bytes of a body of some other type in which that may be looked for."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a provider, of JSON unless `body` is bytes. `key` goes into the Authorization header only.

    `timeout` is how many seconds the whole may take, `idle` how many may pass between two pieces of a stream. `shown`
    stands for the URL in errors, where that must not be shown.
    """

    provider: str
    url: str = field(repr=False)
    body: Mapping[str, Any] | bytes = field(repr=False)
    key: str | None = field(default=None, repr=False)
    timeout: float | None = None
    idle: float = IDLE_TIMEOUT
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    shown: str | None = None

    @property
    def address(self) -> str:
        """The URL as errors show it."""
        return without_user(self.url) if self.shown is None else self.shown


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status: `headers` in their order, the names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def exchange(request: Request) -> Reply:
    """The reply, of any status. Raises the `ProviderError` that a failure of the connection stands for.

    A body of more than `BODY_MAX` bytes, which a few may unpack to, is an `InvalidError`.
    """
    _refuse_outside(request)
    # With a buffer, a body that is waited for could not be given up: its connection would stay.
    opened = _builder(request).streamed_read_buffer_limit(0).build_streamed()
    response = await _sent(request, opened.__aenter__)
    try:
        body = await _bounded_body(request, response)
    finally:
        await opened.__aexit__(None, None, None)
    return Reply(response.status, tuple(_headers(response)), body)


def _headers(response: Response) -> Iterator[tuple[str, str]]:
    """The headers that are text; others are left out."""
    for name in dict.fromkeys(response.headers.keys()):
        with suppress(ValueError):
            yield from [(name.lower(), value) for value in response.headers.getall(name)]


def _header(response: Response, name: str) -> str | None:
    return next((value for one, value in _headers(response) if one == name), None)


async def _bounded_body(request: Request, response: Response) -> bytes:
    body, read = bytearray(), response.body_reader.read_chunk
    while (chunk := await _sent(request, read)) is not None:
        body += chunk
        if len(body) > BODY_MAX:
            raise InvalidError(
                f"The reply from {request.provider} is larger than {BODY_MAX:,} bytes.",
                provider=request.provider,
                status=response.status,
            )
    return bytes(body)


async def post(request: Request) -> object:
    """The JSON of the reply.

    Raises the `ProviderError` that the status or the failure of the connection stands for.
    """
    _refuse_outside(request)
    response = await _sent(request, lambda: _builder(request).build().send())
    body = await _sent(request, response.bytes)
    text = bytes(body)
    if response.status != 200:
        raise _refused(request, response, text.decode(errors="replace"))
    return _read_json(request, response, text)


def _read_json(request: Request, response: Response, text: bytes) -> object:
    try:
        return from_json(text)
    except ValueError as error:
        shown = redacted(text.decode(errors="replace"), request.key)[:2000]
        raise InvalidError(
            f"The reply from {request.provider} is not JSON ({error}). "
            f"Check that {request.address} is the API's address.",
            provider=request.provider,
            status=response.status,
            body=shown,
        ) from None


async def stream(request: Request) -> AsyncGenerator[bytes, None]:
    """The bytes of the reply's body as they arrive. Closing the generator closes the connection.

    Raises as `post` does, for a body that is neither JSON nor a stream of events only at its end, or after 1 MB. A body
    that is cut off where its length or its chunks say so is a `StreamInterruptedError`.
    """
    _refuse_outside(request)
    # With a buffer, chunks would wait for each other; compressed, they could not be read one by one.
    builder = _builder(request).header("accept-encoding", "identity").streamed_read_buffer_limit(0)
    opened = builder.build_streamed()
    response = await _sent(request, opened.__aenter__)
    try:
        if response.status != 200:
            raise _refused(request, response, bytes(await _sent(request, response.bytes)).decode(errors="replace"))
        read = response.body_reader.read_chunk
        strange = None if _STREAMED.search(_header(response, "content-type") or "") else bytearray()
        while (piece := await _next(request, read)) is not None:
            chunk = bytes(piece)
            if strange is not None and _has_begun(strange, chunk):
                strange = None
            if strange is not None and len(strange) > _STRANGE_MAX:
                break
            yield chunk
        if strange is not None:
            _read_json(request, response, bytes(strange))
    finally:
        await opened.__aexit__(None, None, None)


def _has_begun(seen: bytearray, chunk: bytes) -> bool:
    """Whether a body of some other type is an answer after all, with this chunk, which is added to what was seen."""
    looked_at = max(0, len(seen) - _BEGUN_LONGEST)
    seen += chunk if seen else chunk.lstrip()
    return _BEGUN.search(seen, looked_at) is not None


async def _next(request: Request, read: Callable[[], Awaitable[Any]]) -> Any:
    try:
        async with asyncio.timeout(request.idle):
            return await _sent(request, read)
    except TimedOutError:
        raise
    except TimeoutError as error:
        raise TimedOutError(
            f"{request.provider} has sent nothing more of its answer for {request.idle:g} seconds.",
            provider=request.provider,
        ) from error


def _refuse_outside(request: Request) -> None:
    try:
        refuse_outside(request.url)
    except NetworkRefusedError:
        raise NetworkRefusedError(request.address, LOOPBACK_ONLY) from None


def _builder(request: Request) -> Any:
    try:
        builder = _client(is_loopback_only()).request(request.method, request.url)
    except ValueError as error:
        raise _no_address(request, str(error)) from None
    for name, value in request.headers.items():
        builder = builder.header(name, value, is_sensitive=True)
    if request.key is not None and not request.key.isprintable():
        raise AuthenticationFailedError(
            f"The key for {request.provider} holds a line end or another character that no header can carry. "
            "Check where it is read from.",
            provider=request.provider,
        )
    # Whole bytes, so that the length is known and the body is sent at once.
    if isinstance(request.body, bytes):
        builder = builder.body_bytes(request.body)
    else:
        builder = builder.header("content-type", "application/json").body_bytes(to_json(request.body))
    builder = builder.timeout(_duration(request.timeout or DEFAULT_TIMEOUT))
    return builder.header("authorization", f"Bearer {request.key}", is_sensitive=True) if request.key else builder


async def _sent(request: Request, send: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await send()
    except RequestTimeoutError as error:
        seconds = request.timeout or DEFAULT_TIMEOUT
        raise TimedOutError(
            f"{request.provider} gave no answer in {seconds:g} seconds. Raise `timeout`, or ask for less.",
            provider=request.provider,
        ) from error
    except PyreqwestError as error:
        # What the client says names the URL.
        raise _broken(request, error) from (error if request.shown is None else None)


def _broken(request: Request, error: PyreqwestError) -> ProviderError:
    details: dict[str, Any] = getattr(error, "details", None) or {}
    causes: list[dict[str, str]] = details.get("causes") or []
    reason = _ITS_URL.sub("", causes[-1]["message"] if causes else str(error))
    if isinstance(error, BuilderError):
        return _no_address(request, reason)
    # A connection that was made and then closed without a word is a `ConnectError` too.
    if isinstance(error, ConnectError) and any("(Connect)" in cause["message"] for cause in causes):
        return ServerFaultError(
            f"{request.provider} could not be reached at {request.address}: {reason}. "
            "Check the address, and that a server listens there.",
            provider=request.provider,
        )
    return StreamInterruptedError(
        f"The connection to {request.provider} broke before the answer was complete: {reason}.",
        provider=request.provider,
    )


def _no_address(request: Request, reason: str) -> InvalidError:
    return InvalidError(
        f"{request.address!r} is no address to send a request to: {reason}. Write api_base like http://host:8000/v1.",
        provider=request.provider,
    )


def _refused(request: Request, response: Response, body: str) -> ProviderError:
    return http_failure(
        request.provider,
        response.status,
        body,
        request_id=_header(response, "x-request-id"),
        retry_after=_header(response, "retry-after"),
        secret=request.key,
    )


@lru_cache(maxsize=64)
def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@cache
def _client(stays_here: bool) -> Client:
    let_threads_finish()
    # A redirect could carry the key to another host, and so could a proxy where only loopback is allowed.
    builder = ClientBuilder().follow_redirects(False)
    return (builder.no_proxy() if stays_here else builder).build()


os.register_at_fork(after_in_child=_client.cache_clear)
