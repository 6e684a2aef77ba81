"""What a call over HTTP costs, beside raw clients that make the same request in the same process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp
from pydantic_core import to_json
from pyreqwest.client import ClientBuilder

import rigging_py as rg
from benchmarks.clock import IN_FLIGHT, Cost, best, cost_of
from benchmarks.stub import stub
from benchmarks.table import show

GOAL = 2.0
ROUNDS = 16
COUNT = 250
PYREQWEST, AIOHTTP = "raw pyreqwest", "raw aiohttp"
BODY = {"model": "stub", "messages": [{"role": "user", "content": "hi"}]}
HEADERS = {"authorization": "Bearer sk-test", "content-type": "application/json"}

Call = Callable[[], Awaitable[object]]


async def run() -> None:
    """Measures, and prints a table."""
    client = ClientBuilder().build()
    with stub() as base:
        async with client, aiohttp.ClientSession() as session:
            url = f"{base}/chat/completions"

            async def raw_pyreqwest() -> object:
                request = client.post(url).headers(HEADERS).body_bytes(to_json(BODY)).build()
                return await (await request.send()).json()

            async def raw_aiohttp() -> object:
                async with session.post(url, json=BODY, headers=HEADERS) as reply:
                    return await reply.json()

            calls = {PYREQWEST: (1, raw_pyreqwest), AIOHTTP: (1, raw_aiohttp), **_ours(base)}
            costs: dict[str, list[Cost]] = {name: [] for name in calls}
            for _, call in calls.values():
                await cost_of(call, IN_FLIGHT * 4)
            # Many short rounds: how the threads meet at the lock of the interpreter changes all the time.
            for _ in range(ROUNDS):
                for name, (_, call) in calls.items():
                    costs[name].append(await cost_of(call, COUNT))
    _show({name: (calls[name][0], best(found)) for name, found in costs.items()})


def _ours(base: str) -> dict[str, tuple[int, Call]]:
    """Our calls, each with the number of requests that it makes."""
    generator = rg.get_generator(f"openai!stub,api_base={base},api_key=sk-test")

    async def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @rg.tool(name="add")
    def add_in_thread(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @generator.prompt
    async def how_many(animal: str) -> int:
        """Counts animals."""

    waiting = generator.chat("hi")
    equipped = generator.chat("hi").using(add)
    in_thread = generator.chat("hi").using(add_in_thread)

    return {
        "openai! chat pipeline": (1, lambda: generator.chat("hi").run()),
        "openai! chat pipeline, made before": (1, waiting.run),
        "openai! typed prompt -> int": (1, lambda: how_many("fox")),
        "openai! tool round trip, async tool": (2, equipped.run),
        "openai! tool round trip, sync tool": (2, in_thread.run),
    }


def _show(costs: dict[str, tuple[int, Cost]]) -> None:
    rows = [
        [
            name,
            str(requests),
            f"{cost.cpu:.0f}",
            f"{1e6 / cost.wall:.0f}",
            f"{cost.cpu / requests / costs[AIOHTTP][1].cpu:.2f}",
            f"{cost.cpu / requests / costs[PYREQWEST][1].cpu:.2f}",
        ]
        for name, (requests, cost) in costs.items()
    ]
    show(
        f"Calls: one process, {IN_FLIGHT} in flight, loopback stub, best of {ROUNDS} x {COUNT} "
        f"(goal: chat pipeline <= {GOAL:g} x raw aiohttp; ratios are per request)",
        ["", "requests", "CPU us", "calls/s", f"x {AIOHTTP}", f"x {PYREQWEST}"],
        rows,
    )
