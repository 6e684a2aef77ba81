"""Who answers: connection strings, the registry, and the providers."""

from typing import TYPE_CHECKING

from rigging_py.generator.base import GeneratedMessage, Generator, WatchCallback, Wrapper, chat, complete
from rigging_py.generator.clock import Clock, VirtualClock
from rigging_py.generator.fixups import Fixup, with_fixups
from rigging_py.generator.function import FunctionGenerator
from rigging_py.generator.policies.base import Call, Piece, Policy
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
    from rigging_py.generator.lint import lint_schema
    from rigging_py.generator.lite import LiteLLMGenerator, get_max_tokens_for_model
    from rigging_py.generator.policies.fallback import Fallback, fallback
    from rigging_py.generator.policies.limit import Limit, limit
    from rigging_py.generator.policies.retry import Retry, retry
    from rigging_py.generator.prices import set_price
    from rigging_py.generator.transformers.generator import TransformersGenerator
    from rigging_py.generator.vllm import VLLMGenerator

__all__ = [
    "Call",
    "Clock",
    "Cut",
    "Fallback",
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
    "Limit",
    "LiteLLMGenerator",
    "Piece",
    "Policy",
    "Retry",
    "ScriptedGenerator",
    "StopReason",
    "TransformersGenerator",
    "Usage",
    "VLLMGenerator",
    "VirtualClock",
    "WatchCallback",
    "Wrapper",
    "chat",
    "complete",
    "fallback",
    "get_generator",
    "get_identifier",
    "get_max_tokens_for_model",
    "limit",
    "lint_schema",
    "register_generator",
    "registered",
    "retry",
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
            "TransformersGenerator": "transformers.generator",
            "VLLMGenerator": "vllm",
            **dict.fromkeys(("Fallback", "fallback"), "policies.fallback"),
            **dict.fromkeys(("Limit", "limit"), "policies.limit"),
            **dict.fromkeys(("Retry", "retry"), "policies.retry"),
            "lint_schema": "lint",
            "set_price": "prices",
        },
    )
