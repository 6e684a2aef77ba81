"""`replay`: a journal played again from its beginning, without a model and without tools."""

from __future__ import annotations

from rigging_py.run.journal import Journal
from rigging_py.run.machine import AgentRun
from rigging_py.run.play import play
from rigging_py.run.program import Program


def replay(journal: Journal, program: Program | None = None, *, upto: int | None = None) -> AgentRun:
    """The run that the first `upto` entries of a journal lead to (all by default), judged anew by `program`.

    Raises `ReplayDivergence` at the first entry that does not lead where it led then.
    """
    run = begun(journal, program)
    play(run, journal, upto)
    return run


def begun(journal: Journal, program: Program | None = None) -> AgentRun:
    """A run that stands where the journal begins."""
    given = journal.bodies[: journal.given]
    return AgentRun(history=given, limits=journal.limits, program=program, run_id=journal.run_id)
