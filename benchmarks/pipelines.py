"""What a pipeline and a prompt add to an answer that costs nothing: no network, no JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import rigging_py as rg
from benchmarks.clock import IN_FLIGHT, best, cost_of
from benchmarks.table import show

ROUNDS = 8
COUNT = 500
MANY = 100


def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:  # noqa: ARG001
    """What every call is answered with."""
    return "<int>42</int>"


async def run() -> None:
    """Measures, and prints a table."""
    generator = rg.FunctionGenerator(answer)

    @generator.prompt
    async def how_many(animal: str) -> int:
        """Counts animals."""

    waiting = generator.chat("hi")
    calls = {
        "chat pipeline": lambda: generator.chat("hi").run(),
        "chat pipeline, made before": waiting.run,
        "until_parsed_as(int)": waiting.until_parsed_as(int).run,
        "typed prompt -> int": lambda: how_many("fox"),
    }
    rows = [[name, await _cpu(call, COUNT, IN_FLIGHT)] for name, call in calls.items()]
    many = await _cpu(lambda: waiting.run_many(MANY), COUNT // MANY, 1, per_call=MANY)
    show("Pipelines on a FunctionGenerator", ["", "CPU us"], [*rows, [f"run_many({MANY}), each", many]])


async def _cpu(call: Callable[[], Awaitable[object]], count: int, in_flight: int, *, per_call: int = 1) -> str:
    costs = [await cost_of(call, count, in_flight=in_flight) for _ in range(ROUNDS)]
    return f"{best(costs).cpu / per_call:.0f}"
