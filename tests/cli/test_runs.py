"""`rigging-py runs` tells what is in a store, replays it and forks it; what goes wrong is one line and an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

import rigging_py as rg
from rigging_py.chat.keeper import Keeper, read
from rigging_py.cli import main
from rigging_py.error import RateLimitedError
from rigging_py.run import AgentRun, Answer, CallTools, Program, ProgramTool, RunLimits
from tests.tools.calls import call

T = TypeVar("T")
EVIL = "\x1b[31mred\x1b[0m [bold]b[/bold] :smile: \u202eback \x9b2J \ud800 \x07"
_numbers = count(1)

PROGRAM = """
    import rigging_py as rg

    def pay(amount: int) -> str:
        "Pays."
        raise AssertionError("a tool was executed")

    pipeline = rg.scripted().chat("Pay.").using(rg.tool(pay, needs_approval=True)).until_parsed_as(int)
    other = rg.scripted().chat("Pay.").using(rg.tool(pay, needs_approval=True)).until_parsed_as(bool)
    number = 7

    class holder:
        inner = pipeline
"""


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


@rg.tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pays."""
    return f"paid {amount}"


def paying(*replies: Any) -> rg.ChatPipeline:
    return rg.scripted(*replies).chat("Pay.").using(pay).until_parsed_as(int)


class Terminal:
    """The command as it is used in a folder with a store and a program."""

    def __init__(self, folder: Path, program: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.program, self.capsys = folder, program, capsys
        self.store = f"sqlite!{folder / 'runs.db'}"

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main(["runs", *arguments])
        return code, *self.capsys.readouterr()

    def said(self, *arguments: str) -> str:
        code, out, err = self(*arguments)
        assert (code, err) == (0, "")
        return out

    def keep(self, pipeline: rg.ChatPipeline, run_id: str, **how: Any) -> None:
        """Runs a pipeline into the store, whatever becomes of it."""

        async def keep() -> None:
            with suppress(rg.RiggingError):
                await pipeline.run(store=self.store, run_id=run_id, **how)

        wait_for(keep())

    def keep_run(self, run: AgentRun) -> None:
        async def keep() -> None:
            async with rg.get_store(self.store) as store:
                keeper = await Keeper.begin(store, run)
                await store.release(keeper.lease)

        wait_for(keep())

    def run(self, run_id: str, program: Program | None = None) -> AgentRun:
        async def stored() -> AgentRun:
            async with rg.get_store(self.store) as store:
                return (await read(store, run_id, program))[0]

        return wait_for(stored())


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    program = f"program_{os.getpid()}_{next(_numbers)}"
    (tmp_path / f"{program}.py").write_text(textwrap.dedent(PROGRAM))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    terminal = Terminal(tmp_path, program, capsys)
    monkeypatch.setenv("RIGGING_PY_STORE", terminal.store)
    yield terminal
    sys.modules.pop(program, None)


# list


def test_list_shows_the_runs_of_a_store_the_newest_first(terminal: Terminal) -> None:
    terminal.keep(paying("<int>1</int>"), "first")
    terminal.keep(paying(call("pay", {"amount": 5})), "second")
    lines = terminal.said("list").splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["second", "AwaitingDecision"], ["first", "Done"]]
    assert "\x1b" not in "".join(lines)


def test_list_chooses_by_state_and_counts(terminal: Terminal) -> None:
    for number in range(3):
        terminal.keep(paying("<int>1</int>"), f"r{number}")
    terminal.keep(paying(RateLimitedError("Too fast.")), "failed")
    assert [one["run_id"] for one in json.loads(terminal.said("list", "--json", "--status", "done"))] == [
        "r2",
        "r1",
        "r0",
    ]
    assert [one["run_id"] for one in json.loads(terminal.said("list", "--json", "--limit", "2"))] == ["failed", "r2"]


def test_list_says_when_there_is_nothing(terminal: Terminal) -> None:
    terminal.keep(paying("<int>1</int>"), "first")
    assert terminal.said("list", "--status", "Failed") == f"There is no run that is Failed in {terminal.store}.\n"
    assert json.loads(terminal.said("list", "--status", "Failed", "--json")) == []


