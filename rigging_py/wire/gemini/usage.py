"""The token counts of Gemini, in our names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rigging_py.message import Usage
from rigging_py.parsing.untyped import as_count, as_list, as_object


def read_gemini_usage(counts: Mapping[str, Any]) -> Usage | None:
    """What was read, with the results of Gemini's own tools, and what was written, with its thoughts; None of nothing.

    `promptTokenCount` has the cached ones in it, `candidatesTokenCount` does not have the thoughts.
    """
    if not counts:
        return None
    thought = as_count(counts.get("thoughtsTokenCount"))
    read = as_count(counts.get("promptTokenCount")) + as_count(counts.get("toolUsePromptTokenCount"))
    written = as_count(counts.get("candidatesTokenCount")) + thought
    return Usage(
        input_tokens=read,
        output_tokens=written,
        total_tokens=as_count(counts.get("totalTokenCount")) or read + written,
        cached_tokens=as_count(counts.get("cachedContentTokenCount")) or None,
        reasoning_tokens=thought or None,
        audio_tokens=sum(_heard(counts, name) for name in _DETAILS) or None,
    )


_DETAILS = ("promptTokensDetails", "toolUsePromptTokensDetails", "candidatesTokensDetails")


def _heard(counts: Mapping[str, Any], name: str) -> int:
    found = [as_object(one) or {} for one in as_list(counts.get(name))]
    return sum(as_count(one.get("tokenCount")) for one in found if one.get("modality") == "AUDIO")
