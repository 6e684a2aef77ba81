"""What the machine costs by itself: its transitions, and storing and loading a run."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import to_json

from benchmarks.clock import each
from benchmarks.table import show
from rigging_py.message import FunctionCall, Message, ModelTurn, ToolCall
from rigging_py.run import AgentRun, CallModel, CallTools, Done, Program, ProgramTool, RunLimits, ToolResult

CALL = ToolCall(id="call_1", function=FunctionCall(name="add", arguments='{"a": 40, "b": 2}'))
TURN = ModelTurn.from_text("42")
PROGRAM = Program({"add": ProgramTool({"type": "object"}, lambda _: None)})


def run() -> None:
    """Measures, and prints two tables."""
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "one answer": (3, _one_answer),
        "a tool batch, then an answer": (7, _tool_turn),
    }
    rows: list[list[str]] = []
    for name, (transitions, call) in runs.items():
        spent = each(call)
        rows.append([name, str(transitions), f"{spent:.1f}", f"{transitions / spent * 1e6:,.0f}"])
    show("The machine: whole runs by hand", ["", "transitions", "CPU us", "transitions/s"], rows)
    rows = [_stored(count) for count in (1, 10, 100, 1000)]
    show("Storing a run: CPU us by messages", ["messages", "dump", "load", "bytes"], rows)


def _one_answer() -> None:
    run = AgentRun("What is 40 + 2?")
    assert isinstance(run.next_step(), CallModel)
    run.model_response(TURN)
    assert isinstance(run.next_step(), Done)


def _tool_turn() -> None:
    run = AgentRun("What is 40 + 2?", limits=RunLimits(max_turns=2), program=PROGRAM)
    assert isinstance(run.next_step(), CallModel)
    run.model_response(ModelTurn.of(tool_calls=[CALL]))
    step = run.next_step()
    assert isinstance(step, CallTools)
    run.tool_result(step.calls[0].key, ToolResult("42"))
    assert isinstance(run.next_step(), CallModel)
    run.model_response(TURN)
    assert isinstance(run.next_step(), Done)


def _stored(count: int) -> list[str]:
    said = [Message("assistant" if index % 2 else "user", "A sentence of a usual length.") for index in range(count)]
    run = AgentRun(history=said)
    run.next_step()
    state, program = run.dump(), Program()
    dump, load = each(run.dump, seconds=0.1), each(lambda: AgentRun.load(state, program), seconds=0.1)
    return [str(count), f"{dump:.0f}", f"{load:.0f}", f"{len(to_json(state)):,}"]
