"""What an HTTP status and body mean, in our taxonomy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic_core import from_json, to_json

from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    InvalidError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    TimedOutError,
)
from rigging_py.parsing.untyped import as_list, as_mapping

_BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthenticationFailedError,
    403: AuthenticationFailedError,
    404: NotFoundError,
    408: TimedOutError,
    413: ContextOverflowError,
    429: RateLimitedError,
}
_BY_CODE: Mapping[str, type[ProviderError]] = {
    "context_length_exceeded": ContextOverflowError,
    "exceed_context_size_error": ContextOverflowError,
    "content_filter": RefusedError,
    "content_policy_violation": RefusedError,
    "image_content_policy_violation": RefusedError,
    "bio_policy": RefusedError,
    "invalid_prompt": RefusedError,
    "vector_store_timeout": TimedOutError,
    "model_not_found": NotFoundError,
    "API_KEY_INVALID": AuthenticationFailedError,
}
_OF_WHAT_WAS_SENT = (
    "data_residency_mismatch",
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
    "image_file_too_large",
    "image_parse_error",
    "image_too_large",
    "image_too_small",
    "invalid_base64_image",
    "invalid_image",
    "invalid_image_format",
    "invalid_image_mode",
    "invalid_image_url",
    "unsupported_image_media_type",
)
_BY_WORD: Mapping[str, int] = {
    **dict.fromkeys(_OF_WHAT_WAS_SENT, 400),
    "invalid_request_error": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "timeout": 408,
    "timeout_error": 408,
    "request_too_large": 413,
    "insufficient_quota": 429,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}
"""The status that a word stands for where no status was given; any other word is the server's own fault."""
_ADVICE: Mapping[type[ProviderError], str] = {
    AuthenticationFailedError: "Check the key and what it may do.",
    NotFoundError: "Check the name of the model and the base URL.",
    RateLimitedError: "Send less, or wait.",
    ContextOverflowError: "Shorten the conversation, or choose a model that reads more.",
    ServerFaultError: "This is the provider's fault; the same request may succeed later.",
}
_TOO_LONG = re.compile(
    r"prompt is too long|exceed(?:s|ed)? (?:the )?context (?:limit|window|length)"
    r"|exceeds the maximum number of tokens allowed"
)
"""What some say of a conversation that is too long, and give no code of its own."""
_MOVED = "Redirects are not followed; give the address it leads to."
_SECRET = re.compile(r"(?i)\b(?:sk|key|pk|rk)-[\w*.-]{4,}|bearer\s+[\w.~+/=-]{8,}|\bAIza[\w-]{20,}")
BODY_LIMIT = 2000


def http_failure(
    provider: str,
    status: int,
    body: str,
    *,
    request_id: str | None = None,
    retry_after: str | None = None,
    secret: str | None = None,
) -> ProviderError:
    """The error that a refused request stands for, with keys taken out of what the provider said."""
    clean = redacted(body, secret)
    said, code = _message(clean)
    said = redacted(said, secret)
    kind = failure_kind(status, code, said)
    wait = read_seconds(retry_after)
    advice = _MOVED if 300 <= status < 400 else _ADVICE.get(kind, "The request is not one that the provider takes.")
    return kind(
        f"{provider} answered HTTP {status}: {said or 'no reason given'}. {advice}",
        provider=provider,
        status=status,
        request_id=request_id,
        body=clean[:BODY_LIMIT],
        retry_after=_wait_in(clean) if wait is None else wait,
    )


def stream_failure(provider: str, body: str, *, secret: str | None = None) -> ProviderError:
    """The error that a provider's own error in the middle of an answer stands for, with keys taken out of it."""
    clean = redacted(body, secret)
    said, code = _message(clean)
    words = _words(clean)
    status = next((int(word) for word in words if word.isdecimal() and 400 <= int(word[:9]) <= 599), None)
    known = next((_BY_WORD[word] for word in words if word in _BY_WORD), 500)
    kind = failure_kind(status or known, code, said)
    return kind(
        f"{provider or 'The provider'} broke off its answer: {redacted(said, secret) or 'no reason given'}. "
        f"{_ADVICE.get(kind, 'The request is not one that the provider takes.')}",
        provider=provider,
        status=status,
        body=clean[:BODY_LIMIT],
        retry_after=_wait_in(clean),
    )


def failure_kind(status: int, code: str, said: str = "") -> type[ProviderError]:
    """The kind of failure that a status stands for, and more exactly what a provider adds: its own code, or words."""
    if status == 400 and _TOO_LONG.search(said):
        return ContextOverflowError
    return _BY_CODE.get(code) or _BY_STATUS.get(status) or (ServerFaultError if status >= 500 else InvalidError)


def redacted(text: str, secret: str | None = None) -> str:
    """`text` without anything that looks like a key, and without `secret`."""
    for spelling in _spellings(secret) if secret else ():
        text = text.replace(spelling, "***")
    return _SECRET.sub("***", text)


def _spellings(secret: str) -> tuple[str, ...]:
    """A key as it is, and as JSON may spell it."""
    escaped = json.dumps(secret)[1:-1]
    return secret, escaped, escaped.replace("/", r"\/"), to_json(secret).decode()[1:-1]


def _words(body: str) -> list[str]:
    """What the body says that the error is: codes, types and statuses, as text."""
    try:
        details = as_mapping(_error_in(body))
    except ValueError:
        return []
    return [str(details[name]) for name in ("code", "type", "status", "status_code") if details.get(name)]


def _message(body: str) -> tuple[str, str]:
    """What the body says, and the provider's code for it."""
    try:
        error = _error_in(body)
    except ValueError:
        return " ".join(body.split())[:300], ""
    details = as_mapping(error)
    if details is not error:
        return str(error)[:300], ""
    codes = [str(details.get(name) or "") for name in ("code", "type")]
    codes += [str(one.get("reason") or "") for one in _details(details)]
    code = next((one for one in codes if one in _BY_CODE), codes[0])
    return str(details.get("message") or "").rstrip(".")[:300], code


def _error_in(body: str) -> object:
    """The error in JSON: the object itself, or what it has for one, of which Google's streams send a list."""
    value = from_json(body)
    first = next(iter(as_list(value)), value)
    return as_mapping(first).get("error", first)


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What Google says beside an error: whose fault it is, and how long to wait."""
    return [as_mapping(one) for one in as_list(error.get("details"))]


def _wait_in(body: str) -> float | None:
    """The seconds to wait that Google asks for in an error itself."""
    try:
        delays = [str(one.get("retryDelay")) for one in _details(as_mapping(_error_in(body)))]
    except ValueError:
        return None
    return next((wait for delay in delays if (wait := read_seconds(delay.removesuffix("s"))) is not None), None)


def read_seconds(text: str | None) -> float | None:
    """What a `retry-after` header says; None for a date, and for what is no time to wait."""
    try:
        seconds = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None
