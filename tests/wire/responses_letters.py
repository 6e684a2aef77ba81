"""Responses as OpenAI's API and llama.cpp write them, whole and as events, with the turn that each stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from rigging_py.message import Usage

Json = dict[str, Any]

USAGE: Json = {
    "input_tokens": 90,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 120,
}
COUNTED = Usage(input_tokens=90, output_tokens=30, total_tokens=120, cached_tokens=64, reasoning_tokens=20)


def response(*output: Json, status: str = "completed", **others: Any) -> Json:
    """A response as it comes whole."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1795286422,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-5-2026-08-07",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": USAGE,
        "metadata": {},
        **others,
    }


def text(said: str, **others: Any) -> Json:
    return {"type": "output_text", "annotations": [], "text": said, **others}


def message(*content: Json, id_: str = "msg_1", **others: Any) -> Json:
    return {
        "id": id_,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": list(content),
        **others,
    }


def reasoning(*summary: str, id_: str = "rs_1", secret: str | None = "gAAAA-1", **others: Any) -> Json:
    told = [{"type": "summary_text", "text": one} for one in summary]
    hidden = {} if secret is None else {"encrypted_content": secret}
    return {"id": id_, "type": "reasoning", "summary": told, **hidden, **others}


def call(id_: str = "call_1", name: str = "look", arguments: str = '{"at":"sky"}', **others: Any) -> Json:
    named = {"call_id": id_, "name": name, "arguments": arguments}
    return {"id": f"fc_{id_}", "type": "function_call", "status": "completed", **named, **others}


def sse(*events: Json, end: str = "\n\n") -> bytes:
    """The events as bytes, each under its own name."""
    written = (f"event: {one['type']}\ndata: {json.dumps(one, ensure_ascii=False)}{end}" for one in events)
    return "".join(written).encode()


def events_of(whole: Json) -> list[Json]:
    """The events in which OpenAI streams a response, text in pieces of three letters."""
    numbers = count()
    return [{**event, "sequence_number": next(numbers)} for event in _events_of(whole)]


def _events_of(whole: Json) -> Iterator[Json]:
    begun: Json = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for place, item in enumerate(whole["output"]):
        at = {"output_index": place}
        yield {"type": "response.output_item.added", **at, "item": _begun(item)}
        for event in _inside(item):
            yield {**event, **at, "item_id": item["id"]}
        yield {"type": "response.output_item.done", **at, "item": item}
    yield {"type": f"response.{whole['status']}", "response": whole}


def _begun(item: Json) -> Json:
    """An item as it is when it begins, with another secret."""
    empty: Json = {
        "status": "in_progress",
        "content": [],
        "summary": [],
        "arguments": "",
        "encrypted_content": "gAAAA-0",
    }
    return {name: empty.get(name, value) for name, value in item.items()}


def _inside(item: Json) -> Iterator[Json]:
    match item["type"]:
        case "message":
            for place, part in enumerate(item["content"]):
                yield from _part(part, {"content_index": place})
        case "reasoning":
            for place, part in enumerate(item["summary"]):
                at = {"summary_index": place}
                yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
                yield from _pieces("response.reasoning_summary_text", part["text"], at, "text")
                yield {"type": "response.reasoning_summary_part.done", **at, "part": part}
            for place, part in enumerate(item.get("content", ())):
                yield from _pieces("response.reasoning_text", part["text"], {"content_index": place}, "text")
        case "function_call":
            yield from _pieces("response.function_call_arguments", item["arguments"], {}, "arguments")
        case _:
            for step in ("in_progress", "searching", "completed"):
                yield {"type": f"response.{item['type']}.{step}"}


