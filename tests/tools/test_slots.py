"""Tools of one group share slots, and the others do not wait for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from rigging_py.tools import ToolSlots
from tests.tools.calls import executed


class Crowd:
    """A tool that stays until it is let go, and how many were there at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.leave = asyncio.Event()

    async def stay(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.leave.wait()
        self.inside -= 1

    def tool(self, name: str, **options: Any) -> rg.Tool[..., Any]:
        return rg.Tool.from_callable(self.stay, name=name, **options)


async def most_at_once(crowd: Crowd, *tools: rg.Tool[..., Any], calls: int = 5) -> int:
    """The most calls that were under way when each tool was called so often."""
    slots = ToolSlots(tools)

    async def use(tool: rg.Tool[..., Any]) -> None:
        async with slots.of(tool):
            await executed(tool)

    tasks = [asyncio.create_task(use(tool)) for tool in tools for _ in range(calls)]
    for _ in range(20):  # rounds of the loop, in which all come in who may
        await asyncio.sleep(0)
    crowd.leave.set()
    await asyncio.gather(*tasks)
    return crowd.most


async def test_tools_do_not_wait_for_each_other_by_default() -> None:
    crowd = Crowd()
    assert await most_at_once(crowd, crowd.tool("one"), crowd.tool("two")) == 10


async def test_a_group_runs_one_at_a_time() -> None:
    crowd = Crowd()
    assert await most_at_once(crowd, crowd.tool("one", group="till"), crowd.tool("two", group="till")) == 1


async def test_a_group_has_as_many_slots_as_one_of_its_tools_says() -> None:
    crowd = Crowd()
    tools = crowd.tool("one", group="till"), crowd.tool("two", group="till", max_concurrent=3)
    assert await most_at_once(crowd, *tools) == 3


async def test_groups_do_not_wait_for_each_other() -> None:
    crowd = Crowd()
    assert await most_at_once(crowd, crowd.tool("one", group="a"), crowd.tool("b", group="b"), crowd.tool("a")) == 7


async def test_a_tool_without_a_group_may_have_slots_of_its_own() -> None:
    crowd = Crowd()
    assert await most_at_once(crowd, crowd.tool("one", max_concurrent=2), crowd.tool("two", max_concurrent=2)) == 4


async def test_a_cancelled_call_gives_its_slot_back() -> None:
    crowd = Crowd()
    tool = crowd.tool("one", group="till")
    slots = ToolSlots([tool])

    async def use() -> None:
        async with slots.of(tool):
            await executed(tool)

    first, second = asyncio.create_task(use()), asyncio.create_task(use())
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    crowd.leave.set()
    await second


async def test_two_numbers_for_one_group_are_refused() -> None:
    crowd = Crowd()
    tools = [crowd.tool("one", group="till", max_concurrent=2), crowd.tool("two", group="till", max_concurrent=3)]
    with pytest.raises(ToolDefinitionError, match="'till' want max_concurrent=2 and, 'two', 3; give it to one"):
        ToolSlots(tools)
