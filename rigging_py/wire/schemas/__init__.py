"""JSON schemas as each provider takes them: rewritten on the way out, their values turned back on the way in."""

from rigging_py.wire.schemas.changes import Change
from rigging_py.wire.schemas.dialect import (
    ANTHROPIC,
    GEMINI,
    LLAMA_CPP,
    OPENAI,
    PLAIN,
    Dialect,
    openai_dialect,
)
from rigging_py.wire.schemas.params import RestoringStream, RewrittenParams, StrictShape, rewritten_params
from rigging_py.wire.schemas.rewritten import RewrittenSchema, rewritten

__all__ = [
    "ANTHROPIC",
    "GEMINI",
    "LLAMA_CPP",
    "OPENAI",
    "PLAIN",
    "Change",
    "Dialect",
    "RestoringStream",
    "RewrittenParams",
    "RewrittenSchema",
    "StrictShape",
    "openai_dialect",
    "rewritten",
    "rewritten_params",
]
