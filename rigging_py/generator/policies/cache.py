"""`cache`: a request that was answered before is not made again, and one that is under way is made once."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import Field, PrivateAttr, ValidationError
from pydantic_core import from_json, to_json

from rigging_py.error import GeneratorWarning, StateFormatError
from rigging_py.generator.base import Generator
from rigging_py.generator.policies.answers import Answer
from rigging_py.generator.policies.base import Call, Piece, Policy, as_generator, given, leaves
from rigging_py.generator.policies.cache_flight import Flight
from rigging_py.generator.policies.cache_stores import CacheStore, cache_store
from rigging_py.generator.policies.canonical import askees, digest, names_of, request_of
from rigging_py.generator.policies.shared import shared
from rigging_py.message import GeneratedText, ModelTurn, Usage, fresh, without_user
from rigging_py.wire import deltas_of

FORMAT = 1
_NOT_WHOLE = ("length", "content_filter")


@dataclass(frozen=True, slots=True)
class _State:
    """Where answers are kept, and the calls that are under way on each event loop."""

    store: CacheStore
    flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Flight]] = field(
        default_factory=WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Flight]]
    )


class Cache(Policy):
    """`cache(openai!gpt-4o),ttl=3600,store=sqlite!answers.db`: gives the answer that an equal request had before.

    Equal are requests to the same generators, with the same messages, parameters, tools and form of the answer; keys,
    addresses' users, time limits, uuids and prompt-cache marks do not count. Equal requests at one time are one call,
    which goes on while anybody waits for it. Kept are whole answers only: no failures, and none that was cut or
    filtered. An answer from the cache has `extra["cached"]` and a usage of nothing. A store that fails, or holds what
    cannot be read, is a `GeneratorWarning`, and the model is asked.
    """

    store: str = "memory!"
    """`memory!`, `sqlite!FILE`, or `redis!URL`, which is shown without its password; `redis!env:NAME` reads it."""
    ttl: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds for which an answer is good; None for ever."""
    max_entries: int | None = Field(default=None, ge=1)
    """Answers to keep; without it 10,000 in memory and any number in a file. Redis has a setting of its own."""
    name: str | None = None
    """Caches of one name share their store and what is under way."""
    keeper: CacheStore | None = Field(default=None, exclude=True, repr=False)
    """A store of the program's own, in place of `store`."""
    now: Callable[[], float] = Field(default=time.time, exclude=True, repr=False)
    """Says what time it is, in seconds since 1970, for `ttl`."""
    _state: _State = PrivateAttr()
    _names: list[str] = PrivateAttr()

    def __init__(self, **fields: Any) -> None:
        store = fields.get("store")
        if isinstance(store, str):
            fields["store"] = without_user(store)
        super().__init__(**fields)
        self._names = names_of(self.inner)
        settings = {"store": self.store, "ttl": self.ttl, "max_entries": self.max_entries}
        self._state = shared("cache", self.name, settings, lambda: self._new_state(store or self.store))

    def _new_state(self, store: str) -> _State:
        return _State(self.keeper or cache_store(store, self.max_entries))

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        key = self._key(call)
        flights = self._state.flights.setdefault(asyncio.get_running_loop(), {})
        # Who has less time would fail the others.
        under_way = f"{key} {[merged.timeout for _, merged in leaves(self.inner, call.params)]}"
        flight = flights.get(under_way)
        is_first = flight is None or flight.is_over
        if flight is None or is_first:
            flight = flights[under_way] = Flight(self._pieces(call, key))
        try:
            async with aclosing(flight.read()) as read, aclosing(_as_asked(call, read)) as pieces:
                async for piece in pieces:
                    yield _own(piece) if is_first else _again(piece)
        finally:
            if flight.is_over and flights.get(under_way) is flight:
                del flights[under_way]

    def _key(self, call: Call) -> str:
        asked = askees(self.inner, call.params, self._names)
        return digest({"format": FORMAT, "asked": asked, "said": request_of(call)["said"]})

    async def _pieces(self, call: Call, key: str) -> AsyncGenerator[Piece, None]:
        """The answer that is kept, or else the model's, which is kept before its last piece is given."""
        if (found := await self._found(key)) is not None:
            yield _again(found)
            return
        whole: ModelTurn | GeneratedText | None = None
        async with aclosing(call.to(self.inner)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ModelTurn | GeneratedText):
                    whole = piece
                else:
                    yield piece
        if whole is not None:
            await self._keep(key, whole)
            yield whole

    async def _found(self, key: str) -> ModelTurn | GeneratedText | None:
        try:
            kept = await self._state.store.get(key)
            return None if kept is None else _read(kept, self.now(), self.ttl)
        except (OSError, StateFormatError) as error:
            _warn(f"The cache {self.store} could not be read, so the model is asked: {error}")
        except (ValidationError, ValueError, KeyError, TypeError):
            _warn(f"An answer in the cache {self.store} cannot be read, so the model is asked. Its key is {key}.")
        return None

    async def _keep(self, key: str, whole: ModelTurn | GeneratedText) -> None:
        if whole.stop_reason in _NOT_WHOLE:
            return
        try:
            plain = replace(whole, attempts=()) if isinstance(whole, ModelTurn) else whole
            value = to_json({"format": FORMAT, "since": self.now(), "answer": Answer.of(plain).model_dump(mode="json")})
            await self._state.store.put(key, value, self.ttl)
        except OSError as error:
            _warn(f"The cache {self.store} could not keep an answer: {error}")
        except ValueError as error:  # pydantic's, for what is no JSON
            _warn(f"An answer was not kept, since JSON cannot hold all of it: {error}")


