"""`Kept`: models in memory, one for each way to load it, shared by all generators of a process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from rigging_py.error import RiggingError

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")


class Kept(Generic[K, E]):
    """What `load` made of a key, on first use and from any thread, until it is dropped."""

    def __init__(self, load: Callable[[K], E]) -> None:
        self._load = load
        self._loaded: dict[K, E] = {}
        self._process: int | None = None
        self._lock = threading.Lock()
        """Held while one is loaded, so that a second one does not take memory at the same time."""

    def get(self, key: K) -> E:
        """The one of this key. Raises `RiggingError` in a process that was forked off after one was loaded."""
        if self._process not in (None, os.getpid()):
            raise RiggingError(
                "This process was forked from one that had loaded the model, whose threads do not survive a fork. "
                "Start processes with multiprocessing.get_context('spawn')."
            )
        if (found := self._loaded.get(key)) is not None:
            return found
        with self._lock:
            if key not in self._loaded:
                self._process = os.getpid()
                self._loaded[key] = self._load(key)
            return self._loaded[key]

    def drop(self, key: K) -> None:
        """Forgets it: its memory is free when the last request that uses it has ended."""
        with self._lock:
            dropped = self._loaded.pop(key, None)
        del dropped  # freed here it keeps nobody else waiting