# show


def test_show_tells_what_a_paused_run_waits_for(terminal: Terminal) -> None:
    terminal.keep(paying(call("pay", {"amount": 5})), "trip")
    said = terminal.said("show", "trip")
    assert "AwaitingDecision, step AwaitDecision" in said
    assert "decisions on trip/1/0" in said
    assert '{"amount": 5}' in said
    assert "needs a decision (approval)" in said
    assert "held by    nobody" in said
    facts = json.loads(terminal.said("show", "trip", "--json"))
    assert facts["waits_for"] == "AwaitDecision"
    assert facts["open_calls"] == [
        {"key": "trip/1/0", "tool": "pay", "arguments": {"amount": 5}, "needs_decision": "approval", "started": False}
    ]


def test_show_tells_why_a_run_failed_and_what_it_used(terminal: Terminal) -> None:
    terminal.keep(paying(RateLimitedError("Too fast.", provider="them")), "trip")
    said = terminal.said("show", "trip", "--journal")
    assert "ProviderFailure: RateLimited of type RateLimitedError: Too fast." in said
    assert "0 tokens in, 0 out" in said
    assert json.loads(terminal.said("show", "trip", "--json"))["cause"]["error"]["kind"] == "RateLimited"
    terminal.keep(paying("no", "no").until_parsed_as(int, max_rounds=1), "other")
    assert "OutputInvalid: " in terminal.said("show", "other")


def test_show_tells_who_holds_a_run(terminal: Terminal) -> None:
    async def hold() -> None:
        async with rg.get_store(terminal.store) as store:
            await store.acquire("trip", owner="worker-9", lease_for=600)

    terminal.keep(paying("<int>1</int>"), "trip")
    wait_for(hold())
    assert "held by    worker-9" in terminal.said("show", "trip")
    assert json.loads(terminal.said("show", "trip", "--json"))["owner"] == "worker-9"


def eventful() -> AgentRun:
    """A run with every kind of input in its journal but the migration of an older format."""
    tool = ProgramTool({}, lambda _: None, needs_approval=lambda arguments: "a" in arguments)
    limits = RunLimits(9, max_attempts=2, deadline=datetime(2030, 1, 1, tzinfo=UTC))
    run = AgentRun("hi", limits=limits, program=Program({"pay": tool}), run_id="old")
    run.stamp(datetime(2026, 1, 2, tzinfo=UTC))
    run.next_step()
    run.model_failed(RateLimitedError("Too fast."), retryable=True)
    run.model_response(rg.ModelTurn.of("So:", [call("pay", {"a": 1}, "x"), call("pay", {}, "y"), call("pai", {}, "z")]))
    run.resolve_tool_call(Answer("No such tool."))
    run.tool_started("old/1/1", {"b": 2})
    run.tool_result("old/1/1", "paid")
    run.decide("old/1/0", rg.Approve())
    run.tool_started("old/1/0")
    run.recover()
    run.decide("old/1/0", rg.Deny("Enough."))
    run.inject("more")
    run.rename("trip")
    run.next_step()
    run.expire(datetime(2031, 1, 1, tzinfo=UTC))
    run.raise_limit(deadline=datetime(2040, 1, 1, tzinfo=UTC))
    run.cancel("over", by="Ann")
    return run


def test_show_has_a_line_for_every_kind_of_entry_with_its_place(terminal: Terminal) -> None:
    run = eventful()
    terminal.keep_run(run)
    lines = terminal.said("show", "trip", "--journal").partition("\n\n")[2].splitlines()[2:]
    told = {line.split()[3]: " ".join(line.split()[4:]) for line in lines}
    assert [line.split()[0] for line in lines] == [str(at) for at in range(len(run.journal))]
    assert [line.split()[-1] for line in lines] == [str(entry.state) for entry in run.journal]
    assert {entry.input.type for entry in run.journal} == told.keys()
    assert len(told) == 13
    for kind, part in {
        "ModelFailed": "RateLimited, to be tried again: Too fast.",
        "ModelResponded": "tool_calls: 'So:', pay({\"a\": 1}), pay({}), pai({})",
        "CallResolved": "Answer: No such tool.",
        "ToolsReturned": "old/1/1: 'paid'",
        "Decided": "old/1/0: Deny: Enough.",
        "Injected": "'more'",
        "Forked": "goes on as trip",
        "Expired": "the deadline had passed at 2031-01-01",
        "LimitsRaised": "deadline: 2030-01-01 00:00:00+00:00 → 2040-01-01 00:00:00+00:00",
        "CancelAsked": "by Ann: over",
    }.items():
        assert part in told[kind]


