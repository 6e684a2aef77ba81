"""Replies as the Gemini API writes them, in chunks, with the turn that each stands for and what of it goes back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

from rigging_py.message import Usage

PNG = "iVBORw0KGgo="
COUNTS = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 4,
    "totalTokenCount": 13,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
}
COUNTED = Usage(input_tokens=9, output_tokens=4, total_tokens=13)


def chunk(*parts: dict[str, Any], reason: str | None = None, counts: Any = None, **candidate: Any) -> dict[str, Any]:
    content = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    ended = {"finishReason": reason} if reason else {}
    return {
        "candidates": [{**content, **ended, "index": 0, **candidate}],
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9} if counts is None else counts,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r-1",
    }


def said(text: str, signature: str | None = None) -> dict[str, Any]:
    return {"text": text, **({"thoughtSignature": signature} if signature else {})}


def thought(text: str, signature: str | None = None) -> dict[str, Any]:
    return {**said(text, signature), "thought": True}


def call(name: str, signature: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, **fields}, **({"thoughtSignature": signature} if signature else {})}


def sse(*chunks: Any) -> bytes:
    return b"".join(f"data: {json.dumps(one, ensure_ascii=False)}\r\n\r\n".encode() for one in chunks)


@dataclass(frozen=True)
class Letter:
    """A reply, its last chunk the one with the finish reason, and what it says.

    `streamed` is its text where no line end stands around a picture, `back` are the parts in which it goes back to who
    wrote it.
    """

    chunks: tuple[dict[str, Any], ...]
    after: tuple[dict[str, Any], ...] = ()
    text: str = ""
    streamed: str | None = None
    thought: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = "stop"
    usage: Usage | None = COUNTED
    back: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def until_final(self) -> bytes:
        # The last carriage return ends the event, and the line feed after it no other.
        return sse(*self.chunks)[:-1]

    @property
    def body(self) -> bytes:
        return self.until_final + b"\n" + sse(*self.after)

    @property
    def whole(self) -> dict[str, Any]:
        """The same in one piece."""
        candidates = [one["candidates"][0] for one in self.chunks if one["candidates"][0]["index"] == 0]
        parts = [part for one in candidates for part in one.get("content", {}).get("parts", ())]
        content = {"content": {"parts": parts, "role": "model"}} if parts else {}
        last = self.after[-1] if self.after else self.chunks[-1]
        return {**self.chunks[-1], **last, "candidates": [{**candidates[-1], **content}]}


_RAN = [
    {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42\n"}},
]

LETTERS = {
    "text": Letter(
        (chunk(said("Grüß")), chunk(said(" 🦙 dich")), chunk(said("\n!"), reason="STOP", counts=COUNTS)),
        text="Grüß 🦙 dich\n!",
        back=[said("Grüß 🦙 dich\n!")],
    ),
    "text, and its counts later": Letter(
        (chunk(said("Hi."), reason="STOP"),),
        ({"usageMetadata": COUNTS, "candidates": None},),
        text="Hi.",
        back=[said("Hi.")],
    ),
    "thoughts, and a signature at the end": Letter(
        (
            chunk(thought("Six by ")),
            chunk(thought("seven.")),
            chunk(said("It is ")),
            chunk(said("42")),
            chunk(said("", "c2ln"), reason="STOP", counts={**COUNTS, "thoughtsTokenCount": 6, "totalTokenCount": 19}),
        ),
        text="It is 42",
        thought="Six by seven.",
        usage=Usage(input_tokens=9, output_tokens=10, total_tokens=19, reasoning_tokens=6),
        back=[thought("Six by seven."), said("It is 42"), said("", "c2ln")],
    ),
    "signed thoughts and texts by turns": Letter(
        (
            chunk(thought("a", "MQ=="), thought("b", "Mg=="), said("One"), thought("c"), said(", two", "Mw==")),
            chunk(said(", three"), reason="STOP", counts=COUNTS),
        ),
        text="One, two, three",
        thought="abc",
        back=[
            *(thought("a", "MQ=="), thought("b", "Mg=="), said("One")),
            *(thought("c"), said(", two", "Mw=="), said(", three")),
        ],
    ),
    "calls, the first of them signed": Letter(
        (
            chunk(thought("Look."), said("Let me look. ")),
            chunk(call("look", "c2ln", args={"at": "sky"}, id="c1"), call("ping", args={})),
            chunk(said(""), reason="STOP", counts=COUNTS),
        ),
        text="Let me look. ",
        thought="Look.",
        calls=(("c1", "look", '{"at":"sky"}'), ("", "ping", "{}")),
        reason="tool_calls",
        back=[
            *(thought("Look."), said("Let me look. ")),
            *(call("look", "c2ln", args={"at": "sky"}, id="c1"), call("ping", args={})),
        ],
    ),
    "a call and nothing else": Letter(
        (chunk(call("ping", "c2ln"), reason="STOP", counts=COUNTS),),
        calls=(("", "ping", "{}"),),
        reason="tool_calls",
        back=[call("ping", "c2ln", args={})],
    ),
    "pictures": Letter(
        (
            chunk({"thought": True, "inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
            chunk(said("Here"), said(" it is:", "MQ==")),
            chunk({"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "Mg=="}),
            chunk(said("Done."), reason="STOP", counts=COUNTS),
        ),
        text="Here it is:\nDone.",
        streamed="Here it is:Done.",
        back=[
            {"thought": True, "inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            *(said("Here"), said(" it is:", "MQ==")),
            {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "Mg=="},
            said("Done."),
        ],
    ),
    "code that it ran": Letter(
        (
            chunk(said("I count."), _RAN[0]),
            chunk(_RAN[1], said(" It is 42.")),
            chunk({"thoughtSignature": "c2ln"}, reason="STOP", counts={**COUNTS, "toolUsePromptTokenCount": 5}),
        ),
        text="I count. It is 42.",
        usage=Usage(input_tokens=14, output_tokens=4, total_tokens=13),
        back=[said("I count."), *_RAN, said(" It is 42."), {"thoughtSignature": "c2ln"}],
    ),
    "cut while it thought": Letter(
        (chunk(thought("Hm.")), chunk(reason="MAX_TOKENS", counts={**COUNTS, "cachedContentTokenCount": 3})),
        thought="Hm.",
        reason="length",
        usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, cached_tokens=3),
    ),
    "cut by a filter": Letter(
        (chunk(said("Take the")), chunk(reason="SAFETY", counts=COUNTS, safetyRatings=[{"probability": "HIGH"}])),
        text="Take the",
        reason="content_filter",
        back=[said("Take the")],
    ),
    "two candidates by turns": Letter(
        (chunk(said("one")), chunk(said("two"), index=1), chunk(reason="STOP", counts=COUNTS)),
        text="one",
        back=[said("one")],
    ),
}


def _inside(value: Any) -> dict[Any, Any]:
    """What is in a JSON value, by its name or its number."""
    if isinstance(value, list):
        return dict(enumerate(cast("list[Any]", value)))
    return cast("dict[Any, Any]", value) if isinstance(value, dict) else {}


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    return [here, *(place for name, one in _inside(value).items() for place in _places(one, (*here, name)))]


def _with(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    changed = {**_inside(value), place[0]: _with(value[place[0]], place[1:], other)}
    return list(changed.values()) if isinstance(value, list) else changed


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def harmed(draw: st.DrawFn, letter: Any) -> Any:
    """The letter with some other JSON in place of something in it."""
    return _with(letter, draw(st.sampled_from(_places(letter))), draw(ANY_JSON))
