"""The tool calls of a turn: how they are keyed and read, what is wrong with one, and how it is repaired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any, cast

from pydantic_core import from_json, to_json

from rigging_py.message import ModelTurn, ToolCall
from rigging_py.run.causes import Problem, shortened
from rigging_py.run.history import uuid_at
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.program import Program
from rigging_py.run.steps import PendingToolCall, Why

RECOVERED, EDITED = "recovered", "edited"
"""How a turn is marked in which a call was repaired, or was edited by whoever decided about it."""


def pending_turn(run: RunState, turn: ModelTurn) -> PendingTurn:
    """A model's turn as the run holds it: a shell of the message, and its calls under keys and ids of their own."""
    message = turn.message.shell()
    message.uuid = uuid_at(run, len(run.messages))
    asked = message.tool_calls or []
    ids = _unique_ids(run.turn, [call.id for call in asked])
    message.tool_calls = [_with_id(call, id_) for call, id_ in zip(asked, ids, strict=True)] or None
    return PendingTurn(message, turn.stop_reason, read_calls(run.run_id, run.turn, message.tool_calls or ()))


def scan(turn: PendingTurn, program: Program) -> bool:
    """Whether every call can be executed or has its result; otherwise `turn.problem` says what is wrong with one."""
    turn.problem = None
    # Arguments that somebody gave since are whole.
    is_mended = not turn.message.metadata.keys().isdisjoint((RECOVERED, EDITED))
    last = turn.calls[-1] if turn.calls and turn.stop_reason == "length" and not is_mended else None
    while turn.scanned < len(turn.calls):
        call = turn.calls[turn.scanned]
        turn.problem = None if call.key in turn.results else problem_of(call, program, was_cut=call is last)
        if turn.problem is not None:
            return False
        turn.scanned += 1
    return True


def undecided(turn: PendingTurn, program: Program) -> dict[str, Why]:
    """The calls somebody must decide about: those of tools that need approval, and those that waited already."""
    settled = {*turn.decided, *turn.started}
    return {
        call.key: turn.undecided.get(call.key, "approval")
        for call in turn.missing()
        if call.key in turn.undecided
        or (call.key not in settled and program.tools[call.name].needs_approval(call.arguments))
    }


def repaired(
    turn: PendingTurn, index: int, name: str, arguments: dict[str, Any] | None, mark: str = RECOVERED
) -> PendingTurn:
    """The turn with another name, and other arguments when given, in one call; its key stays."""
    old = turn.calls[index]
    new = _read(old.key, old.id, name, old.raw if arguments is None else to_json(arguments).decode())
    message = turn.message.shell()
    asked = list(message.tool_calls or ())
    function = asked[index].function.model_copy(update={"name": new.name, "arguments": new.raw})
    asked[index] = asked[index].model_copy(update={"function": function})
    message.tool_calls = asked
    message.metadata[mark] = True
    return replace(turn, message=message, calls=[*turn.calls[:index], new, *turn.calls[index + 1 :]])


def read_calls(run_id: str, turn: int, asked: Sequence[ToolCall]) -> list[PendingToolCall]:
    """The calls of a message under their keys, with their arguments read."""
    return [_read(f"{run_id}/{turn}/{index}", one.id, one.name, one.arguments) for index, one in enumerate(asked)]


def _read(key: str, id_: str, name: str, raw: str) -> PendingToolCall:
    arguments = json_object(raw)
    return PendingToolCall(key, id_, name, arguments or {}, raw, malformed=arguments is None)


def problem_of(call: PendingToolCall, program: Program, *, was_cut: bool = False) -> Problem | None:
    """What is wrong with a call, if anything; one that gives the answer is judged as an answer."""
    if call.name == program.output_tool:
        return None
    if call.name not in program.known:
        known = ", ".join(program.known) or "none"
        return Problem("unknown", f"There is no tool {shortened(call.name)!r}. The tools are: {known}.")
    if not program.allows(call.name):
        known = ", ".join(filter(program.allows, program.known)) or "none"
        return Problem("not_allowed", f"The tool {call.name!r} may not be called now. Those that may are: {known}.")
    if call.malformed:
        text = f"The arguments of {call.name!r} are not a JSON object: {shortened(call.raw)!r}"
        return Problem("malformed", text)
    if was_cut and not call.arguments:
        # Without arguments a tool may do something else than what the model was about to say.
        return Problem("malformed", f"The token limit cut the call of {call.name!r} before its arguments.")
    wrong = program.tools[call.name].check(call.arguments)
    return Problem("invalid", f"The arguments of {call.name!r} are not valid: {wrong}") if wrong else None


def _unique_ids(turn: int, given: Sequence[str]) -> list[str]:
    # Providers want every call answered by its own id; some models give none, or the same one twice.
    ids: dict[str, None] = {}
    taken = set(given)
    for index, id_ in enumerate(given):
        if not id_ or id_ in ids:
            id_ = f"call_{turn}_{index}"
            while id_ in taken or id_ in ids:
                id_ += "_"
        ids[id_] = None
    return list(ids)


def _with_id(call: ToolCall, id_: str) -> ToolCall:
    return call if call.id == id_ else call.model_copy(update={"id": id_})


def json_object(raw: str) -> dict[str, Any] | None:
    """The object that a text is in JSON, no text being the empty one; None for anything else."""
    try:
        value: object = from_json(raw, allow_inf_nan=False) if raw.strip() else {}
    except (ValueError, TypeError):  # the latter for half of a surrogate pair
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) and is_finite(cast("object", value)) else None


def is_finite(value: object) -> bool:
    """Whether every number in a value is one that JSON has."""
    # 1e999 reads as infinity, which JSON cannot hold, so a stored run would come back with another value.
    if isinstance(value, dict):
        return all(map(is_finite, cast("dict[str, object]", value).values()))
    if isinstance(value, list):
        return all(map(is_finite, cast("list[object]", value)))
    return not isinstance(value, float) or isfinite(value)
