"""`retry`: asks again, after a while, when asking again may help and costs nothing twice."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from pydantic import Field

from rigging_py.error import ProviderError
from rigging_py.generator.base import Generator
from rigging_py.generator.clock import CLOCK, Clock
from rigging_py.generator.policies.attempts import failed_after, with_attempts
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, given

_DOUBLINGS_MAX = 60


class Retry(Policy):
    """`retry(openai!gpt-4o),attempts=5`: asks again after a failure that may pass, with growing, jittered waits.

    A call is made again when its error is `retryable` and its outcome is known, so nothing is paid for twice; a stream
    until its first delta. Where the provider says how long to wait, that is waited, and the jitter on top of it. The
    error that is raised in the end has the earlier ones in `.attempts`, the oldest first, and in `.usage` what is known
    of what all of them used; a turn after failures has what they used in `.attempts`.
    """

    attempts: int = Field(default=4, ge=1)
    """Calls in all, the first one too."""
    first: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """The most seconds to wait before the second call, which doubles from call to call; the wait is a random part."""
    most: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    """Where the doubling ends."""
    max_retry_after: float = Field(default=120.0, ge=0, allow_inf_nan=False)
    """Seconds that a provider may ask to wait; who asks for more is not asked again."""
    total: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds from the first call within which the last one may begin."""
    unknown: bool = False
    """Whether calls are made again that may have been answered, and paid for."""
    clock: Clock = Field(default_factory=lambda: CLOCK, exclude=True, repr=False)
    random: Callable[[], float] = Field(default=random.random, exclude=True, repr=False)
    """Gives numbers from 0 to 1."""

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        failures: list[ProviderError] = []
        begun = self.clock.now()
        while True:
            is_seen = False
            try:
                async with aclosing(call.to(self.inner)) as pieces:
                    async for piece in pieces:
                        is_seen = True
                        yield with_attempts(piece, failures)
                return
            except ProviderError as error:
                wait = None if is_seen else self.wait_after((*failures, error), self.clock.now() - begun)
                if wait is None:
                    raise failed_after(error, failures) from error.__cause__
                failures.append(error)
            await self.clock.sleep(wait)

    def wait_after(self, failures: Sequence[ProviderError], seconds: float) -> float | None:
        """How long to wait after these failures, the last one now, `seconds` after the first call; None to give up."""
        error, count = failures[-1], len(failures)
        asked = error.retry_after or 0.0
        if not self._is_safe(error) or count >= self.attempts or not 0 <= asked <= self.max_retry_after:
            return None
        # Who was told the same time must not come back at the same moment.
        wait = asked + self.random() * min(self.most, self.first * 2.0 ** min(count - 1, _DOUBLINGS_MAX))
        return wait if self.total is None or seconds + wait <= self.total else None

    def _is_safe(self, error: ProviderError) -> bool:
        return error.retryable and (self.unknown or not error.is_outcome_unknown)


def retry(
    generator: Generator | str,
    *,
    attempts: int | None = None,
    first: float | None = None,
    most: float | None = None,
    max_retry_after: float | None = None,
    total: float | None = None,
    unknown: bool | None = None,
    clock: Clock | None = None,
    random: Callable[[], float] | None = None,
) -> Retry:
    """A generator that asks `generator`, or the one a connection string describes, again after failures that may pass.

    The settings are the fields of `Retry`; None leaves one as it is there.
    """
    settings = given(
        attempts=attempts,
        first=first,
        most=most,
        max_retry_after=max_retry_after,
        total=total,
        unknown=unknown,
        clock=clock,
        random=random,
    )
    return Retry(inner=as_generator(generator), **settings)
