"""Answers of Anthropic's messages API in the form of its reference, streamed and whole, with the turn of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rigging_py.message import Usage

PING = {"type": "ping"}
STOP = {"type": "message_stop"}
ORIGIN = "anthropic!claude-test"


@dataclass(frozen=True)
class Letter:
    """An answer: its events until the stop reason and after it, the same in one piece, and what it says."""

    until_final: Sequence[dict[str, Any]]
    whole: dict[str, Any]
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = "stop"
    usage: Usage | None = None
    kept: tuple[tuple[str, str | None, str | None], ...] = ()
    """What goes back as it came: its form, its signature, its data."""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    after: Sequence[dict[str, Any]] = (STOP,)

    @property
    def body(self) -> bytes:
        return sse(*self.until_final, *self.after)


def sse(*events: dict[str, Any], end: str = "\n") -> bytes:
    written = ((event["type"], json.dumps(event, ensure_ascii=False)) for event in events)
    return "".join(f"event: {name}{end}data: {data}{end}{end}" for name, data in written).encode()


def start(**others: Any) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-test",
    }
    return {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage, **others}}


def block(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def piece(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def final(reason: str = "end_turn", usage: dict[str, Any] | None = None, **delta: Any) -> dict[str, Any]:
    told = {"stop_reason": reason, "stop_sequence": None, **delta}
    return {"type": "message_delta", "delta": told, "usage": usage or {"output_tokens": 4}}


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    said = [piece(index, "text_delta", text=one) for one in pieces]
    return [block(index, "text", text=""), *said, stop(index)]


def whole(*content: dict[str, Any], reason: str = "end_turn", **others: Any) -> dict[str, Any]:
    usage = {"input_tokens": 9, "output_tokens": 4}
    told = {"stop_reason": reason, "stop_sequence": None, "usage": usage, **others}
    return {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [*content],
        **told,
    }


_COUNTED = Usage(input_tokens=9, output_tokens=4, total_tokens=13)
_CACHED = {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 1}
_SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "sky"}}
_FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "Zm9v"}]}
_CITED = {"type": "web_search_result_location", "url": "https://sky.example", "cited_text": "blue"}
_REFUSED = {"type": "refusal", "category": "cyber", "explanation": None}

LETTERS = {
    "text": Letter(
        [start(), PING, *text(0, "Grüß", " 🦙 dich", "\n!"), final()],
        whole({"type": "text", "text": "Grüß 🦙 dich\n!"}),
        text="Grüß 🦙 dich\n!",
        usage=_COUNTED,
        extra={"stop_reason": "end_turn"},
    ),
    "tools": Letter(
        [
            start(),
            *text(0, "I look."),
            block(1, "tool_use", id="toolu_1", name="look", input={}),
            piece(1, "input_json_delta", partial_json=""),
            piece(1, "input_json_delta", partial_json='{"at":'),
            piece(1, "input_json_delta", partial_json='"sky"}'),
            stop(1),
            block(2, "tool_use", id="toolu_2", name="ping", input={}),
            stop(2),
            final("tool_use"),
        ],
        whole(
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}},
            {"type": "tool_use", "id": "toolu_2", "name": "ping", "input": {}},
            reason="tool_use",
        ),
        text="I look.",
        calls=(("toolu_1", "look", '{"at":"sky"}'), ("toolu_2", "ping", "{}")),
        reason="tool_calls",
        usage=_COUNTED,
        extra={"stop_reason": "tool_use"},
    ),
    "thinking": Letter(
        [
            start(usage=_CACHED),
            block(0, "thinking", thinking="", signature=""),
            piece(0, "thinking_delta", thinking="Six by"),
            piece(0, "thinking_delta", thinking=" 7."),
            piece(0, "signature_delta", signature="c2ln"),
            stop(0),
            block(1, "redacted_thinking", data="ZGF0YQ=="),
            stop(1),
            *text(2, "42"),
            final("max_tokens", {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}}),
        ],
        whole(
            {"type": "thinking", "thinking": "Six by 7.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "ZGF0YQ=="},
            {"type": "text", "text": "42"},
            reason="max_tokens",
            usage={**_CACHED, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}},
        ),
        text="42",
        thought="Six by 7.",
        reason="length",
        usage=Usage(
            input_tokens=123,
            output_tokens=50,
            total_tokens=173,
            cached_tokens=100,
            cache_write_tokens=20,
            reasoning_tokens=40,
        ),
        kept=(("thinking", "c2ln", None), ("redacted_thinking", None, "ZGF0YQ==")),
        extra={"stop_reason": "max_tokens"},
    ),
    "thinking that is not shown": Letter(
        [
            start(),
            block(0, "thinking", thinking="", signature=""),
            piece(0, "signature_delta", signature="c2ln"),
            stop(0),
            block(1, "tool_use", id="toolu_1", name="look", input={}),
            piece(1, "input_json_delta", partial_json="{}"),
            stop(1),
            final("tool_use"),
        ],
        whole(
            {"type": "thinking", "thinking": "", "signature": "c2ln"},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
            reason="tool_use",
        ),
        calls=(("toolu_1", "look", "{}"),),
        reason="tool_calls",
        usage=_COUNTED,
        kept=(("thinking", "c2ln", None),),
        extra={"stop_reason": "tool_use"},
    ),
    "the provider's own tool": Letter(
        [
            start(),
            *text(0, "I search."),
            block(1, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
            piece(1, "input_json_delta", partial_json='{"query": '),
            piece(1, "input_json_delta", partial_json='"sky"}'),
            stop(1),
            {"type": "content_block_start", "index": 2, "content_block": _FOUND},
            stop(2),
            *text(3, "It is "),
            block(4, "text", text="", citations=[]),
            piece(4, "citations_delta", citation=_CITED),
            piece(4, "text_delta", text="blue"),
            stop(4),
            *text(5, "."),
            final("pause_turn"),
        ],
        whole(
            {"type": "text", "text": "I search."},
            _SEARCH,
            _FOUND,
            {"type": "text", "text": "It is "},
            {"type": "text", "text": "blue", "citations": [_CITED]},
            {"type": "text", "text": "."},
            reason="pause_turn",
        ),
        text="I search.\nIt is blue.",
        reason="unknown",
        usage=_COUNTED,
        kept=(("server_tool_use", None, None), ("web_search_tool_result", None, None)),
        extra={"stop_reason": "pause_turn", "citations": [_CITED]},
    ),
    "refusal": Letter(
        [start(), *text(0, "I will"), final("refusal", stop_details=_REFUSED)],
        whole({"type": "text", "text": "I will"}, reason="refusal", stop_details=_REFUSED),
        text="I will",
        reason="content_filter",
        usage=_COUNTED,
        extra={"stop_reason": "refusal", "stop_details": _REFUSED},
    ),
    "a stop sequence": Letter(
        [start(), *text(0, "one, "), final("stop_sequence", stop_sequence="two")],
        whole({"type": "text", "text": "one, "}, reason="stop_sequence", stop_sequence="two"),
        text="one, ",
        usage=_COUNTED,
        extra={"stop_reason": "stop_sequence", "stop_sequence": "two"},
    ),
    "no more room": Letter(
        [start(), *text(0, "and"), final("model_context_window_exceeded")],
        whole({"type": "text", "text": "and"}, reason="model_context_window_exceeded"),
        text="and",
        reason="length",
        usage=_COUNTED,
        extra={"stop_reason": "model_context_window_exceeded"},
    ),
    "nothing": Letter([start(), final()], whole(), usage=_COUNTED, extra={"stop_reason": "end_turn"}),
    "thinking alone": Letter(
        [
            start(),
            block(0, "thinking", thinking="", signature=""),
            piece(0, "thinking_delta", thinking="Hm"),
            stop(0),
            final("max_tokens"),
        ],
        whole({"type": "thinking", "thinking": "Hm", "signature": ""}, reason="max_tokens"),
        thought="Hm",
        reason="length",
        usage=_COUNTED,
        extra={"stop_reason": "max_tokens"},
    ),
    "llama.cpp": Letter(
        [
            start(usage={"cache_read_input_tokens": 5, "input_tokens": 4, "output_tokens": 0}),
            *text(0, "Hel", "lo"),
            final("stop_sequence", stop_sequence="."),
        ],
        whole(
            {"type": "text", "text": "Hello"},
            reason="stop_sequence",
            stop_sequence=".",
            usage={"cache_read_input_tokens": 5, "input_tokens": 4, "output_tokens": 4},
        ),
        text="Hello",
        usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=5),
        extra={"stop_reason": "stop_sequence", "stop_sequence": "."},
    ),
    "texts on both sides of a thought, in blocks that begin whole": Letter(
        [
            start(),
            block(0, "text", text="a"),
            block(1, "thinking", thinking="Hm", signature="c2ln"),
            block(2, "text", text="b"),
            final(),
        ],
        whole(
            {"type": "text", "text": "a"},
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
            {"type": "text", "text": "b"},
        ),
        text="a\nb",
        thought="Hm",
        usage=_COUNTED,
        kept=(("thinking", "c2ln", None),),
        extra={"stop_reason": "end_turn"},
    ),
    "events that nobody knows, no indexes, blocks that begin whole": Letter(
        [
            {"type": "message_begin"},
            start(content=[{"type": "text", "text": "a"}]),
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "b"}},
            {"type": "content_block_delta", "delta": {"type": "compaction_delta", "content": "?"}},
            {
                "type": "content_block_start",
                "content_block": {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}},
            },
            final("tool_use"),
        ],
        whole(
            {"type": "text", "text": "ab"},
            {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}},
            reason="tool_use",
        ),
        text="ab",
        calls=(("t", "look", '{"at":1}'),),
        reason="tool_calls",
        usage=_COUNTED,
        extra={"stop_reason": "tool_use"},
        after=(),
    ),
}
