"""What a review of the machine found: none of it may come back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rigging_py.error import ProtocolError, StateFormatError
from rigging_py.message import ModelTurn
from rigging_py.run import (
    AgentRun,
    AwaitDecision,
    CallTools,
    FailureRecord,
    Program,
    ProgramChanged,
    ProgramTool,
    Repair,
    ResolveToolCall,
    State,
    replay,
)
from tests.run.kit import FREE, TOOLS, asking, call, executing, resolving, started

WIPE = Program({"wipe": ProgramTool({}, lambda _: None), "read": ProgramTool({}, lambda _: None, effect="read")})


@pytest.mark.parametrize("arguments", ["", "{}"])
def test_a_call_that_the_limit_cut_before_its_arguments_is_not_executed(arguments: str) -> None:
    run = started(WIPE)
    run.model_response(asking(call("wipe", arguments), stop_reason="length"))
    step = run.next_step()
    assert isinstance(step, ResolveToolCall)
    assert "cut the call of 'wipe'" in step.problem.text


def test_a_call_before_the_one_that_was_cut_is_executed() -> None:
    run = started(WIPE)
    run.model_response(asking(call("wipe"), call("wipe", '{"path": "x"}'), stop_reason="length"))
    assert isinstance(run.next_step(), CallTools)


def test_a_fork_asks_about_what_the_original_had_started_unless_it_does_nothing() -> None:
    run = executing(call("wipe"), call("read"), program=WIPE)
    run.tool_started("run/1/0")
    run.tool_started("run/1/1")
    fork = run.fork(run_id="fork")
    step = fork.next_step()
    assert isinstance(step, CallTools)
    assert [one.name for one in step.calls] == ["read"]
    fork.tool_result("fork/1/1", "seen")
    step = fork.next_step()
    assert isinstance(step, AwaitDecision)
    assert [(one.call.key, one.why) for one in step.requests] == [("fork/1/0", "unfinished")]
    assert replay(fork.journal, WIPE).dump() == fork.dump()


def test_a_program_that_has_come_to_want_approval_is_noted_when_a_run_is_loaded() -> None:
    run = executing(call("look"), program=FREE)

    def always(_: dict[str, object]) -> bool:
        return True

    strict = Program({**TOOLS, "look": replace(TOOLS["look"], needs_approval=always)})
    loaded = AgentRun.load(run.dump(), strict)
    assert loaded.state is State.AWAITING_DECISION
    assert loaded.journal[-1].input == ProgramChanged(())
    assert AgentRun.load(loaded.dump(), strict).dump() == loaded.dump()


def test_mending_the_words_about_a_tool_changes_no_program_and_what_it_does_changes_it() -> None:
    def tool(text: str, **how: object) -> Program:
        schema = {"type": "object", "properties": {"title": {"type": "string", "description": text}}, "title": text}
        return Program({"look": ProgramTool(schema, lambda _: None, **how)})  # type: ignore[arg-type]

    assert tool("a typpo").fingerprint == tool("a typo").fingerprint
    assert tool("a typo", effect="read").fingerprint != tool("a typo").fingerprint
    assert "title" in str(tool("x").tools["look"].schema["properties"])


def test_arguments_that_json_has_no_number_for_repair_nothing() -> None:
    run = resolving(call("nope"))
    with pytest.raises(ProtocolError, match="arguments are a dict"):
        run.resolve_tool_call(Repair("look", {"x": float("nan")}))
    assert run.state is State.RESOLVING


def test_a_run_that_needs_what_this_release_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(StateFormatError, match="needs budgets-of-emails, of which this release knows nothing"):
        AgentRun.load({**started().dump(), "requires": ["budgets-of-emails"]})


@pytest.mark.parametrize(("kind", "cost"), [("Interrupted", None), ("TimedOut", None), ("RateLimited", 0.0)])
def test_an_answer_that_broke_off_has_a_cost_that_nobody_knows(kind: object, cost: float | None) -> None:
    run = started(max_attempts=2)
    run.model_failed(FailureRecord(kind, "gone"), retryable=True)  # type: ignore[arg-type]
    assert run.usage.cost == cost
    run.model_response(ModelTurn.from_text("42"))
