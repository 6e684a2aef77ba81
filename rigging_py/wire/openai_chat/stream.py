"""The OpenAI chat-completions wire as a stream: chunks to deltas and a turn. No I/O.

The final record of an answer is its finish reason. Once it has come whole the answer is whole, and what may still
follow (the token counts, `[DONE]`) says nothing more: a connection that breaks there has cost the counts, and to ask
again would cost the answer. A server that goes on talking after a finish reason has not ended by it, so there
`[DONE]`, or another finish reason, must come too. `[DONE]` alone is no end: gateways send it after a cut as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from rigging_py.error import InvalidError, ProviderError
from rigging_py.message import (
    Content,
    Delta,
    FunctionCall,
    ModelTurn,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    to_stop_reason,
)
from rigging_py.parsing.untyped import as_object
from rigging_py.wire.failures import stream_failure
from rigging_py.wire.openai_chat.content import ODD_KIND, Sound, images_of, is_spoken, text_of
from rigging_py.wire.openai_chat.facts import Facts
from rigging_py.wire.openai_chat.reasoning import ReasoningStream
from rigging_py.wire.openai_chat.reply import is_failure, message_of, raise_where_broken
from rigging_py.wire.openai_chat.usage import usage_in
from rigging_py.wire.samples import first_sample
from rigging_py.wire.unread import cut_off, unreadable

_NO_FUNCTION = "a tool call in it names no function"


@dataclass(slots=True)
class _Call:
    """A tool call as far as it has come."""

    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list[str])

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are a JSON object that has ended."""
        if not (self.pieces and self.pieces[-1].endswith("}")):
            return False
        try:
            return isinstance(from_json(self.arguments), dict)
        except ValueError:
            return False


