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
    from rigging_py.generator.policies.budget import Budget, budget
    from rigging_py.generator.policies.cache import Cache, cache
    from rigging_py.generator.policies.cache_stores import CacheStore
    from rigging_py.generator.policies.fallback import Fallback, fallback
    from rigging_py.generator.policies.limit import Limit, limit
    from rigging_py.generator.policies.record import Record, record
    from rigging_py.generator.policies.replay import Replay, replay
    from rigging_py.generator.policies.retry import Retry, retry
    from rigging_py.generator.prices import set_price
    from rigging_py.generator.transformers.generator import TransformersGenerator
    from rigging_py.generator.vllm import VLLMGenerator

__all__ = [
    "Budget",
    "Cache",
    "CacheStore",
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
    "Record",
    "Replay",
    "Retry",
    "ScriptedGenerator",
    "StopReason",
    "TransformersGenerator",
    "Usage",
    "VLLMGenerator",
    "VirtualClock",
    "WatchCallback",
    "Wrapper",
    "budget",
    "cache",
    "chat",
    "complete",
    "fallback",
    "get_generator",
    "get_identifier",
    "get_max_tokens_for_model",
    "limit",
    "lint_schema",
    "record",
    "register_generator",
    "registered",
    "replay",
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
            **dict.fromkeys(("Budget", "budget"), "policies.budget"),
            **dict.fromkeys(("Cache", "cache"), "policies.cache"),
            "CacheStore": "policies.cache_stores",
            **dict.fromkeys(("Fallback", "fallback"), "policies.fallback"),
            **dict.fromkeys(("Limit", "limit"), "policies.limit"),
            **dict.fromkeys(("Record", "record"), "policies.record"),
            **dict.fromkeys(("Replay", "replay"), "policies.replay"),
            **dict.fromkeys(("Retry", "retry"), "policies.retry"),
            "lint_schema": "lint",
            "set_price": "prices",
        },
    )
