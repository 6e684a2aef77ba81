"""Typed prompts, a tool, a fork and a continuation, on a language model in this process: no key, no network.

Run it with `make demo`, or `python examples/quickstart.py`. Another generator answers when its connection string is
given: `python examples/quickstart.py openai!gpt-4o-mini`.
"""

import asyncio
import sys
from enum import Enum
from typing import Annotated

from pydantic import Field

import rigging_py as rg

GENERATOR = sys.argv[1] if len(sys.argv) > 1 else "local!smollm2,temperature=0,seed=1"


class Mood(Enum):
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"


Legs = Annotated[int, Field(ge=0, le=8)]


class Animal(rg.Model):
    name: str
    legs: Legs


@rg.prompt(generator_id=GENERATOR)
async def count_legs(animal: str) -> Annotated[Legs, rg.Ctx("legs")]:
    """How many legs does one {{ animal }} have?"""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def mood_of(sentence: str) -> Mood:
    """Which mood does the sentence express?"""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def an_animal(place: str) -> Animal:
    """Name an animal that lives in the {{ place }}, and count its legs."""
    raise NotImplementedError


@rg.prompt(generator_id=GENERATOR)
async def list_fruits(colour: str) -> list[str]:
    """List three {{ colour }} fruits."""
    raise NotImplementedError


def add_numbers(x: float, y: float) -> float:
    """Add two numbers."""
    return x + y


def show(title: str, value: object) -> None:
    print(f"\n── {title} ──\n{value}")


async def main() -> None:
    print(f"Answered by {GENERATOR}")

    show("count_legs('spider') -> int", repr(await count_legs("spider")))
    show("mood_of('I lost my keys.') -> Mood", repr(await mood_of("I lost my keys.")))
    show("an_animal('desert') -> Animal", repr(await an_animal("desert")))
    show("list_fruits('red') -> list[str]", repr(await list_fruits("red")))

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
