"""`budget`: so many tokens or dollars, for all that share it; a call that would pass the limit is not made."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from pydantic import Field, PrivateAttr, model_validator

from rigging_py.error import BudgetExceededError, ProviderError
from rigging_py.generator.base import Generator
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, given, leaves
from rigging_py.generator.policies.estimate import read_by, size_of, tokens_in, written_by
from rigging_py.generator.policies.shared import shared
from rigging_py.generator.prices import Price, own_price, table_price
from rigging_py.message import GeneratedText, GenerateParams, ModelTurn, Usage

_NOTHING = Usage(cost=0.0)


@dataclass(slots=True)
class Account:
    """What was spent, and what the calls under way may spend. Threads may share it."""

    tokens: int | None
    dollars: float | None
    spent: Usage = _NOTHING
    reserved_tokens: int = 0
    reserved_dollars: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def reserve(self, likely: Usage) -> None:
        """Sets aside what a call will likely use. Raises `BudgetExceededError` where that is more than is left."""
        with self.lock:
            self._check(likely)
            self.reserved_tokens += likely.total_tokens
            self.reserved_dollars += likely.cost or 0.0

    def settle(self, likely: Usage, used: Usage) -> None:
        """Counts what a call really used, in place of what was set aside for it."""
        with self.lock:
            self.reserved_tokens -= likely.total_tokens
            self.reserved_dollars -= likely.cost or 0.0
            self.spent += used

    def check_cost(self) -> None:
        """Raises `BudgetExceededError` where nobody knows any more what the dollars were."""
        if self.dollars is not None and self.spent.cost is None:
            raise BudgetExceededError(
                f"A budget of ${self.dollars:g} cannot be kept: a call was made whose price is not known. "
                "Give it with set_price(…) before the first call, for this budget cannot tell any more what is left; "
                "or limit the tokens.",
                limit=self.dollars,
            )

    def _check(self, likely: Usage) -> None:
        self.check_cost()
        spent, aside, needed = self.spent.total_tokens, self.reserved_tokens, likely.total_tokens
        if self.tokens is not None and (spent + aside + needed > self.tokens or spent >= self.tokens):
            waiting = f", {aside:,} are set aside for calls under way" if aside else ""
            problem = f"{spent:,} of {self.tokens:,} tokens are spent{waiting}, and {needed:,} more would be needed"
            raise BudgetExceededError(f"The budget is spent: {problem}.", spent=spent, limit=self.tokens)
        paid, held, due = self.spent.cost or 0.0, self.reserved_dollars, likely.cost or 0.0
        if self.dollars is not None and (paid + held + due > self.dollars or paid >= self.dollars):
            waiting = f", ${held:.6g} are set aside for calls under way" if round(held, 6) else ""
            problem = f"${paid:.6g} of ${self.dollars:g} are spent{waiting}, and about ${due:.6g} more would be needed"
            raise BudgetExceededError(f"The budget is spent: {problem}.", spent=paid, limit=self.dollars)


class Budget(Policy):
    """`budget(openai!gpt-4o),tokens=100000,dollars=2.5,name=team`: makes no call that would pass a limit.

    What a call will use is guessed before it: four bytes a token, and `max_tokens` where that is set, at the price
    that is known. So much is set aside until the call has ended; then what it really used counts, failed attempts and
    all. Without `max_tokens` a call may pass the limit by what it writes, and the next is refused. What nobody told
    counts as guessed: calls that were cancelled or broke off, and answers without a usage. Under a limit of dollars a
    call whose price is not known is a `BudgetExceededError`, and so is every later one. An answer from a cache inside
    costs nothing.
    """

    tokens: int | None = Field(default=None, ge=0)
    """Tokens that may be read and written, together."""
    dollars: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """US dollars that may be spent."""
    name: str | None = None
    """Budgets of one name are one."""
    _account: Account = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        settings = {"tokens": self.tokens, "dollars": self.dollars}
        self._account = shared("budget", self.name, settings, lambda: Account(self.tokens, self.dollars))

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if self.tokens is None and self.dollars is None:
            raise ValueError("a budget is of tokens, of dollars, or of both: tokens=100000 or dollars=2.5")
        return self

    @property
    def spent(self) -> Usage:
        """What was spent by all that share the budget; its `cost` is None where that of one call is not known."""
        return self._account.spent

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        guess = _Guess.of(self.inner, call)
        self._account.reserve(guess.whole)
        # Who is cancelled, or leaves a stream, is not told what it used.
        used, heard = guess.after(0), 0
        whole: ModelTurn | GeneratedText | None = None
        try:
            async with aclosing(call.to(self.inner)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelTurn | GeneratedText):
                        whole, used = piece, guess.told(piece)
                    else:
                        heard += size_of(getattr(piece, "text", "") or getattr(piece, "arguments", ""))
                        used = guess.after(heard)
                        yield piece
        except ProviderError as error:
            used = guess.in_vain(error, used)
            raise
        finally:
            self._account.settle(guess.whole, used)
        self._account.check_cost()
        if whole is not None:
            yield whole


def budget(
    generator: Generator | str, *, tokens: int | None = None, dollars: float | None = None, name: str | None = None
) -> Budget:
    """A generator that makes no call which would pass a limit of `tokens` or US `dollars`; see `Budget`.

    Budgets of one `name` are one.
    """
    return Budget(inner=as_generator(generator), **given(tokens=tokens, dollars=dollars, name=name))


@dataclass(frozen=True, slots=True)
class _Guess:
    """What a call uses, where nobody says: `whole` before it is made, and what it read. `price` may not be known."""

    whole: Usage
    read: int
    price: Price | None

    @classmethod
    def of(cls, generator: Generator, call: Call) -> _Guess:
        """The guess for a call that any of the generators inside may answer, so for the dearest."""
        asked = list(leaves(generator, call.params))
        prices = [_price_of(leaf, params) for leaf, params in asked]
        read, written = read_by(call), written_by(call, generator)
        likely = Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)
        known = [price for price in prices if price is not None]
        dearest = max(known, key=lambda price: price.of(likely) or 0.0, default=None)
        guess = cls(likely, read, dearest if len(known) == len(prices) else None)
        return replace(guess, whole=guess.priced(likely))

    def after(self, heard: int) -> Usage:
        """What is used when so many bytes of an answer have come."""
        written = tokens_in(heard)
        return self.priced(Usage(input_tokens=self.read, output_tokens=written, total_tokens=self.read + written))

    def told(self, whole: ModelTurn | GeneratedText) -> Usage:
        """What an answer says that it used, with the attempts before it; a guess where it does not."""
        text = whole.text if isinstance(whole, GeneratedText) else whole.message.content
        usage = self.after(size_of(text)) if whole.usage is None else self.priced(whole.usage)
        return sum(map(self.priced, whole.attempts), usage) if isinstance(whole, ModelTurn) else usage

    def in_vain(self, error: ProviderError, so_far: Usage) -> Usage:
        """What a failed call used; nothing where it was refused."""
        if error.usage is not None:
            return self.priced(error.usage)
        is_open = error.is_outcome_unknown or error.kind in ("Interrupted", "TimedOut") or so_far.output_tokens
        return so_far if is_open else _NOTHING

    def priced(self, usage: Usage) -> Usage:
        """The usage with its sum, and with a cost where it has none and the price is known."""
        cost = self.price.of(usage) if usage.cost is None and self.price is not None else usage.cost
        total = usage.total_tokens or usage.input_tokens + usage.output_tokens
        return usage.model_copy(update={"cost": cost, "total_tokens": total})


def _price_of(generator: Generator, params: GenerateParams) -> Price | None:
    """What a model costs, as far as that is known before it is asked."""
    from rigging_py.generator.provider import ProviderGenerator  # which loads the HTTP client

    if not isinstance(generator, ProviderGenerator):
        return None
    is_home = params.api_base is None or generator.is_at_home(params.api_base.rstrip("/"))
    own = own_price(generator.provider, generator.model)
    return own or (
        table_price(generator.provider, generator.model, params.extra.get("service_tier")) if is_home else None
    )
