"""What one model call gives: a turn, how it ended, what it used, and the deltas it may come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from rigging_py.message.calls import ToolCall
from rigging_py.message.content import Content
from rigging_py.message.message import Message

StopReason = Literal["stop", "length", "content_filter", "tool_calls", "unknown"]
"""Why a model stopped."""

_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
}


def to_stop_reason(raw: object) -> StopReason:
    """A provider's own word for why it stopped, in ours."""
    word = str(raw or "").lower()
    return _REASONS.get(word, "tool_calls" if "tool" in word else "unknown")


class Usage(BaseModel):
    """Tokens: what was read, what was written, and their total. Others may be given by name; `+` adds these.

    `cost` is in US dollars; None where nobody knows, and then no sum with it is known either.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cost: float | None = Field(default=None, allow_inf_nan=False)

    def __add__(self, other: Usage | None) -> Usage:
        if other is None:
            return self
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            cost=self.cost + other.cost if self.cost is not None and other.cost is not None else None,
        )

    def __str__(self) -> str:
        return f"{self.input_tokens} in + {self.output_tokens} out = {self.total_tokens} tokens"


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What a model answered to one call: an assistant message and the facts about it.

    `attempts` holds the usage of calls that failed before this one succeeded, `extra` whatever else the provider said.
    """

    message: Message
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    attempts: tuple[Usage, ...] = ()

    @classmethod
    def from_text(cls, text: str, stop_reason: StopReason = "stop", usage: Usage | None = None) -> Self:
        """A turn that only says `text`."""
        return cls(Message("assistant", text), stop_reason, usage)

    @classmethod
    def of(
        cls,
        content: str | Sequence[str | Content] = "",
        tool_calls: Sequence[ToolCall] = (),
        *,
        stop_reason: StopReason | None = None,
        usage: Usage | None = None,
    ) -> Self:
        """A turn that says `content` and asks for `tool_calls`."""
        message = Message("assistant", content, tool_calls=list(tool_calls) or None)
        return cls(message, stop_reason or ("tool_calls" if tool_calls else "stop"), usage)


@dataclass(frozen=True, slots=True)
class GeneratedText:
    """What a model wrote after a text, and the facts about it."""

    text: str
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def from_text(cls, text: str, stop_reason: StopReason = "stop") -> Self:
        """A text without any facts about it."""
        return cls(text, stop_reason)

    def to_generated_message(self) -> ModelTurn:
        """The same as an assistant's message."""
        return ModelTurn(Message("assistant", self.text), self.stop_reason, self.usage, self.extra)


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of the tool call at `index`: its id and name come once, its arguments in pieces."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


Delta: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta | ModelTurn
"""A piece of a streamed answer. The last one is the whole turn; a stream without it was cut off."""
