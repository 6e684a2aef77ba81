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
from rigging_py.wire.schemas.journey import Arrivals, Journey, StrictShape, set_out
from rigging_py.wire.schemas.travel import TravelSchema, travel

__all__ = [
    "ANTHROPIC",
    "GEMINI",
    "LLAMA_CPP",
    "OPENAI",
    "PLAIN",
    "Arrivals",
    "Change",
    "Dialect",
    "Journey",
    "StrictShape",
    "TravelSchema",
    "openai_dialect",
    "set_out",
    "travel",
]
