"""`AgentRun`: the sans-IO machine that decides everything about a conversation with a model.

A driver asks `next_step()`, does what it says, and feeds the result back. Nothing here waits, looks at a clock or rolls
dice, so a run can be stored between any two steps and go on in another process.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, assert_never

from pydantic_core import from_json, to_json

from rigging_py.error import ProgramNeededError, ProtocolError
from rigging_py.message import Message, MessageDict, ModelTurn, ToolCall, Usage
from rigging_py.run.accept import Verdict, judge, says_anything
from rigging_py.run.causes import Cancelled, Cause, FailureRecord, MaxTurns, Problem, ProviderFailure, UnknownToolCall
from rigging_py.run.program import Feedback, Program
from rigging_py.run.rules import hint_for, is_allowed
from rigging_py.run.state import PendingTurn, RunLimits, RunState, State
from rigging_py.run.steps import (
    AgentRunStep,
    Answer,
    CallModel,
    CallTools,
    Done,
    Fail,
    Failed,
    InputName,
    ModelCall,
    ModelTurnOutcome,
    PendingToolCall,
    Repair,
    Resolution,
    ResolutionNeeded,
    ResolveToolCall,
    Response,
    Retry,
    Skip,
    Stop,
    ToolResult,
    ToolsRequested,
    TurnContinued,
    TurnFailed,
    TurnFinished,
    TurnRejected,
)
from rigging_py.run.stored import read_state, write_state

NOT_EXECUTED = "This call was not executed."
_NAMESPACE = uuid.UUID("6f2f9b0e-8a44-5c1f-9d2b-51c1f0a7a3de")


class AgentRun:
    """One conversation, from its first call to its last answer.

    `prompt` is a text or a message, or None when `history` says it all. `run_id` goes into every key and every uuid the
    machine makes.
    """

    def __init__(
        self,
        prompt: Message | str | None = None,
        *,
        history: Sequence[Message | MessageDict | str] = (),
        limits: RunLimits | None = None,
        program: Program | None = None,
        run_id: str = "run",
    ) -> None:
        messages = [Message.fit(message) for message in history]
        if prompt is not None:
            messages.append(Message.fit(prompt))
        if not messages:
            raise ValueError("A run needs something to answer: give it a prompt or a history.")
        self._program: Program | None = program or Program()
        self._fingerprint = self._program.fingerprint()
        self._run = RunState(run_id, limits or RunLimits(), messages, len(messages))

    # Looking at a run.

    @property
    def run_id(self) -> str:
        return self._run.run_id

    @property
    def state(self) -> State:
        return self._run.state

    @property
    def limits(self) -> RunLimits:
        return self._run.limits

    @property
    def turn(self) -> int:
        """Model turns begun."""
        return self._run.turn

    @property
    def tool_turns(self) -> int:
        """Batches of tool calls begun."""
        return self._run.tool_turns

    @property
    def messages(self) -> tuple[Message, ...]:
        """The history so far; a turn whose calls are not all answered is not in it."""
        return tuple(self._run.messages)

    @property
    def given(self) -> int:
        """How many messages the run began with."""
        return self._run.given

    @property
    def usage(self) -> Usage:
        """Tokens of every call so far, failed ones included."""
        return self._run.usage

    @property
    def calls(self) -> tuple[ModelCall, ...]:
        """Every call of the model so far."""
        return tuple(self._run.calls)

    def __repr__(self) -> str:
        return f"AgentRun({self.run_id!r}, {self.state}, turn {self.turn} of {self.limits.max_turns})"

    # Driving it.

    def next_step(self) -> AgentRunStep:
        """What the driver does next. Asking again gives the same answer."""
        run = self._run
        if run.state is State.READY:
            self._begin_turn()
        match run.state:
            case State.AWAITING_MODEL:
                return self._call_model()
            case State.RESOLVING:
                return ResolveToolCall(*self._problem_at_scan())
            case State.EXECUTING_TOOLS:
                return CallTools(self._pending.missing())
            case State.DONE:
                return Done(self._response())
            case _:
                assert run.cause is not None
                return Failed(run.cause, self._kept_messages(), run.usage)

    def model_response(self, turn: ModelTurn | str) -> ModelTurnOutcome:
        """Takes a model's turn, and says what it came to."""
        self._require("model_response")
        turn = ModelTurn.from_text(turn) if isinstance(turn, str) else turn
        self._program_for("model_response")
        run = self._run
        for usage in turn.attempts:
            run.usage += usage
        run.usage += turn.usage
        run.calls.append(ModelCall(run.turn, run.attempt, turn.usage, turn.stop_reason))
        run.pending = self._pending_turn(turn)
        return self._scan()

    def model_failed(
        self, error: BaseException | FailureRecord, *, retryable: bool = False, usage: Usage | None = None
    ) -> AgentRunStep:
        """Takes the failure of a call; the next step is the same call while an attempt is left, else `Failed`."""
        self._require("model_failed")
        run = self._run
        record = error if isinstance(error, FailureRecord) else FailureRecord.of(error)
        run.usage += usage
        run.calls.append(ModelCall(run.turn, run.attempt, usage, failure=record.kind))
        if retryable and run.attempt < run.limits.max_attempts:
            run.attempt += 1
        else:
            self._fail(ProviderFailure(record))
        return self.next_step()

    def resolve_tool_call(self, resolution: Resolution) -> ModelTurnOutcome:
        """Says what becomes of the call that `ResolveToolCall` named."""
        self._require("resolve_tool_call")
        call, problem = self._problem_at_scan()
        match resolution:
            case Answer(text, error):
                self._pending.results[call.key] = ToolResult(text, error)
                return self._scan()
            case Repair():
                self._repair(call, resolution)
                return self._scan()
            case Retry(feedback):
                return self._send_back(call, feedback)
            case Skip(reason):
                self._answer_all(reason)
                return self._commit_batch()
            case Fail():
                return self._fail(UnknownToolCall(call.name, problem.text))
            case Stop(reason):
                return self._fail(Cancelled(reason))
            case _:
                assert_never(resolution)

    def tool_result(self, key: str, result: ToolResult | str) -> None:
        """Takes the result of one call, by its key. When the last is in, they join the history in call order."""
        self.tool_results([(key, result)])

    def tool_results(self, results: Iterable[tuple[str, ToolResult | str]]) -> None:
        """Takes several results; when one of them is refused, none is taken."""
        self._require("tool_result")
        pairs = [(key, ToolResult(result) if isinstance(result, str) else result) for key, result in results]
        self._check_keys([key for key, _ in pairs])
        self._pending.results.update(pairs)
        if not self._pending.missing():
            self._commit_batch()

    def cancel(self, reason: str, *, by: str = "") -> None:
        """Ends the run. Results in hand are kept; calls without one are answered as not executed."""
        self._require("cancel")
        self._fail(Cancelled(reason, by))

    def raise_limit(self, **limits: int) -> None:
        """Gives a run that failed for want of turns higher limits, by their names in `RunLimits`, and makes it ready again."""
        self._require("raise_limit")
        if not isinstance(self._run.cause, MaxTurns):
            raise self._protocol_error("raise_limit", "only a run that failed at a limit on turns goes on")
        try:
            raised = replace(self._run.limits, **limits)
        except TypeError as error:
            raise self._protocol_error("raise_limit", f"the limits are the fields of RunLimits ({error})") from None
        self._run.limits, self._run.cause, self._run.state = raised, None, State.READY

    # Storing it.

    def dump(self) -> dict[str, Any]:
        """The run as JSON-safe data, without its program. It holds the whole conversation."""
        return write_state(self._run, self._fingerprint)

    @classmethod
    def load(cls, state: Mapping[str, Any], program: Program | None = None, *, allow_changes: bool = False) -> Self:
        """The run that `dump` stored.

        Without its program it can be looked at, and no further. Raises `StateFormatError` for data that is no run of a
        known format, `ProgramChangedError` when the program is another, unless `allow_changes`.
        """
        run, fingerprint = read_state(state, program, allow_changes=allow_changes)
        loaded = cls.__new__(cls)
        loaded._run = run
        loaded._program = program if program is not None else (None if fingerprint else Program())
        loaded._fingerprint = program.fingerprint() if program is not None else fingerprint
        return loaded

    # Deciding.

    def _begin_turn(self) -> None:
        run = self._run
        if run.turn >= run.limits.max_turns:
            self._fail(MaxTurns("max_turns", run.limits.max_turns))
        else:
            run.turn, run.attempt, run.state = run.turn + 1, 1, State.AWAITING_MODEL

    def _call_model(self) -> CallModel:
        run, output = self._run, self._program_for("next_step").output
        messages = run.messages
        if run.refused and output is not None and output.on_invalid == "regenerate":
            messages = [message for message in messages if message.uuid not in run.refused]
        request_id = f"{run.run_id}/{run.turn}/{run.attempt}"
        return CallModel(tuple(messages), run.turn, run.attempt, request_id, output.shape if output else None)

    def _pending_turn(self, turn: ModelTurn) -> PendingTurn:
        message = turn.message.shell()
        message.uuid = self._uuid(len(self._run.messages))
        calls = [self._pending_call(call, index) for index, call in enumerate(message.tool_calls or ())]
        seen: set[str] = set()
        for index, call in enumerate(calls):
            # Providers want every call answered by its own id; some models give none, or the same one twice.
            if not call.id or call.id in seen:
                calls[index] = replace(call, id=f"call_{self._run.turn}_{index}")
            seen.add(calls[index].id)
        if calls:
            message.tool_calls = [
                asked.model_copy(update={"id": call.id})
                for asked, call in zip(message.tool_calls or (), calls, strict=True)
            ]
        return PendingTurn(message, turn.stop_reason, calls)

    def _pending_call(self, call: ToolCall, index: int) -> PendingToolCall:
        arguments = _json_object(call.arguments) or {}
        key = f"{self._run.run_id}/{self._run.turn}/{index}"
        return PendingToolCall(key, call.id, call.name, arguments, call.arguments)

    def _scan(self) -> ModelTurnOutcome:
        """Looks for the first call that cannot be executed; without one the turn is accepted."""
        pending = self._pending
        while pending.scanned < len(pending.calls):
            call = pending.calls[pending.scanned]
            problem = None if call.key in pending.results else self._problem(call)
            if problem is not None:
                self._run.state = State.RESOLVING
                return ResolutionNeeded(call, problem)
            pending.scanned += 1
        return self._accept()

    def _problem(self, call: PendingToolCall) -> Problem | None:
        tools = self._program_for("resolve_tool_call").tools
        if call.name not in tools:
            known = ", ".join(tools) or "none"
            return Problem("unknown", f"There is no tool {call.name!r}. The tools are: {known}.")
        if _json_object(call.raw) is None:
            return Problem("malformed", f"The arguments of {call.name!r} are not a JSON object: {call.raw!r}")
        wrong = tools[call.name].check(call.arguments)
        return Problem("invalid", f"The arguments of {call.name!r} are not valid: {wrong}") if wrong else None

    def _problem_at_scan(self) -> tuple[PendingToolCall, Problem]:
        call = self._pending.calls[self._pending.scanned]
        problem = self._problem(call)
        assert problem is not None
        return call, problem

    def _accept(self) -> ModelTurnOutcome:
        run = self._run
        run.state = State.ACCEPTED
        verdict = Verdict(run, self._pending, self._program_for("model_response").output)
        row = judge(verdict)
        if row.cause is not None:
            return self._fail(row.cause(verdict))
        if row.then == "execute":
            return self._execute()
        if row.then == "retry":
            return self._ask_again(verdict)
        self._commit_turn()
        run.state = State.DONE
        return TurnFinished()

    def _execute(self) -> ModelTurnOutcome:
        self._run.tool_turns += 1
        missing = self._pending.missing()
        if not missing:
            return self._commit_batch()
        self._run.state = State.EXECUTING_TOOLS
        return ToolsRequested(missing)

    def _ask_again(self, verdict: Verdict) -> ModelTurnOutcome:
        run = self._run
        run.output_retries += 1
        refused = [self._commit_turn()] if not verdict.is_silent else []
        self._run.pending = None
        if verdict.output is not None and verdict.output.on_invalid == "feedback":
            said = Message("user", verdict.feedback, uuid=self._uuid(len(run.messages)))
            run.messages.append(said)
            refused.append(said)
        run.refused += [message.uuid for message in refused]
        run.state = State.READY
        return TurnRejected(verdict.feedback)

    def _send_back(self, call: PendingToolCall, feedback: str) -> ModelTurnOutcome:
        run = self._run
        if run.call_retries >= run.limits.max_call_retries:
            return self._fail(MaxTurns("max_call_retries", run.limits.max_call_retries))
        run.call_retries += 1
        self._pending.results = {call.key: ToolResult(feedback, error=True)}
        self._answer_all(NOT_EXECUTED)
        return self._commit_batch()

    def _repair(self, call: PendingToolCall, repair: Repair) -> None:
        name = repair.name or call.name
        if name not in self._program_for("resolve_tool_call").tools:
            raise self._protocol_error(
                "resolve_tool_call", f"a call can only be repaired to a tool that is there, not {name!r}"
            )
        arguments = call.arguments if repair.arguments is None else repair.arguments
        raw = call.raw if repair.arguments is None else to_json(arguments).decode()
        pending = self._pending
        pending.calls[pending.scanned] = replace(call, name=name, arguments=arguments, raw=raw)
        asked = list(pending.message.tool_calls or ())
        function = asked[pending.scanned].function.model_copy(update={"name": name, "arguments": raw})
        asked[pending.scanned] = asked[pending.scanned].model_copy(update={"function": function})
        pending.message.tool_calls = asked
        pending.message.metadata["recovered"] = True

    # Committing.

    def _commit_turn(self) -> Message:
        message = self._pending.message
        self._run.messages.append(message)
        self._run.pending = None
        return message

    def _commit_batch(self) -> ModelTurnOutcome:
        """The turn and its results join the history, in call order."""
        pending = self._pending
        self._commit_turn()
        for call in pending.calls:
            result = pending.results[call.key]
            metadata = {**result.metadata, **({"error": True} if result.error else {})}
            content = result.content if isinstance(result.content, str) else list(result.content)
            self._run.messages.append(
                Message(
                    "tool", content, tool_call_id=call.id, metadata=metadata, uuid=self._uuid(len(self._run.messages))
                )
            )
        is_over = any(result.stop for result in pending.results.values())
        self._run.state = State.DONE if is_over else State.READY
        return TurnFinished() if is_over else TurnContinued()

    def _fail(self, cause: Cause) -> TurnFailed:
        pending = self._run.pending
        if pending is not None and pending.calls:
            self._answer_all(NOT_EXECUTED)
            self._commit_batch()
        elif pending is not None and says_anything(pending.message):
            self._commit_turn()
        self._run.pending = None
        self._run.cause, self._run.state = cause, State.FAILED
        return TurnFailed(cause)

    def _answer_all(self, text: str) -> None:
        for call in self._pending.missing():
            self._pending.results[call.key] = ToolResult(text, error=True)

    # Answering.

    def _response(self) -> Response:
        run, output = self._run, self._program.output if self._program is not None else None
        text = next((message.content for message in reversed(run.messages) if message.role == "assistant"), "")
        last_is_answer = run.messages[-1].role == "assistant"
        value = output.check(text) if output is not None and last_is_answer else text
        error = value.text if isinstance(value, Feedback) else None
        messages = self._kept_messages()
        return Response(text if error is not None else value, messages, run.usage, tuple(run.calls), error)

    def _kept_messages(self) -> tuple[Message, ...]:
        run, output = self._run, self._program.output if self._program is not None else None
        if output is None or output.keep_dialog or not run.refused:
            return tuple(run.messages)
        return tuple(message for message in run.messages if message.uuid not in run.refused)

    # Guarding.

    @property
    def _pending(self) -> PendingTurn:
        assert self._run.pending is not None
        return self._run.pending

    def _require(self, name: InputName) -> None:
        if not is_allowed(self._run.state, name):
            raise self._protocol_error(name, hint_for(self._run.state))

    def _check_keys(self, keys: list[str]) -> None:
        missing = [call.key for call in self._pending.missing()]
        wrong = next((key for key in keys if key not in missing), None)
        if not keys:
            problem = "no result was given"
        elif wrong is not None:
            is_answered = wrong in self._pending.results
            problem = f"{wrong!r} {'has its result already' if is_answered else 'is no call of this turn'}"
        elif len(set(keys)) < len(keys):
            problem = "a call was answered twice"
        else:
            return
        raise self._protocol_error("tool_result", f"{problem}; results are missing for {', '.join(missing)}")

    def _program_for(self, method: str) -> Program:
        if self._program is None:
            raise ProgramNeededError(
                f"{method}() has to check calls or answers, and the run {self.run_id!r} was loaded without its program; "
                "load it with AgentRun.load(state, program)."
            )
        return self._program

    def _protocol_error(self, method: str, hint: str) -> ProtocolError:
        return ProtocolError(method, self._run.state, hint)

    def _uuid(self, index: int) -> uuid.UUID:
        return uuid.uuid5(_NAMESPACE, f"{self._run.run_id}/{self._run.turn}/{index}")


def _json_object(raw: str) -> dict[str, Any] | None:
    try:
        value = from_json(raw) if raw.strip() else {}
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
