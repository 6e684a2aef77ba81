"""Shows what is finished to those who watch, and never lets them cost a generation."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Sequence
from typing import Any

from rigging_py.error import PipelineWarning
from rigging_py.generator import WatchCallback
from rigging_py.util.waiting import is_being_cancelled


async def show(finished: Sequence[Any], callbacks: Sequence[WatchCallback]) -> None:
    """Calls each callback with a list of its own; what one raises becomes a `PipelineWarning`."""
    for callback in callbacks if finished else ():
        try:
            seen: object = callback(list(finished))
            if inspect.isawaitable(seen):
                await seen
        except (Exception, asyncio.CancelledError) as error:
            # The wall before watchers: they see, and never cost a generation.
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            warnings.warn(f"A watcher failed, {type(error).__name__}: {error}", PipelineWarning, stacklevel=2)
