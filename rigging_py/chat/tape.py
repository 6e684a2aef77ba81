"""`Tape`: what a journal has of tools and of people, given to a run whose model is live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from rigging_py.error import ReplayDivergence
from rigging_py.message import Message, ToolCall
from rigging_py.observe import ApprovalDetail, Hooks, InvalidCallDetail, ModelCallDetail, SkipTool, ToolDetail
from rigging_py.run import (
    AgentRun,
    CallResolved,
    Decided,
    Decision,
    Injected,
    Journal,
    ModelResponded,
    Resolution,
    State,
    ToolResult,
    ToolsReturned,
    TurnBegan,
)
from rigging_py.run.play import differences

Place: TypeAlias = tuple[int, int]
"""The turn of a call, and which of the turn's calls it is."""


class Tape(Hooks):
    """Results, decisions, resolutions and what was said, for `run` to have as the journal's run had them.

    A tool's result is given where the model makes the same call at the same place; else it is a `ReplayDivergence`.
    """

    def __init__(self, journal: Journal, run: AgentRun) -> None:
        self.journal, self.run = journal, run
        self.turns = _asked(journal)
        """By turn: the entry that has it, and the calls that the model made."""
        self.results: dict[Place, ToolResult] = {}
        self.decisions: dict[Place, Decision] = {}
        self.resolutions: dict[int, list[Resolution]] = {}
        self.said: dict[int, list[Message]] = {}
        self.follow_ups: list[list[Message]] = []
        self._read()

    def _read(self) -> None:
        turn, before, is_follow_up = 0, State.READY, False
        for entry in self.journal:
            match entry.input:
                case TurnBegan(begun):
                    turn, is_follow_up = begun, False
                case ToolsReturned() as returned:
                    self.results |= {_place(key): result for key, result in self.journal.results(returned)}
                case Decided(key, decision):
                    self.decisions.setdefault(_place(key), decision)
                case CallResolved(resolution):
                    self.resolutions.setdefault(turn, []).append(resolution)
                case Injected():
                    if before is State.DONE:
                        self.follow_ups.append([])
                        is_follow_up = True
                    place = self.follow_ups[-1] if is_follow_up else self.said.setdefault(turn, [])
                    place += self.journal.messages(entry)
                case _:
                    pass
            before = entry.state

    def say(self, turn: int) -> None:
        """Says what was said during this turn; the next one hears it."""
        messages = self.said.pop(turn, None)
        if messages:
            self.run.inject(messages)

    async def before_model_call(self, detail: ModelCallDetail) -> None:
        self.say(detail.step.turn)

    async def before_tool(self, detail: ToolDetail) -> SkipTool:
        place = _place(detail.call.key)
        then, now = self._then(place), self._now(place)
        at = self.turns[place[0]][0] if place[0] in self.turns else len(self.journal)
        diff = [*differences(_shown(then), _shown(now), detail.call.key)]
        if diff:
            raise ReplayDivergence(at, then, now, diff)
        if place not in self.results:
            raise ReplayDivergence(at, None, now, [f"{detail.call.key}: the journal has no result of this call"])
        return SkipTool(self.results[place])

    async def on_approval(self, detail: ApprovalDetail) -> Decision | None:
        place = _place(detail.request.call.key)
        is_same = _shown(self._then(place)) == _shown(self._now(place))
        return self.decisions.get(place) if is_same else None

    async def on_invalid_call(self, detail: InvalidCallDetail) -> Resolution | None:
        turn = _place(detail.call.key)[0]
        now = _asked(self.run.journal)[turn][1]
        then = self.turns[turn][1] if turn in self.turns else ()
        # Resolutions are recorded in their order, so they fit only a turn with the same calls.
        is_same = [_shown(one) for one in now] == [_shown(one) for one in then]
        recorded = self.resolutions.get(turn)
        return recorded.pop(0) if is_same and recorded else None

    def _then(self, place: Place) -> ToolCall | None:
        turn, index = place
        calls = self.turns[turn][1] if turn in self.turns else ()
        return calls[index] if index < len(calls) else None

    def _now(self, place: Place) -> ToolCall:
        turn, index = place
        return _asked(self.run.journal)[turn][1][index]


def _asked(journal: Journal) -> dict[int, tuple[int, Sequence[ToolCall]]]:
    """By turn: the entry that has the model's answer, and the calls in it as the model made them."""
    return {
        entry.input.turn: (at, journal.bodies[entry.input.body].tool_calls or [])
        for at, entry in enumerate(journal)
        if isinstance(entry.input, ModelResponded)
    }


def _shown(call: ToolCall | None) -> object:
    """What makes a call the same: its tool and its arguments, however they are spelled."""
    if call is None:
        return None
    try:
        return {"name": call.name, "arguments": json.loads(call.arguments or "{}")}
    except (ValueError, RecursionError):
        return {"name": call.name, "arguments": call.arguments}


def _place(key: str) -> Place:
    """The place that a key names, in whatever run."""
    _, turn, index = key.rsplit("/", 2)
    return int(turn), int(index)
