"""How other servers and their tools are called here: addresses without secrets, names that providers take."""

from __future__ import annotations

import re
from collections.abc import Container
from urllib.parse import urlsplit

_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


def free_name(name: str, taken: Container[str]) -> str:
    """The name in the letters that providers take, and with a number if that is taken."""
    plain = _STRANGE.sub("_", name)[:64] or "_"
    number, free = 1, plain
    while free in taken:
        number += 1
        free = f"{plain[:58]}_{number}"
    return free


def shown_address(url: str) -> str:
    """The address without the user before its host and the query after its path, where keys and passwords are given."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
