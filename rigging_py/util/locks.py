"""`locked`: a file that one process at a time works on."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(file: IO[bytes]) -> Generator[None]:
    """Waits until no other process has the file locked, and locks it for the `with` block."""
    # Windows has no lock that waits; there, one process should write.
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        # Closing the file is not enough: a process that was forked meanwhile has it open too, and would keep the lock.
        fcntl.flock(file, fcntl.LOCK_UN)
