"""What a chat costs with another library: `python -m benchmarks.peer openai http://127.0.0.1:8000/v1 32`.

It is run by the Python of an environment that has the library, which `make peers` makes, so nothing of ours is
imported.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.clock import best, cost_of, stay_on_one_core

ROUNDS = 5
KEY = "sk-test"
MESSAGES = [{"role": "user", "content": "hi"}]

Call = Callable[[], Awaitable[object]]


def _openai(base: str) -> Call:
    client = importlib.import_module("openai").AsyncOpenAI(base_url=base, api_key=KEY)
    return lambda: client.chat.completions.create(model="stub", messages=MESSAGES)


def _litellm(base: str) -> Call:
    litellm: Any = importlib.import_module("litellm")
    return lambda: litellm.acompletion(model="openai/stub", messages=MESSAGES, api_base=base, api_key=KEY)


def _pydantic_ai(base: str) -> Call:
    models: Any = importlib.import_module("pydantic_ai.models.openai")
    providers: Any = importlib.import_module("pydantic_ai.providers.openai")
    model = models.OpenAIChatModel("stub", provider=providers.OpenAIProvider(base_url=base, api_key=KEY))
    agent: Any = importlib.import_module("pydantic_ai").Agent(model)
    return lambda: agent.run("hi")


def _rigging(base: str) -> Call:
    rigging: Any = importlib.import_module("rigging")
    generator = rigging.get_generator(f"litellm!openai/stub,api_base={base},api_key={KEY},max_connections=1000")
    return lambda: generator.chat("hi").run()


PEERS: dict[str, Callable[[str], Call]] = {
    "openai": _openai,
    "litellm": _litellm,
    "pydantic-ai-slim": _pydantic_ai,
    "rigging": _rigging,
}
"""The libraries, by the names under which they are published."""


async def measure(name: str, base: str, in_flight: int) -> None:
    """Prints the library with its version, and µs of CPU and of time for one call, as JSON."""
    call = PEERS[name](base)
    await cost_of(call, in_flight, in_flight=in_flight)
    costs = [await cost_of(call, max(64, in_flight), in_flight=in_flight) for _ in range(ROUNDS)]
    release = importlib.import_module("importlib.metadata").version(name)
    print(json.dumps([f"{name} {release}", best(costs).cpu, best(costs).wall]))


if __name__ == "__main__":
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    stay_on_one_core()
    asyncio.run(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))
