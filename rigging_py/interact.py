"""`interact`: a conversation, in a terminal or a notebook, with what a pipeline or a connection string describes."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from collections.abc import Generator as Generator_
from contextlib import contextmanager
from typing import Any, TypeAlias

from rigging_py.chat import Chat, ChatPipeline, ToolStartedEvent, TurnDiscarded
from rigging_py.generator import Generator, get_generator
from rigging_py.run import StreamedText
from rigging_py.util.text import plain
from rigging_py.util.waiting import is_being_cancelled

ResetCallback: TypeAlias = Callable[[ChatPipeline], Awaitable[ChatPipeline]]
"""Gives the pipeline to begin again with."""

EXIT, RESET, AGAIN = {"exit", "quit", "q"}, {"reset", "restart"}, {"again", "retry"}


async def interact(
    entrypoint: ChatPipeline | Generator | str,
    *,
    reset_callback: ResetCallback | None = None,
    read: Callable[[str], str] | None = None,
    write: Callable[[str], None] | None = None,
) -> Chat | None:
    """Talks with a model until `exit`, the end of input or Ctrl-C, and returns the last chat.

    `reset` begins again; `again` asks the last question once more. Answers are shown as they come, and Ctrl-C stops
    one. What was asked in vain, because of that or of an error, which is shown, is not part of the conversation. While
    it waits for a line, the event loop waits too. `read` gets a prompt and `write` pieces of text, in place of the
    terminal or the notebook.
    """
    # A notebook replaces `input`, so it is looked up now, and it can be called in the main thread only.
    read, write = read or input, write or _print
    start = pipeline = _pipeline(entrypoint)
    chat: Chat | None = None
    asked: ChatPipeline | None = None
    write("Say something. `again` asks once more, `reset` begins anew, `exit` ends.\n")
    while (said := _read(read, write)) is not None and said.lower() not in EXIT:
        if said.lower() in RESET:
            pipeline, chat, asked = (await reset_callback(start) if reset_callback else start), None, None
            continue
        if said and said.lower() not in AGAIN:
            asked = pipeline.add(said)
        if said and asked is not None and (answered := await _answered(asked, write)):
            chat, pipeline = answered, answered.restart(include_all=True)
    return chat


def _pipeline(entrypoint: ChatPipeline | Generator | str) -> ChatPipeline:
    if isinstance(entrypoint, ChatPipeline):
        return entrypoint
    return (get_generator(entrypoint) if isinstance(entrypoint, str) else entrypoint).chat()


def _read(read: Callable[[str], str], write: Callable[[str], None]) -> str | None:
    """The next line, or None when there is no more."""
    try:
        with _on_interrupt(signal.default_int_handler):
            return read("\n[user]: ").strip()
    except (EOFError, KeyboardInterrupt):
        write("\n")
        return None


async def _answered(asked: ChatPipeline, write: Callable[[str], None]) -> Chat | None:
    """The chat with the answer; None where there is none, after saying why."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(_streamed(asked, write))

    def stop(*_: object) -> None:
        loop.call_soon_threadsafe(task.cancel)

    try:
        with _on_interrupt(stop):
            answered = await task
    except asyncio.CancelledError:
        if is_being_cancelled():
            raise  # nobody at the keyboard did this
        write("\n[stopped]\n")
        return None
    except Exception as error:  # noqa: BLE001 — the wall before a person, whose conversation must not be lost
        write(plain(f"\n[error]: {error}\n"))
        return None
    write(plain(f"\n[error]: {answered.error}\n") if answered.failed else "\n")
    return None if answered.failed else answered


async def _streamed(asked: ChatPipeline, write: Callable[[str], None]) -> Chat:
    write("\n[assistant]: ")
    async with asked.stream() as stream:
        async for event in stream:
            match event:
                case StreamedText(text):
                    write(plain(text))
                case ToolStartedEvent(call):
                    write(plain(f"\n |- {call.name}({call.raw})\n"))
                case TurnDiscarded():
                    write("\n |- not accepted, and asked again\n")
                case _:
                    pass
        return await stream.chat()


@contextmanager
def _on_interrupt(handler: Callable[[int, Any], object]) -> Generator_[None]:
    """Lets Ctrl-C call `handler`, in place of the handler of asyncio or of the notebook, which ends all of it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are not told to other threads
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _print(text: str) -> None:
    print(text, end="", flush=True)  # noqa: T201
