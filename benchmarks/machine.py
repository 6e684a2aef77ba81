"""What the machine costs by itself: its transitions, long runs, storing and loading, and the memory of a stored run."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial

from pydantic_core import to_json

from benchmarks.clock import each
from benchmarks.table import show
from rigging_py.message import FunctionCall, ModelTurn, ToolCall
from rigging_py.run import (
    LISTS,
    AgentRun,
    CallModel,
    CallTools,
    Done,
    Program,
    ProgramTool,
    RunLimits,
    ToolResult,
    replay,
)

CALL = ToolCall(id="call_1", function=FunctionCall(name="add", arguments='{"a": 40, "b": 2}'))
TURN = ModelTurn.from_text("42")
ASKING = ModelTurn.of(tool_calls=[CALL])
PROGRAM = Program({"add": ProgramTool({"type": "object"}, lambda _: None)})
SIZES = (10, 100, 1000, 4000)


def run() -> None:
    """Measures, and prints the tables."""
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "one answer": (3, _one_answer),
        "a tool batch, then an answer": (7, lambda: _tool_turns(1)),
    }
    rows: list[list[str]] = []
    for name, (transitions, call) in runs.items():
        spent = each(call)
        rows.append([name, str(transitions), f"{spent:.1f}", f"{transitions / spent * 1e6:,.0f}"])
    show("The machine: whole runs by hand", ["", "transitions", "CPU us", "transitions/s"], rows)
    _show_long_runs()
    # How often the collector looks through the whole heap depends on the heap: it is left out to see what is ours.
    gc.disable()
    rows = [_stored(count) for count in SIZES]
    gc.enable()
    columns = ["messages", "dump", "load", "us a message", "what is new", "bytes", "replay"]
    show("Storing a run: CPU us by messages, without the garbage collector", columns, rows)
    show("A run of 10 messages in memory: KiB", ["", "live", "loaded"], [_memory()])


def _one_answer() -> None:
    run = AgentRun("What is 40 + 2?")
    assert isinstance(run.next_step(), CallModel)
    run.model_response(TURN)
    assert isinstance(run.next_step(), Done)


def _tool_turns(count: int) -> AgentRun:
    limits = RunLimits(max_turns=count + 1, max_tool_turns=count)
    run = AgentRun("What is 40 + 2?", limits=limits, program=PROGRAM)
    for _ in range(count):
        assert isinstance(run.next_step(), CallModel)
        run.model_response(ASKING)
        step = run.next_step()
        assert isinstance(step, CallTools)
        run.tool_result(step.calls[0].key, ToolResult("42"))
    assert isinstance(run.next_step(), CallModel)
    run.model_response(TURN)
    assert isinstance(run.next_step(), Done)
    return run


def _show_long_runs() -> None:
    spent = {count: each(partial(_tool_turns, count)) for count in (100, 200)}
    rows = [[f"{count} tool turns", f"{us / 1000:.2f}", f"{us / count:.1f}"] for count, us in spent.items()]
    rows.append(["200 to 100", f"{spent[200] / spent[100]:.2f}", ""])
    show("Long runs: linear is 2.00", ["", "CPU ms", "us a turn"], rows)


def _of(count: int) -> AgentRun:
    """A run of so many messages, most of which its model and its tools said."""
    return _tool_turns(max(0, (count - 2) // 2))


def _stored(count: int) -> list[str]:
    run = _of(count)
    lengths = {name: len(run.dump()[name]) for name in LISTS}
    run.inject("And then?")
    state = run.dump()
    dump, load = each(run.dump, seconds=0.1), each(lambda: AgentRun.load(state, PROGRAM), seconds=0.1)
    new = each(lambda: run.dump(since=lengths), seconds=0.1)
    again = each(lambda: replay(run.journal, PROGRAM), seconds=0.1)
    per_message = f"{(dump + load) / count:.1f}"
    columns = [str(count), f"{dump:.0f}", f"{load:.0f}", per_message, f"{new:.1f}", f"{len(to_json(state)):,}"]
    return [*columns, f"{again:.0f}"]


def _memory() -> list[str]:
    state = _of(10).dump()
    return ["one suspended run", _kib(lambda: _of(10)), _kib(lambda: AgentRun.load(state, PROGRAM))]


def _kib(make: Callable[[], object], count: int = 200) -> str:
    make()
    gc.collect()
    tracemalloc.start()
    try:
        kept = [make() for _ in range(count)]
        gc.collect()
        return f"{tracemalloc.get_traced_memory()[0] / len(kept) / 1024:.1f}"
    finally:
        tracemalloc.stop()
