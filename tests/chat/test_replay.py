"""`replay`: a run is had again from its journal, as a whole, with live tools, with a live model, or from a place on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.chat.replay import ReplayMode, replay
from rigging_py.error import (
    MaxDepthError,
    MessagesExhaustedMaxRoundsError,
    PipelineWarning,
    RateLimitedError,
    RunCancelledError,
)
from rigging_py.message import Message
from rigging_py.observe import (
    ApprovalDetail,
    InvalidCallDetail,
    ModelTurnDetail,
    RefuseTurn,
    ReplaceResult,
    RewriteArguments,
    SkipTool,
    StateDetail,
    StopRun,
    ToolDetail,
    ToolResultDetail,
)
from rigging_py.run import AgentRun, Answer, CallTools, Decision, Journal, Repair, Resolution, State, ToolResult
from rigging_py.run import replay as replay_run
from tests.tools.calls import call


async def flown(pipeline: rg.ChatPipeline, **how: Any) -> tuple[AgentRun, rg.Chat]:
    """A run of the pipeline to its end, and its chat."""
    async with pipeline.step(on_failed="include", **how) as steps:
        last = [step async for step in steps][-1]
    return last.runs[0], last.chats[0]


async def journal_of(pipeline: rg.ChatPipeline) -> Journal:
    return (await flown(pipeline))[0].journal


def said(chat: rg.Chat) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in chat.all]


class Weather:
    """A tool that counts how often it is executed."""

    def __init__(self, **by_city: str) -> None:
        self.by_city, self.asked = by_city or {"Oslo": "snow", "Rome": "sun"}, list[str]()

    def weather(self, city: str) -> str:
        """The weather in a city."""
        self.asked.append(city)
        return self.by_city[city]


def travelling(tools: Weather, *replies: Any) -> rg.ChatPipeline:
    said = replies or (
        [call("weather", {"city": "Oslo"}, "a"), call("weather", {"city": "Rome"}, "b")],
        "no number",
        "<int>2</int>",
    )
    return (
        rg.scripted(*said).chat("How many are warm?").using(rg.tool(effect="read")(tools.weather)).until_parsed_as(int)
    )


# Strict.


async def test_a_strict_replay_gives_the_same_chat_and_calls_nobody() -> None:
    run, first = await flown(travelling(Weather()))
    tools, silent = Weather(), rg.scripted()
    again = await replay(travelling(tools).answered_by(silent), run)
    assert (silent.heard, tools.asked) == ([], [])
    assert said(again) == said(first)
    assert [one.uuid for one in again.all] == [one.uuid for one in first.all]
    assert (again.output, again.usage, again.uuid) == (2, first.usage, first.uuid)
    assert (again.stop_reason, again.generated) == (first.stop_reason, first.generated)


async def test_neither_callbacks_nor_hooks_are_called() -> None:
    seen: list[object] = []

    class Watching(rg.Hooks):
        async def on_state(self, detail: StateDetail) -> None:
            seen.append(detail)

        async def before_tool(self, detail: ToolDetail) -> None:
            seen.append(detail)

    async def watch(chats: list[Any]) -> None:
        seen.append(chats)

    journal = await journal_of(travelling(Weather()))
    await replay(travelling(Weather()).then(seen.append).watch(watch).with_hooks(Watching()), journal)
    assert seen == []


async def test_a_program_that_judges_otherwise_is_found_at_the_place() -> None:
    journal = await journal_of(rg.scripted("<int>4</int>").chat("How many?").until_parsed_as(int))
    with pytest.raises(rg.ReplayDivergence) as caught:
        await replay(rg.scripted().chat("How many?").until_parsed_as(str), journal)
    assert caught.value.at == 1
    assert any("'Done' → 'Ready'" in line for line in caught.value.diff)


async def test_a_tool_that_is_gone_is_a_divergence() -> None:
    journal = await journal_of(travelling(Weather()))
    with pytest.raises(rg.ReplayDivergence, match="entry 1"):
        await replay(rg.scripted().chat("hi").until_parsed_as(int), journal)


def look() -> str:
    return "more"


FAILURES: dict[str, tuple[type[BaseException], Callable[[], rg.ChatPipeline], Callable[[], rg.ChatPipeline]]] = {
    "the provider": (
        RateLimitedError,
        lambda: rg.scripted(RateLimitedError("Too fast.", provider="them", retry_after=3)).chat("hi"),
        lambda: rg.scripted().chat("hi"),
    ),
    "the output": (
        MessagesExhaustedMaxRoundsError,
        lambda: rg.scripted("no").chat("hi").until_parsed_as(int, max_rounds=0),
        lambda: rg.scripted().chat("hi").until_parsed_as(int, max_rounds=0),
    ),
    "turns": (
        MaxDepthError,
        lambda: rg.scripted(call("look"), call("look")).chat("hi").using(look, max_depth=1),
        lambda: rg.scripted().chat("hi").using(look, max_depth=1),
    ),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_a_recorded_failure_is_the_same_failure(name: str) -> None:
    expected, failing, silent = FAILURES[name]
    run, first = await flown(failing().catch(Exception))
    with pytest.raises(expected) as caught:
        await replay(silent(), run)
    assert str(caught.value) == str(first.error)
    assert caught.value.run.run_id == run.run_id  # type: ignore[attr-defined]
    chat = await replay(silent().catch(Exception), run, on_failed="include")
    assert (chat.failed, said(chat)) == (True, said(first))


async def test_an_unfinished_journal_gives_the_chat_so_far() -> None:
    run, _ = await flown(travelling(Weather()))
    journal = run.journal
    for count, roles in enumerate(["user"] * 6 + ["user assistant tool tool"]):
        part = replay_run(journal, travelling(Weather()).program, upto=count).journal
        chat = await replay(travelling(Weather()).answered_by(rg.scripted()), part)
        assert " ".join(message.role for message in chat.all) == roles
        assert (chat.failed, chat.error) == (False, None)


async def test_a_deadline_that_has_passed_since_does_not_matter() -> None:
    run = AgentRun("hi", limits=rg.scripted().chat("hi").within(seconds=1e-9).limits_from_now())
    run.next_step()
    run.model_response("hello")
    chat = await replay(rg.scripted().chat("hi"), run)
    assert chat.last.content == "hello"


async def test_a_run_that_was_stored_replays_from_its_journal(tmp_path: Any) -> None:
    pipeline, store = travelling(Weather()), f"sqlite!{tmp_path / 'runs.db'}"
    first = await pipeline.run(store=store, run_id="trip")
    async with rg.get_store(store) as place:
        stored = await place.load("trip")
    run = AgentRun.load({**stored.head, **stored.lists})
    tools = Weather()
    assert said(await replay(travelling(tools), run.journal)) == said(first)
    assert tools.asked == []
    assert said(await replay(travelling(tools), run.journal, mode="model-only")) == said(first)
    assert sorted(tools.asked) == ["Oslo", "Rome"]


# Live tools.


async def test_model_only_executes_the_tools_again_and_compares() -> None:
    run, first = await flown(travelling(Weather()))
    tools, silent = Weather(), rg.scripted()
    chat = await replay(travelling(tools).answered_by(silent), run, mode="model-only")
    assert (said(chat), silent.heard, sorted(tools.asked)) == (said(first), [], ["Oslo", "Rome"])


async def test_a_tool_that_gives_something_else_is_named_with_its_call() -> None:
    run, _ = await flown(travelling(Weather()))
    with pytest.raises(rg.ReplayDivergence) as caught:
        await replay(travelling(Weather(Oslo="snow", Rome="rain")), run, mode="model-only")
    assert caught.value.diff == (f"weather ({run.run_id}/1/1) content.0.text: 'sun' → 'rain'",)
    assert (caught.value.expected, caught.value.actual) == (
        run.journal.results(run.journal[caught.value.at].input)[0][1],  # type: ignore[arg-type]
        ToolResult("rain"),
    )


async def test_all_tools_of_a_turn_that_differ_are_told_at_once() -> None:
    run, _ = await flown(travelling(Weather()))
    with pytest.raises(rg.ReplayDivergence) as caught:
        await replay(travelling(Weather(Oslo="fog", Rome="rain")), run, mode="model-only")
    assert len(caught.value.diff) == 2


async def test_a_tool_that_raises_where_it_gave_something_is_a_divergence() -> None:
    def weather(city: str) -> str:
        """The weather in a city."""
        raise LookupError(city)

    run, _ = await flown(travelling(Weather()))
    with pytest.warns(PipelineWarning, match="replaces another"):
        lenient = travelling(Weather()).using(weather)
    with pytest.raises(rg.ReplayDivergence, match="it raised LookupError: Oslo") as caught:
        await replay(lenient.using(rg.tool(catch=False)(weather)), run, mode="model-only")
    assert isinstance(caught.value.__cause__, LookupError)
    with pytest.raises(rg.ReplayDivergence, match="error: False → True"):
        await replay(lenient, run, mode="model-only")


async def test_no_tool_is_executed_where_the_program_already_differs() -> None:
    run, _ = await flown(travelling(Weather()))
    tools = Weather()
    with pytest.raises(rg.ReplayDivergence):
        await replay(rg.scripted().chat("hi").using(tools.weather).until_parsed_as(bool), run, mode="model-only")
    assert tools.asked == []


class Steering(rg.Hooks):
    """Rewrites a city, answers for another, and improves on results."""

    def __init__(self, better: str = "!") -> None:
        self.better = better

    async def before_tool(self, detail: ToolDetail) -> RewriteArguments | SkipTool | None:
        city = detail.call.arguments["city"]
        if city == "Rome":
            return SkipTool(ToolResult("cached"))
        return RewriteArguments({"city": f"{city}, NO"})

    async def after_tool(self, detail: ToolResultDetail) -> ReplaceResult:
        return ReplaceResult(ToolResult(f"{detail.result.content}{self.better}"))


async def test_hooks_that_had_a_hand_in_the_results_have_it_again() -> None:
    run, _ = await flown(travelling(Weather(**{"Oslo, NO": "ice"})).with_hooks(Steering()))
    tools = Weather(**{"Oslo, NO": "ice"})
    await replay(travelling(tools).with_hooks(Steering()), run, mode="model-only")
    assert tools.asked == ["Oslo, NO"]
    with pytest.raises(rg.ReplayDivergence, match="'ice!' → 'ice'"):
        await replay(travelling(tools).with_hooks(Steering("")), run, mode="model-only")


async def test_a_hook_that_now_ends_the_run_is_a_divergence() -> None:
    class Ending(rg.Hooks):
        async def before_tool(self, detail: ToolDetail) -> StopRun:
            return StopRun("enough")

    run, _ = await flown(travelling(Weather()))
    with pytest.raises(rg.ReplayDivergence, match="a hook ended the run: enough"):
        await replay(travelling(Weather()).with_hooks(Ending()), run, mode="model-only")


async def test_tools_get_their_context_and_the_key_they_had() -> None:
    keys: list[str] = []

    def pay(context: rg.ToolContext[int], amount: int) -> str:
        keys.append(context.key)
        return f"paid {context.value + amount}"

    pipeline = rg.scripted(call("pay", {"amount": 1}), "done").chat("hi").using(pay).with_context(41)
    run, _ = await flown(pipeline)
    await replay(pipeline, run, mode="model-only")
    assert keys == [f"{run.run_id}/1/0"] * 2
    with pytest.raises(TypeError, match="with_context"):
        await replay(pipeline.with_context(None), run, mode="model-only")


class Deciding(rg.Hooks):
    """Decides and resolves, and counts how often."""

    def __init__(self, decision: Decision, resolution: Resolution | None = None) -> None:
        self.decision, self.resolution, self.count = decision, resolution, 0

    async def on_approval(self, detail: ApprovalDetail) -> Decision:
        self.count += 1
        return self.decision

    async def on_invalid_call(self, detail: InvalidCallDetail) -> Resolution | None:
        self.count += 1
        return self.resolution


def paying(paid: list[int], *replies: Any) -> rg.ChatPipeline:
    @rg.tool(needs_approval=True)
    def pay(amount: int) -> str:
        paid.append(amount)
        return f"paid {amount}"

    return rg.scripted(*replies).chat("Pay.").using(pay)


@pytest.mark.parametrize(("mode", "paid_again"), [("strict", []), ("model-only", [7]), ("tools-only", [])])
async def test_recorded_decisions_and_resolutions_are_made_again(mode: ReplayMode, paid_again: list[int]) -> None:
    replies = [[call("pay", {"amount": 500}, "a"), call("pai", {"amount": 7}, "b")], "done"]
    person = Deciding(rg.Edit({"amount": 7}), Repair("pay"))

    class OnlyOne(Deciding):
        async def on_approval(self, detail: ApprovalDetail) -> Decision:
            is_first = detail.request.call.key.endswith("/0")
            return rg.Deny("Too much.") if is_first else await super().on_approval(detail)

    run, first = await flown(paying([], *replies).with_hooks(OnlyOne(rg.Approve(), Repair("pay"))))
    assert [message.content for message in first.all[2:4]] == ["Too much.", "paid 7"]
    paid: list[int] = []
    chat = await replay(paying(paid, *replies).with_hooks(person), run, mode=mode)
    assert said(chat) == said(first)
    assert (paid, person.count) == (paid_again, 0)


# A live model.


async def test_tools_only_asks_the_model_and_executes_no_tool() -> None:
    run, first = await flown(travelling(Weather()))
    tools = Weather()
    same = [call("weather", {"city": "Oslo"}), call("weather", '{ "city":"Rome" }')]
    model = rg.scripted(same, "<int>1</int>")
    chat = await replay(travelling(tools).answered_by(model), run, mode="tools-only")
    assert (chat.output, tools.asked, model.remaining) == (1, [], 0)
    assert said(chat)[:4] == said(first)[:4]
    assert "snow" in model.heard[1].text


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (call("weather", {"city": "Paris"}), r"/1/0.arguments.city: 'Oslo' → 'Paris'"),
        ([call("weather", {"city": "Oslo"})] * 3, r"/1/2: None → "),
        (call("climate", {"city": "Oslo"}), r"/1/0.name: 'weather' → 'climate'"),
    ],
)
async def test_another_call_than_the_recorded_one_is_a_divergence(asked: Any, problem: str) -> None:
    def climate(city: str) -> str:
        raise AssertionError

    replies = [[call("weather", {"city": "Oslo"})] * 2, "<int>2</int>"]
    journal = await journal_of(travelling(Weather(), *replies))
    pipeline = travelling(Weather(), asked).using(climate)
    with pytest.raises(rg.ReplayDivergence, match=problem) as caught:
        await replay(pipeline, journal, mode="tools-only")
    assert caught.value.at == 1


async def test_a_call_in_a_turn_that_the_journal_does_not_have_is_a_divergence() -> None:
    journal = await journal_of(travelling(Weather(), "<int>2</int>"))
    with pytest.raises(rg.ReplayDivergence) as caught:
        await replay(travelling(Weather(), "no", call("weather", {"city": "Oslo"})), journal, mode="tools-only")
    assert (caught.value.at, caught.value.expected) == (len(journal), None)


async def test_a_call_that_was_recorded_without_a_result_is_a_divergence() -> None:
    journal = await journal_of(travelling(Weather(), call("weather", {"town": "Oslo"}), "<int>2</int>"))

    def weather(town: str) -> str:
        raise AssertionError

    with pytest.raises(rg.ReplayDivergence, match="no result of this call"):
        await replay(
            rg.scripted(call("weather", {"town": "Oslo"})).chat("hi").using(weather), journal, mode="tools-only"
        )


async def test_what_was_said_meanwhile_and_afterwards_is_said_again() -> None:
    pipeline = travelling(Weather(), call("weather", {"city": "Oslo"}), "<int>1</int>", "<int>2</int>", "<int>3</int>")
    run = AgentRun(history=pipeline.messages, limits=pipeline.limits, program=pipeline.program)
    run.inject("at the beginning")
    run.next_step()
    run.model_response(rg.ModelTurn.of(tool_calls=[call("weather", {"city": "Oslo"})]))
    run.inject("meanwhile")
    step = run.next_step()
    assert isinstance(step, CallTools)
    run.tool_result(step.calls[0].key, "snow")
    for number, follow_up in enumerate(["and then", "and at last"], 1):
        run.next_step()
        run.model_response(f"<int>{number}</int>")
        assert run.state is State.DONE
        run.inject([follow_up, "please"])
    run.next_step()
    run.model_response("<int>3</int>")

    chat = await replay(pipeline, run, mode="tools-only")
    assert said(chat) == said(await replay(pipeline, run))
    assert [content for role, content in said(chat) if role == "user"] == [
        "How many are warm?",
        "at the beginning",
        "meanwhile",
        "and then",
        "please",
        "and at last",
        "please",
    ]


async def test_hooks_judge_what_a_live_model_says() -> None:
    class Strict(rg.Hooks):
        async def after_model_turn(self, detail: ModelTurnDetail) -> RefuseTurn | None:
            return RefuseTurn("Longer.") if len(detail.turn.message.content) < 4 else None

    journal = await journal_of(rg.scripted("hello").chat("hi"))
    chat = await replay(rg.scripted("ho", "hello").chat("hi").with_hooks(Strict()), journal, mode="tools-only")
    assert "Longer." in chat.all[-2].content


async def test_a_live_model_has_the_time_of_a_run_that_begins_now() -> None:
    run = AgentRun("hi", limits=rg.scripted().chat("hi").within(seconds=1e-9).limits_from_now())
    chat = await replay(rg.scripted("hello").chat("hi").within(seconds=60), run, mode="tools-only")
    assert chat.last.content == "hello"
    with pytest.raises(rg.RiggingError, match="had until"):
        await replay(rg.scripted("hello").chat("hi").within(seconds=0), run, mode="tools-only")


# Live from a place on.


async def test_live_after_goes_on_as_a_fork_with_a_model_and_tools() -> None:
    # One at a time: side by side either may return first.
    run, first = await flown(travelling(Weather()).using(max_concurrent=1))
    places = [at for at, entry in enumerate(run.journal, 1) if entry.input.type == "ToolsReturned"]
    tools, model = Weather(Oslo="-", Rome="heat"), rg.scripted("<int>9</int>")
    chat = await replay(travelling(tools).answered_by(model), run, live_after=places[0])
    assert (chat.output, tools.asked) == (9, ["Rome"])
    assert [content for role, content in said(chat) if role == "tool"] == ["snow", "heat"]
    assert chat.uuid != first.uuid


async def test_live_after_calls_the_callbacks() -> None:
    seen: list[rg.Chat] = []
    journal = await journal_of(rg.scripted("hello").chat("hi"))
    await replay(rg.scripted("ho").chat("hi").then(seen.append), journal, live_after=1)
    assert [chat.last.content for chat in seen] == ["ho"]


@pytest.mark.parametrize("count", range(11))
async def test_live_after_any_place_the_same_answers_give_the_same_conversation(count: int) -> None:
    replies = [[call("weather", {"city": "Oslo"}), call("weather", {"city": "Rome"})], "no number", "<int>2</int>"]
    run, first = await flown(travelling(Weather(), *replies))
    assert len(run.journal) == 10
    had = sum(entry.input.type == "ModelResponded" for entry in run.journal[:count])
    pipeline = travelling(Weather(), *replies[had:], "unused")
    assert said(await replay(pipeline, run, live_after=count)) == said(first)


async def test_a_deadline_that_has_passed_does_not_end_what_goes_on_live() -> None:
    run = AgentRun("hi", limits=rg.scripted().chat("hi").within(seconds=1e-9).limits_from_now())
    run.next_step()
    chat = await replay(rg.scripted("hello").chat("hi"), run, live_after=1)
    assert chat.last.content == "hello"
    run.expire(datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(rg.RiggingError, match="had until"):
        await replay(rg.scripted("hello").chat("hi"), run, live_after=2)


async def test_tools_of_the_first_entries_are_tried_before_the_rest_is_live() -> None:
    run, _ = await flown(travelling(Weather()))
    tools = Weather()
    chat = await replay(travelling(tools, "<int>5</int>"), run, mode="model-only", live_after=6)
    assert (chat.output, sorted(tools.asked)) == (5, ["Oslo", "Rome"])
    with pytest.raises(rg.ReplayDivergence, match="'sun' → 'rain'"):
        await replay(travelling(Weather(Oslo="snow", Rome="rain"), "x"), run, mode="model-only", live_after=6)


async def test_a_cancelled_run_is_cancelled_again() -> None:
    run = AgentRun("hi")
    run.next_step()
    run.cancel("enough", by="Ann")
    with pytest.raises(RunCancelledError, match="cancelled by Ann: enough"):
        await replay(rg.scripted().chat("hi"), run)


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"mode": "loose"}, "not 'loose'"),
        ({"mode": "tools-only", "live_after": 1}, "leave live_after out"),
        ({"live_after": -1}, "live_after is 0 to 2"),
        ({"on_failed": "skip"}, "include"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(how: dict[str, Any], problem: str) -> None:
    journal = await journal_of(rg.scripted("hello").chat("hi"))
    with pytest.raises(ValueError, match=problem):
        await replay(rg.scripted().chat("hi"), journal, **how)


async def test_resolutions_of_a_turn_are_not_given_to_another() -> None:
    person = Deciding(rg.Approve(), Answer("There is no such thing."))
    journal = await journal_of(rg.scripted(call("nope"), "done").chat("hi").using(look).with_hooks(person))
    again = Deciding(rg.Approve(), Answer("Another word."))
    model = rg.scripted(call("never"), "done")
    chat = await replay(model.chat("hi").using(look).with_hooks(again), journal, mode="tools-only")
    assert [message.content for message in chat.all if message.role == "tool"] == ["Another word."]


async def test_editing_a_replayed_chat_does_not_change_the_journal() -> None:
    run, _ = await flown(travelling(Weather()))
    chat = await replay(travelling(Weather()), run)
    chat.messages[0].content = "other"
    part = await replay(travelling(Weather()), replay_run(run.journal, travelling(Weather()).program, upto=4))
    part.messages[0].content = "other"
    assert run.messages[0] == Message("user", "How many are warm?", uuid=run.messages[0].uuid)
