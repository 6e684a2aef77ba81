"""The commands, as typer reads them: `rigging-py runs list`, `show`, `replay` and `fork`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from rigging_py.chat.keeper import Keeper, read
from rigging_py.cli.named import line_of, opened, pipeline_named
from rigging_py.cli.screen import say, show_journal, show_json, show_lines, show_messages, show_run
from rigging_py.cli.told import Told, line_as_json
from rigging_py.error import ReplayDivergence, RunNotFoundError
from rigging_py.run import AgentRun, Program, State
from rigging_py.run import replay as played
from rigging_py.version import VERSION

DIFFERS = 1
_LEASE = 30.0

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The id of a run in the store.")]
StoreName = Annotated[
    str, typer.Option("--store", envvar="RIGGING_PY_STORE", help="The run store, such as sqlite!runs.db.")
]
PipelineName = Annotated[
    str,
    typer.Option("--pipeline", metavar="MODULE:NAME", help="A ChatPipeline in your code, such as app.agent:pipeline."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Give JSON.")]

app = typer.Typer(
    name="rigging-py",
    help="Looks after what rigging_py keeps.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
runs = typer.Typer(help="Lists, shows, replays and forks the runs in a store.")
app.add_typer(runs, name="runs")


def run(arguments: Sequence[str]) -> int:
    """Runs the command and gives its exit code; raises what goes wrong."""
    code = app(list(arguments), prog_name="rigging-py", standalone_mode=False)
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Say the version.")] = False
) -> None:
    """Looks after what rigging_py keeps."""
    if version:
        say(VERSION)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@runs.command("list")
def list_runs(
    store: StoreName,
    status: Annotated[State | None, typer.Option(case_sensitive=False, help="Only runs in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Lists the runs of a store, the newest first."""
    asyncio.run(_list(store, status, limit, as_json))


async def _list(store: str, status: State | None, limit: int, as_json: bool) -> None:
    async with opened(store) as place:
        lines = await place.list(status=status, limit=limit)
        if as_json:
            show_json([line_as_json(line) for line in lines])
        elif lines:
            show_lines(lines)
        else:
            say(f"There is no run{f' that is {status}' if status else ''} in {place}.")


@runs.command("show")
def show(
    run_id: RunId,
    store: StoreName,
    journal: Annotated[bool, typer.Option("--journal", help="With every entry of the journal.")] = False,
    messages: Annotated[bool, typer.Option("--messages", help="With everything said.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows where a run is and what it waits for."""
    told = asyncio.run(_told(store, run_id))
    if as_json:
        facts = told.to_json()
        facts |= {"journal": told.state["journal"]} if journal else {}
        facts |= {"messages": [one.model_dump(mode="json") for one in told.run.messages]} if messages else {}
        show_json(facts)
        return
    show_run(told)
    if journal:
        show_journal(told)
    if messages:
        show_messages(told)


async def _told(store: str, run_id: str) -> Told:
    async with opened(store) as place:
        stored, _ = await read(place, run_id)
        line = await line_of(place, run_id)
    if line is None:
        # Somebody deleted it between the two.
        raise RunNotFoundError(run_id, place.address)
    return Told.of(stored, line)


@runs.command("replay")
def replay(
    run_id: RunId,
    store: StoreName,
    pipeline: PipelineName,
    upto: Annotated[int | None, typer.Option(min=0, help="Only so many entries.")] = None,
) -> None:
    """Replays a run: its journal, judged anew by a pipeline. Exit code 1 where they differ.

    No model is called and no tool executed.
    """
    program, stored = pipeline_named(pipeline).program, asyncio.run(_stored(store, run_id))
    count = _place(stored, upto)
    try:
        again = played(stored.journal, program, upto=count)
    except ReplayDivergence as found:
        _tell_divergence(stored, found)
        raise typer.Exit(DIFFERS) from None
    say(f"{run_id}: {count} of {len(stored.journal)} entries are as they were, to the state {again.state}.")


def _tell_divergence(stored: AgentRun, found: ReplayDivergence) -> None:
    kind = stored.journal[found.at].input.type if 0 <= found.at < len(stored.journal) else "its end"
    say(f"{stored.run_id} differs from its journal at entry {found.at}, {kind}:")
    for line in found.diff:
        say(f"  {line}")


async def _stored(store: str, run_id: str) -> AgentRun:
    async with opened(store) as place:
        stored, _ = await read(place, run_id)
    return stored


def _place(stored: AgentRun, at: int | None) -> int:
    _require(stored.run_id, stored.position, at)
    return stored.position if at is None else at


def _require(run_id: str, count: int, at: int | None) -> None:
    if at is not None and at > count:
        raise ValueError(f"The journal of {run_id!r} has {count} entries; give a place from 0 to {count}.")


@runs.command("fork")
def fork(
    run_id: RunId,
    at: Annotated[int, typer.Option("--at", min=0, help="How many entries of the journal the fork begins with.")],
    store: StoreName,
    pipeline: PipelineName,
    new_id: Annotated[str | None, typer.Option("--as", help="The id of the fork; RUN_ID.AT by default.")] = None,
) -> None:
    """Stores a run that begins with a part of another's journal, to be resumed by its own id."""
    asyncio.run(_fork(store, run_id, at, new_id, pipeline_named(pipeline).program))


async def _fork(store: str, run_id: str, at: int, new_id: str | None, program: Program) -> None:
    async with opened(store) as place:
        stored, lengths = await read(place, run_id, program, allow_changes=True)
        _require(run_id, lengths["journal"], at)
        stored.stamp(datetime.now(UTC))
        made = stored.fork(at, run_id=new_id)
        keeper = await Keeper.begin(place, made, lease_for=_LEASE)
        await place.release(keeper.lease)
        say(f"{made.run_id} begins with {at} of {lengths['journal']} entries of {run_id}, and is {made.state}.")
        say(f"Go on with it: await pipeline.resume({made.run_id!r}, store={place.address!r})")
