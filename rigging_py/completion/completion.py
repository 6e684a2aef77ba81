"""`Completion`: a text and what a model wrote after it, as a value that can be stored, forked and continued."""

from __future__ import annotations

import uuid as uuid_module
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, computed_field, model_validator

from rigging_py.chat.chat import Timestamp, known_id
from rigging_py.generator import Generator, get_generator
from rigging_py.message import GenerateParams, StopReason, Usage, fresh, new_uuid

if TYPE_CHECKING:
    from rigging_py.completion.pipeline import CompletionPipeline


class Completion(BaseModel):
    """A text and what a model wrote after it.

    A stored completion names its generator in `generator_id` and never builds it; say `restart(generator=…)` to go on.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    uuid: uuid_module.UUID = Field(default_factory=new_uuid)
    timestamp: Timestamp = Field(default_factory=lambda: datetime.now(UTC))
    text: str
    generated: str
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    """Tokens of every call that it took, failed ones included."""
    extra: dict[str, Any] = Field(default_factory=dict[str, Any])
    failed: bool = False
    params: GenerateParams | None = Field(default=None, exclude=True)
    error: BaseException | None = Field(default=None, exclude=True, repr=False)
    """What ended the run, where it failed."""
    generator: Generator | None = Field(default=None, exclude=True, repr=False)

    _generator_id: str | None = PrivateAttr(default=None)
    _output: object = PrivateAttr(default=None)

    def __init__(
        self, text: str, generated: str, generator: Generator | None = None, *, output: object = None, **fields: Any
    ) -> None:
        super().__init__(text=text, generated=generated, generator=generator, **fields)
        self._output = output

    @model_validator(mode="wrap")
    @classmethod
    def _from_stored(cls, data: Any, handler: Any) -> Self:
        if not isinstance(data, Mapping):
            return cast("Self", handler(data))
        values = dict(cast("Mapping[str, Any]", data))
        generator_id = values.pop("generator_id", None)
        completion = cast("Self", handler(values))
        completion._generator_id = generator_id or completion._generator_id
        return completion

    @computed_field  # type: ignore[prop-decorator]
    @property
    def generator_id(self) -> str | None:
        """The connection string of the generator, without its key; None for a class that is not registered."""
        return known_id(self.generator, self.params, self._generator_id)

    @property
    def all(self) -> str:
        """The text with its continuation."""
        return self.text + self.generated

    @property
    def output(self) -> object:
        """The value that the pipeline asked for, or the continuation; only on a completion that was just made."""
        return self._output

    def __len__(self) -> int:
        return len(self.generated)

    def restart(self, *, generator: Generator | str | None = None, include_all: bool = False) -> CompletionPipeline:
        """A pipeline that continues what was generated, or with `include_all` the text and what was generated."""
        return self._pipeline(self.all if include_all else self.generated, generator)

    def fork(self, text: str = "", *, include_all: bool = False) -> CompletionPipeline:
        """A pipeline from before the continuation, or with `include_all` from its end, with `text` added."""
        return self._pipeline((self.all if include_all else self.text) + text)

    def continue_(self, text: str = "") -> CompletionPipeline:
        """A pipeline that goes on after the continuation, with `text` added."""
        return self.fork(text, include_all=True)

    def _pipeline(self, text: str, generator: Generator | str | None = None) -> CompletionPipeline:
        made = get_generator(generator) if isinstance(generator, str) else generator or self.generator
        if made is None:
            raise ValueError(
                "A completion that was loaded builds no generator by itself; say restart(generator=…) to go on."
            )
        return made.complete(text, self.params)

    def clone(self) -> Completion:
        """A copy with a uuid of its own."""
        own = {"uuid": new_uuid(), "metadata": fresh(self.metadata), "extra": fresh(self.extra)}
        return self.model_copy(update=own)

    def meta(self, **values: Any) -> Completion:
        """A copy with more metadata."""
        other = self.clone()
        other.metadata.update(values)
        return other