def _part(part: Json, at: Json) -> Iterator[Json]:
    name = "refusal" if part["type"] == "refusal" else "text"
    kind = "response.refusal" if name == "refusal" else "response.output_text"
    yield {"type": "response.content_part.added", **at, "part": {**part, name: ""}}
    yield from _pieces(kind, part[name], at, name)
    for number, annotation in enumerate(part.get("annotations", ())):
        told = {"annotation_index": number, "annotation": annotation}
        yield {"type": "response.output_text.annotation.added", **at, **told}
    yield {"type": "response.content_part.done", **at, "part": part}


def _pieces(kind: str, said: str, at: Json, name: str) -> Iterator[Json]:
    for start in range(0, len(said), 3):
        yield {"type": f"{kind}.delta", **at, "delta": said[start : start + 3], "obfuscation": "xY7"}
    yield {"type": f"{kind}.done", **at, name: said}


@dataclass(frozen=True)
class Letter:
    """A response, its events, what it says, and what of it goes back to the model as input."""

    whole: Json
    back: list[Json]
    text: str = ""
    thought: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = "stop"
    usage: Usage | None = COUNTED
    extra: Json = field(default_factory=dict[str, Any])
    events: list[Json] = field(default_factory=list[Json])

    @property
    def streamed(self) -> list[Json]:
        return self.events or events_of(self.whole)


def said(words: str, **others: Any) -> Json:
    """What was said, as it goes back."""
    return {"type": "message", "role": "assistant", "content": [text(words)], **others}


def asked(id_: str = "call_1", name: str = "look", arguments: str = '{"at":"sky"}') -> Json:
    """A call, as it goes back."""
    return {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}


_CITED: Json = {"type": "url_citation", "url": "https://x.test", "title": "X", "start_index": 0, "end_index": 4}
_LOGPROB: Json = {"token": "Hi", "bytes": [72, 105], "logprob": -0.1, "top_logprobs": []}
_SEARCH: Json = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "sky"},
}
_OPEN_THOUGHT = reasoning(secret=None, content=[{"type": "reasoning_text", "text": "Six by 7."}])
_LLAMA: Json = {
    "completed_at": 1795286422,
    "created_at": 1795286422,
    "id": "resp_tbCg",
    "model": "smollm2.gguf",
    "object": "response",
    "output": [message(text("Hello there!", logprobs=[]), id_="msg_olD")],
    "status": "completed",
    "usage": {
        "input_tokens": 20,
        "output_tokens": 5,
        "total_tokens": 25,
        "input_tokens_details": {"cached_tokens": 19},
    },
}
_BEGUN: Json = {"id": "resp_tbCg", "object": "response", "status": "in_progress"}
_LLAMA_COUNTED = Usage(input_tokens=20, output_tokens=5, total_tokens=25, cached_tokens=19)
_LLAMA_CALL = {name: value for name, value in call("fc_9").items() if name != "id"}


def _llama(item: Json, begun: Json, *inside: Json, **final: Any) -> list[Json]:
    """Events as llama.cpp writes them: without numbers and places."""
    return [
        {"type": "response.created", "response": _BEGUN},
        {"type": "response.in_progress", "response": _BEGUN},
        {"type": "response.output_item.added", "item": begun},
        *inside,
        {"type": "response.output_item.done", "item": item},
        {"type": "response.completed", "response": {**_LLAMA, "output": [item], **final}, "timings": {}},
    ]


