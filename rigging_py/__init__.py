"""rigging_py: a prompt is a typed Python function, and every conversation with a model is a value.

Names load on first use, so importing the package costs almost nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rigging_py.lazy import on_first_use

if TYPE_CHECKING:
    from rigging_py import (
        caching,
        completion,
        data,
        error,
        fetching,
        generator,
        logging,
        message,
        model,
        observe,
        parsing,
        run,
        store,
        tokenizer,
        tools,
        transform,
        util,
        watchers,
    )
    from rigging_py.chat import (
        Chat,
        ChatEvent,
        ChatList,
        ChatPipeline,
        EventStream,
        FailMode,
        MapChatCallback,
        PipelineStep,
        PipelineStepContextManager,
        PipelineStepGenerator,
        ThenChatCallback,
    )
    from rigging_py.chat.pipeline import chat, resume
    from rigging_py.completion import (
        Completion,
        CompletionPipeline,
        MapCompletionCallback,
        ThenCompletionCallback,
        complete,
    )
    from rigging_py.error import Paused, ReplayDivergence, RiggingError, Stop
    from rigging_py.generator import (
        FunctionGenerator,
        GeneratedMessage,
        GeneratedText,
        GenerateParams,
        Generator,
        HTTPGenerator,
        Policy,
        ScriptedGenerator,
        StopReason,
        Usage,
        VirtualClock,
        budget,
        cache,
        fallback,
        get_generator,
        get_identifier,
        limit,
        record,
        register_generator,
        replay,
        retry,
        set_price,
    )
    from rigging_py.generator.lint import lint_schema
    from rigging_py.generator.scripted import scripted
    from rigging_py.interact import interact
    from rigging_py.logging import logger
    from rigging_py.message import (
        ContentAudioInput,
        ContentFile,
        ContentImageUrl,
        ContentReasoning,
        ContentText,
        Message,
        MessageDict,
        Messages,
        MessageSlice,
        ToolCall,
        ToolDefinition,
    )
    from rigging_py.model import Model, attr, element, wrapped
    from rigging_py.observe import Hooks
    from rigging_py.parsing import Partial
    from rigging_py.prompt import Ctx, Prompt, make_prompt
    from rigging_py.prompt.decorator import prompt
    from rigging_py.run import AgentRun, Approve, Deny, Edit, ModelTurn
    from rigging_py.store import get_store
    from rigging_py.tokenizer import TokenizedChat, Tokenizer, get_tokenizer, register_tokenizer
    from rigging_py.tools import MCPClient, Tool, ToolContext, as_mcp, mcp, tool_method
    from rigging_py.tools.robopages import robopages
    from rigging_py.tools.tool import tool
    from rigging_py.transform import PostTransform, Transform
    from rigging_py.util import await_
    from rigging_py.version import VERSION, __version__

_HOMES = {
    "Chat": "chat",
    "ChatEvent": "chat",
    "ChatList": "chat",
    "ChatPipeline": "chat",
    "EventStream": "chat",
    "FailMode": "chat",
    "MapChatCallback": "chat",
    "PipelineStep": "chat",
    "PipelineStepContextManager": "chat",
    "PipelineStepGenerator": "chat",
    "ThenChatCallback": "chat",
    "chat": "chat",
    "resume": "chat",
    "Completion": "completion",
    "CompletionPipeline": "completion",
    "MapCompletionCallback": "completion",
    "ThenCompletionCallback": "completion",
    "complete": "completion",
    "Paused": "error",
    "ReplayDivergence": "error",
    "RiggingError": "error",
    "Stop": "error",
    "FunctionGenerator": "generator",
    "GenerateParams": "generator",
    "GeneratedMessage": "generator",
    "GeneratedText": "generator",
    "Generator": "generator",
    "HTTPGenerator": "generator",
    "Policy": "generator",
    "ScriptedGenerator": "generator",
    "StopReason": "generator",
    "Usage": "generator",
    "VirtualClock": "generator",
    "budget": "generator",
    "cache": "generator",
    "fallback": "generator",
    "get_generator": "generator",
    "get_identifier": "generator",
    "limit": "generator",
    "lint_schema": "generator",
    "record": "generator",
    "register_generator": "generator",
    "replay": "generator",
    "retry": "generator",
    "scripted": "generator",
    "set_price": "generator",
    "interact": "interact",
    "logger": "logging",
    "ContentAudioInput": "message",
    "ContentFile": "message",
    "ContentImageUrl": "message",
    "ContentReasoning": "message",
    "ContentText": "message",
    "Message": "message",
    "MessageDict": "message",
    "MessageSlice": "message",
    "Messages": "message",
    "ToolCall": "message",
    "ToolDefinition": "message",
    "Model": "model",
    "attr": "model",
    "element": "model",
    "wrapped": "model",
    "Hooks": "observe",
    "Partial": "parsing",
    "Ctx": "prompt",
    "Prompt": "prompt",
    "make_prompt": "prompt",
    "prompt": "prompt",
    "AgentRun": "run",
    "Approve": "run",
    "Deny": "run",
    "Edit": "run",
    "ModelTurn": "run",
    "get_store": "store",
    "TokenizedChat": "tokenizer",
    "Tokenizer": "tokenizer",
    "get_tokenizer": "tokenizer",
    "register_tokenizer": "tokenizer",
    "MCPClient": "tools",
    "Tool": "tools",
    "ToolContext": "tools",
    "as_mcp": "tools",
    "mcp": "tools",
    "robopages": "tools",
    "tool": "tools",
    "tool_method": "tools",
    "PostTransform": "transform",
    "Transform": "transform",
    "await_": "util",
    "VERSION": "version",
    "__version__": "version",
}
_ROOMS = {
    "caching",
    "completion",
    "data",
    "error",
    "fetching",
    "generator",
    "logging",
    "message",
    "model",
    "observe",
    "parsing",
    "run",
    "store",
    "tokenizer",
    "tools",
    "transform",
    "util",
    "watchers",
}

__all__ = [
    "VERSION",
    "AgentRun",
    "Approve",
    "Chat",
    "ChatEvent",
    "ChatList",
    "ChatPipeline",
    "Completion",
    "CompletionPipeline",
    "ContentAudioInput",
    "ContentFile",
    "ContentImageUrl",
    "ContentReasoning",
    "ContentText",
    "Ctx",
    "Deny",
    "Edit",
    "EventStream",
    "FailMode",
    "FunctionGenerator",
    "GenerateParams",
    "GeneratedMessage",
    "GeneratedText",
    "Generator",
    "HTTPGenerator",
    "Hooks",
    "MCPClient",
    "MapChatCallback",
    "MapCompletionCallback",
    "Message",
    "MessageDict",
    "MessageSlice",
    "Messages",
    "Model",
    "ModelTurn",
    "Partial",
    "Paused",
    "PipelineStep",
    "PipelineStepContextManager",
    "PipelineStepGenerator",
    "Policy",
    "PostTransform",
    "Prompt",
    "ReplayDivergence",
    "RiggingError",
    "ScriptedGenerator",
    "Stop",
    "StopReason",
    "ThenChatCallback",
    "ThenCompletionCallback",
    "TokenizedChat",
    "Tokenizer",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolDefinition",
    "Transform",
    "Usage",
    "VirtualClock",
    "__version__",
    "as_mcp",
    "attr",
    "await_",
    "budget",
    "cache",
    "caching",
    "chat",
    "complete",
    "completion",
    "data",
    "element",
    "error",
    "fallback",
    "fetching",
    "generator",
    "get_generator",
    "get_identifier",
    "get_store",
    "get_tokenizer",
    "interact",
    "limit",
    "lint_schema",
    "logger",
    "logging",
    "make_prompt",
    "mcp",
    "message",
    "model",
    "observe",
    "parsing",
    "prompt",
    "record",
    "register_generator",
    "register_tokenizer",
    "replay",
    "resume",
    "retry",
    "robopages",
    "run",
    "scripted",
    "set_price",
    "store",
    "tokenizer",
    "tool",
    "tool_method",
    "tools",
    "transform",
    "util",
    "watchers",
    "wrapped",
]


_named = on_first_use(__name__, _HOMES)


if not TYPE_CHECKING:  # or checkers would take any name

    def __getattr__(name: str) -> Any:
        if name in _ROOMS:
            return import_module(f"{__name__}.{name}")
        return _named(name)


def __dir__() -> list[str]:
    return __all__


class _FrontDoor(ModuleType):
    """Keeps `rg.prompt` and the like functions: importing a room of the same name does not replace them."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
