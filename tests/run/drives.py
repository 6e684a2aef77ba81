"""Random drives of a run: numbers say what happens next, so hypothesis can make and shrink them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

from hypothesis import strategies as st

from rigging_py.error import ProtocolError, RateLimitedError
from rigging_py.message import ContentImageUrl, Message, ModelTurn, Usage
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Continue,
    Decision,
    Deny,
    Done,
    Edit,
    Fail,
    Failed,
    FailureRecord,
    MoreTokens,
    OutputSpec,
    PartialStreamedTurn,
    Program,
    Repair,
    Resolution,
    ResolveToolCall,
    Retry,
    RunLimits,
    Skip,
    Stop,
    ToolResult,
)
from tests.run.kit import ADD, DEADLINE, SECRET, TOOLS, asking, call, tokens, whole_number

IMAGE = ContentImageUrl.from_url("data:image/png;base64,AA==")
TURNS: Sequence[ModelTurn] = (
    ModelTurn.from_text("42"),
    ModelTurn.from_text("forty-two", usage=tokens(3, 2)),
    ModelTurn.from_text("4", "length"),
    ModelTurn.from_text("cut of", "length", tokens(1, 1)),
    ModelTurn.from_text("", "length"),
    ModelTurn.from_text("", "content_filter"),
    ModelTurn.from_text("\ud83d 𝟜𝟚 ü"),
    replace(ModelTurn.from_text("42"), attempts=(tokens(1, 0),), extra={"reasoning_content": "4 or 2"}),
    asking(call("add", ADD)),
    asking(call("add", ADD, id="c1"), call("look", id="c1"), call("add", SECRET), text="One moment,\n  please."),
    asking(call("look", '{"at": "secret"}')),
    asking(call("nope", "oops"), call("look"), call("add", '{"a": 1}')),
    asking(call("final_result", "42")),
    asking(call("final_result", "much"), call("look")),
)
RESOLUTIONS: Sequence[Resolution] = (
    Answer("There is none."),
    Answer("Never mind.", error=False),
    Retry("Again."),
    Repair("look", {}),
    Repair(arguments={"a": 40, "b": [2.5]}),
    Skip("Not now."),
    Fail(),
    Stop("Enough."),
)
DECISIONS: Sequence[Decision] = (Approve(), Deny("No."), Edit({"a": 1, "b": 2}), Edit({"at": "home"}))
RESULTS: Sequence[ToolResult | str] = (
    "42",
    "",
    ToolResult("gone", error=True, metadata={"error": "mine", "took": 1.5}),
    ToolResult((IMAGE,), metadata={"parts": [1, {"x": None}]}),
    ToolResult("enough", stop=True),
)
FAILURES: Sequence[BaseException | FailureRecord] = (
    RateLimitedError("Slow down.", provider="openai", status=429, retry_after=3.0),
    FailureRecord("Interrupted", "gone", partial=PartialStreamedTurn("so f", "hm", (("add", '{"a'),))),
)
SPECS = st.none() | st.builds(
    OutputSpec,
    st.just((whole_number,)),
    on_invalid=st.sampled_from(["feedback", "regenerate"]),
    strict=st.booleans(),
    keep_dialog=st.booleans(),
    mode=st.sampled_from(["xml", "tool"]),
    on_truncated=st.sampled_from(["fail", "keep_items", MoreTokens(99), Continue(2)]),
    salvage=st.sampled_from([None, whole_number]),
)
PROGRAMS = st.builds(Program, st.just(TOOLS), SPECS, st.none() | st.just(frozenset({"add"})))
LIMITS = st.builds(
    RunLimits,
    max_turns=st.sampled_from([20, 20, 3, 0]),
    max_tool_turns=st.sampled_from([20, 20, 2, 0]),
    max_output_retries=st.integers(0, 3),
    max_call_retries=st.integers(0, 2),
    max_attempts=st.integers(1, 3),
    max_total_tokens=st.sampled_from([None, None, 9]),
    max_tool_calls=st.sampled_from([None, None, 3]),
    deadline=st.just(DEADLINE),
)
CHOICES = st.integers(0, 25).flatmap(lambda size: st.lists(st.integers(0, 999), min_size=size, max_size=size))
Act = Callable[[AgentRun], object]


def run_of(program: Program, limits: RunLimits) -> AgentRun:
    history = [Message("system", "Count.", uuid=UUID(int=1)), Message("user", ["How many?", IMAGE], uuid=UUID(int=2))]
    return AgentRun(history=history, limits=limits, program=program)


def drive(run: AgentRun, choices: Sequence[int]) -> Iterator[AgentRun]:
    """Drives a run one act for each number, and shows it before the first and after every one."""
    yield run
    for count, number in enumerate(choices):
        if number % 4 == 1:
            run.stamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=count))
        acts = [*_acts(run), *(_ENDS if number >= 950 else ())]
        # What a run refuses, it refuses unchanged.
        with suppress(ProtocolError):
            acts[number % len(acts)](run)
        yield run


def driven(run: AgentRun, choices: Sequence[int]) -> AgentRun:
    for _ in drive(run, choices):
        pass
    return run


def _acts(run: AgentRun) -> list[Act]:
    step = run.next_step()
    match step:
        case CallModel():
            return [
                *(_with(AgentRun.model_response, turn) for turn in TURNS),
                lambda run: run.model_response(TURNS[9], feedback="Say it otherwise."),
                *(_with(AgentRun.model_failed, one, retryable=True, usage=Usage(cost=0.5)) for one in FAILURES),
                *_ANYWHERE,
            ]
        case ResolveToolCall():
            return [*(_with(AgentRun.resolve_tool_call, one) for one in RESOLUTIONS), *_ANYWHERE]
        case AwaitDecision(requests):
            keys = [request.call.key for request in requests]
            return [*(_with(AgentRun.decide, key, one) for key in keys for one in DECISIONS), *_ANYWHERE]
        case CallTools(calls, started):
            keys = [one.key for one in calls]
            return [
                *(_with(AgentRun.tool_started, key) for key in keys),
                _with(AgentRun.tool_started, keys[0], {"a": 7, "b": 7}),
                *(_with(AgentRun.tool_result, key, one) for key in keys for one in RESULTS),
                _with(AgentRun.tool_results, [(key, "all") for key in reversed(keys)]),
                *([AgentRun.recover] if started else []),
                *_ANYWHERE,
            ]
        case Done():
            return _ANYWHERE
        case Failed():
            return [*_HIGHER, *_ANYWHERE]
        case _:
            assert_never(step)


def _with(method: Callable[..., Any], *given: object, **named: object) -> Act:
    return lambda run: method(run, *given, **named)


_ANYWHERE: list[Act] = [
    lambda run: run.inject(["And then?", Message("user", ["Look.", IMAGE], uuid=UUID(int=3))]),
    lambda run: run.rename(f"{run.run_id}+"),
]
_ENDS: list[Act] = [
    lambda run: run.expire(DEADLINE),
    lambda run: run.cancel("enough", by="the driver"),
]
_HIGHER: list[Act] = [
    lambda run: run.raise_limit(max_turns=99),
    lambda run: run.raise_limit(max_tool_turns=99),
    lambda run: run.raise_limit(max_call_retries=99),
    lambda run: run.raise_limit(max_total_tokens=None, max_tool_calls=99),
    lambda run: run.raise_limit(max_total_tokens=9999),
    lambda run: run.raise_limit(max_tool_calls=99),
    lambda run: run.raise_limit(max_attempts=99),
    lambda run: run.raise_limit(deadline=DEADLINE + timedelta(days=99)),
]
