"""`CallReader`: reads a reply in the pieces it comes in into deltas, and into the message that these make."""

from __future__ import annotations

from collections.abc import Iterable

from rigging_py.message import (
    Delta,
    FunctionCall,
    Message,
    StopReason,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    assemble,
    new_uuid,
)
from rigging_py.tools.codecs.found import Finder, FoundCall


class CallReader:
    """Text goes on at once; what may be a call, or the beginning of one, is held back until that is known.

    White space around a call is not part of the text. The deltas, put together, are the message.
    """

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._said: list[str] = []
        self._space: list[str] = []
        """White space of which it is not known yet whether a call follows."""
        self._calls: list[ToolCall] = []
        self._is_after_call = False

    def feed(self, text: str) -> list[Delta]:
        """What this piece adds."""
        return self._deltas(self._finder.feed(text))

    def ending(self, stop_reason: StopReason = "stop") -> list[Delta]:
        """What the end adds. A call that the token limit cut (`length`) is never read as a whole one."""
        deltas = self._deltas(self._finder.ending(stop_reason == "length"))
        rest = "" if self._is_after_call else "".join(self._space)
        self._space = []
        return [*deltas, *self._say(rest)]

    def message(self) -> Message:
        """The assistant's message that the deltas given so far make."""
        return Message.of("assistant", "".join(self._said), list(self._calls) or None)

    def _deltas(self, pieces: Iterable[str | FoundCall]) -> list[Delta]:
        return [
            delta
            for piece in pieces
            for delta in (self._call(piece) if isinstance(piece, FoundCall) else self._text(piece))
        ]

    def _text(self, text: str) -> list[Delta]:
        words = text.rstrip()
        if not words:
            self._space.append(text)
            return []
        whole = "".join(self._space) + words
        self._space = [text[len(words) :]]
        if self._is_after_call:
            self._is_after_call = False
            whole = ("\n" if self._said else "") + whole.lstrip()
        return self._say(whole)

    def _say(self, text: str) -> list[Delta]:
        if not text:
            return []
        self._said.append(text)
        return [TextDelta(text)]

    def _call(self, found: FoundCall) -> list[Delta]:
        self._space, self._is_after_call = [], True
        function = assemble(FunctionCall, {"name": found.name, "arguments": found.arguments})
        call = assemble(ToolCall, {"id": f"rg-{new_uuid().hex[:8]}", "type": "function", "function": function})
        self._calls.append(call)
        index = len(self._calls) - 1
        return [ToolCallDelta(index, call.id, call.name), ToolCallDelta(index, arguments=call.arguments)]
