"""The one loop that drives runs: models, then callbacks, then whatever pipelines the callbacks return.

A pass is one pipeline over a set of runs. Passes that callbacks return are played on an explicit stack.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

from pydantic import ValidationError

from rigging_py.chat.answers import model_answers
from rigging_py.chat.chat import Chat, ChatList
from rigging_py.chat.failures import attach, carry
from rigging_py.chat.flight import Flight
from rigging_py.chat.gather import MAX_CONCURRENT, gather
from rigging_py.chat.watch import show
from rigging_py.error import (
    BudgetExceededError,
    MaxDepthError,
    Paused,
    RunFailedError,
    TruncatedError,
    UnknownToolError,
)
from rigging_py.observe import RunDetail
from rigging_py.run import AgentRun

if TYPE_CHECKING:
    from rigging_py.chat.description import Callback
    from rigging_py.chat.pipeline import ChatPipeline

FailMode: TypeAlias = Literal["raise", "skip", "include"]
_FAIL_MODES = get_args(FailMode)
RUN_FAILURES = (RunFailedError, TruncatedError, UnknownToolError, BudgetExceededError, ValidationError)
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

    def copy(self) -> PipelineStep:
        """The same step over a list of its own."""
        return replace(self, chats=ChatList(self.chats))

    def with_parent(self, parent: PipelineStep) -> PipelineStep:
        """The step with `parent` above the outermost pipeline it is inside of."""
        return replace(self, parent=parent if self.parent is None else self.parent.with_parent(parent))


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

    def __post_init__(self) -> None:
        if self.on_failed not in _FAIL_MODES:
            raise ValueError(f"on_failed is 'raise', 'skip' or 'include'; not {self.on_failed!r}.")

    def detail(self, *flights: Flight) -> RunDetail:
        """What is about to run: these of its runs, or all."""
        run_ids = tuple(flight.run.run_id for flight in flights or self.flights)
        return RunDetail(run_ids, self.pipeline.task_name, self.pipeline.generator_id)


@dataclass(frozen=True)
class Relay:
    """Steps that a callback gives one by one, and how deep they may be; the chats of the last are what it returned."""

    steps: AsyncGenerator[PipelineStep, None]
    max_depth: int
    limit: int = MAX_CONCURRENT


_Inner: TypeAlias = Pass | Relay
_Played: TypeAlias = AsyncGenerator["PipelineStep | tuple[_Inner, ...]", "tuple[ChatList, ...] | None"]


@dataclass
class _Frame:
    """What is being played, and the last step it gave."""

    player: _Played
    latest: PipelineStep | None = None


async def finish(this: Pass) -> ChatList:
    """Plays a pass to its end, with those around it who want to be, and gives its chats."""
    seam = this.pipeline.seam
    if not seam.is_around:
        return await finished(this)
    chats: ChatList | None = None
    try:
        with seam.around(this.detail()) as tell:
            chats = await finished(this)
            tell(chats)
    except Exception as error:
        if chats is not None:  # a hook's, after all was done
            carry(error, chats=chats)
        raise
    return chats


async def finished(this: _Inner, depth: int = 0) -> ChatList:
    """Plays a pass to its end, and gives its chats. Who stands around it is not told; see `finish`."""
    if isinstance(this, Pass) and not (this.is_watched or this.pipeline.then_callbacks or this.pipeline.map_callbacks):
        # It has no steps between which somebody does something.
        return await _flown(this)
    chats = ChatList()
    async for step in drive(this, depth):
        chats = step.chats
    return chats


async def drive(root: _Inner, depth: int = 0) -> AsyncGenerator[PipelineStep, None]:
    """Plays a pass to its end, and those that its callbacks return; yields every step."""
    frames = [_Frame(_player(root, None, depth))]
    answer: tuple[ChatList, ...] | None = None
    try:
        while frames:
            try:
                event = await frames[-1].player.asend(answer)
            except StopAsyncIteration:
                # The last step of an inner player is what its callback returned.
                last = frames.pop().latest
                answer = (last.chats if last is not None else ChatList(),)
                continue
            answer = None
            if isinstance(event, PipelineStep):
                yield event
                frames[-1].latest = event
            elif len(event) == 1:
                frames.append(_Frame(_player(event[0], frames[-1].latest, depth + len(frames))))
            else:
                # Only callbacks of a batch return several passes, and nobody looks at the steps of a batch.
                below = depth + len(frames)
                answer = tuple(await gather([partial(finished, one, below) for one in event], limit=root.limit))
    finally:
        for frame in reversed(frames):
            await frame.player.aclose()


def _player(this: _Inner, parent: PipelineStep | None, depth: int) -> _Played:
    return play(this, parent, depth) if isinstance(this, Pass) else relay(this, parent, depth)


async def relay(this: Relay, parent: PipelineStep | None, depth: int) -> _Played:
    """The steps that a callback gives, under the one that it was called after."""
    async with aclosing(this.steps) as steps:
        async for step in steps:
            _check_depth(depth + step.depth, this.max_depth, step.chats)
            yield step if parent is None else step.with_parent(parent)


async def play(this: Pass, parent: PipelineStep | None, depth: int) -> _Played:
    """One pass: turns, then watchers, `then` callbacks and `map` callbacks.

    It yields steps, and passes that callbacks returned, for which it is sent the chats they end with.
    """
    pipeline = this.pipeline

    def step(
        state: Literal["generated", "callback", "final"], chats: Sequence[Chat], callback: Any = None
    ) -> PipelineStep:
        runs = tuple(flight.run for flight in this.flights)
        return PipelineStep(state, ChatList(chats), pipeline, parent, callback, runs)

    if this.is_watched:
        live = list(this.flights)
        while live and (live := await _turn(this, live)):
            yield step("generated", [flight.chat() for flight in live])
        chats = await _landed(this)
    else:
        chats = await _flown(this)
    for then, max_depth in pipeline.then_callbacks:
        answers = await gather([partial(_called, then, chat, chats) for chat in chats], limit=this.limit)
        passes = {
            index: nested
            for index, answer in enumerate(answers)
            if (nested := _nested(answer, depth + 1, max_depth, chats[index : index + 1]))
        }
        ended = (yield tuple(passes.values())) if passes else None
        replies = dict(zip(passes, ended or (), strict=True))
        chats = ChatList(
            _reply(chat, replies.get(index, answer))
            for index, (chat, answer) in enumerate(zip(chats, answers, strict=True))
        )
        yield step("callback", chats, then)
    for each, max_depth in pipeline.map_callbacks:
        answer = await _called(each, chats, chats)
        nested = _nested(answer, depth + 1, max_depth, chats)
        ended = (yield (nested,)) if nested is not None else None
        chats = _mapped(each, ended[0] if ended else answer, chats)
        yield step("callback", chats, each)
    yield step("final", chats)


async def _flown(this: Pass) -> ChatList:
    """Drives every run to its end, and gives the chats."""
    if this.is_merged or len(this.flights) == 1:
        await _fly(this, this.flights)
    else:
        await gather([partial(_fly_alone, this, flight) for flight in this.flights], limit=this.limit)
    return await _landed(this)


async def _landed(this: Pass) -> ChatList:
    """The chats of runs that are at their end, shown to who watches: failed ones left out, or kept with their error."""
    chats = [flight.chat() for flight in this.flights]
    kept = ChatList(chats if this.on_failed == "include" else [chat for chat in chats if not chat.failed])
    await show(kept, this.pipeline.watch_callbacks)
    return kept


async def _fly_alone(this: Pass, flight: Flight) -> None:
    seam = flight.seam
    try:
        with seam.around(this.detail(flight)) if seam.is_around else nullcontext(None) as tell:
            await _fly(this, [flight])
            if tell is not None:
                tell(ChatList([flight.chat()]))
    except Exception as error:
        _carry_all(this, attach(error, flight.run))
        raise


async def _fly(this: Pass, flights: Sequence[Flight]) -> None:
    """Drives runs to their end."""
    live = list(flights)
    while live:
        live = [flight for flight in await _turn(this, live) if not flight.is_done]


async def _turn(this: Pass, flights: Sequence[Flight]) -> list[Flight]:
    """Drives runs to the end of their next turn, with all calls in one request; gives those that had one.

    Raises the first failure that is to be raised.
    """
    steps = await gather([flight.to_model for flight in flights])
    for flight in flights:
        _raise_uncovered(this, flight)
    asked = [(flight, step) for flight, step in zip(flights, steps, strict=True) if step is not None]
    if asked:
        for (flight, call), result in zip(asked, await model_answers(asked), strict=True):
            await flight.heard(call, result)
    return [flight for flight, _ in asked]


def _raise_uncovered(this: Pass, flight: Flight) -> None:
    error = flight.failure()
    if error is None or _is_covered(this, error):
        return
    _carry_all(this, error)
    raise error


def _carry_all(this: Pass, error: BaseException) -> None:
    """Puts the chats that are finished on the error."""
    carry(error, chats=ChatList(other.chat() for other in this.flights if other.run.state == "Done"))


def _is_covered(this: Pass, error: BaseException) -> bool:
    """Whether a chat with this error is kept, or left out. A run that waits for a decision is never left out."""
    if isinstance(error, Paused):
        return this.on_failed == "include"
    return this.on_failed != "raise" and this.pipeline.covers(error)


async def _called(callback: Any, argument: object, chats: ChatList) -> object:
    try:
        answer = callback(argument)
        return await cast("Awaitable[object]", answer) if inspect.isawaitable(answer) else answer
    except Exception as error:
        carry(error, chats=chats)
        raise


def _reply(chat: Chat, answer: object) -> Chat:
    """What a `then` callback made of a chat: another, the last of those that its pipeline gave, or the chat itself."""
    last = answer[-1] if isinstance(answer, ChatList) and answer else answer
    return last if isinstance(last, Chat) else chat


def _mapped(callback: Any, answer: object, chats: ChatList) -> ChatList:
    if isinstance(answer, list) and all(isinstance(one, Chat) for one in cast("list[object]", answer)):
        return ChatList(cast("list[Chat]", answer))
    name = getattr(callback, "__name__", repr(callback))
    error = TypeError(
        f"The map callback {name} must return a list of chats, or a pipeline to run; it returned {answer!r}."
    )
    carry(error, chats=chats)
    raise error


def _nested(answer: object, depth: int, max_depth: int, chats: Sequence[Chat]) -> _Inner | None:
    """What a callback asks for by returning a pipeline, what its `step()` gives, or a generator of steps."""
    find = getattr(answer, "as_pass", None)
    if find is None and not inspect.isasyncgen(answer):
        return None
    _check_depth(depth, max_depth, chats)
    return cast("Pass", find()) if find is not None else Relay(cast("AsyncGenerator[PipelineStep]", answer), max_depth)


def _check_depth(depth: int, max_depth: int, chats: Sequence[Chat]) -> None:
    if depth > max_depth:
        problem = f"Callbacks started pipelines inside of each other {depth} deep; {max_depth} is the limit."
        error = MaxDepthError(max_depth, chats[-1].all if chats else [], problem)
        carry(error, chats=ChatList(chats))
        raise error
