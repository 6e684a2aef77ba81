"""Random models and random drivers: each of their acts is settled by the run's own data, so that a run which was stored
meets the same world again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Literal, Self, TypeVar
from uuid import UUID

from hypothesis import strategies as st

from rigging_py.error import ProtocolError
from rigging_py.message import Message, ModelTurn, StopReason, ToolCall, Usage
from rigging_py.run import (
    OUTPUT_TOOL,
    AgentRun,
    AgentRunStep,
    Answer,
    Approve,
    AwaitDecision,
    BudgetExceeded,
    CallModel,
    CallResolved,
    CallTools,
    Continue,
    Decision,
    Deny,
    Done,
    Edit,
    Fail,
    Failed,
    FailureRecord,
    Feedback,
    LimitsRaised,
    MaxTurns,
    MoreTokens,
    OutputSpec,
    PartialStreamedTurn,
    PendingToolCall,
    Program,
    ProviderFailure,
    Repair,
    Resolution,
    ResolveToolCall,
    Retry,
    RunLimits,
    Skip,
    Stop,
    ToolResult,
)
from tests.run.kit import ADD, DEADLINE, SECRET, TOOLS, call, whole_number

T = TypeVar("T")
Aside = Literal["steer", "cancel", "expire", "refuse", "begin", "rewrite", "recover", "rename", "last"]
"""What a driver does beside what it is asked for."""

PROMPT = Message("user", "How many?", uuid=UUID(int=1))
SYSTEM = Message("system", "Count.", uuid=UUID(int=1))
TEXTS = ["42", "", " ", "plenty", "4", "two\n  lines"]

# What a random model says.

USAGES = st.builds(
    Usage, input_tokens=st.integers(0, 9), total_tokens=st.integers(0, 9), cost=st.sampled_from([0.0, 0.25, 0.25, None])
)
ARGUMENTS = ["{}", "", ADD, SECRET, "42", '{"a": 1}', "[1]", "oops", '{"a": 1e999, "b": 1}', '{"a": "\\ud83d\\ude00"}']
IDS = st.sampled_from(["", "c1", "c2", "call_1_1", "call_2_0"])
ANY_CALLS = st.builds(call, st.sampled_from(["add", "look", "nope", "", OUTPUT_TOOL]), st.sampled_from(ARGUMENTS), IDS)
GOOD_CALLS = st.builds(call, st.sampled_from(["add", "look"]), st.sampled_from([ADD, SECRET]), IDS)


def turn_of(
    text: str, calls: list[ToolCall], reason: StopReason, usage: Usage | None, attempts: list[Usage]
) -> ModelTurn:
    return replace(ModelTurn.of(text, calls, stop_reason=reason, usage=usage), attempts=tuple(attempts))


TURNS = st.builds(
    turn_of,
    st.sampled_from(TEXTS),
    st.lists(GOOD_CALLS, max_size=3) | st.lists(GOOD_CALLS | ANY_CALLS, max_size=3),
    st.sampled_from(["stop", "stop", "length", "length", "content_filter", "tool_calls", "unknown"]),
    st.none() | USAGES,
    st.lists(USAGES, max_size=2),
)
FAILURES = st.builds(
    FailureRecord,
    st.sampled_from(["RateLimited", "TimedOut", "Interrupted"]),
    st.just("gone"),
    partial=st.none() | st.just(PartialStreamedTurn("for", calls=(("add", '{"a"'),))),
)

# What a random driver does.

RESOLUTIONS: st.SearchStrategy[Resolution] = st.sampled_from(
    [
        Answer("There is none."),
        Answer("Never mind.", error=False),
        Retry("Try again."),
        Repair(name="look", arguments={}),
        Repair(name="add", arguments={"a": 1, "b": 2}),
        Repair(name=OUTPUT_TOOL, arguments={"n": 42}),
        Repair(arguments={"a": "secret", "b": (2.5, None)}),
        Skip("Not now."),
        Fail(),
        Stop("That will do."),
    ]
)
DECISIONS: st.SearchStrategy[Decision] = st.sampled_from(
    [Approve(), Approve(), Deny("No."), Edit({"a": 1, "b": 2}), Edit({"a": "secret", "b": 2}), Edit({})]
)
RESULTS = st.builds(
    ToolResult,
    st.sampled_from(["42", "", "seen\ud800"]),
    st.booleans(),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([{}, {"took": 1.5}, {"parts": [1, {"x": None}]}, {"error": "mine"}]),
)
# Most runs go far; a limit that is met at once hides what comes after it.
LIMITS = st.builds(
    RunLimits,
    max_turns=st.sampled_from([8, 5, 3, 1, 0]),
    max_tool_turns=st.sampled_from([4, 3, 1, 0]),
    max_output_retries=st.sampled_from([3, 2, 0]),
    max_call_retries=st.sampled_from([2, 1, 0]),
    max_attempts=st.sampled_from([3, 2, 1]),
    max_total_tokens=st.sampled_from([None, None, None, None, 40, 0]),
    max_cost=st.sampled_from([None, None, None, None, None, 2.0, 0]),
    max_tool_calls=st.sampled_from([None, None, 8, 2, 0]),
    deadline=st.just(DEADLINE),
)
OFTEN: list[Aside | None] = [None, None, None, "begin", "recover", "steer"]
SELDOM: list[Aside | None] = ["last", "rewrite", "refuse", "rename", "cancel", "expire"]
ASIDES: st.SearchStrategy[Aside | None] = st.sampled_from([*OFTEN, *OFTEN, *SELDOM])


def salvaged(text: str) -> object:
    return 4 if "4" in text else Feedback("nothing is complete", "missing")


SPECS = st.builds(
    OutputSpec,
    st.just((whole_number,)),
    on_invalid=st.sampled_from(["feedback", "regenerate"]),
    strict=st.booleans(),
    keep_dialog=st.booleans(),
    mode=st.sampled_from(["xml", "tool"]),
    on_truncated=st.sampled_from([MoreTokens(99), Continue(), Continue(2), "keep_items", "fail"]),
    salvage=st.none() | st.just(salvaged),
)
PROGRAMS = st.builds(
    Program,
    st.just(TOOLS),
    SPECS | st.none(),
    st.sampled_from([None, None, None, None, frozenset({"look"}), frozenset[str]()]),
)


@dataclass(frozen=True)
class World:
    """A model, its tools and a driver.

    `asides` are by the number of inputs that the run has taken; `at_turns` by the turn, as it begins. The driver says
    `follow_ups` more things to a run that is done, and raises what is spent `raises` times. One that `begins` says so
    before it executes a call.
    """

    turns: Sequence[ModelTurn | FailureRecord]
    resolutions: Sequence[Resolution]
    decisions: Sequence[Decision]
    results: Sequence[ToolResult]
    order: Sequence[int]
    asides: Sequence[Aside | None] = ()
    at_turns: Mapping[int, Aside] = field(default_factory=dict[int, Aside])
    follow_ups: int = 0
    raises: int = 0
    begins: bool = False

    @classmethod
    def like(cls, world: World, **changes: Any) -> Self:
        """A world of this kind with the acts of another, but for `changes`."""
        kept: dict[str, Any] = {one.name: getattr(world, one.name) for one in fields(world)}
        return cls(**{**kept, **changes})

    def act(self, run: AgentRun, step: AgentRunStep) -> bool:
        """One act, or False when the run is over."""
        aside = self.asides[run.position] if run.position < len(self.asides) else None
        if aside is not None and not isinstance(step, Done | Failed) and self.aside(run, step, aside):
            return True
        match step:
            case CallModel():
                self.answer(run, step)
            case ResolveToolCall():
                self.resolve(run)
            case AwaitDecision(requests):
                one = self.ordered([request.call for request in requests])[0]
                why = {request.call.key: request.why for request in requests}[one.key]
                decide(run, one, Approve() if why == "unfinished" else at(self.decisions, number(one.key)))
            case CallTools(calls, started):
                one = self.ordered(calls)[0]
                if self.begins and one.key not in started:
                    run.tool_started(one.key)
                else:
                    run.tool_result(one.key, self.result_of(one))
            case Done():
                return self.says_more(run)
            case Failed():
                return self.raises_limit(run, step)
        return True

    def answer(self, run: AgentRun, step: CallModel) -> None:
        aside = self.at_turns.get(run.turn) if step.attempt == 1 else None
        if aside is not None and aside != "refuse" and self.aside(run, step, aside):
            return
        said = self.said(run)
        if isinstance(said, FailureRecord):
            run.model_failed(said, retryable=run.turn % 3 > 0, usage=Usage(total_tokens=1, cost=0.0))
        else:
            run.model_response(said, feedback="Be polite." if aside == "refuse" else None)

    def said(self, run: AgentRun) -> ModelTurn | FailureRecord:
        return at(self.turns, run.turn + run.attempt)

    def resolve(self, run: AgentRun) -> None:
        resolved = sum(isinstance(entry.input, CallResolved) for entry in run.journal)
        answer = Answer("There is none.")
        try:
            run.resolve_tool_call(at(self.resolutions, resolved) if resolved < 30 else answer)
        except ProtocolError:
            run.resolve_tool_call(answer)

    def aside(self, run: AgentRun, step: AgentRunStep, aside: Aside) -> bool:
        """Does something beside, when it can be done here."""
        match aside:
            case "steer":
                return self.tell(run, UUID(int=1000 + run.turn))
            case "cancel":
                run.cancel("enough", by="the driver")
            case "expire" if run.limits.deadline is not None:
                run.expire(run.limits.deadline)
            case "rename":
                run.rename(f"{run.run_id}+")
            case "refuse" if isinstance(step, CallModel):
                run.model_response("42", feedback="Be polite.")
            case "begin" | "rewrite" | "last" if isinstance(step, CallTools):
                last = step.calls[-1]
                if aside == "last" or last.key in step.started:
                    run.tool_result(last.key, self.result_of(last))
                else:
                    run.tool_started(last.key, {"a": 7, "b": 7} if aside == "rewrite" else None)
            case "recover" if isinstance(step, CallTools) and step.started:
                run.recover()
            case _:
                return False
        return True

    def tell(self, run: AgentRun, uuid: UUID) -> bool:
        """Says something once."""
        if any(body.uuid == uuid for body in run.journal.bodies):
            return False
        run.inject(Message("user", "And now?", uuid=uuid))
        return True

    def says_more(self, run: AgentRun) -> bool:
        return any(self.tell(run, UUID(int=2000 + count)) for count in range(self.follow_ups))

    def raises_limit(self, run: AgentRun, step: Failed) -> bool:
        raised = sum(isinstance(entry.input, LimitsRaised) for entry in run.journal)
        if raised >= self.raises:
            return False
        match step.cause:
            case MaxTurns(limit) | BudgetExceeded(limit):
                old: Any = getattr(run.limits, limit)
                more: Any = old + (timedelta(days=1) if limit == "deadline" else 2)
                run.raise_limit(**{limit: more})
            case ProviderFailure() if run.calls[-1].failure:
                run.raise_limit(max_attempts=max(run.limits.max_attempts, run.attempt) + 1)
            case _:
                return False
        return True

    def ordered(self, calls: Sequence[PendingToolCall]) -> list[PendingToolCall]:
        return sorted(calls, key=lambda one: self.order[number(one.key) % len(self.order)])

    def result_of(self, one: PendingToolCall) -> ToolResult:
        _, turn, index = one.key.rsplit("/", 2)
        return at(self.results, int(turn) * 3 + int(index))


def decide(run: AgentRun, one: PendingToolCall, decision: Decision) -> None:
    """Decides, or denies where an edit would not be valid."""
    try:
        run.decide(one.key, decision)
    except ProtocolError:
        run.decide(one.key, Deny("That was not valid."))


def at(things: Sequence[T], place: int) -> T:
    return things[place % len(things)]


def number(key: str) -> int:
    """The place of a call in its turn."""
    return int(key.rpartition("/")[2])


MODELS: Mapping[str, st.SearchStrategy[Any]] = {
    "turns": st.lists(TURNS, min_size=2, max_size=6) | st.lists(TURNS | FAILURES, min_size=1, max_size=6),
    "resolutions": st.lists(RESOLUTIONS, min_size=1, max_size=4),
    "decisions": st.lists(DECISIONS, min_size=1, max_size=3),
    "results": st.lists(RESULTS, min_size=1, max_size=4),
    "order": st.permutations(range(3)),
    "follow_ups": st.integers(0, 2),
    "raises": st.integers(0, 3),
    "begins": st.booleans(),
}
WORLDS = st.builds(World, **MODELS, asides=st.lists(ASIDES, min_size=12, max_size=40))
"""Worlds in which anything happens at any moment."""

QUIET: st.SearchStrategy[Aside] = st.sampled_from(["steer", "steer", "cancel", "expire", "refuse"])
CALM_WORLDS = st.builds(World, **MODELS, at_turns=st.dictionaries(st.integers(1, 8), QUIET, max_size=3))
"""Worlds in which what happens depends on the conversation, and not on how many inputs it took."""


def run_of(program: Program, limits: RunLimits) -> AgentRun:
    return AgentRun(PROMPT, history=[SYSTEM], limits=limits, program=program)


def as_it_is(run: AgentRun) -> AgentRun:
    return run


def play(
    world: World,
    run: AgentRun,
    reload: Callable[[AgentRun], AgentRun] = as_it_is,
    look: Callable[[AgentRun, AgentRunStep], None] | None = None,
) -> tuple[list[AgentRunStep], AgentRun]:
    """Drives a run to its end; gives every step and the run. `reload` has it after each act and after each step."""
    steps: list[AgentRunStep] = []
    while True:
        step = run.next_step()
        if look is not None:
            look(run, step)
        steps.append(step)
        run = reload(run)
        if not world.act(run, step):
            return steps, run
        run = reload(run)
