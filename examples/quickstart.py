"""Typed prompts, a tool, a fork and a continuation, on a language model in this process: no key, no network.

Run it with `make demo`, or `python examples/quickstart.py`. Another generator answers when its connection string is
given: `python examples/quickstart.py openai!gpt-4o-mini`.
"""

import asyncio
import sys
from typing import Annotated

import rigging_py as rg

GENERATOR = sys.argv[1] if len(sys.argv) > 1 else "local!smollm2,temperature=0,seed=1"


class City(rg.Model):
    name: str
    country: str


@rg.prompt(generator_id=GENERATOR)
async def capital_of(country: str) -> Annotated[str, rg.Ctx("city")]:
    """What is the capital of {{ country }}?"""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def is_true(claim: str) -> bool:
    """Is {{ claim }}?"""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def city_with(sight: str) -> City:
    """Name a city that is famous for {{ sight }}, and its country."""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def list_planets(count: int = 3) -> list[Annotated[str, rg.Ctx("planet")]]:
    """List {{ count }} planets of the solar system."""
    raise NotImplementedError


def add_numbers(x: float, y: float) -> float:
    """Add two numbers."""
    return x + y


def show(title: str, value: object) -> None:
    print(f"\n── {title} ──\n{value}")


async def main() -> None:
    print(f"Answered by {GENERATOR}")

    show("capital_of('Japan') -> str", repr(await capital_of("Japan")))
    show("is_true('water wet') -> bool", repr(await is_true("water wet")))
    show("city_with('the Eiffel Tower') -> City", repr(await city_with("the Eiffel Tower")))
    show("list_planets() -> list[str]", repr(await list_planets()))

    generator = rg.get_generator(GENERATOR)
    sum_chat = await generator.chat("What is 1337 + 42?").using(add_numbers).run()
    show("a chat with a tool", sum_chat.conversation)

    greeting = generator.chat([{"role": "system", "content": "You are a friendly guide."}]).with_(max_tokens=40)
    plain, rhymed = await asyncio.gather(
        greeting.fork("Say hello.").run(),
        greeting.fork("Say hello in rhyme.").run(),
    )
    show("one pipeline, forked: plain", plain.conversation)
    show("one pipeline, forked: rhymed", rhymed.conversation)

    continued = await plain.continue_("And now say goodbye.").run()
    show("the first one, continued", continued.conversation)
    print(f"\nTokens of the last call: {continued.usage}")


if __name__ == "__main__":
    asyncio.run(main())
