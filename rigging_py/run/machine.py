"""`AgentRun`: the sans-IO machine that decides everything about a conversation with a model.

A driver asks `next_step()`, does what it says, and feeds the result back. Nothing here waits, looks at a clock or rolls
dice, so a run can be stored between any two steps and go on in another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, Self, assert_never

from rigging_py.error import ProgramChangedError, ProgramNeededError, ProtocolError
from rigging_py.message import Message, MessageDict, ModelTurn, Usage
from rigging_py.run.accept import Verdict, read_answer, weigh
from rigging_py.run.calls import pending_turn, repaired, reread
from rigging_py.run.causes import (
    Cancelled,
    Cause,
    FailureRecord,
    MaxTurns,
    Problem,
    ProviderFailure,
    UnknownToolCall,
    shortened,
)
from rigging_py.run.history import commit, last_answer, record, refuse, says_anything, sent, shown
from rigging_py.run.program import Feedback, Program, changes
from rigging_py.run.rules import HINTS, rule_for
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

_UNREAD: Final = object()
_BLIND = "The run was loaded without its program, so its answer is only text."


class AgentRun:
    """One conversation, from its first call to its last answer.

    `prompt` is a text or a message, or None when `history` says it all. The messages that come out of a run are its
    own: read them, and take a `shell()` to change one.
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
        self._stored_fingerprint: Mapping[str, str] = {}
        self._run = RunState(run_id, limits or RunLimits(), messages, len(messages))
        self._value: object = _UNREAD

    # Looking at a run.

    @property
    def run_id(self) -> str:
        """The name that goes into every key and every uuid the machine makes."""
        return self._run.run_id

    @property
    def state(self) -> State:
        """Where the run is."""
        return self._run.state

    @property
    def limits(self) -> RunLimits:
        """How far the run may go."""
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
        run = self._take("next_step")
        match run.state:
            case State.READY:
                self._begin_turn()
                return self.next_step()
            case State.AWAITING_MODEL:
                return self._call_model()
            case State.RESOLVING:
                return ResolveToolCall(*self._looked_at())
            case State.EXECUTING_TOOLS:
                return CallTools(self._pending.missing())
            case State.DONE:
                return Done(self._response())
            case State.FAILED:
                assert run.cause is not None
                return Failed(run.cause, self._shown(), run.usage)
            case _:
                assert_never(run.state)

    def model_response(self, turn: ModelTurn | str) -> ModelTurnOutcome:
        """Takes a model's turn, and says what it came to."""
        run = self._take("model_response")
        turn = ModelTurn.from_text(turn) if isinstance(turn, str) else turn
        if turn.message.role != "assistant":
            raise self._protocol_error("model_response", f"a turn is an assistant's, not a {turn.message.role}'s")
        pending = pending_turn(run, turn)
        verdict = weigh(run, pending, self._code)
        record(run, turn)
        return self._follow(pending, verdict)

    def model_failed(
        self, error: BaseException | FailureRecord, *, retryable: bool = False, usage: Usage | None = None
    ) -> AgentRunStep:
        """Takes the failure of a call; the next step is the same call while an attempt is left, else `Failed`."""
        run = self._take("model_failed")
        failure = error if isinstance(error, FailureRecord) else FailureRecord.of(error)
        run.usage += usage
        run.calls.append(ModelCall(run.turn, run.attempt, usage, failure=failure.kind))
        if retryable and run.attempt < run.limits.max_attempts:
            run.attempt += 1
        else:
            self._fail(ProviderFailure(failure))
        return self.next_step()

    def resolve_tool_call(self, resolution: Resolution) -> ModelTurnOutcome:
        """Says what becomes of the call that `ResolveToolCall` named."""
        self._take("resolve_tool_call")
        pending, (call, problem) = self._pending, self._looked_at()
        match resolution:
            case Answer(text, error):
                return self._rescan(pending.answering(call, text, error=error))
            case Repair(name, arguments):
                return self._rescan(repaired(pending, self._known(name or call.name), arguments))
            case Retry(feedback):
                return self._send_back(pending.answering(call, feedback))
            case Skip(reason):
                return self._close(pending, reason)
            case Fail():
                return self._fail(UnknownToolCall(call.name, problem.text), pending.answering(call, problem.text))
            case Stop(reason):
                return self._fail(Cancelled(reason), pending)
            case _:
                assert_never(resolution)

    def tool_result(self, key: str, result: ToolResult | str) -> None:
        """Takes the result of one call, by its key. When the last is in, they join the history in call order."""
        self.tool_results([(key, result)])

    def tool_results(self, results: Iterable[tuple[str, ToolResult | str]]) -> None:
        """Takes several results; when one of them is refused, none is taken."""
        run = self._take("tool_result")
        pairs = [(key, ToolResult(result) if isinstance(result, str) else result) for key, result in results]
        self._check_keys([key for key, _ in pairs])
        pending = replace(self._pending, results={**self._pending.results, **dict(pairs)})
        if pending.missing():
            run.pending = pending
        else:
            self._close(pending)

    def cancel(self, reason: str, *, by: str = "") -> None:
        """Ends the run. Results in hand are kept; calls without one are answered as not executed."""
        run = self._take("cancel")
        self._fail(Cancelled(reason, by), run.pending)

    def raise_limit(self, **limits: int) -> None:
        """Gives a run that failed for want of turns higher limits, by their names in `RunLimits`; it is ready again."""
        run = self._take("raise_limit")
        if not isinstance(run.cause, MaxTurns):
            raise self._protocol_error("raise_limit", "only a run that failed at a limit on turns goes on")
        known = asdict(run.limits)
        is_higher = all(name in known and value > known[name] for name, value in limits.items())
        if run.cause.limit not in limits or not is_higher:
            hint = f"give {run.cause.limit}, and others if need be, a higher value than it has in {run.limits}"
            raise self._protocol_error("raise_limit", hint)
        run.limits, run.cause, run.state = replace(run.limits, **limits), None, State.READY

    # Storing it.

    def dump(self) -> dict[str, Any]:
        """The run as JSON-safe data, without its program. It holds the whole conversation."""
        return write_state(self._run, self._fingerprint)

    @classmethod
    def load(cls, state: Mapping[str, Any], program: Program | None = None, *, allow_changes: bool = False) -> Self:
        """The run that `dump` stored.

        Without its program it can be looked at, cancelled and given higher limits, and no more. Raises
        `StateFormatError` for data that is no run of a known format, and `ProgramChangedError` when the program is
        another; with `allow_changes` it goes on, and the calls that are pending are checked anew.
        """
        loaded = cls.__new__(cls)
        loaded._run, stored = read_state(state)
        loaded._stored_fingerprint, loaded._value = stored, _UNREAD
        loaded._program = program if program is not None or stored else Program()
        differences = changes(stored, program.fingerprint) if program is not None else []
        if differences and not allow_changes:
            raise ProgramChangedError(differences)
        if program is not None and loaded._run.pending is not None:
            loaded._check_anew(loaded._run.pending)
        return loaded

    # Deciding.

    def _begin_turn(self) -> None:
        run = self._run
        if run.turn >= run.limits.max_turns:
            self._fail(MaxTurns("max_turns", run.limits.max_turns))
        else:
            run.turn, run.attempt, run.state = run.turn + 1, 1, State.AWAITING_MODEL

    def _call_model(self) -> CallModel:
        run, output = self._run, self._code.output
        request_id = f"{run.run_id}/{run.turn}/{run.attempt}"
        return CallModel(sent(run, output), run.turn, run.attempt, request_id, output.shape if output else None)

    def _rescan(self, pending: PendingTurn) -> ModelTurnOutcome:
        return self._follow(pending, weigh(self._run, pending, self._code))

    def _check_anew(self, pending: PendingTurn) -> None:
        if self._run.state is State.EXECUTING_TOOLS:
            # The batch counts again when it is executed.
            self._run.tool_turns -= 1
        self._rescan(replace(pending, scanned=0, calls=[reread(call) for call in pending.calls]))

    def _follow(self, pending: PendingTurn, verdict: Verdict | None) -> ModelTurnOutcome:
        """Does what was decided about a turn. Nothing of the program runs from here on."""
        self._run.pending = pending
        if verdict is None:
            self._run.state = State.RESOLVING
            return ResolutionNeeded(*self._looked_at())
        row = verdict.row
        match row.then:
            case "execute":
                return self._execute(pending)
            case "retry":
                return self._ask_again(verdict)
            case "fail":
                assert row.cause is not None
                return self._fail(row.cause(verdict), pending)
            case "finish":
                return self._finish(verdict)
            case _:
                assert_never(row.then)

    def _execute(self, pending: PendingTurn) -> ModelTurnOutcome:
        self._run.tool_turns += 1
        missing = pending.missing()
        if not missing:
            return self._close(pending)
        self._run.state = State.EXECUTING_TOOLS
        return ToolsRequested(missing)

    def _ask_again(self, verdict: Verdict) -> ModelTurnOutcome:
        is_told = verdict.output is not None and verdict.output.on_invalid == "feedback"
        self._run.output_retries += 1
        refuse(self._run, verdict.turn, verdict.feedback if is_told else None)
        self._run.state = State.READY
        return TurnRejected(verdict.feedback)

    def _finish(self, verdict: Verdict) -> ModelTurnOutcome:
        commit(self._run, verdict.turn)
        self._value, self._run.state = verdict.value, State.DONE
        return TurnFinished()

    def _close(self, pending: PendingTurn, *unanswered: str) -> ModelTurnOutcome:
        """The batch is complete: the model goes on, unless a tool ended the run."""
        commit(self._run, pending, *unanswered)
        is_over = any(result.stop for result in pending.results.values())
        self._run.state = State.DONE if is_over else State.READY
        return TurnFinished() if is_over else TurnContinued()

    def _send_back(self, pending: PendingTurn) -> ModelTurnOutcome:
        run = self._run
        if run.call_retries >= run.limits.max_call_retries:
            return self._fail(MaxTurns("max_call_retries", run.limits.max_call_retries), pending)
        run.call_retries += 1
        return self._close(pending)

    def _fail(self, cause: Cause, pending: PendingTurn | None = None) -> TurnFailed:
        """Ends the run; what was said in a pending turn joins the history."""
        run = self._run
        if pending is not None and (pending.calls or says_anything(pending.message)):
            commit(run, pending)
        run.pending, run.cause, run.state = None, cause, State.FAILED
        return TurnFailed(cause)

    # Answering.

    def _response(self) -> Response:
        run = self._run
        if self._value is _UNREAD:
            self._value = self._read_answer()
        error = self._value.text if isinstance(self._value, Feedback) else None
        value = last_answer(run) if error is not None else self._value
        return Response(value, self._shown(), run.usage, tuple(run.calls), error)

    def _shown(self) -> tuple[Message, ...]:
        return shown(self._run, self._program.output if self._program is not None else None)

    def _read_answer(self) -> object:
        if self._program is not None:
            return read_answer(self._run, self._program.output)
        return Feedback(_BLIND) if "output" in self._fingerprint else last_answer(self._run)

    # Guarding.

    @property
    def _fingerprint(self) -> Mapping[str, str]:
        return self._program.fingerprint if self._program is not None else self._stored_fingerprint

    @property
    def _pending(self) -> PendingTurn:
        assert self._run.pending is not None
        return self._run.pending

    @property
    def _code(self) -> Program:
        assert self._program is not None
        return self._program

    def _looked_at(self) -> tuple[PendingToolCall, Problem]:
        """The call that cannot be executed, and what is wrong with it."""
        assert self._pending.problem is not None
        return self._pending.calls[self._pending.scanned], self._pending.problem

    def _take(self, name: InputName) -> RunState:
        """The data of the run, when it takes this input where it is."""
        rule = rule_for(self._run.state, name)
        if rule is None:
            raise self._protocol_error(name, HINTS[self._run.state])
        if rule.needs_program and self._program is None:
            raise ProgramNeededError(
                f"{name}() has to check calls or answers, and the run {self.run_id!r} was loaded without its program; "
                "load it with AgentRun.load(state, program)."
            )
        return self._run

    def _known(self, name: str) -> str:
        if name not in self._code.tools:
            hint = f"a call can only be repaired to a tool that is there, not {shortened(name)!r}"
            raise self._protocol_error("resolve_tool_call", hint)
        return name

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

    def _protocol_error(self, method: str, hint: str) -> ProtocolError:
        return ProtocolError(method, self._run.state, hint)
