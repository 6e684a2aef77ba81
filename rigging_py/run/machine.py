"""`AgentRun`: the sans-IO machine that decides everything about a conversation with a model.

A driver asks `next_step()`, does what it says, and feeds the result back. Nothing here waits, looks at a clock or rolls
dice, so a run can be stored between any two steps and go on in another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Self, assert_never

from rigging_py.error import ProgramChangedError, ProgramNeededError, ProtocolError
from rigging_py.message import Message, MessageDict, ModelTurn, Usage
from rigging_py.run.accept import read_answer, weigh
from rigging_py.run.calls import pending_turn, problem_of, read_calls, repaired, undecided
from rigging_py.run.causes import (
    BudgetExceeded,
    Cancelled,
    FailureRecord,
    MaxTurns,
    Problem,
    ProviderFailure,
    UnfinishedToolCall,
    UnknownToolCall,
    shortened,
)
from rigging_py.run.history import hold, last_answer, record, sent, shown
from rigging_py.run.journal import (
    CallResolved,
    CancelAsked,
    Decided,
    Entry,
    Expired,
    Forked,
    Injected,
    Input,
    Journal,
    LimitsRaised,
    ModelFailed,
    ModelResponded,
    Recovered,
    StoredResult,
    ToolsReturned,
    ToolStarted,
    TurnBegan,
    model_calls,
)
from rigging_py.run.memory import PendingTurn, RunState
from rigging_py.run.moves import (
    answering,
    begin_turn,
    close,
    fail,
    follow,
    joined,
    listen,
    proceed,
    recovered,
    rename,
    send_back,
)
from rigging_py.run.play import play
from rigging_py.run.program import Feedback, Program, changes
from rigging_py.run.rules import HINTS, rule_for
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import (
    AgentRunStep,
    Answer,
    Approve,
    AwaitDecision,
    CallModel,
    CallTools,
    Decision,
    Deny,
    Done,
    Edit,
    Fail,
    Failed,
    InputName,
    ModelCall,
    ModelTurnOutcome,
    PendingToolCall,
    Repair,
    Resolution,
    ResolveToolCall,
    Response,
    Retry,
    Skip,
    Stop,
    ToolResult,
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
        limits = limits or RunLimits()
        self._program: Program | None = program or Program()
        self._stored_fingerprint: Mapping[str, str] = {}
        self._run = RunState(run_id, limits, limits, run_id, messages, len(messages), list(messages))
        self._value: object = _UNREAD
        self._now: datetime | None = None

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
    def turns(self) -> int:
        """Model turns begun since the last follow-up, which is what `max_turns` counts."""
        return self._run.turns

    @property
    def attempt(self) -> int:
        """Which try of the present call this is, from 1."""
        return self._run.attempt

    @property
    def tool_turns(self) -> int:
        """Batches of tool calls begun since the last follow-up."""
        return self._run.tool_turns

    @property
    def messages(self) -> tuple[Message, ...]:
        """The history so far; a turn whose calls are not all answered is not in it."""
        return tuple(self._run.messages)

    @property
    def waiting(self) -> tuple[Message, ...]:
        """Messages that were injected and that no turn has heard yet."""
        return tuple(self._run.waiting)

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
        return tuple(model_calls(self._run.journal))

    @property
    def position(self) -> int:
        """How many inputs the run has accepted; it grows with every change."""
        return len(self._run.journal)

    @property
    def journal(self) -> Journal:
        """Every input so far, in order; with the program it can be played again."""
        run = self._run
        return Journal(run.begun_as, run.begun_with, run.given, tuple(run.bodies), tuple(run.journal))

    def __repr__(self) -> str:
        return f"AgentRun({self.run_id!r}, {self.state}, turn {self.turns} of {self.limits.max_turns})"

    # Driving it.

    def stamp(self, now: datetime) -> None:
        """Says what time it is for the entries of the journal from now on; the machine has no clock."""
        self._now = now

    def next_step(self) -> AgentRunStep:
        """What the driver does next. Asking again gives the same answer."""
        run = self._take("next_step")
        match run.state:
            case State.READY:
                begin_turn(run)
                self._log(TurnBegan(run.turn))
                return self.next_step()
            case State.AWAITING_MODEL:
                return self._call_model()
            case State.RESOLVING:
                return ResolveToolCall(*self._looked_at())
            case State.AWAITING_DECISION:
                return AwaitDecision(self._pending.requests())
            case State.EXECUTING_TOOLS:
                return CallTools(self._pending.executable(), self._pending.started)
            case State.DONE:
                return Done(self._response())
            case State.FAILED:
                assert run.cause is not None
                return Failed(run.cause, self._shown(), run.usage)
            case _:
                assert_never(run.state)

    def model_response(self, turn: ModelTurn | str, *, feedback: str | None = None) -> ModelTurnOutcome:
        """Takes a model's turn, and says what it came to.

        With `feedback` the driver itself refuses the turn: no tool of it is executed, and the model is asked again as
        after an answer that is not valid.
        """
        run = self._take("model_response")
        turn = ModelTurn.from_text(turn) if isinstance(turn, str) else turn
        if turn.message.role != "assistant":
            raise self._protocol_error("model_response", f"a turn is an assistant's, not a {turn.message.role}'s")
        heard = pending_turn(run, turn)
        pending = joined(heard, run.prefix)
        verdict = weigh(run, pending, self._code, feedback)
        record(run, turn)
        said = ModelResponded(
            run.turn,
            run.attempt,
            run.place(heard.message),
            turn.stop_reason,
            turn.usage,
            turn.extra,
            turn.attempts,
            feedback,
        )
        outcome = follow(run, pending, verdict)
        if verdict is not None and run.state is State.DONE:
            self._value = verdict.kept if verdict.row.then == "keep" else verdict.value
        self._log(said)
        return outcome

    def model_failed(
        self, error: BaseException | FailureRecord, *, retryable: bool = False, usage: Usage | None = None
    ) -> AgentRunStep:
        """Takes the failure of a call; the next step is the same call while an attempt is left, else `Failed`."""
        run = self._take("model_failed")
        failure = error if isinstance(error, FailureRecord) else FailureRecord.of(error)
        failed = ModelFailed(run.turn, run.attempt, failure, retryable, usage)
        run.usage += usage
        if retryable and run.attempt < run.limits.max_attempts:
            run.attempt += 1
        else:
            fail(run, ProviderFailure(failure))
        self._log(failed)
        return self.next_step()

    def resolve_tool_call(self, resolution: Resolution) -> ModelTurnOutcome:
        """Says what becomes of the call that `ResolveToolCall` named."""
        self._take("resolve_tool_call")
        outcome = self._resolve(resolution)
        self._log(CallResolved(resolution))
        return outcome

    def decide(self, key: str, decision: Decision) -> ModelTurnOutcome:
        """Says what becomes of one of the calls that `AwaitDecision` named. Raises for arguments that are not valid."""
        run = self._take("decide")
        pending = self._pending
        if key not in pending.undecided:
            waiting = ", ".join(pending.undecided)
            raise self._protocol_error("decide", f"{key!r} waits for no decision; these do: {waiting}")
        match decision:
            case Approve():
                pass
            case Deny(reason):
                pending = answering(run, pending, [(key, ToolResult(reason, error=True))])
            case Edit(arguments):
                pending = self._edited("decide", pending, key, arguments)
            case _:
                assert_never(decision)
        undecided = {one: why for one, why in pending.undecided.items() if one != key}
        outcome = proceed(run, replace(pending, undecided=undecided, decided=(*pending.decided, key)))
        self._log(Decided(key, decision))
        return outcome

    def tool_started(self, key: str, arguments: dict[str, Any] | None = None) -> PendingToolCall:
        """Says that a call is about to be executed, with other arguments where some are given, and gives it as it is.

        A run that is stored after this and before the result knows that the effect may have happened.
        """
        run = self._take("tool_started")
        pending = self._pending
        if key not in [call.key for call in pending.executable()] or key in pending.started:
            raise self._protocol_error("tool_started", self._why_not(key))
        if arguments is not None:
            pending = self._edited("tool_started", pending, key, arguments)
            if key in undecided(pending, self._code):
                raise self._protocol_error("tool_started", "nothing is started: these arguments need a decision")
        pending = replace(pending, started=(*pending.started, key))
        hold(run, pending)
        self._log(ToolStarted(key, arguments))
        return next(call for call in pending.calls if call.key == key)

    def tool_result(self, key: str, result: ToolResult | str) -> None:
        """Takes the result of one call, by its key. When the last is in, they join the history in call order."""
        self.tool_results([(key, result)])

    def tool_results(self, results: Iterable[tuple[str, ToolResult | str]]) -> None:
        """Takes several results; when one of them is refused, none is taken."""
        run = self._take("tool_result")
        pairs = [(key, ToolResult(result) if isinstance(result, str) else result) for key, result in results]
        self._check_keys([key for key, _ in pairs])
        pending = answering(run, self._pending, pairs)
        hold(run, pending)
        taken = [(key, pending.results[key]) for key, _ in pairs]
        stored = tuple(StoredResult(key, run.place(one.message), one.error, one.stop) for key, one in taken)
        proceed(run, pending)
        self._log(ToolsReturned(stored))

    def recover(self) -> ModelTurnOutcome:
        """Deals with the calls that a driver which is gone had started, each by its tool's policy."""
        run = self._take("recover")
        pending, tools = self._pending, self._code.tools
        if not pending.started:
            raise self._protocol_error("recover", "no call was started and left without a result")
        left = [call for call in pending.calls if call.key in pending.started]
        failing = next((call for call in left if tools[call.name].recovery == "fail"), None)
        if failing is not None:
            outcome: ModelTurnOutcome = fail(run, UnfinishedToolCall(failing.name, failing.key), pending)
        else:
            asked = [call for call in left if tools[call.name].recovery == "ask"]
            outcome = proceed(run, recovered(pending, asked))
        self._log(Recovered())
        return outcome

    def inject(self, messages: Iterable[Message | MessageDict | str] | Message | MessageDict | str) -> None:
        """Says something more: it joins the history before the next turn. A run that is done is ready again."""
        run = self._take("inject")
        heard = Message.fit_as_list(messages if isinstance(messages, str | Message | Mapping) else [*messages])
        if not heard:
            raise self._protocol_error("inject", "there is no message to say")
        if any(message.role == "tool" or message.tool_calls for message in heard):
            # Every call in the history is answered at once; only turns can promise that.
            raise self._protocol_error(
                "inject", "tool calls and a tool's results come from turns, and are not injected"
            )
        listen(run, heard)
        self._value = _UNREAD
        self._log(Injected(tuple(run.place(message) for message in heard)))

    def expire(self, now: datetime) -> None:
        """Ends the run because its deadline has passed at `now`; it goes on as after `cancel`."""
        run = self._take("expire")
        deadline = run.limits.deadline
        if now.tzinfo is None:
            raise self._protocol_error("expire", f"a moment needs a time zone, and {now} has none")
        if deadline is None or now < deadline:
            raise self._protocol_error("expire", f"the deadline is {deadline}, which has not passed at {now}")
        fail(run, BudgetExceeded("deadline", deadline.isoformat(), now.isoformat()), run.pending)
        self._log(Expired(now))

    def cancel(self, reason: str, *, by: str = "") -> None:
        """Ends the run. Results in hand are kept; calls without one are answered as not executed."""
        run = self._take("cancel")
        fail(run, Cancelled(reason, by), run.pending)
        self._log(CancelAsked(reason, by))

    def raise_limit(self, **limits: float | datetime | None) -> None:
        """Gives a run that failed at a limit or a budget higher ones, by their names in `RunLimits`; it goes on.

        After a call that failed it is `max_attempts` that is raised.
        """
        run = self._take("raise_limit")
        # What a filter withheld is the cause too, but that turn is over.
        is_call = isinstance(run.cause, ProviderFailure) and bool(self.calls[-1].failure)
        if not is_call and not isinstance(run.cause, MaxTurns | BudgetExceeded):
            raise self._protocol_error("raise_limit", "only a run that failed at a limit or a call goes on")
        limit = run.cause.limit if isinstance(run.cause, MaxTurns | BudgetExceeded) else "max_attempts"
        raised = run.limits.raised(limits)
        if limit not in limits or raised is None:
            hint = f"give {limit}, and others if need be, a higher value than it has in {run.limits}"
            raise self._protocol_error("raise_limit", hint)
        run.limits, run.cause = raised, None
        run.state = State.AWAITING_MODEL if is_call else State.READY
        run.attempt += is_call
        self._log(LimitsRaised(run.limits))

    def rename(self, run_id: str) -> None:
        """Goes by another id from here on. Calls that were started under the old one are no longer this run's."""
        run = self._take("rename")
        rename(run, run_id)
        self._log(Forked(run_id))

    def fork(self, at: int | None = None, *, run_id: str | None = None) -> AgentRun:
        """Another run that begins with the first `at` entries of this one's journal (all of them by default).

        What happened is not done again, and what happens from here on is the fork's own: it has an id of its own, by
        default this one's with the place behind it. Raises `ReplayDivergence` when the program judges otherwise than
        it did.
        """
        journal = self.journal
        place = len(journal) if at is None else at
        if not 0 <= place <= len(journal):
            raise ValueError(f"The journal has {len(journal)} entries; a fork is at 0 to {len(journal)}, not {place}.")
        if self._program is None:
            raise ProgramNeededError(f"A fork of {self.run_id!r} needs its program; load it with it.")
        made = AgentRun(
            history=journal.bodies[: journal.given], limits=journal.limits, program=self._program, run_id=journal.run_id
        )
        play(made, journal, place)
        made.rename(run_id or f"{self.run_id}.{place}")
        return made

    # Storing it.

    def dump(self, since: Mapping[str, int] | None = None) -> dict[str, Any]:
        """The run as JSON-safe data, without its program. It holds the whole conversation.

        `since` says how long the lists of an earlier dump were, by name: of these lists only what is new is given.
        """
        return write_state(self._run, self._fingerprint, since or {})

    @classmethod
    def load(cls, state: Mapping[str, Any], program: Program | None = None, *, allow_changes: bool = False) -> Self:
        """The run that `dump` stored.

        Without its program it can be looked at, cancelled and given higher limits, and no more. Raises
        `StateFormatError` for data that is no run of a known format, and `ProgramChangedError` when the program is
        another; with `allow_changes` it goes on, and the calls that are pending are checked anew.
        """
        loaded = cls.__new__(cls)
        loaded._run, stored = read_state(state)
        loaded._stored_fingerprint, loaded._value, loaded._now = stored, _UNREAD, None
        loaded._program = program if program is not None or stored else Program()
        differences = changes(stored, program.fingerprint) if program is not None else []
        if differences and not allow_changes:
            raise ProgramChangedError(differences)
        if program is not None and loaded._run.pending is not None:
            loaded._check_anew(loaded._run.pending)
        return loaded

    # Deciding.

    def _call_model(self) -> CallModel:
        run, output = self._run, self._code.output
        return CallModel(
            sent(run, output),
            run.turn,
            run.attempt,
            f"{run.run_id}/{run.turn}/{run.attempt}",
            output.sent_shape if output else None,
            run.overrides,
            run.prefix,
        )

    def _resolve(self, resolution: Resolution) -> ModelTurnOutcome:
        run, pending, (call, problem) = self._run, self._pending, self._looked_at()
        match resolution:
            case Answer(text, error):
                return self._rescan(answering(run, pending, [(call.key, ToolResult(text, error))]))
            case Repair(name, arguments):
                known = self._known(name or call.name)
                return self._rescan(repaired(pending, pending.scanned, known, arguments))
            case Retry(feedback):
                return send_back(run, answering(run, pending, [(call.key, ToolResult(feedback, error=True))]))
            case Skip(reason):
                if self._code.allowed is not None and not self._code.allowed:
                    raise self._protocol_error(
                        "resolve_tool_call", "no tool may be called, so the model would only call again"
                    )
                return close(run, pending, reason)
            case Fail():
                answer = answering(run, pending, [(call.key, ToolResult(problem.text, error=True))])
                return fail(run, UnknownToolCall(call.name, problem.text), answer)
            case Stop(reason):
                return fail(run, Cancelled(reason), pending)
            case _:
                assert_never(resolution)

    def _rescan(self, pending: PendingTurn) -> ModelTurnOutcome:
        return follow(self._run, pending, weigh(self._run, pending, self._code))

    def _check_anew(self, pending: PendingTurn) -> None:
        run = self._run
        if run.state in (State.AWAITING_DECISION, State.EXECUTING_TOOLS):
            # The batch counts again when it is executed.
            run.tool_turns -= 1
            run.tool_calls -= len(pending.calls)
        calls = read_calls(run.run_id, run.turn, pending.message.tool_calls or ())
        self._rescan(replace(pending, scanned=0, calls=calls))

    def _edited(self, method: InputName, pending: PendingTurn, key: str, arguments: dict[str, Any]) -> PendingTurn:
        """The turn with other arguments in a call, which are checked."""
        index = next(index for index, call in enumerate(pending.calls) if call.key == key)
        edited = repaired(pending, index, pending.calls[index].name, arguments, mark="edited")
        wrong = problem_of(edited.calls[index], self._code)
        if wrong is not None:
            raise self._protocol_error(method, f"nothing is edited: {wrong.text.rstrip('.')}")
        return edited

    # Answering.

    def _response(self) -> Response:
        run = self._run
        if self._value is _UNREAD:
            self._value = self._read_answer()
        error = self._value.text if isinstance(self._value, Feedback) else None
        value = last_answer(run) if error is not None else self._value
        return Response(value, self._shown(), run.usage, self.calls, error, run.truncation)

    def _shown(self) -> tuple[Message, ...]:
        return shown(self._run, self._program.output if self._program is not None else None)

    def _read_answer(self) -> object:
        if self._program is not None:
            return read_answer(self._run, self._program)
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

    def _log(self, accepted: Input) -> None:
        self._run.journal.append(Entry(accepted, self._run.state, self._now))

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
        if not self._code.allows(name):
            hint = f"a call can only be repaired to a tool that may be called, not {shortened(name)!r}"
            raise self._protocol_error("resolve_tool_call", hint)
        return name

    def _check_keys(self, keys: list[str]) -> None:
        executable = [call.key for call in self._pending.executable()]
        wrong = next((key for key in keys if key not in executable), None)
        if not keys:
            problem = f"no result was given; results are missing for {', '.join(executable)}"
        elif wrong is not None:
            problem = self._why_not(wrong)
        elif len(set(keys)) < len(keys):
            problem = "a call was answered twice"
        else:
            return
        raise self._protocol_error("tool_result", problem)

    def _why_not(self, key: str) -> str:
        """Why nothing can be said about the execution of a call."""
        pending = self._pending
        if key in pending.results:
            problem = "has its result already"
        elif key in pending.undecided:
            problem = "waits for a decision"
        elif key in pending.started:
            problem = "was started already"
        else:
            problem = "is no call of this turn"
        missing = ", ".join(call.key for call in pending.executable())
        return f"{key!r} {problem}; results are missing for {missing}"

    def _protocol_error(self, method: str, hint: str) -> ProtocolError:
        return ProtocolError(method, self._run.state, hint)
