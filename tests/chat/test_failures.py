"""What fails is raised with everything that was said, or kept in the chat where the caller asks for that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import rigging_py as rg
from rigging_py.error import (
    ExhaustedMaxRoundsError,
    MaxDepthError,
    MessagesExhaustedMaxRoundsError,
    RateLimitedError,
    TruncatedError,
)
from tests.tools.calls import call


class OddError(Exception):
    """Of a library that our table does not know."""


def look() -> str:
    return "seen"


def failing(*errors: BaseException) -> rg.ChatPipeline:
    return rg.scripted(*errors).chat("hi")


@pytest.mark.parametrize("depth", [0, 1, 3])
async def test_n_batches_of_tools_are_allowed_and_n_plus_one_calls(depth: int) -> None:  # surface 3.2 no. 7
    executed = 0

    def again() -> str:
        nonlocal executed
        executed += 1
        return "again"

    model = rg.scripted(*[call("again")] * 10)
    with pytest.raises(MaxDepthError, match="max_depth") as caught:
        await model.chat("hi").using(again, max_depth=depth).run()
    assert executed == depth
    assert len(model.heard) == depth + 1
    assert caught.value.max_depth == depth


async def test_twenty_batches_are_the_default() -> None:
    model = rg.scripted(*[call("look")] * 30)
    with pytest.raises(MaxDepthError):
        await model.chat("hi").using(look).run()
    assert len(model.heard) == 21


@pytest.mark.parametrize("family", [MaxDepthError, MessagesExhaustedMaxRoundsError, ExhaustedMaxRoundsError])
async def test_too_many_tool_turns_are_caught_as_exhausted_rounds_with_the_transcript(
    family: type[ExhaustedMaxRoundsError],
) -> None:
    with pytest.raises(family) as caught:
        await rg.scripted(call("look"), call("look")).chat("hi").using(look, max_depth=1).run()
    assert [m.role for m in caught.value.messages][:3] == ["user", "assistant", "tool"]
    assert caught.value.run is not None
    assert caught.value.run.state == "Failed"
    assert caught.value.usage == rg.Usage()


async def test_exhausted_rounds_carry_the_transcript_and_the_run() -> None:
    with pytest.raises(MessagesExhaustedMaxRoundsError, match="no 'int' element") as caught:
        await rg.scripted("never").chat("hi").until_parsed_as(int, max_rounds=0).run()
    assert [m.content for m in caught.value.messages] == ["hi", "never"]
    assert caught.value.run is not None


async def test_a_run_that_hit_its_limit_goes_on_with_a_higher_one() -> None:
    model = rg.scripted(call("look"), call("look"), "done")
    pipeline = model.chat("hi").using(look, max_depth=1)
    with pytest.raises(MaxDepthError) as caught:
        await pipeline.run()
    assert caught.value.run is not None
    caught.value.run.raise_limit(max_turns=10, max_tool_turns=10)
    assert (await pipeline.resume(caught.value.run)).last.content == "done"


@pytest.mark.parametrize("how", [{"allow_failed": True}, {"on_failed": "include"}])
async def test_a_run_that_fails_by_itself_can_be_kept(how: Any) -> None:
    chat = await rg.scripted("never", "ever").chat("hi").until_parsed_as(int, max_rounds=1).run(**how)
    assert chat.failed
    assert isinstance(chat.error, ExhaustedMaxRoundsError)
    assert chat.last.content == "ever"
    assert "[error]: No acceptable answer" in chat.conversation


async def test_a_cut_off_answer_is_a_truncated_error_that_can_be_kept() -> None:
    def pipeline() -> rg.ChatPipeline:
        return rg.scripted(rg.ModelTurn.from_text("<int>4", stop_reason="length")).chat("hi").until_parsed_as(int)

    with pytest.raises(TruncatedError, match="max_tokens") as caught:
        await pipeline().run()
    assert caught.value.messages[-1].content == "<int>4"
    assert (await pipeline().run(allow_failed=True)).failed


async def test_include_does_not_cover_other_errors_unless_they_are_caught() -> None:  # surface 3.2 no. 28
    with pytest.raises(RateLimitedError):
        await failing(RateLimitedError("slow down")).run(on_failed="include")
    chat = await failing(RateLimitedError("slow down")).catch(RateLimitedError).run(on_failed="include")
    assert isinstance(chat.error, RateLimitedError)
    chat = await failing(OddError("odd")).catch(OddError, on_failed="include").run()
    assert isinstance(chat.error, OddError)
    assert chat.generated == []


async def test_excluded_errors_are_raised_even_where_their_family_is_caught() -> None:
    pipeline = rg.scripted("never").chat("hi").until_parsed_as(int, max_rounds=0)
    with pytest.raises(ExhaustedMaxRoundsError):
        await pipeline.catch(exclude=[ExhaustedMaxRoundsError]).run(on_failed="include")


async def test_an_error_of_the_provider_keeps_its_type_and_carries_the_run() -> None:
    model = rg.scripted("no number", RateLimitedError("slow down", provider="p", status=429, retry_after=3.0))
    with pytest.raises(RateLimitedError) as caught:
        await model.chat("hi").until_parsed_as(int).run()
    assert caught.value.retry_after == 3.0
    assert caught.value.run is not None
    assert [m.content for m in caught.value.messages][:2] == ["hi", "no number"]


async def test_an_error_that_nobody_knows_passes_through_with_a_note_and_the_run() -> None:
    with pytest.raises(OddError) as caught:
        await failing(OddError("odd")).run()
    assert "`.run.messages`" in caught.value.__notes__[0]
    assert caught.value.run.messages[0].content == "hi"  # type: ignore[attr-defined]


async def test_an_error_that_takes_no_attributes_is_raised_as_it_is() -> None:
    class Closed(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    with pytest.raises(Closed):
        await failing(Closed("closed")).run()


async def test_a_generator_that_raises_fails_the_run_like_one_that_returns_the_error() -> None:
    def answer(messages: Any, params: Any) -> str:
        raise OddError("odd")

    with pytest.raises(OddError):
        await rg.FunctionGenerator(answer).chat("hi").run()


async def test_a_generator_that_gives_too_few_answers_is_told_so() -> None:
    class Short(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn | BaseException]:
            return []

    with pytest.raises(RuntimeError, match="Short answered 0 of 1 conversations"):
        await Short(model="m").chat("hi").run()


async def test_one_run_cannot_be_skipped() -> None:
    pipeline = rg.scripted("hi").chat("hello")
    with pytest.raises(ValueError, match="cannot be skipped"):
        await pipeline.run(on_failed="skip")
    with pytest.raises(ValueError, match="cannot be skipped"):
        await pipeline.catch(on_failed="skip").run()
    with pytest.raises(ValueError, match="cannot be skipped"):
        await pipeline.resume(rg.AgentRun("hello"), on_failed="skip")


@pytest.mark.parametrize("mode", ["parallel", "merged"])
async def test_failed_runs_of_a_batch_are_skipped_or_included(mode: Any) -> None:  # surface 3.2 no. 28
    def pipeline() -> rg.ChatPipeline:
        return rg.scripted("<int>1</int>", OddError("odd"), "<int>3</int>").chat("hi").catch(OddError)

    skipped = await pipeline().run_many(3, mode=mode, on_failed="skip")
    assert [chat.last.content for chat in skipped] == ["<int>1</int>", "<int>3</int>"]
    included = await pipeline().run_many(3, mode=mode, on_failed="include")
    assert [chat.failed for chat in included] == [False, True, False]


async def test_the_first_failure_cancels_the_rest_and_carries_what_was_finished() -> None:  # surface 3.2 no. 26
    finished, cancelled, never = asyncio.Event(), asyncio.Event(), asyncio.Event()
    number = 0

    async def answer(messages: Any, params: Any) -> str:
        nonlocal number
        number += 1
        if number == 1:
            finished.set()
            return "first"
        if number == 2:
            await asyncio.wait_for(finished.wait(), 10)
            raise OddError("odd")
        try:
            await never.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "never"

    before = asyncio.all_tasks()
    with pytest.raises(OddError) as caught:
        await rg.FunctionGenerator(answer).chat("hi").run_many(3)
    assert cancelled.is_set()
    assert asyncio.all_tasks() == before
    assert [chat.last.content for chat in caught.value.chats] == ["first"]  # type: ignore[attr-defined]


async def test_a_merged_batch_stops_at_the_first_failure_too() -> None:
    model = rg.scripted("no", OddError("odd"), "<int>3</int>")
    with pytest.raises(OddError) as caught:
        await model.chat("hi").until_parsed_as(int).run_many(3, mode="merged")
    assert len(model.heard) == 3
    assert [chat.output for chat in caught.value.chats] == [3]  # type: ignore[attr-defined]


async def test_the_cause_of_an_error_survives_a_batch() -> None:
    async def answer(messages: Any, params: Any) -> str:
        raise OddError("odd") from ZeroDivisionError("the reason")

    with pytest.raises(OddError) as caught:
        await rg.FunctionGenerator(answer).chat("hi").run_many(2)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_what_a_tool_raises_uncaught_ends_the_run_and_can_be_kept_like_other_errors() -> None:
    def broken() -> str:
        raise OddError("odd")

    def pipeline() -> rg.ChatPipeline:
        return rg.scripted(call("broken")).chat("hi").using(broken, catch=False)

    with pytest.raises(OddError) as caught:
        await pipeline().run()
    assert caught.value.run.state == "ExecutingTools"  # type: ignore[attr-defined]
    chat = await pipeline().catch(OddError).run(on_failed="include")
    assert isinstance(chat.error, OddError)
    assert [one.name for one in chat.last.tool_calls or ()] == ["broken"]
    assert await pipeline().catch(OddError).run_many(1, on_failed="skip") == []


async def test_a_run_ended_by_a_tool_goes_on_with_that_tool() -> None:
    is_broken = True

    @rg.tool(effect="idempotent")
    def sometimes() -> str:
        if is_broken:
            raise OddError("odd")
        return "better now"

    pipeline = rg.scripted(call("sometimes"), "done").chat("hi").using(sometimes, catch=False)
    with pytest.raises(OddError) as caught:
        await pipeline.run()
    is_broken = False
    chat = await pipeline.resume(caught.value.run)  # type: ignore[attr-defined]
    assert [m.content for m in chat.all] == ["hi", "", "better now", "done"]


async def test_a_tool_that_fails_cancels_its_siblings() -> None:  # surface 3.2 no. 11
    started, cancelled, never = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        started.set()
        try:
            await never.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def broken() -> None:
        await asyncio.wait_for(started.wait(), 10)
        raise OddError("odd")

    model = rg.scripted([call("slow"), call("broken", call_id="c2")])
    with pytest.raises(OddError):
        await model.chat("hi").using(slow, broken, catch=False).run()
    assert cancelled.is_set()


async def test_a_check_that_breaks_ends_its_own_run_only_and_carries_it() -> None:
    class Strict(rg.Model):
        content: str

        @classmethod
        def candidates(cls, text: str) -> Any:
            if "bad" in text:
                raise KeyError("a fault in the program")
            return super().candidates(text)

    async def answer(messages: Any, params: Any) -> str:
        return f"<strict>{messages[-1].content}</strict>"

    pipeline = rg.FunctionGenerator(answer).chat().until_parsed_as(Strict)
    chats = await pipeline.catch(KeyError, on_failed="include").run_batch(["good", "bad"])

    assert [chat.failed for chat in chats] == [False, True]
    assert isinstance(chats[1].error, KeyError)
    assert chats[1].error.run.messages[-1].content == "bad"  # type: ignore[attr-defined]


async def test_runs_of_one_request_that_fails_keep_errors_of_their_own() -> None:
    class Broken(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> Any:
            raise rg.error.ServerFaultError("down", provider="broken")

    pipeline = Broken(model="m").chat().catch(rg.error.ServerFaultError, on_failed="include")
    one, two = await pipeline.run_batch(["one", "two"], mode="merged")

    assert isinstance(one.error, rg.RiggingError)
    assert isinstance(two.error, rg.RiggingError)
    assert [one.error.messages[-1].content, two.error.messages[-1].content] == ["one", "two"]


async def test_a_tool_called_with_wrong_arguments_tells_the_model_what_was_wrong() -> None:
    def halve(number: int) -> float:
        """Halves a number."""
        return number / 2

    call = rg.ToolCall.model_validate({"id": "c1", "function": {"name": "halve", "arguments": '{"number": "four"}'}})
    model = rg.scripted(call, "I see.")
    chat = await model.chat("Halve four.").using(halve).run()

    result = chat.all[2]
    assert (result.role, result.tool_call_id) == ("tool", "c1")
    assert "'halve' are not valid: number: Input should be a valid integer" in result.content
    assert result.content in model.heard[1].text
    assert chat.last.content == "I see."


async def test_a_misspelt_failure_mode_is_refused_before_anything_is_asked() -> None:
    model = rg.scripted("hi")
    mode: Any = "Skip"
    with pytest.raises(ValueError, match="on_failed is 'raise', 'skip' or 'include'; not 'Skip'"):
        await model.chat("hello").run_many(1, on_failed=mode)
    assert model.heard == []


async def test_without_catching_the_first_answer_is_the_last() -> None:  # surface 3.2 no. 6
    model = rg.scripted("no", "<int>1</int>")
    with pytest.raises(ExhaustedMaxRoundsError, match="no 'int' element"):
        await model.chat("hi").until_parsed_as(int, catch=False).run()
    assert len(model.heard) == 1
    kept = await rg.scripted("no").chat("hi").until_parsed_as(int, catch=False).run(on_failed="include")
    assert kept.failed


async def test_a_value_that_pydantic_refuses_is_kept_like_a_failure_of_the_run() -> None:
    @rg.tool(catch=False)
    def look() -> int:
        return TypeAdapter(int).validate_python("seen")

    pipeline = rg.scripted(call("look")).chat("hi").using(look)
    with pytest.raises(ValidationError):
        await rg.scripted(call("look")).chat("hi").using(look).run()
    chat = await pipeline.run(on_failed="include")
    assert isinstance(chat.error, ValidationError)


async def test_cancelling_a_batch_leaves_no_task_behind() -> None:  # surface 3.2 no. 44
    asked, never = asyncio.Event(), asyncio.Event()

    async def wait(messages: Any, params: Any) -> str:
        asked.set()
        await never.wait()
        return "never"

    before = asyncio.all_tasks()
    task = asyncio.create_task(rg.FunctionGenerator(wait).chat("hi").run_many(20))
    await asyncio.wait_for(asked.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() - {task} == before
