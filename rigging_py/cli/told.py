"""What can be told of a stored run without its program: where it is, what it waits for, and what its journal says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, assert_never

from rigging_py.cli.plain import excerpt
from rigging_py.message import Message
from rigging_py.run import (
    AgentRun,
    CallResolved,
    CancelAsked,
    Cause,
    Decided,
    Decision,
    Entry,
    Expired,
    Failed,
    Forked,
    Injected,
    Journal,
    LimitReached,
    LimitsRaised,
    Migrated,
    ModelFailed,
    ModelResponded,
    PendingToolCall,
    ProgramChanged,
    ProviderFailure,
    Recovered,
    Resolution,
    RunLimits,
    State,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
)
from rigging_py.run.calls import read_calls
from rigging_py.store import RunSummary

STEPS: Mapping[State, str] = {
    State.READY: "CallModel",
    State.AWAITING_MODEL: "CallModel",
    State.RESOLVING: "ResolveToolCall",
    State.AWAITING_DECISION: "AwaitDecision",
    State.EXECUTING_TOOLS: "CallTools",
    State.DONE: "Done",
    State.FAILED: "Failed",
}
"""The step that a run in each state has for its driver."""


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call without a result. `why` is given where somebody must decide about it."""

    call: PendingToolCall
    is_started: bool
    why: str | None

    @property
    def status(self) -> str:
        return f"needs a decision ({self.why})" if self.why else "started, no result" if self.is_started else "to do"

    def to_json(self) -> dict[str, Any]:
        """The call as JSON-safe data."""
        call = {"key": self.call.key, "tool": self.call.name, "arguments": self.call.arguments}
        return {**call, "needs_decision": self.why, "started": self.is_started}


@dataclass(frozen=True)
class Told:
    """A stored run, and the line of its store about it."""

    run: AgentRun
    line: RunSummary
    state: Mapping[str, Any]
    """What `dump` gives."""

    @classmethod
    def of(cls, run: AgentRun, line: RunSummary) -> Told:
        return cls(run, line, run.dump())

    @property
    def cause(self) -> Cause | None:
        """Why it failed."""
        step = self.run.next_step() if self.run.state is State.FAILED else None
        return step.cause if isinstance(step, Failed) else None

    def open_calls(self) -> list[OpenCall]:
        """The calls of the pending turn that have no result."""
        pending = self.state["head"]["pending"]
        if pending is None:
            return []
        run = self.run
        body: int = pending["body"]
        calls = read_calls(run.run_id, run.turn, run.journal.bodies[body].tool_calls or ())
        answered = {one["key"] for one in pending["results"]}
        return [
            OpenCall(call, call.key in pending["started"], pending["undecided"].get(call.key))
            for call in calls
            if call.key not in answered
        ]

    def waits_for(self) -> str:
        """What would bring it on, in words."""
        calls, run = self.open_calls(), self.run
        match run.state:
            case State.READY:
                return f"turn {run.turn + 1} of the model"
            case State.AWAITING_MODEL:
                return f"the model's answer in turn {run.turn}, attempt {run.attempt}"
            case State.RESOLVING:
                problem = self.state["head"]["pending"]["problem"]
                return f"a way on from a call that cannot be executed: {problem['text']}"
            case State.AWAITING_DECISION:
                return f"decisions on {', '.join(one.call.key for one in calls if one.why)}"
            case State.EXECUTING_TOOLS:
                return f"results of {', '.join(one.call.key for one in calls if not one.why)}"
            case State.DONE | State.FAILED:
                return "nothing"
            case _:
                assert_never(run.state)

    def to_json(self) -> dict[str, Any]:
        """Everything but journal and messages, as JSON-safe data."""
        run, line, head = self.run, self.line, self.state["head"]
        return {
            "run_id": run.run_id,
            "state": str(run.state),
            "waits_for": STEPS[run.state],
            "turn": run.turn,
            "attempt": run.attempt,
            "limits": head["limits"],
            "usage": head["usage"],
            "model_calls": len(run.calls),
            "cause": head["cause"],
            "open_calls": [one.to_json() for one in self.open_calls()],
            "entries": len(run.journal),
            "messages": len(run.messages),
            "program": sorted(self.state["fingerprint"]),
            **line_as_json(line),
        }


