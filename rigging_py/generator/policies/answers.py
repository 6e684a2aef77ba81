"""Turns, texts, deltas and failures of providers as JSON, and back: what caches keep and recordings hold. Data only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

import rigging_py.error as errors
from rigging_py.error import FailureKind, ProviderError
from rigging_py.message import Delta, GeneratedText, ModelTurn, ReasoningDelta, TextDelta, ToolCallDelta, Usage

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Failure(BaseModel):
    """A `ProviderError` as data."""

    model_config = _STRICT

    kind: FailureKind
    message: str
    provider: str = ""
    status: int | None = None
    request_id: str | None = None
    body: str = ""
    retry_after: float | None = None
    is_outcome_unknown: bool = False
    usage: Usage | None = None

    @classmethod
    def of(cls, error: ProviderError) -> Self:
        """The failure that an error tells of."""
        names = [name for name in cls.model_fields if name != "message"]
        return cls.model_validate({"message": str(error), **{name: getattr(error, name) for name in names}})

    def error(self) -> ProviderError:
        """The error that tells of it, of the class that stands for its kind."""
        facts = {
            name: getattr(self, name) for name in type(self).model_fields if name not in ("kind", "message", "usage")
        }
        error = _classes()[self.kind](self.message, **facts)
        error.usage = self.usage
        return error


@cache
def _classes() -> dict[FailureKind, type[ProviderError]]:
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, ProviderError)]
    return {one.kind: one for one in found}  # the base, whose kind is a subclass's too, comes first


class PieceForm(BaseModel):
    """A delta that is not the whole turn: text, reasoning, or a piece of a call."""

    model_config = _STRICT

    text: str | None = None
    reasoning: str | None = None
    call: ToolCallDelta | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1 or self.delta() is None:
            raise ValueError("a delta is one of text, reasoning and call")
        return self

    @classmethod
    def of(cls, delta: object) -> Self:
        """The form of a delta."""
        match delta:
            case TextDelta(text):
                return cls(text=text)
            case ReasoningDelta(text):
                return cls(reasoning=text)
            case ToolCallDelta():
                return cls(call=delta)
            case _:  # of a user's own
                raise TypeError(f"A delta is text, reasoning or a piece of a call; not {delta!r}.")

    def delta(self) -> TextDelta | ReasoningDelta | ToolCallDelta | None:
        """The delta."""
        if self.text is not None:
            return TextDelta(self.text)
        return ReasoningDelta(self.reasoning) if self.reasoning is not None else self.call


class Answer(BaseModel):
    """How a call was answered: by a turn, a text or a failure, with the deltas that came before it.

    With none of the three its reader left a stream before the end.
    """

    model_config = _STRICT

    deltas: list[PieceForm] | None = None
    turn: ModelTurn | None = None
    text: GeneratedText | None = None
    failure: Failure | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        ends = [one for one in (self.turn, self.text, self.failure) if one is not None]
        if len(ends) > 1 or (not ends and self.deltas is None):
            raise ValueError("an answer has one of turn, text and failure")
        return self

    @classmethod
    def of(cls, whole: ModelTurn | GeneratedText, deltas: list[PieceForm] | None = None) -> Self:
        """The answer that a turn or a text is."""
        if isinstance(whole, ModelTurn):
            return cls.model_construct(deltas=deltas, turn=whole)
        return cls.model_construct(deltas=deltas, text=whole)

    def to_data(self) -> dict[str, Any]:
        """JSON-safe data; what JSON has no form for is in it as its `repr`."""
        return self.model_dump(mode="json", exclude_none=True, fallback=repr)

    def pieces(self) -> Iterator[Delta]:
        """The deltas that came before the end."""
        for form in self.deltas or ():
            if (delta := form.delta()) is not None:
                yield delta
