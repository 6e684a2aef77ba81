"""`replay`: a run that happened, had again from its journal: as a whole, with live tools, or with a live model.

What is recorded is judged anew by the pipeline's program; what is live goes through the one driver.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from rigging_py.chat.chat import Chat
from rigging_py.chat.drive import FailMode, Pass, finished
from rigging_py.chat.flight import Flight
from rigging_py.chat.tape import Tape
from rigging_py.chat.trial import try_tools
from rigging_py.run import AgentRun, Expired, Journal, LimitsRaised, RunLimits, State
from rigging_py.run import replay as played

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import ChatPipeline

ReplayMode: TypeAlias = Literal["strict", "model-only", "tools-only"]
"""What comes from the journal: everything, what the model said, or what the tools gave."""

_MODES = get_args(ReplayMode)
_ENDED = (State.DONE, State.FAILED)


async def replay(
    pipeline: ChatPipeline,
    journal_or_run: Journal | AgentRun,
    *,
    mode: ReplayMode = "strict",
    live_after: int | None = None,
    on_failed: FailMode | None = None,
) -> Chat:
    """The chat that a journal leads to, judged anew by this pipeline's tools and output.

    `strict`: no model is called, no tool executed and no hook asked. `model-only`: once that holds, every tool that
    gave a result is executed again with the same call, key and hooks, and its result compared. `tools-only`: the model
    answers the journal's messages anew, and tools give what they gave at the same place of the same turn, where the
    model must make the same call; hooks are asked, but decisions and resolutions are the recorded ones.

    With `live_after` the first so many entries come from the journal, and a fork with an id of its own goes on live.
    Without it callbacks are not called. A journal that ends before its run gives the chat so far, and a recorded
    failure is raised, or included, as `run` does. Raises `ReplayDivergence` where the two part.
    """
    journal = journal_or_run.journal if isinstance(journal_or_run, AgentRun) else journal_or_run
    if not isinstance(journal, Journal):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"What is replayed is a run or its journal; not {journal!r}.")
    how = on_failed or pipeline.on_failed
    _require(mode, live_after, journal, how)
    quiet = replace(pipeline, then_callbacks=(), map_callbacks=(), watch_callbacks=())
    if mode == "tools-only":
        return await _with_recorded_tools(quiet, journal, how)
    heard = journal if live_after is None else _in_time(journal, pipeline, live_after)
    run = played(heard, pipeline.program, upto=live_after)
    if mode == "model-only":
        await try_tools(quiet, journal, len(run.journal))
    if live_after is None:
        return await _ended(_standing(quiet, run), how)
    run.rename(f"{run.run_id}.{live_after}")
    return await _driven(_standing(pipeline, run), how)


def _require(mode: ReplayMode, live_after: int | None, journal: Journal, on_failed: FailMode) -> None:
    if mode not in _MODES:
        raise ValueError(f"mode is 'strict', 'model-only' or 'tools-only'; not {mode!r}.")
    if on_failed == "skip":
        raise ValueError("One run cannot be skipped: use on_failed='include'.")
    if live_after is None:
        return
    if mode == "tools-only":
        raise ValueError("In the mode 'tools-only' the model is live from the beginning; leave live_after out.")
    if not 0 <= live_after <= len(journal):
        raise ValueError(
            f"The journal has {len(journal)} entries; live_after is 0 to {len(journal)}, not {live_after}."
        )


def _in_time(journal: Journal, pipeline: ChatPipeline, count: int) -> Journal:
    """The journal of a run that has as long as one that begins now: the old deadline may have passed long ago."""
    if any(isinstance(entry.input, Expired) for entry in journal[:count]):
        # It did pass, and what followed from that is not to be changed.
        return journal
    deadline = pipeline.limits_from_now().deadline
    entries = [
        replace(entry, input=LimitsRaised(replace(entry.input.limits, deadline=deadline)))
        if isinstance(entry.input, LimitsRaised)
        else entry
        for entry in journal
    ]
    return replace(journal, limits=replace(journal.limits, deadline=deadline), entries=entries)


# Ending it.


def _standing(pipeline: ChatPipeline, run: AgentRun) -> Flight:
    """A flight at the place where the journal has led."""
    flight = Flight.of(pipeline, run)
    flight.last = run.journal.last_turn()
    return flight


async def _ended(flight: Flight, on_failed: FailMode) -> Chat:
    """The chat of a run that is over, or the chat so far of one that is not."""
    if flight.run.state in _ENDED:
        return await _driven(flight, on_failed)
    chat = flight.chat()
    # What was said last is not what was sent last: it is in the history, or it waits for its tools.
    return chat.model_copy(update={"messages": [one.shell() for one in flight.run.messages], "generated": []})


async def _driven(flight: Flight, on_failed: FailMode) -> Chat:
    """The chat of a run that is driven on, if it is not over."""
    chats = await finished(Pass(flight.pipeline, [flight], on_failed))
    if len(chats) != 1:
        raise ValueError(f"A map callback made {len(chats)} chats of one; replay without live_after calls none.")
    return chats[0]


async def _with_recorded_tools(pipeline: ChatPipeline, journal: Journal, on_failed: FailMode) -> Chat:
    run = AgentRun(
        history=journal.bodies[: journal.given],
        limits=_limits_now(pipeline, journal),
        program=pipeline.program,
        run_id=journal.run_id,
    )
    tape = Tape(journal, run)
    flight = Flight.of(replace(pipeline, hooks=(tape, *pipeline.hooks)), run)
    tape.say(0)
    chat = await _driven(flight, on_failed)
    for messages in tape.follow_ups:
        if run.state is not State.DONE:
            break
        run.inject(messages)
        flight.end = None
        chat = await _driven(flight, on_failed)
    return chat


def _limits_now(pipeline: ChatPipeline, journal: Journal) -> RunLimits:
    """The highest limits that the run had, with the time of one that begins now."""
    raised = [entry.input.limits for entry in journal if isinstance(entry.input, LimitsRaised)]
    return replace([journal.limits, *raised][-1], deadline=pipeline.limits_from_now().deadline)
