"""HTTP for providers: one pooled client for the process, usable from any event loop. Nothing here knows a provider."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

from pydantic_core import from_json, to_json
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import (
    PyreqwestError,
)
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from rigging_py.error import (
    AuthenticationFailedError,
    InvalidError,
    NetworkRefusedError,
    TimedOutError,
)
from rigging_py.generator.ending import let_threads_finish
from rigging_py.generator.network import (
    LOOPBACK_ONLY,
    flaw_of,
    is_loopback,
    is_loopback_only,
)
from rigging_py.generator.request import DEFAULT_TIMEOUT, Reply, Request, header_in
from rigging_py.generator.unanswered import broken, no_address, refused
from rigging_py.util.waiting import heeding
from rigging_py.wire import no_json

CONNECT_TIMEOUT = 30.0
"""Seconds to reach a server; a request that was not sent by then may be sent again."""
BODY_MAX = 64 * 1024 * 1024
"""Bytes of a body that an endpoint of any shape may send."""
_STREAMED = re.compile(r"(?i)event-stream|json")
_BEGUN = re.compile(rb"\A[:{]|^(?:data|event|id|retry):", re.MULTILINE)
"""What a body of some other type holds when it is a stream of events, or an answer in JSON, all the same."""
_BEGUN_LONGEST = len(b"retry:")
_STRANGE_MAX = 1024 * 1024
"""Bytes of a body of some other type in which that may be looked for."""


async def exchange(request: Request) -> Reply:
    """The reply, of any status. Raises the `ProviderError` that a failure of the connection stands for.

    A body of more than `BODY_MAX` bytes, which a few may unpack to, is an `InvalidError`.
    """
    opened = _opening(_builder(request))
    response = await _entered(request, opened)
    try:
        body = await _bounded_body(request, response)
    finally:
        await opened.__aexit__(None, None, None)
    return Reply(response.status, response.headers, body)


async def _bounded_body(request: Request, response: Response) -> bytes:
    read = response.body_reader.read
    body = await _sent(request, lambda: read(BODY_MAX + 1))
    # What failed has said why by then.
    if body is not None and len(body) > BODY_MAX and response.status < 400:
        raise InvalidError(
            f"The reply from {request.provider} is larger than {BODY_MAX:,} bytes.",
            provider=request.provider,
            status=response.status,
            request_id=request.id,
            is_outcome_unknown=True,
        )
    return bytes(body or b"")


async def post(request: Request) -> object:
    """The JSON of the reply.

    Raises the `ProviderError` that the status or the failure of the connection stands for.
    """
    reply = await exchange(request)
    if reply.status != 200:
        raise refused(request, reply)
    return _read_json(request, reply)


def _read_json(request: Request, reply: Reply) -> object:
    try:
        return from_json(reply.body)
    except ValueError as error:
        advice = f" Check that {request.address} is the API's address."
        failure = no_json(request.provider, request.key, reply.body, error, advice)
        failure.status, failure.request_id = reply.status, request.id
        raise failure from None


async def stream(request: Request) -> AsyncGenerator[bytes, None]:
    """The bytes of the reply's body as they arrive. Closing the generator closes the connection.

    Raises as `post` does, for a body that is neither JSON nor a stream of events only at its end, or after 1 MB. A body
    that is cut off where its length or its chunks say so is a `StreamInterruptedError`.
    """
    # Compressed, chunks could not be read one by one.
    opened = _opening(_builder(request).header("accept-encoding", "identity"))
    response = await _entered(request, opened)
    try:
        if response.status != 200:
            raise refused(request, Reply(response.status, response.headers, await _bounded_body(request, response)))
        read = response.body_reader.read_chunk
        is_known = _STREAMED.search(header_in(response.headers, "content-type") or "")
        strange = None if is_known else bytearray()
        while (piece := await _next(request, read)) is not None:
            chunk = bytes(piece)
            if strange is not None and _has_begun(strange, chunk):
                strange = None
            if strange is not None and len(strange) > _STRANGE_MAX:
                break
            yield chunk
        if strange is not None:
            _read_json(request, Reply(response.status, response.headers, bytes(strange)))
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
            request_id=request.id,
            is_outcome_unknown=True,
        ) from error


def _builder(request: Request) -> Any:
    stays_here = is_loopback(request.url)
    if is_loopback_only() and not stays_here:
        raise NetworkRefusedError(request.address, LOOPBACK_ONLY)
    if flaw := flaw_of(request.url):
        raise no_address(request, flaw)
    try:
        builder = _client(stays_here).request(request.method, request.url)
    except ValueError as error:
        raise no_address(request, str(error)) from None
    for name, value in request.headers.items():
        builder = _with_header(request, builder, name, value)
    if request.key is not None and not (request.key.isprintable() and request.key.isascii()):
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
    if not request.key:
        return builder
    key = f"Bearer {request.key}" if request.key_header == "authorization" else request.key
    return builder.header(request.key_header, key, is_sensitive=True)


def _with_header(request: Request, builder: Any, name: str, value: str) -> Any:
    try:
        return builder.header(name, value, is_sensitive=True)
    except ValueError:
        problem = "has a line end or another character that no header can carry"
        shown = name if name.isascii() and name.isprintable() else "a header"
    raise InvalidError(f"{shown!r} for {request.provider} {problem}.", provider=request.provider)


def _opening(builder: Any) -> StreamRequest:
    # With a buffer, chunks would wait for each other, and a body that is waited for could not be given up.
    opening: StreamRequest = builder.streamed_read_buffer_limit(0).build_streamed()
    return opening


async def _entered(request: Request, opened: StreamRequest) -> Response:
    try:
        response: Response = await _sent(request, opened.__aenter__)
    except asyncio.CancelledError:
        with suppress(RuntimeError):  # it is not open yet
            await opened.__aexit__(None, None, None)
        raise
    request.answered.append(response.headers)
    return response


async def _sent(request: Request, send: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await heeding(send())
    except PyreqwestError as error:
        # What the client says names the URL.
        raise broken(request, error) from (error if request.address == request.url else None)


@lru_cache(maxsize=64)
def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@cache
def _client(stays_here: bool) -> Client:
    let_threads_finish()
    # A redirect could carry the key to another host; and a proxy elsewhere cannot reach this machine.
    builder = ClientBuilder().follow_redirects(False).connect_timeout(_duration(CONNECT_TIMEOUT))
    return (builder.no_proxy() if stays_here else builder).build()


os.register_at_fork(after_in_child=_client.cache_clear)
