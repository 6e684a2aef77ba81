"""The OpenAI responses wire, what is answered: a whole response to a turn. No I/O.

A response is a list of items. Messages and calls of functions become the text and the calls of one assistant message;
every other item (what the model thought, what the provider's own tools did) is a part of that message too, which says
nothing to anybody but its model, to whom it goes back untouched and in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from rigging_py.error import ProviderError
from rigging_py.message import (
    ContentReasoning,
    ContentText,
    FunctionCall,
    Message,
    ModelTurn,
    StopReason,
    ToolCall,
    Usage,
)
from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.openai_chat.usage import read_usage
from rigging_py.wire.unread import unread_reply

ENCRYPTED = "encrypted_content"
PHASES = "phases"
"""Where a message's metadata has the phase of each of its texts, for models that have several."""
BETWEEN_THOUGHTS = "\n\n"
_FORM = "output."
_CUT: Mapping[str, StopReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_THOUGHTS = ("summary", "content")
"""The lists of texts that an item of reasoning has."""


def responses_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a response, whose items that are the model's own are kept under the name `origin`.

    Raises the `ProviderError` that a failed response stands for, and `InvalidError` for one that holds no turn,
    without `secret` in it.
    """
    try:
        return _turn(reply, provider, secret, origin)
    except ProviderError:
        raise
    except ValueError as error:
        raise unread_reply(provider, secret, f"is not a response with an answer: {error}", reply) from None


def response_failure(response: Mapping[str, Any], provider: str, secret: str | None) -> ProviderError:
    """The error that a response stands for which failed."""
    error = response.get("error")
    told = {"error": error} if error else {"status": response.get("status")}
    return stream_failure(provider, told, secret=secret)


def text_of(item: Mapping[str, Any]) -> str:
    """What a message says: its text, and the refusal that stands in its place or breaks it off."""
    content: Any = item.get("content") or []
    return content if isinstance(content, str) else "".join(_texts(content, "text", "refusal"))


def thought_of(item: Mapping[str, Any]) -> str:
    """What can be read of an item of reasoning."""
    texts = [text for name in _THOUGHTS for text in _texts(item.get(name) or [], "text")]
    return BETWEEN_THOUGHTS.join(filter(None, texts))


def arguments_of(item: Mapping[str, Any]) -> str:
    """The arguments of a call as JSON text."""
    arguments: Any = item.get("arguments") or "{}"
    return arguments if isinstance(arguments, str) else to_json(arguments, fallback=repr).decode()


def id_of(item: Mapping[str, Any]) -> str:
    """The name by which the result of a call is given back."""
    return str(item.get("call_id") or item.get("id") or "")


def place_of(part: ContentReasoning) -> int | None:
    """The place that an item had in its response; None for what comes of no response."""
    # A stored message may name any form.
    number = part.form.removeprefix(_FORM)
    is_place = part.form != number and number.isascii() and number.isdecimal() and len(number) < 7
    return int(number) if is_place else None


def _turn(reply: object, provider: str, secret: str | None, origin: str) -> ModelTurn:
    response = as_object(reply)
    if response is None:
        raise ValueError("it is not a JSON object")
    status = response.get("status") or "completed"
    if status == "failed" or response.get("error"):
        raise response_failure(response, provider, secret)
    if status not in ("completed", "incomplete"):
        raise ValueError(f"it is {status!r}, and what is answered in the background is not waited for")
    items = _objects(response.get("output"), "its output")
    message = _message(items, origin)
    return ModelTurn(message, _reason(response, message), _usage(response.get("usage")), _extra(response, items))


def _message(items: list[dict[str, Any]], origin: str) -> Message:
    calls = [_tool_call(item) for item in items if item.get("type") == "function_call"]
    texts: list[ContentText] = []
    phases: list[Any] = []
    parts: list[ContentText | ContentReasoning] = []
    for place, item in enumerate(items):
        if item.get("type") not in ("message", "function_call"):
            parts.append(_own(place, item, origin))
        elif item["type"] == "message" and (text := text_of(item)):
            texts.append(ContentText(text=text))
            phases.append(item.get("phase"))
            parts.append(texts[-1])
    message = Message.of("assistant", "", calls or None)
    # Nobody takes a message of reasoning alone.
    message.content_parts = [*parts] if texts or calls else []
    if any(isinstance(phase, str) for phase in phases):
        message.metadata[PHASES] = phases
    return message


def _own(place: int, item: Mapping[str, Any], origin: str) -> ContentReasoning:
    data = item.get(ENCRYPTED)
    is_hidden = isinstance(data, str)
    extra = {name: value for name, value in item.items() if name != ENCRYPTED} if is_hidden else dict(item)
    text = thought_of(item) if item.get("type") == "reasoning" else ""
    return ContentReasoning(
        text=text, data=data if is_hidden else None, origin=origin, form=f"{_FORM}{place}", extra=extra
    )


def _tool_call(item: Mapping[str, Any]) -> ToolCall:
    name = item.get("name")
    if not (name and isinstance(name, str)):
        raise ValueError("a call in it names no function")
    return ToolCall(id=id_of(item), function=FunctionCall(name=name, arguments=arguments_of(item)))


def _reason(response: Mapping[str, Any], message: Message) -> StopReason:
    if response.get("status") == "incomplete":
        return _CUT.get(str(as_mapping(response.get("incomplete_details")).get("reason")), "unknown")
    return "tool_calls" if message.tool_calls else "stop"


def _usage(raw: object) -> Usage | None:
    counts = as_object(raw)
    if counts is None:
        return None
    return read_usage(
        {
            **counts,
            "prompt_tokens": counts.get("input_tokens"),
            "completion_tokens": counts.get("output_tokens"),
            "prompt_tokens_details": counts.get("input_tokens_details"),
            "completion_tokens_details": counts.get("output_tokens_details"),
        }
    )


def _extra(response: Mapping[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    said = [part for item in items if item.get("type") == "message" for part in as_list(item.get("content"))]
    thoughts = [thought_of(item) for item in items if item.get("type") == "reasoning"]
    found = {
        "response_id": response.get("id"),
        "model": response.get("model"),
        "reasoning_content": BETWEEN_THOUGHTS.join(filter(None, thoughts)),
        "refusal": "".join(_texts(said, "refusal")),
        # In the form that the chat API has for them.
        "logprobs": {"content": tokens} if (tokens := _listed(said, "logprobs")) else None,
        "annotations": _listed(said, "annotations"),
        "output_items": [item for item in items if item.get("type") not in ("message", "function_call", "reasoning")],
    }
    return {name: value for name, value in found.items() if value}


def _listed(parts: Iterable[Any], name: str) -> list[Any]:
    return [one for part in parts for one in as_list(as_mapping(part).get(name))]


def _texts(parts: object, *names: str) -> Iterable[str]:
    for part in _objects(parts, "the content of an item in it"):
        text = next((part[name] for name in names if part.get(name) is not None), "")
        if not isinstance(text, str):
            raise ValueError("a text in it is none")
        yield text


def _objects(given: object, what: str) -> list[dict[str, Any]]:
    listed = as_list(given)
    objects = [one for raw in listed if (one := as_object(raw)) is not None]
    if listed is not given or len(objects) != len(listed):
        raise ValueError(f"{what} is no list of objects")
    return objects
