"""What holds for every run, whatever its model says and its driver does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from rigging_py.message import Delta, Message, ModelTurn, TextDelta, ToolCallDelta, Usage
from rigging_py.run import (
    OUTPUT_TOOL,
    RULES,
    AgentRun,
    AgentRunStep,
    Approve,
    AwaitDecision,
    CallModel,
    CallResolved,
    CallTools,
    CancelAsked,
    Decided,
    Done,
    Expired,
    Failed,
    Forked,
    Injected,
    Input,
    LimitReached,
    LimitsRaised,
    ModelFailed,
    ModelResponded,
    PartialStreamedTurn,
    PendingToolCall,
    Program,
    Recovered,
    ResolveToolCall,
    RunLimits,
    State,
    StreamedArguments,
    StreamedInvalidToolCall,
    StreamedText,
    StreamedToolCall,
    StreamedTurn,
    StreamedTurnAssembler,
    ToolResult,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
)
from rigging_py.run.steps import InputName
from tests.run.kit import INPUTS, refused, reloaded
from tests.run.worlds import CALM_WORLDS, LIMITS, PROGRAMS, PROMPT, SYSTEM, WORLDS, World, play, run_of

Act: TypeAlias = Callable[[AgentRun], object]
TABLE = {(rule.state, rule.input): rule for rule in RULES}

# 1. Every call in the history is answered.


@given(WORLDS, PROGRAMS, LIMITS)
def test_every_call_in_the_history_is_answered_at_once_and_in_order(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        assert_calls_are_answered(run.messages)
        if isinstance(step, CallModel):
            assert_calls_are_answered(step.messages)

    _, run = play(world, run_of(program, limits), look=look)
    made = [message.uuid for message in run.messages[2:]]
    assert len(made) == len(set(made))


def assert_calls_are_answered(messages: Sequence[Message]) -> None:
    left = list(messages)
    while left:
        asked = left.pop(0)
        assert asked.role != "tool"
        ids = [one.id for one in asked.tool_calls or ()]
        assert "" not in ids
        assert len(ids) == len(set(ids))
        assert [(one.role, one.tool_call_id) for one in left[: len(ids)]] == [("tool", id_) for id_ in ids]
        del left[: len(ids)]


# 2. No limit is passed, and nothing spent is forgotten.


@given(WORLDS, PROGRAMS, LIMITS)
def test_no_limit_is_passed_and_usage_is_the_sum_over_the_calls(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        now, head = run.limits, run.dump()["head"]
        completed = [one for one in run.calls if not one.failure]
        assert len(completed) <= run.turn
        assert run.turns <= now.max_turns
        assert run.tool_turns <= now.max_tool_turns
        assert head["output_retries"] <= now.max_output_retries
        assert head["call_retries"] <= now.max_call_retries
        assert now.max_tool_calls is None or head["tool_calls"] <= now.max_tool_calls
        assert run.usage == spent(run)
        if isinstance(step, CallModel):
            assert step.attempt <= now.max_attempts
        if isinstance(step, CallModel) and step.attempt == 1:
            assert now.max_total_tokens is None or run.usage.total_tokens < now.max_total_tokens
            assert now.max_cost is None or (run.usage.cost is not None and run.usage.cost < now.max_cost)

    play(world, run_of(program, limits), look=look)


def spent(run: AgentRun) -> Usage:
    """The sum over the calls; a turn that says nothing of what it used has cost nobody knows what."""
    total = Usage(cost=0.0)
    for one in run.calls:
        total += one.usage or (None if one.failure else Usage())
    return total


# 3. What a run is given is never changed.


@given(WORLDS, PROGRAMS, LIMITS)
def test_what_a_run_is_given_is_never_changed(world: World, program: Program, limits: RunLimits) -> None:
    def given_things() -> str:
        turns = [turn.message.model_dump() for turn in world.turns if isinstance(turn, ModelTurn)]
        said = [PROMPT.model_dump(), SYSTEM.model_dump(), turns]
        return json.dumps([said, list(world.results), list(world.resolutions), list(world.decisions)], default=repr)

    before = given_things()
    play(world, run_of(program, limits))
    assert given_things() == before


# 4. What is refused changes nothing; what is over stays as it is.


@given(WORLDS, PROGRAMS, LIMITS)
def test_next_step_is_stable_and_what_the_table_has_not_is_refused_unchanged(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        before = run.dump()
        for name, act in INPUTS.items():
            if (run.state, name) not in TABLE:
                error = refused(run, act)
                assert (error.method, error.state) == (name, run.state)
        for act in wrong_acts(run.state):
            refused(run, act)
        assert run.next_step() == step
        assert run.dump() == before

    play(world, run_of(program, limits), look=look)


def wrong_acts(state: State) -> list[Act]:
    """Inputs that the state takes, with arguments that no run does."""
    nothing_to_say: list[Act] = [lambda run: run.inject([])]
    return [*WRONG.get(state, []), *(nothing_to_say if state is not State.FAILED else [])]


WRONG: Mapping[State, list[Act]] = {
    State.AWAITING_MODEL: [lambda run: run.model_response(ModelTurn(Message("user", "42")))],
    State.AWAITING_DECISION: [lambda run: run.decide("run/0/0", Approve())],
    State.EXECUTING_TOOLS: [
        lambda run: run.tool_results([]),
        lambda run: run.tool_result("run/0/0", "42"),
        lambda run: run.tool_started("run/0/0"),
    ],
    State.FAILED: [lambda run: run.raise_limit(max_turns=-1), lambda run: run.raise_limit()],
}


# 5. Only what may be executed reaches the driver.


@given(WORLDS, PROGRAMS, LIMITS)
def test_only_tools_that_may_be_called_with_good_arguments_reach_the_driver(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(_: AgentRun, step: AgentRunStep) -> None:
        if isinstance(step, CallTools):
            assert step.calls
            assert all(program.allows(one.name) and one.name != OUTPUT_TOOL for one in step.calls)
            assert all(program.tools[one.name].check(one.arguments) is None for one in step.calls)
            assert not any(one.malformed for one in step.calls)

    play(world, run_of(program, limits), look=look)


@given(WORLDS, PROGRAMS, LIMITS)
def test_a_call_that_needs_approval_is_executed_only_when_it_was_decided(
    world: World, program: Program, limits: RunLimits
) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        decided = {tail(entry.input.key) for entry in run.journal if isinstance(entry.input, Decided)}
        for one in step.calls if isinstance(step, CallTools) else ():
            assert not program.tools[one.name].needs_approval(one.arguments) or tail(one.key) in decided

    play(world, run_of(program, limits), look=look)


def tail(key: str) -> str:
    """A key without the id of the run, which may change."""
    return "/".join(key.split("/")[-2:])


# 6. A run that is stored goes on as if it had not been.


@given(WORLDS, PROGRAMS, LIMITS, st.just(None) | st.sets(st.integers(0, 60)))
def test_a_run_that_is_stored_and_loaded_at_any_point_goes_on_as_if_it_had_not_been(
    world: World, program: Program, limits: RunLimits, points: set[int] | None
) -> None:
    count = iter(range(10_000))

    def reload(run: AgentRun) -> AgentRun:
        again = reloaded(run, program)
        assert again.dump() == run.dump()
        return again if points is None or next(count) in points else run

    steps, run = play(world, run_of(program, limits))
    again, loaded = play(world, run_of(program, limits), reload)
    assert again == steps
    assert loaded.dump() == run.dump()


# 7. Blocking, streaming and one at a time are the same.


@given(CALM_WORLDS, PROGRAMS, LIMITS, st.permutations(range(3)), st.data())
def test_streamed_and_whole_turns_and_results_in_any_order_are_the_same_run(
    world: World, program: Program, limits: RunLimits, order: list[int], data: st.DataObject
) -> None:
    def streamed(turn: ModelTurn) -> ModelTurn:
        return assembled(turn, program, data.draw(deltas_of(turn)))

    class AtOnce(World):
        def act(self, run: AgentRun, step: AgentRunStep) -> bool:
            if isinstance(step, CallTools):
                run.tool_results([(one.key, self.result_of(one)) for one in step.calls])
                return True
            return super().act(run, step)

    class Streamed(World):
        def said(self, run: AgentRun) -> Any:
            turn = super().said(run)
            return streamed(turn) if isinstance(turn, ModelTurn) else turn

    whole = end_of(AtOnce.like(world), run_of(program, limits))
    assert end_of(world, run_of(program, limits)) == whole
    assert end_of(Streamed.like(world, order=order, begins=True), run_of(program, limits)) == whole


def end_of(world: World, run: AgentRun) -> list[object]:
    steps, run = play(world, run)
    return told(steps[-1], run)


def told(step: AgentRunStep, run: AgentRun) -> list[object]:
    """How a run ended, and what it went through; not in how many inputs."""
    return [step, run.messages, run.usage, run.calls, run.turn, run.tool_turns]


@st.composite
def deltas_of(draw: st.DrawFn, turn: ModelTurn) -> list[Delta]:
    """A turn cut into deltas at random: its text and each of its calls in order, in any mixture."""
    text: list[Delta] = [TextDelta(piece) for piece in draw(pieces_of(turn.message.content))]
    calls: list[list[Delta]] = []
    for index, one in enumerate(turn.message.tool_calls or ()):
        rest = [ToolCallDelta(index, arguments=piece) for piece in draw(pieces_of(one.arguments))]
        calls.append([ToolCallDelta(index, one.id, one.name), *rest])
    lanes = [lane for lane in (text, *calls) if lane]
    mixed: list[Delta] = []
    while lanes:
        lane = lanes[draw(st.integers(0, len(lanes) - 1))]
        mixed.append(lane.pop(0))
        lanes = [one for one in lanes if one]
    return [*mixed, turn]


@st.composite
def pieces_of(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def assembled(turn: ModelTurn, program: Program, deltas: Sequence[Delta]) -> ModelTurn:
    """The turn as a stream gives it. What its reader was told is the turn, but for calls that are held back."""
    assembler = StreamedTurnAssembler(program)
    cut = assembler.finish()
    assert isinstance(cut, PartialStreamedTurn)
    events = [event for delta in deltas for event in assembler.feed(delta)]
    assert "".join(event.text for event in events if isinstance(event, StreamedText)) == turn.message.content
    held = {event.index for event in events if isinstance(event, StreamedInvalidToolCall)}
    told = {event.index for event in events if isinstance(event, StreamedToolCall)}
    asked = turn.message.tool_calls or []
    assert held.isdisjoint(told)
    # A call without a name never begins.
    assert held | told == {index for index, one in enumerate(asked) if one.name}
    for index in told:
        assert program.allows(asked[index].name)
        arguments = [event.text for event in events if isinstance(event, StreamedArguments) and event.index == index]
        assert "".join(arguments) == asked[index].arguments
    finished = assembler.finish()
    assert isinstance(finished, StreamedTurn)
    return finished.turn


# 8. A driver that is killed loses nothing, and no call whose result is stored runs twice.


@dataclass(frozen=True)
class Killed(World):
    """A world whose driver is killed after the acts numbered `at`, before what the last one came to is stored."""

    at: frozenset[int] = frozenset()
    stored: set[str] = field(default_factory=set[str])
    """The calls whose results are."""

    def result_of(self, one: PendingToolCall) -> ToolResult:
        assert one.key not in self.stored
        return super().result_of(one)

    def end_of(self, run: AgentRun, program: Program) -> list[object]:
        """How a run ends that is stored after every act, and loaded where its driver is killed."""
        stored, acts = run.dump(), 0
        while True:
            is_over = not self.act(run, run.next_step())
            if is_over:
                return told(run.next_step(), run)
            if acts in self.at:
                run = AgentRun.load(json.loads(json.dumps(stored)), program)
                if isinstance(step := run.next_step(), CallTools) and step.started:
                    run.recover()
            acts += 1
            stored = run.dump()
            self.stored.update(key for entry in run.journal for key in results_in(entry.input))


def results_in(accepted: Input) -> list[str]:
    return [one.key for one in accepted.results] if isinstance(accepted, ToolsReturned) else []


@given(CALM_WORLDS, PROGRAMS, LIMITS, st.data())
def test_a_driver_that_is_killed_anywhere_leaves_a_run_that_ends_as_if_it_had_not_been(
    world: World, program: Program, limits: RunLimits, data: st.DataObject
) -> None:
    world = replace(world, begins=True)
    steps, run = play(world, run_of(program, limits))
    places = range(len(steps))
    for at in (frozenset(data.draw(st.sets(st.sampled_from(places), max_size=3))), frozenset(places)):
        assert Killed.like(world, at=at).end_of(run_of(program, limits), program) == told(steps[-1], run)
    for place in places:
        killed = Killed.like(world, at=frozenset([place]))
        assert killed.end_of(run_of(program, limits), program) == told(steps[-1], run)


# And everything is in the table.

NAMES: Mapping[type, InputName] = {
    TurnBegan: "next_step",
    LimitReached: "next_step",
    ModelResponded: "model_response",
    ModelFailed: "model_failed",
    CallResolved: "resolve_tool_call",
    Decided: "decide",
    ToolStarted: "tool_started",
    ToolsReturned: "tool_result",
    Recovered: "recover",
    Injected: "inject",
    Expired: "expire",
    CancelAsked: "cancel",
    LimitsRaised: "raise_limit",
    Forked: "rename",
}


STATES: Mapping[type, State] = {
    CallModel: State.AWAITING_MODEL,
    ResolveToolCall: State.RESOLVING,
    AwaitDecision: State.AWAITING_DECISION,
    CallTools: State.EXECUTING_TOOLS,
    Done: State.DONE,
    Failed: State.FAILED,
}


def path_of(run: AgentRun) -> Iterator[tuple[State, Input, State]]:
    """Every input that a run took, with the states before and after it."""
    before = State.READY
    for entry in run.journal:
        yield before, entry.input, entry.state
        before = entry.state


@given(WORLDS, PROGRAMS, LIMITS)
def test_every_input_leads_where_the_table_says_and_the_journal_ends_where_the_run_is(
    world: World, program: Program, limits: RunLimits
) -> None:
    _, run = play(world, run_of(program, limits))
    for before, accepted, after in path_of(run):
        assert after in TABLE[before, NAMES[type(accepted)]].to
    assert not run.journal or run.journal[-1].state is run.state


@given(WORLDS, PROGRAMS, LIMITS)
def test_the_steps_of_a_run_are_those_of_its_state(world: World, program: Program, limits: RunLimits) -> None:
    def look(run: AgentRun, step: AgentRunStep) -> None:
        assert run.state is STATES[type(step)]

    play(world, run_of(program, limits), look=look)
