"""`VLLMGenerator`: a model that vLLM runs in this process, with its own continuous batches."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import PrivateAttr
from pydantic_core import from_json

from rigging_py.error import (
    ContextOverflowError,
    InvalidError,
    MissingExtraError,
    NetworkRefusedError,
    NotFoundError,
    ServerFaultError,
)
from rigging_py.generator.batching import Batcher, Job, end_all
from rigging_py.generator.in_process import Asked, Ending, InProcessGenerator
from rigging_py.generator.kept import Kept
from rigging_py.generator.network import LOOPBACK_ONLY, is_loopback_only
from rigging_py.generator.templated import TEMPLATE_OPTIONS, ChatTemplate
from rigging_py.message import GenerateParams, Usage, to_stop_reason
from rigging_py.parsing import JsonShape

DEFAULT_TOKENS = 1024
"""The most tokens of an answer for which nobody said how many; vLLM would write 16."""
_AT_ONCE = 1024
"""Requests that vLLM is given at once. It has a queue of its own, and makes its batches of that."""
_HOW_IT_IS_LOADED = {
    "model",
    "dtype",
    "quantization",
    "gpu_memory_utilization",
    "enforce_eager",
    "trust_remote_code",
}
_SENT_AS_THEY_ARE = ("temperature", "top_k", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty")

Writing = Job[Asked, str | Ending]


class Steps(Protocol):
    """What is used of `vllm.LLMEngine`: requests go in under names, and each step gives what was written in it."""

    def add_request(self, request_id: str, prompt: Any, params: Any) -> Any: ...

    def abort_request(self, request_ids: list[str]) -> None: ...

    def step(self) -> Sequence[Any]: ...

    def has_unfinished_requests(self) -> bool: ...


class VLLMGenerator(InProcessGenerator):
    """`vllm!org/model`: a model that vLLM runs in this process, which wants a GPU.

    It is loaded on first use and shared by all generators that load it alike. Requests of all event loops are in the
    same continuous batch. Needs the "vllm" extra. A vLLM server is asked with `openai!`.
    """

    dtype: str = "auto"
    """The type of the weights: `auto` as they are stored, else `bfloat16`, `float16`, `float32`."""
    quantization: str | None = None
    """How the weights are quantised, where the model does not say so itself: `awq`, `gptq`, `fp8`."""
    gpu_memory_utilization: float = 0.9
    """The part of the GPU's memory that vLLM takes."""
    enforce_eager: bool = False
    """Whether to do without CUDA graphs: loads sooner, writes slower."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run. It can do whatever this program can."""
    _given: VLLMEngine | None = PrivateAttr(default=None)

    @classmethod
    def from_obj(cls, model: str, llm: Any, *, params: GenerateParams | None = None) -> Self:
        """A generator of a `vllm.LLM` that was made already; nobody else may drive it meanwhile."""
        made = cls(model=model, params=params or GenerateParams())
        made._given = VLLMEngine(llm)
        return made

    @property
    def llm(self) -> Any:
        """The `vllm.LLM`, loaded if it was not yet."""
        return self.engine().llm

    def engine(self) -> VLLMEngine:
        return self._given or _engines.get(self._key)

    def unload(self) -> Self:
        """Frees the memory once the requests under way have ended; what was given to `from_obj` is its giver's."""
        _engines.drop(self._key)
        gc.collect()
        return self

    async def supports_json_schema(self) -> bool:
        return True

    @property
    def _key(self) -> str:
        return self.model_dump_json(include=_HOW_IT_IS_LOADED)


