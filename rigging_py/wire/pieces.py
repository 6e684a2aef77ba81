"""A whole turn as the deltas of a stream that would have given it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rigging_py.message import ModelTurn, ReasoningDelta, TextDelta, ToolCallDelta

PieceDelta = TextDelta | ReasoningDelta | ToolCallDelta
"""A delta that is not the whole turn."""
Split = Callable[[str], Sequence[str]]


def whole(text: str) -> Sequence[str]:
    """The text in one piece, or in none when there is no text."""
    return [text] if text else []


def deltas_of(turn: ModelTurn, *, words: Split = whole, arguments: Split = whole) -> Iterator[PieceDelta]:
    """What is thought, what is said and what is called, in this order; put together again they are the turn's.

    `words` splits thought and text, `arguments` the arguments of a call, whose id and name come before them.
    """
    thought = turn.extra.get("reasoning_content")
    for piece in words(thought) if isinstance(thought, str) else ():
        yield ReasoningDelta(piece)
    for piece in words(turn.message.content):
        yield TextDelta(piece)
    for index, call in enumerate(turn.message.tool_calls or ()):
        yield ToolCallDelta(index, call.id, call.name)
        for piece in arguments(call.arguments):
            yield ToolCallDelta(index, arguments=piece)
