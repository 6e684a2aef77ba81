"""Replies as Ollama writes them, a record a line, with the turn that each stands for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rigging_py.message import Usage

ENDED: dict[str, Any] = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 4935886791,
    "load_duration": 534986708,
    "prompt_eval_count": 9,
    "prompt_eval_duration": 107345000,
    "eval_count": 4,
    "eval_duration": 4289432000,
}


COUNTED = Usage(input_tokens=9, output_tokens=4, total_tokens=13)


def record(content: str = "", **fields: Any) -> dict[str, Any]:
    spoken: dict[str, Any] = {name: fields.pop(name) for name in ("thinking", "tool_calls") if name in fields}
    message = {"role": "assistant", "content": content, **spoken}
    return {"model": "llama3.2", "created_at": "2026-11-02T10:00:00Z", "message": message, "done": False, **fields}


def call(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    return {**fields, "function": {"name": name, "arguments": arguments}}


def lines(*records: Any) -> bytes:
    return b"".join(f"{json.dumps(one, ensure_ascii=False)}\n".encode() for one in records)


@dataclass(frozen=True)
class Letter:
    """A reply, its last record the one that is done, and what it says."""

    records: tuple[dict[str, Any], ...]
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = "stop"
    usage: Usage | None = COUNTED

    @property
    def body(self) -> bytes:
        return lines(*self.records)

    @property
    def whole(self) -> dict[str, Any]:
        """The same in one piece."""
        spoken = [one["message"] for one in self.records]
        calls = [one for said in spoken for one in said.get("tool_calls", ())]
        message = {"role": "assistant", "content": "".join(said["content"] for said in spoken)}
        thinking = "".join(said.get("thinking", "") for said in spoken)
        return {
            **self.records[-1],
            "message": {**message, **({"thinking": thinking} if thinking else {}), "tool_calls": calls},
        }


LETTERS = {
    "text": Letter(
        (record("Grüß"), record(" 🦙 dich"), record("\n!"), record(**ENDED)),
        text="Grüß 🦙 dich\n!",
    ),
    "thinking": Letter(
        (record(thinking="Six by "), record(thinking="seven."), record("42"), record(**ENDED)),
        text="42",
        thought="Six by seven.",
    ),
    "calls": Letter(
        (
            record(thinking="Look."),
            record(tool_calls=[call("look", {"at": "sky"})]),
            record(tool_calls=[call("ping", {}, id="call_2"), call("look", {"at": "sea"})]),
            record(**ENDED),
        ),
        thought="Look.",
        calls=(("", "look", '{"at":"sky"}'), ("call_2", "ping", "{}"), ("", "look", '{"at":"sea"}')),
        reason="tool_calls",
    ),
    "everything in the last record": Letter(
        (record("Hi.", tool_calls=[call("ping", None)], **ENDED),),
        text="Hi.",
        calls=(("", "ping", "{}"),),
        reason="tool_calls",
    ),
    "cut by the limit": Letter(
        (record("The"), record(**{**ENDED, "done_reason": "length"})), text="The", reason="length"
    ),
    "a prompt that it had read before": Letter(
        (record("x"), record(done=True, done_reason="stop", eval_count=2)),
        text="x",
        usage=Usage(output_tokens=2, total_tokens=2),
    ),
    "a model that was loaded": Letter((record(done=True, done_reason="load"),), reason="unknown", usage=None),
}
