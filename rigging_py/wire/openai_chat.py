"""The OpenAI chat-completions wire: requests to dicts, replies and stream chunks to turns. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic_core import to_json

from rigging_py.error import InvalidError
from rigging_py.message import (
    Delta,
    FunctionCall,
    GenerateParams,
    Message,
    ModelTurn,
    ReasoningDelta,
    StopReason,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    to_stop_reason,
)
from rigging_py.wire.failures import BODY_LIMIT, redacted

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
    model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False
) -> dict[str, Any]:
    """The body of a request."""
    request: dict[str, Any] = {"model": model, "messages": [message.to_openai() for message in messages]}
    given = params.given()
    request.update({name: given[name] for name in _SENT_AS_THEY_ARE if name in given})
    if params.tools:
        request["tools"] = [tool.model_dump(exclude_none=True) for tool in params.tools]
    elif "tool_choice" in request:
        del request["tool_choice"]
    if stream:
        request.update(stream=True, stream_options={"include_usage": True})
    return {**request, **params.extra}


def chat_turn(reply: object, *, provider: str = "", secret: str | None = None) -> ModelTurn:
    """The turn in a reply. Raises `InvalidError` for a reply that holds none, without `secret` in it."""
    try:
        return _turn(reply)
    except ValueError as error:
        who = f" from {provider}" if provider else ""
        body = redacted(reply if isinstance(reply, str) else to_json(reply, fallback=repr).decode(), secret)
        problem = f"The reply{who} is not a chat completion: {error}."
        raise InvalidError(problem, provider=provider, body=body[:BODY_LIMIT]) from None


def _turn(reply: object) -> ModelTurn:
    body = _object(reply)
    if body is None:
        raise ValueError("it is not a JSON object")
    choices = _list(body.get("choices"))
    if not choices:
        raise ValueError("it has no choices")
    choice = _object(choices[0]) or {}
    spoken = _object(choice.get("message"))
    if spoken is None:
        raise ValueError("its first choice has no message")
    if not (isinstance(spoken.get("content") or "", str | list) and isinstance(spoken.get("tool_calls") or [], list)):
        raise ValueError("its content or its tool calls are of another kind")
    calls = [_tool_call(call) for call in _list(spoken.get("tool_calls"))]
    message = Message.of("assistant", _text(spoken), calls or None)
    return ModelTurn(
        message, to_stop_reason(choice.get("finish_reason")), read_usage(body.get("usage")), _extra(body, spoken)
    )


def _text(spoken: Mapping[str, Any]) -> str:
    content: Any = spoken.get("content") or spoken.get("refusal") or ""
    if isinstance(content, str):
        return content
    return "".join(str((_object(part) or {}).get("text") or "") for part in _list(content))


def _object(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _count(value: object) -> int:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(cast("float", value)) if is_whole else 0


def _tool_call(raw: Any) -> ToolCall:
    call = _object(raw) or {}
    function = _object(call.get("function")) or {}
    if not function.get("name"):
        raise ValueError("a tool call in it names no function")
    arguments: Any = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else to_json(arguments).decode()
    return ToolCall(id=str(call.get("id") or ""), function=FunctionCall(name=str(function["name"]), arguments=text))


def read_usage(raw: object) -> Usage | None:
    """The token counts of a reply, in our names."""
    counts = _object(raw)
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
        "reasoning_content": spoken.get("reasoning_content"),
    }
    return {name: value for name, value in found.items() if value}


@dataclass
class ChatStream:
    """Puts the chunks of a streamed reply together: feed them in order, then ask for the turn."""

    provider: str = ""
    text: list[str] = field(default_factory=list[str])
    reasoning: list[str] = field(default_factory=list[str])
    calls: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """By index: id, name, and the pieces of the arguments."""
    reason: StopReason | None = None
    usage: Usage | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Delta]:
        """What a chunk adds."""
        self.usage = read_usage(chunk.get("usage")) or self.usage
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        for choice in choices[:1]:
            delta: dict[str, Any] = choice.get("delta") or {}
            if choice.get("finish_reason"):
                self.reason = to_stop_reason(choice["finish_reason"])
                self.extra.update(_extra(chunk, delta))
            if thought := delta.get("reasoning_content"):
                self.reasoning.append(thought)
                yield ReasoningDelta(thought)
            if said := delta.get("content") or delta.get("refusal"):
                self.text.append(said)
                yield TextDelta(said)
            for call in delta.get("tool_calls") or ():
                yield self._call(call)

    def _call(self, raw: Mapping[str, Any]) -> ToolCallDelta:
        function: dict[str, Any] = raw.get("function") or {}
        id_, name = raw.get("id") or "", function.get("name") or ""
        delta = ToolCallDelta(self._index(raw.get("index"), id_, name), id_, name, function.get("arguments") or "")
        call = self.calls.setdefault(delta.index, ["", ""])
        call[0], call[1] = call[0] or delta.id, call[1] or delta.name
        call.append(delta.arguments)
        return delta

    def _index(self, given: object, id_: str, name: str) -> int:
        """Which call a delta belongs to. Some servers give no index: a new id, or a name without one, begins a call."""
        if isinstance(given, int):
            return given
        last = max(self.calls, default=-1)
        is_new = last < 0 or (id_ != self.calls[last][0] if id_ else bool(name and self.calls[last][1]))
        return last + 1 if is_new else last

    def turn(self) -> ModelTurn | None:
        """The whole turn, or None while its end has not come."""
        if self.reason is None:
            return None
        calls = [
            ToolCall(id=call[0], function=FunctionCall(name=call[1], arguments="".join(call[2:]) or "{}"))
            for _, call in sorted(self.calls.items())
        ]
        thought = {"reasoning_content": "".join(self.reasoning)} if self.reasoning else {}
        message = Message("assistant", "".join(self.text), tool_calls=calls or None)
        return ModelTurn(message, self.reason, self.usage, {**self.extra, **thought})
