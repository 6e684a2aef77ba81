"""The answer among several: asked for more than one, a server lists them, or sends chunks of each by turns."""

from __future__ import annotations

from typing import Any

from rigging_py.parsing.untyped import as_list, as_object


def first_sample(listed: object, name: str) -> dict[str, Any] | None:
    """The one that is the answer; None where it is not among these.

    Raises `ValueError` for what is no list of objects; `name` is what the API calls one of them.
    """
    samples = as_list(listed)
    if listed is not None and samples is not listed:
        raise ValueError(f"its {name}s are no list")
    for one in samples:
        sample = as_object(one)
        if sample is None:
            raise ValueError(f"a {name} in it is no object")
        if not sample.get("index"):
            return sample
    return None
