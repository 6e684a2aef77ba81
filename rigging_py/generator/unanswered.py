"""Why a request got no answer: the errors of our tree for what the HTTP client raises, and for replies that refuse."""

from __future__ import annotations

import re
from typing import Any

from pyreqwest.exceptions import BuilderError, DecodeError, PyreqwestError, RequestTimeoutError

from rigging_py.error import InvalidError, ProviderError, ServerFaultError, StreamInterruptedError, TimedOutError
from rigging_py.generator.network import proxy_variable, redirect_to, secrets_in
from rigging_py.generator.request import DEFAULT_TIMEOUT, Reply, Request, header_in, headers_of
from rigging_py.parsing.untyped import as_list
from rigging_py.wire import http_failure, redacted

_ITS_URL = re.compile(r" for url \(.*\)")


def broken(request: Request, error: PyreqwestError) -> ProviderError:
    """What a failure of the client stands for."""
    details: dict[str, Any] = getattr(error, "details", None) or {}
    causes = [str(cause["message"]) for cause in as_list(details.get("causes"))]
    reason = _ITS_URL.sub("", causes[-1] if causes else str(error))
    if isinstance(error, BuilderError):
        return no_address(request, reason)
    # The class says "connect" also of what was sent and never answered; only the cause tells.
    if any("(Connect)" in cause for cause in causes):
        return ServerFaultError(
            f"{request.provider} could not be reached at {request.address}: {reason}. {_advice(request, reason)}",
            provider=request.provider,
        )
    if isinstance(error, RequestTimeoutError):
        return TimedOutError(
            f"{request.provider} gave no answer in {request.timeout or DEFAULT_TIMEOUT:g} seconds. "
            "Raise `timeout`, or ask for less.",
            provider=request.provider,
            request_id=request.id,
            is_outcome_unknown=True,
        )
    if isinstance(error, DecodeError):
        return InvalidError(
            f"What answers at {request.address} does not speak HTTP as it should: {reason}. "
            "Check that it is the API's address, and whether it begins with http or https.",
            provider=request.provider,
            is_outcome_unknown=True,
        )
    return StreamInterruptedError(
        f"The connection to {request.provider} broke before the answer was complete: {reason}.",
        provider=request.provider,
        request_id=request.id,
        is_outcome_unknown=True,
    )


def _advice(request: Request, reason: str) -> str:
    if "certificate" in reason:
        return (
            "The server's certificate is not one that this machine trusts. If it is of a private authority, let "
            "SSL_CERT_FILE name a PEM file with the certificates to trust, which stand in place of the system's."
        )
    proxy = proxy_variable(request.url)
    through = f" Requests to it go through the proxy in {proxy}: check that too, or name the host in NO_PROXY."
    return f"Check the address, and that a server listens there.{through if proxy else ''}"


def no_address(request: Request, reason: str) -> InvalidError:
    """The error of a URL that cannot be sent to."""
    return InvalidError(
        f"{request.address!r} is no address to send a request to: {reason}. Write api_base like http://host:8000/v1.",
        provider=request.provider,
    )


def refused(request: Request, reply: Reply) -> ProviderError:
    """What a reply of another status than 200 stands for."""
    said = reply.text
    for secret in secrets_in(request.url):
        said = redacted(said, secret)
    place = redirect_to(request.url, header_in(reply.headers, "location")) if 300 <= reply.status < 400 else None
    return http_failure(
        request.provider,
        reply.status,
        f"it redirects to {place}" if place else said,
        headers=dict(headers_of(reply.headers)),
        secret=request.key,
        address=request.address,
    )
