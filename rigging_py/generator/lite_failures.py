"""What litellm raises, as the errors of our tree. Its classes are known by their names, so it is not imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    InvalidError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    RiggingError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
)
from rigging_py.wire import BODY_LIMIT, failure_kind, read_seconds, redacted, stream_failure

_KEYLESS = re.compile(r"api_key.* must be set|missing (\w+ )*(credentials|api key)", re.IGNORECASE)
_TRACEBACK = "\nTraceback (most recent call last)"
_FAILURES: Mapping[str, type[ProviderError]] = {
    "AuthenticationError": AuthenticationFailedError,
    "PermissionDeniedError": AuthenticationFailedError,
    "NotFoundError": NotFoundError,
    "ContextWindowExceededError": ContextOverflowError,
    "ContentPolicyViolationError": RefusedError,
    "RateLimitError": RateLimitedError,
    "Timeout": TimedOutError,
    "APIConnectionError": ServerFaultError,
    "ServiceUnavailableError": ServerFaultError,
    "InternalServerError": ServerFaultError,
    "BadGatewayError": ServerFaultError,
    "BadRequestError": InvalidError,
    "UnprocessableEntityError": InvalidError,
    "APIResponseValidationError": InvalidError,
    "APIError": ServerFaultError,
}
"""litellm's exceptions by name, the most derived first to match."""


def failure_of(error: Exception, model: str, key: str | None) -> RiggingError | None:
    """The error of our tree that one of litellm's stands for; None for one that is not litellm's."""
    if ours := _ours(error):
        return ours
    kind = next((_FAILURES[base.__name__] for base in type(error).__mro__ if base.__name__ in _FAILURES), None)
    if kind is None:
        return None
    facts = cast("Any", error)
    said, _, _ = str(getattr(facts, "message", error)).partition(_TRACEBACK)
    if _KEYLESS.search(said):
        kind = AuthenticationFailedError  # a client's own complaint, which litellm takes for a server's
    status: int | None = getattr(facts, "status_code", None)
    headers: Mapping[str, str] = getattr(facts, "litellm_response_headers", None) or {}
    if kind is InvalidError:
        kind = failure_kind(status or 400, str(getattr(facts, "code", "")))
    return kind(
        redacted(f"{model} through litellm: {said}", key),
        provider=getattr(facts, "llm_provider", None) or "litellm",
        status=status,
        request_id=headers.get("x-request-id"),
        body=redacted(_text(getattr(facts, "body", None)), key)[:BODY_LIMIT],
        retry_after=read_seconds(headers.get("retry-after")),
    )


def failure_within(error: Exception, model: str, key: str | None) -> RiggingError | None:
    """The error of our tree for one in the middle of a stream, where litellm hides what happened under its own."""
    if ours := _ours(error):
        return ours
    causes = list(_causes(error))
    names = {base.__name__ for cause in causes for base in type(cause).__mro__}
    body = next((body for cause in causes if (body := getattr(cause, "body", None))), None)
    if body is not None:
        return stream_failure("litellm", _text({"error": body}), secret=key)
    if names & {"TimeoutException", "Timeout", "ServerTimeoutError"}:
        return TimedOutError(f"{model} through litellm did not end its answer in time.", provider="litellm")
    if names & {"ReadError", "RemoteProtocolError", "ClientPayloadError"}:
        return StreamInterruptedError(
            f"The connection to {model} through litellm broke before the answer was complete.",
            provider="litellm",
        )
    if "JSONDecodeError" in names:
        said = redacted(str(error), key)
        return InvalidError(f"litellm cannot read a chunk from {model}: {said}", provider="litellm")
    return failure_of(error, model, key)


def _ours(error: BaseException) -> RiggingError | None:
    """The error of our tree that litellm put another one around."""
    return next((one for one in _causes(error) if isinstance(one, RiggingError)), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _text(body: object) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    return to_json(body, fallback=str).decode()
