"""What holds for every run, whatever its model says and its driver does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import ProtocolError
from rigging_py.message import Message, ModelTurn, StopReason, ToolCall, Usage
from rigging_py.run import (
    RULES,
    AgentRun,
    AgentRunStep,
    Answer,
    CallModel,
    CallTools,
    Done,
    Fail,
    Failed,
    FailureRecord,
    OutputSpec,
    PendingToolCall,
    Program,
    Repair,
    Resolution,
    ResolveToolCall,
    Retry,
    RunLimits,
    Skip,
    State,
    Stop,
    ToolResult,
)
from tests.run.kit import ADD, TOOLS, call, refused, whole_number

# What a random model says.

INFINITE = '{"a": 1e999, "b": 1}'
USAGES = st.builds(Usage, input_tokens=st.integers(0, 9), output_tokens=st.integers(0, 9))
CALLS = st.builds(
    call,
    st.sampled_from(["add", "look", "nope", ""]),
    st.sampled_from(["{}", "", ADD, '{"a": 1}', "[1]", "oops", INFINITE, '{"a": "\\ud83d\\ude00", "b": []}']),
    st.sampled_from(["", "c1", "c2", "call_1_1", "call_2_0"]),
)


def turn_of(
    text: str, calls: list[ToolCall], reason: StopReason, usage: Usage | None, attempts: list[Usage]
) -> ModelTurn:
    return replace(ModelTurn.of(text, calls, stop_reason=reason, usage=usage), attempts=tuple(attempts))


TURNS = st.builds(
    turn_of,
    st.sampled_from(["42", "", " ", "plenty", "two\n  lines"]),
    st.lists(CALLS, max_size=3),
    st.sampled_from(["stop", "stop", "length", "content_filter", "tool_calls", "unknown"]),
    st.none() | USAGES,
    st.lists(USAGES, max_size=2),
)
FAILURES = st.builds(FailureRecord, st.sampled_from(["RateLimited", "TimedOut", "Refused"]), st.just("gone"))

# What a random driver does.

RESOLUTIONS: st.SearchStrategy[Resolution] = st.sampled_from(
    [
        Answer("There is none."),
        Answer("Never mind.", error=False),
        Retry("Try again."),
        Repair(name="look", arguments={}),
        Repair(arguments={"a": 1, "b": (2.5, None)}),
        Skip("Not now."),
        Fail(),
        Stop("That will do."),
    ]
)
RESULTS = st.builds(
    ToolResult,
    st.sampled_from(["42", "", "seen\ud800"]),
    st.booleans(),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([{}, {"took": 1.5}, {"parts": [1, {"x": None}]}]),
)
LIMITS = st.builds(
    RunLimits,
    max_turns=st.integers(0, 8),
    max_tool_turns=st.integers(0, 4),
    max_output_retries=st.integers(0, 3),
    max_call_retries=st.integers(0, 2),
    max_attempts=st.integers(1, 3),
)
SPECS = st.builds(
    OutputSpec,
    st.just((whole_number,)),
    on_invalid=st.sampled_from(["feedback", "regenerate"]),
    strict=st.booleans(),
    keep_dialog=st.booleans(),
)


@dataclass(frozen=True)
class World:
    """A model and a driver, each of whose acts is settled by how many came before it."""

    turns: Sequence[ModelTurn | FailureRecord]
    resolutions: Sequence[Resolution]
    results: Sequence[ToolResult]
    order: Sequence[int]
    cancelled_after: int

    def act(self, run: AgentRun, step: AgentRunStep, count: int) -> None:
        """The act numbered `count`, which answers `step`."""
        if count == self.cancelled_after:
            run.cancel("enough", by="the driver")
            return
        match step:
            case CallModel():
                said = self.turns[count % len(self.turns)]
                if isinstance(said, FailureRecord):
                    run.model_failed(said, retryable=count % 2 == 0, usage=Usage(input_tokens=1))
                else:
                    run.model_response(said)
            case ResolveToolCall():
                self.resolve(run, self.resolutions[count % len(self.resolutions)])
            case CallTools(calls):
                one = self.ordered(calls)[0]
                run.tool_result(one.key, self.result_of(one))
            case Done() | Failed():
                raise AssertionError("the run is over")

    def resolve(self, run: AgentRun, resolution: Resolution) -> None:
        try:
            run.resolve_tool_call(resolution)
        except ProtocolError:
            run.resolve_tool_call(Answer("There is none."))

    def ordered(self, calls: Sequence[PendingToolCall]) -> list[PendingToolCall]:
        return sorted(calls, key=lambda one: self.order[int(one.key.rpartition("/")[2]) % len(self.order)])

    def result_of(self, one: PendingToolCall) -> ToolResult:
        _, turn, index = one.key.split("/")
        return self.results[(int(turn) * 3 + int(index)) % len(self.results)]


WORLDS = st.builds(
    World,
    st.lists(TURNS | TURNS | FAILURES, min_size=1, max_size=6),
    st.lists(RESOLUTIONS, min_size=1, max_size=4),
    st.lists(RESULTS, min_size=1, max_size=4),
    st.permutations(range(3)),
    st.integers(0, 60),
)
PROGRAMS = st.builds(Program, st.just(TOOLS), st.none() | SPECS)
PROMPT = Message("user", "How many?")


def run_of(program: Program, limits: RunLimits) -> AgentRun:
    return AgentRun(PROMPT, history=[Message("system", "Count.", uuid=PROMPT.uuid)], limits=limits, program=program)


def no_reload(run: AgentRun, _: int) -> AgentRun:
    return run


def play(
    world: World,
    run: AgentRun,
    reload: Callable[[AgentRun, int], AgentRun] = no_reload,
    look: Callable[[AgentRun, AgentRunStep], None] | None = None,
) -> tuple[list[AgentRunStep], AgentRun]:
    """Drives a run to its end; gives every step and the run."""
    steps: list[AgentRunStep] = []
    while True:
        run = reload(run, len(steps))
        step = run.next_step()
        if look is not None:
            look(run, step)
        steps.append(step)
        if isinstance(step, Done | Failed):
            return steps, run
        run = reload(run, len(steps))
        world.act(run, step, len(steps))


def stored_and_loaded(run: AgentRun, program: Program) -> AgentRun:
    return AgentRun.load(json.loads(json.dumps(run.dump())), program)


@given(WORLDS, PROGRAMS, LIMITS)
def test_every_call_in_the_history_is_answered_at_once_and_in_order(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, _: AgentRunStep) -> None:
        messages = list(run.messages)
        while messages:
            asked = messages.pop(0)
            for one in asked.tool_calls or ():
                answer = messages.pop(0)
                assert (answer.role, answer.tool_call_id) == ("tool", one.id)
            assert not messages or messages[0].role != "tool"
            ids = [one.id for one in asked.tool_calls or ()]
            assert len(ids) == len(set(ids))
            assert "" not in ids

    play(world, run_of(program, limits), look=look)


@given(WORLDS, PROGRAMS, LIMITS)
def test_no_limit_is_passed_and_usage_is_the_sum_over_the_calls(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        completed = [one for one in run.calls if not one.failure]
        assert len(completed) <= run.turn <= limits.max_turns
        assert run.tool_turns <= limits.max_tool_turns
        assert run.usage == sum((one.usage for one in run.calls if one.usage), Usage())
        if isinstance(step, CallModel):
            assert step.attempt <= limits.max_attempts

    play(world, run_of(program, limits), look=look)


@given(WORLDS, PROGRAMS, LIMITS)
def test_what_a_run_is_given_is_never_changed(world: World, program: Program, limits: RunLimits) -> None:
    def given_things() -> list[Any]:
        turns = [turn.message.model_dump() for turn in world.turns if isinstance(turn, ModelTurn)]
        return [PROMPT.model_dump(), turns, list(world.results), list(world.resolutions)]

    before = json.dumps(given_things(), default=repr)
    play(world, run_of(program, limits))
    assert json.dumps(given_things(), default=repr) == before


@given(WORLDS, PROGRAMS, LIMITS)
def test_next_step_is_stable_and_what_the_table_has_not_is_refused_unchanged(
    world: World, program: Program, limits: RunLimits
) -> None:
    acts: dict[str, Callable[[AgentRun], Any]] = {
        "model_response": lambda run: run.model_response("42"),
        "model_failed": lambda run: run.model_failed(OSError("gone")),
        "resolve_tool_call": lambda run: run.resolve_tool_call(Skip("no")),
        "tool_result": lambda run: run.tool_result("run/0/0", "42"),
        "cancel": lambda run: run.cancel("enough"),
    }
    allowed = {(rule.state, rule.input) for rule in RULES}

    def look(run: AgentRun, step: AgentRunStep) -> None:
        assert run.next_step() == step
        for name, act in acts.items():
            if (run.state, name) not in allowed or name == "tool_result":
                refused(run, act)
        assert run.next_step() == step

    play(world, run_of(program, limits), look=look)


@given(WORLDS, PROGRAMS, LIMITS)
def test_only_tools_that_are_there_with_good_arguments_reach_the_driver(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(_: AgentRun, step: AgentRunStep) -> None:
        if isinstance(step, CallTools):
            assert step.calls
            assert all(program.tools[one.name].check(one.arguments) is None for one in step.calls)
            assert not any(one.malformed for one in step.calls)

    play(world, run_of(program, limits), look=look)


@given(WORLDS, PROGRAMS, LIMITS, st.sets(st.integers(0, 40)))
def test_a_run_that_is_stored_and_loaded_at_any_point_goes_on_as_if_it_had_not_been(
    world: World, program: Program, limits: RunLimits, points: set[int]
) -> None:
    def reload(run: AgentRun, count: int) -> AgentRun:
        return stored_and_loaded(run, program) if count in points else run

    steps, run = play(world, run_of(program, limits))
    again, loaded = play(world, run_of(program, limits), reload)
    assert loaded.dump() == run.dump()
    assert again == steps


@given(WORLDS, PROGRAMS, LIMITS, st.permutations(range(3)), st.booleans())
def test_results_one_at_a_time_and_all_at_once_and_in_any_order_are_the_same_run(
    world: World, program: Program, limits: RunLimits, order: list[int], at_once: bool
) -> None:
    # Acts are numbered by turn here, so that the number of results does not shift what comes after them.
    def drive(order: Sequence[int], at_once: bool) -> tuple[AgentRun, Any]:
        this, run = replace(world, order=order, cancelled_after=-1), run_of(program, limits)
        resolved = 0
        while True:
            step = run.next_step()
            match step:
                case Done() | Failed():
                    return run, step
                case CallTools(calls):
                    results = [(one.key, this.result_of(one)) for one in this.ordered(calls)]
                    run.tool_results(results if at_once else results[:1])
                case ResolveToolCall():
                    this.resolve(run, this.resolutions[resolved % len(this.resolutions)])
                    resolved += 1
                case CallModel():
                    this.act(run, step, len(run.calls))

    run, end = drive([0, 1, 2], at_once=True)
    other, other_end = drive(order, at_once)
    assert other_end == end
    assert other.messages == run.messages
    assert other.dump() == run.dump()


@given(WORLDS, PROGRAMS, LIMITS)
def test_every_step_leads_where_the_table_says(world: World, program: Program, limits: RunLimits) -> None:
    leads = {(rule.state, to) for rule in RULES for to in rule.to}
    seen: list[State] = []

    def look(run: AgentRun, _: AgentRunStep) -> None:
        seen.append(run.state)

    play(world, run_of(program, limits), look=look)
    # A step shows no Ready: next_step() has left it already.
    through_ready = {(a, c) for a, b in leads if b is State.READY for d, c in leads if d is State.READY}
    assert set(pairwise(seen)) <= leads | through_ready
