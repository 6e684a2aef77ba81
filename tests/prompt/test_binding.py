"""What answers a prompt: a pipeline, a generator, a chat or a connection string, given early or late."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import RateLimitedError, UnboundPromptError
from rigging_py.generator import registered


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


async def test_run_many_gives_a_list_of_values() -> None:
    model = rg.scripted("<int>1</int>", "<int>2</int>")
    assert await how_many.bind_many(model)(2, "foxes") == [1, 2]
    again = rg.scripted("<int>3</int>")
    assert await how_many.bind(again).run_many(1, of="foxes") == [3]


async def test_run_over_asks_each_generator_and_the_own_one_last() -> None:
    one, two = rg.scripted("<int>1</int>", "<int>1</int>"), rg.scripted("<int>2</int>", "<int>2</int>")
    assert await how_many.run_over([one, two.to_identifier()], "foxes") == [1, 2]
    assert await how_many.bind_over(rg.scripted("<int>3</int>"))([one, two], "foxes") == [1, 2, 3]


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


async def test_one_prompt_is_shared_by_many_tasks() -> None:
    together = asyncio.Barrier(3)

    async def answer(messages: Any, params: Any) -> str:
        await asyncio.wait_for(together.wait(), 10)
        return f"<int>{messages[-1].content.partition('<of>')[2].partition('<')[0]}</int>"

    ask = how_many.bind(rg.FunctionGenerator(answer))
    assert await asyncio.gather(*(ask(str(number)) for number in range(3))) == [0, 1, 2]
