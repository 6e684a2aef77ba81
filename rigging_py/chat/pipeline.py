"""`ChatPipeline`: a conversation waiting to be run. It never changes; every refinement returns a new one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from rigging_py.chat.chat import Chat, ChatList, Input
from rigging_py.chat.conversation import Conversation
from rigging_py.chat.drive import FailMode, Pass, PipelineStep, drive, finish
from rigging_py.chat.events import ChatEvent, ChatFinished, EventStream, RunPaused, Tell
from rigging_py.chat.flight import Flight
from rigging_py.chat.gather import MAX_CONCURRENT
from rigging_py.chat.keeper import LEASE
from rigging_py.chat.opening import Resumption, begun, resumed
from rigging_py.chat.replay import ReplayMode, replay
from rigging_py.error import Paused
from rigging_py.generator import Generator, get_generator
from rigging_py.message import GenerateParams, Message
from rigging_py.run import AgentRun, Decision, Journal
from rigging_py.store import RunStore
from rigging_py.util import await_

if TYPE_CHECKING:
    from rigging_py.prompt import PromptDecorator

BatchMode: TypeAlias = Literal["parallel", "merged"]
PipelineStepGenerator: TypeAlias = AsyncGenerator[PipelineStep, None]
"""The steps of a pipeline as they come."""
Limits: TypeAlias = Mapping[str, float | datetime | None]
"""Limits by their names in `RunLimits`."""


@dataclass(frozen=True)
class ChatPipeline(Conversation):
    """A conversation waiting to be run: who answers, what is said, with which parameters, tools and checks.

    Every method that refines it returns the new pipeline and leaves this one as it was, so a pipeline can be shared and
    forked freely.
    """

    @property
    def prompt(self) -> PromptDecorator:
        """The decorator that makes a typed function a prompt which continues this pipeline."""
        return import_module("rigging_py.prompt").prompt(pipeline=self)  # type: ignore[no-any-return]

    # Running it.

    async def run(
        self,
        *,
        name: str | None = None,
        on_failed: FailMode | None = None,
        allow_failed: bool = False,
        store: RunStore | str | None = None,
        run_id: str | None = None,
        lease_for: float = LEASE,
    ) -> Chat:
        """Runs the conversation to its end.

        With `on_failed="include"`, or `allow_failed`, a run that fails by itself (turns, output, truncation) gives a
        chat with `failed` and `error`; other errors are raised unless `catch` names them. Errors carry `.run` and
        `.messages`. Raises `Paused`, or includes it, when a tool call needs a decision that no hook makes.

        With a `store`, such as `sqlite!runs.db`, the run is kept there at every boundary under `run_id`, and `resume`
        goes on with it in another process. Nobody else may drive it for `lease_for` seconds, which are renewed while
        this process lives. `name` is what traces call the run.
        """
        if name is not None:
            self = self.name(name)
        mode: FailMode = "include" if allow_failed else on_failed or self.on_failed
        if store is None:
            return await self._finish_one(self._flight(run_id=run_id), mode)
        async with begun(self, store, run_id, lease_for) as flight:
            return await self._finish_one(flight, mode)

    __call__ = run

    def run_sync(self, **options: Any) -> Chat:
        """`run`, for code that cannot await; it works inside of running event loops too, which it blocks."""
        return await_(self.run(**options))

    def stream(
        self,
        *,
        on_failed: FailMode | None = None,
        store: RunStore | str | None = None,
        run_id: str | None = None,
        lease_for: float = LEASE,
    ) -> EventStream:
        """The events of one run as they come: text, reasoning, tool calls and results, discarded turns, usage.

        The last is `ChatFinished` with the chat, or `RunPaused`; what `run` would raise is raised by the iteration. A
        stream of the model that breaks off is an error, whatever came before. Leaving the stream cancels the run.
        """
        mode = on_failed or self.on_failed
        if store is None:
            return EventStream(lambda tell: self._tell_of(self._flight(run_id=run_id), tell, mode))
        place = store
        return EventStream(lambda tell: self._tell_from(begun(self, place, run_id, lease_for), tell, mode))

    async def stream_text(self) -> AsyncGenerator[str, None]:
        """The text of the answer in pieces. For pipelines that may ask again, `stream` tells which turns are void."""
        async with self.stream() as stream:
            async for text in stream.texts():
                yield text

    def stream_sync(self, **options: Any) -> Iterator[ChatEvent]:
        """`stream`, for code that cannot await."""
        return self.stream(**options).sync()

    async def run_many(
        self,
        count: int,
        *,
        params: Sequence[GenerateParams | None] | None = None,
        name: str | None = None,
        mode: BatchMode = "parallel",
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> ChatList:
        """Runs the conversation `count` times, with `params` for each where given.

        `parallel` runs are independent, at most `max_concurrent` at once; `merged` ones go round by round in one
        request.
        """
        named = self if name is None else self.name(name)
        return await named._finish(self._many(count, params), on_failed, mode, max_concurrent)

    async def run_batch(
        self,
        many: Sequence[Input] | Input,
        params: Sequence[GenerateParams | None] | None = None,
        *,
        name: str | None = None,
        mode: BatchMode = "parallel",
        on_failed: FailMode | None = None,
        max_concurrent: int = MAX_CONCURRENT,
    ) -> ChatList:
        """Runs one conversation for each item of `many`, which this pipeline's messages come before.

        A single item is run with each of `params`.
        """
        named = self if name is None else self.name(name)
        return await named._finish(self._batch(many, params), on_failed, mode, max_concurrent)

    async def run_over(
        self, *generators: Generator | str, include_original: bool = True, on_failed: FailMode | None = None
    ) -> ChatList:
        """Runs the conversation on each generator, and on this pipeline's own last."""
        others = [get_generator(one) if isinstance(one, str) else one for one in generators]
        pipelines = [self.answered_by(one) for one in others] + ([self] if include_original else [])
        return await self._finish([one._flight() for one in pipelines], on_failed)

    async def resume(
        self,
        run: AgentRun | Mapping[str, Any] | str,
        *,
        store: RunStore | str | None = None,
        decisions: Mapping[str, Decision] | None = None,
        limits: Limits | None = None,
        on_failed: FailMode | None = None,
        lease_for: float = LEASE,
        allow_changes: bool = False,
    ) -> Chat:
        """Goes on with a run of this pipeline: one in hand, what `run.dump()` stored, or the one of this id in `store`.

        Calls whose results are in it are not executed again; one that was started and not finished is dealt with by its
        tool's `on_unfinished`. A call of the model that failed is made again. `decisions` are for calls that wait, by
        their keys; `limits` are higher ones, for a run that failed at one. Raises `ProgramChangedError` when tools or
        output are not what they were, unless `allow_changes`.
        """
        said = Resumption(decisions or {}, limits or {}, allow_changes)
        async with resumed(self, run, store, said, lease_for) as flight:
            return await self._finish_one(flight, on_failed or self.on_failed)

    def stream_resumed(
        self,
        run: AgentRun | Mapping[str, Any] | str,
        *,
        store: RunStore | str | None = None,
        decisions: Mapping[str, Decision] | None = None,
        limits: Limits | None = None,
        on_failed: FailMode | None = None,
        lease_for: float = LEASE,
        allow_changes: bool = False,
    ) -> EventStream:
        """The events of a run that goes on as by `resume`."""
        said = Resumption(decisions or {}, limits or {}, allow_changes)
        mode = on_failed or self.on_failed
        return EventStream(lambda tell: self._tell_from(resumed(self, run, store, said, lease_for), tell, mode))

    async def replay(
        self,
        journal: Journal | AgentRun,
        *,
        mode: ReplayMode = "strict",
        live_after: int | None = None,
        on_failed: FailMode | None = None,
    ) -> Chat:
        """The chat that a journal leads to, judged anew; raises `ReplayDivergence` where the two part.

        `strict`: nothing is live. `model-only`: what the model said comes from the journal, and tools are executed
        again and compared. `tools-only`: what the tools gave comes from the journal, and the model is live. With
        `live_after` the first so many entries come from the journal, and a fork with an id of its own goes on live.
        """
        return await replay(self, journal, mode=mode, live_after=live_after, on_failed=on_failed)

    def step(self, *, on_failed: FailMode | None = None) -> PipelineStepContextManager:
        """The steps of one run as they come: `async with pipeline.step() as steps: async for step in steps: …`."""
        return self._steps(lambda: [self._flight()], on_failed)

    def step_many(
        self,
        count: int,
        *,
        params: Sequence[GenerateParams | None] | None = None,
        on_failed: FailMode | None = None,
    ) -> PipelineStepContextManager:
        """The steps of `count` runs, which go round by round."""
        return self._steps(lambda: self._many(count, params), on_failed)

    def step_batch(
        self,
        many: Sequence[Input] | Input,
        params: Sequence[GenerateParams | None] | None = None,
        *,
        on_failed: FailMode | None = None,
    ) -> PipelineStepContextManager:
        """The steps of a run for each item of `many`, which go round by round."""
        return self._steps(lambda: self._batch(many, params), on_failed)

    def _steps(self, begin: Callable[[], list[Flight]], on_failed: FailMode | None) -> PipelineStepContextManager:
        def as_pass() -> Pass:
            return Pass(self, begin(), on_failed or self.on_failed, is_merged=True, is_watched=True)

        return PipelineStepContextManager(as_pass)

    def as_pass(self) -> Pass:
        """One run of this pipeline, as the driver takes it."""
        return self.step().as_pass()

    def said(self, messages: Input = ()) -> list[Message]:
        """The messages of a run that begins. Raises `ValueError` when there is none."""
        said = [*self.messages, *Message.fit_as_list(messages)] if messages else list(self.messages)
        if not said:
            raise ValueError("There is nothing to answer: add a message to the pipeline.")
        return said

    def _many(self, count: int, params: Sequence[GenerateParams | None] | None) -> list[Flight]:
        each = list(params) if params is not None else [None] * count
        if len(each) != count:
            raise ValueError(f"{count} runs need {count} parameters, not {len(each)}.")
        return [self._flight(params=one) for one in each]

    def _batch(self, many: Sequence[Input] | Input, params: Sequence[GenerateParams | None] | None) -> list[Flight]:
        items: list[Any] = [many] if isinstance(many, str | Message | Mapping) else list(cast("Sequence[Any]", many))
        each = list(params) if params is not None else [None] * len(items)
        items = items * len(each) if len(items) == 1 else items
        if len(each) != len(items):
            raise ValueError(f"{len(items)} conversations need {len(items)} parameters, not {len(each)}.")
        return [self._flight(item, one) for item, one in zip(items, each, strict=True)]

    def _flight(self, messages: Input = (), params: GenerateParams | None = None, run_id: str | None = None) -> Flight:
        return Flight.begin(self, self.said(messages), params, run_id)

    async def _tell_from(self, opening: AbstractAsyncContextManager[Flight], tell: Tell, mode: FailMode) -> None:
        async with opening as flight:
            await self._tell_of(flight, tell, mode)

    async def _tell_of(self, flight: Flight, tell: Tell, mode: FailMode) -> None:
        """Tells of a run to its end."""
        flight.tell = tell
        try:
            chat = await self._finish_one(flight, mode)
        except Paused as paused:
            await tell(RunPaused(paused.run or flight.run, paused.requests))
            return
        if isinstance(chat.error, Paused):
            await tell(RunPaused(flight.run, chat.error.requests))
        else:
            await tell(ChatFinished(chat))

    async def _finish_one(self, flight: Flight, on_failed: FailMode) -> Chat:
        if on_failed == "skip":
            raise ValueError("One run cannot be skipped: use on_failed='include', or run_many().")
        chats = await self._finish([flight], on_failed)
        if len(chats) != 1:
            raise ValueError(f"A map callback made {len(chats)} chats of one; use run_many(1), which returns them all.")
        return chats[0]

    async def _finish(
        self,
        flights: list[Flight],
        on_failed: FailMode | None,
        mode: BatchMode = "parallel",
        limit: int = MAX_CONCURRENT,
    ) -> ChatList:
        return await finish(Pass(self, flights, on_failed or self.on_failed, mode == "merged", limit=limit))


