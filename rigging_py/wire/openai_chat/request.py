"""What is asked of the OpenAI chat-completions API: requests to dicts. Pure functions, no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rigging_py.message import GenerateParams, Message
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list
from rigging_py.wire.openai_chat.reasoning import with_reasoning
from rigging_py.wire.schemas import StrictShape
from rigging_py.wire.spoken import in_words

_CHOICES = ("auto", "none", "required")
_COUNTS_THOUGHTS = re.compile(r"(?:^|[/:])(?:o\d|gpt-(?:[5-9]|\d\d)|codex|computer-use)")
"""The names of OpenAI's own models that think. What they think counts too, so they take no `max_tokens`."""
_SENT_AS_THEY_ARE = (
    "temperature",
    "max_tokens",
    "top_k",
    "top_p",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "modalities",
    "audio",
)


def chat_request(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
) -> dict[str, Any]:
    """The body of a request. `origin` is who is asked, to whom goes back what reasoning came under this name."""
    return with_extra(spelled(model, messages, params, stream=stream, origin=origin), params.extra)


def with_extra(request: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What the user adds goes over everything else; the provider's own tools stand beside ours, as in every wire."""
    tools = [*request.get("tools", ()), *as_list(extra.get("tools"))]
    return {**request, **extra, **({"tools": tools} if tools else {})}


def spelled(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool, origin: str
) -> dict[str, Any]:
    """The body of a request as OpenAI has it, without what the user adds in its provider's own words."""
    said = [with_reasoning(in_words(message), origin) for message in messages]
    request: dict[str, Any] = {"model": model, "messages": said}
    given = params.given()
    request.update({name: given[name] for name in _SENT_AS_THEY_ARE if name in given})
    if "max_tokens" in request and _COUNTS_THOUGHTS.search(model):
        request["max_completion_tokens"] = request.pop("max_tokens")
    if params.tools:
        request.update(_tools(params))
    if isinstance(params.output, JsonShape):
        strict = {"strict": True} if isinstance(params.output, StrictShape) else {}
        asked = {"name": params.output.name, "schema": params.output.schema, **strict}
        request["response_format"] = {"type": "json_schema", "json_schema": asked}
    if stream:
        request.update(stream=True, stream_options={"include_usage": True})
    return request


def _tools(params: GenerateParams) -> dict[str, Any]:
    """The tools and how they may be called, of which nobody wants to hear without any tools."""
    tools, choice = params.tools or (), params.tool_choice
    sent: dict[str, Any] = {"tools": [tool.model_dump(exclude_none=True) for tool in tools]}
    if choice is not None:
        is_name = choice not in _CHOICES and any(choice == tool.function.name for tool in tools)
        sent["tool_choice"] = {"type": "function", "function": {"name": choice}} if is_name else choice
    if params.parallel_tool_calls is not None:
        sent["parallel_tool_calls"] = params.parallel_tool_calls
    return sent
