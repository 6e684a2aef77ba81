"""Hooks see every moment of a run, may answer it, and cost it nothing when they do not or when they fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest

import rigging_py as rg
from rigging_py.error import (
    MaxDepthError,
    MessagesExhaustedMaxRoundsError,
    Paused,
    ProtocolError,
    RunCancelledError,
    UnknownToolError,
)
from rigging_py.generator import ScriptedGenerator
from rigging_py.message import ModelTurn
from rigging_py.observe import (
    ApprovalDetail,
    DeltaDetail,
    Hooks,
    InvalidCallDetail,
    ModelCallDetail,
    ModelCallPatch,
    ModelTurnDetail,
    Outcome,
    RefuseTurn,
    ReplaceResult,
    RewriteArguments,
    RunDetail,
    Seam,
    SkipTool,
    StateDetail,
    StopRun,
    ToolDetail,
    ToolResultDetail,
)
from rigging_py.run import (
    AgentRun,
    Answer,
    Approve,
    Deny,
    Edit,
    Entry,
    Fail,
    Repair,
    Retry,
    Skip,
    Stop,
    StreamedText,
    ToolResult,
)
from tests.tools.calls import call

MOMENTS = (
    "before_model_call",
    "after_model_turn",
    "on_invalid_call",
    "on_approval",
    "before_tool",
    "after_tool",
    "on_delta",
    "on_state",
)


def hook(**moments: Callable[[Any], object]) -> Hooks:
    """A hook of these moments, each a function of the detail."""

    def waiting(answer: Callable[[Any], object]) -> Callable[[Any, Any], Any]:
        async def moment(self: object, detail: Any) -> object:
            return answer(detail)

        return moment

    return cast("Hooks", type("Made", (), {name: waiting(answer) for name, answer in moments.items()})())


class Adder:
    """A tool, and the arguments it was executed with."""

    def __init__(self) -> None:
        self.executed: list[tuple[int, int]] = []

    def add(self, a: int, b: int) -> int:
        self.executed.append((a, b))
        return a + b

    def tool(self, **options: Any) -> rg.Tool[..., Any]:
        return rg.Tool.from_callable(self.add, **options)


def adding(adder: Adder, *replies: Any, **options: Any) -> tuple[ScriptedGenerator, rg.ChatPipeline]:
    """A model that adds 1 and 2 and says "Done.", or `replies`; and a pipeline of it with the tool."""
    model = rg.scripted(*(replies or (call("add", {"a": 1, "b": 2}), "Done.")))
    return model, model.chat("hi").using(adder.tool(**options))


def contents(chat: rg.Chat) -> list[str]:
    return [message.content for message in chat.all]


# Before a call of a model.


async def test_what_a_hook_patches_is_sent_and_is_no_part_of_the_history() -> None:
    def patch(detail: ModelCallDetail) -> ModelCallPatch:
        shouted = [rg.Message(message.role, message.content.upper()) for message in detail.messages]
        return ModelCallPatch(shouted, detail.params.model_copy(update={"temperature": 0.5}))

    model = rg.scripted("no", "<int>3</int>")
    chat = await model.chat("hi").until_parsed_as(int).with_hooks(hook(before_model_call=patch)).run()
    assert model.heard[0].text == "[user]: HI"
    assert "<INT></INT>" in model.heard[1].text
    assert [heard.params.temperature for heard in model.heard] == [0.5, 0.5]
    assert contents(chat)[:2] == ["hi", "no"]
    assert chat.params is None


async def test_half_a_patch_leaves_the_other_half_as_it_was() -> None:
    model = rg.scripted("one", "two")
    await model.chat("hi").with_hooks(hook(before_model_call=lambda _: ModelCallPatch([rg.Message("user", "x")]))).run()
    params = rg.GenerateParams(seed=7)
    await model.chat("hi").with_hooks(hook(before_model_call=lambda _: ModelCallPatch(params=params))).run()
    assert [(heard.text, heard.params.seed) for heard in model.heard] == [("[user]: x", None), ("[user]: hi", 7)]


async def test_a_call_is_described_by_its_step() -> None:
    details: list[ModelCallDetail] = []
    _, pipeline = adding(Adder())
    chat = await pipeline.with_hooks(hook(before_model_call=details.append)).run()
    assert [(detail.run_id, detail.step.turn) for detail in details] == [(str(chat.uuid), 1), (str(chat.uuid), 2)]
    assert details[1].step.request_id == f"{chat.uuid}/2/1"


async def test_a_later_hook_sees_what_an_earlier_one_patched() -> None:
    def more(word: str) -> Callable[[ModelCallDetail], ModelCallPatch]:
        return lambda detail: ModelCallPatch([*detail.messages, rg.Message("user", word)])

    model = rg.scripted("one")
    hooks = [hook(before_model_call=more("a")), hook(before_model_call=more("b"))]
    await model.chat("hi").with_hooks(hooks[0]).with_hooks(hooks[1]).run()
    assert [message.content for message in model.heard[0].messages] == ["hi", "a", "b"]


# After a turn of a model.


async def test_a_refused_turn_executes_nothing_and_is_asked_for_again_with_the_reason() -> None:
    def judge(detail: ModelTurnDetail) -> RefuseTurn | None:
        return RefuseTurn("Do not add.") if detail.turn.message.tool_calls else None

    adder = Adder()
    model, pipeline = adding(adder, call("add", {"a": 1, "b": 2}), "Fine.")
    chat = await pipeline.with_hooks(hook(after_model_turn=judge)).run()
    assert adder.executed == []
    assert model.heard[1].messages[-1].content == "Do not add."
    assert chat.last.content == "Fine."


async def test_turns_that_are_refused_for_ever_are_exhausted_rounds() -> None:
    model = rg.scripted(*["no"] * 10)
    pipeline = model.chat("hi").until(lambda _: True, max_rounds=2)
    with pytest.raises(MessagesExhaustedMaxRoundsError, match="not you again"):
        await pipeline.with_hooks(hook(after_model_turn=lambda _: RefuseTurn("not you again"))).run()
    assert len(model.heard) == 3


async def test_a_hook_may_stop_a_run_after_a_turn_which_stays_in_the_history() -> None:
    adder = Adder()
    _, pipeline = adding(adder)
    with pytest.raises(RunCancelledError, match=r"by a hook: enough") as caught:
        await pipeline.with_hooks(hook(after_model_turn=lambda _: StopRun("enough"))).run()
    assert adder.executed == []
    assert [message.role for message in caught.value.messages] == ["user", "assistant", "tool"]


async def test_a_run_that_is_over_with_its_turn_is_not_stopped_by_a_hook() -> None:
    chat = await rg.scripted("one").chat("hi").with_hooks(hook(after_model_turn=lambda _: StopRun("late"))).run()
    assert chat.last.content == "one"


async def test_the_first_hook_that_decides_counts() -> None:
    asked: list[str] = []

    def saying(name: str, answer: RefuseTurn | None) -> Hooks:
        def judge(_: ModelTurnDetail) -> RefuseTurn | None:
            asked.append(name)
            return answer if len(asked) < 4 else None

        return hook(after_model_turn=judge)

    model = rg.scripted("one", "two")
    hooks = [saying("a", None), saying("b", RefuseTurn("from b")), saying("c", RefuseTurn("from c"))]
    await model.chat("hi").with_hooks(*hooks).run()
    assert asked == ["a", "b", "a", "b", "c"]
    assert model.heard[1].messages[-1].content == "from b"


# A call that cannot be executed.

INVALID = call("plus", {"a": 1, "b": 2})


async def resolving(resolution: object, *replies: Any) -> tuple[ScriptedGenerator, Adder, rg.Chat]:
    adder = Adder()
    model, pipeline = adding(adder, *(replies or ([INVALID, call("add", {"a": 3, "b": 4}, "c2")], "Done.")))
    return model, adder, await pipeline.with_hooks(hook(on_invalid_call=lambda _: resolution)).run(allow_failed=True)


async def test_without_an_answer_the_model_is_told_what_was_wrong_and_the_others_run() -> None:
    model, adder, _ = await resolving(None)
    said = [message.content for message in model.heard[1].messages[2:]]
    assert "plus" in said[0]
    assert said[1] == "7"
    assert adder.executed == [(3, 4)]


async def test_answer_is_the_result_and_the_others_run() -> None:
    model, adder, _ = await resolving(Answer("3, but say add"))
    assert [message.content for message in model.heard[1].messages[2:]] == ["3, but say add", "7"]
    assert adder.executed == [(3, 4)]


async def test_retry_executes_nothing_and_tells_the_model_why() -> None:
    model, adder, chat = await resolving(Retry("say add"))
    assert model.heard[1].messages[2].content == "say add"
    assert adder.executed == []
    assert chat.last.content == "Done."


async def test_repair_executes_the_call_under_another_name() -> None:
    _, adder, chat = await resolving(Repair("add"))
    assert sorted(adder.executed) == [(1, 2), (3, 4)]
    assert not chat.failed


async def test_repair_gives_other_arguments() -> None:
    adder = Adder()
    _, pipeline = adding(adder, call("add", '{"a": 1'), "Done.")
    details: list[InvalidCallDetail] = []

    def mend(detail: InvalidCallDetail) -> Repair:
        details.append(detail)
        return Repair(arguments={"a": 1, "b": 1})

    await pipeline.with_hooks(hook(on_invalid_call=mend)).run()
    assert [(detail.call.raw, detail.problem.kind) for detail in details] == [('{"a": 1', "malformed")]
    assert adder.executed == [(1, 1)]


async def test_skip_answers_every_call_and_executes_none() -> None:
    model, adder, _ = await resolving(Skip("not today"))
    assert [message.content for message in model.heard[1].messages[2:]] == ["not today"] * 2
    assert adder.executed == []


async def test_fail_ends_the_run_as_failed() -> None:
    _, adder, chat = await resolving(Fail())
    assert isinstance(chat.error, UnknownToolError)
    assert adder.executed == []


async def test_stop_ends_the_run_as_cancelled() -> None:
    _, _, chat = await resolving(Stop("enough"))
    assert isinstance(chat.error, RunCancelledError)
    assert "enough" in str(chat.error)


async def test_retries_of_calls_have_an_end_too() -> None:
    model, pipeline = adding(Adder(), *[INVALID] * 9)
    with pytest.raises(MaxDepthError):
        await pipeline.with_hooks(hook(on_invalid_call=lambda _: Retry("say add"))).run()
    assert len(model.heard) == 4


# Approval.


@pytest.mark.parametrize(
    ("decision", "executed", "said"),
    [(Approve(), [(1, 2)], "3"), (Deny("no adding"), [], "no adding"), (Edit({"a": 5, "b": 5}), [(5, 5)], "10")],
)
async def test_a_hook_decides(decision: object, executed: list[tuple[int, int]], said: str) -> None:
    adder = Adder()
    details: list[ApprovalDetail] = []

    def decide(detail: ApprovalDetail) -> object:
        details.append(detail)
        return decision

    model, pipeline = adding(adder, needs_approval=True)
    chat = await pipeline.with_hooks(hook(on_approval=decide)).run()
    assert adder.executed == executed
    assert model.heard[1].messages[-1].content == said
    assert [(one.request.why, one.request.call.key) for one in details] == [("approval", f"{chat.uuid}/1/0")]


async def test_a_decision_that_no_hook_makes_is_left_to_the_next_and_then_to_a_person() -> None:
    adder = Adder()
    _, pipeline = adding(adder, needs_approval=True)
    undecided, approver = hook(on_approval=lambda _: None), hook(on_approval=lambda _: Approve())
    with pytest.raises(Paused):
        await pipeline.with_hooks(undecided).run()
    _, pipeline = adding(adder, needs_approval=True)
    await pipeline.with_hooks(undecided, approver).run()
    assert adder.executed == [(1, 2)]


async def test_a_slow_decision_does_not_hold_up_the_others() -> None:
    together = asyncio.Barrier(2)

    class Approver:
        async def on_approval(self, detail: ApprovalDetail) -> Approve:
            await asyncio.wait_for(together.wait(), 10)
            return Approve()

    adder = Adder()
    calls = [call("add", {"a": 1, "b": 2}), call("add", {"a": 3, "b": 4}, "c2")]
    _, pipeline = adding(adder, calls, "Done.", needs_approval=True)
    await pipeline.with_hooks(cast("Hooks", Approver())).run()
    assert sorted(adder.executed) == [(1, 2), (3, 4)]


# Around a tool.


async def test_rewritten_arguments_are_checked_executed_and_shown_in_the_history() -> None:
    def double(detail: ToolDetail) -> RewriteArguments:
        return RewriteArguments({name: 2 * value for name, value in detail.call.arguments.items()})

    adder = Adder()
    model, pipeline = adding(adder)
    await pipeline.with_hooks(hook(before_tool=double), hook(before_tool=double)).run()
    assert adder.executed == [(4, 8)]
    [asked] = model.heard[1].messages[1].tool_calls or []
    assert json.loads(asked.function.arguments) == {"a": 4, "b": 8}


async def test_arguments_that_the_tool_does_not_take_are_not_executed() -> None:
    adder = Adder()
    _, pipeline = adding(adder)
    with pytest.raises(ProtocolError, match="nothing is edited"):
        await pipeline.with_hooks(hook(before_tool=lambda _: RewriteArguments({"a": "one"}))).run()
    assert adder.executed == []


async def test_a_skipped_tool_is_not_executed_and_has_the_result_it_was_given() -> None:
    adder = Adder()
    model, pipeline = adding(adder)
    await pipeline.with_hooks(hook(before_tool=lambda _: SkipTool(ToolResult("from the cache")))).run()
    assert (adder.executed, model.heard[1].messages[-1].content) == ([], "from the cache")


async def test_a_hook_may_stop_a_run_before_a_tool() -> None:
    adder = Adder()
    model, pipeline = adding(adder)
    with pytest.raises(RunCancelledError, match="too dear") as caught:
        await pipeline.with_hooks(hook(before_tool=lambda _: StopRun("too dear"))).run()
    assert (adder.executed, len(model.heard)) == ([], 1)
    assert [message.role for message in caught.value.messages] == ["user", "assistant", "tool"]


async def test_a_replaced_result_is_what_the_model_and_later_hooks_see() -> None:
    def more(detail: ToolResultDetail) -> ReplaceResult:
        return ReplaceResult(ToolResult(f"<{detail.result.content}>"))

    model, pipeline = adding(Adder())
    await pipeline.with_hooks(hook(after_tool=more), hook(after_tool=more)).run()
    assert model.heard[1].messages[-1].content == "<<3>>"


async def test_a_hook_may_stop_a_run_after_a_tool_whose_result_is_kept() -> None:
    model, pipeline = adding(Adder())
    with pytest.raises(RunCancelledError, match="enough") as caught:
        await pipeline.with_hooks(hook(after_tool=lambda _: StopRun("enough"))).run()
    assert caught.value.messages[-1].content == "3"
    assert len(model.heard) == 1


async def test_stopping_at_one_tool_cancels_those_that_run_beside_it() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def quick() -> None:
        await asyncio.wait_for(began.wait(), 10)

    before = asyncio.all_tasks()
    pipeline = rg.scripted([call("wait"), call("quick", {}, "c2")]).chat("hi").using(wait, quick)
    with pytest.raises(RunCancelledError, match="enough") as caught:
        await pipeline.with_hooks(hook(after_tool=lambda _: StopRun("enough"))).run()
    assert ended.is_set()
    assert asyncio.all_tasks() == before
    assert [message.role for message in caught.value.messages] == ["user", "assistant", "tool", "tool"]


# Pieces and states.


async def test_pieces_are_shown_only_while_a_run_streams_and_before_its_reader_has_them() -> None:
    pieces: list[str] = []

    def heard(detail: DeltaDetail) -> None:
        if isinstance(detail.event, StreamedText):
            pieces.append(detail.event.text)

    pipeline = rg.scripted("one two", "one two").chat("hi").with_hooks(hook(on_delta=heard))
    await pipeline.run()
    assert pieces == []
    async for event in pipeline.stream():
        if isinstance(event, StreamedText):
            assert event.text in pieces
    assert pieces == ["one", " two"]


@pytest.mark.parametrize("streams", [False, True])
async def test_every_entry_of_the_journal_is_shown_once_and_in_order(streams: bool) -> None:
    seen: list[tuple[int, Entry]] = []

    class Slow:
        async def on_state(self, detail: StateDetail) -> None:
            await asyncio.sleep(0)
            seen.append((detail.at, detail.entry))
            await asyncio.sleep(0)

    calls = [call("add", {"a": n, "b": n}, f"c{n}") for n in range(5)]
    _, pipeline = adding(Adder(), [*calls, INVALID], "no", "<int>3</int>")
    pipeline = pipeline.until_parsed_as(int).with_hooks(cast("Hooks", Slow()), hook(before_tool=lambda _: None))
    runs: list[AgentRun] = []
    if streams:
        await pipeline.stream().chat()
    else:
        async with pipeline.step() as steps:
            async for step in steps:
                runs.extend(step.runs)
        assert [entry for _, entry in seen] == list(runs[0].journal)
    assert [at for at, _ in seen] == list(range(len(seen)))
    assert str(seen[-1][1].state) == "Done"


async def test_the_state_of_a_run_that_goes_on_is_shown_from_there() -> None:
    seen: list[int] = []
    _, pipeline = adding(Adder(), needs_approval=True)
    pipeline = pipeline.with_hooks(hook(on_state=lambda detail: seen.append(detail.at)))
    with pytest.raises(Paused) as caught:
        await pipeline.run()
    assert caught.value.run is not None
    await pipeline.resume(caught.value.run, decisions={caught.value.requests[0].call.key: Approve()})
    assert seen == list(range(caught.value.run.position))


# Hooks that fail.


class Fragile:
    """A hook that raises the first time it is asked at one moment, and leaves all others as they are."""

    def __init__(self, moment: str) -> None:
        self.broken = False

        async def fail(detail: Any) -> Any:
            if not self.broken:
                self.broken = True
                raise LookupError("my own mistake")
            return Approve() if moment == "on_approval" else None

        setattr(self, moment, fail)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_a_hook_raises_ends_the_driving_and_loses_nothing(moment: str, streams: bool) -> None:
    if moment == "on_delta" and not streams:
        return
    adder = Adder()

    def answer(said: Sequence[rg.Message], params: rg.GenerateParams) -> Any:
        return "Done." if said[-1].role == "tool" else ModelTurn.of("Adding.", [call("add", {"a": 1, "b": 2}), INVALID])

    tool = adder.tool(needs_approval=moment == "on_approval", effect="read")
    pipeline = rg.FunctionGenerator(answer).chat("hi").using(tool).with_hooks(cast("Hooks", Fragile(moment)))
    with pytest.raises(LookupError, match="my own mistake") as caught:
        await (pipeline.stream().chat() if streams else pipeline.run())
    run = cast("AgentRun", caught.value.run)  # type: ignore[attr-defined]
    assert run.state not in ("Failed", "Done")
    assert any("its messages are in" in note for note in caught.value.__notes__)
    stored = AgentRun.load(json.loads(json.dumps(run.dump())), pipeline.program)
    for one in (stored, run):
        chat = await (pipeline.stream_resumed(one).chat() if streams else pipeline.resume(one))
        assert contents(chat)[0:3:2] == ["hi", "3"]
        assert chat.last.content == "Done."


async def test_a_tool_whose_result_no_hook_saw_is_not_executed_again_unasked() -> None:
    adder = Adder()
    _, pipeline = adding(adder)
    pipeline = pipeline.with_hooks(cast("Hooks", Fragile("after_tool")))
    with pytest.raises(LookupError) as caught:
        await pipeline.run()
    assert any("was executed" in note for note in caught.value.__notes__)
    run = cast("AgentRun", caught.value.run)  # type: ignore[attr-defined]
    with pytest.raises(Paused) as paused:
        await pipeline.resume(run)
    assert [request.why for request in paused.value.requests] == ["unfinished"]
    assert adder.executed == [(1, 2)]


async def test_a_hook_that_fails_beside_a_running_tool_leaves_no_task() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def quick() -> None:
        await asyncio.wait_for(began.wait(), 10)

    before = asyncio.all_tasks()
    pipeline = rg.scripted([call("wait"), call("quick", {}, "c2")]).chat("hi").using(wait, quick)
    with pytest.raises(LookupError):
        await pipeline.with_hooks(cast("Hooks", Fragile("after_tool"))).run()
    assert ended.is_set()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        ("before_model_call", rg.GenerateParams()),
        ("after_model_turn", "Do not add."),
        ("on_invalid_call", "say add"),
        ("on_approval", True),
        ("before_tool", ToolResult("skipped")),
        ("after_tool", ToolResult("replaced")),
    ],
)
async def test_an_answer_of_another_kind_is_an_error_and_not_taken_for_a_yes(moment: str, answer: object) -> None:
    adder = Adder()
    calls = INVALID if moment == "on_invalid_call" else call("add", {"a": 1, "b": 2})
    _, pipeline = adding(adder, calls, "Done.", needs_approval=moment == "on_approval")

    def answering(_: Any) -> object:
        return answer

    with pytest.raises(TypeError, match=r"The hook .*moment answered .*; it answers None, or one of: "):
        await pipeline.with_hooks(hook(**{moment: answering})).run()
    assert adder.executed == ([(1, 2)] if moment == "after_tool" else [])


async def test_a_hook_that_is_not_async_says_so() -> None:
    class Sync:
        def on_state(self, detail: StateDetail) -> None: ...

    with pytest.raises(TypeError, match=r"Sync\.on_state gave None at once; write it as `async def`"):
        await rg.scripted("one").chat("hi").with_hooks(cast("Hooks", Sync())).run()


# What a hook is.


def test_moments_that_are_not_defined_cost_nothing() -> None:
    class One(Hooks):
        async def before_tool(self, detail: ToolDetail) -> None:
            return None

    seam = Seam([One()])
    assert [name for name in MOMENTS if getattr(seam, name)] == ["before_tool"]
    assert [name for name in MOMENTS if getattr(Seam(), name)] == []


async def test_a_hook_need_not_derive_from_anything() -> None:
    seen: list[str] = []

    class Plain:
        async def before_model_call(self, detail: ModelCallDetail) -> None:
            seen.append("plain")

    async def function(detail: ModelCallDetail) -> None:
        seen.append("function")

    hooks = cast("list[Hooks]", [Plain(), SimpleNamespace(before_model_call=function)])
    await rg.scripted("one").chat("hi").with_hooks(*hooks).run()
    assert seen == ["plain", "function"]


async def test_a_pipeline_shared_by_two_tasks_has_its_own_details_in_each() -> None:
    ids: list[str] = []
    together = asyncio.Barrier(2)

    class Waiting:
        async def before_model_call(self, detail: ModelCallDetail) -> None:
            await asyncio.wait_for(together.wait(), 10)
            ids.append(detail.run_id)

    pipeline = rg.scripted("one", "two").chat("hi").with_hooks(cast("Hooks", Waiting()))
    chats = await asyncio.gather(pipeline.run(), pipeline.run())
    assert sorted(ids) == sorted(str(chat.uuid) for chat in chats)


async def test_hooks_are_asked_in_merged_batches_too() -> None:
    patch = hook(before_model_call=lambda _: ModelCallPatch(params=rg.GenerateParams(seed=7)))
    model = rg.scripted("one", "two")
    await model.chat("hi").with_hooks(patch).run_many(2, mode="merged")
    assert [heard.params.seed for heard in model.heard] == [7, 7]


def test_details_cannot_be_changed() -> None:
    detail = ToolDetail("run", cast("Any", None))
    with pytest.raises(AttributeError):
        detail.run_id = "other"  # type: ignore[misc]
    assert replace(detail, run_id="other").run_id == "other"


# What stands around and fails.


class Around(Hooks):
    """Fails where it is told to, around what it is told to."""

    def __init__(self, kind: type[object], where: str) -> None:
        self.kind, self.where = kind, where

    @contextmanager
    def around(self, detail: object) -> Generator[Outcome]:
        where = self.where if isinstance(detail, self.kind) else ""

        def fail(moment: str) -> None:
            if moment == where:
                raise LookupError(moment)

        fail("entering")
        yield lambda _: fail("told")
        fail("leaving")


@pytest.mark.parametrize("where", ["entering", "told", "leaving"])
@pytest.mark.parametrize("mode", ["parallel", "merged"])
async def test_what_fails_around_a_call_of_the_model_ends_the_driving_and_not_the_run(
    where: str, mode: Literal["parallel", "merged"]
) -> None:
    model = rg.scripted(*"abcdef")
    pipeline = model.chat("Hello").with_hooks(Around(ModelCallDetail, where))
    with pytest.raises(LookupError, match=where) as raised:
        await pipeline.run_many(2, mode=mode)
    run = cast("Any", raised.value).run
    assert (await model.chat("Hello").resume(run)).last.content in "abcdef"
    chats = await pipeline.catch(LookupError, on_failed="include").run_many(2, mode=mode)
    assert [type(chat.error) for chat in chats] == [LookupError, LookupError]


@pytest.mark.parametrize("where", ["told", "leaving"])
@pytest.mark.parametrize("mode", ["parallel", "merged"])
async def test_what_fails_around_runs_loses_nothing_of_them(where: str, mode: Literal["parallel", "merged"]) -> None:
    pipeline = rg.scripted("a", "b").chat("Hello").with_hooks(Around(RunDetail, where))
    with pytest.raises(LookupError) as raised:
        await pipeline.run_many(2, mode=mode, max_concurrent=1)
    chats = cast("Any", raised.value).chats
    assert [chat.last.content for chat in chats] == (["a", "b"] if mode == "merged" else ["a"])