class PipelineStepContextManager:
    """Steps of a pipeline that has not begun. A callback may return it, and the pipeline takes the callback's place."""

    def __init__(self, as_pass: Callable[[], Pass]) -> None:
        self.as_pass = as_pass
        self._steps: PipelineStepGenerator | None = None

    async def __aenter__(self) -> PipelineStepGenerator:
        self._steps = drive(self.as_pass())
        return self._steps

    async def __aexit__(self, *_: object) -> None:
        if self._steps is not None:
            await self._steps.aclose()


def chat(
    generator: Generator | str, messages: Input | None = None, params: GenerateParams | None = None
) -> ChatPipeline:
    """A pipeline that begins with `messages`, answered by a generator or by what a connection string describes."""
    made = get_generator(generator) if isinstance(generator, str) else generator
    said = tuple(Message.fit_as_list(messages)) if messages is not None else ()
    return ChatPipeline(made, said, params, watch_callbacks=made.watch_callbacks)


async def resume(
    run_id: str,
    *,
    store: RunStore | str,
    pipeline: ChatPipeline,
    decisions: Mapping[str, Decision] | None = None,
    limits: Limits | None = None,
    on_failed: FailMode | None = None,
    lease_for: float = LEASE,
    allow_changes: bool = False,
) -> Chat:
    """Goes on with a stored run, in whatever process it began; see `ChatPipeline.resume`."""
    if not isinstance(pipeline, ChatPipeline):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"A run goes on by the pipeline that it is a run of, which has its tools; not {pipeline!r}.")
    return await pipeline.resume(
        run_id,
        store=store,
        decisions=decisions,
        limits=limits,
        on_failed=on_failed,
        lease_for=lease_for,
        allow_changes=allow_changes,
    )
