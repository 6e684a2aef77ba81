"""Addresses of requests: what is shown of them, which are none, and where requests may go.

With RIGGING_PY_LOOPBACK_ONLY=1 they may go nowhere but to this machine.
"""

from __future__ import annotations

import ipaddress
import os
import re
from functools import lru_cache
from urllib.parse import parse_qsl, urljoin, urlsplit

from rigging_py.error import NetworkRefusedError
from rigging_py.message import is_secret_name, without_user

_ODD = re.compile(r"[\x00-\x1f\x7f\\]")
"""What clients leave out of an address, or read as a slash, each at places of its own."""
_SHOWN_MAX = 300
LOOPBACK_ONLY = "RIGGING_PY_LOOPBACK_ONLY"
"""The environment variable; tests set it, since clients that are not Python dial past any replaced socket."""


def shown_address(url: str) -> str:
    """The URL as it may be shown where keys may be in it: without its user, and without what follows its path."""
    if "@" in url and flaw_of(url):
        # Nobody can say where its password ends.
        return f"{url.partition(':')[0]}://***"
    return without_user(re.split("[?#]", url, maxsplit=1)[0])


def secrets_in(url: str) -> tuple[str, ...]:
    """The password in an address, and the secrets in its query."""
    parts = urlsplit(url)
    values = [value for name, value in parse_qsl(parts.query) if is_secret_name(name)]
    return tuple(one for one in (parts.password, *values) if one)


@lru_cache(maxsize=256)
def flaw_of(url: str) -> str | None:
    """Why a URL is no address to send requests to; None for one that is. Says nothing of what the URL holds."""
    if _ODD.search(url):
        return "it holds a line end, another control character, or a backslash"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "its host cannot be read"
    if parts.scheme not in ("http", "https"):
        return "URL scheme is not allowed"
    try:
        return "invalid port number" if parts.port == 0 else None if parts.hostname else "no host is named after the //"
    except ValueError:
        return "invalid port number"


def redirect_to(url: str, location: str | None) -> str | None:
    """Where an answer with this `location` leads, as it may be shown; None where it leads nowhere."""
    try:
        return shown_address(urljoin(url, location))[:_SHOWN_MAX] if location else None
    except ValueError:
        return "what is no address"


def proxy_variable(url: str) -> str | None:
    """The environment variable with the proxy that requests to the URL go through; None when they go through none."""
    from urllib.request import proxy_bypass  # a heavy import, for those whom a server cannot be reached

    parts = urlsplit(url)
    names = [f"{one}_proxy" for one in (parts.scheme, "all")]
    found = next((name for one in names for name in (one, one.upper()) if os.environ.get(name)), None)
    is_direct = is_loopback(url) or proxy_bypass(parts.hostname or "")
    return None if is_direct else found


def is_loopback_only() -> bool:
    """Whether requests may go nowhere but to this machine."""
    return os.environ.get(LOOPBACK_ONLY) == "1"


def refuse_outside(url: str) -> None:
    """Raises `NetworkRefusedError` for an address outside this machine, while only loopback is allowed."""
    if is_loopback_only() and not is_loopback(url):
        raise NetworkRefusedError(shown_address(url), LOOPBACK_ONLY)


@lru_cache(maxsize=256)
def is_loopback(url: str) -> bool:
    """Whether the URL names this machine by a loopback address or as localhost; other names are not looked up."""
    # Clients written in Rust end the host at a backslash, Python does not.
    if "\\" in url:
        return False
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
