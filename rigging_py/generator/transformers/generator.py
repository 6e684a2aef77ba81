"""`TransformersGenerator`: a model of the transformers package, loaded into this process."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Self

from pydantic import Field, PrivateAttr
from pydantic_core import from_json

from rigging_py.error import InvalidError, MissingExtraError, NotFoundError
from rigging_py.generator.in_process import InProcessGenerator
from rigging_py.generator.kept import Kept
from rigging_py.generator.network import is_loopback_only
from rigging_py.generator.transformers.engine import TransformersEngine
from rigging_py.message import GenerateParams

_HOW_IT_IS_LOADED = {
    "model",
    "torch_dtype",
    "device_map",
    "trust_remote_code",
    "load_in_8bit",
    "load_in_4bit",
    "max_batch_size",
}


class TransformersGenerator(InProcessGenerator):
    """`transformers!org/model`, or the path of a directory: any causal language model that transformers can load.

    It is loaded on first use and shared by all generators that load it alike. Requests that wait at the same time and
    sample alike are one batch. Needs the "transformers" extra.
    """

    torch_dtype: str = "auto"
    """The type of the weights: `auto` as they are stored, else `bfloat16`, `float16`, `float32`."""
    device_map: str | dict[str, int | str] = "auto"
    """Where the weights go: `auto` wherever there is room, else `cpu`, `cuda:0`, or a place for each part."""
    trust_remote_code: bool = False
    """Whether code that comes with the model may run. It can do whatever this program can."""
    load_in_8bit: bool = False
    """Whether the weights are quantised while they are loaded, which needs the package bitsandbytes."""
    load_in_4bit: bool = False
    max_batch_size: int = Field(default=16, ge=1)
    """Requests in one batch at most."""
    _given: TransformersEngine | None = PrivateAttr(default=None)

    @classmethod
    def from_obj(
        cls, model: Any, tokenizer: Any, *, params: GenerateParams | None = None, max_batch_size: int = 16
    ) -> Self:
        """A generator of a model and a tokenizer that were loaded already; the objects themselves are used."""
        name = str(getattr(model, "name_or_path", "") or type(model).__name__)
        made = cls(model=name, params=params or GenerateParams(), max_batch_size=max_batch_size)
        made._given = TransformersEngine(model, tokenizer, max_batch_size)
        return made

    @property
    def llm(self) -> Any:
        """The model of transformers, loaded if it was not yet."""
        return self.engine().model

    @property
    def pipeline(self) -> Any:
        """A text-generation pipeline of transformers over the same model, for what is not done here."""
        options = {"model": self.llm, "tokenizer": self.tokenizer}
        return _imported("transformers").pipeline("text-generation", **options)

    def engine(self) -> TransformersEngine:
        return self._given or _engines.get(self._key)

    def unload(self) -> Self:
        """Frees the memory once the requests under way have ended; what was given to `from_obj` is its giver's."""
        _engines.drop(self._key)
        gc.collect()
        torch = _imported("torch")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return self

    async def supports_json_schema(self) -> bool:
        return False

    @property
    def _key(self) -> str:
        return self.model_dump_json(include=_HOW_IT_IS_LOADED)


def _load(key: str) -> TransformersEngine:
    how = from_json(key)
    name = how["model"]
    _imported("torch")
    transformers = _imported("transformers")
    options = {"trust_remote_code": how["trust_remote_code"], "local_files_only": is_loopback_only()}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            name, dtype=how["torch_dtype"], device_map=how["device_map"], **_quantised(transformers, how), **options
        )
    except (OSError, ValueError) as error:
        problem = f"transformers cannot load {name!r}: {str(error).splitlines()[0]}"
        advice = "Give a model of the hub as org/name, or the path of a directory with its files."
        kind = NotFoundError if isinstance(error, OSError) else InvalidError
        raise kind(f"{problem} {advice}", provider="transformers") from error
    return TransformersEngine(model, tokenizer, how["max_batch_size"])


def _quantised(transformers: Any, how: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: how[name] for name in ("load_in_8bit", "load_in_4bit") if how[name]}
    return {"quantization_config": transformers.BitsAndBytesConfig(**asked)} if asked else {}


def _imported(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError("The transformers! generator", "transformers") from error


_engines: Kept[str, TransformersEngine] = Kept(_load)
