"""The one loop that drives runs: models, then callbacks, then whatever pipelines the callbacks return.

A pass is one pipeline over a set of runs. Passes that callbacks return are played on an explicit stack.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from rigging_py.chat.chat import Chat, ChatList
from rigging_py.chat.flight import Flight
from rigging_py.chat.gather import MAX_CONCURRENT, gather
from rigging_py.error import (
    ExhaustedMaxRoundsError,
    MaxDepthError,
    PipelineWarning,
    RunCancelledError,
    RunFailedError,
    TruncatedError,
    UnknownToolError,
)
from rigging_py.message import ModelTurn
from rigging_py.run import AgentRun, CallModel

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import Callback, ChatPipeline

FailMode: TypeAlias = Literal["raise", "skip", "include"]
RUN_FAILURES = (
    ExhaustedMaxRoundsError,
    MaxDepthError,
    RunCancelledError,
    RunFailedError,
    TruncatedError,
    UnknownToolError,
)
"""The ways in which a run itself can fail; `include` and `skip` cover these, and whatever a pipeline catches."""


@dataclass(frozen=True)
class PipelineStep:
    """A moment in a pipeline: each model turn (`generated`), each callback (`callback`), and once the end (`final`).

    `parent` is the step whose callback started this pipeline. `runs` are the machines, which can be dumped here.
    """

    state: Literal["generated", "callback", "final"]
    chats: ChatList
    pipeline: ChatPipeline
    parent: PipelineStep | None = None
    callback: Callback | None = None
    runs: tuple[AgentRun, ...] = ()

    @property
    def depth(self) -> int:
        """How many pipelines this one is inside of."""
        return 0 if self.parent is None else self.parent.depth + 1


@dataclass(frozen=True)
class Pass:
    """One pipeline over a set of runs, with what to do about those that fail.

    `is_merged`: all go round by round in one request; otherwise each goes by itself, at most `limit` at once.
    `is_watched`: somebody looks at each turn.
    """

    pipeline: ChatPipeline
    flights: Sequence[Flight]
    on_failed: FailMode
    is_merged: bool = False
    is_watched: bool = False
    limit: int = MAX_CONCURRENT


_Played: TypeAlias = AsyncGenerator["PipelineStep | Pass", "ChatList | None"]


async def drive(root: Pass) -> AsyncGenerator[PipelineStep, None]:
    """Plays a pass to its end, and those that its callbacks return; yields every step."""
    players: list[_Played] = [play(root, None)]
    latest: list[PipelineStep | None] = [None]
    answer: ChatList | None = None
    try:
        while players:
            try:
                event = await players[-1].asend(answer)
            except StopAsyncIteration:
                players.pop()
                continue
            answer = None
            if isinstance(event, Pass):
                players.append(play(event, latest[-1]))
                latest.append(None)
                continue
            yield event
            latest[len(players) - 1 :] = [event]
            if event.state == "final" and len(players) > 1:
                # The end of an inner pass is what its callback returned.
                answer = event.chats
                await players.pop().aclose()
                latest.pop()
    finally:
        for player in reversed(players):
            await player.aclose()


async def play(this: Pass, parent: PipelineStep | None) -> _Played:
    """One pass: turns, then watchers, `then` callbacks and `map` callbacks."""
    pipeline = this.pipeline

    def step(
        state: Literal["generated", "callback", "final"], chats: Sequence[Chat], callback: Any = None
    ) -> PipelineStep:
        runs = tuple(flight.run for flight in this.flights)
        return PipelineStep(state, ChatList(chats), pipeline, parent, callback, runs)

    if this.is_merged or len(this.flights) == 1:
        async with aclosing(turns(this.flights)) as all_turns:
            async for flown in all_turns:
                if this.is_watched:
                    yield step("generated", [flight.chat() for flight in flown])
    else:
        await gather([partial(_fly_alone, this, flight) for flight in this.flights], limit=this.limit)
    chats = _settled(this)
    await _show_watchers(pipeline, chats)
    for then, max_depth in pipeline.then_callbacks:
        answers = await gather([partial(_called, then, chat) for chat in chats], limit=this.limit)
        for index, answer in enumerate(answers):
            nested = _nested(answer, parent, max_depth, chats)
            if nested is not None:
                answer = ((yield nested) or chats[index : index + 1])[-1]
            chats[index] = answer if isinstance(answer, Chat) else chats[index]
        yield step("callback", chats, then)
    for each, max_depth in pipeline.map_callbacks:
        answer = await _called(each, chats)
        nested = _nested(answer, parent, max_depth, chats)
        chats = _mapped(each, (yield nested) if nested is not None else answer)
        yield step("callback", chats, each)
    yield step("final", chats)


async def _fly_alone(this: Pass, flight: Flight) -> None:
    async with aclosing(turns([flight])) as all_turns:
        async for _ in all_turns:
            pass
    _raise_uncovered(this, flight)


async def turns(flights: Sequence[Flight]) -> AsyncGenerator[list[Flight], None]:
    """Drives every run to its end, all pending calls of a round in one request; yields the runs that had a turn."""
    live: list[Flight] = list(flights)
    while live:
        steps = await gather([flight.to_model for flight in live])
        asked = [(flight, step) for flight, step in zip(live, steps, strict=True) if step is not None]
        if not asked:
            return
        for (flight, _), result in zip(asked, await _generate(asked), strict=True):
            flight.heard(result)
        live = [flight for flight, _ in asked]
        yield live


async def _generate(asked: Sequence[tuple[Flight, CallModel]]) -> Sequence[ModelTurn | BaseException]:
    generator = asked[0][0].pipeline.generator
    try:
        results = await generator.generate_messages(
            [step.messages for _, step in asked], [flight.params_for(step) for flight, step in asked]
        )
    except Exception as error:  # noqa: BLE001 — the wall before providers: what they raise becomes an event of the run
        return [error] * len(asked)
    if len(results) != len(asked):
        problem = f"{type(generator).__name__} answered {len(results)} of {len(asked)} conversations"
        return [RuntimeError(f"{problem}; generate_messages() gives one result for each.")] * len(asked)
    return results


def _settled(this: Pass) -> ChatList:
    """The finished chats: failed ones raised, left out, or kept with their error."""
    for flight in this.flights:
        _raise_uncovered(this, flight)
    chats = ChatList(flight.chat() for flight in this.flights)
    return chats if this.on_failed == "include" else ChatList(chat for chat in chats if not chat.failed)


def _raise_uncovered(this: Pass, flight: Flight) -> None:
    error = flight.failure()
    if error is None or (this.on_failed != "raise" and this.pipeline.covers(error)):
        return
    finished = ChatList(other.chat() for other in this.flights if other.run.state == "Done")
    error.chats = finished  # type: ignore[attr-defined]
    raise error


async def _show_watchers(pipeline: ChatPipeline, chats: ChatList) -> None:
    for callback in pipeline.watch_callbacks if chats else ():
        try:
            await callback(list(chats))
        except Exception as error:  # noqa: BLE001 — the wall before watchers: they see, and never cost a generation
            warnings.warn(f"A watcher failed, {type(error).__name__}: {error}", PipelineWarning, stacklevel=2)


async def _called(callback: Any, argument: object) -> object:
    answer = callback(argument)
    return await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer


def _mapped(callback: Any, answer: object) -> ChatList:
    if isinstance(answer, list) and all(isinstance(one, Chat) for one in cast("list[object]", answer)):
        return ChatList(cast("list[Chat]", answer))
    name = getattr(callback, "__name__", repr(callback))
    raise TypeError(
        f"The map callback {name} must return a list of chats, or a pipeline to run; it returned {answer!r}."
    )


def _nested(answer: object, parent: PipelineStep | None, max_depth: int, chats: Sequence[Chat]) -> Pass | None:
    """The pass that a callback asks for by returning a pipeline, or what its `step()` gives."""
    find = getattr(answer, "as_pass", None)
    if find is None:
        return None
    depth = 1 if parent is None else parent.depth + 2
    if depth > max_depth:
        problem = f"Callbacks started pipelines inside of each other {depth} deep; {max_depth} is the limit."
        raise MaxDepthError(max_depth, chats[-1].all if chats else [], problem)
    return cast("Pass", find())
