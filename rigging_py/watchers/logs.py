"""A watcher that shows conversations in the log as they grow. What was said is text there, never markup."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from rigging_py.chat import Chat
from rigging_py.logging import LogLevel, level_named, turn_on
from rigging_py.util.text import plain


def make_stream_to_logs(
    *, level: LogLevel = "info", max_chars: int = 500, max_lines: int = 20
) -> Callable[[list[Any]], Awaitable[None]]:
    """A watcher that logs each message of a chat, cut to `max_chars` characters and `max_lines` lines.

    Where the conversation goes on that was logged before, what is new is logged. Control characters are spelled out,
    and all lines but the first are indented, so that no message looks like a line of the log. Raises `ValueError` for
    an unknown level.
    """
    return _StreamToLogs(level_named(level), max_chars, max_lines)


class _StreamToLogs:
    """Logs each message of a chat; see `make_stream_to_logs`."""

    def __init__(self, level: str, max_chars: int, max_lines: int) -> None:
        self._level, self._max_chars, self._max_lines = level, max_chars, max_lines
        self._logged: list[uuid.UUID] = []
        """The messages of the conversation that was logged last."""

    async def __call__(self, finished: list[Any]) -> None:
        logger = turn_on()
        for one in finished:
            for said in self._new(one) if isinstance(one, Chat) else [f"[completion]: {one.all}"]:
                logger.log(self._level, _shown(said, self._max_chars, self._max_lines))

    def _new(self, chat: Chat) -> Iterator[str]:
        messages = [message.uuid for message in chat.all]
        known = len(self._logged) if messages[: len(self._logged)] == self._logged else 0
        self._logged = messages
        yield from map(str, chat.all[known:])
        if chat.error is not None:
            yield f"[error]: {chat.error}"


def _shown(said: str, max_chars: int, max_lines: int) -> str:
    lines = said[:max_chars].split("\n")[:max_lines]
    text = "\n".join(lines)
    more = f" … ({len(said) - len(text)} more characters)" if len(text) < len(said) else ""
    return plain(text).replace("\n", "\n    ") + more


stream_to_logs = make_stream_to_logs()
"""A watcher that logs each message of a chat at level info; see `make_stream_to_logs`."""
