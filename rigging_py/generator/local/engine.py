"""The loaded model: llama.cpp in this process, shared by generators of the same weights, context and slots."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rigging_py.error import InvalidError, MissingExtraError, NotFoundError, RiggingError
from rigging_py.generator.batching import Mailbox
from rigging_py.generator.kept import Kept

Pooling: TypeAlias = Literal["own", "mean", "cls", "last"]
"""How the vectors of a text's tokens become one; `own` as the file of the model says."""

_READ_AT_ONCE = 256
"""Tokens between two looks at whether anybody still waits. Reading was as fast with 128 to 2048 of them."""
_EMBEDDED_AT_ONCE = 2048
"""Tokens of the longest text that can be embedded, which llama.cpp must read in one go."""
_PROMPT_CACHE = 512
"""MiB that the prompts of past conversations may take outside the context; llama.cpp would take 8192."""

_Handler: TypeAlias = Callable[[dict[str, Any], Callable[[dict[str, Any]], bool]], Any]


@dataclass(frozen=True, slots=True)
class Loading:
    """How a model is loaded: the tokens of all contexts, requests at once, and the pooling where it embeds."""

    path: Path
    context: int
    slots: int
    pooling: Pooling | None = None


class Engine:
    """A model in memory. It may be asked from any event loop; `slots` requests run at once, the others wait."""

    def __init__(self, loading: Loading) -> None:
        xllamacpp = _import_runtime()
        path = loading.path
        if not path.is_file():
            raise NotFoundError(f"There is no model file at {path}.", provider="local")
        self.key = os.urandom(16).hex()
        """What the server on loopback asks for."""
        try:
            self._server = xllamacpp.Server(self._params(xllamacpp, loading))
        except RuntimeError as error:
            raise InvalidError(
                f"llama.cpp cannot load {path}: {error} The file may be cut off, or no GGUF file at all.",
                provider="local",
            ) from error
        # Answered by llama.cpp's own loop: a server that is freed before that loop began hangs for ever.
        self.metrics()
        self._threads = ThreadPoolExecutor(loading.slots, thread_name_prefix="rigging_py.local")

    def _params(self, xllamacpp: Any, loading: Loading) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(loading.path)
        params.n_ctx, params.n_parallel = loading.context, loading.slots
        # One pool for all slots: each request may use the whole context.
        params.kv_unified = True
        params.n_batch = params.n_ubatch = min(_READ_AT_ONCE, loading.context)
        params.cache_ram_mib, params.endpoint_metrics = _PROMPT_CACHE, True
        params.hostnames, params.ui, params.verbosity, params.offline = ["127.0.0.1"], False, -1, True
        params.api_keys = [self.key]
        if loading.pooling is not None:
            params.embedding = True
            params.n_batch = params.n_ubatch = min(_EMBEDDED_AT_ONCE, loading.context)
            if loading.pooling != "own":
                params.pooling_type = xllamacpp.llama_pooling_type[f"LLAMA_POOLING_TYPE_{loading.pooling.upper()}"]
        return params

    @property
    def address(self) -> str:
        """Where the same model answers over HTTP, to this machine and with the `key` only."""
        return str(self._server.listening_address)

    def metrics(self) -> str:
        """What llama.cpp counts, in the text form of Prometheus."""
        return str(self._server.handle_metrics())

    def chunks(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of a streamed chat completion. Closing the generator ends the request.

        That takes a token while it writes, and 256 tokens while it reads.
        """
        return self._chunks(self._server.handle_chat_completions, request)

    def text_chunks(self, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The chunks of a streamed completion of a text; closed as `chunks` is."""
        return self._chunks(self._server.handle_completions, request)

    async def embed(self, texts: Sequence[str]) -> dict[str, Any]:
        """The reply with the vectors of the texts, or with the error in their place."""
        box = Mailbox[dict[str, Any]]()
        self._threads.submit(_put_all, box, lambda: box.put(self._server.handle_embeddings({"input": list(texts)})))
        async with aclosing(box.items()) as replies:
            return await anext(replies)

    async def _chunks(self, handler: _Handler, request: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        box = Mailbox[dict[str, Any]]()
        # Told how far it has read, we can say that nobody waits any more.
        asked = {**request, "stream": True, "return_progress": True}
        waiting = self._threads.submit(_put_all, box, partial(_work, handler, asked, box))
        try:
            async with aclosing(box.items()) as chunks:
                async for chunk in chunks:
                    if "prompt_progress" not in chunk:
                        yield chunk
        finally:
            waiting.cancel()


def _work(handler: _Handler, request: dict[str, Any], box: Mailbox[dict[str, Any]]) -> None:
    def take(chunk: dict[str, Any]) -> bool:
        box.put(chunk)
        return box.is_closed

    if not box.is_closed and (answer := handler(request, take)) is not None:
        # Refused before it began: the answer is the error, and no chunk came.
        box.put(answer)


def _put_all(box: Mailbox[dict[str, Any]], work: Callable[[], None]) -> None:
    """Ends the mailbox when the work has, with the error that it raised, whatever it is."""
    try:
        work()
        box.end()
    except RuntimeError as error:
        refused = InvalidError(f"llama.cpp does not take the request: {error}", provider="local")
        refused.__cause__ = error
        box.end(refused)
    except BaseException as error:  # noqa: BLE001 — carried to the task that waits
        box.end(error)


engines: Kept[Loading, Engine] = Kept(Engine)


def engine_for(path: Path, context: int, slots: int, pooling: Pooling | None = None) -> Engine:
    """The engine of these weights, loaded on first use and kept until it is dropped."""
    return engines.get(Loading(path.resolve(), context, slots, pooling))


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