def ready() -> AgentRun:
    return AgentRun("hi", run_id="trip")


def awaiting_model() -> AgentRun:
    run = ready()
    run.next_step()
    return run


def resolving() -> AgentRun:
    run = awaiting_model()
    run.model_response(rg.ModelTurn.of(tool_calls=[call("nope")]))
    return run


def executing() -> AgentRun:
    run = AgentRun("hi", run_id="trip", program=Program({"pay": ProgramTool({}, lambda _: None)}))
    run.next_step()
    run.model_response(rg.ModelTurn.of(tool_calls=[call("pay", None, "x"), call("pay", None, "y")]))
    assert isinstance(run.next_step(), CallTools)
    run.tool_started("trip/1/0")
    return run


@pytest.mark.parametrize(
    ("made", "step", "words"),
    [
        (ready, "CallModel", "turn 1 of the model"),
        (awaiting_model, "CallModel", "the model's answer in turn 1, attempt 1"),
        (resolving, "ResolveToolCall", "There is no tool 'nope'"),
        (executing, "CallTools", "results of trip/1/0, trip/1/1"),
    ],
)
def test_show_names_the_step_of_every_state(
    terminal: Terminal, made: Callable[[], AgentRun], step: str, words: str
) -> None:
    terminal.keep_run(made())
    said = terminal.said("show", "trip")
    assert f"step {step}" in said
    assert words in said
    assert json.loads(terminal.said("show", "trip", "--json"))["waits_for"] == step


def test_show_does_not_change_the_run(terminal: Terminal) -> None:
    run = ready()
    terminal.keep_run(run)
    terminal.said("show", "trip", "--journal", "--messages")
    assert terminal.run("trip").dump() == run.dump()


def test_what_models_and_tools_said_is_neither_markup_nor_a_control_sequence(terminal: Terminal) -> None:
    reply = rg.ModelTurn.of(
        EVIL, [call("pay", {"amount": 1, "note": EVIL}), call("pay", EVIL.replace("\ud800", ""), "c2")]
    )
    terminal.keep(rg.scripted(reply).chat(EVIL).using(pay), "trip")
    terminal.keep(paying(RateLimitedError(EVIL)), "other")
    said = terminal.said("show", "trip", "--journal", "--messages") + terminal.said("show", "other", "--journal")
    as_json = [terminal.said("show", name, "--json", "--journal", "--messages") for name in ("trip", "other")]
    assert all(character.isprintable() or character in "\n\t" for character in said + "".join(as_json))
    assert r"\x1b[31mred\x1b[0m [bold]b[/bold] :smile: \u202eback \x9b2J \ud800 \x07" in said
    assert json.loads(as_json[0])["messages"][0]["content"][0]["text"] == EVIL


def test_show_gives_messages_in_full_and_excerpts_elsewhere(terminal: Terminal) -> None:
    terminal.keep(rg.scripted("word " * 1000).chat("hi"), "trip")
    assert terminal.said("show", "trip", "--messages").count("word") == 1000
    assert 10 < terminal.said("show", "trip", "--journal").count("word") < 50


# replay


def finished(terminal: Terminal) -> None:
    class Yes(rg.Hooks):
        async def on_approval(self, detail: Any) -> Any:
            return rg.Approve()

    replies = [call("pay", {"amount": 5}), "no", "<int>5</int>"]
    terminal.keep(paying(*replies).with_hooks(Yes()), "trip")


