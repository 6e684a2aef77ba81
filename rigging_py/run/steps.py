"""What the machine asks of its driver and what the driver answers: closed unions of frozen data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from rigging_py.error import FailureKind
from rigging_py.message import Content, Message, StopReason, Usage
from rigging_py.parsing import JsonShape, Shape
from rigging_py.run.causes import Cause, Problem


@dataclass(frozen=True, slots=True)
class PendingToolCall:
    """A tool call that waits for its result.

    `key` names it within all runs (`{run_id}/{turn}/{index}`), `id` is the provider's name for it. `arguments` are read
    from `raw`, the model's own text; they are empty when it is `malformed`, which is to say no JSON object.
    """

    key: str
    id: str
    name: str
    arguments: dict[str, Any]
    raw: str
    malformed: bool = False


Why: TypeAlias = Literal["approval", "unfinished"]
"""Why a call waits for a decision: its tool needs approval, or a driver that is gone had started it."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave: text or content parts, whether that is an error, and whether the run ends with it."""

    content: str | tuple[Content, ...]
    error: bool = False
    stop: bool = False
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call that was made: in which turn, which attempt, what it used, and how it ended.

    `failure` is empty for a call that gave a turn; `Retried` is one that the generator made again by itself.
    """

    turn: int
    attempt: int
    usage: Usage | None = None
    stop_reason: StopReason | Literal[""] = ""
    failure: FailureKind | Literal["", "Retried"] = ""


Truncation: TypeAlias = Literal["", "raised", "continued", "kept_items"]
"""How an answer that the token limit cut was had after all: under a higher limit, continued, or in part."""


@dataclass(frozen=True, slots=True)
class Response:
    """What a finished run gives.

    `output` is the value that was asked for, or the text when nothing was; `output_error` says why it is only text,
    and `truncation` how it was had where the token limit cut it. `messages` is the conversation, without refused
    answers where the dialog is not kept (`AgentRun.messages` has them); `usage` is the sum over `calls`, failed ones
    included.
    """

    output: object
    messages: tuple[Message, ...]
    usage: Usage
    calls: tuple[ModelCall, ...]
    output_error: str | None = None
    truncation: Truncation = ""


# Steps: what the driver does next.


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a call needs other than the conversation's own parameters."""

    max_tokens: int


@dataclass(frozen=True, slots=True)
class CallModel:
    """Send `messages` to a model; answer with `model_response` or `model_failed`.

    `output` is the shape of the answer, for those that can enforce it. `overrides` go over the driver's parameters.
    With a `prefix` the model has said that much already and is to go on from there: only what is new is its answer.
    """

    messages: tuple[Message, ...]
    turn: int
    attempt: int
    request_id: str
    output: Shape | JsonShape | None = None
    overrides: Overrides | None = None
    prefix: str = ""

    @property
    def prompt(self) -> Message:
        """The last message."""
        return self.messages[-1]

    @property
    def history(self) -> Sequence[Message]:
        """The messages before the last."""
        return self.messages[:-1]


@dataclass(frozen=True, slots=True)
class ResolveToolCall:
    """Say what becomes of a call that cannot be executed; answer with `resolve_tool_call`."""

    call: PendingToolCall
    problem: Problem


@dataclass(frozen=True, slots=True)
class CallTools:
    """Execute `calls`, in any order; answer each with `tool_result`.

    `started` are the keys that were begun with `tool_started` and have no result: after a crash, say `recover()` first.
    """

    calls: tuple[PendingToolCall, ...]
    started: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A call that waits for somebody's decision, because its tool needs approval or because it was left unfinished."""

    call: PendingToolCall
    why: Why = "approval"


