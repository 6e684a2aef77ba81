"""The token counts of the OpenAI chat API, under the names and in the places where its servers give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rigging_py.message import Usage
from rigging_py.parsing.untyped import COUNT_MAX, as_mapping, as_object

_EVERYBODYS = {"prompt_tokens", "completion_tokens", "total_tokens"}
_TICKS = 10**10
"""In a dollar, as xAI counts."""
_DEAREST = 10**9
"""Dollars that no reply costs."""


def usage_in(body: Mapping[str, Any], choice: Mapping[str, Any]) -> Usage | None:
    """The counts of a reply or a chunk, for servers that give them beside the choices and for those that do not."""
    raw = body.get("usage") or choice.get("usage")
    if raw is None and "x_groq" in body:
        raw = as_mapping(body["x_groq"]).get("usage")
    return read_usage(raw) if raw is not None else None


def read_usage(raw: object) -> Usage | None:
    """The token counts of a reply, in our names."""
    counts = as_object(raw)
    if counts is None:
        return None
    read, written = _count(counts.get("prompt_tokens")) or 0, _count(counts.get("completion_tokens")) or 0
    total = _count(counts.get("total_tokens")) or 0
    others = _others(counts)
    thought = others.get("reasoning_tokens")
    if thought and total == read + written + thought:
        # Some count what was thought beside what was written, and some in it.
        written += thought
    return Usage(input_tokens=read, output_tokens=written, total_tokens=total or read + written, **others)


def _others(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The counts that not every server gives, and what a few say that it cost."""
    if counts.keys() <= _EVERYBODYS:
        return {}
    asked = as_object(counts.get("prompt_tokens_details")) or {}
    answered = as_object(counts.get("completion_tokens_details")) or {}
    told = {
        "cached_tokens": _first(
            asked.get("cached_tokens"), counts.get("cached_tokens"), counts.get("prompt_cache_hit_tokens")
        ),
        "cache_write_tokens": _count(asked.get("cache_write_tokens")),
        "reasoning_tokens": _first(answered.get("reasoning_tokens"), counts.get("reasoning_tokens")),
        "audio_tokens": _sum(asked.get("audio_tokens"), answered.get("audio_tokens")),
        "cost": _cost(counts),
    }
    return {name: value for name, value in told.items() if value is not None}


def _count(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    count = int(cast("float", value)) if is_whole else -1
    return count if 0 <= count <= COUNT_MAX else None


def _first(*values: object) -> int | None:
    return next((count for value in values if (count := _count(value)) is not None), None)


def _sum(*values: object) -> int | None:
    told = [count for value in values if (count := _count(value)) is not None]
    return sum(told) if told else None


def _cost(counts: Mapping[str, Any]) -> float | None:
    """What the provider says that it cost, in dollars, which a few do."""
    ticks = _count(counts.get("cost_in_usd_ticks"))
    if ticks is not None:
        return ticks / _TICKS if ticks < _DEAREST * _TICKS else None
    given = counts.get("cost")
    cost = _price(as_mapping(given).get("total_cost", given))
    # With the user's own key at a provider, OpenRouter's price is for passing it on only.
    elsewhere = as_mapping(counts.get("cost_details")).get("upstream_inference_cost") if counts.get("is_byok") else None
    return cost if cost is None or elsewhere is None else cost + (_price(elsewhere) or 0.0)


def _price(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # What is no number that can be, or none that fits into a float, is no price.
    return float(cast("float", value)) if is_number and 0 <= cast("float", value) < _DEAREST else None
