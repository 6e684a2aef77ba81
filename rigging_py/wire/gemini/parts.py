"""What messages hold, as the parts of Gemini's contents.

What a model said goes back as it came, in the same parts, with the signature of each on that very part. A message says
where these belong by `ContentReasoning` parts, which stand before the text or the medium that they are about. Their
`form` says what they are: `thought` is a thought, `text` the signature of so many characters of the text, `inlineData`
that of the medium, `functionCall` that of a tool call, and `part` holds a part that only Gemini reads, such as code
that it ran. `at` is how many characters of the text come before it.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rigging_py.message import (
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    Message,
)
from rigging_py.message.media import audio_mimetype, bytes_of, inline
from rigging_py.parsing.untyped import as_count, as_object
from rigging_py.wire.tool_use import arguments_of

SIGNATURE = "thoughtSignature"
THOUGHT, TEXT, MEDIUM, CALL, OTHER = "thought", "text", "inlineData", "functionCall", "part"


def parts_of(message: Message, origin: str) -> list[dict[str, Any]]:
    """The parts of a message that is no tool's result, with the reasoning that is `origin`'s own."""
    parts: list[dict[str, Any]] = []
    marks: list[ContentReasoning] = []
    for part in message.content_parts:
        if not isinstance(part, ContentReasoning):
            parts += _with_marks(part, marks)
            marks = []
        elif origin and part.origin == origin:
            marks.append(part)
    return [*_apart([*parts, *_pieces("", marks)]), *_calls(message, origin)]


def result_of(message: Message, tool: str) -> list[dict[str, Any]]:
    """The parts of the result of a tool, what is no text beside it: not every model takes that inside."""
    name = "error" if message.metadata.get("error") else "output"
    id_ = {"id": message.tool_call_id} if message.tool_call_id else {}
    result = {"functionResponse": {**id_, "name": tool, "response": {name: message.content}}}
    media = [part for part in message.content_parts if not isinstance(part, ContentText | ContentReasoning)]
    return [result, *(_medium(part) for part in media)]


def is_other(part: Mapping[str, Any]) -> bool:
    """Whether a part of a reply is of no kind that we have; among them are pictures that belong to its thoughts."""
    return not (TEXT in part or CALL in part) and (MEDIUM not in part or bool(part.get("thought")))


def _with_marks(
    part: ContentText | ContentImageUrl | ContentAudioInput | ContentFile, marks: Sequence[ContentReasoning]
) -> list[dict[str, Any]]:
    if isinstance(part, ContentText):
        return list(_pieces(part.text, marks))
    signature = next((mark.signature for mark in marks if mark.form == MEDIUM), None)
    return [*_pieces("", marks), {**_medium(part), **({SIGNATURE: signature} if signature else {})}]


def _pieces(text: str, marks: Sequence[ContentReasoning]) -> Iterator[dict[str, Any]]:
    """The text, cut where something belongs between it, and around what was signed."""
    place = 0
    for mark in marks:
        start = min(max(as_count(mark.extra.get("at")), place), len(text))
        end = start + (as_count(mark.extra.get("length")) if mark.form == TEXT else 0)
        told = _told(mark, text[start:end])
        if told is None or end > len(text):  # of a text that was changed
            continue
        if start > place:
            yield {"text": text[place:start]}
        yield told
        place = end
    if text[place:]:
        yield {"text": text[place:]}


def _told(mark: ContentReasoning, signed: str) -> dict[str, Any] | None:
    """The part that a mark stands for, or None."""
    signature = {SIGNATURE: mark.signature} if mark.signature else {}
    if mark.form == THOUGHT:
        return {"text": mark.text, "thought": True, **signature}
    if mark.form == TEXT and signature:
        return {"text": signed, **signature}
    # A stored message may hold anything.
    other = as_object(mark.extra.get("part")) if mark.form == OTHER else None
    return other if other and is_other(other) else None


def _apart(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts that are shown on lines of their own, with line ends; the model's own are pieces of one."""
    for one, after in pairwise(parts):
        if one.keys() == after.keys() == {"text"} and not one["text"].endswith("\n"):
            one["text"] += "\n"
    return parts


def _calls(message: Message, origin: str) -> Iterator[dict[str, Any]]:
    own = [one for one in message.content_parts if isinstance(one, ContentReasoning) and one.origin == origin]
    marks = [mark for mark in own if origin and mark.form == CALL and mark.signature]
    for index, call in enumerate(message.tool_calls or ()):
        id_ = {"id": call.id} if call.id else {}
        part: dict[str, Any] = {"functionCall": {**id_, "name": call.name, "args": arguments_of(call)}}
        about = {"index": index, "name": call.name}
        signature = next((mark.signature for mark in marks if mark.extra == about), None)
        yield {**part, SIGNATURE: signature} if signature else part


def _medium(part: ContentImageUrl | ContentAudioInput | ContentFile) -> dict[str, Any]:
    if isinstance(part, ContentImageUrl):
        return _at(part.image_url.url)
    if isinstance(part, ContentFile):
        return _at(part.file.file_data or part.file.file_id or "")
    return {"inlineData": {"mimeType": audio_mimetype(part.input_audio.format), "data": part.input_audio.data}}


def _at(address: str) -> dict[str, Any]:
    """What is at an address, which Gemini fetches, or in it. Raises `ProcessingError` for data that is not base64."""
    if (found := inline(address)) is not None:
        return {"inlineData": {"mimeType": found[0], "data": found[1]}}
    if address.startswith("data:"):
        bytes_of(address, "the file")
    kind = mimetypes.guess_type(address)[0]
    return {"fileData": {**({"mimeType": kind} if kind else {}), "fileUri": address}}
