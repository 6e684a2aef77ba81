"""A loaded model of transformers: one thread runs it, for all who wait with the same sampling at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from importlib import import_module
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.error import ContextOverflowError
from rigging_py.generator.batching import Batcher, Job
from rigging_py.generator.in_process import Asked, Ending
from rigging_py.generator.templated import TEMPLATE_OPTIONS, ChatTemplate
from rigging_py.generator.transformers.writing import Row
from rigging_py.message import GenerateParams

DEFAULT_TOKENS = 1024
"""The most tokens of an answer for which nobody said how many."""
_COMPANY = 0.005
"""Seconds that a first request waits for others; a token takes longer."""

Writing = Job[Asked, str | Ending]


class TransformersEngine:
    """A model and its tokenizer, which may be asked from any event loop."""

    def __init__(self, model: Any, tokenizer: Any, most: int) -> None:
        self.model = model
        self.template = ChatTemplate(tokenizer)
        self._batcher = Batcher[Asked, str | Ending](self._work, key=_sampling_key, most=most, window=_COMPANY)

    def write(self, asked: Asked) -> AsyncGenerator[str | Ending, None]:
        """The continuation. Raises `ContextOverflowError` where the model cannot read so much."""
        read, limit = len(asked.tokens), self.context
        if limit is not None and read >= limit:
            raise ContextOverflowError(
                f"The conversation has {read} tokens, and the model reads {limit} with its answer. "
                "Shorten the conversation, or choose a model that reads more.",
                provider="transformers",
            )
        return self._batcher.stream(asked)

    @property
    def context(self) -> int | None:
        """The most tokens of a conversation and its answer, where the model says so."""
        found = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(found) if found else None

    def _work(self, jobs: Sequence[Writing]) -> None:
        torch: Any = import_module("torch")
        limits = [self._limit(job.item) for job in jobs]
        ends = self._ends()
        rows = [Row(job, self.template.tokenizer, ends, limit) for job, limit in zip(jobs, limits, strict=True)]
        width = max(len(job.item.tokens) for job in jobs)
        params = jobs[0].item.params
        pad = self.template.tokenizer.pad_token_id
        pad = pad if pad is not None else next(iter(ends), 0)
        tokens = [[pad] * (width - len(job.item.tokens)) + job.item.tokens for job in jobs]
        mask = [[0] * (width - len(job.item.tokens)) + [1] * len(job.item.tokens) for job in jobs]
        device = self.model.device
        # The seed is for this batch alone, not for whatever else the process draws.
        forked = [device] if device.type == "cuda" else []
        with torch.inference_mode(), torch.random.fork_rng(devices=forked, enabled=params.seed is not None):
            if params.seed is not None:
                torch.manual_seed(params.seed)
            self.model.generate(
                input_ids=torch.tensor(tokens, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=max(limits),
                pad_token_id=pad,
                stopping_criteria=[_Listener(rows)],
                logits_processor=_penalties(params, width),
                **sampling(params),
            )
        for row in rows:
            if not row.is_done:
                row.end("length")

    def _limit(self, asked: Asked) -> int:
        wanted = asked.params.max_tokens or DEFAULT_TOKENS
        return wanted if self.context is None else min(wanted, self.context - len(asked.tokens))

    def _ends(self) -> set[int]:
        """The tokens that end an answer."""
        given: Any = self.model.generation_config.eos_token_id
        known = [
            *(cast("list[int]", given) if isinstance(given, list) else [given]),
            self.template.tokenizer.eos_token_id,
        ]
        return {end for end in known if end is not None}


def sampling(params: GenerateParams) -> dict[str, Any]:
    """The options of `generate`: those that were given, else the model's own; temperature 0 takes the likeliest."""
    given = params.given()
    extra = {name: value for name, value in params.extra.items() if name != TEMPLATE_OPTIONS}
    if given.get("temperature") == 0:
        return {"do_sample": False, **extra}
    options: dict[str, Any] = {name: given[name] for name in ("temperature", "top_k", "top_p") if name in given}
    return {**options, "do_sample": True, **extra} if options else extra


def _sampling_key(asked: Asked) -> object:
    """What those in one batch have in common. Who gave a seed wants the same again, whoever else asks: alone."""
    params = asked.params
    if params.seed is not None and params.temperature != 0:
        return object()
    return to_json((sampling(params), params.presence_penalty, params.frequency_penalty), fallback=repr)


class _Listener:
    """Shows each new token to its row, and ends those that are done; transformers asks it after every step."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def __call__(self, input_ids: Any, *_: Any, **__: Any) -> Any:
        for row, token in zip(self._rows, cast("list[int]", input_ids[:, -1].tolist()), strict=True):
            if not row.is_done:
                row.feed(token)
        return input_ids.new_tensor([row.is_done for row in self._rows]).bool()


def _penalties(params: GenerateParams, start: int) -> list[Any]:
    presence, frequency = params.presence_penalty or 0.0, params.frequency_penalty or 0.0
    return [_Penalties(presence, frequency, start)] if presence or frequency else []


class _Penalties:
    """Makes tokens less likely that were written before, as OpenAI defines it: once, and for every time."""

    def __init__(self, presence: float, frequency: float, start: int) -> None:
        self._presence, self._frequency, self._start = presence, frequency, start

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        written = input_ids[:, self._start :]
        counts = scores.new_zeros(scores.shape).scatter_add_(1, written, scores.new_ones(written.shape))
        return scores - self._frequency * counts - self._presence * (counts > 0)
