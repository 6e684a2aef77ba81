"""A text waiting to be continued, and the continued text."""

from rigging_py.completion.completion import Completion, CompletionPipeline, complete

__all__ = ["Completion", "CompletionPipeline", "complete"]
