"""How the tools of other servers are called here: by names that providers take."""

from __future__ import annotations

import re
from collections.abc import Container

_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


def free_name(name: str, taken: Container[str]) -> str:
    """The name in the letters that providers take, and with a number if that is taken."""
    plain = _STRANGE.sub("_", name)[:64] or "_"
    number, free = 1, plain
    while free in taken:
        number += 1
        free = f"{plain[:58]}_{number}"
    return free
