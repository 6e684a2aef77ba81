"""Streams in pieces, on any wire: what the pieces give, what that is together, and a body cut anywhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

from hypothesis import strategies as st

from rigging_py.message import Delta, ModelTurn, ReasoningDelta, TextDelta, ToolCallDelta
from rigging_py.wire import ReplyBody, Wire

Calls: TypeAlias = tuple[tuple[str, str, str], ...]


def reader(wire: Wire, provider: str, origin: str = "") -> Callable[..., tuple[list[Delta], ModelTurn]]:
    """Reads the pieces of a body: its deltas, and the turn at their end."""

    def read(*pieces: bytes) -> tuple[list[Delta], ModelTurn]:
        body = ReplyBody(wire, provider, "hush-hush", origin)
        fed = [delta for piece in pieces for delta in body.feed(piece)]
        *rest, turn = body.ending()
        assert isinstance(turn, ModelTurn)
        return [*fed, *rest], turn

    return read


def shown(turn: ModelTurn) -> tuple[str, str, Calls, str]:
    """What is said, thought and called, and why it ended."""
    calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
    return turn.message.content, turn.extra.get("reasoning_content", ""), calls, turn.stop_reason


def assembled(deltas: list[Delta]) -> tuple[str, str, Calls]:
    """What deltas say, think and call together."""
    calls: dict[int, tuple[str, str, str]] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            id_, name, arguments = calls.get(delta.index, ("", "", ""))
            calls[delta.index] = (id_ + delta.id, name + delta.name, arguments + delta.arguments)
    return (
        "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)),
        "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)),
        tuple(calls[index] for index in sorted(calls)),
    )


def cut_anywhere(body: bytes, data: st.DataObject) -> list[bytes]:
    """The body in three pieces, some of which may be empty."""
    places = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    return [body[start:end] for start, end in pairwise([0, *places, len(body)])]
