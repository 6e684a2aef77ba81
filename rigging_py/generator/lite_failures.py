"""What litellm raises, as the errors of our tree. Its classes are known by their names, so it is not imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.error import (
    AuthenticationFailedError,
    BudgetExceededError,
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
from rigging_py.parsing.untyped import as_mapping
from rigging_py.wire import BODY_LIMIT, failure_kind, redacted, request_id_in, stream_failure, wait_in

_KEYLESS = re.compile(r"api_key.* must be set|missing (\w+ )*(credentials|api key)", re.IGNORECASE)
_TRACEBACK = "\nTraceback (most recent call last)"
_FAILURES: Mapping[str, type[ProviderError]] = {
    "AuthenticationError": AuthenticationFailedError,
    "PermissionDeniedError": AuthenticationFailedError,
    "NotFoundError": NotFoundError,
    "ContextWindowExceededError": ContextOverflowError,
    "ContentPolicyViolationError": RefusedError,
    "PaymentRequiredError": AuthenticationFailedError,
    "RejectedRequestError": RefusedError,
    "BudgetExceededError": BudgetExceededError,
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
# What httpx, aiohttp and the openai SDK raise below litellm, whose own class says nothing then.
_UNREACHED = {"ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionTimeoutError"}
_LATE = {"TimeoutException", "Timeout", "APITimeoutError", "ServerTimeoutError"}
_NO_HTTP = {"BadStatusLine", "InvalidHeader", "LineTooLong"}
_BROKEN = {"ReadError", "WriteError", "RemoteProtocolError", "ClientPayloadError", "ServerDisconnectedError"}
_NO_JSON = {"JSONDecodeError"}


def failure_of(error: Exception, model: str, key: str | None) -> RiggingError | None:
    """The error of our tree that one of litellm's stands for; None for one that is not litellm's."""
    if ours := _ours(error):
        return ours
    kind = next((_FAILURES[base.__name__] for base in type(error).__mro__ if base.__name__ in _FAILURES), None)
    if kind is None:
        return None
    names = _names(error)
    is_answered = "HTTPStatusError" in names
    if not is_answered and (lost := _lost(error, names, model, key)):
        return lost
    facts = cast("Any", error)
    said, _, _ = str(getattr(facts, "message", error)).partition(_TRACEBACK)
    status: int | None = getattr(facts, "status_code", None)
    if _KEYLESS.search(said):
        kind = AuthenticationFailedError  # a client's own complaint, which litellm takes for a server's
    elif kind is InvalidError or (is_answered and kind not in (ContextOverflowError, RefusedError)):
        kind = failure_kind(status or 400, _code(error), said)
    headers = _headers(facts)
    name = request_id_in(headers)
    return kind(
        redacted(f"{model} through litellm: {said}", key),
        provider=getattr(facts, "llm_provider", None) or "litellm",
        status=status,
        request_id=name and redacted(name, key),
        body=redacted(_text(getattr(facts, "body", None)), key)[:BODY_LIMIT],
        retry_after=wait_in(headers),
        is_outcome_unknown=kind is TimedOutError or (kind is ServerFaultError and not is_answered),
    )


def failure_within(error: Exception, model: str, key: str | None) -> RiggingError | None:
    """The error of our tree for one in the middle of a stream, where litellm hides what happened under its own."""
    if ours := _ours(error):
        return ours
    body = next((body for cause in _causes(error) if (body := getattr(cause, "body", None))), None)
    if body is not None:
        return stream_failure("litellm", _text({"error": body}), secret=key)
    return _lost(error, _names(error), model, key) or failure_of(error, model, key)


def _lost(error: Exception, names: set[str], model: str, key: str | None) -> ProviderError | None:
    """The error for a request that met no answer, or only a part of one; None where there was one."""
    who, why = f"{model} through litellm", redacted(str([*_causes(error)][-1]), key)[:300]
    if names & _UNREACHED:
        return ServerFaultError(f"{who} could not be reached: {why}", provider="litellm")
    if names & _LATE:
        said = f"{who} did not end its answer in time. Raise `timeout`, or ask for less."
        return TimedOutError(said, provider="litellm", is_outcome_unknown=True)
    if names & _NO_HTTP:
        said = f"What answers for {who} does not speak HTTP as it should: {why}"
        return InvalidError(said, provider="litellm", is_outcome_unknown=True)
    if names & _BROKEN:
        said = f"The connection to {who} broke before the answer was complete."
        return StreamInterruptedError(said, provider="litellm", is_outcome_unknown=True)
    if names & _NO_JSON:
        said = redacted(f"litellm cannot read what came from {model}: {error}", key)
        return InvalidError(said, provider="litellm", is_outcome_unknown=True)
    return None


def _code(error: Exception) -> str:
    """The provider's own code, which litellm keeps in one place or another."""
    bodies = [getattr(cause, "body", None) for cause in _causes(error)]
    codes = [as_mapping(body).get(name) for body in bodies for name in ("code", "type")]
    return str(next(filter(None, codes), None) or getattr(error, "code", None) or "")


def _headers(facts: Any) -> Mapping[str, str]:
    given: Mapping[str, str] = getattr(facts, "litellm_response_headers", None) or {}
    return {name.lower(): value for name, value in given.items()}


def _names(error: Exception) -> set[str]:
    """The classes of an error, and of all that it came from."""
    return {base.__name__ for cause in _causes(error) for base in type(cause).__mro__}


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
