"""A run with a store is kept at every boundary, is driven by one at a time, and goes on wherever it was left."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.chat.events import ChatFinished, RunPaused
from rigging_py.error import (
    LeaseHeldError,
    LeaseLostError,
    MaxDepthError,
    PayloadTooLargeError,
    ProgramChangedError,
    ProtocolError,
    RunExistsError,
    RunNotFoundError,
    ServerFaultError,
    StoreError,
    StoreUnavailableError,
    UnfinishedToolError,
)
from rigging_py.observe import Hooks, StopRun, ToolResultDetail
from rigging_py.run import AgentRun, Approve, Deny, State, ToolStarted
from rigging_py.run.program import OnUnfinished
from rigging_py.store import Checkpoint, Lease, RunStore, get_store
from tests.crash.through import Through
from tests.store.conftest import VirtualClock
from tests.tools.calls import call

_numbers = count(1)
KEY = 'sk-0123456789-"quoted"-key'


@dataclass
class Place:
    """Where runs are kept; each door to it is another store, as another process has it."""

    identifier: str
    clock: VirtualClock = field(default_factory=VirtualClock)
    opened: list[RunStore] = field(default_factory=list[RunStore])

    def door(self, **options: Any) -> RunStore:
        self.opened.append(get_store(self.identifier, clock=self.clock, **options))
        return self.opened[-1]

    async def owner(self, run_id: str = "r") -> str | None:
        """Who holds the run."""
        [line] = [line for line in await self.door().list() if line.run_id == run_id]
        return line.owner

    async def run(self, run_id: str = "r") -> AgentRun:
        """The run as it is stored, to be looked at."""
        stored = await self.door().load(run_id)
        return AgentRun.load({**stored.head, **stored.lists})

    async def inputs(self, run_id: str = "r") -> list[str]:
        return [entry.input.type for entry in (await self.run(run_id)).journal]


@pytest.fixture(params=["memory", "sqlite"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    in_memory = request.param == "memory"
    place = Place(f"memory!keeping-{next(_numbers)}" if in_memory else f"sqlite!{tmp_path / 'runs.db'}")
    yield place
    for store in place.opened:
        await store.close()


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place(f"sqlite!{tmp_path / 'runs.db'}")
    yield place
    for store in place.opened:
        await store.close()


class Counting(Through):
    """Writes down what it was told to store."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(store)
        self.saves: list[list[str]] = []
        self.statuses: list[str] = []

    async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
        self.saves.append([entry["input"]["type"] for entry in checkpoint.tail["journal"]])
        self.statuses.append(checkpoint.status)
        return await super().save(lease, checkpoint, **more)


class Broken(Through):
    """Refuses what it was told to refuse."""

    def __init__(self, store: RunStore, *methods: str, times: int = 10_000) -> None:
        super().__init__(store)
        self.methods, self.times, self.refused = methods, times, 0

    def refuse(self, method: str) -> None:
        if method in self.methods and self.refused < self.times:
            self.refused += 1
            raise StoreUnavailableError("The disk is on fire. Put it out.")

    async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
        self.refuse("save")
        return await super().save(lease, checkpoint, **more)

    async def renew(self, lease: Lease, lease_for: float) -> Lease:
        self.refuse("renew")
        return await super().renew(lease, lease_for)

    async def release(self, lease: Lease) -> None:
        self.refuse("release")
        await super().release(lease)


