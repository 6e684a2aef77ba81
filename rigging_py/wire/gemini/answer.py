"""The parts of an answer of Gemini, put together to a message; where each belongs is said in `gemini_parts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from rigging_py.message import (
    AnyContent,
    Audio,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    Delta,
    FileData,
    FunctionCall,
    Message,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)
from rigging_py.message.media import audio_format
from rigging_py.parsing.untyped import as_object
from rigging_py.wire.gemini.parts import CALL, MEDIUM, OTHER, SIGNATURE, TEXT, THOUGHT, is_other


@dataclass(slots=True)
class _Mark:
    """A thought, or what else belongs to a place in the text."""

    form: str
    signature: str | None
    extra: dict[str, Any]
    texts: list[str] = field(default_factory=list[str])

    def part(self, origin: str) -> ContentReasoning:
        extra = {name: value for name, value in self.extra.items() if name != "at" or value}
        return ContentReasoning(
            text="".join(self.texts), signature=self.signature, origin=origin, form=self.form, extra=extra
        )


@dataclass(slots=True)
class Answer:
    """What was said, thought and called so far. Text is one part of the message, until a medium comes between."""

    thoughts: list[str] = field(default_factory=list[str])
    calls: list[ToolCall] = field(default_factory=list[ToolCall])
    _before: list[_Mark | AnyContent] = field(default_factory=list[_Mark | AnyContent])
    """What came until the last medium."""
    _marks: list[_Mark] = field(default_factory=list[_Mark])
    _texts: list[str] = field(default_factory=list[str])
    _length: int = 0
    """Of the texts together."""

    @property
    def says_nothing(self) -> bool:
        """Whether there is no text, no medium and no call."""
        return not (self._length or self.calls or self._before)

    def feed(self, raw: object) -> Delta | None:
        """What a part adds. Raises `ValueError` saying what is wrong with one that cannot be read."""
        part = as_object(raw)
        if part is None:
            raise ValueError("a part in it is no object")
        signature = part.get(SIGNATURE)
        if signature is not None and not isinstance(signature, str):
            raise ValueError("the signature of a part in it is no text")
        if CALL in part:
            return self._called(part[CALL], signature)
        if TEXT in part:
            return self._said(part, signature)
        if not is_other(part):
            self._show(_medium(part[MEDIUM]), signature)
        elif part:
            self._mark(OTHER, None, part=part)
        return None

    def message(self, origin: str) -> Message:
        """All of it, with the reasoning under the name `origin`."""
        message = Message.of("assistant", "", self.calls or None)
        # Nobody takes a message of reasoning alone.
        found = [] if self.says_nothing else [*self._before, *self._run()]
        message.content_parts = [one.part(origin) if isinstance(one, _Mark) else one for one in found]
        return message

    def _run(self) -> list[_Mark | AnyContent]:
        text = "".join(self._texts)
        return [*self._marks, *([ContentText(text=text)] if text else [])]

    def _mark(self, form: str, signature: str | None, **extra: Any) -> _Mark:
        mark = _Mark(form, signature, {"at": self._length, **extra})
        self._marks.append(mark)
        return mark

    def _said(self, part: Mapping[str, Any], signature: str | None) -> Delta | None:
        text = part[TEXT]
        if not isinstance(text, str):
            raise ValueError("the text of a part in it is of another kind")
        if part.get("thought"):
            return self._thought(text, signature)
        if signature:
            self._mark(TEXT, signature, length=len(text))
        self._texts.append(text)
        self._length += len(text)
        return TextDelta(text) if text else None

    def _thought(self, text: str, signature: str | None) -> Delta | None:
        last = self._marks[-1] if self._marks else None
        # A signature is the end of one.
        goes_on = last and last.form == THOUGHT and not last.signature and last.extra["at"] == self._length
        mark = last if last and goes_on else self._mark(THOUGHT, None)
        mark.texts.append(text)
        mark.signature = signature
        self.thoughts.append(text)
        return ReasoningDelta(text) if text else None

    def _called(self, raw: object, signature: str | None) -> Delta:
        call = as_object(raw) or {}
        name, id_, given = call.get("name"), call.get("id"), call.get("args")
        if not name or not isinstance(name, str):
            raise ValueError("a function call in it names no function")
        index, arguments = len(self.calls), to_json({} if given is None else given).decode()
        if signature:
            self._marks.append(_Mark(CALL, signature, {"index": index, "name": name}))
        function = FunctionCall(name=name, arguments=arguments)
        self.calls.append(ToolCall(id=id_ if isinstance(id_, str) else "", function=function))
        return ToolCallDelta(index, self.calls[-1].id, name, arguments)

    def _show(self, medium: AnyContent, signature: str | None) -> None:
        signed = [_Mark(MEDIUM, signature, {})] if signature else []
        self._before += [*self._run(), *signed, medium]
        self._marks, self._texts, self._length = [], [], 0


def _medium(raw: object) -> AnyContent:
    """The picture, the sound or the file in a part. Raises `ValueError` for what is none."""
    blob = as_object(raw) or {}
    mimetype, data = blob.get("mimeType"), blob.get("data")
    if not isinstance(mimetype, str) or not isinstance(data, str):
        raise ValueError("the inline data of a part in it is of another kind")
    kind, _, subtype = mimetype.partition("/")
    if kind == "audio":
        return ContentAudioInput(input_audio=Audio(data=data, format=audio_format(subtype)))
    url = f"data:{mimetype};base64,{data}"
    return ContentImageUrl.from_url(url) if kind == "image" else ContentFile(file=FileData(file_data=url))
