"""Completions: a text waiting to be continued, and the continued text. One call each; nothing is decided here."""

from __future__ import annotations

import uuid as uuid_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Self

from rigging_py.chat.gather import MAX_CONCURRENT, gather
from rigging_py.chat.watch import show
from rigging_py.generator import GeneratedText, Generator, get_generator
from rigging_py.message import GenerateParams, StopReason, Usage, new_uuid


@dataclass(frozen=True)
class Completion:
    """A text and what a model wrote after it."""

    text: str
    generated: str
    generator: Generator = field(repr=False)
    params: GenerateParams | None = None
    stop_reason: StopReason = "unknown"
    usage: Usage | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    uuid: uuid_module.UUID = field(default_factory=new_uuid)
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def all(self) -> str:
        """The text with its continuation."""
        return self.text + self.generated

    def __len__(self) -> int:
        return len(self.generated)

    def continue_(self, text: str = "") -> CompletionPipeline:
        """A pipeline that goes on after the continuation, with `text` added."""
        return CompletionPipeline(self.generator, self.all + text, self.params)

    def fork(self, text: str = "") -> CompletionPipeline:
        """A pipeline from before the continuation, with `text` added."""
        return CompletionPipeline(self.generator, self.text + text, self.params)


@dataclass(frozen=True)
class CompletionPipeline:
    """A text waiting to be continued. Every refinement returns a new pipeline."""

    generator: Generator
    text: str
    params: GenerateParams | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def add(self, text: str) -> Self:
        """Returns the pipeline with `text` at the end."""
        return replace(self, text=self.text + text)

    def fork(self, text: str) -> Self:
        """Returns the pipeline with `text` at the end, as `add` does."""
        return self.add(text)

    def with_(self, params: GenerateParams | None = None, **values: Any) -> Self:
        """Returns the pipeline with these parameters over its own."""
        given = GenerateParams(**values) if values else None
        return replace(self, params=(self.params or GenerateParams()).merge_with(params, given))

    def meta(self, **values: Any) -> Self:
        """Returns the pipeline with more metadata, which its completions will carry."""
        return replace(self, metadata={**self.metadata, **values})

    async def run(self) -> Completion:
        """Continues the text."""
        [generated] = await self.generator.generate_texts([self.text], [self.params or GenerateParams()])
        if isinstance(generated, BaseException):
            raise generated
        completion = self._completion(generated)
        await show([completion], self.generator.watch_callbacks)
        return completion

    __call__ = run

    async def run_many(self, count: int, *, max_concurrent: int = MAX_CONCURRENT) -> list[Completion]:
        """Continues the text `count` times, at most `max_concurrent` at once."""
        return await gather([self.run] * count, limit=max_concurrent)

    async def run_batch(self, many: Sequence[str], *, max_concurrent: int = MAX_CONCURRENT) -> list[Completion]:
        """Continues each of `many`, which this pipeline's text comes before."""
        return await gather([partial(self.add(text).run) for text in many], limit=max_concurrent)

    def _completion(self, generated: GeneratedText) -> Completion:
        return Completion(
            self.text,
            generated.text,
            self.generator,
            self.params,
            generated.stop_reason,
            generated.usage,
            dict(self.metadata),
            dict(generated.extra),
        )


def complete(generator: Generator | str, text: str, params: GenerateParams | None = None) -> CompletionPipeline:
    """A pipeline that continues `text`, answered by a generator or by what a connection string describes."""
    return CompletionPipeline(get_generator(generator) if isinstance(generator, str) else generator, text, params)
