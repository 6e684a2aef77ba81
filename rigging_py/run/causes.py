"""Why a run failed, and what was wrong with a tool call: closed unions of frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from rigging_py.error import FailureKind, ProviderError


@dataclass(frozen=True, slots=True)
class PartialStreamedTurn:
    """What had arrived of a streamed turn when the stream broke off: no turn, and no tool of it is run.

    `calls` are the tool calls begun, each its name and as much of its arguments as came.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A failure of the answering side, as data: which `kind` of the taxonomy, what it said, and who said it.

    `message` is the error's own text, at most 2,000 characters of it. `partial` is what had arrived of a stream.
    """

    kind: FailureKind
    message: str
    type: str = ""
    provider: str = ""
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    partial: PartialStreamedTurn | None = None

    @classmethod
    def of(cls, error: BaseException, partial: PartialStreamedTurn | None = None) -> FailureRecord:
        """The record of an exception; one that the taxonomy does not know counts as a fault of the answering side."""
        name, text = type(error).__qualname__, shortened(str(error), 2000)
        if not isinstance(error, ProviderError):
            return cls("TimedOut" if isinstance(error, TimeoutError) else "ServerFault", text, name, partial=partial)
        return cls(error.kind, text, name, error.provider, error.status, error.request_id, error.retry_after, partial)


@dataclass(frozen=True, slots=True)
class MaxTurns:
    """A limit on turns was reached: `limit` names it, `allowed` is its value."""

    limit: Literal["max_turns", "max_tool_turns", "max_call_retries"]
    allowed: int
    type: Literal["MaxTurns"] = "MaxTurns"


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """A budget was spent: `limit` names it, `allowed` is its value, `spent` what was used (None: nobody knows)."""

    limit: Literal["max_total_tokens", "max_cost", "max_tool_calls", "deadline"]
    allowed: int | float | str
    spent: int | float | str | None
    type: Literal["BudgetExceeded"] = "BudgetExceeded"


@dataclass(frozen=True, slots=True)
class UnfinishedToolCall:
    """A call was started by a driver that is gone, and its tool's policy is to fail."""

    name: str
    key: str
    type: Literal["UnfinishedToolCall"] = "UnfinishedToolCall"


@dataclass(frozen=True, slots=True)
class UnknownToolCall:
    """The model called a tool in a way that could not be answered, and the driver chose to fail."""

    name: str
    problem: str
    type: Literal["UnknownToolCall"] = "UnknownToolCall"


@dataclass(frozen=True, slots=True)
class OutputInvalid:
    """The answer was not what was asked for, `retries` times over; `feedback` says what was wrong with the last."""

    feedback: str
    retries: int
    kind: Literal["missing", "malformed", "invalid", "rejected"] = "invalid"
    type: Literal["OutputInvalid"] = "OutputInvalid"


@dataclass(frozen=True, slots=True)
class Truncated:
    """The answer was cut off by the token limit before it said what was asked for."""

    advice: str
    type: Literal["Truncated"] = "Truncated"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody ended the run."""

    reason: str
    by: str = ""
    type: Literal["Cancelled"] = "Cancelled"


@dataclass(frozen=True, slots=True)
class ProviderFailure:
    """The answering side failed, and no attempt is left or worth making."""

    error: FailureRecord
    type: Literal["ProviderFailure"] = "ProviderFailure"


Cause: TypeAlias = Annotated[
    MaxTurns
    | BudgetExceeded
    | UnknownToolCall
    | UnfinishedToolCall
    | OutputInvalid
    | Truncated
    | Cancelled
    | ProviderFailure,
    Field(discriminator="type"),
]
"""Why a run failed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a tool call, in a kind and in words that a model can act on."""

    kind: Literal["unknown", "not_allowed", "malformed", "invalid"]
    text: str


def shortened(text: str, limit: int = 200) -> str:
    """The text, or its first `limit` characters and a mark: what others wrote may be of any length."""
    return text if len(text) <= limit else f"{text[:limit]}…"
