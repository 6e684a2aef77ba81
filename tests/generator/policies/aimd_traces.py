"""Providers with a limit that they do not tell, as tables: how many calls they bear from when on, and what is found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """`bears` says from which second on how many calls at once are borne; each takes `latency` seconds.

    `finds` says what the limit is between, from one second to another. `refused` is the most refusals there may be
    for 100 answers. A refusal comes after `notice` seconds and asks for a pause of `retry_after`.
    """

    name: str
    bears: tuple[tuple[float, int], ...]
    finds: tuple[tuple[float, float, float, float], ...]
    refused: float
    latency: float = 1.0
    notice: float = 0.1
    retry_after: float | None = None
    floor: int = 1
    ceiling: int | None = None
    callers: int = 50
    seconds: float = 200.0


TRACES = [
    #     name                     from: bears              from  to   least most     refusals of 100
    Trace("one at a time", ((0, 1),), ((30, 200, 1, 2),), 20),
    Trace("two", ((0, 2),), ((30, 200, 1, 3),), 12),
    Trace("ten", ((0, 10),), ((30, 200, 6, 11),), 5),
    Trace("thirty", ((0, 30),), ((60, 200, 20, 31),), 3),
    Trace("more than are asked for", ((0, 1000),), ((60, 100, 36, 41),), 0, callers=40, seconds=100),
    Trace("it rises", ((0, 10), (60, 25)), ((30, 60, 6, 11), (100, 150, 16, 26)), 5, seconds=150),
    Trace("it falls", ((0, 20), (60, 5)), ((40, 60, 13, 21), (80, 150, 2, 7)), 8, seconds=150),
    Trace("it falls to one, and recovers", ((0, 20), (60, 1), (100, 20)), ((80, 100, 1, 3), (170, 200, 12, 21)), 8),
    Trace("quick answers", ((0, 10),), ((5, 30, 6, 11),), 5, latency=0.1, notice=0.01, seconds=30),
    Trace("refusals as slow as answers", ((0, 10),), ((30, 200, 5, 12),), 25, notice=1.0),
    Trace("pauses are asked for", ((0, 10),), ((30, 200, 6, 11),), 5, retry_after=2.0),
    Trace("a ceiling below what is borne", ((0, 50),), ((30, 100, 12, 12),), 0, ceiling=12, seconds=100),
    Trace("few callers", ((0, 50),), ((30, 100, 5, 9),), 0, callers=5, seconds=100),
    Trace("a floor above what is borne", ((0, 2),), ((10, 30, 4, 5),), 2000, floor=4, seconds=30),
]
