"""What a hook is told at each moment of a run: frozen details, one class a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rigging_py.message import GenerateParams, Message, ModelTurn
from rigging_py.run import (
    CallModel,
    DecisionRequest,
    Entry,
    PendingToolCall,
    Problem,
    StreamedTurnEvent,
    ToolResult,
)


@dataclass(frozen=True, slots=True)
class RunDetail:
    """A run begins or goes on, or several in one batch, which each begin inside of it.

    `name` is what the pipeline is called, `generator_id` the connection string of who answers, without options.
    """

    run_ids: tuple[str, ...]
    name: str
    generator_id: str


@dataclass(frozen=True, slots=True)
class PromptDetail:
    """A prompt of this name is called; its runs begin inside of it."""

    name: str


@dataclass(frozen=True, slots=True)
class ModelCallDetail:
    """A model is about to be called with `messages` and `params`; `generator_id` says which, without options."""

    run_id: str
    step: CallModel
    messages: Sequence[Message]
    params: GenerateParams
    generator_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelTurnDetail:
    """A model has answered `step`, and the run has not taken the turn yet."""

    run_id: str
    step: CallModel
    turn: ModelTurn


@dataclass(frozen=True, slots=True)
class InvalidCallDetail:
    """A call cannot be executed as it is."""

    run_id: str
    call: PendingToolCall
    problem: Problem


@dataclass(frozen=True, slots=True)
class ApprovalDetail:
    """A call waits for somebody's decision."""

    run_id: str
    request: DecisionRequest


@dataclass(frozen=True, slots=True)
class ToolDetail:
    """A tool is about to be executed."""

    run_id: str
    call: PendingToolCall


@dataclass(frozen=True, slots=True)
class ToolResultDetail:
    """A tool has given a result, and the run has not taken it yet."""

    run_id: str
    call: PendingToolCall
    result: ToolResult


@dataclass(frozen=True, slots=True)
class DeltaDetail:
    """A piece of a turn came in; only runs that stream have these."""

    run_id: str
    event: StreamedTurnEvent


@dataclass(frozen=True, slots=True)
class StateDetail:
    """The run accepted an input: entry `at` of its journal says which, and the state it led to."""

    run_id: str
    at: int
    entry: Entry
