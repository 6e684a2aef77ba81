"""Reading a spec that is a text: JSON, YAML, or base64 of either."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def read_spec(text: str) -> Any:
    """The data in the text. Raises `ValueError` for what is none of these."""
    text = text.strip().removeprefix("base64:")
    try:
        text = base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        """It is no base64."""
    try:
        return json.loads(text)
    except ValueError:
        return _read_yaml(text)


def _read_yaml(text: str) -> Any:
    import yaml

    try:
        # A few aliases of aliases make gigabytes out of a line.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("its YAML has an alias (*name), which is not taken here: write out what it stands for")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" at line {where.line + 1}" if where else ""
        raise ValueError(f"it is not JSON, nor YAML, nor base64 of either{place}") from None
