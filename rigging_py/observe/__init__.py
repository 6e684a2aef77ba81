"""Watching and steering runs from outside: one protocol of hooks, called by the driver at each moment of a run."""

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
from rigging_py.observe.hooks import (
    EditTurn,
    Hooks,
    ModelCallPatch,
    Outcome,
    RefuseTurn,
    ReplaceResult,
    RewriteArguments,
    SkipTool,
    StopRun,
    check_hook,
)
from rigging_py.observe.seam import Seam
from rigging_py.observe.tracing import Tracing, automatic, is_listened_to

__all__ = [
    "ApprovalDetail",
    "DeltaDetail",
    "EditTurn",
    "Hooks",
    "InvalidCallDetail",
    "ModelCallDetail",
    "ModelCallPatch",
    "ModelTurnDetail",
    "Outcome",
    "PromptDetail",
    "RefuseTurn",
    "ReplaceResult",
    "RewriteArguments",
    "RunDetail",
    "Seam",
    "SkipTool",
    "StateDetail",
    "StopRun",
    "ToolDetail",
    "ToolResultDetail",
    "Tracing",
    "automatic",
    "check_hook",
    "is_listened_to",
]
