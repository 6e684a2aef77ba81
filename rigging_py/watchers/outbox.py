"""`Outbox`: lines on their way to where blocking calls write them, each kept until it is there."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any
from weakref import WeakSet

from rigging_py.chat import Chat
from rigging_py.error import NotWrittenError
from rigging_py.watchers.spelling import chats_among


class Outbox:
    """A `Watcher` that spells chats as lines and has them appended in a thread, by one call at a time.

    Whoever comes while a call is under way shares the next one. Tasks, event loops and threads may share an outbox.
    """

    def __init__(
        self,
        target: str,
        spell: Callable[[Sequence[Chat]], Sequence[bytes]],
        append: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._target, self._spell, self._append = target, spell, append
        self._lock = threading.Lock()
        self._kept: list[bytes] = []
        self._waiting: list[Future[None]] = []
        self._is_at_work = False
        _outboxes.add(self)

    def forget(self) -> None:
        """Leaves what is kept to another process, in which the thread goes on that this one lacks."""
        self._lock = threading.Lock()
        self._kept, self._waiting, self._is_at_work = [], [], False

    def __repr__(self) -> str:
        return f"<writes to {self._target}>"

    @property
    def pending(self) -> int:
        """How many lines are not written yet."""
        return len(self._kept)

    async def __call__(self, finished: list[Any], /) -> None:
        """Writes the chats, after those that are kept."""
        # Spelled before anybody else runs, so that a chat is written as it was shown.
        lines = self._spell(chats_among(finished, self._target))
        if lines:
            await self._written(lines)

    async def flush(self) -> None:
        """Writes what is kept."""
        await self._written(())

    async def _written(self, lines: Sequence[bytes]) -> None:
        done: Future[None] = Future()
        # A caller that is cancelled cancels no writing.
        done.set_running_or_notify_cancel()
        with self._lock:
            self._kept.extend(lines)
            self._waiting.append(done)
            if not self._is_at_work:
                # No daemon: Python waits for what is being written before it exits.
                threading.Thread(target=self._work, name=f"rigging_py writes to {self._target}").start()
                self._is_at_work = True
        await asyncio.wrap_future(done)

    def _work(self) -> None:
        while self._write_once():
            pass

    def _write_once(self) -> bool:
        """Whether somebody was waiting."""
        with self._lock:
            lines, waiting = self._kept[:], self._waiting[:]
            self._waiting.clear()
            self._is_at_work = bool(waiting)
        if waiting:
            error = self._error_of(lines)
            for one in waiting:
                _tell(one, None if error is None else NotWrittenError(self._target, len(lines), error))
        return bool(waiting)

    def _error_of(self, lines: Sequence[bytes]) -> BaseException | None:
        try:
            if lines:
                self._append(lines)
        except BaseException as error:  # noqa: BLE001 — the wall of the thread: whoever waits gets what was raised
            return error
        with self._lock:
            del self._kept[: len(lines)]
        return None


_outboxes: WeakSet[Outbox] = WeakSet()


def _forget_all() -> None:
    for outbox in list(_outboxes):
        outbox.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _tell(done: Future[None], error: NotWrittenError | None) -> None:
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
