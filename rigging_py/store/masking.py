"""Connection strings as they may be shown."""

from __future__ import annotations

import re

# Up to the last @, since a password that should have been escaped may hold one, and a / too.
_USER = re.compile(r"//.*@", re.DOTALL)
# To the next `key=`: rather too much than a part of a password.
_VALUE = r"(?:'(?:[^'\\]|\\.)*'?|\S*)(?:\s+(?!\w+\s*=)[^\s,]+)*"
_SECRET = re.compile(rf"(?i)((?:pass\w*|sslpassword|\w*secret|\w*token|\w*key)\s*=\s*)(?!env:\w+){_VALUE}")


def masked(identifier: str) -> str:
    """The string without the user and the password in an address, and with other passwords as `***`."""
    return _SECRET.sub(r"\1***", _USER.sub("//***@", identifier))
