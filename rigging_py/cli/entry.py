"""`main`: runs the command, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper

from rigging_py.cli.plain import one_line
from rigging_py.error import MissingExtraError, RiggingError

WRONG, INTERRUPTED = 2, 130
_PARTS = ("typer", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with these arguments, or those of the process, and gives its exit code.

    0 is well, 1 a replay that differs from its journal, 2 whatever went wrong, which one line on stderr says.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What a model said may have letters that the terminal's encoding has not.
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # typer and rich leave the process by themselves, with a 1, when nobody reads what they write.
        return _without_a_reader()
    except Exception as error:  # noqa: BLE001 — the wall before a terminal, whose user is not to read our stack
        _complain(error)
        return WRONG


def _run(arguments: Sequence[str]) -> int:
    try:
        app = import_module("rigging_py.cli.app")
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _PARTS:
            raise
        raise MissingExtraError("The command rigging-py", "cli") from error
    code: int = app.run(arguments)
    sys.stdout.flush()
    return code


def _without_a_reader() -> int:
    # As after `| head`. Python would complain once more when it flushes what is left at exit.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _complain(error: Exception) -> None:
    # An error of ours is a letter, and so is one of the command line; others need their name to be understood.
    is_letter = isinstance(error, RiggingError) or hasattr(error, "format_message")
    said = getattr(error, "format_message", error.__str__)()
    text = one_line(said if is_letter and said else f"{type(error).__name__}: {said}")
    with suppress(OSError):
        sys.stderr.write(f"rigging-py: {text}\n")
