"""`Wire`: what has to be known of an API to speak it. Each API has one, made of its pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rigging_py.message import Delta, GenerateParams, Message, ModelTurn
from rigging_py.wire.schemas.dialect import PLAIN, Dialect


class WriteRequest(Protocol):
    """The body of a request, which becomes JSON. `origin` is who is asked, to whom goes back what it signed."""

    def __call__(
        self, model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
    ) -> dict[str, Any]: ...


class ReadTurn(Protocol):
    """The turn in a whole reply. Raises the `ProviderError` that it stands for when it holds none."""

    def __call__(
        self, reply: object, *, provider: str = "", secret: str | None = None, origin: str = ""
    ) -> ModelTurn: ...


class Assembler(Protocol):
    """Puts the chunks of a streamed reply together.

    Attributes:
        provider: who answers, for errors.
        secret: what must not be shown of a chunk that cannot be read.
        origin: the name under which reasoning is kept.
        is_done: whether the server said that nothing more comes; `[DONE]` sets it from outside.
    """

    provider: str
    secret: str | None
    origin: str
    is_done: bool

    @property
    def is_complete(self) -> bool:
        """Whether the final record has come, so that what is missing says nothing more."""
        ...

    def feed(self, chunk: object) -> Iterable[Delta]:
        """What a chunk adds. Raises the `ProviderError` that an error in its place stands for, or `InvalidError`."""
        ...

    def ending(self) -> Iterable[Delta]:
        """What the end adds, the whole turn last. Raises `StreamInterruptedError` where the final record is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Wire:
    """How an API spells a conversation.

    Attributes:
        request: writes the body of a request.
        turn: reads a whole reply.
        stream: makes what reads a streamed one, from the provider's name, the key, and the origin.
        is_lines: whether a stream is one JSON text a line, and not events.
        dialect: what of JSON Schema it takes; a request is given its schemas rewritten to that.
    """

    request: WriteRequest
    turn: ReadTurn
    stream: Callable[[str, str | None, str], Assembler]
    is_lines: bool = False
    dialect: Dialect = PLAIN
