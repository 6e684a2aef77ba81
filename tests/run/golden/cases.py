"""The runs of the golden files: how each came to be, and to what end it goes on.

The programs here are never changed: the files hold their fingerprints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never
from uuid import UUID

from rigging_py.error import RateLimitedError
from rigging_py.message import (
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    FunctionCall,
    Message,
    MessageSlice,
    ModelTurn,
    StopReason,
    ToolCall,
    Usage,
)
from rigging_py.message.content import Audio
from rigging_py.model import Answer as AnswerModel
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Continue,
    Deny,
    Done,
    Edit,
    Fail,
    Failed,
    FailureRecord,
    Feedback,
    MoreTokens,
    OutputSpec,
    PartialStreamedTurn,
    Program,
    ProgramTool,
    Repair,
    ResolveToolCall,
    Retry,
    RunLimits,
    Skip,
    State,
    ToolResult,
)

FOLDER = Path(__file__).parent / "format_1"
ENDS = FOLDER / "ends.json"
DEADLINE = datetime(2030, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
IMAGE = ContentImageUrl.from_url("data:image/png;base64,AA==", detail="low")
AUDIO = ContentAudioInput(input_audio=Audio(data="AA==", format="wav", transcript="Ä"))


def spelled(data: object) -> str:
    """JSON as these files have it."""
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def whole_number(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return Feedback(f"{text!r} is not a whole number", "malformed")


def first_line(text: str) -> object:
    return text.splitlines()[0] if "\n" in text else Feedback("no line is complete", "missing")


def two_numbers(arguments: Mapping[str, object]) -> str | None:
    return None if set(arguments) == {"a", "b"} else "give a and b"


def is_secret(arguments: Mapping[str, object]) -> bool:
    return "secret" in arguments.values()


TOOLS: Mapping[str, ProgramTool] = {
    "add": ProgramTool({"required": ["a", "b"]}, two_numbers, effect="read", needs_approval=is_secret),
    "send": ProgramTool({}, lambda _: None, needs_approval=is_secret),
    "pay": ProgramTool({}, lambda _: None, on_unfinished="fail"),
}
NUMBER = OutputSpec((whole_number,))
PROGRAM = Program(TOOLS, NUMBER)
FREE = Program(TOOLS)
BY_TOOL = Program(TOOLS, replace(NUMBER, mode="tool"))
REGENERATING = Program(TOOLS, replace(NUMBER, on_invalid="regenerate"))
LENIENT = Program(TOOLS, replace(NUMBER, strict=False))
CONTINUING = Program(TOOLS, replace(NUMBER, on_truncated=Continue(2)))
RAISING = Program(TOOLS, replace(NUMBER, on_truncated=MoreTokens(4096)))
KEEPING = Program(TOOLS, OutputSpec((lambda _: Feedback("no list"),), on_truncated="keep_items", salvage=first_line))


@dataclass(frozen=True)
class Case:
    """A golden file and the `state` its run is in; to what end it goes on is in `ends.json`, as `ended` tells it.

    `then` is done before it is driven, where a run has to be brought to life again.
    """

    name: str
    make: Callable[[], AgentRun]
    state: State
    program: Program = PROGRAM
    then: Callable[[AgentRun], Any] | None = None

    @property
    def file(self) -> Path:
        """Where its run is stored."""
        return FOLDER / f"{self.name}.json"


def ends() -> dict[str, list[str]]:
    """How each run ends, line by line."""
    return json.loads(ENDS.read_text()) if ENDS.exists() else {}


def loaded(case: Case) -> AgentRun:
    """The stored run of a case, brought to life where it has to be."""
    run = AgentRun.load(json.loads(case.file.read_text()), case.program)
    if case.then is not None:
        case.then(run)
    return run


def go_on(run: AgentRun) -> Done | Failed:
    """Drives a run to its end: the model says 42, decisions are approvals, tools tell what they were given."""
    while True:
        step = run.next_step()
        match step:
            case CallModel():
                run.model_response(said("42", usage=Usage(input_tokens=2, output_tokens=1, total_tokens=3)))
            case ResolveToolCall():
                run.resolve_tool_call(Answer("There is none."))
            case AwaitDecision(requests):
                run.decide(requests[0].call.key, Approve())
            case CallTools(calls, started):
                if started:
                    run.recover()
                else:
                    run.tool_result(calls[0].key, f"{calls[0].name} got {json.dumps(calls[0].arguments)}")
            case Done() | Failed():
                return step
            case _:
                assert_never(step)


def ended(run: AgentRun) -> str:
    """How a run ended: its answer or its cause, what was said since it began, and what it used."""
    step = go_on(run)
    end = repr(step.response.output) if isinstance(step, Done) else step.cause.type
    how = f" ({step.response.truncation})" if isinstance(step, Done) and step.response.truncation else ""
    lines = [line for message in run.messages[run.given :] for line in _lines(message)]
    return "\n".join([f"{type(step).__name__}: {end}{how}", *lines, f"{run.usage}; {len(run.calls)} calls"])


def _lines(message: Message) -> list[str]:
    parts = [str(part) for part in message.content_parts]
    return [f"{message.role}: {' | '.join([*parts, *map(str, message.tool_calls or ())])}"]


def said(text: str, stop_reason: StopReason = "stop", usage: Usage | None = None) -> ModelTurn:
    """A turn that only says a text."""
    return ModelTurn(Message("assistant", text, uuid=UUID(int=9)), stop_reason, usage or Usage())


def asked(text: str, number: int) -> Message:
    """A message that a person injects."""
    return Message("user", text, uuid=UUID(int=number))


def asking(*calls: tuple[str, str], text: str = "", ids: Sequence[str] = ()) -> ModelTurn:
    """A turn that asks for calls."""
    asked = [
        ToolCall(id=ids[index] if ids else "", function=FunctionCall(name=name, arguments=arguments))
        for index, (name, arguments) in enumerate(calls)
    ]
    return ModelTurn(Message("assistant", text, tool_calls=asked, uuid=UUID(int=9)), "tool_calls", Usage(cost=0.25))


def begun(program: Program = PROGRAM, **limits: Any) -> AgentRun:
    """A run that waits for its first turn."""
    history = [Message("system", "Count.", uuid=UUID(int=1), metadata={"page": 3})]
    prompt = Message("user", "How many?", uuid=UUID(int=2))
    run = AgentRun(
        prompt, history=history, limits=replace(RunLimits(max_turns=9), **limits), program=program, run_id="golden"
    )
    run.stamp(NOON)
    run.next_step()
    return run


def after(*acts: Callable[[AgentRun], Any], program: Program = PROGRAM, **limits: Any) -> Callable[[], AgentRun]:
    """What makes a run that waits for its first turn, and does these acts with it."""

    def make() -> AgentRun:
        run = begun(program, **limits)
        for act in acts:
            act(run)
        return run

    return make


def gives(turn: ModelTurn | str) -> Callable[[AgentRun], Any]:
    """The model gives a turn; the run is at its next call first, where it is ready for one."""

    def act(run: AgentRun) -> None:
        run.next_step()
        run.model_response(said(turn) if isinstance(turn, str) else turn)

    return act


ADD, SECRET, PLENTY = ("add", '{"a": 40, "b": 2}'), ("send", '{"to": "secret"}'), "plenty"
TWO = asking(ADD, SECRET, ("add", '{"a": "secret", "b": 1}'), ids=["c1", "c1", ""])
PARTIAL = PartialStreamedTurn("so f", "hm…", (("add", '{"a'),))
INTERRUPTED = FailureRecord("Interrupted", "It broke off.", "StreamInterruptedError", "openai", partial=PARTIAL)
SLOW = RateLimitedError("Slow down.", provider="openai", status=429, request_id="r1", retry_after=1.5)


def started(key: str, arguments: dict[str, Any] | None = None) -> Callable[[AgentRun], Any]:
    return lambda run: run.tool_started(f"golden/1/{key}", arguments)


def result(key: str, given: ToolResult | str = "seen") -> Callable[[AgentRun], Any]:
    return lambda run: run.tool_result(f"golden/1/{key}", given)


def with_media() -> AgentRun:
    history = [
        Message("user", ["Lööök 𝟜𝟚 \u2028:", IMAGE, AUDIO], uuid=UUID(int=1), metadata={"日": [1.5, None, True]})
    ]
    run = AgentRun(history=history, limits=RunLimits(max_turns=9, deadline=DEADLINE), program=FREE, run_id="gölden")
    run.next_step()
    run.model_response(
        replace(asking(("send", '{"to": "Ünï \\ud83d\\ude00"}'), text="«𝟜𝟚»\n  "), extra={"reasoning_content": "日"})
    )
    run.tool_result("gölden/1/0", ToolResult((IMAGE, AUDIO), metadata={"took": 0.1}))
    return run


def with_slices() -> AgentRun:
    document = ContentFile.from_bytes(b"%PDF", "application/pdf", filename="ä.pdf")
    history = [
        Message("developer", "Count.", uuid=UUID(int=1)),
        Message("user", ["How many?", document, ContentFile.from_id("f1")], uuid=UUID(int=2)),
    ]
    run = AgentRun(history=history, limits=RunLimits(max_turns=9), program=FREE, run_id="golden")
    run.next_step()
    thought = ContentReasoning(
        text="Hm.", signature="s==", origin="openai!m", form="thinking_blocks.thinking", extra={"type": "thinking"}
    )
    hidden = ContentReasoning(data="AA==", origin="openai!m", form="thinking_blocks", extra={"type": "hidden"})
    turn = asking(ADD, text="<answer>«42»</answer> or 42")
    slices = [MessageSlice("model", AnswerModel(content="«42»"), 0, 21, {"model_type": "Answer"})]
    said = Message("assistant", [thought, hidden, *turn.message.content_parts], slices, turn.message.tool_calls)
    said.mark_slice("42", obj=[1, None], select="all")
    said.uuid = UUID(int=9)
    run.model_response(replace(turn, message=said))
    run.tool_result("golden/1/0", "42")
    return run


def forked() -> AgentRun:
    run = after(
        gives(asking(ADD, SECRET)), started("0"), result("0"), lambda run: run.decide("golden/1/1", Approve())
    )()
    return run.fork(3, run_id="fork")


def changed() -> AgentRun:
    return AgentRun.load(after(program=FREE)().dump(), PROGRAM, allow_changes=True)


def higher(**limits: Any) -> Callable[[AgentRun], Any]:
    return lambda run: run.raise_limit(**limits)


CASES: Sequence[Case] = (
    # Every state.
    Case("ready", lambda: AgentRun(Message("user", "How many?", uuid=UUID(int=2)), program=PROGRAM), State.READY),
    Case("awaiting_model", after(), State.AWAITING_MODEL),
    Case(
        "awaiting_model_again",
        after(
            lambda run: run.model_failed(SLOW, retryable=True, usage=Usage(input_tokens=1, cost=0.5)), max_attempts=2
        ),
        State.AWAITING_MODEL,
    ),
    Case("resolving", after(gives(asking(ADD, ("nope", "oops"), ("add", "{}")))), State.RESOLVING),
    Case(
        "resolved_and_repaired",
        after(
            gives(asking(("plus", ADD[1]), ("add", "{}"), ("nope", "{}"))),
            lambda run: run.resolve_tool_call(Repair("add")),
            lambda run: run.resolve_tool_call(Answer("Give a and b.", error=False)),
        ),
        State.RESOLVING,
    ),
    Case(
        "retried",
        after(gives(asking(("nope", "{}"))), lambda run: run.resolve_tool_call(Retry("Use add."))),
        State.READY,
    ),
    Case(
        "skipped",
        after(gives(asking(("nope", "{}"))), lambda run: run.resolve_tool_call(Skip("Not now."))),
        State.READY,
    ),
    Case("executing_tools", after(gives(TWO)), State.EXECUTING_TOOLS),
    Case("done", after(gives("42")), State.DONE),
    Case("done_with_text", after(gives("Forty-two."), program=FREE), State.DONE, FREE),
    Case("done_without_an_answer", after(gives(PLENTY), program=LENIENT, max_output_retries=0), State.DONE, LENIENT),
    Case(
        "done_by_a_tool",
        after(gives(asking(ADD)), result("0", ToolResult("42", stop=True)), program=FREE),
        State.DONE,
        FREE,
    ),
    # Approvals and the ledger.
    Case(
        "approvals_half_decided",
        after(gives(TWO), result("0"), lambda run: run.decide("golden/1/1", Deny("Not to her."))),
        State.AWAITING_DECISION,
    ),
    Case(
        "approvals_edited",
        after(gives(TWO), result("0"), lambda run: run.decide("golden/1/2", Edit({"a": 1, "b": 1}))),
        State.AWAITING_DECISION,
    ),
    Case(
        "started",
        after(gives(asking(ADD, ("send", "{}"))), started("1", {"to": "Ann"}), result("0")),
        State.EXECUTING_TOOLS,
    ),
    Case(
        "unfinished",
        after(gives(asking(ADD, ("send", "{}"))), started("0"), started("1"), AgentRun.recover),
        State.EXECUTING_TOOLS,
    ),
    # What was said meanwhile and afterwards.
    Case(
        "injected",
        after(gives(asking(ADD)), lambda run: run.inject([asked("Hurry.", 3), asked("Please.", 4)])),
        State.EXECUTING_TOOLS,
    ),
    Case("followed_up", after(gives("42"), lambda run: run.inject(asked("And twice that?", 3))), State.READY),
    # Refused answers.
    Case("asked_again", after(gives(PLENTY)), State.READY),
    Case("regenerating", after(gives(PLENTY), program=REGENERATING), State.READY, REGENERATING),
    Case(
        "refused_by_the_driver",
        after(lambda run: run.model_response(said("42"), feedback="Be polite.")),
        State.READY,
    ),
    Case(
        "by_tool_asked_again",
        after(gives(asking(("final_result", "much"))), program=BY_TOOL),
        State.READY,
        BY_TOOL,
        gives(asking(("final_result", "42"))),
    ),
    Case("by_tool_done", after(gives(asking(("final_result", "42"))), program=BY_TOOL), State.DONE, BY_TOOL),
    # Answers that the token limit cut.
    Case(
        "continuing",
        after(gives(said("-", "length")), program=CONTINUING),
        State.READY,
        CONTINUING,
    ),
    Case("raising", after(gives(said("4x", "length")), program=RAISING), State.READY, RAISING),
    Case("kept_items", after(gives(said("one\ntw", "length")), program=KEEPING), State.DONE, KEEPING),
    # Every cause of failure.
    Case(
        "max_turns",
        after(gives(asking(ADD)), result("0"), AgentRun.next_step, max_turns=1),
        State.FAILED,
        then=higher(max_turns=2),
    ),
    Case("max_tool_turns", after(gives(asking(ADD)), max_tool_turns=0), State.FAILED, then=higher(max_tool_turns=1)),
    Case(
        "max_call_retries",
        after(gives(asking(("nope", "{}"))), lambda run: run.resolve_tool_call(Retry("No.")), max_call_retries=0),
        State.FAILED,
        then=higher(max_call_retries=1),
    ),
    Case(
        "max_total_tokens",
        after(gives(said(PLENTY, usage=Usage(total_tokens=9))), AgentRun.next_step, max_total_tokens=9),
        State.FAILED,
        then=higher(max_total_tokens=10),
    ),
    Case(
        "max_cost",
        after(gives(asking(ADD)), result("0"), AgentRun.next_step, max_cost=0.25),
        State.FAILED,
        then=higher(max_cost=0.5),
    ),
    Case("max_tool_calls", after(gives(TWO), max_tool_calls=2), State.FAILED, then=higher(max_tool_calls=3)),
    Case(
        "deadline",
        after(lambda run: run.expire(DEADLINE), deadline=DEADLINE),
        State.FAILED,
        then=higher(deadline=DEADLINE.replace(year=2031)),
    ),
    Case(
        "unknown_tool_call",
        after(gives(asking(("nope", "{}"))), lambda run: run.resolve_tool_call(Fail())),
        State.FAILED,
    ),
    Case(
        "unfinished_tool_call",
        after(gives(asking(ADD, ("pay", "{}"))), started("1"), AgentRun.recover),
        State.FAILED,
    ),
    Case("output_invalid", after(gives(PLENTY), gives("many"), max_output_retries=1), State.FAILED),
    Case("truncated", after(gives(said("4x", "length"))), State.FAILED),
    Case("cancelled", after(gives(TWO), result("0"), lambda run: run.cancel("Enough.", by="Ann")), State.FAILED),
    Case(
        "provider_failure",
        after(lambda run: run.model_failed(INTERRUPTED)),
        State.FAILED,
        then=higher(max_attempts=2),
    ),
    Case("refused", after(gives(said("", "content_filter"))), State.FAILED),
    # The rest.
    Case(
        "limits_raised",
        after(gives(asking(ADD)), result("0"), AgentRun.next_step, higher(max_turns=7), max_turns=1),
        State.READY,
    ),
    Case("forked", forked, State.EXECUTING_TOOLS),
    Case("program_changed", changed, State.AWAITING_MODEL),
    Case("media", with_media, State.READY, FREE),
    Case("slices", with_slices, State.READY, FREE),
)
"""Every golden file."""
