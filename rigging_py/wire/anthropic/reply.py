"""Whole replies of Anthropic's messages API to turns. Pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from pydantic_core import to_json

from rigging_py.message import (
    AnyContent,
    ContentReasoning,
    ContentText,
    FunctionCall,
    Message,
    ModelTurn,
    ToolCall,
    Usage,
    to_stop_reason,
)
from rigging_py.parsing.untyped import as_count, as_list, as_mapping, as_object
from rigging_py.wire.anthropic.blocks import REDACTED, THINKING, Block
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.unread import unread_reply


def messages_turn(reply: object, *, provider: str = "", secret: str | None = None, origin: str = "") -> ModelTurn:
    """The turn in a reply, whose reasoning is kept under the name `origin`.

    Raises `InvalidError` for a reply that holds none, without `secret` in it, and what an error in its place stands
    for.
    """
    body = as_object(reply)
    if body is not None and body.get("type") == "error":
        raise stream_failure(provider, reply, secret=secret)
    try:
        if body is None:
            raise ValueError("it is not a JSON object")
        return read_turn(body, origin)
    except ValueError as error:
        raise unread_reply(provider, secret, f"is not a message of Anthropic's API: {error}", reply) from None


def read_turn(body: Mapping[str, Any], origin: str) -> ModelTurn:
    """The turn in the body of a reply. Raises `ValueError` for a body that holds none."""
    if not isinstance(body.get("content"), list):
        raise ValueError("it has no list of content")
    blocks = [read_block(raw) for raw in body["content"]]
    calls = [read_call(block) for block in blocks if block["type"] == "tool_use"]
    thought = "".join(str(block["thinking"]) for block in blocks if block["type"] == THINKING)
    citations = [one for block in blocks if block["type"] == "text" for one in as_list(block.get("citations"))]
    extra = {
        "response_id": body.get("id"),
        "model": body.get("model"),
        "reasoning_content": thought,
        "citations": citations,
        **{name: body.get(name) for name in ("stop_reason", "stop_sequence", "stop_details", "container")},
    }
    return ModelTurn(
        _message(blocks, calls, origin),
        to_stop_reason(body.get("stop_reason")),
        read_usage(body.get("usage")),
        {name: value for name, value in extra.items() if value},
    )


def read_call(block: Block) -> ToolCall:
    """A call. Raises `ValueError` for one that names no tool."""
    name, given = block.get("name"), block.get("input")
    if not (name and isinstance(name, str)):
        raise ValueError("a tool call in it names no tool")
    arguments = given if isinstance(given, str) else to_json(given or {}).decode()
    return ToolCall(id=str(block.get("id") or ""), function=FunctionCall(name=name, arguments=arguments or "{}"))


def read_usage(raw: object) -> Usage | None:
    """The token counts of a reply. The API's `input_tokens` are those that no cache has to do with; ours are all."""
    counts = as_object(raw)
    if counts is None:
        return None
    cached, kept = (as_count(counts.get(f"cache_{done}_input_tokens")) for done in ("read", "creation"))
    read, written = as_count(counts.get("input_tokens")) + cached + kept, as_count(counts.get("output_tokens"))
    thought = as_count(as_mapping(counts.get("output_tokens_details")).get("thinking_tokens"))
    # Those that are kept for an hour have a price of their own.
    long = as_count(as_mapping(counts.get("cache_creation")).get("ephemeral_1h_input_tokens"))
    return Usage(
        input_tokens=read,
        output_tokens=written,
        total_tokens=read + written,
        cached_tokens=cached or None,
        cache_write_tokens=kept or None,
        reasoning_tokens=thought or None,
        **({"cache_write_1h_tokens": long} if long else {}),
    )


def read_block(raw: object) -> Block:
    """A block of a reply. Raises `ValueError` for one of no type, and for text that is none."""
    block = as_object(raw)
    kind = block.get("type") if block is not None else None
    if block is None or not isinstance(kind, str):
        raise ValueError("a block in it is of no type")
    if kind not in ("text", THINKING):
        return block
    text = block.get(kind)
    if not isinstance(text, str | None):
        raise ValueError(f"a block of {kind} in it has none")
    return {**block, kind: text or ""}


def _message(blocks: Iterable[Block], calls: list[ToolCall], origin: str) -> Message:
    parts = list(_parts(blocks, origin))
    message = Message.of("assistant", "", calls or None)
    # Nobody takes a message of thinking alone.
    if calls or any(not _is_thought(part) for part in parts):
        message.content_parts = parts
    return message


def _parts(blocks: Iterable[Block], origin: str) -> Iterator[AnyContent]:
    """Text, thoughts, and what the provider's own tools did, in the order it came, as it has to go back.

    One text comes in several blocks where it cites.
    """
    said = [block for block in blocks if block["type"] != "tool_use"]
    for is_text, group in groupby(said, lambda block: block["type"] == "text"):
        if not is_text:
            yield from (_kept(block, origin) for block in group)
        elif text := "".join(block["text"] for block in group):
            yield ContentText(text=text)


def _kept(block: Block, origin: str) -> ContentReasoning:
    kind = block["type"]
    about = {name: value for name, value in block.items() if name != "type"}
    own: dict[str, Any] = {}
    if kind == THINKING:
        own = {"text": about.pop("thinking"), "signature": about.pop("signature", None)}
    elif kind == REDACTED:
        own = {"data": about.pop("data", None)}
    return ContentReasoning(origin=origin, form=kind, extra=about, **own)


def _is_thought(part: AnyContent) -> bool:
    return isinstance(part, ContentReasoning) and part.form in (THINKING, REDACTED)
