"""`Request` and `Reply`: what is sent over HTTP, and what comes back. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyreqwest.http import HeaderMap

from rigging_py.generator.network import shown_address
from rigging_py.wire import redacted, request_id_in

DEFAULT_TIMEOUT = 600.0
"""Seconds for one request; long answers take minutes."""
IDLE_TIMEOUT = 300.0
"""Seconds in which a stream may say nothing; models that think first are silent for minutes."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a provider, of JSON unless `body` is bytes. `key` goes into the header `key_header` only.

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
    key_header: str = "authorization"
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    shown: str | None = None
    answered: list[HeaderMap] = field(default_factory=list[HeaderMap], repr=False, compare=False)
    """The headers of the reply once they have come, for the errors after them."""

    @property
    def address(self) -> str:
        """The URL as errors show it."""
        return shown_address(self.url) if self.shown is None else self.shown

    @property
    def id(self) -> str | None:
        """The provider's name for it, where a reply has begun that says one."""
        name = request_id_in(dict(headers_of(self.answered[0]))) if self.answered else None
        return name and redacted(name, self.key)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    headers: HeaderMap = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body, with a mark in place of what is no UTF-8."""
        return self.body.decode(errors="replace")


def headers_of(headers: HeaderMap) -> Iterator[tuple[str, str]]:
    """The headers that are text, in their order, the names in lower case; others are left out."""
    for name in dict.fromkeys(headers.keys()):
        with suppress(ValueError):
            yield from [(name.lower(), value) for value in headers.getall(name)]


def header_in(headers: HeaderMap, *names: str) -> str | None:
    """The first header of one of these names, which are in lower case."""
    return next((value for one, value in headers_of(headers) if one in names), None)
