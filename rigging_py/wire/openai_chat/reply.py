"""What the OpenAI chat-completions API answers: whole replies to turns. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from rigging_py.error import ProviderError
from rigging_py.message import (
    Content,
    ContentReasoning,
    FunctionCall,
    Message,
    ModelTurn,
    ToolCall,
    to_stop_reason,
)
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.openai_chat.content import ODD_KIND, Sound, images_of, is_spoken, text_of
from rigging_py.wire.openai_chat.facts import Facts
from rigging_py.wire.openai_chat.reasoning import read_reasoning, thought_of
from rigging_py.wire.openai_chat.usage import usage_in
from rigging_py.wire.unread import unread_reply

_BROKEN_OFF = ("error", "abort", "insufficient_system_resource", "network_error")
"""The finish reasons by which servers say that the model behind them failed."""


def chat_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a reply, whose reasoning is kept under the name `origin`.

    Raises the `ProviderError` that an error in its place stands for, and `InvalidError` for a reply that holds none,
    without `secret` in it.
    """
    try:
        return _turn(reply, provider, secret, origin)
    except ProviderError:
        raise
    except ValueError as error:
        raise unread_reply(provider, secret, f"is not a chat completion: {error}", reply) from None


def _turn(reply: object, provider: str, secret: str | None, origin: str) -> ModelTurn:
    body = as_object(reply)
    if body is None:
        raise ValueError("it is not a JSON object")
    choices = as_list(body.get("choices"))
    if is_failure(body) and not choices:
        raise stream_failure(provider, reply, secret=secret)
    if not choices:
        raise ValueError("it has no choices")
    choice = as_object(choices[0]) or {}
    raise_where_broken(body, choice, provider, secret)
    spoken = as_object(choice.get("message"))
    if spoken is None:
        raise ValueError("its first choice has no message")
    if not is_spoken(spoken):
        raise ValueError(ODD_KIND)
    calls = [_tool_call(call) for call in as_list(spoken.get("tool_calls"))]
    facts, sound = Facts(), Sound()
    facts.feed(body, choice, spoken)
    sound.feed(spoken)
    message = message_of(text_of(spoken), calls, read_reasoning(spoken, origin), [*images_of(spoken), *sound.parts()])
    return ModelTurn(
        message,
        to_stop_reason(choice.get("finish_reason"), has_calls=bool(calls)),
        usage_in(body, choice),
        facts.told(thought_of(spoken)),
    )


def message_of(
    text: str, calls: list[ToolCall], reasoning: Sequence[ContentReasoning], media: Sequence[Content]
) -> Message:
    """The message of a turn. Nobody takes one of reasoning alone."""
    message = Message.of("assistant", text, calls or None, reasoning if text or calls or media else ())
    if media:
        message.content_parts = [*message.content_parts, *media]
    return message


def is_failure(body: Mapping[str, Any]) -> bool:
    """Whether an error stands in the place of a reply, or of a chunk."""
    return bool(body.get("error")) or body.get("object") == "error"


def raise_where_broken(body: Mapping[str, Any], choice: Mapping[str, Any], provider: str, secret: str | None) -> None:
    """Raises the `ProviderError` that the end of a choice stands for, when the model behind a server failed."""
    reason, said = choice.get("finish_reason"), choice.get("error")
    if "x_groq" in body:
        said = said or as_mapping(body["x_groq"]).get("error")
    if said or (isinstance(reason, str) and reason in _BROKEN_OFF):
        failed = {"error": said} if said else body
        raise stream_failure(provider, failed, secret=secret)


def _tool_call(raw: Any) -> ToolCall:
    call = as_mapping(raw)
    function = as_mapping(call.get("function"))
    name = function.get("name")
    if not name or not isinstance(name, str):
        raise ValueError("a tool call in it names no function")
    arguments: Any = function.get("arguments") or "{}"
    text = arguments if isinstance(arguments, str) else to_json(arguments).decode()
    return ToolCall(id=str(call.get("id") or ""), function=FunctionCall(name=name, arguments=text))
