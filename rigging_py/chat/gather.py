"""Runs many coroutines, a few at a time, and leaves none behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

MAX_CONCURRENT = 64
"""How many runs of a batch are under way at once unless the caller says otherwise."""


async def gather(jobs: Sequence[Callable[[], Awaitable[T]]], *, limit: int = MAX_CONCURRENT) -> list[T]:
    """The results of `jobs` in their order, at most `limit` under way at once.

    The first exception cancels the rest and is raised once they have ended.
    """
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, T] = {}
    waiting = iter(enumerate(jobs))

    async def work() -> None:
        for index, job in waiting:
            results[index] = await job()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(jobs))):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise _first(failed) from None
    return [results[index] for index in range(len(jobs))]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception; workers are flat, so a group inside a group is a job's own."""
    return group.exceptions[0]
