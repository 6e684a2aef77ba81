"""Policies: generators that ask others under a rule, as in `retry(limit(openai!gpt-4o),rpm=60),attempts=5`."""

from typing import TYPE_CHECKING

from rigging_py.generator.policies.base import Call, Piece, Policy
from rigging_py.lazy import on_first_use

if TYPE_CHECKING:
    from rigging_py.generator.policies.fallback import Fallback
    from rigging_py.generator.policies.limit import Limit
    from rigging_py.generator.policies.retry import Retry

__all__ = ["Call", "Fallback", "Limit", "Piece", "Policy", "Retry"]

if not TYPE_CHECKING:  # or checkers would take any name
    __getattr__ = on_first_use(__name__, {"Fallback": "fallback", "Limit": "limit", "Retry": "retry"})
