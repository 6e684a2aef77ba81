"""The exceptions that the causes of failed runs stand for, and how facts are put on an exception."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, assert_never

from rigging_py.error import (
    BudgetExceededError,
    MaxDepthError,
    MessagesExhaustedMaxRoundsError,
    ProviderError,
    RiggingError,
    RunCancelledError,
    TruncatedError,
    UnfinishedToolError,
    UnknownToolError,
)
from rigging_py.message import Message
from rigging_py.run import (
    AgentRun,
    BudgetExceeded,
    Cancelled,
    FailureRecord,
    MaxTurns,
    OutputInvalid,
    ProviderFailure,
    Truncated,
    UnfinishedToolCall,
    UnknownToolCall,
)

if TYPE_CHECKING:
    from rigging_py.run import Cause


def exception_of(cause: Cause, messages: tuple[Message, ...]) -> RiggingError:
    """The exception that a cause stands for."""
    match cause:
        case MaxTurns(limit, allowed):
            what = "tool turns" if limit == "max_tool_turns" else "turns"
            return MaxDepthError(
                allowed,
                messages,
                f"The model was still calling tools after {allowed} {what}; raise max_depth, or go on with "
                f"resume(…, limits={{{limit!r}: …}}).",
            )
        case OutputInvalid(feedback, retries):
            return MessagesExhaustedMaxRoundsError(
                retries,
                messages,
                f"No acceptable answer in {retries} more rounds after the first. The last one: {feedback}",
            )
        case Truncated(advice):
            return TruncatedError(advice)
        case BudgetExceeded() as spent:
            return BudgetExceededError(_budget_letter(spent))
        case UnfinishedToolCall(name, key):
            return UnfinishedToolError(name, key)
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


_BUDGETS: Mapping[str, str] = {
    "max_total_tokens": "tokens",
    "max_cost": "dollars",
    "max_tool_calls": "tool calls",
    "deadline": "time",
}


def _budget_letter(cause: BudgetExceeded) -> str:
    raising = f"Go on with resume(…, limits={{{cause.limit!r}: …}})"
    if cause.limit == "deadline":
        return f"The run had until {cause.allowed}, and at {cause.spent} it was not over. {raising}."
    what = _BUDGETS[cause.limit]
    if cause.spent is None:
        return (
            f"The run may cost {cause.allowed} {what}, and nobody knows what its calls cost, so that cannot be kept. "
            "Use a generator that says the cost, or a limit on tokens."
        )
    return f"The run may use {cause.allowed} {what}, and has used {cause.spent}. {raising}, or ask for less."


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


def check_catchable(*errors: object) -> None:
    """Raises `TypeError` for what no exception can be an instance of."""
    for one in errors:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise TypeError(f"catch() takes classes of exceptions, as in catch(ValueError); not {one!r}.")


def carry(error: BaseException, **facts: object) -> None:
    """Puts facts on an exception, of whatever class it is; one that takes none is left as it is."""
    with suppress(AttributeError):
        for name, fact in facts.items():
            setattr(error, name, fact)