@dataclass
class ChatStream:
    """Puts the chunks of a streamed reply together: feed them in order, then ask for the ending or the turn."""

    provider: str = ""
    secret: str | None = field(default=None, repr=False)
    """What must not be shown of a chunk that cannot be read."""
    origin: str = ""
    """The name under which the reasoning is kept."""
    text: list[str] = field(default_factory=list[str])
    reasoning: ReasoningStream = field(default_factory=ReasoningStream)
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    """By index, as in the deltas."""
    reason: object = None
    """Why it ended, in the server's word."""
    usage: Usage | None = None
    facts: Facts = field(default_factory=Facts)
    sound: Sound = field(default_factory=Sound)
    images: list[Content] = field(default_factory=list[Content])
    is_done: bool = False
    """Whether the server said that nothing more comes."""
    _goes_on: bool = False
    """Whether more was said after a finish reason."""
    _places: dict[int, int] = field(default_factory=dict[int, int])
    """The server's index of a call, where it gives one, and ours."""

    @property
    def is_complete(self) -> bool:
        """Whether the final record has come."""
        return self.reason is not None and (self.is_done or not self._goes_on)

    def feed(self, chunk: object) -> list[Delta]:
        """What a chunk adds.

        Raises `InvalidError` for what is no chunk, and the `ProviderError` that an error in its place stands for.
        """
        body = as_object(chunk)
        if body is not None and is_failure(body):
            raise stream_failure(self.provider, chunk, secret=self.secret)
        try:
            return self._read(body)
        except ProviderError:
            raise
        except ValueError as error:
            raise self._unreadable(f"is not one of a chat completion: {error}", chunk) from None

    def ending(self) -> list[Delta]:
        """What the end adds, the whole turn last. Raises `StreamInterruptedError` where the final record is missing."""
        turn = self.turn()
        if turn is None:
            raise cut_off(self.provider, "finish reason")
        if not all(call.name for call in self.calls.values()):
            raise self._unreadable(f"was the last of no chat completion: {_NO_FUNCTION}", "")
        bare = [index for index, call in sorted(self.calls.items()) if not any(call.pieces)]
        return [*(ToolCallDelta(index, arguments="{}") for index in bare), turn]

    def turn(self) -> ModelTurn | None:
        """The whole turn, or None while its end has not come."""
        if self.reason is None or not self.is_complete:
            return None
        calls = [
            ToolCall(id=call.id, function=FunctionCall(name=call.name, arguments=call.arguments or "{}"))
            for _, call in sorted(self.calls.items())
        ]
        media = [*self.images, *self.sound.parts()]
        message = message_of("".join(self.text), calls, self.reasoning.parts(self.origin), media)
        reason = to_stop_reason(self.reason, has_calls=bool(calls))
        return ModelTurn(message, reason, self.usage, self.facts.told(self.reasoning.text))

    def _unreadable(self, problem: str, chunk: object) -> InvalidError:
        return unreadable(self.provider, self.secret, problem, chunk)

    def _read(self, body: Mapping[str, Any] | None) -> list[Delta]:
        if body is None:
            raise ValueError("it is not a JSON object")
        choice = first_sample(body.get("choices"), "choice") or {}
        # Some servers send a whole message as one chunk.
        said = choice.get("delta") if choice.get("delta") is not None else choice.get("message")
        spoken = as_object({} if said is None else said)
        if spoken is None or not is_spoken(spoken):
            raise ValueError(ODD_KIND)
        self.usage = usage_in(body, choice) or self.usage
        self.facts.feed(body, choice, spoken)
        raise_where_broken(body, choice, self.provider, self.secret)
        reason = choice.get("finish_reason")
        deltas = self._spoken(spoken)
        self._goes_on = self._goes_on or (self.reason is not None and bool(deltas))
        if reason and (self.reason is None or self._goes_on):
            self.reason, self._goes_on = reason, False
        return deltas

    def _spoken(self, delta: Mapping[str, Any]) -> list[Delta]:
        deltas: list[Delta] = []
        if thought := self.reasoning.feed(delta):
            deltas.append(ReasoningDelta(thought))
        if said := text_of(delta):
            self.text.append(said)
            deltas.append(TextDelta(said))
        if "audio" in delta:
            self.sound.feed(delta)
        self.images += images_of(delta)
        if calls := delta.get("tool_calls"):
            deltas.extend(one for raw in calls if (one := self._called(raw)) is not None)
        return deltas

    def _called(self, raw: object) -> ToolCallDelta | None:
        call = as_object(raw)
        function = as_object(call.get("function") or {}) if call is not None else None
        if call is None or function is None:
            raise ValueError(_NO_FUNCTION)
        id_, name = str(call.get("id") or ""), function.get("name") or ""
        if not isinstance(name, str):
            raise ValueError(_NO_FUNCTION)
        given: Any = function.get("arguments") or ""
        arguments = given if isinstance(given, str) else to_json(given).decode()
        index = self._index(call.get("index"), id_, name)
        known = self.calls.get(index)
        if known is None:
            self.calls[index] = _Call(id_, name, [arguments])
            return ToolCallDelta(index, id_, name, arguments)
        # Some servers repeat the name with every piece, and some make up a new id for each.
        id_, name = "" if known.id else id_, "" if known.name else name
        known.id, known.name = known.id or id_, known.name or name
        known.pieces.append(arguments)
        return ToolCallDelta(index, id_, name, arguments) if id_ or name or arguments else None

    def _index(self, given: object, id_: str, name: str) -> int:
        """Which call a delta belongs to, for servers that give each its index and for those that do not."""
        if given is None:
            return self._unnumbered(id_, name)
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise ValueError("the index of a tool call in it is no whole number")
        place = self._places.get(given)
        if place is None:
            place = given if given not in self.calls else self._next
        elif id_ and name and id_ != self.calls[place].id and self.calls[place].is_whole:
            # One more call under the same number: some servers number all of them 0.
            place = self._next
        self._places[given] = place
        return place

    def _unnumbered(self, id_: str, name: str) -> int:
        """A new id, or a name without one, begins a call; a name said again does when the call before it is whole."""
        last = max(self.calls, default=-1)
        if last < 0:
            return 0
        if id_:
            return next((index for index, call in self.calls.items() if call.id == id_), self._next)
        before = self.calls[last]
        is_new = name and before.name and (name != before.name or not any(before.pieces) or before.is_whole)
        return self._next if is_new else last

    @property
    def _next(self) -> int:
        return max(self.calls, default=-1) + 1
