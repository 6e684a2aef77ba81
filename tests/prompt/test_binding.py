"""What answers a prompt: a pipeline, a generator, a chat or a connection string, given early or late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError, PipelineWarning, RateLimitedError, UnboundPromptError
from rigging_py.generator import registered
from tests.tools.calls import call


@rg.prompt
async def how_many(of: str) -> int:
    """How many?"""


@rg.prompt
async def talk(about: str) -> rg.Chat:
    """Talk."""


SYSTEM: rg.MessageDict = {"role": "system", "content": "Be brief."}


async def test_a_bad_answer_goes_back_with_the_reason() -> None:
    model = rg.scripted("plenty", "<int>42</int>")
    assert await how_many.bind(model)("foxes") == 42
    assert "plenty" in model.heard[1].text


async def test_a_pipeline_goes_before_the_prompt() -> None:
    model = rg.scripted("<int>1</int>")
    await how_many.bind(model.chat(SYSTEM).with_(temperature=0.5))("foxes")
    assert [m.role for m in model.heard[0].messages] == ["system", "user"]
    assert model.heard[0].params.temperature == 0.5


async def test_a_chat_is_gone_on_from_without_its_checks() -> None:
    seen: list[object] = []
    model = rg.scripted("<str>hi</str>", "<int>1</int>")
    chat = await model.chat("hello").until_parsed_as(str).then(seen.append).run()
    assert await how_many.bind(chat)("foxes") == 1
    assert [m.content for m in model.heard[1].messages][:2] == ["hello", "<str>hi</str>"]
    assert len(seen) == 1


async def test_a_connection_string_is_looked_up_on_the_first_call() -> None:
    made: list[str] = []

    class Counting(rg.Generator):
        def model_post_init(self, context: Any) -> None:
            made.append(self.model)

        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn | BaseException]:
            return [rg.ModelTurn.from_text("<int>1</int>") for _ in messages]

    with registered("counting", lambda: Counting):
        ask = how_many.bind("counting!m")
        assert made == []
        await ask("foxes")
        await ask("hares")
    assert made == ["m"]


async def test_the_three_decorators_bind_alike() -> None:
    model = rg.scripted("<int>1</int>", "<int>2</int>", "<int>3</int>", "<int>4</int>")

    @rg.prompt(generator_id=model.to_identifier())
    async def by_id() -> int:
        """Go."""

    @rg.prompt(generator=model)
    def by_keyword() -> int:
        """Go."""

    @model.prompt
    def by_generator() -> int:
        """Go."""

    @model.chat().prompt
    async def by_pipeline() -> int:
        """Go."""

    assert [await by_id(), await by_keyword(), await by_generator(), await by_pipeline()] == [1, 2, 3, 4]
    assert [heard.text for heard in model.heard] == ["[user]: " + by_id.render()] * 4


async def test_decorators_of_generators_take_options_too() -> None:
    model = rg.scripted("<int>1</int>")

    @model.prompt(system_prompt="Be brief.")
    async def ask() -> int:
        """Go."""

    await ask()
    assert model.heard[0].messages[0].content == "Be brief."


def test_only_one_thing_answers_a_prompt() -> None:
    model = rg.scripted()
    with pytest.raises(ValueError, match="one of pipeline, generator and generator_id"):
        rg.prompt(generator=model, generator_id="x")
    with pytest.raises(ValueError, match="more than one"):
        rg.prompt(generator=model, pipeline=model.chat())


async def test_an_unbound_prompt_says_how_to_bind_it() -> None:
    for run in (
        how_many("foxes"),
        how_many.run("foxes"),
        how_many.run_many(2, "foxes"),
        how_many.run_over([], "foxes"),
    ):
        with pytest.raises(UnboundPromptError, match=r"Nothing answers how_many\(\).*how_many\.bind\(generator\)"):
            await run
    assert how_many.render("foxes").startswith("How many?")


async def test_binding_leaves_the_prompt_as_it_was() -> None:
    one, two = how_many.bind(rg.scripted("<int>1</int>")), how_many.bind(rg.scripted("<int>2</int>"))
    assert [await two.run("foxes"), await one.run("foxes")] == [2, 1]
    assert how_many.pipeline is None


@pytest.mark.parametrize("other", [3, None, [], how_many])
def test_what_cannot_answer_is_refused_at_once(other: Any) -> None:
    with pytest.raises(TypeError, match="answered by a pipeline, a generator, a chat or a connection string; not by"):
        how_many.bind(other)


async def test_run_many_gives_a_list_of_values() -> None:
    model = rg.scripted("<int>1</int>", "<int>2</int>")
    assert await how_many.bind_many(model)(2, "foxes") == [1, 2]
    again = rg.scripted("<int>3</int>")
    assert await how_many.bind(again).run_many(1, of="foxes") == [3]


async def test_run_over_asks_each_generator_and_the_own_one_last() -> None:
    one, two = rg.scripted("<int>1</int>", "<int>1</int>"), rg.scripted("<int>2</int>", "<int>2</int>")
    assert await how_many.run_over([one, two.to_identifier()], "foxes") == [1, 2]
    assert await how_many.bind_over(rg.scripted("<int>3</int>"))([one, two], "foxes") == [1, 2, 3]


async def test_run_over_takes_one_generator_too() -> None:
    assert await how_many.run_over(rg.scripted("<int>1</int>"), "foxes") == [1]
    assert await how_many.bind_over()((model := rg.scripted("<int>2</int>")).to_identifier(), "foxes") == [2]
    assert len(model.heard) == 1


async def test_bind_over_alone_forgets_what_answered_before() -> None:
    bound = how_many.bind(rg.scripted())
    assert await bound.bind_over()([rg.scripted("<int>1</int>")], "foxes") == [1]


async def test_a_value_cannot_be_made_of_a_failed_run() -> None:
    pipeline = rg.scripted().chat()
    modes: list[rg.FailMode] = ["skip", "include"]
    for mode in modes:
        with pytest.raises(ValueError, match=r"how_many\(\) returns a value.*'raise'"):
            await how_many.bind(pipeline.catch(on_failed=mode))("foxes")
    with pytest.raises(ValueError, match="not 'include'"):
        await how_many.bind(pipeline.catch(on_failed="include")).run_many(2, "foxes")
    with pytest.raises(ValueError, match="not 'include'"):
        await how_many.bind(pipeline.catch(on_failed="include")).run_over([rg.scripted()], "foxes")


async def test_a_failed_chat_can_be_returned_as_a_chat() -> None:
    pipeline = rg.scripted(RateLimitedError("slow")).chat().catch(RateLimitedError, on_failed="include")
    assert (await talk.bind(pipeline)("foxes")).failed
    with pytest.raises(ValueError, match="not 'skip'"):
        await talk.bind(pipeline.catch(on_failed="skip"))("foxes")


async def test_many_runs_may_skip_those_that_fail() -> None:
    model = rg.scripted("<int>1</int>", RateLimitedError("slow"), "<int>3</int>")
    assert await how_many.bind(model.chat().catch(RateLimitedError, on_failed="skip")).run_many(3, "foxes") == [1, 3]
    own = rg.scripted("<int>2</int>").chat().catch(RateLimitedError, on_failed="skip")
    assert await how_many.bind(own).run_over([rg.scripted(RateLimitedError("slow"))], "foxes") == [2]


async def test_generators_that_fail_are_left_out_and_named() -> None:  # surface 3.2 no. 28
    def broken(messages: Any, params: Any) -> str:
        raise KeyError("no such drawer")

    failing = [rg.scripted(RateLimitedError("slow")), rg.FunctionGenerator(broken), rg.scripted(*["no"] * 4)]
    asked = how_many.bind(rg.scripted("<int>2</int>"))
    with pytest.warns(PipelineWarning) as seen:
        assert await asked.run_over([failing[0], rg.scripted("<int>1</int>"), *failing[1:]], "foxes") == [1, 2]
    said = sorted(str(one.message) for one in seen)
    assert len(said) == 3
    assert said[0].startswith(f"FunctionGenerator {failing[1].model!r} gave no answer to how_many(), KeyError: ")
    assert sorted(one.partition("(), ")[2].partition(":")[0] for one in said) == [
        "KeyError",
        "MessagesExhaustedMaxRoundsError",
        "RateLimitedError",
    ]


async def test_when_every_generator_fails_there_is_no_answer_and_every_reason() -> None:
    failing = [rg.scripted(RateLimitedError("slow")) for _ in range(2)]
    with pytest.warns(PipelineWarning, match="slow") as seen:
        assert await how_many.run_over(failing, "foxes") == []
    assert len(seen) == 2


async def test_an_answer_without_the_value_is_left_out_as_well() -> None:
    def finish() -> rg.Stop:
        return rg.Stop("enough")

    counting = rg.prompt(tools=[finish])(how_many.func)
    with pytest.warns(PipelineWarning, match="MissingModelError"):
        assert await counting.run_over([rg.scripted(call("finish")), rg.scripted("<int>1</int>")], "foxes") == [1]


async def test_failures_that_a_pipeline_excludes_are_raised() -> None:
    strict = rg.scripted("<int>1</int>").chat().catch(exclude=[RateLimitedError])
    with pytest.raises(RateLimitedError, match="slow"):
        await how_many.bind(strict).run_over([rg.scripted(RateLimitedError("slow"))], "foxes")


async def test_a_run_that_waits_for_a_decision_is_not_left_out() -> None:
    @rg.tool(needs_approval=True)
    def feed() -> str:
        return "fed"

    asking = rg.prompt(tools=[feed])(how_many.func)
    with pytest.raises(rg.Paused):
        await asking.run_over([rg.scripted(call("feed")), rg.scripted("<int>1</int>")], "foxes")


async def test_an_unknown_connection_string_is_a_mistake_and_not_a_failure() -> None:
    with pytest.raises(InvalidGeneratorError):
        await how_many.run_over([rg.scripted("<int>1</int>"), "nowhere!m"], "foxes")


async def test_callbacks_see_what_each_generator_gives() -> None:
    seen: list[str] = []

    def note(chats: rg.ChatList) -> rg.ChatList:
        seen.append(", ".join(chat.last.content for chat in chats))
        return chats

    assert await how_many.map(note).run_over([rg.scripted("<int>1</int>"), rg.scripted("<int>2</int>")], "foxes") == [
        1,
        2,
    ]
    assert sorted(seen) == ["<int>1</int>", "<int>2</int>"]


async def test_one_prompt_is_shared_by_many_tasks() -> None:
    together = asyncio.Barrier(3)

    async def answer(messages: Any, params: Any) -> str:
        await asyncio.wait_for(together.wait(), 10)
        return f"<int>{messages[-1].content.partition('<of>')[2].partition('<')[0]}</int>"

    ask = how_many.bind(rg.FunctionGenerator(answer))
    assert await asyncio.gather(*(ask(str(number)) for number in range(3))) == [0, 1, 2]
