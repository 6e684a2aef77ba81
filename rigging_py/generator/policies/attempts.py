"""What is told of the failures before an answer, or before the failure that was the last."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace

from rigging_py.error import ProviderError
from rigging_py.generator.policies.base import Piece
from rigging_py.message import ModelTurn, Usage

_BEFORE = "Before it failed"
_SHOWN = 5


def with_attempts(piece: Piece, failures: Sequence[ProviderError]) -> Piece:
    """The piece; a turn with what the failures before it used."""
    if not failures or not isinstance(piece, ModelTurn):
        return piece
    return replace(piece, attempts=(*map(_used, failures), *piece.attempts))


def failed_after(error: ProviderError, failures: Sequence[ProviderError]) -> ProviderError:
    """The error with the failures before it, those in them too, and with what all of them used, where that is known."""
    if not failures:
        return error
    if any(one is error for one in failures):
        error = copy(error)  # or it would be one of its own attempts
    known = [one.usage for one in (*failures, error) if one.usage is not None]
    if known:
        unknown = [Usage()] if any(_is_open(one) for one in (*failures, error)) else []
        error.usage = sum((*known, *unknown), Usage(cost=0.0))
    error.attempts = (*(each for one in failures for each in (*one.attempts, one)), *error.attempts)
    _note(error)
    return error


def _note(error: ProviderError) -> None:
    """Shows the earlier failures under the error, in place of what an inner policy has shown."""
    lines = [f"  {type(one).__name__}: {one}" for one in error.attempts]
    left_out = [f"  … {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith(_BEFORE)]
    error.__notes__ = [*notes, "\n".join([f"{_BEFORE} ({len(lines)} in `.attempts`):", *lines[:_SHOWN], *left_out])]


def _used(error: ProviderError) -> Usage:
    """What a failed call used. One that was refused cost nothing; of others nobody may know."""
    return error.usage or (Usage() if _is_open(error) else Usage(cost=0.0))


def _is_open(error: ProviderError) -> bool:
    return any(
        one.usage is None and (one.is_outcome_unknown or one.kind in ("Interrupted", "TimedOut"))
        for one in (*error.attempts, error)
    )
