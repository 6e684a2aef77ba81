"""The loaded model: llama.cpp in this process, shared by generators of the same weights, context and slots."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from rigging_py.error import InvalidError, MissingExtraError, NotFoundError, RiggingError

_loading = threading.Lock()
_loaded_in: int | None = None
_END = object()


class Engine:
    """A model in memory. `chunks` may be called from any event loop; `slots` requests run at once, the others wait."""

    def __init__(self, path: Path, context: int, slots: int) -> None:
        xllamacpp = _import_runtime()
        if not path.is_file():
            raise NotFoundError(f"There is no model file at {path}.", provider="local")
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel = context, slots
        # One pool for all slots: each request may use the whole context.
        params.kv_unified = True
        params.hostnames, params.ui, params.verbosity, params.offline = ["127.0.0.1"], False, -1, True
        self.key = os.urandom(16).hex()
        """What the server on loopback asks for."""
        params.api_keys = [self.key]
        try:
            self._server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise InvalidError(
                f"llama.cpp cannot load {path}: {error} The file may be cut off, or no GGUF file at all.",
                provider="local",
            ) from error
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="rigging_py.local")

    @property
    def address(self) -> str:
        """Where the same model answers over HTTP, to this machine and with the `key` only."""
        return str(self._server.listening_address)

    async def chunks(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of a streamed reply. Closing the generator ends the request after the token under way."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()
        is_closed = threading.Event()

        def put(item: object) -> None:
            if not is_closed.is_set():
                try:
                    loop.call_soon_threadsafe(arrived.put_nowait, item)
                except RuntimeError:  # the loop has gone, and nobody waits any more
                    is_closed.set()

        def take(chunk: dict[str, Any]) -> bool:
            put(chunk)
            return is_closed.is_set()

        def work() -> None:
            try:
                if not is_closed.is_set():
                    answer = self._server.handle_chat_completions({**request, "stream": True}, take)
                    # Refused before it began: the answer is the error, and no chunk came.
                    put(answer if answer is not None else _END)
            except BaseException as error:  # noqa: BLE001 — carried to the loop that waits, whatever it is
                put(error)
            put(_END)

        waiting: Future[None] = self._threads.submit(work)
        try:
            while (item := await arrived.get()) is not _END:
                if isinstance(item, RuntimeError):
                    raise InvalidError(f"llama.cpp does not take the request: {item}", provider="local") from item
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            is_closed.set()
            waiting.cancel()


def engine_for(path: Path, context: int, slots: int) -> Engine:
    """The engine of these weights, loaded on first use and kept."""
    if _loaded_in not in (None, os.getpid()):
        raise RiggingError(
            "This process was forked from one that had loaded the embedded model, whose threads do not survive a fork. "
            "Start processes with multiprocessing.get_context('spawn')."
        )
    with _loading:
        return _load(path.resolve(), context, slots)


@cache
def _load(path: Path, context: int, slots: int) -> Engine:
    global _loaded_in
    _loaded_in = os.getpid()
    return Engine(path, context, slots)


def _import_runtime() -> Any:
    # Two threads that spin take each other's time on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        import xllamacpp
    except ImportError as error:
        if "libgomp" in str(error):
            raise RiggingError(
                "The embedded model needs the system library libgomp. Install it with: apt-get install libgomp1"
            ) from error
        raise MissingExtraError("The embedded model", "local") from error
    return xllamacpp
