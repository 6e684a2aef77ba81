"""One run under way: its machine, the code it needs, and what became of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar, assert_never, cast

from rigging_py.chat.calling import Outgoing, edited, outgoing
from rigging_py.chat.chat import Chat
from rigging_py.chat.events import Tell, TurnDiscarded
from rigging_py.chat.execute import execute
from rigging_py.chat.failures import attach, exception_of
from rigging_py.chat.gather import gather
from rigging_py.chat.keeper import Keeper
from rigging_py.error import Paused, ProviderError, Stop, StoreError
from rigging_py.message import GenerateParams, Message, ModelTurn, Usage, assemble, fresh, new_uuid
from rigging_py.observe import (
    ApprovalDetail,
    InvalidCallDetail,
    ModelTurnDetail,
    RefuseTurn,
    Seam,
    StateDetail,
    StopRun,
)
from rigging_py.run import (
    AgentRun,
    Answer,
    AwaitDecision,
    CallModel,
    CallTools,
    Decision,
    DecisionRequest,
    Done,
    Failed,
    FailureRecord,
    ModelTurnOutcome,
    PartialStreamedTurn,
    PendingToolCall,
    ProviderFailure,
    ResolveToolCall,
    State,
    TurnCut,
    TurnRejected,
)
from rigging_py.tools import ToolSlots

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import ChatPipeline

T = TypeVar("T")
CUT = "The answer reached the token limit; it is asked for again with a higher one."
HOOK = "a hook"


@dataclass
class Flight:
    """A run under way for a pipeline.

    `seam` has the hooks as they were when the run began. `params` are sent; `own_params` are the same without the
    tools. `keeper` stores the run at every boundary, `tell` takes the events of a run that streams, and `decisions` are
    those made beforehand, by the keys of calls. `error` is the exception that the last call of the model, a tool, a
    hook or a store raised, as it was. `asked` is what the model was sent last, and `last` what it said.
    """

    pipeline: ChatPipeline
    run: AgentRun
    seam: Seam
    params: GenerateParams
    own_params: GenerateParams | None
    keeper: Keeper | None = None
    tell: Tell | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict[str, Decision])
    error: BaseException | None = None
    asked: Sequence[Message] = ()
    last: ModelTurn | None = None
    end: Done | Failed | None = None
    partial: PartialStreamedTurn | None = None
    noted: int = 0
    """Entries of the journal that the hooks have seen."""

    @classmethod
    def begin(
        cls,
        pipeline: ChatPipeline,
        messages: list[Message],
        params: GenerateParams | None = None,
        run_id: str | None = None,
    ) -> Flight:
        """A new run of `messages` under the pipeline's limits."""
        return cls.of(pipeline, new_run(pipeline, messages, run_id), params)

    @classmethod
    def of(cls, pipeline: ChatPipeline, run: AgentRun, params: GenerateParams | None = None) -> Flight:
        """A run of the pipeline, with `params` over the pipeline's."""
        own = pipeline.params.merge_with(params) if pipeline.params is not None else params
        return cls(pipeline, run, pipeline.seam, pipeline.sent_params.merge_with(params), own, noted=run.position)

    @cached_property
    def _noting(self) -> asyncio.Lock:
        """Held by who shows entries of the journal to the hooks, so that they see them in order."""
        return asyncio.Lock()

    @cached_property
    def slots(self) -> ToolSlots:
        """How many calls of each tool may be under way at once."""
        return ToolSlots(self.pipeline.tools)

    @cached_property
    def workers(self) -> asyncio.Semaphore:
        """How many tools may be executed at once."""
        return asyncio.Semaphore(self.pipeline.max_concurrent_tools)

    # Driving.

    async def to_model(self) -> Outgoing | None:
        """Does everything up to the next call of the model; None when the run is over, or something was raised."""
        try:
            return await self._advance()
        except Exception as error:  # noqa: BLE001 — the wall before tools, hooks and stores: the pipeline judges
            self.error = error
            return None

    async def _advance(self) -> Outgoing | None:
        while self.end is None and self.error is None:
            self._look_at_the_clock()
            step = self.run.next_step()
            await self.note()
            match step:
                case CallModel():
                    self.asked = step.messages
                    return await outgoing(self, step)
                case ResolveToolCall():
                    await self._resolve(step)
                case AwaitDecision(requests):
                    await self._decide(requests)
                case CallTools(calls):
                    await self._execute(calls)
                case Done() | Failed():
                    self.end = step
                case _:
                    assert_never(step)
        return None

    async def _resolve(self, step: ResolveToolCall) -> None:
        seam, resolution = self.seam, None
        if seam.on_invalid_call:
            resolution = await seam.resolved(InvalidCallDetail(self.run.run_id, step.call, step.problem))
        await self._came_to(self.run.resolve_tool_call(resolution or Answer(step.problem.text)))

    async def _decide(self, requests: Sequence[DecisionRequest]) -> None:
        """Asks about every call that waits, all at once. Raises `Paused` when one is left."""

        async def decide(request: DecisionRequest) -> None:
            decision = self.decisions.get(request.call.key)
            if decision is None:
                decision = await self.seam.decided(ApprovalDetail(self.run.run_id, request))
            if decision is not None:
                self.stamp()
                self.run.decide(request.call.key, decision)
                await self.note()

        await in_time([self], gather([partial(decide, request) for request in requests]))
        step = self.run.next_step()
        if isinstance(step, AwaitDecision):
            raise Paused(self.run, step.requests)

    async def _execute(self, calls: tuple[PendingToolCall, ...]) -> None:
        jobs = [partial(execute, self, call) for call in calls]
        try:
            await in_time([self], gather(jobs, limit=len(jobs)))
        except Stop as asked:
            if self.run.state not in (State.DONE, State.FAILED):
                self.run.cancel(asked.message, by=HOOK)
            await self.note()

    async def heard(self, call: Outgoing, result: ModelTurn | BaseException) -> None:
        """Takes what the generator gave."""
        try:
            if call.edits and isinstance(result, ModelTurn):
                result = await edited(self, call, result)
            await self._take(call.step, result)
        except Exception as error:  # noqa: BLE001 — the wall before programs: what a check or a hook raises is this run's
            self.error = error
        if self.run.state in (State.DONE, State.FAILED):
            self.end = cast("Done | Failed", self.run.next_step())

    async def _take(self, step: CallModel, result: ModelTurn | BaseException) -> None:
        run = self.run
        self.stamp()
        if run.state is not State.AWAITING_MODEL:
            # Its deadline has passed.
            await self.note()
            return
        if isinstance(result, BaseException):
            if result is self.error:
                # A hook's, so the call may be made again.
                return
            self.error = result
            run.model_failed(FailureRecord.of(result, self.partial), usage=_used(result))
            await self.note()
            return
        verdict = None
        if self.seam.after_model_turn:
            verdict = await self.seam.judged(ModelTurnDetail(run.run_id, step, result))
        outcome = run.model_response(result, feedback=verdict.feedback if isinstance(verdict, RefuseTurn) else None)
        self.error, self.last = None, result
        if isinstance(verdict, StopRun) and run.state not in (State.DONE, State.FAILED):
            run.cancel(verdict.reason, by=HOOK)
        await self._came_to(outcome)

    async def _came_to(self, outcome: ModelTurnOutcome) -> None:
        await self.note()
        if self.tell is not None:
            match outcome:
                case TurnRejected(feedback):
                    await self.tell(TurnDiscarded(feedback))
                case TurnCut("raised"):
                    await self.tell(TurnDiscarded(CUT))
                case _:
                    pass

    async def note(self) -> None:
        """Stores what is new, and shows it to the hooks."""
        if self.keeper is not None:
            await self.keeper.save(self.run)
        if self.seam.on_state:
            async with self._noting:
                await self._note_all()

    async def _note_all(self) -> None:
        while self.noted < self.run.position:
            at, self.noted = self.noted, self.noted + 1
            await self.seam.noted(StateDetail(self.run.run_id, at, self.run.journal[at]))

    # Time.

    def stamp(self) -> datetime:
        """Tells the run what time it is."""
        now = datetime.now(UTC)
        self.run.stamp(now)
        return now

    def _look_at_the_clock(self) -> None:
        """Ends a run whose deadline has passed."""
        now, deadline = self.stamp(), self.run.limits.deadline
        if deadline is not None and now >= deadline:
            self.expire(now)

    def expire(self, now: datetime) -> None:
        """Ends a run that is not over."""
        if self.run.state not in (State.DONE, State.FAILED):
            self.run.expire(now)

    # Reading.

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to do, and nothing to raise."""
        return isinstance(self.end, Done) and self.error is None

    def failure(self) -> BaseException | None:
        """The exception that a failed run stands for, or that was raised, with the run on it."""
        error = self.error
        is_told = isinstance(self.end, Failed) and isinstance(self.end.cause, ProviderFailure)
        # That something was not stored is worse than how the run ended.
        if isinstance(self.end, Failed) and (error is None or not (is_told or isinstance(error, StoreError))):
            error = exception_of(self.end.cause, self.end.messages)
        return attach(error, self.run) if error is not None else None

    def chat(self) -> Chat:
        """The conversation so far; what the model said last in this run is `generated`."""
        said, answered = self._said()
        generated = [message.shell() for message in answered]
        if isinstance(self.end, Done) and self.pipeline.marked_types and generated:
            generated[-1].try_parse_many(*self.pipeline.marked_types)
        error = self.failure()
        fields = {
            "uuid": _uuid_of(self.run.run_id),
            "timestamp": datetime.now(UTC),
            "messages": [message.shell() for message in said],
            "generated": generated,
            "metadata": fresh(self.pipeline.metadata),
            "stop_reason": self.last.stop_reason if self.last is not None else "unknown",
            "usage": self.run.usage,
            "extra": fresh(self.last.extra) if self.last is not None else {},
            "params": self.own_params,
            "failed": error is not None,
            "error": error,
            "generator": self.pipeline.generator,
        }
        output = self.end.response.output if isinstance(self.end, Done) else None
        return assemble(Chat, fields, {"_generator_id": None, "_pipeline": self.pipeline, "_output": output})

    def _said(self) -> tuple[Sequence[Message], Sequence[Message]]:
        """The messages, and what the model said last; of a run under way, what was sent and what came back."""
        if self.end is None:
            return (self.asked, [self.last.message]) if self.last is not None else (self.run.messages, ())
        said = self.end.response.messages if isinstance(self.end, Done) else self.end.messages
        is_answered = len(said) > self.run.given and said[-1].role == "assistant"
        return (said[:-1], said[-1:]) if is_answered else (said, ())


async def in_time(flights: Sequence[Flight], work: Awaitable[T]) -> T | None:
    """What `work` gives; None when it was cancelled at the deadline of the runs it is for, which ends them."""
    deadline = _deadline_of(flights)
    if deadline is None:
        return await work
    limit = asyncio.timeout((deadline - datetime.now(UTC)).total_seconds())
    try:
        async with limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
    for flight in flights:
        # The two clocks need not agree to the last microsecond.
        flight.expire(max(deadline, flight.stamp()))
    return None


def _deadline_of(flights: Sequence[Flight]) -> datetime | None:
    """The last of the deadlines; None where one run has none."""
    last: datetime | None = None
    for flight in flights:
        deadline = flight.run.limits.deadline
        if deadline is None:
            return None
        last = deadline if last is None else max(last, deadline)
    return last


def new_run(pipeline: ChatPipeline, messages: list[Message], run_id: str | None = None) -> AgentRun:
    """A run of `messages` under the pipeline's limits."""
    name = str(new_uuid()) if run_id is None else run_id
    return AgentRun(history=messages, limits=pipeline.limits_from_now(), program=pipeline.program, run_id=name)


def revive(run: AgentRun) -> None:
    """A run that was stored, or that failed for want of an answer, goes on."""
    step = run.next_step()
    if isinstance(step, CallTools) and step.started:
        run.recover()
    elif isinstance(step, Failed) and isinstance(step.cause, ProviderFailure) and run.calls[-1].failure:
        run.raise_limit(max_attempts=run.limits.max_attempts + 1)


def _used(error: BaseException) -> Usage | None:
    """What a failed call used: nobody knows it of one that may have been answered; None of one that was refused."""
    if not isinstance(error, ProviderError):
        return None
    return error.usage or (Usage() if error.is_outcome_unknown else None)


def _uuid_of(run_id: str) -> uuid.UUID:
    """The uuid of a chat is the id of its run, which need not be a uuid when the run was begun by hand."""
    try:
        return uuid.UUID(run_id)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, run_id)