class VLLMEngine:
    """A loaded `vllm.LLM`, driven by one thread, which may be asked from any event loop.

    `made` makes the parameters of vLLM out of the options that `sampling` gives.
    """

    def __init__(self, llm: Any, made: Callable[[dict[str, Any]], Any] | None = None) -> None:
        self.llm = llm
        self._made = made or sampling_params
        self.template = ChatTemplate(llm.get_tokenizer())
        self._steps: Steps = llm.llm_engine
        self._context = int(llm.model_config.max_model_len)
        self._names = (f"rigging-{number}" for number in count())
        self._batcher = Batcher[Asked, str | Ending](self._work, most=_AT_ONCE)

    def write(self, asked: Asked) -> AsyncGenerator[str | Ending, None]:
        """The continuation. Raises `ContextOverflowError` where the model cannot read so much."""
        if len(asked.tokens) >= self._context:
            raise ContextOverflowError(
                f"The conversation has {len(asked.tokens)} tokens, and the model reads {self._context} with its "
                "answer. Shorten the conversation, or choose a model that reads more.",
                provider="vllm",
            )
        return self._batcher.stream(asked)

    def _work(self, jobs: Sequence[Writing]) -> None:
        """Steps until nobody waits; who comes meanwhile joins, and who has gone is taken out."""
        running: dict[str, _Running] = {}
        try:
            while jobs or running:
                for job in jobs:
                    self._begin(job, running)
                self._drop_those_that_left(running)
                for output in self._steps.step() if running else ():
                    self._bring(output, running)
                jobs = self._batcher.take(_AT_ONCE - len(running)) if len(running) < _AT_ONCE else ()
        except BaseException as error:
            end_all([one.job for one in running.values()], error)
            raise

    def _begin(self, job: Writing, running: dict[str, _Running]) -> None:
        name = next(self._names)
        try:
            params = self._made({**self.llm.model_config.get_diff_sampling_param(), **self._sampling(job.item)})
            self._steps.add_request(name, {"prompt_token_ids": job.item.tokens}, params)
        except (ValueError, TypeError) as error:
            refused = InvalidError(f"vLLM does not take the request: {error}", provider="vllm")
            refused.__cause__ = error
            job.box.end(refused)
        else:
            running[name] = _Running(job)

    def _sampling(self, asked: Asked) -> dict[str, Any]:
        return sampling(asked, self._context - len(asked.tokens))

    def _drop_those_that_left(self, running: dict[str, _Running]) -> None:
        if gone := [name for name, one in running.items() if one.job.box.is_closed]:
            self._steps.abort_request(gone)
            for name in gone:
                del running[name]

    def _bring(self, output: Any, running: dict[str, _Running]) -> None:
        """Puts what was written in one step where it is waited for."""
        one = running.get(output.request_id)
        if one is None:
            return
        [piece] = output.outputs
        one.written += len(piece.token_ids)
        if piece.text:
            one.job.box.put(piece.text)
        if output.finished:
            del running[output.request_id]
            one.end(piece.finish_reason, output.num_cached_tokens)


@dataclass(slots=True)
class _Running:
    """A request that vLLM works on, and how many tokens were written for it."""

    job: Writing
    written: int = 0

    def end(self, reason: str | None, cached: int | None) -> None:
        if reason == "error":
            problem = "vLLM failed while it wrote the answer. The same request may succeed later."
            self.job.box.end(ServerFaultError(problem, provider="vllm"))
            return
        read = len(self.job.item.tokens)
        usage = Usage(
            input_tokens=read, output_tokens=self.written, total_tokens=read + self.written, cached_tokens=cached
        )
        self.job.box.put(Ending(to_stop_reason(reason), usage))
        self.job.box.end()


def sampling(asked: Asked, room: int) -> dict[str, Any]:
    """The options of vLLM's `SamplingParams`: those that were given, with a JSON schema as it is."""
    params = asked.params
    given = params.given()
    options: dict[str, Any] = {name: given[name] for name in _SENT_AS_THEY_ARE if name in given}
    options["max_tokens"] = min(params.max_tokens or DEFAULT_TOKENS, room)
    options["skip_special_tokens"] = not asked.keeps_marks
    if isinstance(params.output, JsonShape):
        options["structured_outputs"] = {"json": params.output.schema}
    return {**options, **{name: value for name, value in params.extra.items() if name != TEMPLATE_OPTIONS}}


def sampling_params(options: dict[str, Any]) -> Any:
    """vLLM's own object of the options, which gives in each step what was written in it."""
    vllm = _imported("vllm.sampling_params")
    options = {**options, "output_kind": vllm.RequestOutputKind.DELTA}
    if asked := options.get("structured_outputs"):
        options["structured_outputs"] = vllm.StructuredOutputsParams(**asked)
    return vllm.SamplingParams(**options)


def _load(key: str) -> VLLMEngine:
    how = from_json(key)
    name = how["model"]
    if is_loopback_only() and not Path(name).exists():
        raise NetworkRefusedError(name, LOOPBACK_ONLY)
    try:
        return VLLMEngine(_imported("vllm").LLM(**how))
    except OSError as error:
        problem = f"vLLM cannot load {name!r}: {str(error).splitlines()[0]}"
        advice = "Give a model of the hub as org/name, or the path of a directory that has its files."
        raise NotFoundError(f"{problem} {advice}", provider="vllm") from error


def _imported(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError("The vllm! generator", "vllm") from error


_engines: Kept[str, VLLMEngine] = Kept(_load)
