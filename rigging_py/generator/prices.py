"""What a call costs, by the prices of litellm's table or of the program.

The table is a file of the installed litellm, which is read on first use: litellm is not imported for it, and nothing
is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any, cast

from pydantic_core import from_json

from rigging_py.generator.identifier import parse_identifier
from rigging_py.message import ModelTurn, Usage

_FILE = "model_prices_and_context_window_backup.json"
_IN_TABLE = {
    "openai-responses": "openai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "nvidia": "nvidia_nim",
}
"""What litellm calls a provider that has another name here."""
_PLAIN_TIERS = ("auto", "default", "standard")
_ABOVE = re.compile(r"_above_(\d+)(k?)_tokens$")
_REACHED = ("xai",)
"""Providers whose higher price begins with the limit itself, and not after it."""
_OTHERWISE = ("tiered_pricing", "off_peak_pricing")
"""Where a row says one of these, its plain prices are not all that it says."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one token of each kind; a kind that has None costs what the others do.

    `cache_write_1h` is for those that the provider's cache keeps for an hour, which a usage has once more as
    `cache_write_1h_tokens` where the provider tells. `audio` is whether heard and spoken tokens cost something else.
    `above` are the prices of calls that read at least so many tokens, the most first.
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    reasoning: float | None = None
    audio: bool = False
    above: tuple[tuple[int, Price], ...] = ()

    def of(self, usage: Usage) -> float | None:
        """US dollars for a call; None where it has tokens whose price is not known."""
        for least, price in self.above:
            if usage.input_tokens >= least:
                return price.of(usage)
        if self.audio and usage.audio_tokens:
            return None
        cost = usage.input_tokens * self.input + usage.output_tokens * self.output
        # Those of a kind are among the others, and cost more or less than these.
        if usage.cached_tokens and self.cached is not None:
            cost += usage.cached_tokens * (self.cached - self.input)
        if usage.cache_write_tokens and self.cache_write is not None:
            cost += usage.cache_write_tokens * (self.cache_write - self.input)
        if self.cache_write_1h is not None and (long := (usage.model_extra or {}).get("cache_write_1h_tokens")):
            short = self.input if self.cache_write is None else self.cache_write
            cost += long * (self.cache_write_1h - short)
        if usage.reasoning_tokens and self.reasoning is not None:
            cost += usage.reasoning_tokens * (self.reasoning - self.output)
        return max(cost, 0.0)


def set_price(
    identifier: str,
    *,
    input: float,  # noqa: A002
    output: float,
    cached: float | None = None,
    cache_write: float | None = None,
    reasoning: float | None = None,
) -> None:
    """Says what a model costs, in US dollars for a million tokens: `set_price("openai!my-model", input=2, output=8)`.

    It goes over the table, at whatever address the model is asked. `cached` is for tokens read from the provider's
    prompt cache, `cache_write` for those written into it; what is not given costs what the others do. A model that
    costs nothing has 0 here. Raises `ValueError` for what is no price.
    """
    parts = parse_identifier(identifier)
    rates = {"input": input, "output": output, "cached": cached, "cache_write": cache_write, "reasoning": reasoning}
    for name, rate in rates.items():
        if rate is not None and not (isfinite(rate) and rate >= 0):
            raise ValueError(f"{name} is dollars for a million tokens, 0 or more; not {rate!r}.")
    _own[_named(parts.provider or "litellm"), parts.model] = Price(
        **{name: None if rate is None else rate / 1e6 for name, rate in rates.items()}  # type: ignore[arg-type]
    )


_own: dict[tuple[str, str], Price] = {}


def own_price(provider: str, model: str) -> Price | None:
    """What the program said that a model costs, or None."""
    return _own.get((_named(provider), model))