def line_as_json(line: RunSummary) -> dict[str, Any]:
    """A line of `list` as JSON-safe data."""
    times = {"created": line.created.isoformat(), "updated": line.updated.isoformat()}
    return {"run_id": line.run_id, "status": line.status, "version": line.version, "owner": line.owner, **times}


def tell_cause(cause: Cause) -> str:
    """Why a run failed, in a line."""
    if isinstance(cause, ProviderFailure):
        error = cause.error
        return f"ProviderFailure: {error.kind} of type {error.type or 'unknown'}: {error.message}"
    facts = {name: value for name, value in asdict(cause).items() if name != "type"}
    return f"{cause.type}: {', '.join(f'{name}={value!r}' for name, value in facts.items())}"


def tell_entry(entry: Entry, journal: Journal, before: RunLimits) -> str:
    """What an entry of a journal says, in a line; `before` are the limits until then."""
    match entry.input:
        case TurnBegan(turn):
            return f"turn {turn}"
        case LimitReached():
            return "no turn is begun, because a limit is spent"
        case ModelResponded(stop_reason=reason, feedback=feedback) as said:
            refused = f", refused: {feedback}" if feedback is not None else ""
            return f"{reason}{refused}: {_tell_message(journal.bodies[said.body])}"
        case ModelFailed(failure=failure, retryable=retryable):
            return f"{failure.kind}{', to be tried again' if retryable else ''}: {excerpt(failure.message)}"
        case CallResolved(resolution):
            return _tell_choice(resolution)
        case Decided(key, decision, by):
            return f"{key}{f', by {by}' if by else ''}: {_tell_choice(decision)}"
        case ToolStarted(key, arguments):
            return key if arguments is None else f"{key}, with {excerpt(str(arguments))}"
        case ToolsReturned(results):
            return "; ".join(_tell_result(one.key, one.error, journal.bodies[one.body]) for one in results)
        case Recovered():
            return "calls that were started and have no result"
        case Injected(bodies):
            return "; ".join(_tell_message(journal.bodies[body]) for body in bodies)
        case Expired(now):
            return f"the deadline had passed at {now.isoformat()}"
        case CancelAsked(reason, by):
            return f"{f'by {by}: ' if by else ''}{reason}"
        case LimitsRaised(limits):
            return ", ".join(_tell_raised(before, limits))
        case Forked(run_id):
            return f"goes on as {run_id}"
        case ProgramChanged(changes):
            return f"another program: {'; '.join(changes)}"
        case Migrated(format=found):
            return f"stored in format {found} until here"
        case _:
            assert_never(entry.input)


def _tell_message(message: Message) -> str:
    calls = [f"{call.name}({call.arguments})" for call in message.tool_calls or ()]
    said = [repr(excerpt(message.content))] if message.content or not calls else []
    return excerpt(", ".join([*said, *calls]), 300)


def _tell_result(key: str, is_error: bool, message: Message) -> str:
    return f"{key}{' (error)' if is_error else ''}: {excerpt(message.content)!r}"


def _tell_choice(choice: Resolution | Decision) -> str:
    facts = [str(getattr(choice, one.name)) for one in fields(choice) if one.name not in ("type", "error")]
    return ": ".join([choice.type, *([excerpt(", ".join(facts))] if facts else [])])


def _tell_raised(before: RunLimits, after: RunLimits) -> Iterator[str]:
    for one in fields(after):
        old, new = getattr(before, one.name), getattr(after, one.name)
        if old != new:
            yield f"{one.name}: {old} → {new}"
