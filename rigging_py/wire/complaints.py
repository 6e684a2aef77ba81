"""What a provider says of a failure, in a body of any shape and in headers: the reason, its codes, how long to wait."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from pydantic_core import from_json

from rigging_py.parsing.untyped import as_list, as_mapping

FLAGGED = "flagged_input"
"""The code given here to a request that a filter held back, where the provider has none but says what it found."""
_REASONS = ("message", "detail", "msg", "Message", "error_description", "errors", "title", "reason")
"""Where the reason stands, the likeliest first."""
_REASONS_MAX = 3
_REASON_MAX = 300
_CODES = ("code", "type", "status", "status_code")
_REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-ds-trace-id",
    "nvcf-reqid",
    "mistral-correlation-id",
    "msh-request-id",
    "x-generation-id",
    "x-log-id",
    "cf-ray",
)
"""The headers in which providers name a request, the plainest first."""
_PAGE = re.compile(r"(?i)\s*<(?:!doctype|html|head|body|\?xml)\b")
_PAGE_MAX = 4096
"""Characters of a web page in which its title is looked for."""
_TITLE = re.compile(r"(?i)<title\b[^<>]*>([^<]*)")
_UNSEEN = re.compile(r"(?is)<(script|style)\b[^<>]*>.*?</\1>")
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is said of a failure.

    Attributes:
        reason: in words, at most 300 characters.
        codes: in the provider's own names and numbers, the most particular first.
        wait: the seconds to wait that are asked for, or None.
        request_id: the provider's name for the request, or None.
    """

    reason: str = ""
    codes: tuple[str, ...] = ()
    wait: float | None = None
    request_id: str | None = None


def read_complaint(body: str) -> Complaint:
    """What a body says, whatever it is: JSON of any shape, also where its end is missing, a web page, or words."""
    try:
        value = from_json(body, allow_partial=True)
    except ValueError:
        return Complaint(_page(body) if _PAGE.match(body) else _short(body))
    # Google's streams send a list.
    whole = next(iter(as_list(value)), value)
    error = as_mapping(whole).get("error") or whole
    details = as_mapping(error)
    upstream = _upstream(details)
    reasons = [_reason(error) or _reason(whole), upstream.reason]
    named = as_mapping(whole).get("request_id") or details.get("request_id")
    return Complaint(
        ": ".join(filter(None, reasons))[:_REASON_MAX],
        (*_codes(details), *upstream.codes),
        _delay(details),
        named if isinstance(named, str) else None,
    )


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the request, from headers whose names are in lower case."""
    return next((headers[name] for name in _REQUEST_IDS if name in headers), None)


def wait_in(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait that headers ask for, whose names are in lower case.

    A date in `retry-after` is counted from the `date` of the same reply, so no two clocks have to agree.
    """
    milliseconds, asked = read_seconds(headers.get("retry-after-ms")), headers.get("retry-after")
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = read_seconds(asked)
    return seconds if seconds is not None or asked is None else _seconds_until(asked, headers.get("date", ""))


def read_seconds(text: str | None) -> float | None:
    """What a `retry-after` header says in seconds; None for a date, and for what is no time to wait."""
    try:
        seconds = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return seconds if isfinite(seconds) and seconds >= 0 else None


def _seconds_until(then: str, now: str) -> float | None:
    try:
        return max(0.0, (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds())
    except (TypeError, ValueError):
        return None


def _reason(value: object) -> str:
    """The words in an error, which may be a text, an object, or a list of either."""
    if isinstance(value, str):
        return value.strip().rstrip(".")[:_REASON_MAX]
    if listed := as_list(value):
        return "; ".join(filter(None, map(_reason, listed[:_REASONS_MAX])))
    details = as_mapping(value)
    said = next((said for name in _REASONS if details.get(name) and (said := _reason(details[name]))), "")
    # FastAPI says which part of the request is meant.
    place = ".".join(map(str, as_list(details.get("loc"))))
    return f"{place}: {said}" if place and said else said


def _codes(details: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(details[name]) for name in _CODES if details.get(name))
    yield from (str(one["reason"]) for one in _facts(details) if one.get("reason"))
    # OpenRouter's, whose own code is a plain 403.
    if as_mapping(details.get("metadata")).get("reasons"):
        yield FLAGGED


def _upstream(details: Mapping[str, Any]) -> Complaint:
    """What the provider behind a gateway said: OpenRouter passes it on as it came."""
    raw = as_mapping(details.get("metadata")).get("raw")
    return read_complaint(raw) if isinstance(raw, str) else Complaint()


def _facts(details: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What Google says beside an error: whose fault it is, and how long to wait."""
    return [as_mapping(one) for one in as_list(details.get("details"))]


def _delay(details: Mapping[str, Any]) -> float | None:
    delays = (read_seconds(str(one.get("retryDelay")).removesuffix("s")) for one in _facts(details))
    return next((delay for delay in delays if delay is not None), None)


def _page(text: str) -> str:
    """A web page by its title, or by the words on it."""
    seen = text[:_PAGE_MAX]
    title = _TITLE.search(seen)
    words = _short(title[1] if title else _TAG.sub(" ", _UNSEEN.sub(" ", seen)))
    return f'a web page, "{words}"' if words else "a web page"


def _short(text: str) -> str:
    return " ".join(text[:_PAGE_MAX].split()).rstrip(".")[:_REASON_MAX]
