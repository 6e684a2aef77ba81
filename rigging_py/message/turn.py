"""What one model call gives: a turn, how it ended, what it used, and the deltas it may come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from rigging_py.message.calls import ToolCall
from rigging_py.message.content import Content
from rigging_py.message.making import assemble
from rigging_py.message.message import Message

StopReason = Literal["stop", "length", "content_filter", "tool_calls", "unknown"]
"""Why a model stopped."""

_REASONS: dict[str, StopReason] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("content_filter", "refusal", "safety", "sensitive"), "content_filter"),
    "function_call": "tool_calls",
    "model_context_window_exceeded": "length",
}


def to_stop_reason(raw: object, *, has_calls: bool = False) -> StopReason:
    """A provider's own word for why it stopped, in ours; some say of a turn with calls only that it stopped."""
    word = str(raw or "").lower()
    reason = _REASONS.get(word, "tool_calls" if "tool" in word else "unknown")
    return "tool_calls" if has_calls and reason == "stop" else reason


def _is_untold(count: int | None) -> bool:
    return count is None


class Usage(BaseModel):
    """Tokens: what was read, what was written, and their total. Others may be given by name; `+` adds these.

    Some of what was read or written is counted once more by its kind, where the provider tells; None where it does not,
    and a sum then has what was told. `cost` is in US dollars; None where nobody knows, and then no sum with it is known
    either.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    input_tokens: int = 0
    """All that were read, those from a cache too."""
    output_tokens: int = 0
    """All that were written, those of reasoning too."""
    total_tokens: int = 0
    cost: float | None = Field(default=None, allow_inf_nan=False)
    cached_tokens: int | None = Field(default=None, exclude_if=_is_untold)
    """Those that were read from the provider's prompt cache."""
    cache_write_tokens: int | None = Field(default=None, exclude_if=_is_untold)
    """Those that were read, and written into the provider's prompt cache."""
    reasoning_tokens: int | None = Field(default=None, exclude_if=_is_untold)
    """Those that were written as reasoning."""
    audio_tokens: int | None = Field(default=None, exclude_if=_is_untold)
    """Those that were heard or spoken."""

    def __add__(self, other: Usage | None) -> Usage:
        if other is None:
            return self
        sums = _others_of(self, other)
        fields = {
            "input_tokens": self.input_tokens + other.input_tokens,
            "output_tokens": self.output_tokens + other.output_tokens,
            "total_tokens": self.total_tokens + other.total_tokens,
            "cost": self.cost + other.cost if self.cost is not None and other.cost is not None else None,
            **{name: sums.pop(name, None) for name in _KINDS},
        }
        return assemble(Usage, fields, extra=sums)

    def __str__(self) -> str:
        return f"{self.input_tokens} in + {self.output_tokens} out = {self.total_tokens} tokens"


_KINDS = ("cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio_tokens")


def _others_of(*usages: Usage) -> dict[str, Any]:
    """The sums of the counts that not every provider gives; what is no number has none."""
    sums: dict[str, Any] = {}
    for usage in usages:
        for name in _KINDS:
            if (count := getattr(usage, name)) is not None:
                sums[name] = sums.get(name, 0) + count
        for name, value in (usage.model_extra or {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                sums[name] = sums.get(name, 0) + value
    return sums


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