class Slow(Through):
    """Stores what is to be stored, and says so only when `answers` is set, once it `is_asked` to store results."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(store)
        self.is_asked, self.answers = asyncio.Event(), asyncio.Event()

    async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
        lease = await super().save(lease, checkpoint, **more)
        if "ToolsReturned" in [entry["input"]["type"] for entry in checkpoint.tail["journal"]]:
            self.is_asked.set()
            await self.answers.wait()
        return lease


@dataclass
class Model:
    """A model that does not answer before it is told to."""

    reply: Any = "done"
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    was_cancelled: bool = False

    async def __call__(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> Any:
        self.is_asked.set()
        try:
            await self.answers.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return self.reply

    @property
    def pipeline(self) -> rg.ChatPipeline:
        return rg.FunctionGenerator(self).chat("hi")


@dataclass
class Bank:
    """A tool with an effect, which fails after it while `is_closed`."""

    paid: list[str] = field(default_factory=list[str])
    is_closed: bool = False

    def tool(self, on_unfinished: OnUnfinished | None = None) -> rg.Tool[..., Any]:
        @rg.tool(catch=False, on_unfinished=on_unfinished)
        def pay(who: str) -> str:
            """Pay somebody."""
            self.paid.append(who)
            if self.is_closed:
                raise ConnectionError("the bank is closed")
            return f"{who} is paid"

        return pay


def paying(*names: str) -> list[rg.ToolCall]:
    return [call("pay", {"who": name}, name) for name in names]


async def soon(event: asyncio.Event) -> None:
    """A test that waits in vain fails."""
    async with asyncio.timeout(20):
        await event.wait()


async def left_behind(run: Callable[[], Any]) -> int:
    """How many more tasks there are once something has run."""
    before = len(asyncio.all_tasks())
    await run()
    return len(asyncio.all_tasks()) - before


# Keeping.


async def test_a_run_is_stored_before_each_call_and_after_each_answer(place: Place) -> None:
    store, bank = Counting(place.door()), Bank()
    pipeline = rg.scripted(paying("Ann"), "Done.").chat("Pay Ann.").using(bank.tool())
    chat = await pipeline.run(store=store, run_id="r")
    entries = ["TurnBegan", "ModelResponded", "ToolStarted", "ToolsReturned", "TurnBegan", "ModelResponded"]
    assert store.saves == [[entry] for entry in entries]
    assert store.statuses == [*["AwaitingModel", "ExecutingTools", "ExecutingTools", "Ready", "AwaitingModel"], "Done"]
    assert (await place.run()).messages == tuple(chat.all)
    assert await place.owner() is None


async def test_what_comes_at_once_is_stored_together_and_no_tool_runs_before_its_start_is_stored(place: Place) -> None:
    store, known = Counting(place.door()), list[bool]()

    async def look(context: rg.ToolContext) -> str:
        journal = (await place.run()).journal
        known.append(context.key in [one.input.key for one in journal if isinstance(one.input, ToolStarted)])
        return "seen"

    calls = [call("look", {}, f"c{index}") for index in range(8)]
    await rg.scripted(calls, "Done.").chat("Look.").using(look).run(store=store, run_id="r")
    assert known == [True] * 8
    stored = [entry for save in store.saves for entry in save]
    assert stored == await place.inputs()
    assert len(store.saves) < len(stored) == 4 + 16


async def test_a_run_has_a_name_of_its_own_and_one_that_was_not_named_gets_one(place: Place) -> None:
    pipeline = rg.scripted("one", "two", "three").chat("hi")
    await pipeline.run(store=place.door(), run_id="r")
    with pytest.raises(RunExistsError, match="choose another run_id"):
        await pipeline.run(store=place.door(), run_id="r")
    assert (await place.run()).messages[-1].content == "one"
    chat = await pipeline.run(store=place.door())
    assert (await place.run(str(chat.uuid))).messages[-1].content == "two"


async def test_a_store_can_be_named_by_its_connection_string(tmp_path: Path) -> None:
    pipeline = rg.scripted("done").chat("hi")
    await pipeline.run(store=f"sqlite!{tmp_path}/runs.db", run_id="r")
    chat = await rg.resume("r", store=f"sqlite!{tmp_path}/runs.db", pipeline=pipeline)
    assert chat.last.content == "done"


async def test_a_run_is_named_by_its_id_only_where_there_is_a_store(place: Place) -> None:
    pipeline = rg.scripted().chat("hi")
    with pytest.raises(ValueError, match="say in which store"):
        await pipeline.resume("r")
    with pytest.raises(ValueError, match="give resume\\(\\) the id"):
        await pipeline.resume(AgentRun("hi"), store=place.door())
    with pytest.raises(RunNotFoundError, match="no run 'r'"):
        await rg.resume("r", store=place.door(), pipeline=pipeline)


async def test_pipelines_that_callbacks_return_are_not_stored_and_run_again_with_their_callback(place: Place) -> None:
    inner = rg.scripted(ServerFaultError("down"), "inner")
    model = rg.scripted("outer")
    pipeline = model.chat("hi").then(lambda chat: inner.chat("and?"))
    with pytest.raises(ServerFaultError):
        await pipeline.run(store=place.door(), run_id="r")
    assert [line.run_id for line in await place.door().list()] == ["r"]
    assert (await place.run()).state is State.DONE
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "inner"
    assert len(model.heard) == 1


# One driver at a time.


async def test_nobody_else_can_drive_a_run_that_is_driven(place: Place) -> None:
    model = Model()
    running = asyncio.create_task(model.pipeline.run(store=place.door(), run_id="r"))
    await soon(model.is_asked)
    with pytest.raises(LeaseHeldError) as caught:
        await rg.resume("r", store=place.door(), pipeline=model.pipeline)
    assert caught.value.owner.startswith(f"{socket.gethostname()}/{os.getpid()}/")
    assert 0 < caught.value.seconds <= 30
    model.answers.set()
    assert (await running).last.content == "done"


async def test_one_of_those_who_resume_a_run_at_once_goes_on_with_it(place: Place) -> None:
    bank, held, asked = Bank(is_closed=True), list[LeaseHeldError](), list[int]()
    others_know = asyncio.Event()

    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> Any:
        asked.append(len(messages))
        if messages[-1].role == "user":
            return paying("Ann")
        await others_know.wait()
        return "Done."

    pipeline = rg.FunctionGenerator(answer).chat("Pay.").using(bank.tool("retry"))
    with pytest.raises(ConnectionError):
        await pipeline.run(store=place.door(), run_id="r")
    bank.is_closed = False

    async def resume() -> list[rg.Chat]:
        try:
            return [await rg.resume("r", store=place.door(), pipeline=pipeline)]
        except LeaseHeldError as error:
            held.append(error)
            if len(held) == 3:
                others_know.set()
            return []

    [chat] = [chat for chats in await asyncio.gather(*(resume() for _ in range(4))) for chat in chats]
    assert chat.last.content == "Done."
    assert len({error.owner for error in held}) == 1
    assert (len(bank.paid), asked) == (2, [1, 3])


async def taken_over(place: Place) -> Lease:
    """The lease of another who takes the run, once that of its driver has ended."""
    while True:
        place.clock.pass_time(60)
        # Its driver may renew it in between.
        with suppress(LeaseHeldError):
            return await place.door().acquire("r", owner="another", lease_for=1000)


async def test_a_driver_whose_run_was_taken_over_stops_while_the_model_answers(place: Place) -> None:
    model = Model()

    async def drive() -> None:
        with pytest.raises(LeaseLostError, match="acquired again since, by another") as caught:
            await model.pipeline.run(store=place.door(), run_id="r", lease_for=0.05)
        assert caught.value.run is not None
        assert [message.content for message in caught.value.messages] == ["hi"]

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(drive())
            await soon(model.is_asked)
            await taken_over(place)

    assert await left_behind(both) == 0
    assert model.was_cancelled
    assert await place.owner() == "another"
    assert await place.inputs() == ["TurnBegan"]


async def test_a_driver_whose_run_was_taken_over_stops_while_tools_run(place: Place) -> None:
    ended = list[str]()

    async def wait(which: str) -> str:
        if which == "first":
            await taken_over(place)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(which)
        return "never"

    calls = [call("wait", {"which": which}, which) for which in ("first", "second")]
    pipeline = rg.scripted(calls).chat("Wait.").using(wait)

    async def drive() -> None:
        with pytest.raises(LeaseLostError) as caught:
            await pipeline.run(store=place.door(), run_id="r", lease_for=0.05)
        assert isinstance(caught.value.run, AgentRun)
        assert caught.value.run.state is State.EXECUTING_TOOLS

    assert await left_behind(drive) == 0
    assert sorted(ended) == ["first", "second"]


async def test_a_driver_that_finds_out_only_as_it_stores_stores_nothing(place: Place) -> None:
    bank = Bank()

    async def ask(messages: Sequence[rg.Message], params: rg.GenerateParams) -> Any:
        await taken_over(place)
        return paying("Ann")

    pipeline = rg.FunctionGenerator(ask).chat("Pay.").using(bank.tool())
    with pytest.raises(LeaseLostError) as caught:
        await pipeline.run(store=place.door(), run_id="r")
    assert caught.value.run is not None
    assert caught.value.run.state is State.EXECUTING_TOOLS
    assert bank.paid == []
    assert await place.inputs() == ["TurnBegan"]
    assert await place.owner() == "another"


async def test_the_lease_is_renewed_while_nothing_is_stored(place: Place) -> None:
    model, renewed = Model(), list[Lease]()

    class Watching(Through):
        async def renew(self, lease: Lease, lease_for: float) -> Lease:
            place.clock.pass_time(0.04)
            renewed.append(await super().renew(lease, lease_for))
            if len(renewed) == 4:
                model.answers.set()
            return renewed[-1]

    chat = await model.pipeline.run(store=Watching(place.door()), run_id="r", lease_for=0.06)
    assert chat.last.content == "done"
    assert len(renewed) >= 4
    assert renewed[0].expires < renewed[3].expires


async def test_a_run_that_was_cancelled_can_be_taken_up_at_once(place: Place) -> None:
    model = Model()
    running = asyncio.create_task(model.pipeline.run(store=place.door(), run_id="r"))
    await soon(model.is_asked)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert model.was_cancelled
    assert await place.owner() is None
    model.answers.set()
    assert (await rg.resume("r", store=place.door(), pipeline=model.pipeline)).last.content == "done"


@pytest.mark.parametrize("method", ["create", "acquire"])
async def test_one_who_is_cancelled_while_it_takes_a_run_does_not_keep_it(place: Place, method: str) -> None:
    taken, goes_on = asyncio.Event(), asyncio.Event()

    class Late(Through):
        async def create(self, run_id: str, checkpoint: Checkpoint, **more: Any) -> Lease:
            return await self.told(await super().create(run_id, checkpoint, **more))

        async def acquire(self, run_id: str, **more: Any) -> Lease:
            return await self.told(await super().acquire(run_id, **more))

        async def told(self, lease: Lease) -> Lease:
            taken.set()
            await goes_on.wait()
            return lease

    pipeline = rg.scripted("done").chat("hi")
    if method == "acquire":
        await pipeline.run(store=place.door(), run_id="r")
    store = Late(place.door())
    work = pipeline.run(store=store, run_id="r") if method == "create" else pipeline.resume("r", store=store)
    taking = asyncio.create_task(work)
    await soon(taken)
    taking.cancel()
    await asyncio.sleep(0)
    taking.cancel()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await place.owner() is None


async def test_what_is_being_stored_as_the_run_is_cancelled_is_stored(place: Place) -> None:
    bank, store = Bank(), Slow(place.door())
    pipeline = rg.scripted(paying("Ann"), "Done.").chat("Pay.").using(bank.tool())
    running = asyncio.create_task(pipeline.run(store=store, run_id="r"))
    await soon(store.is_asked)
    running.cancel()
    store.answers.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann"]


async def test_a_hook_that_stops_a_run_while_a_result_is_being_stored_loses_nothing(place: Place) -> None:
    bank, store = Bank(), Slow(place.door())

    @rg.tool
    async def wait() -> str:
        await soon(store.is_asked)
        return "seen"

    class Strict(Hooks):
        async def after_tool(self, detail: ToolResultDetail) -> StopRun | None:
            if detail.call.name == "pay":
                return None
            asyncio.get_running_loop().call_soon(store.answers.set)
            return StopRun("enough")

    model = rg.scripted([*paying("Ann"), call("wait")])
    pipeline = model.chat("Pay.").using(bank.tool(), wait).with_hooks(Strict())
    with pytest.raises(rg.error.RunCancelledError, match="enough"):
        await pipeline.run(store=store, run_id="r")
    run = await place.run()
    assert run.state is State.FAILED
    assert "Ann is paid" in [message.content for message in run.messages]


# A store that fails.


def is_whole(error: StoreError) -> AgentRun:
    assert isinstance(error.run, AgentRun)
    assert error.messages == error.run.messages
    return error.run


async def test_a_run_goes_on_where_the_store_was_full(file: Place) -> None:
    bank, place = Bank(), file

    @rg.tool(effect="idempotent")
    async def read() -> str:
        """Read something large."""
        return os.urandom(200_000).hex()

    pipeline = rg.scripted([*paying("Ann")], [call("read")], "Done.").chat("hi").using(bank.tool(), read)
    with pytest.raises(StoreUnavailableError, match="full and nothing was stored") as caught:
        await pipeline.run(store=place.door(max_file_bytes=150_000), run_id="r")
    assert is_whole(caught.value).messages[-1].role == "tool"
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann"]


async def test_a_run_goes_on_when_the_file_is_no_longer_locked(file: Place) -> None:
    bank, place = Bank(), file
    path = place.identifier.removeprefix("sqlite!")
    other = sqlite3.connect(path, isolation_level=None)

    @rg.tool(effect="idempotent")
    async def lock() -> str:
        if not bank.is_closed:
            other.execute("BEGIN IMMEDIATE")
        return "locked"

    pipeline = rg.scripted(paying("Ann"), [call("lock")], "Done.").chat("hi").using(bank.tool(), lock)
    with pytest.raises(StoreUnavailableError, match="kept it locked") as caught:
        await pipeline.run(store=place.door(timeout=0.05), run_id="r")
    assert is_whole(caught.value).state is State.READY
    other.execute("ROLLBACK")
    other.close()
    bank.is_closed = True
    # The lease could not be given back either.
    with pytest.raises(LeaseHeldError):
        await rg.resume("r", store=place.door(), pipeline=pipeline)
    place.clock.pass_time(31)
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann"]


async def test_a_run_whose_store_is_gone_is_in_the_error_and_goes_on_from_there(file: Place) -> None:
    bank, place = Bank(), file

    @rg.tool
    async def remove() -> str:
        for path in Path(place.identifier.removeprefix("sqlite!")).parent.iterdir():
            path.unlink()
        return "removed"

    pipeline = rg.scripted(paying("Ann"), [call("remove")], "Done.").chat("hi").using(bank.tool(), remove)
    with pytest.raises(StoreUnavailableError, match="was deleted or replaced") as caught:
        await pipeline.run(store=place.door(), run_id="r")
    chat = await pipeline.resume(is_whole(caught.value))
    assert [message.role for message in chat.all] == ["user", *["assistant", "tool"] * 2, "assistant"]
    assert bank.paid == ["Ann"]


@pytest.mark.parametrize("at", range(6))
async def test_a_run_goes_on_after_any_save_that_was_refused(place: Place, at: int) -> None:
    bank = Bank()
    pipeline = rg.scripted(*[paying("Ann")] * (2 if at == 1 else 1), "Done.", "Done.").chat("hi").using(bank.tool())

    class Refusing(Through):
        async def save(self, lease: Lease, checkpoint: Checkpoint, **more: Any) -> Lease:
            if lease.version == at + 1:
                raise StoreUnavailableError("The disk is read-only.")
            return await super().save(lease, checkpoint, **more)

    with pytest.raises(StoreUnavailableError, match="read-only") as caught:
        await pipeline.run(store=Refusing(place.door()), run_id="r")
    is_whole(caught.value)
    stored = await place.run()
    assert stored.position == at
    try:
        chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    except rg.Paused as paused:
        # It was paid, and that was not stored: somebody has to say.
        [request] = paused.requests
        assert request.why == "unfinished"
        said = {request.call.key: Deny("Ann is paid")}
        chat = await rg.resume("r", store=place.door(), pipeline=pipeline, decisions=said)
    assert [message.content for message in chat.all[-2:]] == ["Ann is paid", "Done."]
    assert bank.paid == ["Ann"]


async def test_a_store_that_is_away_for_a_moment_while_nothing_is_stored_does_no_harm(place: Place) -> None:
    model, store = Model(), Broken(place.door(), "renew", times=2)

    class Watching(Through):
        async def renew(self, lease: Lease, lease_for: float) -> Lease:
            renewed = await super().renew(lease, lease_for)
            model.answers.set()
            return renewed

    chat = await model.pipeline.run(store=Watching(store), run_id="r", lease_for=0.3)
    assert chat.last.content == "done"
    assert store.refused == 2


async def test_a_driver_stops_when_it_cannot_renew_its_lease_before_that_ends(place: Place) -> None:
    model, store = Model(), Broken(place.door(), "renew")
    with pytest.raises(StoreUnavailableError, match="on fire") as caught:
        await model.pipeline.run(store=store, run_id="r", lease_for=0.05)
    assert is_whole(caught.value).state is State.AWAITING_MODEL
    assert model.was_cancelled
    assert store.refused >= 2


async def test_an_answer_is_not_lost_because_the_lease_cannot_be_given_back(place: Place) -> None:
    store = Broken(place.door(), "release")
    chat = await rg.scripted("done").chat("hi").run(store=store, run_id="r")
    assert (chat.last.content, store.refused) == ("done", 1)


async def test_what_went_wrong_is_told_and_not_that_the_lease_cannot_be_given_back(place: Place) -> None:
    store, bank = Broken(place.door(), "release"), Bank(is_closed=True)
    with pytest.raises(ConnectionError, match="the bank is closed"):
        await rg.scripted(paying("Ann")).chat("hi").using(bank.tool()).run(store=store, run_id="r")


async def test_a_result_that_is_too_large_is_refused_and_the_run_goes_on_where_it_is_not(place: Place) -> None:
    @rg.tool(effect="read")
    async def read() -> str:
        return "long " * 1000

    pipeline = rg.scripted([call("read")], "Done.").chat("hi").using(read)
    with pytest.raises(PayloadTooLargeError, match="the store takes 4,000") as caught:
        await pipeline.run(store=place.door(max_bytes=4000), run_id="r")
    assert is_whole(caught.value).messages[-1].content == "long " * 1000
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."


async def test_a_prompt_that_is_too_large_is_refused_with_the_run(place: Place) -> None:
    with pytest.raises(PayloadTooLargeError) as caught:
        await rg.scripted().chat("hi " * 2000).run(store=place.door(max_bytes=4000), run_id="r")
    assert is_whole(caught.value).state is State.READY
    assert await place.door().list() == []


# Going on.


async def test_a_run_that_another_process_left_in_the_middle_goes_on(place: Place) -> None:
    bank = Bank()
    model = rg.scripted(paying("Ann"), ServerFaultError("down"), "Done.")
    pipeline = model.chat("Pay.").using(bank.tool())
    with pytest.raises(ServerFaultError):
        await pipeline.run(store=place.door(), run_id="r")
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann"]
    assert [entry.input.type for entry in (await place.run()).journal][-3:] == [
        "ModelFailed",
        "LimitsRaised",
        "ModelResponded",
    ]


async def test_a_run_that_is_done_gives_its_chat_again_and_calls_back_again(place: Place) -> None:
    called = list[str]()
    turn = rg.ModelTurn(rg.Message("assistant", "<int>4</int>"), "stop", rg.Usage(output_tokens=3), {"id": "x"})
    model = rg.scripted(turn)
    pipeline = model.chat("hi").until_parsed_as(int).then(lambda chat: called.append(chat.last.content))
    first = await pipeline.run(store=place.door(), run_id="r")
    again = await rg.resume("r", store=place.door(), pipeline=pipeline)
    for name in ("uuid", "all", "output", "usage", "stop_reason", "extra", "failed"):
        assert getattr(again, name) == getattr(first, name), name
    assert (len(called), len(model.heard)) == (2, 1)
    assert (await place.door().load("r")).version == 3


async def test_a_run_that_failed_at_a_limit_goes_on_with_a_higher_one(place: Place) -> None:
    bank = Bank()
    model = rg.scripted(paying("Ann"), paying("Bob"), paying("Bob"), "Done.")
    pipeline = model.chat("Pay.").using(bank.tool(), max_depth=1)
    with pytest.raises(MaxDepthError):
        await pipeline.run(store=place.door(), run_id="r")
    with pytest.raises(MaxDepthError):
        await rg.resume("r", store=place.door(), pipeline=pipeline)
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline, limits={"max_tool_turns": 2})
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann", "Bob"]


async def test_limits_are_raised_only_for_a_run_that_failed_at_one(place: Place) -> None:
    pipeline = rg.scripted("done").chat("hi")
    await pipeline.run(store=place.door(), run_id="r")
    with pytest.raises(ProtocolError):
        await rg.resume("r", store=place.door(), pipeline=pipeline, limits={"max_turns": 9})
    assert await place.owner() is None


async def test_a_paused_run_is_decided_about_in_another_process(place: Place) -> None:
    bank = Bank()
    model = rg.scripted(paying("Ann", "Bob"), "Done.")
    pipeline = model.chat("Pay.").using(bank.tool().with_(needs_approval=True))
    with pytest.raises(rg.Paused) as caught:
        await pipeline.run(store=place.door(), run_id="r")
    ann, bob = (request.call.key for request in caught.value.requests)
    assert await place.owner() is None
    with pytest.raises(rg.Paused) as still:
        await rg.resume("r", store=place.door(), pipeline=pipeline, decisions={bob: Deny("no money")})
    assert [request.call.key for request in still.value.requests] == [ann]
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline, decisions={ann: Approve()})
    assert [message.content for message in chat.all[-3:]] == ["Ann is paid", "no money", "Done."]
    assert bank.paid == ["Ann"]


async def test_a_run_of_another_program_is_refused_unless_changes_are_allowed(place: Place) -> None:
    bank = Bank()
    model = rg.scripted(paying("Ann"), ServerFaultError("down"), "Done.")
    pipeline = model.chat("Pay.").using(bank.tool())
    with pytest.raises(ServerFaultError):
        await pipeline.run(store=place.door(), run_id="r")

    async def look() -> str:
        return "seen"

    changed = pipeline.using(look)
    with pytest.raises(ProgramChangedError, match="look"):
        await rg.resume("r", store=place.door(), pipeline=changed)
    assert await place.owner() is None
    chat = await rg.resume("r", store=place.door(), pipeline=changed, allow_changes=True)
    assert chat.last.content == "Done."


async def unfinished(place: Place, bank: Bank, on_unfinished: OnUnfinished | None) -> rg.ChatPipeline:
    """The pipeline of a run that was left between the effect of a call and its result; another call has its result."""

    @rg.tool
    async def look() -> str:
        return "seen"

    pipeline = rg.scripted([call("look", {}, "l"), *paying("Ann")], "Done.").chat("Pay.")
    pipeline = pipeline.using(look, bank.tool(on_unfinished), max_concurrent=1)
    bank.is_closed = True
    with pytest.raises(ConnectionError):
        await pipeline.run(store=place.door(), run_id="r")
    bank.is_closed = False
    assert (await place.inputs())[-1] == "ToolStarted"
    return pipeline


async def test_about_a_call_that_was_left_unfinished_somebody_is_asked(place: Place) -> None:
    bank = Bank()
    pipeline = await unfinished(place, bank, None)
    with pytest.raises(rg.Paused) as caught:
        await rg.resume("r", store=place.door(), pipeline=pipeline)
    [request] = caught.value.requests
    assert (request.call.name, request.why) == ("pay", "unfinished")
    assert bank.paid == ["Ann"]
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline, decisions={request.call.key: Approve()})
    assert [message.content for message in chat.all[-3:]] == ["seen", "Ann is paid", "Done."]
    assert bank.paid == ["Ann", "Ann"]


async def test_a_decision_about_an_unfinished_call_may_be_brought_along(place: Place) -> None:
    bank = Bank()
    pipeline = await unfinished(place, bank, "ask")
    said = {"r/1/1": Deny("She has it.")}
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline, decisions=said)
    assert [message.content for message in chat.all[-3:]] == ["seen", "She has it.", "Done."]
    assert bank.paid == ["Ann"]


async def test_a_call_that_was_left_unfinished_is_executed_again_where_its_tool_says_so(place: Place) -> None:
    bank = Bank()
    pipeline = await unfinished(place, bank, "retry")
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == "Done."
    assert bank.paid == ["Ann", "Ann"]


async def test_a_call_that_was_left_unfinished_ends_the_run_where_its_tool_says_so(place: Place) -> None:
    bank = Bank()
    pipeline = await unfinished(place, bank, "fail")
    for _ in range(2):
        with pytest.raises(UnfinishedToolError) as caught:
            await rg.resume("r", store=place.door(), pipeline=pipeline)
        assert caught.value.key == "r/1/1"
    assert (await place.run()).state is State.FAILED
    assert bank.paid == ["Ann"]


# What is not stored.


async def bytes_of(place: Place) -> str:
    stored = await place.door().load("r")
    return repr(stored) + "".join(
        path.read_bytes().decode("latin-1") for path in Path(place.identifier.partition("!")[2]).parent.glob("runs.db*")
    )


async def test_the_key_of_the_generator_is_stored_nowhere(place: Place) -> None:
    @rg.tool
    async def leak(text: str) -> dict[str, str]:
        return {"the key": f"is {text}"}

    replies: list[Any] = [[call("leak", {"text": KEY})], ServerFaultError(f"Bad key {KEY}."), f"Your key is {KEY}."]
    pipeline = rg.ScriptedGenerator(*replies, api_key=KEY).chat(f"What is my key? {KEY}").using(leak)
    with pytest.raises(ServerFaultError):
        await pipeline.run(store=place.door(), run_id="r")
    chat = await rg.resume("r", store=place.door(), pipeline=pipeline)
    assert chat.last.content == f"Your key is {KEY}."
    run = await place.run()
    assert run.messages[-1].content == "Your key is ***."
    assert "0123456789" not in await bytes_of(place)


async def test_a_key_that_the_environment_holds_is_stored_nowhere(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPING_KEY", KEY)
    pipeline = rg.ScriptedGenerator(KEY, api_key="env:KEEPING_KEY").chat("hi")
    await pipeline.run(store=place.door(), run_id="r")
    assert "0123456789" not in await bytes_of(place)
    monkeypatch.delenv("KEEPING_KEY")
    assert (await pipeline.resume("r", store=place.door())).last.content == "***"


async def test_a_word_that_is_too_short_for_a_key_is_not_taken_out_of_what_is_said(place: Place) -> None:
    model = rg.ScriptedGenerator("Nothing is hidden.", api_key="is")
    await model.chat("hi").run(store=place.door(), run_id="r")
    assert (await place.run()).messages[-1].content == "Nothing is hidden."


async def test_what_the_user_wants_redacted_is_stored_nowhere_and_the_run_goes_on_with_what_is_stored(
    place: Place,
) -> None:
    def redact(text: str) -> str:
        return re.sub(r"\b\d{4}( \d{4}){3}\b", "(card)", text)

    card = "4000 1234 5678 9010"
    model = rg.scripted([call("charge", {"card": card})], ServerFaultError("down"), "Charged.")

    async def charge(card: str) -> str:
        return f"{card} was charged"

    pipeline = model.chat("Charge it.").using(charge)
    with pytest.raises(ServerFaultError):
        await pipeline.run(store=place.door(redact=redact), run_id="r")
    assert "1234 5678" not in await bytes_of(place)
    chat = await pipeline.resume("r", store=place.door(redact=redact))
    assert [message.content for message in chat.all[-2:]] == ["(card) was charged", "Charged."]


# Streaming.


async def test_a_run_that_streams_is_stored_as_one_that_does_not(place: Place) -> None:
    bank, store = Bank(), Counting(place.door())
    model = rg.scripted(paying("Ann"), "Done.", paying("Ann"), "Done.")
    pipeline = model.chat(rg.Message("user", "Pay.")).using(bank.tool())
    events = [event async for event in pipeline.stream(store=store, run_id="r")]
    streamed = store.saves
    assert isinstance(events[-1], ChatFinished)
    store = Counting(place.door())
    await pipeline.run(store=store, run_id="blocking")
    assert streamed == store.saves
    assert (await place.run()).messages == tuple(events[-1].chat.all)
    assert await place.owner() is None


async def test_a_stored_run_goes_on_as_a_stream(place: Place) -> None:
    bank = Bank()
    pipeline = rg.scripted(paying("Ann"), "Done.").chat("Pay.").using(bank.tool().with_(needs_approval=True))
    events = [event async for event in pipeline.stream(store=place.door(), run_id="r")]
    assert isinstance(events[-1], RunPaused)
    [request] = events[-1].requests
    assert await place.owner() is None
    stream = pipeline.stream_resumed("r", store=place.door(), decisions={request.call.key: Approve()})
    assert (await stream.chat()).last.content == "Done."
    assert bank.paid == ["Ann"]


async def test_whoever_leaves_a_stream_gives_the_run_back(place: Place) -> None:
    pipeline = rg.scripted("many words " * 100, "five").chat("hi")

    async def leave() -> None:
        async with pipeline.stream(store=place.door(), run_id="r") as stream:
            async for _ in stream:
                break

    assert await left_behind(leave) == 0
    assert await place.owner() is None
    assert (await rg.resume("r", store=place.door(), pipeline=pipeline)).last.content == "five"


async def test_a_stream_whose_run_was_taken_over_ends_with_that(place: Place) -> None:
    async def steal() -> str:
        await taken_over(place)
        await asyncio.Event().wait()
        return "never"

    pipeline = rg.scripted([call("steal")]).chat("hi").using(steal)

    async def read() -> None:
        with pytest.raises(LeaseLostError) as caught:
            async for _ in pipeline.stream(store=place.door(), run_id="r", lease_for=0.05):
                pass
        assert caught.value.run is not None

    assert await left_behind(read) == 0


def test_a_script_that_cannot_await_keeps_runs_too(tmp_path: Path) -> None:
    bank = Bank(is_closed=True)
    pipeline = rg.scripted(paying("Ann"), "Done.").chat("Pay.").using(bank.tool("retry"))
    with pytest.raises(ConnectionError):
        pipeline.run_sync(store=f"sqlite!{tmp_path}/runs.db", run_id="r")
    bank.is_closed = False
    stream = pipeline.stream_resumed("r", store=f"sqlite!{tmp_path}/runs.db")
    assert rg.util.await_(stream.chat()).last.content == "Done."


async def test_a_key_that_only_the_environment_has_is_not_stored_when_the_model_says_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOMEBODYS_API_KEY", "pw-not-to-be-kept")
    async with get_store("memory!environment") as store:
        await rg.scripted("The key is pw-not-to-be-kept.").chat("Hello").run(store=store, run_id="said")
        kept = await store.load("said")
    assert "pw-not-to-be-kept" not in repr(kept)
    assert "The key is ***." in repr(kept)


async def test_what_was_not_stored_is_told_before_how_the_run_ended() -> None:
    class Refusing(Through):
        async def save(self, lease: Lease, checkpoint: Checkpoint, **options: Any) -> Lease:
            if checkpoint.status == State.FAILED:
                raise StoreUnavailableError("The disk is full.")
            return await super().save(lease, checkpoint, **options)

    store = Refusing(get_store("memory!refusing"))
    pipeline = rg.scripted("Plenty.").chat("How many?").until_parsed_as(int, max_rounds=0)
    with pytest.raises(StoreUnavailableError, match="disk is full") as caught:
        await pipeline.run(store=store, run_id="lost", on_failed="include")
    assert caught.value.run is not None
    assert caught.value.run.state is State.FAILED
