"""The warning that a parameter was not sent because the API has none like it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from rigging_py.error import GeneratorWarning


def warn_unsupported(api: str, names: Iterable[str]) -> None:
    """Warns that the API takes none of these; Python shows the same warning once."""
    if told := ", ".join(names):
        warnings.warn(f"{api} has no {told}, so it is left out of the request.", GeneratorWarning, stacklevel=3)
