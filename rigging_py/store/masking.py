"""Connection strings as they may be shown."""

from __future__ import annotations

import re

# Up to the last @, since a password that should have been escaped may hold one, and a / too.
_USER = re.compile(r"//.*@", re.DOTALL)
# To the next space: rather too much than a part of a password.
_SECRET = re.compile(
    r"""(?i)((?:pass\w*|sslpassword|\w*secret|\w*token|\w*key)\s*=\s*)(?!env:\w+)(?:'(?:[^'\\]|\\.)*'?|\S*)"""
)


def masked(identifier: str) -> str:
    """The string without the user and the password in an address, and with other passwords as `***`."""
    return _SECRET.sub(r"\1***", _USER.sub("//***@", identifier))
