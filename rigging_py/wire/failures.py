"""What an HTTP status and body mean, in our taxonomy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import quote

from pydantic_core import to_json

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
from rigging_py.wire.complaints import FLAGGED, Complaint, read_complaint, request_id_in, wait_in

_BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthenticationFailedError,
    402: AuthenticationFailedError,
    403: AuthenticationFailedError,
    404: NotFoundError,
    408: TimedOutError,
    409: ServerFaultError,
    410: NotFoundError,
    413: ContextOverflowError,
    425: ServerFaultError,
    429: RateLimitedError,
    504: TimedOutError,
    524: TimedOutError,
}
"""Any other from 500 on is the server's fault, and any other below that the request's. 524 is Cloudflare's 504."""
_UNPAID = (
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "exceeded_current_quota_error",
)
"""The codes for an account that has nothing left to pay with. Some come as a rate limit, which no waiting lifts."""
_BY_CODE: Mapping[str, type[ProviderError]] = {
    **dict.fromkeys(_UNPAID, AuthenticationFailedError),
    FLAGGED: RefusedError,
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
    RefusedError: "Rephrase, or ask another model.",
    TimedOutError: "It may have gone on answering all the same; asking again may pay twice.",
    ContextOverflowError: "Shorten the conversation, or choose a model that reads more.",
    ServerFaultError: "This is the provider's fault; the same request may succeed later.",
}
_TOO_LONG = re.compile(
    r"prompt is too long|exceed(?:s|ed)? (?:the )?context (?:limit|window|length)"
    r"|exceeds the maximum number of tokens allowed"
)
"""What some say of a conversation that is too long, and give no code of its own."""
_NO_CREDIT = re.compile(r"(?i)credit balance is too low|insufficient (?:account )?(?:balance|credits?|funds)")
"""What some say of an account that cannot pay, and give no code of its own."""
_PAY = "The account has nothing left to pay with: add credit, or raise its limit."
_NO_KEY = (
    "No key was sent: one in the environment goes to the provider's own address only. "
    "For this one write api_key=env:NAME with the name of its variable."
)
_MOVED = "Redirects are not followed; give the address it leads to."
_SECRET = re.compile(r"(?i)\b(?:sk|key|pk|rk)-[\w*.-]{4,}|bearer\s+[\w.~+/=-]{8,}|\bAIza[\w-]{20,}")
BODY_LIMIT = 2000
_READ_MAX = 1024 * 1024
"""Characters of a body in which it is looked for what it says; some servers send the whole request back."""


def http_failure(
    provider: str,
    status: int,
    body: str,
    *,
    headers: Mapping[str, str] | None = None,
    secret: str | None = None,
    address: str | None = None,
) -> ProviderError:
    """The error that a refused request stands for, with keys taken out of what the provider said.

    The names of the headers are in lower case. `address` is where it was sent, with `secret` or without a key.
    """
    clean, told = redacted(body[:_READ_MAX], secret), headers or {}
    complaint = read_complaint(clean)
    kind, advice = _meaning(status, complaint)
    if address is not None and advice is _ADVICE[NotFoundError]:
        advice = f"Check the name of the model, and the address: {address}."
    if address is not None and not secret and advice is _ADVICE[AuthenticationFailedError]:
        advice = _NO_KEY
    wait, name = wait_in(told), request_id_in(told) or complaint.request_id
    return kind(
        f"{provider} answered HTTP {status}: {redacted(complaint.reason, secret) or 'no reason given'}. {advice}",
        provider=provider,
        status=status,
        request_id=name and redacted(name, secret),
        body=clean[:BODY_LIMIT],
        retry_after=complaint.wait if wait is None else wait,
        is_outcome_unknown=kind is TimedOutError,
    )


def stream_failure(provider: str, came: object, *, secret: str | None = None) -> ProviderError:
    """The error that a provider's own error in the place of an answer stands for, with keys taken out of it."""
    clean = redacted(as_text(came)[:_READ_MAX], secret)
    complaint = read_complaint(clean)
    status = next((int(code) for code in complaint.codes if code.isdecimal() and 400 <= int(code[:9]) <= 599), None)
    known = next((_BY_WORD[code] for code in complaint.codes if code in _BY_WORD), 500)
    kind, advice = _meaning(status or known, complaint)
    reason = redacted(complaint.reason, secret) or "no reason given"
    return kind(
        f"{provider or 'The provider'} broke off its answer: {reason}. {advice}",
        provider=provider,
        status=status,
        request_id=complaint.request_id,
        body=clean[:BODY_LIMIT],
        retry_after=complaint.wait,
        is_outcome_unknown=kind is TimedOutError,
    )


def failure_kind(status: int, code: str, said: str = "") -> type[ProviderError]:
    """The kind of failure that a status stands for, and more exactly what a provider adds: its own code, or words."""
    if status == 400 and _TOO_LONG.search(said):
        return ContextOverflowError
    if _is_unpaid(status, code, said):
        return AuthenticationFailedError
    return _BY_CODE.get(code) or _BY_STATUS.get(status) or (ServerFaultError if status >= 500 else InvalidError)


def as_text(came: object) -> str:
    """What came, as it was or as JSON."""
    return came if isinstance(came, str) else to_json(came, fallback=repr).decode()


def redacted(text: str, secret: str | None = None) -> str:
    """`text` without anything that looks like a key, and without `secret`."""
    for spelling in _spellings(secret) if secret else ():
        text = text.replace(spelling, "***")
    return _SECRET.sub("***", text)


def _meaning(status: int, complaint: Complaint) -> tuple[type[ProviderError], str]:
    """The kind of failure, and what to do about it."""
    code = next((one for one in complaint.codes if one in _BY_CODE), "")
    kind = failure_kind(status, code, complaint.reason)
    if 300 <= status < 400:
        return kind, _MOVED
    if _is_unpaid(status, code, complaint.reason):
        return kind, _PAY
    return kind, _ADVICE.get(kind, "The request is not one that the provider takes.")


def _is_unpaid(status: int, code: str, said: str) -> bool:
    return status == 402 or code in _UNPAID or (status in (400, 403, 429) and _NO_CREDIT.search(said) is not None)


def _spellings(secret: str) -> tuple[str, ...]:
    """A key as it is, and as JSON or a URL may spell it."""
    escaped = json.dumps(secret)[1:-1]
    quoted = quote(secret), quote(secret, safe="")
    return secret, escaped, escaped.replace("/", r"\/"), to_json(secret).decode()[1:-1], *quoted
