"""The OpenAI chat-completions wire: requests to dicts, whole replies to turns. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.error import InvalidError
from rigging_py.message import (
    FunctionCall,
    GenerateParams,
    Message,
    ModelTurn,
    ToolCall,
    Usage,
    to_stop_reason,
)
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list, as_object
from rigging_py.wire.failures import BODY_LIMIT, redacted, stream_failure
from rigging_py.wire.openai_reasoning import read_reasoning, thought_of, with_reasoning

BROKEN_OFF = "error"
"""The finish reason by which gateways say that the model behind them failed."""
ODD_KIND = "its content or its tool calls are of another kind"

_SENT_AS_THEY_ARE = (
    "temperature",
    "max_tokens",
    "top_k",
    "top_p",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "tool_choice",
    "parallel_tool_calls",
    "modalities",
    "audio",
)


def chat_request(
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
) -> dict[str, Any]:
    """The body of a request. `origin` is who is asked, to whom goes back what reasoning came under this name."""
    request: dict[str, Any] = {"model": model, "messages": [with_reasoning(message, origin) for message in messages]}
    given = params.given()
    request.update({name: given[name] for name in _SENT_AS_THEY_ARE if name in given})
    if params.tools:
        request["tools"] = [tool.model_dump(exclude_none=True) for tool in params.tools]
    elif "tool_choice" in request:
        del request["tool_choice"]
    if isinstance(params.output, JsonShape):
        asked = {"name": params.output.name, "schema": params.output.schema}
        request["response_format"] = {"type": "json_schema", "json_schema": asked}
    if stream:
        request.update(stream=True, stream_options={"include_usage": True})
    return {**request, **params.extra}


def chat_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a reply, whose reasoning is kept under the name `origin`.

    Raises `InvalidError` for a reply that holds none, without `secret` in it.
    """
    try:
        return _turn(reply, provider, secret, origin)
    except ValueError as error:
        who = f" from {provider}" if provider else ""
        body = redacted(reply if isinstance(reply, str) else to_json(reply, fallback=repr).decode(), secret)
        problem = f"The reply{who} is not a chat completion: {error}."
        raise InvalidError(problem, provider=provider, body=body[:BODY_LIMIT]) from None


def _turn(reply: object, provider: str, secret: str | None, origin: str) -> ModelTurn:
    body = as_object(reply)
    if body is None:
        raise ValueError("it is not a JSON object")
    choices = as_list(body.get("choices"))
    if not choices:
        raise ValueError("it has no choices")
    choice = as_object(choices[0]) or {}
    if choice.get("finish_reason") == BROKEN_OFF:
        raise stream_failure(provider, to_json(reply, fallback=repr).decode(), secret=secret)
    spoken = as_object(choice.get("message"))
    if spoken is None:
        raise ValueError("its first choice has no message")
    if not is_spoken(spoken):
        raise ValueError(ODD_KIND)
    calls = [_tool_call(call) for call in as_list(spoken.get("tool_calls"))]
    text = text_of(spoken)
    # Nobody takes a message of reasoning alone.
    reasoning = read_reasoning(spoken, origin) if text or calls else ()
    message = Message.of("assistant", text, calls or None, reasoning)
    return ModelTurn(
        message, to_stop_reason(choice.get("finish_reason")), read_usage(body.get("usage")), _extra(body, spoken)
    )


def is_spoken(spoken: Mapping[str, Any]) -> bool:
    """Whether what is said and called, whole or as a delta, is of a kind that can be read."""
    return isinstance(spoken.get("content") or "", str | list) and isinstance(spoken.get("tool_calls") or [], list)


def text_of(spoken: Mapping[str, Any]) -> str:
    """What is said: the content, and the refusal that stands in its place or breaks it off."""
    content: Any = spoken.get("content") or ""
    if not isinstance(content, str):
        content = "".join(str((as_object(part) or {}).get("text") or "") for part in as_list(content))
    refusal = spoken.get("refusal")
    return f"{content}{refusal}" if refusal and isinstance(refusal, str) else str(content)


def _count(value: object) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(cast("float", value)) if is_whole else 0


def _tool_call(raw: Any) -> ToolCall:
    call = as_object(raw) or {}
    function = as_object(call.get("function")) or {}
    if not function.get("name"):
        raise ValueError("a tool call in it names no function")
    arguments: Any = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else to_json(arguments).decode()
    return ToolCall(id=str(call.get("id") or ""), function=FunctionCall(name=str(function["name"]), arguments=text))


def read_usage(raw: object) -> Usage | None:
    """The token counts of a reply, in our names."""
    counts = as_object(raw)
    if counts is None:
        return None
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    return Usage(
        input_tokens=read, output_tokens=written, total_tokens=_count(counts.get("total_tokens")) or read + written
    )


def _extra(body: Mapping[str, Any], spoken: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "response_id": body.get("id"),
        "model": body.get("model"),
        "reasoning_content": thought_of(spoken),
    }
    return {name: value for name, value in found.items() if value}
