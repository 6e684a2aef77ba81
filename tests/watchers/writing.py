"""Chats to write, and another process that writes some: `python -m tests.watchers.writing name count kind where…`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import count as numbers
from pathlib import Path
from typing import Any

import rigging_py as rg
from rigging_py.watchers import Watcher, write_chats_to_jsonl, write_chats_to_s3

ROOT = Path(__file__).parents[2]


async def a_chat(text: str = "Hi.") -> rg.Chat:
    return await rg.scripted(text).chat("Hello").run()


async def write_all(watcher: Watcher, name: str, count: int) -> None:
    """Shows the watcher a chat each in as many tasks; the name is what is said in them."""
    chats = [await a_chat(f"{name} {number}") for number in range(count)]
    await asyncio.gather(*(watcher([chat]) for chat in chats))


async def write_for_ever(watcher: Watcher, size: int) -> None:
    for number in numbers():
        await watcher([await a_chat(f"{number} " + "x" * size)])


def another_process(name: str, count: int, kind: str, *where: str) -> subprocess.Popen[Any]:
    """Writes that many chats; below 0, ever more that have as many characters."""
    return subprocess.Popen([sys.executable, "-m", __name__, name, str(count), kind, *where], cwd=ROOT)


def main(name: str, count: str, kind: str, *where: str) -> None:
    if kind == "s3":
        from tests.watchers.seaweed import s3_client

        url, bucket, key = where
        watcher = write_chats_to_s3(s3_client(url), bucket, key)
    else:
        watcher = write_chats_to_jsonl(where[0])
    number = int(count)
    asyncio.run(write_all(watcher, name, number) if number >= 0 else write_for_ever(watcher, -number))


if __name__ == "__main__":
    main(*sys.argv[1:])
