"""Which parts of a spec are not to be shown: keys written into it, where that can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

from rigging_py.generator.network import shown_address
from rigging_py.message import is_secret_name, without_user
from rigging_py.wire import redacted

HIDDEN = "***"
_QUERY = re.compile(r"([?&])([^=&#]*)=([^&#]*)")
_LONG_ENOUGH = 8
"""Characters that a key has at least; a shorter one would be found by chance."""


def without_keys(value: Any, name: str = "") -> Any:
    """A part of a spec without the texts that stand under the name of a secret, and without what looks like a key.

    Templates and `$` names stay: they hold no key.
    """
    if isinstance(value, dict):
        return {key: without_keys(one, key) for key, one in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [without_keys(one, name) for one in cast("list[Any]", value)]
    if not isinstance(value, str):
        return value
    if is_secret_name(name) and not _refers(value):
        return HIDDEN
    return redacted(value)


def url_without_keys(url: str) -> str:
    """A URL, or the template of one, without a user, a password, and the secrets in its query."""
    return _QUERY.sub(
        lambda found: f"{found[1]}{found[2]}={without_keys(found[3], found[2])}", redacted(without_user(url))
    )


def shown_url(url: str, key: str | None) -> str:
    """A URL as answers and errors show it: without its query and the key, however that is spelled in it."""
    shown = shown_address(url)
    for spelled in (quote(key, safe=""), quote(key)) if key else ():
        shown = shown.replace(spelled, HIDDEN)
    return redacted(shown, key)


def holds(value: Any, key: str) -> bool:
    """Whether a part of a spec says the key itself."""
    return len(key) >= _LONG_ENOUGH and any(key in text for text in _texts(value))


def _refers(text: str) -> bool:
    return text.startswith("$") or "{{" in text or "{%" in text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in cast("Mapping[str, Any]", value).items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _texts(one)