def test_replay_says_that_nothing_differs(terminal: Terminal) -> None:
    finished(terminal)
    count = len(terminal.run("trip").journal)
    said = terminal.said("replay", "trip", "--pipeline", f"{terminal.program}:pipeline")
    assert said == f"trip: {count} of {count} entries are as they were, to the state Done.\n"
    said = terminal.said("replay", "trip", "--pipeline", f"{terminal.program}:holder.inner", "--upto", "1")
    assert said == f"trip: 1 of {count} entries are as they were, to the state AwaitingModel.\n"


def test_replay_shows_where_another_program_differs_and_exits_with_1(terminal: Terminal) -> None:
    finished(terminal)
    code, out, err = terminal("replay", "trip", "--pipeline", f"{terminal.program}:other")
    assert (code, err) == (1, "")
    first, *diff = out.splitlines()
    assert first.startswith("trip differs from its journal at entry ")
    assert "ModelResponded" in first
    assert diff


# fork


def test_fork_stores_a_run_that_can_be_resumed(terminal: Terminal) -> None:
    finished(terminal)
    said = terminal.said("fork", "trip", "--at", "1", "--pipeline", f"{terminal.program}:pipeline")
    assert said.startswith("trip.1 begins with 1 of ")
    chat = wait_for(paying("<int>9</int>").resume("trip.1", store=terminal.store))
    assert chat.output == 9
    assert terminal.run("trip").state == "Done"


def test_fork_takes_a_name_and_refuses_one_that_is_taken(terminal: Terminal) -> None:
    finished(terminal)
    how = ["fork", "trip", "--at", "2", "--as", "again", "--pipeline", f"{terminal.program}:pipeline"]
    terminal.said(*how)
    assert terminal.run("again").run_id == "again"
    code, out, err = terminal(*how)
    assert (code, out) == (2, "")
    assert "There is a run 'again'" in err


# What goes wrong.


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["show", "nobody"], "There is no run 'nobody' in sqlite!"),
        (["show", "\x1b[2J"], r"not '\x1b[2J'"),
        (["list", "--store", "mongo!x"], "there is no store 'mongo'"),
        (["list", "--store", "runs.db"], "it has no !"),
        (["list", "--store", "sqlite!gone.db"], "There is no file"),
        (["list", "--store", "sqlite!broken.db"], "not a SQLite database"),
        (["list", "--status", "sleeping"], "Invalid value for '--status'"),
        (["list", "--limit", "none"], "Invalid value for '--limit'"),
        (["show"], "Missing argument 'RUN_ID'"),
        (["lsit"], "No such command 'lsit'"),
        ([], "Missing command"),
        (["replay", "trip"], "Missing option '--pipeline'"),
        (["replay", "trip", "--pipeline", "program"], "named as package.module:attribute; not 'program'"),
        (["replay", "trip", "--pipeline", "no_such_program:x"], "No module named 'no_such_program'"),
        (["replay", "trip", "--pipeline", "{program}:nothing"], "There is no pipeline at"),
        (["replay", "trip", "--pipeline", "{program}:number"], "is a int, not a ChatPipeline"),
        (["replay", "trip", "--pipeline", "raising:pipeline"], "cannot be imported: RuntimeError: two lines"),
        (["replay", "trip", "--pipeline", "leaving:pipeline"], "cannot be imported: SystemExit: 3"),
        (["replay", "trip", "--pipeline", "{program}:pipeline", "--upto", "99"], "a place from 0 to"),
        (["fork", "trip", "--at", "-1", "--pipeline", "{program}:pipeline"], "Invalid value for '--at'"),
        (["fork", "trip", "--at", "99", "--pipeline", "{program}:pipeline"], "a place from 0 to"),
        (["fork", "trip", "--at", "9", "--pipeline", "{program}:other"], "differs from the journal"),
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr(terminal: Terminal, arguments: list[str], problem: str) -> None:
    finished(terminal)
    (terminal.folder / "broken.db").write_bytes(b"no database at all" * 99)
    (terminal.folder / "raising.py").write_text("raise RuntimeError('two\\nlines')")
    (terminal.folder / "leaving.py").write_text("raise SystemExit(3)")
    code, out, err = terminal(*(one.format(program=terminal.program) for one in arguments))
    assert (code, out) == (2, "")
    assert problem in err
    assert err.startswith("rigging-py: ")
    assert err.count("\n") == 1
    assert not (terminal.folder / "gone.db").exists()