@lru_cache(maxsize=512)
def table_price(provider: str, model: str, tier: str | None = None) -> Price | None:
    """What the table says that a model of a provider costs, in a tier of its service; None where it does not.

    Models that cost nothing there are models without a price: most of them run on machines that somebody pays for.
    """
    name = _named(provider)
    row = _row(name, model)
    if row is None or any(row.get(key) for key in _OTHERWISE):
        return None
    suffix = "" if tier is None or tier in _PLAIN_TIERS else f"_{tier}"
    plain = _read(row, "", suffix)
    if plain is None or (not plain.input and not plain.output):
        return None
    return replace(plain, above=tuple(_steps(row, suffix, is_reached=name in _REACHED)))


def add_cost(turn: ModelTurn, provider: str, model: str, asked: Mapping[str, Any], *, is_home: bool = True) -> None:
    """Puts its cost on a turn that was just read, where the price is known.

    A price of the program's own goes over what the provider said, and that over the table, which is for the providers'
    own addresses (`is_home`). `asked` is the request, which may have asked for another tier of service. Of the model's
    names the provider's answer has the exact one, where the table knows it.
    """
    usage = turn.usage
    if usage is None:
        return
    price = own_price(provider, model)
    if price is None and is_home and usage.cost is None:
        tier = _tier(turn.extra, asked)
        exact = turn.extra.get("model")
        price = table_price(provider, exact, tier) if isinstance(exact, str) else None
        price = price or table_price(provider, model, tier)
    if price is not None:
        # Nobody else has the usage yet, and a copy of it would cost more than all of this.
        object.__setattr__(usage, "cost", price.of(usage))
        usage.model_fields_set.add("cost")


def _tier(said: Mapping[str, Any], asked: Mapping[str, Any]) -> str | None:
    """What service it was, as the answer says it, else as the request did."""
    tier = said.get("service_tier") or asked.get("service_tier") or asked.get("speed")
    return str(tier) if tier else None


def _named(provider: str) -> str:
    return _IN_TABLE.get(provider, provider)


def _row(provider: str, model: str) -> Mapping[str, Any] | None:
    table = _table()
    for name in _names(model):
        row = table.get(f"{provider}/{name}")
        if row is not None:
            return row
        row = table.get(name)
        if row is not None and row.get("litellm_provider") == provider:
            return row
    return None


def _names(model: str) -> Iterator[str]:
    yield model
    if model.startswith("ft:") and model.count(":") > 1:
        # A fine-tuned model has its owner's names behind that of the model it was made from.
        yield ":".join(model.split(":")[:2])


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    """litellm's table; empty where there is none."""
    found = find_spec("litellm")  # which imports nothing
    if found is None or found.origin is None:
        return {}
    try:
        rows = from_json(Path(found.origin).with_name(_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("Mapping[str, Mapping[str, Any]]", rows)


def _read(row: Mapping[str, Any], above: str, suffix: str) -> Price | None:
    """The prices of a row for a tier of service and a size of call; what has none for the size has one for all."""

    def rate(name: str) -> float | None:
        value = row.get(f"{name}{above}{suffix}", row.get(f"{name}{suffix}"))
        return float(value) if isinstance(value, int | float) else None

    read, written = rate("input_cost_per_token"), rate("output_cost_per_token")
    if read is None or written is None:
        return None
    return Price(
        read,
        written,
        rate("cache_read_input_token_cost"),
        rate("cache_creation_input_token_cost"),
        rate("cache_creation_input_token_cost_above_1hr"),
        rate("output_cost_per_reasoning_token"),
        "input_cost_per_audio_token" in row or "output_cost_per_audio_token" in row,
    )


def _steps(row: Mapping[str, Any], suffix: str, *, is_reached: bool) -> Iterator[tuple[int, Price]]:
    """The prices of larger calls, the largest first."""
    limits = {
        found[0]: int(found[1]) * (1000 if found[2] else 1)
        for key in row
        if key.startswith("input_cost_per_token") and (found := _ABOVE.search(key.removesuffix(suffix)))
    }
    for above, limit in sorted(limits.items(), key=lambda one: -one[1]):
        price = _read(row, above, suffix)
        if price is not None:
            yield limit if is_reached else limit + 1, price
