"""`AgentRun`: the sans-IO machine that decides everything about a conversation with a model.

A driver asks `next_step()`, does what it says, and feeds the result back. Nothing here waits, looks at a clock or rolls
dice, so a run can be stored between any two steps and go on in another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self, assert_never

from rigging_py.error import ProgramChangedError, ProgramNeededError
from rigging_py.message import Message, MessageDict, Messages, ModelTurn, Usage
from rigging_py.run.accept import read_answer, weigh
from rigging_py.run.calls import pending_turn
from rigging_py.run.causes import (
    BudgetExceeded,
    Cancelled,
    FailureRecord,
    OutputInvalid,
    ProviderFailure,
)
from rigging_py.run.guards import (
    begun,
    check_expired,
    check_messages,
    check_results,
    check_state,
    check_turn,
    raised,
)
from rigging_py.run.history import hold, last_answer, record, refuse_last, sent, shown
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
    LimitReached,
    LimitsRaised,
    ModelFailed,
    ModelResponded,
    Prefix,
    ProgramChanged,
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
    fail,
    follow,
    joined,
    listen,
    proceed,
    rename,
    use_up_prefix,
)
from rigging_py.run.play import play
from rigging_py.run.program import Feedback, Program, changes
from rigging_py.run.resolve import check_anew, decide, recover, resolve
from rigging_py.run.state import RunLimits, State
from rigging_py.run.steps import (
    AgentRunStep,
    AwaitDecision,
    CallModel,
    CallTools,
    Decision,
    DecisionRequest,
    Done,
    Failed,
    InputName,
    ModelCall,
    ModelTurnOutcome,
    PendingToolCall,
    Resolution,
    ResolveToolCall,
    Response,
    ToolResult,
)
from rigging_py.run.stored import read_state, write_state

_UNREAD: Final = object()


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
        if not isinstance(run_id, str) or not run_id:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"A run's id is a text that is not empty; not {run_id!r}.")
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
    def program(self) -> Program | None:
        """The code that judges the run, or None where it was loaded without."""
        return self._program

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
    def requests(self) -> tuple[DecisionRequest, ...]:
        """The calls of the pending turn that wait for a decision, also while others are executed."""
        return self._run.pending.requests() if self._run.pending is not None else ()

    @property
    def decided(self) -> tuple[str, ...]:
        """The keys of the calls of the pending turn that were decided about."""
        return self._run.pending.decided if self._run.pending is not None else ()

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
        return Journal(run.begun_as, run.begun_with, run.given, Prefix(run.bodies), Prefix(run.journal))

    def __repr__(self) -> str:
        return f"AgentRun({self.run_id!r}, {self.state}, turn {self.turns} of {self.limits.max_turns})"

    # Driving it.

    def stamp(self, now: datetime | None) -> None:
        """Says what time it is for the entries of the journal from now on; the machine has no clock.

        Raises `ValueError` for a time without a zone, which is another moment elsewhere.
        """
        if now is not None and now.tzinfo is None:
            raise ValueError(f"The time of an entry needs a zone; {now!r} has none.")
        self._now = now

    def next_step(self) -> AgentRunStep:
        """What the driver does next. Asking again gives the same answer."""
        run = self._take("next_step")
        match run.state:
            case State.READY:
                self._log(TurnBegan(run.turn) if begin_turn(run) else LimitReached())
                return self.next_step()
            case State.AWAITING_MODEL:
                return self._call_model()
            case State.RESOLVING:
                return ResolveToolCall(*self._pending.looked_at())
            case State.AWAITING_DECISION:
                return AwaitDecision(self._pending.requests())
            case State.EXECUTING_TOOLS:
                return CallTools(self._pending.executable(), self._pending.started)
            case State.DONE:
                return Done(self._response())
            case State.FAILED:
                assert run.cause is not None
                return Failed(run.cause, shown(run, self._program), run.usage)
            case _:
                assert_never(run.state)

    def model_response(self, turn: ModelTurn | str, *, feedback: str | None = None) -> ModelTurnOutcome:
        """Takes a model's turn, and says what it came to.

        With `feedback` the driver itself refuses the turn: no tool of it is executed, and the model is asked again as
        after an answer that is not valid.
        """
        run = self._take("model_response")
        turn = ModelTurn.from_text(turn) if isinstance(turn, str) else turn
        check_turn(run, turn)
        heard = pending_turn(run, turn)
        pending = joined(heard, run.prefix)
        verdict = weigh(run, pending, self._code, feedback)
        record(run, turn)
        use_up_prefix(run)
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
        # An answer that broke off, or was not waited for, has a cost that nobody knows.
        run.usage += usage or (Usage() if failure.kind in ("Interrupted", "TimedOut") else None)
        if retryable and run.attempt < run.limits.max_attempts:
            run.attempt += 1
        else:
            fail(run, ProviderFailure(failure))
        self._log(failed)
        return self.next_step()

    def resolve_tool_call(self, resolution: Resolution) -> ModelTurnOutcome:
        """Says what becomes of the call that `ResolveToolCall` named."""
        outcome = resolve(self._take("resolve_tool_call"), self._pending, self._code, resolution)
        self._log(CallResolved(resolution))
        return outcome

    def decide(self, key: str, decision: Decision, *, by: str = "") -> ModelTurnOutcome:
        """Says what becomes of one of the calls that `AwaitDecision` named. Raises for arguments that are not valid."""
        outcome = decide(self._take("decide"), self._pending, self._code, key, decision)
        self._log(Decided(key, decision, by))
        return outcome

    def tool_started(self, key: str, arguments: dict[str, Any] | None = None) -> PendingToolCall:
        """Says that a call is about to be executed, with other arguments where some are given, and gives it as it is.

        A run that is stored after this and before the result knows that the effect may have happened.
        """
        run = self._take("tool_started")
        pending = begun(run, self._pending, key, arguments, self._code)
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
        check_results(run, self._pending, [key for key, _ in pairs])
        pending = answering(run, self._pending, pairs)
        hold(run, pending)
        taken = [(key, pending.results[key]) for key, _ in pairs]
        stored = tuple(StoredResult(key, run.place(one.message), one.error, one.stop) for key, one in taken)
        proceed(run, pending)
        self._log(ToolsReturned(stored))

    def recover(self) -> ModelTurnOutcome:
        """Deals with the calls that a driver which is gone had started, each by its tool's policy."""
        outcome = recover(self._take("recover"), self._pending, self._code)
        self._log(Recovered())
        return outcome

    def inject(self, messages: Messages | Message | MessageDict | str) -> None:
        """Says something more: it joins the history before the next turn. A run that is done is ready again."""
        run = self._take("inject")
        heard = Message.fit_as_list(messages)
        check_messages(run, heard)
        listen(run, heard)
        self._value = _UNREAD
        self._log(Injected(tuple(run.place(message) for message in heard)))

    def expire(self, now: datetime) -> None:
        """Ends the run because its deadline has passed at `now`; it goes on as after `cancel`."""
        run = self._take("expire")
        deadline = check_expired(run, now)
        fail(run, BudgetExceeded("deadline", deadline.isoformat(), now.isoformat()), run.pending)
        self._log(Expired(now))

    def cancel(self, reason: str, *, by: str = "") -> None:
        """Ends the run. Results in hand are kept; calls without one are answered as not executed."""
        run = self._take("cancel")
        fail(run, Cancelled(reason, by), run.pending)
        self._log(CancelAsked(reason, by))

    def raise_limit(self, **limits: float | datetime | None) -> None:
        """Gives a run that failed at a limit or a budget higher ones, by their names in `RunLimits`; it goes on.

        After a call that failed it is `max_attempts` that is raised, and the call is made again; after answers that
        were not valid it is `max_output_retries`, and the model is told what was wrong with the last.
        """
        run = self._take("raise_limit")
        run.limits = raised(run, limits)
        if isinstance(run.cause, OutputInvalid):
            refuse_last(run, run.cause.feedback)
        is_call = isinstance(run.cause, ProviderFailure)
        run.cause, run.state = None, State.AWAITING_MODEL if is_call else State.READY
        run.attempt += is_call
        self._log(LimitsRaised(run.limits))

    def rename(self, run_id: str) -> None:
        """Goes by another id from here on. Calls that were started under the old one are no longer this run's."""
        run = self._take("rename")
        rename(run, run_id, self._program)
        self._log(Forked(run_id))

    def recheck(self, changes: Sequence[str]) -> None:
        """Notes that the program is another than before, and judges a pending turn by it; `load` says so by itself."""
        run = self._take("recheck")
        if run.pending is not None:
            check_anew(run, run.pending, self._code)
        self._log(ProgramChanged(tuple(changes)))

    def fork(self, at: int | None = None, *, run_id: str | None = None) -> AgentRun:
        """Another run that begins with the first `at` entries of this one's journal (all of them by default).

        What happened is not done again, and what happens from here on is the fork's own: it has an id of its own, by
        default this one's with the place behind it. Calls that were started before must be decided about. Two forks at
        one place need ids that differ, or their tools are given the same keys.

        Raises `ReplayDivergence` when the program judges otherwise than
        it did.
        """
        journal = self.journal
        place = len(journal) if at is None else at
        if not 0 <= place <= len(journal):
            raise ValueError(f"The journal has {len(journal)} entries; a fork is at 0 to {len(journal)}, not {place}.")
        if self._program is None:
            raise ProgramNeededError(f"A fork of {self.run_id!r} needs its program; load it with it.")
        made = self._copy() if place == len(journal) else self._played(journal, place)
        made.stamp(self._now)
        made.rename(f"{self.run_id}.{place}" if run_id is None else run_id)
        return made

    def _copy(self) -> AgentRun:
        # Nothing is judged anew, so this is the way for a run whose journal does not go back to its beginning.
        return AgentRun.load(self.dump(), self._program, allow_changes=True)

    def _played(self, journal: Journal, upto: int) -> AgentRun:
        given = journal.bodies[: journal.given]
        made = AgentRun(history=given, limits=journal.limits, program=self._program, run_id=journal.run_id)
        play(made, journal, upto)
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
        if differences:
            loaded.recheck(differences)
        elif program is not None and loaded._run.pending is not None:
            loaded._check_silently(loaded._run.pending, program)
        return loaded

    def _check_silently(self, pending: PendingTurn, program: Program) -> None:
        """The same program judges a pending turn anew; where it does so otherwise, the journal says that it did."""
        run, before = self._run, (self._run.state, pending.problem, pending.undecided)
        check_anew(run, pending, program)
        if run.pending is None or (run.state, run.pending.problem, run.pending.undecided) != before:
            self._log(ProgramChanged(()))

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

    # Answering.

    def _response(self) -> Response:
        run = self._run
        if self._value is _UNREAD:
            self._value = read_answer(run, self._program, is_wanted="output" in self._fingerprint)
        error = self._value.text if isinstance(self._value, Feedback) else None
        value = last_answer(run) if error is not None else self._value
        return Response(value, shown(run, self._program), run.usage, self.calls, error, run.truncation)

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

    def _log(self, accepted: Input) -> None:
        self._run.journal.append(Entry(accepted, self._run.state, self._now))

    def _take(self, name: InputName) -> RunState:
        """The data of the run, when it takes this input where it is."""
        check_state(self._run, name, self._program)
        return self._run
