"""How many calls of a tool, or of a group of tools, may be under way at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

from rigging_py.error import ToolDefinitionError
from rigging_py.tools.tool import Tool

_FREE: AbstractAsyncContextManager[None] = nullcontext()


class ToolSlots:
    """The limits of some tools; make one for each run.

    Tools of one `group` share its slots: as many as `max_concurrent` says, one when no tool of the group says. A tool
    with `max_concurrent` and no group has slots of its own. Whoever waits longest is next. Raises
    `ToolDefinitionError` when two tools of a group want different numbers.
    """

    def __init__(self, tools: Iterable[Tool[..., Any]]) -> None:
        limited = [tool for tool in tools if tool.group is not None or tool.max_concurrent is not None]
        limits: dict[str, int] = {}
        for tool in limited:
            if tool.group is not None and tool.max_concurrent is not None:
                _agree(tool.group, limits.setdefault(tool.group, tool.max_concurrent), tool)
        groups = {tool.group: asyncio.Semaphore(limits.get(tool.group, 1)) for tool in limited if tool.group}
        self._slots: dict[str, asyncio.Semaphore] = {
            tool.name: groups[tool.group] if tool.group else asyncio.Semaphore(tool.max_concurrent or 1)
            for tool in limited
        }

    def of(self, tool: Tool[..., Any]) -> AbstractAsyncContextManager[None]:
        """The slot of a call, held while inside: `async with slots.of(tool): …`. Tools without a limit never wait."""
        return self._slots.get(tool.name, _FREE)


def _agree(group: str, limit: int, tool: Tool[..., Any]) -> None:
    if limit != tool.max_concurrent:
        raise ToolDefinitionError(
            f"Tools of the group {group!r} want max_concurrent={limit} and, {tool.name!r}, {tool.max_concurrent}; "
            "give it to one of them, or the same to all."
        )
