"""What a call over HTTP costs, beside raw clients that make the same request in the same process, and beside peers."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from pydantic_core import to_json
from pyreqwest.client import ClientBuilder

import rigging_py as rg
from benchmarks.clock import Cost, best, cost_of, stay_on_one_core
from benchmarks.peer import PEERS
from benchmarks.stub import stub
from benchmarks.table import show

GOALS = "chat <= 1.5, typed prompt <= 2, tool round trip <= 4 x raw aiohttp, flat from 32 to 500, >= 4,000 chats/s"
IN_FLIGHT = (32, 500)
ROUNDS = 12
PEERS_AT = Path(".peers")
"""Where `make peers` puts an environment for each."""
PYREQWEST, AIOHTTP = "raw pyreqwest", "raw aiohttp"
BODY = {"model": "stub", "messages": [{"role": "user", "content": "hi"}]}
HEADERS = {"authorization": "Bearer sk-test", "content-type": "application/json"}

Call = Callable[[], Awaitable[object]]


async def run() -> None:
    """Measures, and prints a table."""
    # Before the client has its thread.
    stay_on_one_core()
    client = ClientBuilder().build()
    with stub() as base:
        async with client, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            url = f"{base}/chat/completions"

            async def raw_pyreqwest() -> object:
                request = client.post(url).headers(HEADERS).body_bytes(to_json(BODY)).build()
                return await (await request.send()).json()

            async def raw_aiohttp() -> object:
                async with session.post(url, json=BODY, headers=HEADERS) as reply:
                    return await reply.json()

            calls = {PYREQWEST: raw_pyreqwest, AIOHTTP: raw_aiohttp, **_ours(base)}
            for in_flight in IN_FLIGHT:
                costs = await _costs(calls, in_flight)
                _show(costs | await asyncio.to_thread(_peers, base, in_flight), in_flight)


async def _costs(calls: dict[str, Call], in_flight: int) -> dict[str, Cost]:
    found: dict[str, list[Cost]] = {name: [] for name in calls}
    for call in calls.values():
        await cost_of(call, in_flight * 2, in_flight=in_flight)
    # Many short rounds: how the threads meet at the lock of the interpreter changes all the time.
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(await cost_of(call, max(320, in_flight), in_flight=in_flight))
    return {name: best(costs) for name, costs in found.items()}


def _ours(base: str) -> dict[str, Call]:
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

    async def streamed() -> object:
        return [piece async for piece in waiting.stream_text()]

    return {
        "openai! chat pipeline, made before": waiting.run,
        "openai! chat pipeline": lambda: generator.chat("hi").run(),
        "openai! typed prompt -> int": lambda: how_many("fox"),
        "openai! tool round trip (2 requests), async tool": equipped.run,
        "openai! tool round trip (2 requests), sync tool": in_thread.run,
        "openai! stream of 4 words": streamed,
    }


def _peers(base: str, in_flight: int) -> dict[str, Cost]:
    """The cost of a chat with each library that has an environment here."""
    found: dict[str, Cost] = {}
    for name in PEERS:
        python = PEERS_AT / name / "bin" / "python"
        if python.exists():
            command = [str(python), "-m", "benchmarks.peer", name, base, str(in_flight)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                print(f"{name} failed: {ended.stderr.strip()[-300:]}")
            else:
                title, cpu, wall = json.loads(ended.stdout.splitlines()[-1])
                found[title] = Cost(cpu, wall)
    return found


def _show(costs: dict[str, Cost], in_flight: int) -> None:
    rows = [
        [
            name,
            f"{cost.cpu:,.0f}",
            f"{1e6 / cost.wall:,.0f}",
            f"{cost.cpu / costs[AIOHTTP].cpu:.2f}",
            f"{cost.cpu / costs[PYREQWEST].cpu:.2f}",
        ]
        for name, cost in costs.items()
    ]
    show(
        f"Calls: one process on one core, {in_flight} in flight, loopback stub, best of {ROUNDS} ({GOALS})",
        ["", "CPU us", "calls/s", f"x {AIOHTTP}", f"x {PYREQWEST}"],
        rows,
    )
