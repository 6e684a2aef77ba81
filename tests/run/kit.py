"""What the tests of the machine share: a program with two tools and a whole number as its answer, and spellings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from rigging_py.error import ProtocolError
from rigging_py.message import FunctionCall, ModelTurn, StopReason, ToolCall, Usage
from rigging_py.run import (
    AgentRun,
    Approve,
    AwaitDecision,
    CallModel,
    Feedback,
    OutputSpec,
    Program,
    ProgramTool,
    ResolveToolCall,
    RunLimits,
    Skip,
    State,
)
from rigging_py.run.steps import InputName

ADD = '{"a": 40, "b": 2}'
SECRET = '{"a": "secret", "b": 2}'
DEADLINE = datetime(2030, 1, 1, tzinfo=UTC)


def call(name: str, arguments: str = "{}", id: str = "") -> ToolCall:  # noqa: A002
    return ToolCall(id=id, function=FunctionCall(name=name, arguments=arguments))


def asking(*calls: ToolCall, text: str = "", stop_reason: StopReason = "tool_calls") -> ModelTurn:
    return ModelTurn.of(text, calls, stop_reason=stop_reason)


def tokens(read: int, written: int) -> Usage:
    return Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)


def whole_number(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return Feedback(f"{text!r} is not a whole number")


def two_numbers(arguments: Mapping[str, object]) -> str | None:
    return None if set(arguments) == {"a", "b"} else "give a and b"


def is_secret(arguments: Mapping[str, object]) -> bool:
    return "secret" in arguments.values()


# Adding may be done again, looking is done once; both need approval where something is secret.
TOOLS: Mapping[str, ProgramTool] = {
    "add": ProgramTool({"required": ["a", "b"]}, two_numbers, effect="read", needs_approval=is_secret),
    "look": ProgramTool({}, lambda _: None, needs_approval=is_secret),
}
NUMBER = OutputSpec((whole_number,))
PROGRAM = Program(TOOLS, NUMBER)
FREE = Program(TOOLS)


def started(program: Program = PROGRAM, **limits: Any) -> AgentRun:
    """A run that waits for its first turn; it has a deadline, as all these runs."""
    given: dict[str, Any] = {"max_turns": 9, "deadline": DEADLINE, **limits}
    run = AgentRun("How many?", limits=RunLimits(**given), program=program)
    assert isinstance(run.next_step(), CallModel)
    return run


def resolving(*calls: ToolCall, program: Program = PROGRAM, **limits: Any) -> AgentRun:
    """A run with a problem to resolve; without `calls`, one of a tool that is not there."""
    run = started(program, **limits)
    run.model_response(asking(*(calls or (call("nope"),))))
    assert isinstance(run.next_step(), ResolveToolCall)
    return run


def executing(*calls: ToolCall, program: Program = PROGRAM, **limits: Any) -> AgentRun:
    """A run whose tools are to be executed; without `calls`, two of them."""
    run = started(program, **limits)
    run.model_response(asking(*(calls or (call("add", ADD), call("look")))))
    assert run.state is State.EXECUTING_TOOLS
    return run


def deciding(*calls: ToolCall, program: Program = PROGRAM, **limits: Any) -> AgentRun:
    """A run that waits for decisions; without `calls`, about two of them."""
    run = started(program, **limits)
    run.model_response(asking(*(calls or (call("look", '{"at": "secret"}'), call("add", SECRET)))))
    assert isinstance(run.next_step(), AwaitDecision)
    return run


def done() -> AgentRun:
    run = started()
    run.model_response("42")
    return run


def failed() -> AgentRun:
    run = AgentRun("How many?", limits=RunLimits(max_turns=0, deadline=DEADLINE), program=PROGRAM)
    run.next_step()
    return run


RUNS: Mapping[State, Callable[[], AgentRun]] = {
    State.READY: lambda: AgentRun("How many?", limits=RunLimits(deadline=DEADLINE), program=PROGRAM),
    State.AWAITING_MODEL: started,
    State.RESOLVING: resolving,
    State.AWAITING_DECISION: deciding,
    State.EXECUTING_TOOLS: executing,
    State.DONE: done,
    State.FAILED: failed,
}
"""A run in each state."""


def recover(run: AgentRun) -> None:
    """Recovers a call that was begun, where one can be."""
    if run.state is State.EXECUTING_TOOLS:
        run.tool_started("run/1/0")
    run.recover()


INPUTS: Mapping[InputName, Callable[[AgentRun], Any]] = {
    "next_step": lambda run: run.next_step(),
    "model_response": lambda run: run.model_response("42"),
    "model_failed": lambda run: run.model_failed(OSError("gone")),
    "resolve_tool_call": lambda run: run.resolve_tool_call(Skip("no such tool")),
    "decide": lambda run: run.decide("run/1/0", Approve()),
    "tool_started": lambda run: run.tool_started("run/1/0"),
    "tool_result": lambda run: run.tool_results([("run/1/0", "42"), ("run/1/1", "seen")]),
    "recover": recover,
    "inject": lambda run: run.inject("And in words?"),
    "expire": lambda run: run.expire(DEADLINE),
    "cancel": lambda run: run.cancel("enough"),
    "raise_limit": lambda run: run.raise_limit(max_turns=10),
    "rename": lambda run: run.rename("other"),
    "recheck": lambda run: run.recheck(["tool add is not what it was"]),
}
"""Every input of the machine, with arguments that the runs of `RUNS` take where the table has it."""


def reloaded(run: AgentRun, program: Program | None = PROGRAM) -> AgentRun:
    """The run as another process would have it."""
    return AgentRun.load(json.loads(json.dumps(run.dump())), program)


def refused(run: AgentRun, act: Callable[[AgentRun], Any]) -> ProtocolError:
    """The error of an act that the run refuses, which must leave it as it was."""
    before = run.dump()
    try:
        act(run)
    except ProtocolError as error:
        assert run.dump() == before
        return error
    raise AssertionError("the run took it")
