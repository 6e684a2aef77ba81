"""Shows runs on a terminal, or in a pipe: tables without markup, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rigging_py.cli.plain import excerpt
from rigging_py.cli.told import STEPS, Told, tell_cause, tell_entry
from rigging_py.message import Usage
from rigging_py.store import RunSummary
from rigging_py.util.text import plain

_WIDE = 400
"""Columns where there is no terminal, so that a line stays a line."""


def show_json(value: Any) -> None:
    """JSON in ASCII, in which no character can mean anything to a terminal."""
    text = json.dumps(value, indent=2).replace("\x7f", "\\u007f")
    sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """One line."""
    sys.stdout.write(f"{plain(text, keep='')}\n")


def show_lines(lines: Sequence[RunSummary]) -> None:
    """The table of `list`."""
    rows = [
        (one.run_id, one.status, str(one.version), one.owner or "", _time(one.created), _time(one.updated))
        for one in lines
    ]
    _show_table(("run", "state", "version", "held by", "created", "updated"), rows)


def show_run(told: Told) -> None:
    """What `show` says of a run."""
    run, line = told.run, told.line
    rows = [
        ("run", run.run_id),
        ("state", f"{run.state}, step {STEPS[run.state]}"),
        ("waits for", told.waits_for()),
        ("turns", f"{run.turns} of {run.limits.max_turns}, {run.tool_turns} of {run.limits.max_tool_turns} with tools"),
        ("usage", f"{_usage(run.usage)}; model calls: {len(run.calls)}"),
        *([("cause", tell_cause(told.cause))] if told.cause is not None else []),
        ("held by", line.owner or "nobody"),
        ("stored", f"version {line.version}, created {_time(line.created)}, updated {_time(line.updated)}"),
        ("program", ", ".join(sorted(told.state["fingerprint"])) or "no tools, any answer"),
        ("holds", f"{len(run.journal)} entries, {len(run.messages)} messages"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
    calls = [(one.call.key, one.call.name, excerpt(one.call.raw, 200), one.status) for one in told.open_calls()]
    if calls:
        say("")
        _show_table(("call", "tool", "arguments", "status"), calls)


def show_journal(told: Told) -> None:
    """The journal as a table, each entry with its place."""
    journal, limits, rows = told.run.journal, told.run.journal.limits, list[tuple[str, ...]]()
    for at, entry in enumerate(journal):
        about = tell_entry(entry, journal, limits)
        limits = getattr(entry.input, "limits", limits)
        rows.append((str(at), _time(entry.time) if entry.time else "", entry.input.type, about, str(entry.state)))
    say("")
    _show_table(("at", "time", "input", "what", "state"), rows)


def show_messages(told: Told) -> None:
    """Everything said, in full."""
    for message in told.run.messages:
        sys.stdout.write(f"\n{plain(str(message))}\n")


def _show_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        # As Text a cell is no markup, whatever brackets are in it.
        table.add_row(*(Text(plain(cell, keep="")) for cell in row))
    is_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=None if is_terminal else _WIDE)
    console.print(table)


def _time(time: datetime) -> str:
    return time.astimezone().isoformat(" ", "seconds")


def _usage(usage: Usage) -> str:
    cost = "unknown cost" if usage.cost is None else f"${usage.cost:.4f}"
    return f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out, {cost}"
