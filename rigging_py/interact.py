"""`interact`: a conversation at the terminal with whatever a pipeline, a generator or a connection string describes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from rigging_py.chat import Chat, ChatPipeline
from rigging_py.generator import Generator, get_generator

ResetCallback: TypeAlias = Callable[[ChatPipeline], Awaitable[ChatPipeline]]
"""Gives the pipeline to begin again with."""

EXIT, RESET, AGAIN = {"exit", "quit", "q"}, {"reset", "restart"}, {"again", "retry"}


async def interact(
    entrypoint: ChatPipeline | Generator | str,
    *,
    reset_callback: ResetCallback | None = None,
    read: Callable[[str], str] = input,
    write: Callable[[str], None] = print,
) -> Chat | None:
    """Talks with a model until `exit` or the end of input, and returns the last chat.

    `reset` begins again; `again` asks the last question once more. An error of the model is shown, and the conversation
    goes on from before it. `read` and `write` stand in for the terminal.
    """
    start = _pipeline(entrypoint)
    pipeline, chat = start, None
    asked: ChatPipeline | None = None
    write("Say something. `again` asks once more, `reset` begins anew, `exit` ends.")
    while True:
        try:
            said = (await asyncio.to_thread(read, "\n[user]: ")).strip()
        except (EOFError, KeyboardInterrupt):
            return chat
        if said.lower() in EXIT:
            return chat
        if said.lower() in RESET:
            pipeline, chat, asked = (await reset_callback(start) if reset_callback else start), None, None
            continue
        if said and said.lower() not in AGAIN:
            asked = pipeline.add(said)
        if asked is None or not said:
            continue
        try:
            answered = await asked.run()
        except Exception as error:  # noqa: BLE001 — the wall before a person, whose conversation must not be lost
            write(f"\n[error]: {error}")
            continue
        if answered.failed:
            write(f"\n[error]: {answered.error}")
            continue
        chat = answered
        write(f"\n{chat.last}")
        pipeline = chat.restart(include_all=True)


def _pipeline(entrypoint: ChatPipeline | Generator | str) -> ChatPipeline:
    if isinstance(entrypoint, ChatPipeline):
        return entrypoint
    return (get_generator(entrypoint) if isinstance(entrypoint, str) else entrypoint).chat()
