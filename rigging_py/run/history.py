"""The history of a run: what joins it, under which uuids, and what of it a model or a reader is shown."""

from __future__ import annotations

from uuid import UUID

from rigging_py.message import Message, ModelTurn, Usage, uuid_named
from rigging_py.run.memory import Answered, PendingTurn, RunState
from rigging_py.run.program import OutputSpec, Program
from rigging_py.run.steps import PendingToolCall, ToolResult

NOT_EXECUTED = "This call was not executed."
UNFINISHED = "This call was started, and its result never came: what it does may have happened."
_NAMESPACE = UUID("6f2f9b0e-8a44-5c1f-9d2b-51c1f0a7a3de")


def uuid_at(run: RunState, index: int) -> UUID:
    """The uuid of the message that takes place `index` of the history in this turn."""
    return uuid_named(_NAMESPACE, f"{run.run_id}/{run.turn}/{index}")


def record(run: RunState, turn: ModelTurn) -> None:
    """Counts a call that gave a turn, and those that the generator had to make before it."""
    for usage in (*turn.attempts, turn.usage):
        # A call whose usage nobody knows has a cost that nobody knows.
        run.usage += usage or Usage()


def answered(run: RunState, turn: PendingTurn, call: PendingToolCall, result: ToolResult) -> Answered:
    """The result of a call as a message, at the place it will have in the history."""
    place = len(run.messages) + 1 + turn.calls.index(call)
    content = result.content if isinstance(result.content, str) else list(result.content)
    metadata = {**result.metadata, "error": True} if result.error else dict(result.metadata)
    message = Message("tool", content, tool_call_id=call.id, metadata=metadata, uuid=uuid_at(run, place))
    return Answered(message, result.error, result.stop)


def hold(run: RunState, turn: PendingTurn) -> None:
    """The turn is pending; its messages have their places from now on."""
    run.pending = turn
    run.place(turn.message)
    for result in turn.results.values():
        run.place(result.message)


def commit(run: RunState, turn: PendingTurn, unanswered: str = NOT_EXECUTED) -> None:
    """The turn joins the history with one result for each call, in call order; calls without one get `unanswered`.

    Of a call that was begun nobody may say that, or the model would ask for what may have been done already.
    """
    begun = {*turn.started, *(key for key, why in turn.undecided.items() if why == "unfinished")}
    for call in turn.missing():
        nothing = ToolResult(UNFINISHED if call.key in begun else unanswered, error=True)
        turn.results[call.key] = answered(run, turn, call, nothing)
    say(run, turn.message, *(turn.results[call.key].message for call in turn.calls))
    run.pending = None


def commit_what_was_said(run: RunState, turn: PendingTurn) -> None:
    """The turn joins the history, unless it says and asks for nothing: providers refuse an empty message."""
    if turn.calls or says_anything(turn.message):
        commit(run, turn)
    run.pending = None


def say(run: RunState, *messages: Message) -> None:
    """The messages join the history."""
    for message in messages:
        run.place(message)
        run.messages.append(message)


def refuse(run: RunState, turn: PendingTurn, reply: str | None) -> None:
    """A refused answer joins the history, and what is said about it; a silent one leaves no message of its own."""
    place = len(run.messages)
    commit_what_was_said(run, turn)
    if reply is not None:
        say(run, Message("user", reply, uuid=uuid_at(run, len(run.messages))))
    run.refused += [run.place(message) for message in run.messages[place:]]


def refuse_last(run: RunState, reply: str) -> None:
    """The answer that the run ended with was refused after all, and the model is told why."""
    place = next((at for at in range(len(run.messages) - 1, -1, -1) if run.messages[at].role == "assistant"), 0)
    is_said = place >= run.given
    say(run, Message("user", reply, uuid=uuid_at(run, len(run.messages))))
    run.refused += [run.place(message) for message in run.messages[place if is_said else -1 :]]
    run.output_retries += 1


def sent(run: RunState, output: OutputSpec | None) -> tuple[Message, ...]:
    """What the next call is sent: everything, but when answers are regenerated nothing of those refused."""
    return _without_refused(run) if output is not None and output.on_invalid == "regenerate" else tuple(run.messages)


def shown(run: RunState, program: Program | None) -> tuple[Message, ...]:
    """What a finished run shows: everything, unless the dialog about refused answers is not kept."""
    output = program.output if program is not None else None
    return tuple(run.messages) if output is None or output.keep_dialog else _without_refused(run)


def last_turn(run: RunState) -> Message | None:
    """The last thing the model said."""
    return next((message for message in reversed(run.messages) if message.role == "assistant"), None)


def last_answer(run: RunState) -> str:
    """The text of the last thing the model said."""
    said = last_turn(run)
    return said.content if said is not None else ""


def says_anything(message: Message) -> bool:
    """Whether a message has content of its own; reasoning alone is none."""
    return bool(message.content.strip()) or any(
        part.type not in ("text", "reasoning") for part in message.content_parts
    )


def _without_refused(run: RunState) -> tuple[Message, ...]:
    refused = set(run.refused)
    return tuple(message for message in run.messages if run.places[id(message)] not in refused)
