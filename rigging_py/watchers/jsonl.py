"""Watchers that append lines of JSON to a file: whole lines in one go, under a lock that other processes respect."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path

from pydantic_core import to_json

from rigging_py.chat import Chat
from rigging_py.data import flatten_chats
from rigging_py.data.lines import chat_line
from rigging_py.util.locks import locked
from rigging_py.watchers.outbox import Outbox
from rigging_py.watchers.spelling import Watcher, snapshot


def write_chats_to_jsonl(file: str | Path, *, replace: bool = False) -> Watcher:
    """A watcher that appends each chat to a file as a line of JSON, which `Chat.model_validate_json` reads again.

    `replace` empties the file before the first line is written, and never afterwards. Folders are made as needed. When
    a run returns, its lines are on the disk.
    """
    return _writer(file, replace, lambda chats: [chat_line(chat) for chat in chats])


def write_messages_to_jsonl(file: str | Path, *, replace: bool = False) -> Watcher:
    """A watcher that appends each message of each chat to a file as a line of JSON.

    The lines are the rows of `rigging_py.data.flatten_chats`. See `write_chats_to_jsonl`.
    """
    return _writer(file, replace, _rows)


def _rows(chats: Sequence[Chat]) -> list[bytes]:
    return [to_json(row) + b"\n" for row in flatten_chats([snapshot(chat) for chat in chats])]


def _writer(file: str | Path, replace: bool, spell: Callable[[Sequence[Chat]], Sequence[bytes]]) -> Watcher:
    path = Path(file).absolute()  # where the program stood when it said so
    return Outbox(str(path), spell, _LineFile(path, replace).append)


class _LineFile:
    """A file of lines. `is_to_be_emptied` until the first line is written."""

    def __init__(self, path: Path, is_to_be_emptied: bool) -> None:
        self._path, self._is_to_be_emptied = path, is_to_be_emptied

    def append(self, lines: Sequence[bytes]) -> None:
        """Appends all of the lines or, where that fails, none."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileIO(self._path, "a+") as file, locked(file):
            if self._is_to_be_emptied:
                file.truncate(0)
                self._is_to_be_emptied = False
            _append(file, b"".join(lines))


def _append(file: FileIO, data: bytes) -> None:
    before = os.fstat(file.fileno())
    if not stat.S_ISREG(before.st_mode):  # a pipe or a device
        _write(file, data)
        return
    # A writer that was killed may have left half a line, which must not spoil ours.
    lines = b"\n" + data if _ends_within_a_line(file, before.st_size) else data
    try:
        _write(file, lines)
        os.fsync(file)
    except BaseException:
        if os.fstat(file.fileno()).st_size <= before.st_size + len(lines):  # else somebody wrote who knows no lock
            file.truncate(before.st_size)
        raise


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _ends_within_a_line(file: FileIO, size: int) -> bool:
    if not size:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"
