"""Streamed answers as servers write them, with the turn that each stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rigging_py.message import Usage

DONE = "data: [DONE]\n\n"
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


@dataclass(frozen=True)
class Letter:
    """An answer: what is sent until its final record is whole, what is sent after that, and what it says."""

    until_final: bytes
    after: bytes = DONE.encode()
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = "stop"
    usage: Usage | None = None

    @property
    def body(self) -> bytes:
        return self.until_final + self.after


def chunk(delta: Any = None, reason: str | None = None, **others: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": 0,
        "delta": {} if delta is None else delta,
        "logprobs": None,
        "finish_reason": reason,
    }
    return {"id": "chatcmpl-7", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice], **others}


def sse(*chunks: dict[str, Any], end: str = "\n\n", compact: bool = True) -> bytes:
    separators = (",", ":") if compact else (", ", ": ")
    written = (json.dumps(one, ensure_ascii=False, separators=separators) for one in chunks)
    return "".join(f"data: {one}{end}" for one in written).encode()


def _call(index: int | None, arguments: str, id_: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    numbered = {} if index is None else {"index": index}
    return chunk(
        {"tool_calls": [{**numbered, **({"id": id_, "type": "function"} if id_ else {}), "function": function}]}
    )


_USED: dict[str, Any] = {"choices": [], "usage": USAGE, "id": "chatcmpl-7", "model": "m-1"}
_COUNTED = Usage(input_tokens=9, output_tokens=4, total_tokens=13)

LETTERS = {
    "openai": Letter(
        sse(chunk({"role": "assistant", "content": "", "refusal": None}, usage=None), chunk({"content": "Grüß"}))
        + sse(chunk({"content": " 🦙 dich"}), chunk({"content": "\n!"}), chunk({}, "stop", usage=None)),
        sse(_USED) + DONE.encode(),
        text="Grüß 🦙 dich\n!",
        usage=_COUNTED,
    ),
    "openai, tools": Letter(
        sse(chunk({"role": "assistant", "content": None, "tool_calls": None}), _call(0, "", "call_a", "look"))
        + sse(_call(0, '{"at":'), _call(0, '"sky"}'), _call(1, "", "call_b", "ping"), chunk({}, "tool_calls")),
        sse(_USED) + DONE.encode(),
        calls=(("call_a", "look", '{"at":"sky"}'), ("call_b", "ping", "{}")),
        reason="tool_calls",
        usage=_COUNTED,
    ),
    "openai, refusal": Letter(
        sse(chunk({"role": "assistant", "content": None}), chunk({"refusal": "I will"}), chunk({"refusal": " not."}))
        + sse(chunk({}, "stop")),
        text="I will not.",
    ),
    "vllm, reasoning": Letter(
        sse(chunk({"role": "assistant", "content": ""}), chunk({"reasoning": "Six by"}), chunk({"reasoning": " 7."}))
        + sse(chunk({"content": "42", "reasoning_content": None}, usage={**USAGE, "completion_tokens": 1}))
        + sse(chunk({"content": ""}, "length", stop_reason=None)),
        sse(_USED) + DONE.encode(),
        text="42",
        thought="Six by 7.",
        reason="length",
        usage=_COUNTED,
    ),
    "vllm, a new id with every piece of a call": Letter(
        sse(_call(0, "", "x1", "look"), _call(0, '{"at":', "x2", "look"), _call(0, "1}", "x3", "look"))
        + sse(chunk({"content": ""}, "stop")),
        calls=(("x1", "look", '{"at":1}'),),
        reason="tool_calls",
    ),
    "llama.cpp": Letter(
        sse(
            chunk({"role": "assistant", "content": None}),
            chunk({"content": "Hi"}),
            chunk({"content": "."}),
            end="\r\n\r\n",
        )
        # The last carriage return ends the event, and the line feed after it no other.
        + sse(chunk({}, "stop", timings={"predicted_n": 4}), end="\r\n\r"),
        b"\n" + sse({**_USED, "timings": {}}),
        text="Hi.",
        usage=_COUNTED,
    ),
    "no indexes, comments, odd line ends": Letter(
        b"\xef\xbb\xbf: hello\r\r: ping\n\nevent: message\rid: 1\r"
        + sse(_call(None, '{"a":1}', "c1", "f"), _call(None, "", "c2", "g"), end="\r\r", compact=False)
        + b'data: {"choices": [\ndata: {"delta": null,\ndata: "finish_reason": "tool_calls"}]}\n\n',
        b"",
        calls=(("c1", "f", '{"a":1}'), ("c2", "g", "{}")),
        reason="tool_calls",
    ),
    "every call is number 0": Letter(
        sse(_call(0, '{"a":1}', "c1", "f"), _call(0, '{"a":2}', "c2", "f"), chunk({"content": None}, "stop")),
        calls=(("c1", "f", '{"a":1}'), ("c2", "f", '{"a":2}')),
        reason="tool_calls",
    ),
    "two choices by turns": Letter(
        sse(chunk({"content": "one"}), {"choices": [{"index": 1, "delta": {"content": "two"}}]}, chunk({}, "stop")),
        sse({"choices": [{"index": 1, "delta": {"content": "!"}, "finish_reason": "stop"}]}) + DONE.encode(),
        text="one",
    ),
    "a finish reason twice": Letter(
        sse(chunk({"content": "x"}), chunk({}, "tool_calls")),
        sse(chunk({"content": ""}, "stop")),
        text="x",
        reason="tool_calls",
    ),
}
