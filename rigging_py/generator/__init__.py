"""Who answers: connection strings, the registry, and the providers."""

from typing import TYPE_CHECKING

from rigging_py.generator.base import GeneratedMessage, Generator, WatchCallback, Wrapper, chat, complete
from rigging_py.generator.fixups import Fixup, with_fixups
from rigging_py.generator.function import FunctionGenerator
from rigging_py.generator.registry import (
    LazyGenerator,
    get_generator,
    get_identifier,
    register_generator,
    registered,
)
from rigging_py.generator.scripted import Cut, Heard, ScriptedGenerator, scripted
from rigging_py.lazy import on_first_use
from rigging_py.message import GeneratedText, GenerateParams, StopReason, Usage

if TYPE_CHECKING:
    from rigging_py.generator.http import HTTPGenerator, HttpHook, HttpHookAction, HTTPSpec
    from rigging_py.generator.lite import LiteLLMGenerator, get_max_tokens_for_model
    from rigging_py.generator.prices import set_price

__all__ = [
    "Cut",
    "Fixup",
    "FunctionGenerator",
    "GenerateParams",
    "GeneratedMessage",
    "GeneratedText",
    "Generator",
    "HTTPGenerator",
    "HTTPSpec",
    "Heard",
    "HttpHook",
    "HttpHookAction",
    "LazyGenerator",
    "LiteLLMGenerator",
    "ScriptedGenerator",
    "StopReason",
    "Usage",
    "WatchCallback",
    "Wrapper",
    "chat",
    "complete",
    "get_generator",
    "get_identifier",
    "get_max_tokens_for_model",
    "register_generator",
    "registered",
    "scripted",
    "set_price",
    "with_fixups",
]

if not TYPE_CHECKING:  # or checkers would take any name
    # Most programs have one provider, and no other has to be loaded for it.
    __getattr__ = on_first_use(
        __name__,
        {
            **dict.fromkeys(("HTTPGenerator", "HTTPSpec", "HttpHook", "HttpHookAction"), "http"),
            **dict.fromkeys(("LiteLLMGenerator", "get_max_tokens_for_model"), "lite"),
            "set_price": "prices",
        },
    )