def test_without_a_store_it_says_how_to_name_one(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIGGING_PY_STORE")
    assert terminal("list") == (2, "", "rigging-py: Missing option '--store' (env var: 'RIGGING_PY_STORE').\n")


def test_a_row_that_is_no_run_is_an_error_and_the_others_are_listed(terminal: Terminal) -> None:
    terminal.keep(paying("<int>1</int>"), "good")
    for name, head in {"torn": b'{"format":', "foreign": b'{"kind": "other"}', "newer": None}.items():
        terminal.keep(paying("<int>1</int>"), name)
        with sqlite3.connect(terminal.folder / "runs.db") as connection:
            if head is None:
                query = "UPDATE runs SET head = replace(head, '\"format\":1', '\"format\":7') WHERE run_id = ?"
                connection.execute(query, (name,))
            else:
                connection.execute("UPDATE runs SET head = ? WHERE run_id = ?", (head, name))
        connection.close()
    assert len(json.loads(terminal.said("list", "--json"))) == 4
    for name, problem in {"torn": "is damaged", "foreign": "not a stored run", "newer": "in format 7"}.items():
        code, out, err = terminal("show", name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert problem in err


def test_a_program_that_raises_while_it_judges_is_named(terminal: Terminal) -> None:
    finished(terminal)
    (terminal.folder / "odd.py").write_text(
        f"from {terminal.program} import rg, pipeline as one\n"
        "def check(text):\n    raise KeyError('odd')\n"
        "pipeline = one.until(check)\n"
    )
    code, out, err = terminal("replay", "trip", "--pipeline", "odd:pipeline")
    assert (code, out, err) == (2, "", "rigging-py: KeyError: 'odd'\n")


# As a process.


def process(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False, **how)


def test_it_is_a_module_and_a_pipe_gets_whole_lines_in_any_encoding(terminal: Terminal) -> None:
    terminal.keep(rg.scripted("Grüße, 世界 " * 10).chat("hi"), "r" * 150)
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "40", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = process("-m", "rigging_py", "runs", "show", "r" * 150, "--journal", "--messages", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Gr\\xfc\\xdfe" in done.stdout
    done = process("-m", "rigging_py", "runs", "list", env=env)
    assert "r" * 150 in done.stdout


def test_a_reader_that_leaves_early_is_no_error(terminal: Terminal) -> None:
    terminal.keep(rg.scripted("word " * 100_000).chat("hi"), "trip")
    command = f"{sys.executable} -m rigging_py runs show trip --messages | head -n 1; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, env=env, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run")


@pytest.mark.parametrize("part", ["typer", "rich"])
def test_without_the_extra_its_name_and_the_command_are_given(part: str) -> None:
    code = f"import sys; sys.modules[{part!r}] = None; from rigging_py.cli import main; sys.exit(main(['runs']))"
    done = process("-c", code)
    assert done.returncode == 2
    assert done.stderr == (
        "rigging-py: The command rigging-py needs the 'cli' extra. Install it with: pip install 'rigging-py[cli]'\n"
    )


def test_importing_the_command_imports_none_of_its_parts() -> None:
    done = process("-c", "import sys, rigging_py.cli; print({'typer', 'rich'} & {*sys.modules})")
    assert done.stdout == "set()\n"


def test_help_and_the_version_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{rg.VERSION}\n"
    for arguments in ([], ["--help"], ["runs", "--help"], ["runs", "fork", "--help"]):
        assert main(arguments) == 0
        said = capsys.readouterr()
        assert said.out.startswith("Usage: rigging-py")
        assert said.err == ""


def test_a_fork_needs_a_name_that_says_something(terminal: Terminal) -> None:
    finished(terminal)
    code, _, err = terminal("fork", "trip", "--at", "1", "--as", "", "--pipeline", f"{terminal.program}:pipeline")
    assert (code, "A run id is 1 to 255 printable characters" in err) == (2, True)
