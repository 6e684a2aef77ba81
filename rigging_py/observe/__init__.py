"""Watching and steering runs from outside: one protocol of hooks, called by the driver at each moment of a run."""

from rigging_py.observe.details import (
    ApprovalDetail,
    DeltaDetail,
    InvalidCallDetail,
    ModelCallDetail,
    ModelTurnDetail,
    StateDetail,
    ToolDetail,
    ToolResultDetail,
)
from rigging_py.observe.hooks import (
    Hooks,
    ModelCallPatch,
    RefuseTurn,
    ReplaceResult,
    RewriteArguments,
    SkipTool,
    StopRun,
    check_hook,
)
from rigging_py.observe.seam import Seam

__all__ = [
    "ApprovalDetail",
    "DeltaDetail",
    "Hooks",
    "InvalidCallDetail",
    "ModelCallDetail",
    "ModelCallPatch",
    "ModelTurnDetail",
    "RefuseTurn",
    "ReplaceResult",
    "RewriteArguments",
    "Seam",
    "SkipTool",
    "StateDetail",
    "StopRun",
    "ToolDetail",
    "ToolResultDetail",
    "check_hook",
]
