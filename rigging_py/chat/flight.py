"""One run under way: its machine, the code it needs, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never, cast

from rigging_py.chat.chat import Chat
from rigging_py.chat.gather import gather
from rigging_py.error import (
    MaxDepthError,
    MessagesExhaustedMaxRoundsError,
    ProviderError,
    RiggingError,
    RunCancelledError,
    TruncatedError,
    UnknownToolError,
)
from rigging_py.message import GenerateParams, Message, ModelTurn, assemble, fresh, new_uuid
from rigging_py.run import (
    AgentRun,
    Answer,
    CallModel,
    CallTools,
    Cancelled,
    Done,
    Failed,
    FailureRecord,
    MaxTurns,
    OutputInvalid,
    PendingToolCall,
    ProviderFailure,
    ResolveToolCall,
    State,
    Truncated,
    UnknownToolCall,
)

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import ChatPipeline
    from rigging_py.run import Cause


@dataclass
class Flight:
    """A run under way for a pipeline.

    `params` are sent; `own_params` are the same without the tools. `error` is the exception that the last call of the
    model, or of a tool, raised, as it was. `asked` is what the model was sent last, and `last` what it said.
    """

    pipeline: ChatPipeline
    run: AgentRun
    params: GenerateParams
    own_params: GenerateParams | None
    error: BaseException | None = None
    asked: Sequence[Message] = ()
    last: ModelTurn | None = None
    end: Done | Failed | None = None

    @classmethod
    def begin(cls, pipeline: ChatPipeline, messages: list[Message], params: GenerateParams | None = None) -> Flight:
        """A new run of `messages` under the pipeline's limits."""
        run = AgentRun(history=messages, limits=pipeline.limits, program=pipeline.program, run_id=str(new_uuid()))
        return cls.of(pipeline, run, params)

    @classmethod
    def of(cls, pipeline: ChatPipeline, run: AgentRun, params: GenerateParams | None = None) -> Flight:
        """A run of the pipeline, with `params` over the pipeline's."""
        own = pipeline.params.merge_with(params) if pipeline.params is not None else params
        return cls(pipeline, run, pipeline.sent_params.merge_with(params), own)

    async def to_model(self) -> CallModel | None:
        """Does everything up to the next call of the model; None when the run is over, or a tool raised."""
        while self.end is None and self.error is None:
            step = self.run.next_step()
            match step:
                case CallModel(messages):
                    self.asked = messages
                    return step
                case ResolveToolCall(problem=problem):
                    self.run.resolve_tool_call(Answer(problem.text))
                case CallTools(calls):
                    await self._execute(calls)
                case Done() | Failed():
                    self.end = step
                case _:
                    assert_never(step)
        return None

    async def _execute(self, calls: tuple[PendingToolCall, ...]) -> None:
        async def execute(call: PendingToolCall) -> None:
            result = await self.pipeline.tools_by_name[call.name].execute(call)
            self.run.tool_result(call.key, result)

        try:
            await gather([partial(execute, call) for call in calls])
        except Exception as error:  # noqa: BLE001 — the wall before tools: what they may raise, the pipeline judges
            self.error = error

    def params_for(self, step: CallModel) -> GenerateParams:
        """The parameters of a call. A forced choice of tool holds for the first turn, or the run would never end."""
        updates: dict[str, Any] = {"output": step.output} if step.output is not None else {}
        if self.run.tool_turns and self.params.tool_choice not in (None, "auto", "none"):
            updates["tool_choice"] = "auto"
        return self.params.model_copy(update=updates) if updates else self.params

    def heard(self, result: ModelTurn | BaseException) -> None:
        """Takes what the generator gave."""
        if isinstance(result, BaseException):
            self.error = result
            self.run.model_failed(result)
        else:
            self._take(result)
        if self.run.state in (State.DONE, State.FAILED):
            self.end = cast("Done | Failed", self.run.next_step())

    def _take(self, turn: ModelTurn) -> None:
        try:
            self.run.model_response(turn)
        except Exception as error:  # noqa: BLE001 — the wall before programs: what a check raises is this run's own
            self.error = error
        else:
            self.error, self.last = None, turn

    def failure(self) -> BaseException | None:
        """The exception that a failed run stands for, or that a tool raised, with the run on it."""
        error = self.error
        if isinstance(self.end, Failed) and (error is None or not isinstance(self.end.cause, ProviderFailure)):
            error = exception_of(self.end.cause, self.end.messages)
        return attach(error, self.run) if error is not None else None

    def chat(self) -> Chat:
        """The conversation so far; what the model said last in this run is `generated`."""
        messages, generated = self._said()
        error = self.failure()
        fields = {
            "uuid": _uuid_of(self.run.run_id),
            "timestamp": datetime.now(UTC),
            "messages": [message.shell() for message in messages],
            "generated": [message.shell() for message in generated],
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


def _uuid_of(run_id: str) -> uuid.UUID:
    """The uuid of a chat is the id of its run, which need not be a uuid when the run was begun by hand."""
    try:
        return uuid.UUID(run_id)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, run_id)


def exception_of(cause: Cause, messages: tuple[Message, ...]) -> RiggingError:
    """The exception that a cause stands for."""
    match cause:
        case MaxTurns(limit, allowed):
            what = "tool turns" if limit == "max_tool_turns" else "turns"
            return MaxDepthError(
                allowed,
                messages,
                f"The model was still calling tools after {allowed} {what}; raise max_depth to allow more.",
            )
        case OutputInvalid(feedback, retries):
            return MessagesExhaustedMaxRoundsError(
                retries,
                messages,
                f"No acceptable answer in {retries} more rounds after the first. The last one: {feedback}",
            )
        case Truncated(advice):
            return TruncatedError(advice)
        case Cancelled(reason, by):
            return RunCancelledError(f"The run was cancelled{f' by {by}' if by else ''}: {reason}")
        case UnknownToolCall(name, problem):
            error = UnknownToolError(name)
            error.add_note(problem)
            return error
        case ProviderFailure(error=record):
            return provider_error(record)
        case _:
            assert_never(cause)


def provider_error(record: FailureRecord) -> ProviderError:
    """The exception of a recorded failure."""
    kinds: list[type[ProviderError]] = ProviderError.__subclasses__()
    cls = next(kind for kind in kinds if kind.kind == record.kind)
    return cls(
        record.message,
        provider=record.provider,
        status=record.status,
        request_id=record.request_id,
        retry_after=record.retry_after,
    )


def attach(error: BaseException, run: AgentRun) -> BaseException:
    """The exception with the run on it, so that nothing said is lost."""
    if isinstance(error, RiggingError):
        error.messages, error.usage = run.messages, run.usage
    is_new = not isinstance(error, RiggingError) and not hasattr(error, "run")
    carry(error, run=run)
    if is_new and hasattr(error, "run"):
        error.add_note(f"Raised in {run!r}; its messages are in `.run.messages` of this exception.")
    return error


def carry(error: BaseException, **facts: object) -> None:
    """Puts facts on an exception, of whatever class it is; one that takes none is left as it is."""
    with suppress(AttributeError):
        for name, fact in facts.items():
            setattr(error, name, fact)
