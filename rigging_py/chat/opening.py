"""How a run of a pipeline begins or goes on: from messages, from a run, or from a store that keeps it meanwhile."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from rigging_py.chat.failures import attach
from rigging_py.chat.flight import Flight, new_run, revive
from rigging_py.chat.keeper import LEASE, Keeper
from rigging_py.error import AuthenticationFailedError, ProtocolError, StoreError
from rigging_py.generator import Generator as ModelGenerator
from rigging_py.run import AgentRun, Decision, RunLimits, State
from rigging_py.store import RunStore, get_store

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import ChatPipeline

_SHORTEST_SECRET = 8
_SURELY_SECRET = 16
"""Characters of what is masked because of its name alone; a shorter word may be anybody's."""
_SECRET_NAMES = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


@dataclass(frozen=True, slots=True)
class Resumption:
    """What is said to a run that goes on: decisions by the keys of calls, and higher limits by name."""

    decisions: Mapping[str, Decision] = field(default_factory=dict[str, Decision])
    limits: Mapping[str, float | datetime | None] = field(default_factory=dict[str, "float | datetime | None"])
    allow_changes: bool = False


@asynccontextmanager
async def begun(
    pipeline: ChatPipeline, store: RunStore | str, run_id: str | None, lease_for: float = LEASE
) -> AsyncGenerator[Flight, None]:
    """A new run of the pipeline, kept in a store. Raises `RunExistsError`."""
    async with opened(store) as place:
        run = new_run(pipeline, pipeline.said(), run_id)
        secrets = _secrets(pipeline.generator)
        flight = Flight.of(pipeline, run)
        async with _explaining(run):
            flight.keeper = await Keeper.begin(place, run, lease_for=lease_for, secrets=secrets)
            async with flight.keeper.held():
                yield flight


@asynccontextmanager
async def resumed(
    pipeline: ChatPipeline,
    run: AgentRun | Mapping[str, Any] | str,
    store: RunStore | str | None = None,
    said: Resumption | None = None,
    lease_for: float = LEASE,
) -> AsyncGenerator[Flight, None]:
    """A run of the pipeline that goes on: one in hand, one that was dumped, or the one of this id in the store."""
    said = said or Resumption()
    if not isinstance(run, str):
        if store is not None:
            raise ValueError("A run in a store is named by its id; give resume() the id, not the run.")
        if isinstance(run, AgentRun) and run.program is pipeline.program:
            with _driving(run):
                yield _going_on(Flight.of(pipeline, run), said)
            return
        # Whoever executes the calls must have judged them too.
        state = run.dump() if isinstance(run, AgentRun) else run
        loaded = AgentRun.load(state, pipeline.program, allow_changes=said.allow_changes)
        yield _going_on(Flight.of(pipeline, loaded), said)
        return
    if store is None:
        raise ValueError(f"The run {run!r} is named by its id; say in which store it is: store='sqlite!runs.db'.")
    async with opened(store) as place:
        keeper, loaded = await Keeper.take(
            place,
            run,
            pipeline.program,
            lease_for=lease_for,
            secrets=_secrets(pipeline.generator),
            allow_changes=said.allow_changes,
        )
        async with _explaining(loaded), keeper.held():
            flight = _going_on(Flight.of(pipeline, loaded), said)
            flight.keeper = keeper
            yield flight


_driven: WeakSet[AgentRun] = WeakSet()


@contextmanager
def _driving(run: AgentRun) -> Generator[None, None, None]:
    """A run in hand has one driver, as one in a store has; two would execute its calls twice."""
    if run in _driven:
        raise ProtocolError("resume", run.state, f"{run.run_id!r} is being driven already; wait for that, or fork() it")
    _driven.add(run)
    try:
        yield
    finally:
        _driven.discard(run)


def _going_on(flight: Flight, said: Resumption) -> Flight:
    if said.limits:
        flight.run.raise_limit(**_with_turns(flight.run.limits, said.limits))
    else:
        revive(flight.run)
    _check_decisions(flight.run, flight.pipeline, said.decisions)
    if flight.run.state in (State.DONE, State.FAILED):
        flight.last = flight.run.journal.last_turn()
    flight.decisions = said.decisions
    return flight


def _with_turns(old: RunLimits, raised: Mapping[str, Any]) -> dict[str, Any]:
    """The limits with as many turns as they ask for, as pipelines have it, where nothing is said of turns."""
    tool_turns = raised.get("max_tool_turns", old.max_tool_turns)
    retries = raised.get("max_output_retries", old.max_output_retries)
    if "max_turns" in raised or not (isinstance(tool_turns, int) and isinstance(retries, int)):
        return dict(raised)
    turns = 1 + tool_turns + retries
    return {**raised, "max_turns": turns} if turns > old.max_turns else dict(raised)


def _check_decisions(run: AgentRun, pipeline: ChatPipeline, decisions: Mapping[str, Decision]) -> None:
    """Refuses decisions as a whole when one of them cannot be taken, before any is."""
    try:
        _try_decisions(run, pipeline, decisions)
    except ProtocolError as error:
        attach(error, run)
        raise


def _try_decisions(run: AgentRun, pipeline: ChatPipeline, decisions: Mapping[str, Decision]) -> None:
    waiting = [request.call.key for request in run.requests]
    for key in decisions:
        if key not in waiting:
            what = "was decided already" if key in run.decided else "waits for no decision"
            hint = f"{key!r} {what}; these wait: {', '.join(waiting) or 'none'}"
            raise ProtocolError("resume", run.state, hint)
    if decisions and run.state is State.AWAITING_DECISION:
        trial = AgentRun.load(run.dump(), pipeline.program, allow_changes=True)
        for key, decision in decisions.items():
            trial.decide(key, decision)


@asynccontextmanager
async def _explaining(run: AgentRun) -> AsyncGenerator[None, None]:
    """What a store raises inside carries the run, unless it carries that of a pipeline which a callback ran."""
    try:
        yield
    except StoreError as error:
        if error.run is None:
            attach(error, run)
        raise


@asynccontextmanager
async def opened(store: RunStore | str) -> AsyncGenerator[RunStore, None]:
    """The store; one that was named by its connection string is closed at the end."""
    if isinstance(store, RunStore):
        yield store
        return
    if not isinstance(store, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"A store is a RunStore, or the connection string of one like 'sqlite!runs.db'; not {store!r}.")
    async with get_store(store) as place:
        yield place


def _secrets(generator: ModelGenerator) -> list[str]:
    """What must not be stored, wherever it turns up. What is shorter is no key, and would be in many a word."""
    # Some generators find their keys in the environment by themselves.
    keys = [
        value for name, value in os.environ.items() if name.endswith(_SECRET_NAMES) and len(value) >= _SURELY_SECRET
    ]
    with suppress(AuthenticationFailedError):
        keys.append(generator.key() or "")
    return [key for key in keys if len(key) >= _SHORTEST_SECRET]