@dataclass(frozen=True, slots=True)
class AwaitDecision:
    """Decide about `requests`, in any order; answer each with `decide`."""

    requests: tuple[DecisionRequest, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The run is complete."""

    response: Response


@dataclass(frozen=True, slots=True)
class Failed:
    """The run ended without what it was for. `messages` is what `Response.messages` would be."""

    cause: Cause
    messages: tuple[Message, ...]
    usage: Usage


AgentRunStep: TypeAlias = CallModel | ResolveToolCall | AwaitDecision | CallTools | Done | Failed
"""What a driver does next."""


# Outcomes: what a model turn came to. `next_step` says the same; these spare a driver the call.


@dataclass(frozen=True, slots=True)
class TurnFinished:
    """The run is done."""


@dataclass(frozen=True, slots=True)
class TurnRejected:
    """The answer was not what was asked for; the model will be asked again."""

    feedback: str


@dataclass(frozen=True, slots=True)
class ToolsRequested:
    """Tools are to be executed."""

    calls: tuple[PendingToolCall, ...]


@dataclass(frozen=True, slots=True)
class DecisionNeeded:
    """Somebody must decide before tools are executed."""

    requests: tuple[DecisionRequest, ...]


@dataclass(frozen=True, slots=True)
class TurnCut:
    """The token limit cut the answer that was asked for; the model will be asked again, `how` says in which way."""

    how: Literal["raised", "continued"]


@dataclass(frozen=True, slots=True)
class ResolutionNeeded:
    """A tool call cannot be executed as it is."""

    call: PendingToolCall
    problem: Problem


@dataclass(frozen=True, slots=True)
class TurnContinued:
    """Every call of the turn is answered, or something was said meanwhile; the model will be asked again."""


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The run failed."""

    cause: Cause


ModelTurnOutcome: TypeAlias = (
    TurnFinished
    | TurnRejected
    | TurnCut
    | ToolsRequested
    | DecisionNeeded
    | ResolutionNeeded
    | TurnContinued
    | TurnFailed
)
"""What a model turn, or the resolution of a call in it, came to."""


# Resolutions: what becomes of a call that cannot be executed.


@dataclass(frozen=True, slots=True)
class Answer:
    """Give the call this text as its result; the other calls are executed."""

    text: str
    error: bool = True
    type: Literal["Answer"] = "Answer"


@dataclass(frozen=True, slots=True)
class Retry:
    """Execute nothing, tell the model what was wrong, and ask again."""

    feedback: str
    type: Literal["Retry"] = "Retry"


@dataclass(frozen=True, slots=True)
class Repair:
    """Execute the call under another name, with other arguments, or both."""

    name: str | None = None
    arguments: dict[str, Any] | None = None
    type: Literal["Repair"] = "Repair"


@dataclass(frozen=True, slots=True)
class Skip:
    """Execute nothing, answer every call with the reason, and ask again."""

    reason: str
    type: Literal["Skip"] = "Skip"


@dataclass(frozen=True, slots=True)
class Fail:
    """End the run as failed because of this call."""

    type: Literal["Fail"] = "Fail"


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run as cancelled."""

    reason: str
    type: Literal["Stop"] = "Stop"


Resolution: TypeAlias = Annotated[Answer | Retry | Repair | Skip | Fail | Stop, Field(discriminator="type")]
"""What becomes of a call that cannot be executed."""


# Decisions: what becomes of a call that waits for one.


@dataclass(frozen=True, slots=True)
class Approve:
    """Execute the call."""

    type: Literal["Approve"] = "Approve"


@dataclass(frozen=True, slots=True)
class Deny:
    """Do not execute the call; the model reads the reason as its result."""

    reason: str
    type: Literal["Deny"] = "Deny"


@dataclass(frozen=True, slots=True)
class Edit:
    """Execute the call with other arguments, which are checked."""

    arguments: dict[str, Any]
    type: Literal["Edit"] = "Edit"


Decision: TypeAlias = Annotated[Approve | Deny | Edit, Field(discriminator="type")]
"""What becomes of a call that waits for a decision."""

InputName = Literal[
    "next_step",
    "model_response",
    "model_failed",
    "resolve_tool_call",
    "decide",
    "tool_started",
    "tool_result",
    "recover",
    "inject",
    "expire",
    "cancel",
    "raise_limit",
    "rename",
    "recheck",
]
"""The inputs of the machine."""
