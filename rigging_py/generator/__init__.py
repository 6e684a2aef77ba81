"""Who answers: connection strings, the registry, and the providers."""

from rigging_py.generator.base import GeneratedMessage, Generator, WatchCallback
from rigging_py.generator.function import FunctionGenerator
from rigging_py.generator.registry import (
    LazyGenerator,
    get_generator,
    get_identifier,
    register_generator,
    registered,
)
from rigging_py.generator.scripted import Cut, Heard, ScriptedGenerator, scripted
from rigging_py.message import GeneratedText, GenerateParams, StopReason, Usage

__all__ = [
    "Cut",
    "FunctionGenerator",
    "GenerateParams",
    "GeneratedMessage",
    "GeneratedText",
    "Generator",
    "Heard",
    "LazyGenerator",
    "ScriptedGenerator",
    "StopReason",
    "Usage",
    "WatchCallback",
    "get_generator",
    "get_identifier",
    "register_generator",
    "registered",
    "scripted",
]