def cache(
    generator: Generator | str,
    *,
    ttl: float | None = None,
    store: str | CacheStore = "memory!",
    max_entries: int | None = None,
    name: str | None = None,
) -> Cache:
    """A generator that gives the answer which an equal request had before; see `Cache`.

    `ttl` is how many seconds an answer is good. `store` is `memory!`, `sqlite!FILE`, `redis!URL`, or an object with the
    methods of `CacheStore`.
    """
    where: dict[str, Any] = {"store": store} if isinstance(store, str) else {"keeper": store}
    return Cache(inner=as_generator(generator), **where, **given(ttl=ttl, max_entries=max_entries, name=name))


async def _as_asked(call: Call, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """The pieces as a stream, or the whole alone, whichever the call asks for."""
    is_begun = False
    async for piece in pieces:
        is_whole = isinstance(piece, ModelTurn | GeneratedText)
        if call.kind == "stream" and isinstance(piece, ModelTurn) and not is_begun:
            for delta in deltas_of(piece):
                yield delta
        is_begun = True
        if is_whole or call.kind == "stream":
            yield piece


def _own(piece: Piece) -> Piece:
    """The piece for its first reader, who may edit it before others have read it."""
    if isinstance(piece, ModelTurn):
        return replace(piece, message=piece.message.shell(), extra=fresh(piece.extra))
    return replace(piece, extra=fresh(piece.extra)) if isinstance(piece, GeneratedText) else piece


def _again(piece: Piece) -> Piece:
    """The piece for another reader; a whole answer says that it is from the cache, and that it used nothing."""
    if not isinstance(piece, ModelTurn | GeneratedText):
        return piece
    facts: dict[str, Any] = {"usage": Usage(cost=0.0), "extra": {**fresh(piece.extra), "cached": True}}
    if isinstance(piece, GeneratedText):
        return replace(piece, **facts)
    return replace(piece, message=piece.message.clone(), attempts=(), **facts)


def _read(kept: bytes, now: float, ttl: float | None) -> ModelTurn | GeneratedText | None:
    """What was kept; None for what is too old or of another format. Raises `ValueError` for what is neither."""
    found = from_json(kept)
    if found["format"] != FORMAT or (ttl is not None and now >= found["since"] + ttl):
        return None
    answer = Answer.model_validate(found["answer"])
    whole = answer.turn or answer.text
    if whole is None:
        raise ValueError("it holds no answer")
    return whole


def _warn(problem: str) -> None:
    warnings.warn(problem, GeneratorWarning, stacklevel=2)
