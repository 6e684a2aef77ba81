"""`PromptStream`: one call of a prompt while its answer arrives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

from rigging_py.chat import Chat, EventStream, RunPaused, TurnDiscarded
from rigging_py.error import Paused
from rigging_py.parsing import Codec, JsonCodec, Partial, PartialReader
from rigging_py.run import OUTPUT_TOOL, StreamedArguments, StreamedInvalidToolCall, StreamedText, StreamedToolCall

R = TypeVar("R")


class PromptStream(EventStream, Generic[R]):
    """The events of one call of a prompt, or by `partials` its value as far as it is known, and by `value` the value.

    Each of these reads the one stream on, so choose one, and ask for the `value` at the end.
    """

    def __init__(self, events: EventStream, codec: Codec[R] | JsonCodec[R] | None, read: Callable[[Chat], R]) -> None:
        super().__init__(events.start)
        self._codec, self._read = codec, read

    async def partials(self) -> AsyncGenerator[Partial[R], None]:
        """What is known of the value, each time that more is. When an answer is refused they begin anew.

        Raises `Paused` when the run waits for a decision, and `TypeError` for a prompt that returns the chat.
        """
        if self._codec is None:
            raise TypeError(
                "This prompt returns the chat, of which there is no part; iterate over the stream's events."
            )
        codec: Codec[Any] | JsonCodec[Any] = self._codec
        reader: PartialReader[R] = PartialReader(codec, filling=Chat(messages=[]))
        answer: int | None = None
        async for event in self:
            match event:
                case StreamedText(text) if answer is None:
                    known = reader.feed(text)
                case StreamedToolCall(index, name) if name == OUTPUT_TOOL:
                    answer, known, reader = index, None, PartialReader(codec)
                case StreamedToolCall() | StreamedInvalidToolCall() | TurnDiscarded():
                    # What was said in a turn that calls tools, or is refused, is no answer.
                    answer, known, reader = None, None, PartialReader(codec, filling=Chat(messages=[]))
                case StreamedArguments(index, text) if index == answer:
                    known = reader.feed(text)
                case RunPaused(run, requests):
                    raise Paused(run, requests)
                case _:
                    known = None
            if known is not None:
                yield known
        yield reader.finish()

    async def value(self) -> R:
        """Reads on to the end, and gives what the prompt returns. Raises what calling the prompt would raise."""
        return self._read(await self.chat())
