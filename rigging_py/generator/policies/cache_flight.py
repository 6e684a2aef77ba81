"""`Flight`: one call under way that several wait for. It ends early only when nobody waits for it any longer."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rigging_py.generator.policies.base import Piece


class Flight:
    """A call in a task of its own, whose pieces are read by any number, each from the beginning and at its own pace.

    A reader that is cancelled or closed takes nothing from the others. With the last of them the call is cancelled.
    """

    def __init__(self, pieces: AsyncGenerator[Piece, None]) -> None:
        self._heard: list[Piece] = []
        self._error: Exception | asyncio.CancelledError | None = None
        self._news = asyncio.Event()
        self._readers = 0
        self._is_raised = False
        self._task = asyncio.get_running_loop().create_task(self._ask(pieces))

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes, because the call has ended or is being given up."""
        return self._task.done() or self._task.cancelling() > 0

    async def read(self) -> AsyncGenerator[Piece, None]:
        """The pieces, and the failure at their end, each reader its own."""
        self._readers += 1
        place = 0
        try:
            while True:
                news = self._news
                while place < len(self._heard):
                    place += 1
                    yield self._heard[place - 1]
                if self._task.done():
                    break
                if news is self._news:
                    await news.wait()
        finally:
            self._readers -= 1
            if not self._readers and not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])
        if self._error is not None:
            raise self._failure(self._error)

    async def _ask(self, pieces: AsyncGenerator[Piece, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._heard.append(piece)
                    self._wake()
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 — the readers raise it
            self._error = error
        finally:
            asyncio.get_running_loop().call_soon(self._wake)  # when the task is done

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _failure(self, error: Exception | asyncio.CancelledError) -> BaseException:
        """The error, which its first reader gets and the others copies of: what carries it writes on it."""
        if not self._is_raised:
            self._is_raised = True
            return error
        try:
            return copy.copy(error)
        except Exception:  # noqa: BLE001 — a class of others may not know how
            return error
