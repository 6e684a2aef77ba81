"""Puts a streamed turn together: a provider's deltas in, events for a reader out, and at the end the whole turn.

It does no I/O. What a call of a tool that may not be called says never comes out, because nobody should act on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from rigging_py.message import Delta, ModelTurn, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from rigging_py.run.calls import problem_of
from rigging_py.run.causes import PartialStreamedTurn, Problem
from rigging_py.run.program import Program
from rigging_py.run.steps import PendingToolCall, Repair, Resolution


@dataclass(frozen=True, slots=True)
class StreamedText:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class StreamedReasoning:
    """More of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class StreamedToolCall:
    """The model begins to call a tool, the one at `index` in its turn."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class StreamedArguments:
    """More of the arguments of the call at `index`, as JSON text."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class StreamedInvalidToolCall:
    """The call at `index` cannot be executed; its arguments are held back. `resolve` may say what becomes of it."""

    index: int
    name: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class StreamedUsage:
    """What the turn used."""

    usage: Usage


StreamedTurnEvent: TypeAlias = (
    StreamedText | StreamedReasoning | StreamedToolCall | StreamedArguments | StreamedInvalidToolCall | StreamedUsage
)
"""What a reader of a stream is told."""


@dataclass(frozen=True, slots=True)
class StreamedResolution:
    """What is to become of an invalid call, said while the turn still streams."""

    index: int
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class StreamedTurn:
    """A whole turn, and what was said meanwhile about calls of it."""

    turn: ModelTurn
    resolutions: tuple[StreamedResolution, ...] = ()


@dataclass(slots=True)
class _Call:
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    shown: int = 0
    """Pieces of the arguments that came out."""
    is_open: bool = False
    is_held: bool = False


class StreamedTurnAssembler:
    """Feed it the deltas of one turn in order, and `finish` it.

    Without a `program` every tool may be called.
    """

    def __init__(self, program: Program | None = None) -> None:
        self._program = program
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._resolutions: dict[int, StreamedResolution] = {}
        self._turn: ModelTurn | None = None

    def feed(self, delta: Delta) -> list[StreamedTurnEvent]:
        """What a delta tells a reader. Raises `ValueError` for one that comes after the whole turn."""
        if self._turn is not None:
            raise ValueError(f"The turn is whole already; nothing comes after it, and {delta!r} did.")
        match delta:
            case TextDelta(text):
                self._text.append(text)
                return [StreamedText(text)] if text else []
            case ReasoningDelta(text):
                self._reasoning.append(text)
                return [StreamedReasoning(text)] if text else []
            case ToolCallDelta():
                return self._call(delta.index, delta.name, delta.arguments)
            case ModelTurn():
                self._turn = delta
                return self._rest(delta)

    def resolve(self, index: int, resolution: Resolution) -> list[StreamedTurnEvent]:
        """Says what is to become of an invalid call. One that is given another name comes out under it."""
        call = self._calls.get(index)
        if call is None or not call.is_held:
            raise ValueError(f"The call at {index} is not one that is held back.")
        self._resolutions[index] = StreamedResolution(index, resolution)
        if isinstance(resolution, Repair) and resolution.name and resolution.arguments is None:
            call.is_held = False
            return self._open(index, call, resolution.name)
        return []

    def finish(self) -> StreamedTurn | PartialStreamedTurn:
        """The whole turn; or what there is of it, when its end did not come."""
        if self._turn is not None:
            return StreamedTurn(self._turn, tuple(self._resolutions.values()))
        calls = tuple((call.name, "".join(call.arguments)) for _, call in sorted(self._calls.items()))
        return PartialStreamedTurn("".join(self._text), "".join(self._reasoning), calls)

    def _call(self, index: int, name: str, arguments: str) -> list[StreamedTurnEvent]:
        call = self._calls.setdefault(index, _Call())
        if arguments:
            call.arguments.append(arguments)
        if name and not call.name:
            call.name = name
        if not call.name or call.is_held:
            return []
        return self._more(index, call) if call.is_open else self._open(index, call, call.name)

    def _open(self, index: int, call: _Call, name: str) -> list[StreamedTurnEvent]:
        problem = self._problem(name)
        if problem is not None:
            call.is_held = True
            return [StreamedInvalidToolCall(index, name, problem)]
        call.is_open = True
        return [StreamedToolCall(index, name), *self._more(index, call)]

    def _more(self, index: int, call: _Call) -> list[StreamedTurnEvent]:
        new = "".join(call.arguments[call.shown :])
        call.shown = len(call.arguments)
        return [StreamedArguments(index, new)] if new else []

    def _problem(self, name: str) -> Problem | None:
        if self._program is None:
            return None
        problem = problem_of(PendingToolCall("", "", name, {}, "{}"), self._program)
        # What is wrong with arguments is not known before they are whole.
        return problem if problem is not None and problem.kind in ("unknown", "not_allowed") else None

    def _rest(self, turn: ModelTurn) -> list[StreamedTurnEvent]:
        """What of a turn had not come in pieces, for generators that give none."""
        events: list[StreamedTurnEvent] = []
        reasoning = turn.extra.get("reasoning_content")
        if isinstance(reasoning, str) and reasoning and not self._reasoning:
            events.append(StreamedReasoning(reasoning))
        said, streamed = turn.message.content, "".join(self._text)
        if len(said) > len(streamed) and said.startswith(streamed):
            events.append(StreamedText(said[len(streamed) :]))
        for index, asked in enumerate(turn.message.tool_calls or ()):
            if index not in self._calls:
                events += self._call(index, asked.name, asked.arguments)
        if turn.usage is not None:
            events.append(StreamedUsage(turn.usage))
        return events
