"""The names of providers and servers that speak the OpenAI chat API, as data: each row is a class when it is asked for.

Only the table is read when this is imported. `rigging_py.generator.shorthands.GroqGenerator` is made on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import new_class
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rigging_py.generator.openai import OpenAIGenerator


@dataclass(frozen=True, slots=True)
class Shorthand:
    """A provider by its name.

    Attributes:
        name: what stands before the `!`.
        base_url: its own address.
        key_variable: the environment variable that holds its key; None for a server that wants none.
        dialect: what it takes, by the name in `rigging_py.wire.CHAT_DIALECTS`.
        takes_tools: whether tools can be sent as such.
        takes_schema: whether answers are held to a JSON schema; None where that depends on the model.
    """

    name: str
    base_url: str
    key_variable: str | None = None
    dialect: str = "plain"
    takes_tools: bool = True
    takes_schema: bool | None = True

    @property
    def class_name(self) -> str:
        """The name of its class in this module."""
        return "".join(word.title() for word in self.name.split("-")) + "Generator"


SHORTHANDS = (
    Shorthand("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openai"),
    Shorthand("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", takes_schema=None),
    Shorthand("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Shorthand("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", takes_schema=False),
    Shorthand("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral"),
    Shorthand("xai", "https://api.x.ai/v1", "XAI_API_KEY", "openai"),
    Shorthand("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    Shorthand("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    Shorthand("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", "perplexity", takes_tools=False),
    Shorthand("nvidia", "https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", takes_schema=None),
    Shorthand("moonshot", "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", takes_schema=None),
    Shorthand(
        "dashscope",
        "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "DASHSCOPE_API_KEY",
        takes_schema=None,
    ),
    Shorthand("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", takes_schema=False),
    Shorthand("github", "https://models.github.ai/inference", "GITHUB_TOKEN", "openai", takes_schema=None),
    Shorthand("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN", takes_schema=None),
    Shorthand("vllm-server", "http://127.0.0.1:8000/v1"),
    Shorthand("sglang", "http://127.0.0.1:30000/v1"),
    Shorthand("llamacpp-server", "http://127.0.0.1:8080/v1"),
    Shorthand("lmstudio", "http://127.0.0.1:1234/v1"),
)


def __getattr__(name: str) -> type[OpenAIGenerator]:
    row = next((row for row in SHORTHANDS if row.class_name == name), None)
    if row is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Two threads that ask at once get the same.
    made: type[OpenAIGenerator] = globals().setdefault(name, _made(row))
    return made


def _made(row: Shorthand) -> type[OpenAIGenerator]:
    base: type[OpenAIGenerator] = import_module("rigging_py.generator.openai").OpenAIGenerator
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": row.class_name,
        "__doc__": f"`{row.name}!…`, at {row.base_url}.",
        "provider": row.name,
        "base_url": row.base_url,
        "default_key_variable": row.key_variable,
        "needs_key": row.key_variable is not None,
        "wire": import_module("rigging_py.wire").CHAT_DIALECTS[row.dialect],
        "takes_tools": row.takes_tools,
        "takes_schema": row.takes_schema,
    }
    return cast("type[OpenAIGenerator]", new_class(row.class_name, (base,), exec_body=lambda body: body.update(fields)))
