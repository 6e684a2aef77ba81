"""The one rule about where requests may go: with RIGGING_PY_LOOPBACK_ONLY=1, nowhere but to this machine."""

from __future__ import annotations

import ipaddress
import os
import re
from functools import lru_cache
from urllib.parse import urlsplit

from rigging_py.error import NetworkRefusedError

_USER = re.compile(r"//[^/\s\\]+@")
LOOPBACK_ONLY = "RIGGING_PY_LOOPBACK_ONLY"
"""The environment variable; tests set it, since clients that are not Python dial past any replaced socket."""


def without_user(url: str) -> str:
    """The URL as it may be shown: without the name and the password before its host."""
    return _USER.sub("//", url)


def shown_address(url: str) -> str:
    """The URL as it may be shown where keys may be in it: without its user, and without what follows its path."""
    return re.split("[?#]", without_user(url), maxsplit=1)[0]


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
