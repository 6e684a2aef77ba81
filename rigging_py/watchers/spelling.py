"""What every watcher that writes shares: its form, which of what it is shown it takes, and that as it is now."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Protocol

from rigging_py.chat import Chat
from rigging_py.data.lines import chat_line
from rigging_py.error import PipelineWarning


class Watcher(Protocol):
    """A callback for `watch` that writes what it is shown, and keeps what could not be written."""

    async def __call__(self, finished: list[Any], /) -> None:
        """Writes the chats, after those that are kept. Raises `NotWrittenError`, and keeps them all."""
        ...

    async def flush(self) -> None:
        """Writes what is kept. Raises `NotWrittenError`, and goes on keeping it."""
        ...

    @property
    def pending(self) -> int:
        """How many lines or documents are not written yet; they are kept in memory."""
        ...


def chats_among(finished: Sequence[Any], target: str) -> list[Chat]:
    """The chats. A generator shows its watchers completions too, which are left out with a `PipelineWarning`."""
    chats = [one for one in finished if isinstance(one, Chat)]
    if len(chats) < len(finished):
        warnings.warn(f"Only chats are written to {target}; a completion was left out.", PipelineWarning, stacklevel=3)
    return chats


def snapshot(chat: Chat) -> Chat:
    """The chat as it is now, and as it can be read again."""
    return Chat.model_validate_json(chat_line(chat))
