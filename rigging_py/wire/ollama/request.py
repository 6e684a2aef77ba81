"""The wire of Ollama's own chat API, /api/chat: requests to dicts. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rigging_py.error import InvalidError
from rigging_py.message import (
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    GenerateParams,
    Message,
    ToolCall,
    ToolDefinition,
)
from rigging_py.message.media import inline
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_mapping
from rigging_py.wire.ollama.reply import THINKING
from rigging_py.wire.spoken import in_words
from rigging_py.wire.tool_use import arguments_of, with_tool_names
from rigging_py.wire.unsupported import warn_unsupported

_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "num_predict",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_MORE_OPTIONS = {
    *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "num_predict", "use_mmap", "use_mlock"),
    *("numa", "low_vram", "min_p", "typical_p", "tfs_z", "repeat_last_n", "repeat_penalty", "penalize_newline"),
    *("mirostat", "mirostat_eta", "mirostat_tau"),
}
"""What a caller may write in `extra` itself, and Ollama wants among its options."""
_AMONG_OPTIONS = _MORE_OPTIONS | {"options"}


def ollama_request(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
) -> dict[str, Any]:
    """The body of a request. `origin` is who is asked, to whom goes back what reasoning came under this name.

    What `params.extra` holds is sent as it is and wins; what is an option of Ollama's goes among the options. Raises
    `InvalidError` for what its messages cannot hold: sound, files, and pictures that would have to be fetched.
    """
    spoken = [_spoken(in_words(message), tool, origin) for message, tool in with_tool_names(messages)]
    request: dict[str, Any] = {"model": model, "messages": spoken, "stream": stream}
    tools, choice = params.tools or [], params.tool_choice
    if tools and choice != "none":
        request["tools"] = [_tool(tool) for tool in tools]
    if isinstance(params.output, JsonShape):
        request["format"] = params.output.schema
    if options := _options(params):
        request["options"] = options
    warn_unsupported("Ollama", _not_taken(params))
    return request | {name: value for name, value in params.extra.items() if name not in _AMONG_OPTIONS}


def _spoken(message: Message, tool: str, origin: str) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    sent["content"] = message.content
    if images := [
        _image(part) for part in message.content_parts if not isinstance(part, ContentText | ContentReasoning)
    ]:
        sent["images"] = images
    if thought := "".join(_thoughts(message, origin)):
        sent["thinking"] = thought
    if message.tool_calls:
        sent["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.role == "tool":
        sent["tool_name"] = tool
        if message.tool_call_id:
            sent["tool_call_id"] = message.tool_call_id
    return sent


def _image(part: object) -> str:
    found = inline(part.image_url.url) if isinstance(part, ContentImageUrl) else None
    if found is None:
        raise InvalidError(
            f"Ollama takes text and pictures that are in the message, and not {part}. Fetch a picture and give it to "
            "ContentImageUrl.from_bytes(); ask another provider about the rest.",
            provider="ollama",
        )
    return found[1]


def _thoughts(message: Message, origin: str) -> list[str]:
    parts = message.content_parts if origin else []
    own = [part for part in parts if isinstance(part, ContentReasoning) and part.origin == origin]
    return [part.text for part in own if part.form == THINKING]


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments_of(call)}
    return {"id": call.id, "function": function} if call.id else {"function": function}


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    sent = tool.model_dump(exclude_none=True)
    # Its templates look into them.
    sent["function"].setdefault("parameters", {"type": "object", "properties": {}})
    return sent


def _options(params: GenerateParams) -> dict[str, Any]:
    given, extra = params.given(), params.extra
    options = {theirs: given[ours] for ours, theirs in _OPTIONS.items() if ours in given}
    options |= {name: value for name, value in extra.items() if name in _MORE_OPTIONS}
    return {**options, **as_mapping(extra.get("options"))}


def _not_taken(params: GenerateParams) -> list[str]:
    forced = ["tool_choice"] if params.tools and params.tool_choice not in (None, "auto", "none") else []
    alone = ["parallel_tool_calls"] if params.parallel_tool_calls is False else []
    spoken = [name for name in ("modalities", "audio") if getattr(params, name)]
    return [*forced, *alone, *spoken]
