"""Mistakes of the program around a run are told before anything happens, and nothing is half done."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.error import MessagesExhaustedMaxRoundsError, ProtocolError
from rigging_py.observe import ModelCallDetail, ReplaceResult, SkipTool
from rigging_py.run import Continue, MoreTokens
from tests.run.kit import call as run_call

paid: list[int] = []


def call(name: str, n: int) -> rg.ToolCall:
    return run_call(name, json.dumps({"n": n}))


@rg.tool(needs_approval=True)
def pay(n: int) -> str:
    """Pay."""
    paid.append(n)
    return f"paid {n}"


def asking(*numbers: int) -> rg.ChatPipeline:
    """A pipeline whose model asks for payments, all in one turn, and then is content."""
    paid.clear()
    return rg.scripted([call("pay", n=n) for n in numbers], "Thank you.").chat("Pay.").using(pay)


async def paused(pipeline: rg.ChatPipeline) -> rg.AgentRun:
    with pytest.raises(rg.Paused) as caught:
        await pipeline.run(run_id="r")
    assert caught.value.run is not None
    return caught.value.run


# Runs that wait.


async def test_a_stream_of_text_of_a_run_that_waits_says_so() -> None:
    with pytest.raises(rg.Paused, match="pay"):
        [text async for text in asking(1).stream_text()]


async def test_partials_of_a_run_that_waits_say_so() -> None:
    @rg.prompt
    async def sum_paid() -> int:
        """Pay."""

    with pytest.raises(rg.Paused, match="pay"):
        [known async for known in sum_paid.bind(asking(1)).stream().partials()]


async def test_a_batch_that_includes_failures_includes_the_runs_that_wait_and_finishes_the_others() -> None:
    def answer(said: Any, params: Any) -> Any:
        return rg.ModelTurn.of(tool_calls=[call("pay", n=2)]) if "2" in said[-1].content else "fine"

    chats = await rg.FunctionGenerator(answer).chat("q").using(pay).run_batch(["1", "2", "3"], on_failed="include")
    assert [chat.last.content for chat in chats if not chat.failed] == ["fine", "fine"]
    [waiting] = [chat.error for chat in chats if chat.failed]
    assert isinstance(waiting, rg.Paused)
    assert [request.call.name for request in waiting.requests] == ["pay"]


async def test_a_run_that_waits_is_never_left_out() -> None:
    with pytest.raises(rg.Paused):
        await asking(1).run_many(1, on_failed="skip")


# Decisions.


async def test_a_decision_that_contradicts_an_earlier_one_is_refused() -> None:
    pipeline = asking(1, 2)
    run = await paused(pipeline)
    with pytest.raises(rg.Paused):
        await pipeline.resume(run, decisions={"r/1/0": rg.Approve()})
    with pytest.raises(ProtocolError, match="'r/1/0' was decided already; these wait: r/1/1"):
        await pipeline.resume(run, decisions={"r/1/0": rg.Deny("Stop!"), "r/1/1": rg.Approve()})
    assert paid == []


async def test_a_decision_about_no_call_is_refused_and_says_which_wait() -> None:
    pipeline = asking(1)
    run = await paused(pipeline)
    with pytest.raises(ProtocolError, match="'typo/1/O' waits for no decision; these wait: r/1/0"):
        await pipeline.resume(run, decisions={"typo/1/O": rg.Approve()})


async def test_decisions_are_taken_all_or_none() -> None:
    pipeline = asking(1, 2)
    run = await paused(pipeline)
    with pytest.raises(ProtocolError, match="nothing is edited") as caught:
        await pipeline.resume(run, decisions={"r/1/1": rg.Deny("No."), "r/1/0": rg.Edit({"m": 1})})
    assert caught.value.run is run
    assert [request.call.key for request in run.requests] == ["r/1/0", "r/1/1"]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (True, "not True"),
        ("approve", "not 'approve'"),
        (rg.Approve, "Approve"),
        (rg.Deny(cast("str", 5)), "the reason of a Deny is a text, not 5"),
        (rg.Edit({"n": "\ud800"}), "cannot be written as JSON"),
        (rg.Edit({"n": object()}), "cannot be written as JSON"),
        (rg.Edit(cast("dict[str, Any]", "n=1")), "arguments are a dict"),
    ],
)
async def test_what_is_no_decision_is_refused_in_words(decision: Any, said: str) -> None:
    pipeline = asking(1)
    run = await paused(pipeline)
    with pytest.raises(ProtocolError, match=said):
        await pipeline.resume(run, decisions={"r/1/0": decision})


async def test_a_run_in_hand_has_one_driver() -> None:
    pipeline = asking(1)
    run = await paused(pipeline)
    decisions = {"r/1/0": rg.Approve()}
    both = (pipeline.resume(run, decisions=decisions), pipeline.resume(run, decisions=decisions))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results] == [rg.Chat, ProtocolError]
    assert paid == [1]


# Going on.


async def test_a_run_whose_answers_were_not_valid_goes_on_with_more_retries_and_the_model_is_told_why() -> None:
    model = rg.scripted("Plenty.", "Many.", "<int>42</int>")
    pipeline = model.chat("How many?").until_parsed_as(int, max_rounds=1)
    with pytest.raises(MessagesExhaustedMaxRoundsError) as caught:
        await pipeline.run()
    assert caught.value.run is not None
    chat = await pipeline.resume(caught.value.run, limits={"max_output_retries": 2})
    assert chat.output == 42
    assert [message.content for message in model.heard[2].messages if message.role == "assistant"] == [
        "Plenty.",
        "Many.",
    ]
    assert "Rewrite your entire message" in model.heard[2].messages[-1].content


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"bogus": 1}, "there is no limit 'bogus'"),
        ({"deadline": "tomorrow"}, "give it a higher number, and others too if need be, not deadline='tomorrow'"),
        ({"max_turns": 0}, "not max_turns=0"),
    ],
)
async def test_a_limit_that_is_none_is_refused_by_name(limits: Any, said: str) -> None:
    pipeline = rg.scripted([call("pay", n=1)], "Done.").chat("Pay.").using(pay.with_(needs_approval=False), max_depth=0)
    with pytest.raises(rg.RiggingError) as caught:
        await pipeline.run()
    assert caught.value.run is not None
    with pytest.raises(ProtocolError, match=said):
        await pipeline.resume(caught.value.run, limits=limits)


async def test_a_call_that_was_left_unfinished_is_asked_about_in_other_words() -> None:
    pipeline = asking(1).using(pay.with_(needs_approval=False))
    run = rg.AgentRun("Pay.", program=pipeline.program, limits=pipeline.limits, run_id="r")
    run.next_step()
    run.model_response(rg.ModelTurn.of(tool_calls=[call("pay", n=1)]))
    run.tool_started("r/1/0")
    with pytest.raises(rg.Paused, match="started by a process that is gone and may have had its effect"):
        await pipeline.resume(run.dump())


# Descriptions.


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: asking(1).until_parsed_as(int, output_mode=cast("Any", "bogus")), "not 'bogus'"),
        (lambda: asking(1).until_parsed_as(int, on_truncated=cast("Any", "bogus")), "not 'bogus'"),
        (lambda: Continue(-1), "not -1"),
        (lambda: MoreTokens(cast("int", "x")), "not 'x'"),
        (lambda: asking(1).within(tool_calls=cast("int", 2.5)), "tool_calls is a whole number"),
        (lambda: asking(1).within(seconds=cast("float", "x")), "seconds is a number"),
        (lambda: asking(1).within(cost=float("nan")), "cost is a number"),
    ],
)
def test_what_cannot_be_asked_for_is_a_value_error(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


class Misspelt(rg.Hooks):
    async def before_tol(self, detail: object) -> None:
        pass


class Fine(rg.Hooks):
    async def before_model_call(self, detail: ModelCallDetail) -> None:
        pass


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (None, "None has none of the moments"),
        ("x", "'x' has none of the moments"),
        (len, "has none of the moments"),
        (Fine, r"give Fine\(\) and not the class"),
        (Misspelt(), "Misspelt.before_tol is no moment"),
    ],
)
def test_what_is_no_hook_is_a_type_error(hook: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        asking(1).with_hooks(hook)


@pytest.mark.parametrize("answer", [SkipTool, ReplaceResult])
def test_an_answer_of_a_hook_takes_a_result(answer: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a result, as in \w+\(ToolResult"):
        answer("nah")


async def test_a_store_a_pipeline_and_a_journal_that_are_none_are_type_errors() -> None:
    with pytest.raises(TypeError, match="A store is a RunStore"):
        await asking(1).run(store=cast("str", 5))
    with pytest.raises(TypeError, match="A run goes on by the pipeline"):
        await rg.resume("r", store="memory!none", pipeline=cast("rg.ChatPipeline", "openai!x"))
    with pytest.raises(TypeError, match="What is replayed is a run or its journal"):
        await asking(1).replay(cast("rg.AgentRun", "r"))


@pytest.mark.parametrize("run_id", ["", 5])
async def test_a_run_needs_a_name(run_id: Any) -> None:
    with pytest.raises(ValueError, match="A run's id is a text that is not empty"):
        await asking(1).run(run_id=run_id)


@pytest.mark.parametrize("catch", ["ValueError", [ValueError, "KeyError"], [int]])
def test_what_is_no_class_of_exceptions_cannot_be_caught(catch: Any) -> None:
    with pytest.raises(rg.error.ToolDefinitionError, match="catch is True, False, or classes of exceptions"):
        asking(1).using(pay, catch=catch)


# Generators and checks of the user's own.


async def test_a_generator_that_gives_no_messages_is_told_what_to_give() -> None:
    class Parrot(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> Any:
            return [said[-1].content for said in messages]

    with pytest.raises(TypeError, match=r"Parrot answered a conversation with a str.*from_text"):
        await Parrot(model="p").chat("Polly?").run()


async def test_a_check_that_gives_something_else_is_told_what_to_give() -> None:
    def old(text: str) -> Any:
        return True, []

    with pytest.raises(TypeError, match=r"check old gets the text and says True, False, None or why not; not \(True"):
        await rg.scripted("hi").chat("hello").until(old).run()


@pytest.mark.parametrize("thing", [3, None, object()])
def test_what_is_no_message_is_named(thing: Any) -> None:
    with pytest.raises(TypeError, match="A message is text, a content part, a dict with role and content"):
        rg.Message.fit_as_list(thing)


# Refinements that cannot be.


def test_what_is_no_exception_class_cannot_be_caught() -> None:
    for catch in (rg.scripted().chat("hi").catch, rg.scripted().complete("hi").catch):
        with pytest.raises(TypeError, match=r"classes of exceptions.*not ValueError\('x'\)"):
            catch(cast("Any", ValueError("x")))
        with pytest.raises(TypeError, match=r"classes of exceptions.*not 'x'"):
            catch(exclude=cast("Any", "x"))


def test_a_merge_strategy_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'none', 'all', 'only-user-role'; not 'some'"):
        rg.scripted().chat("hi").add("there", merge_strategy=cast("Any", "some"))


def test_a_variable_that_is_not_set_names_no_generator() -> None:
    with pytest.raises(TypeError, match=r"'openai!gpt-4o'; not None"):
        rg.get_generator(cast("Any", None))
