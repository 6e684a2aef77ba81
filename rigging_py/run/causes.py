"""Why a run failed, and what was wrong with a tool call: closed unions of frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from rigging_py.error import FailureKind, ProviderError


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A failure of the answering side, as data: which `kind` of the taxonomy, what it said, and who said it.

    `message` is the error's own text, at most 2,000 characters of it.
    """

    kind: FailureKind
    message: str
    type: str = ""
    provider: str = ""
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None

    @classmethod
    def of(cls, error: BaseException) -> FailureRecord:
        """The record of an exception; one that the taxonomy does not know counts as a fault of the answering side."""
        name, text = type(error).__qualname__, shortened(str(error), 2000)
        if not isinstance(error, ProviderError):
            return cls("TimedOut" if isinstance(error, TimeoutError) else "ServerFault", text, name)
        return cls(error.kind, text, name, error.provider, error.status, error.request_id, error.retry_after)


@dataclass(frozen=True, slots=True)
class MaxTurns:
    """A limit on turns was reached: `limit` names it, `allowed` is its value."""

    limit: Literal["max_turns", "max_tool_turns", "max_call_retries"]
    allowed: int
    type: Literal["MaxTurns"] = "MaxTurns"


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
    MaxTurns | UnknownToolCall | OutputInvalid | Truncated | Cancelled | ProviderFailure, Field(discriminator="type")
]
"""Why a run failed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a tool call, in a kind and in words that a model can act on."""

    kind: Literal["unknown", "malformed", "invalid"]
    text: str


def shortened(text: str, limit: int = 200) -> str:
    """The text, or its first `limit` characters and a mark: what others wrote may be of any length."""
    return text if len(text) <= limit else f"{text[:limit]}…"
