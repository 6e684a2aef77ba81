"""How many requests at once a provider bears, found out by trying: one more after successes, fewer after a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Event: TypeAlias = Literal["succeeded", "limited"]

_KEPT = 0.7
"""What is left of the limit after a refusal. More would meet the next one at once, less would leave room unused."""

_WINDOW_MIN = 10
"""Successes before it grows, where fewer may be under way: trying has its price, a refusal."""


@dataclass(frozen=True, slots=True)
class Aimd:
    """Additive increase, multiplicative decrease: what is believed of a provider's limit.

    `successes` are those since the limit changed, `lowered` is when it last went down.
    """

    limit: int
    floor: int = 1
    ceiling: int | None = None
    successes: int = 0
    lowered: float = float("-inf")


def after(state: Aimd, event: Event, now: float, *, started: float, is_full: bool) -> Aimd:
    """The state after a request that `started` at that time has ended.

    It grows by one when as many succeeded as may be under way at once, and at least ten. A success says nothing of more
    when there was room left (`is_full`), and neither says anything new when the request was sent before the limit last
    went down.
    """
    if event == "limited":
        if started <= state.lowered:
            return state
        return replace(state, limit=max(state.floor, int(state.limit * _KEPT)), successes=0, lowered=now)
    if not is_full or started <= state.lowered:
        return state
    if state.successes + 1 < max(_WINDOW_MIN, state.limit):
        return replace(state, successes=state.successes + 1)
    return replace(state, limit=min(state.limit + 1, state.ceiling or state.limit + 1), successes=0)