LETTERS = {
    "text": Letter(response(message(text("Grüß 🦙 dich\n!"))), [said("Grüß 🦙 dich\n!")], "Grüß 🦙 dich\n!"),
    "several parts": Letter(response(message(text("One, "), text("two."))), [said("One, two.")], "One, two."),
    "reasoning and calls by turns": Letter(
        response(
            reasoning("I look.", "**Twice**, even."),
            call(),
            reasoning(id_="rs_2", secret="gAAAA-2"),
            call("call_2", "ping", "{}"),
        ),
        [
            reasoning("I look.", "**Twice**, even."),
            asked(),
            reasoning(id_="rs_2", secret="gAAAA-2"),
            asked("call_2", "ping", "{}"),
        ],
        thought="I look.\n\n**Twice**, even.",
        calls=(("call_1", "look", '{"at":"sky"}'), ("call_2", "ping", "{}")),
        reason="tool_calls",
    ),
    "phases": Letter(
        response(
            message(text("Let me see."), phase="commentary"),
            reasoning("Hm."),
            message(text("It is blue."), id_="msg_2", phase="final_answer"),
        ),
        [said("Let me see.", phase="commentary"), reasoning("Hm."), said("It is blue.", phase="final_answer")],
        "Let me see.\nIt is blue.",
        "Hm.",
    ),
    "a tool of the provider's": Letter(
        response(reasoning("Look it up."), _SEARCH, message(text("Blue.", annotations=[_CITED]))),
        [reasoning("Look it up."), _SEARCH, said("Blue.")],
        "Blue.",
        "Look it up.",
        extra={"annotations": [_CITED], "output_items": [_SEARCH]},
    ),
    "refusal": Letter(
        response(message({"type": "refusal", "refusal": "I will not."})),
        [said("I will not.")],
        "I will not.",
        extra={"refusal": "I will not."},
    ),
    "logprobs": Letter(
        response(message(text("Hi", logprobs=[_LOGPROB]))),
        [said("Hi")],
        "Hi",
        extra={"logprobs": {"content": [_LOGPROB]}},
    ),
    "reasoning that can be read": Letter(
        response(_OPEN_THOUGHT, message(text("42"))), [_OPEN_THOUGHT, said("42")], "42", "Six by 7."
    ),
    "reasoning of which only a summary came": Letter(
        response(reasoning("Hm.", secret=None), message(text("42"))), [said("42")], "42", "Hm."
    ),
    "cut": Letter(
        response(
            message(text("It is a"), status="incomplete"),
            status="incomplete",
            incomplete_details={"reason": "max_output_tokens"},
        ),
        [said("It is a")],
        "It is a",
        reason="length",
    ),
    "cut while it thought": Letter(
        response(reasoning("Hm."), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        [],
        thought="Hm.",
        reason="length",
    ),
    "filtered": Letter(
        response(message(text("It")), status="incomplete", incomplete_details={"reason": "content_filter"}),
        [said("It")],
        "It",
        reason="content_filter",
    ),
    "nothing": Letter(response(usage=None), [], usage=None),
    "llama.cpp": Letter(
        _LLAMA,
        [said("Hello there!")],
        "Hello there!",
        usage=_LLAMA_COUNTED,
        extra={"response_id": "resp_tbCg", "model": "smollm2.gguf"},
        events=_llama(
            _LLAMA["output"][0],
            {"content": [], "id": "msg_olD", "role": "assistant", "status": "in_progress", "type": "message"},
            {"type": "response.content_part.added", "item_id": "msg_olD", "part": {"type": "output_text", "text": ""}},
            {"type": "response.output_text.delta", "item_id": "msg_olD", "delta": "Hello"},
            {"type": "response.output_text.delta", "item_id": "msg_olD", "delta": " there!"},
            {"type": "response.output_text.done", "item_id": "msg_olD", "text": "Hello there!"},
        ),
    ),
    "llama.cpp, a call, and an end without the output": Letter(
        {**_LLAMA, "output": [_LLAMA_CALL]},
        [asked("fc_9")],
        calls=(("fc_9", "look", '{"at":"sky"}'),),
        reason="tool_calls",
        usage=_LLAMA_COUNTED,
        extra={"response_id": "resp_tbCg", "model": "smollm2.gguf"},
        events=_llama(
            _LLAMA_CALL,
            {**_LLAMA_CALL, "arguments": "", "status": "in_progress"},
            {"type": "response.function_call_arguments.delta", "item_id": "fc_9", "delta": '{"at":'},
            {"type": "response.function_call_arguments.delta", "item_id": "fc_9", "delta": '"sky"}'},
            output=[],
        ),
    ),
}
