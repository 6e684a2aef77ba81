"""Puts a streamed turn together: a provider's deltas in, events for a reader out, and at the end the whole turn.

It does no I/O. What a call of a tool that may not be called says never comes out, because nobody should act on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from pydantic_core import to_json

from rigging_py.message import Delta, ModelTurn, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta, Usage
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
    """A whole turn, and what was said meanwhile about calls of it.

    `is_revised` says that the turn is not what had come in pieces: a reader should show the turn instead.
    """

    turn: ModelTurn
    resolutions: tuple[StreamedResolution, ...] = ()
    is_revised: bool = False


@dataclass(slots=True)
class _Call:
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    shown: int = 0
    """Pieces of the arguments that came out."""
    is_open: bool = False
    is_held: bool = False
    is_settled: bool = False
    """Whether its arguments were repaired, so that what the model still says of them is not wanted."""

    def said(self) -> str:
        return "".join(self.arguments)


class StreamedTurnAssembler:
    """Feed it the deltas of one turn in order, and `finish` it.

    Without a `program` every tool may be called. Events follow the order of the deltas, and what the whole turn has
    beyond them comes last.
    """

    def __init__(self, program: Program | None = None) -> None:
        self._program = program
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _Call] = {}
        self._resolutions: dict[int, StreamedResolution] = {}
        self._turn: ModelTurn | None = None
        self._is_revised = False

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
            case _:
                assert_never(delta)

    def resolve(self, index: int, resolution: Resolution) -> list[StreamedTurnEvent]:
        """Says what is to become of an invalid call. One that is repaired to a tool that may be called comes out.

        Raises `ValueError` for a call that is not held back, or not any more.
        """
        call = self._calls.get(index)
        if call is None or not call.is_held or index in self._resolutions:
            raise ValueError(f"The call at {index} is not one that is held back.")
        events = self._repair(index, call, resolution) if isinstance(resolution, Repair) else []
        if not call.is_held or not isinstance(resolution, Repair):
            self._resolutions[index] = StreamedResolution(index, resolution)
        return events

    def finish(self) -> StreamedTurn | PartialStreamedTurn:
        """The whole turn; or what there is of it, when its end did not come."""
        if self._turn is not None:
            return StreamedTurn(self._turn, tuple(self._resolutions.values()), self._is_revised)
        calls = tuple((call.name, call.said()) for _, call in sorted(self._calls.items()))
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
        call.is_open, call.is_held = True, False
        return [StreamedToolCall(index, name), *self._more(index, call)]

    def _more(self, index: int, call: _Call) -> list[StreamedTurnEvent]:
        new = "".join(call.arguments[call.shown :]) if not call.is_settled else ""
        call.shown = len(call.arguments)
        return [StreamedArguments(index, new)] if new else []

    def _repair(self, index: int, call: _Call, repair: Repair) -> list[StreamedTurnEvent]:
        events = self._open(index, call, repair.name or call.name)
        if repair.arguments is None or call.is_held:
            return events
        call.is_settled = True
        return [events[0], StreamedArguments(index, to_json(repair.arguments).decode())]

    def _problem(self, name: str) -> Problem | None:
        if self._program is None:
            return None
        problem = problem_of(PendingToolCall("", "", name, {}, "{}"), self._program)
        # What is wrong with arguments is not known before they are whole.
        return problem if problem is not None and problem.kind in ("unknown", "not_allowed") else None

    def _rest(self, turn: ModelTurn) -> list[StreamedTurnEvent]:
        """What of a turn had not come in pieces, for generators that give none or not all."""
        events: list[StreamedTurnEvent] = []
        reasoning = turn.extra.get("reasoning_content")
        # A provider need not say again what it thought.
        if isinstance(reasoning, str) and (more := self._beyond("".join(self._reasoning), reasoning)):
            events.append(StreamedReasoning(more))
        if more := self._beyond("".join(self._text), turn.message.content):
            events.append(StreamedText(more))
        events += self._rest_of_calls(turn.message.tool_calls or ())
        if turn.usage is not None:
            events.append(StreamedUsage(turn.usage))
        return events

    def _rest_of_calls(self, asked: Sequence[ToolCall]) -> list[StreamedTurnEvent]:
        events: list[StreamedTurnEvent] = []
        for index, one in enumerate(asked):
            call = self._calls.setdefault(index, _Call())
            self._is_revised |= bool(call.name) and call.name != one.name
            events += self._call(index, one.name, self._beyond(call.said(), one.arguments))
        self._is_revised |= len(self._calls) > len(asked)
        return events

    def _beyond(self, streamed: str, whole: str) -> str:
        """What the whole says after what had come; nothing where it does not begin with that."""
        if whole.startswith(streamed):
            return whole[len(streamed) :]
        self._is_revised = True
        return ""
