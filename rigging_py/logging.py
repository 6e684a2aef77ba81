"""The log of the package: loguru's logger, loaded on first use and silent until somebody turns it on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from loguru import Logger

    logger: Logger

LogLevel: TypeAlias = Literal["trace", "debug", "info", "success", "warning", "error", "critical"]
"""How much is logged: what is at least this grave. Upper case is taken too."""

_FORMAT = "<green>{time:YYYY-MM-DD HH:mm:ss.SSS}</green> | <level>{level: <8}</level> | {message}"
_handlers: list[int] = []
"""Those that `configure_logging` added."""


if not TYPE_CHECKING:  # or checkers would take any name

    def __getattr__(name: str) -> Any:
        if name != "logger":
            raise AttributeError(f"rigging_py.logging has no {name!r}.")
        return _loguru()


@cache
def _loguru() -> Logger:
    from loguru import logger

    logger.disable("rigging_py")
    return logger


def level_named(level: str) -> str:
    """The name by which loguru knows a level. Raises `ValueError` for one that is not there."""
    if level.lower() not in get_args(LogLevel):
        raise ValueError(f"{level!r} is no log level. Known: {', '.join(get_args(LogLevel))}.")
    return level.upper()


def turn_on() -> Logger:
    """The logger, which from now on takes what `rigging_py` says."""
    _loguru().enable("rigging_py")
    return _loguru()


def configure_logging(
    log_level: LogLevel = "info", log_file: str | Path | None = None, log_file_level: LogLevel = "debug"
) -> None:
    """Logs to standard error from `log_level` up, and to `log_file`, if there is one, from `log_file_level` up.

    Calling it again replaces what it did before. Handlers that others have added stay; the one that loguru begins
    with goes, or every line would be shown twice. Raises `ValueError` for an unknown level and `OSError` for a file
    that cannot be written, and then changes nothing.
    """
    screen, file = level_named(log_level), level_named(log_file_level)
    logger = turn_on()
    # Values of variables, which diagnosing shows in tracebacks, may be secrets.
    added = [] if log_file is None else [logger.add(log_file, level=file, format=_FORMAT, diagnose=False)]
    added.append(logger.add(sys.stderr, level=screen, format=_FORMAT, diagnose=False))
    _forget_handlers()
    _handlers.extend(added)


def _forget_handlers() -> None:
    # 0 is what loguru begins with, unless it was told to begin with nothing.
    first = [] if _handlers or "LOGURU_AUTOINIT" in os.environ else [0]
    for handler in [*_handlers, *first]:
        with suppress(ValueError):  # somebody has removed it
            _loguru().remove(handler)
    _handlers.clear()
