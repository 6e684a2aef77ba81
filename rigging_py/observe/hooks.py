"""`Hooks`: what a program may do at each moment of a run, and the answers it may give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

from rigging_py.message import GenerateParams, Messages, ModelTurn
from rigging_py.observe.details import (
    ApprovalDetail,
    DeltaDetail,
    InvalidCallDetail,
    ModelCallDetail,
    ModelTurnDetail,
    PromptDetail,
    RunDetail,
    StateDetail,
    ToolDetail,
    ToolResultDetail,
)
from rigging_py.run import Decision, Resolution, ToolResult

EditTurn: TypeAlias = Callable[[ModelTurn], Awaitable[ModelTurn]]
"""Gets the turn that a model gave, and answers the turn that the run takes."""
Outcome: TypeAlias = Callable[[object], None]
"""Is told what came of it: a `ModelTurn`, a `ToolResult`, or the chats."""


@dataclass(frozen=True, slots=True)
class ModelCallPatch:
    """Send these messages, or these parameters, instead; the run's own history stays as it is.

    `edit` gets the turn that this call gives, and answers the turn that the run takes.
    """

    messages: Messages | None = None
    params: GenerateParams | None = None
    edit: EditTurn | None = None


@dataclass(frozen=True, slots=True)
class RefuseTurn:
    """Execute nothing of the turn and ask again with this feedback; it counts as an answer that is not valid."""

    feedback: str


@dataclass(frozen=True, slots=True)
class RewriteArguments:
    """Execute the tool with these arguments instead; they are checked, and the history shows them."""

    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SkipTool:
    """Do not execute the tool; this is its result."""

    result: ToolResult

    def __post_init__(self) -> None:
        _is_result(self)


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """This is the tool's result instead."""

    result: ToolResult

    def __post_init__(self) -> None:
        _is_result(self)


def _is_result(answer: SkipTool | ReplaceResult) -> None:
    if not isinstance(answer.result, ToolResult):  # pyright: ignore[reportUnnecessaryIsInstance]
        name = type(answer).__name__
        raise TypeError(f"{name} takes a result, as in {name}(ToolResult('…')); not {answer.result!r}.")


@dataclass(frozen=True, slots=True)
class StopRun:
    """End the run as cancelled."""

    reason: str


def _untold(_: object) -> None:
    """Nobody wants to know."""


@runtime_checkable
class Hooks(Protocol):
    """Derive from this class and define the moments you want; the others cost nothing.

    None leaves things as they are. Of several hooks each sees what those before it changed, and the first decision
    counts. What a hook raises ends the driving, not the run, which can be resumed: a turn that was being judged is
    asked for again, and a tool whose result was being judged is dealt with by its `on_unfinished`.
    """

    def around(
        self, detail: RunDetail | PromptDetail | ModelCallDetail | ToolDetail
    ) -> AbstractContextManager[Outcome]:
        """Runs, a prompt, a call of a model, or a tool: entered before, and left after it, however it ends."""
        return nullcontext(_untold)

    async def before_model_call(self, detail: ModelCallDetail) -> ModelCallPatch | None:
        """A model is about to be called."""
        return None

    async def after_model_turn(self, detail: ModelTurnDetail) -> RefuseTurn | StopRun | None:
        """A model has answered."""
        return None

    async def on_invalid_call(self, detail: InvalidCallDetail) -> Resolution | None:
        """A tool call cannot be executed; without an answer the model is told why."""
        return None

    async def on_approval(self, detail: ApprovalDetail) -> Decision | None:
        """A tool call waits for a decision; when nobody decides, the run is paused."""
        return None

    async def before_tool(self, detail: ToolDetail) -> RewriteArguments | SkipTool | StopRun | None:
        """A tool is about to be executed."""
        return None

    async def after_tool(self, detail: ToolResultDetail) -> ReplaceResult | StopRun | None:
        """A tool has given a result."""
        return None

    async def on_delta(self, detail: DeltaDetail) -> None:
        """A piece of a turn came in."""
        return

    async def on_state(self, detail: StateDetail) -> None:
        """The run accepted an input."""
        return


_PREFIXES = ("before_", "after_", "on_")
_MOMENTS = ("around", *(name for name in vars(Hooks) if name.startswith(_PREFIXES)))


def check_hook(hook: object) -> None:
    """Raises `TypeError` for what would never be asked: no object with a moment of its own, or a moment misspelt."""
    if isinstance(hook, type):
        raise TypeError(f"A hook is an object; give {hook.__name__}() and not the class.")
    if isinstance(hook, Hooks):
        odd = [name for name in dir(type(hook)) if name.startswith(_PREFIXES) and name not in _MOMENTS]
        if odd:
            raise TypeError(f"{type(hook).__name__}.{odd[0]} is no moment of a run; these are: {', '.join(_MOMENTS)}.")
    if not any(hasattr(hook, name) for name in _MOMENTS):
        raise TypeError(f"{hook!r} has none of the moments of a run, which are: {', '.join(_MOMENTS)}.")
