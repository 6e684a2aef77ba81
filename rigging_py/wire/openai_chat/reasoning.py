"""What a model thought, in the fields that servers of the OpenAI chat API add for it: read, and given back as it came.

Plain text is in `reasoning_content` or `reasoning`. What its provider must know again stands in lists of blocks:
`thinking_blocks` as litellm has Anthropic's, `reasoning_details` as OpenRouter has everybody's. Mistral thinks in
chunks of the content itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rigging_py.message import ContentReasoning, Message
from rigging_py.parsing.untyped import as_list, as_object
from rigging_py.wire.openai_chat.content import thinking_of

_PLAIN = ("reasoning_content", "reasoning")
_BLOCKS = ("thinking_blocks", "reasoning_details")
_TEXTS = ("thinking", "text", "summary")
"""The names of the text of a block, of which each has one at most."""
_OWN = ("signature", "data")
_CHUNKS = "content.thinking"
"""The form of what is thought in chunks of the content."""


def read_reasoning(spoken: Mapping[str, Any], origin: str) -> list[ContentReasoning]:
    """The reasoning in a message, as blocks where there are blocks."""
    for form in _BLOCKS:
        blocks = [block for raw in as_list(spoken.get(form)) if (block := as_object(raw)) is not None]
        if blocks:
            return [_part(form, block, origin) for block in blocks]
    form, thought = _plain(spoken)
    return [ContentReasoning(text=thought, origin=origin, form=form)] if thought else []


def with_reasoning(message: Message, origin: str) -> dict[str, Any]:
    """The message as it is sent to `origin`: with the reasoning that is its own, in the fields it came in.

    Plain text goes back with tool calls alone, where some servers want it; without any, some refuse it.
    """
    sent = message.to_openai()
    for part in message.content_parts if origin else ():
        if isinstance(part, ContentReasoning) and part.origin == origin:
            form, _, name = part.form.partition(".")
            if part.form == _CHUNKS:
                sent["content"] = [_chunk(part.text), *_as_chunks(sent.get("content"))]
            elif form in _BLOCKS:
                sent.setdefault(form, []).append(_block(part, name))
            elif message.tool_calls and form in _PLAIN:
                # A stored message may name any field.
                sent[form] = sent.get(form, "") + part.text
    return sent


class ReasoningStream:
    """Puts the reasoning of a streamed message together."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._form = ""
        """The field that the plain text comes in."""
        self._blocks: dict[str, list[dict[str, Any]]] = {}

    @property
    def text(self) -> str:
        """The plain text so far."""
        return "".join(self._texts)

    def feed(self, delta: Mapping[str, Any]) -> str:
        """What a delta adds to the plain text."""
        for form in _BLOCKS:
            for raw in as_list(delta.get(form)):
                if (block := as_object(raw)) is not None:
                    _add_block(self._blocks.setdefault(form, []), block)
        form, thought = _plain(delta)
        if thought:
            self._texts.append(thought)
            self._form = self._form or form
        return thought

    def parts(self, origin: str) -> list[ContentReasoning]:
        """The whole of it."""
        said = {"content": [_chunk(self.text)]} if self._form == _CHUNKS else {self._form: self.text}
        return read_reasoning({**self._blocks, **said}, origin)


def _add_block(blocks: list[dict[str, Any]], new: dict[str, Any]) -> None:
    last = blocks[-1] if blocks else {}
    if not _goes_on(last, new):
        blocks.append(dict(new))
        return
    texts = {name: f"{last.get(name) or ''}{new[name]}" for name in _TEXTS if isinstance(new.get(name), str)}
    last.update({name: value for name, value in new.items() if value is not None} | texts)


def thought_of(spoken: Mapping[str, Any]) -> str:
    """What is thought, wherever servers put it."""
    return _plain(spoken)[1]


def _plain(spoken: Mapping[str, Any]) -> tuple[str, str]:
    """What is thought, after the form that it comes in."""
    for form in _PLAIN:
        if (thought := spoken.get(form)) and isinstance(thought, str):
            return form, thought
    thought = thinking_of(spoken.get("content"))
    return (_CHUNKS, thought) if thought else ("", "")


def _chunk(thought: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}


def _as_chunks(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return as_list(content)


def _part(form: str, block: Mapping[str, Any], origin: str) -> ContentReasoning:
    name = next((name for name in _TEXTS if isinstance(block.get(name), str)), "")
    own = {field: block[field] for field in _OWN if isinstance(block.get(field), str)}
    extra = {key: value for key, value in block.items() if key != name and key not in own}
    form = f"{form}.{name}" if name else form
    return ContentReasoning(text=block.get(name, ""), origin=origin, form=form, extra=extra, **own)


def _block(part: ContentReasoning, name: str) -> dict[str, Any]:
    own = {field: value for field in _OWN if (value := getattr(part, field)) is not None}
    return {**part.extra, **({name: part.text} if name else {}), **own}


def _goes_on(last: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a piece of a block belongs to the last one: a signature, or data, is the end of one."""
    is_same = all(last.get(name) == new.get(name) for name in ("type", "index"))
    return bool(last) and is_same and not any(last.get(name) for name in _OWN) and not new.get("data")
