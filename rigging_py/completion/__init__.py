"""A text waiting to be continued, and the continued text."""

from rigging_py.completion.completion import Completion
from rigging_py.completion.pipeline import (
    CompletionPipeline,
    MapCompletionCallback,
    ThenCompletionCallback,
    UntilCompletionCallback,
    complete,
)

__all__ = [
    "Completion",
    "CompletionPipeline",
    "MapCompletionCallback",
    "ThenCompletionCallback",
    "UntilCompletionCallback",
    "complete",
]
