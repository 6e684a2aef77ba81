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
    if limit < 1:
        raise ValueError(f"At least one must be under way at a time; the limit given is {limit}.")
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, T] = {}
    waiting = iter(enumerate(jobs))

    async def work() -> None:
        for index, job in waiting:
            results[index] = await job()

    failed: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(jobs))):
                group.create_task(work())
    except BaseExceptionGroup as group_failed:
        # Workers are flat, so a group inside of the group is a job's own.
        failed = group_failed.exceptions[0]
    if failed is not None:
        # Not inside the handler: there it would take the group for its context, or lose its own cause.
        raise failed
    if len(results) < len(jobs):
        raise asyncio.CancelledError("A job ended by cancelling itself.")
    return [results[index] for index in range(len(jobs))]
