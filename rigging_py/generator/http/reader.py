"""Reading a spec that is a text: JSON, YAML, or base64 of either."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pydantic_core import from_json

DEPTH_LIMIT = 100
"""How deep the lists and mappings of YAML may stand within each other."""


def read_spec(text: str) -> Any:
    """The data in the text. Raises `ValueError` for what is none of these."""
    text = text.strip().removeprefix("base64:")
    try:
        text = base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        """It is no base64."""
    try:
        return from_json(text)
    except ValueError:
        return _read_yaml(text)


def _read_yaml(text: str) -> Any:
    import yaml

    try:
        _look_through(text)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        place = f" at line {where.line + 1}" if where else ""
        raise ValueError(f"it is not JSON, nor YAML, nor base64 of either{place}") from None


def _look_through(text: str) -> None:
    """Raises `ValueError` for YAML that would take more time or memory than its length says."""
    import yaml

    depth = 0
    for token in yaml.scan(text):
        name = type(token).__name__
        # A few aliases of aliases make gigabytes out of a line.
        if isinstance(token, yaml.AliasToken):
            raise ValueError("its YAML has an alias (*name), which is not taken here: write out what it stands for")
        depth += name.endswith("StartToken") - name.endswith("EndToken")
        if depth > DEPTH_LIMIT:
            raise ValueError(f"it is nested more than {DEPTH_LIMIT} deep")
