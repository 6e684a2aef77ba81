"""What is a secret by the name it stands under, and values without such secrets. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

_NAME = re.compile(
    r"(?i)authori[sz]ation|cookie|credential|passw(?:or)?d|secret|signature|\b(?:auth|sig)\b"
    r"|(?:\b|api|access|auth|private|id|session|refresh)[-_]?(?:key|token)\b"
)
# A password with a slash in it makes no address, and is a secret all the same; a port is no password.
_USER = re.compile(
    r"(?i)(\bhttps?:[/\\]*|//)(?:[^/\\?#,]*@|[^/\\?#,@:]*:(?!\d*(?:[/\\?#,]|\Z))[^@,]*@)",
)
_QUERY = re.compile(r"([^=&]*)=")


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name, in headers, queries or JSON, is not to be shown."""
    return _NAME.search(name) is not None


def without_user(text: str) -> str:
    """A URL, or a text with some in it, without the name and the password before a host."""
    return _USER.sub(r"\1", text)


def without_secrets(value: Any) -> Any:
    """A JSON value without what stands under the names of secrets, and its URLs without users and such queries."""
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {name: without_secrets(one) for name, one in items if not is_secret_name(str(name))}
    if isinstance(value, str):
        return _without_query(without_user(value)) if ":" in value else value
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [without_secrets(one) for one in cast("Sequence[Any]", value)]
    return value


def _without_query(url: str) -> str:
    """A URL without its query, where that holds a secret."""
    place, _, query = url.partition("?")
    return place if any(is_secret_name(name) for name in _QUERY.findall(query)) else url
