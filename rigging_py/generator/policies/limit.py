"""`limit`: asks no more, and no faster, than a provider allows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from pydantic import Field, PrivateAttr

from rigging_py.error import ProviderError, RateLimitedError
from rigging_py.generator.aimd import Aimd, Event
from rigging_py.generator.base import Generator
from rigging_py.generator.clock import CLOCK, Clock
from rigging_py.generator.gate import Gate, Window
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, given
from rigging_py.generator.policies.estimate import read_by, written_by
from rigging_py.generator.policies.shared import shared
from rigging_py.message import GeneratedText, ModelTurn, Usage

_FIRST = 8
"""Requests at once with which the search for a provider's limit begins."""


class Limit(Policy):
    """`limit(openai!gpt-4o),rpm=60,name=openai`: calls wait their turn, first come, first served.

    A call that is waited for no longer leaves its place to the others. Those with the same `name` in this process share
    one limit, on whatever event loops and threads they are; they must agree on the settings. A provider's `Retry-After`
    is a pause for all.
    """

    concurrency: int | None = Field(default=None, ge=1)
    """Calls under way at once, a stream until its end; with `adaptive` the most that are tried."""
    rpm: int | None = Field(default=None, ge=1)
    """Calls that may begin in any minute."""
    tpm: int | None = Field(default=None, ge=1)
    """Tokens in any minute: guessed from the text and `max_tokens` when a call begins, and counted when it ends."""
    adaptive: bool = False
    """Whether to find out how many calls at once are borne: one more after successes, fewer after a refusal."""
    floor: int = Field(default=1, ge=1)
    """Calls at once that `adaptive` never goes below."""
    max_pause: float = Field(default=120.0, ge=0, allow_inf_nan=False)
    """Seconds of a `Retry-After` in which nobody is asked."""
    name: str | None = None
    clock: Clock = Field(default_factory=lambda: CLOCK, exclude=True, repr=False)
    _gate: Gate = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        settings = {key: getattr(self, key) for key in ("concurrency", "rpm", "tpm", "adaptive", "floor")}
        self._gate = shared("limit", self.name, settings, self._new_gate)

    @property
    def limit(self) -> float:
        """How many calls may be under way at once now; infinity for any number."""
        return self._gate.limit

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        place = await self._gate.enter(read_by(call) + written_by(call, self.inner) if self.tpm else 0)
        tokens: int | None = None
        event: Event | None = None
        pause: float | None = None
        try:
            async with aclosing(call.to(self.inner)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelTurn | GeneratedText):
                        tokens, event = _used(piece), "succeeded"
                    yield piece
        except RateLimitedError as error:
            tokens, event = _total([error.usage]), "limited"
            pause = None if error.retry_after is None else min(error.retry_after, self.max_pause)
            raise
        except ProviderError as error:
            tokens = _total([error.usage])
            raise
        finally:
            self._gate.leave(place, tokens=tokens, event=event, pause=pause)

    def _new_gate(self) -> Gate:
        ceiling = None if self.concurrency is None else max(self.floor, self.concurrency)
        aimd = Aimd(max(self.floor, min(_FIRST, ceiling or _FIRST)), self.floor, ceiling)
        return Gate(
            self.clock,
            concurrency=self.concurrency,
            requests=Window(self.rpm) if self.rpm else None,
            tokens=Window(self.tpm) if self.tpm else None,
            aimd=aimd if self.adaptive else None,
        )


def _used(piece: ModelTurn | GeneratedText) -> int | None:
    return _total([piece.usage, *(piece.attempts if isinstance(piece, ModelTurn) else ())])


def _total(usages: Iterable[Usage | None]) -> int | None:
    """The tokens in all; None where nobody told."""
    told = [one.total_tokens for one in usages if one is not None]
    return sum(told) if told else None


def limit(
    generator: Generator | str,
    *,
    concurrency: int | None = None,
    rpm: int | None = None,
    tpm: int | None = None,
    adaptive: bool | None = None,
    floor: int | None = None,
    max_pause: float | None = None,
    name: str | None = None,
    clock: Clock | None = None,
) -> Limit:
    """A generator that asks `generator`, or the one a connection string describes, no more than it may.

    The settings are the fields of `Limit`; None leaves one as it is there.
    """
    settings = given(
        concurrency=concurrency,
        rpm=rpm,
        tpm=tpm,
        adaptive=adaptive,
        floor=floor,
        max_pause=max_pause,
        name=name,
        clock=clock,
    )
    return Limit(inner=as_generator(generator), **settings)
