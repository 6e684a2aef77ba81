"""A batch that is written to a file while it is had, timed from outside, and read back as rows.

Run it with `python examples/observed.py`. Another generator answers when its connection string is given:
`python examples/observed.py openai!gpt-4o-mini`.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rigging_py as rg
from rigging_py.observe import ModelCallDetail, PromptDetail, RunDetail, ToolDetail
from rigging_py.watchers import write_chats_to_jsonl

GENERATOR = sys.argv[1] if len(sys.argv) > 1 else "local!smollm2,temperature=0,seed=1"
COUNTRIES = ("France", "Italy", "Japan")


class Clock(rg.Hooks):
    """Says how long each call of the model took."""

    @contextmanager
    def around(
        self, detail: RunDetail | PromptDetail | ModelCallDetail | ToolDetail
    ) -> Generator[Callable[[object], None]]:
        begun = time.perf_counter()
        yield lambda _: None
        if isinstance(detail, ModelCallDetail):
            print(f"[{detail.generator_id}: {time.perf_counter() - begun:.2f} s]")


@rg.prompt
async def capital(country: str) -> Annotated[str, rg.Ctx("city")]:
    """What is the capital of {{ country }}?"""
    raise NotImplementedError


async def main(file: Path) -> None:
    pipeline = rg.get_generator(GENERATOR).chat().meta(topic="capitals").with_hooks(Clock())
    ask = capital.bind(pipeline).watch(write_chats_to_jsonl(file))
    await asyncio.gather(*(ask(country) for country in COUNTRIES))

    rows = rg.data.flatten_chats(rg.data.jsonl_to_chats(file))
    for row in rows:
        if row["generated"]:
            print(f"{row['chat_metadata']} {row['chat_usage']}: {row['content'].strip()}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(Path(directory) / "chats.jsonl"))
