"""The OpenAI responses wire, what is asked: messages to input items, parameters to the body of a request. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from rigging_py.message import (
    ContentReasoning,
    ContentText,
    GenerateParams,
    Message,
    ToolCall,
    ToolDefinition,
)
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list, as_mapping
from rigging_py.wire.openai_responses.reply import ENCRYPTED, PHASES, place_of
from rigging_py.wire.schemas import StrictShape
from rigging_py.wire.spoken import in_words
from rigging_py.wire.tool_use import chosen
from rigging_py.wire.unsupported import warn_unsupported

_NAMES = {
    "temperature": "temperature",
    "max_tokens": "max_output_tokens",
    "top_p": "top_p",
    "parallel_tool_calls": "parallel_tool_calls",
}
_NOT_TAKEN = ("top_k", "stop", "presence_penalty", "frequency_penalty", "seed", "modalities", "audio")
_WITHOUT_REASONING = ("gpt-3", "gpt-4", "chatgpt-4", "gpt-5-chat")
"""How the names of those OpenAI models begin that refuse to be asked for encrypted reasoning. No new ones come."""
_INCLUDED = "reasoning.encrypted_content"


def responses_request(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
) -> dict[str, Any]:
    """The body of a request, which asks the provider to keep nothing.

    `origin` is who is asked, to whom goes back what came under this name. Of `params.extra`, `tools` and `include` are
    added to what is here already, `text` is put over it, and everything else takes its place. Parameters that the API
    does not have are left out with a `GeneratorWarning`.
    """
    given = params.given()
    warn_unsupported("OpenAI's responses API", [name for name in _NOT_TAKEN if given.get(name) not in (None, [])])
    is_kept = bool(params.extra.get("store"))
    items = [item for message in messages for item in _items(message, origin, is_kept)]
    request: dict[str, Any] = {"model": model, "input": items, "store": False}
    request.update({theirs: given[ours] for ours, theirs in _NAMES.items() if ours in given})
    if not model.rpartition("/")[2].removeprefix("ft:").startswith(_WITHOUT_REASONING):
        request["include"] = [_INCLUDED]
    if params.tools:
        request["tools"] = [_tool(tool) for tool in params.tools]
    if params.tool_choice is not None and (params.tools or params.extra.get("tools")):
        request["tool_choice"] = _tool_choice(chosen(params.tool_choice))
    if isinstance(params.output, JsonShape):
        strict = {"strict": True} if isinstance(params.output, StrictShape) else {}
        asked = {"type": "json_schema", "name": params.output.name, "schema": params.output.schema, **strict}
        request["text"] = {"format": asked}
    if stream:
        request["stream"] = True
    return _with_extra(request, params.extra)


def _with_extra(request: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**request, **extra}
    for name in ("tools", "include"):
        if isinstance(extra.get(name), list):
            whole[name] = [*request.get(name, ()), *as_list(extra[name])]
    if isinstance(extra.get("text"), dict):
        whole["text"] = {**request.get("text", {}), **as_mapping(extra["text"])}
    return whole


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = tool.function
    described = {"description": function.description} if function.description is not None else {}
    schema = function.parameters or {"type": "object", "properties": {}}
    about = {"name": function.name, **described, "parameters": schema}
    # Unless told otherwise the API makes every argument a required one.
    return {"type": "function", **about, "strict": bool(function.strict)}


def _tool_choice(choice: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    is_name = isinstance(choice, str) and choice not in ("auto", "none", "required")
    return {"type": "function", "name": choice} if is_name else choice


def _items(message: Message, origin: str, is_kept: bool) -> Sequence[dict[str, Any]]:
    if message.role == "assistant":
        return _answer(in_words(message), origin, is_kept)
    content = message.to_openai().get("content", "")
    said = content if isinstance(content, str) else [_part(spec) for spec in content]
    if message.role == "tool":
        return [{"type": "function_call_output", "call_id": message.tool_call_id or "", "output": said}]
    return [{"role": message.role, "content": said}]


def _answer(message: Message, origin: str, is_kept: bool) -> list[dict[str, Any]]:
    """What the model said before: its own items each in the place it had, text and calls in those between."""
    free = chain(_said(message), map(_call, message.tool_calls or ()))
    thought = (part for part in message.content_parts if isinstance(part, ContentReasoning))
    own = [(place, part) for part in thought if part.origin == origin and (place := place_of(part)) is not None]
    items: list[dict[str, Any]] = []
    for place, part in sorted(own, key=itemgetter(0)) if origin else ():
        items.extend(islice(free, max(0, place - len(items))))
        items.append({**part.extra, ENCRYPTED: part.data} if part.data is not None else part.extra)
    return [item for item in (*items, *free) if is_kept or _is_whole(item)]


def _is_whole(item: Mapping[str, Any]) -> bool:
    """Whether an item says all, where the provider keeps nothing: of a thought it may have kept all but a summary."""
    return item.get("type") != "reasoning" or bool(item.get(ENCRYPTED) or item.get("content"))


def _said(message: Message) -> Iterator[dict[str, Any]]:
    parts = [part for part in message.content_parts if not isinstance(part, ContentReasoning)]
    phases = as_list(message.metadata.get(PHASES))
    # An edited message may have other parts than those that the phases are of.
    known = iter(phases if len(phases) == len(parts) else ())
    for part in parts:
        if isinstance(part, ContentText):
            spec = {"type": "output_text", "text": part.text, "annotations": list[Any]()}
        else:
            spec = _part(part.model_dump(exclude_none=True))
        phase = next(known, None)
        told = {"phase": phase} if isinstance(phase, str) else {}
        yield {"type": "message", "role": "assistant", "content": [spec], **told}


def _call(call: ToolCall) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _part(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A part in the form of the chat API, in that of this one."""
    mark = as_mapping(spec.get("cache_control"))
    # Marks of other providers mean nothing here, where the beginning of a prompt is cached unasked.
    marked = {"prompt_cache_breakpoint": mark} if "mode" in mark else {}
    match spec["type"]:
        case "text":
            return {"type": "input_text", "text": spec["text"], **marked}
        case "image_url":
            image = spec["image_url"]
            return {"type": "input_image", "image_url": image["url"], "detail": image["detail"], **marked}
        case "file":
            return {"type": "input_file", **spec["file"], **marked}
        case _:
            sound = spec["input_audio"]
            return {"type": "input_audio", "input_audio": {name: sound[name] for name in ("data", "format")}}
