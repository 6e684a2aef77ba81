"""What the assistant spoke, in words: most APIs do not take its sound back."""

from __future__ import annotations

from rigging_py.message import Content, ContentAudioInput, ContentText, Message


def in_words(message: Message) -> Message:
    """The message; an assistant's with the transcript of each sound in its place, and without any that has none."""
    if message.role != "assistant" or not any(isinstance(part, ContentAudioInput) for part in message.content_parts):
        return message
    message = message.shell()
    message.content_parts = [said for part in message.content_parts if (said := _in_words(part)) is not None]
    return message


def _in_words(part: Content) -> Content | None:
    if not isinstance(part, ContentAudioInput):
        return part
    return ContentText(text=part.transcript) if part.transcript else None
