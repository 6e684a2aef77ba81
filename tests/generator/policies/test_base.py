"""A policy is a generator like any other: whatever can be asked of one can be asked of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Self

import pytest
from pydantic import BaseModel, PrivateAttr

import rigging_py as rg
from rigging_py.error import ServerFaultError
from rigging_py.generator import Call, Clock, Piece, Policy
from rigging_py.message import Delta, TextDelta
from rigging_py.run import StreamedText
from tests.tools.calls import call


class Polite(Policy):
    """Asks for an answer in few words, and counts what it saw."""

    loud: bool = False
    _seen: list[str] = PrivateAttr(default_factory=list[str])

    @property
    def seen(self) -> list[str]:
        return self._seen

    async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
        self._seen.append(call.kind)
        async with aclosing(replace(call, params=call.params.merge_with({"max_tokens": 5})).to(self.inner)) as pieces:
            async for piece in pieces:
                yield piece


def own(model: rg.Generator) -> Polite:
    return Polite(inner=model)


def nested(model: rg.Generator) -> Policy:
    return rg.retry(rg.limit(rg.fallback(model, rg.scripted()), rpm=9))


def nested_otherwise(model: rg.Generator) -> Policy:
    return rg.limit(rg.retry(own(model)), concurrency=1)


WAYS: list[Callable[[rg.Generator], Policy]] = [rg.retry, rg.limit, rg.fallback, own, nested, nested_otherwise]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def around(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_chats_go_through(around: Any) -> None:
    model = rg.scripted("Hi.")
    chat = await around(model).chat("Hello").run()
    assert chat.last.content == "Hi."
    assert model.heard[0].text == "[user]: Hello"


async def test_texts_go_through(around: Any) -> None:
    completion = await around(rg.scripted(" time")).complete("Once upon a").run()
    assert completion.generated == " time"


async def test_streams_go_through_piece_by_piece(around: Any) -> None:
    async with around(rg.scripted("One two three.")).chat("Hello").stream() as stream:
        told = [event.text async for event in stream if isinstance(event, StreamedText)]
    assert told == ["One", " two", " three."]


async def test_tools_go_through_as_such(around: Any) -> None:
    @rg.tool
    def add(x: int, y: int) -> int:
        """Adds."""
        return x + y

    model = rg.scripted(call("add", {"x": 1, "y": 2}), "3")
    chat = await around(model).chat("1 + 2?").using(add).run()
    assert [one.role for one in chat.all] == ["user", "assistant", "tool", "assistant"]
    assert [one.function.name for one in model.heard[0].params.tools or []] == ["add"]


async def test_typed_answers_go_through(around: Any) -> None:
    @rg.prompt
    async def how_many(what: str) -> int:
        """How many are there?"""

    model = rg.scripted("plenty", "<int>42</int>")
    assert await how_many.bind(around(model))("foxes") == 42


async def test_a_batch_has_a_result_for_each_in_order(around: Any) -> None:
    model = rg.generator.FunctionGenerator(lambda messages, _: messages[-1].content)
    chats = await around(model).chat().run_batch([str(number) for number in range(9)])
    assert [chat.last.content for chat in chats] == [str(number) for number in range(9)]


async def test_the_pipelines_parameters_go_over_the_policys_and_those_over_the_inner_ones(around: Any) -> None:
    model = rg.scripted("Hi.").with_params(temperature=0.1, top_p=0.1, seed=1)
    policy = around(model).with_params(temperature=0.2, top_p=0.2)
    await policy.chat("Hello").with_(temperature=0.3).run()
    heard = model.heard[0].params
    assert (heard.temperature, heard.top_p, heard.seed) == (0.3, 0.2, 1)


async def test_wrappers_stand_around_the_policy_and_watchers_see_its_chats(around: Any) -> None:
    seen: list[object] = []

    def counted(ask: Any) -> Any:
        async def asked(*args: Any) -> Any:
            seen.append("asked")
            return await ask(*args)

        return asked

    policy = around(rg.scripted("Hi.", "Hi.")).watch(seen.append).wrap(counted)
    await policy.chat("Hello").run()
    async with policy.chat("Hello").stream() as stream:
        async for _ in stream:
            """All of it."""
    assert [one for one in seen if one == "asked"] == ["asked", "asked"]
    assert len(seen) == 4


def test_the_model_is_that_of_the_inner_one(around: Any) -> None:
    model = rg.scripted()
    assert around(model).model == model.model


@pytest.mark.parametrize("supports", [True, False, None])
async def test_what_it_supports_is_what_the_inner_one_does(supports: bool | None) -> None:
    for around in WAYS[:4]:
        assert await around(rg.scripted(supports_tools=supports)).supports_function_calling() is supports
        assert await around(rg.scripted()).supports_json_schema() is None


async def test_what_the_inner_one_raises_is_raised(around: Any) -> None:
    error = ValueError("A bug.")
    with pytest.raises(ValueError, match="A bug") as caught:
        await around(rg.scripted(error)).chat("Hello").run()
    assert caught.value is error


def test_loading_and_unloading_reach_all_inside() -> None:
    class Heavy(rg.Generator):
        is_loaded: list[bool]

        def load(self) -> Self:
            self.is_loaded.append(True)
            return self

        def unload(self) -> Self:
            self.is_loaded.append(False)
            return self

    told = list[bool]()
    heavy = Heavy(model="heavy", is_loaded=told)
    policy = rg.retry(rg.fallback(heavy, rg.limit(heavy)))
    # pydantic makes a list of its own
    told = heavy.is_loaded
    assert policy.load().unload() is policy
    assert told == [True, True, False, False]


async def test_ones_own_policy_sees_each_call_and_may_change_it() -> None:
    model = rg.scripted("a", "b", "c")
    polite = Polite(inner=model)
    await polite.chat("Hello").run()
    await polite.with_params(temperature=1).complete("Hello").run()
    async with polite.chat("Hello").stream() as stream:
        async for _ in stream:
            """All of it."""
    assert polite.seen == ["message", "text", "stream"]
    assert [one.params.max_tokens for one in model.heard] == [5, 5, 5]


async def test_an_iterator_that_cannot_be_closed_is_a_stream_too(around: Any) -> None:
    class Pieces:
        def __init__(self) -> None:
            self.left: Iterator[Delta] = iter([TextDelta("Hi."), rg.ModelTurn.from_text("Hi.")])

        def __aiter__(self) -> AsyncIterator[Delta]:
            return self

        async def __anext__(self) -> Delta:
            for one in self.left:
                return one
            raise StopAsyncIteration

    class Own(rg.Generator):
        def stream_message(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> AsyncIterator[Delta]:
            return Pieces()

    pieces = [one async for one in around(Own(model="own")).stream_message([], rg.GenerateParams())]
    assert pieces[0] == TextDelta("Hi.")
    assert len(pieces) == 2


def test_settings_are_checked_when_they_are_given() -> None:
    with pytest.raises(ValueError, match="attempts"):
        rg.retry("openai!a", attempts=0)
    with pytest.raises(ValueError, match="rpm"):
        rg.limit("openai!a", rpm=0)


def test_a_connection_string_will_do_wherever_a_generator_does() -> None:
    either = rg.fallback("openai!a", "retry(openai!b),attempts=2")
    assert rg.limit(either, rpm=5).to_identifier() == "limit(openai!a|retry(openai!b),attempts=2),rpm=5"


def test_the_clock_and_chance_are_in_no_identifier() -> None:
    retrying = rg.retry("openai!a", clock=Clock(), random=lambda: 0.5)
    assert retrying.to_identifier() == "retry(openai!a)"


async def test_a_failure_in_the_middle_of_nested_policies_is_told_once() -> None:
    kinds: list[Literal["ServerFault"]] = ["ServerFault"]
    down, clock = ServerFaultError("Down."), rg.VirtualClock()
    policy = rg.fallback(rg.retry(rg.scripted(down, down), attempts=2, clock=clock), rg.scripted("Hi."), on=kinds)
    chat = await policy.chat("Hello").run()
    assert chat.last.content == "Hi."


@pytest.mark.parametrize("copied", [deepcopy, partial(rg.Generator.model_copy, deep=True)])
async def test_a_deep_copy_shares_what_is_counted_as_every_refinement_does(copied: Callable[[Any], Any]) -> None:
    budget = rg.budget(rg.limit(rg.cache(rg.scripted("Hi.")), rpm=5), tokens=1000)
    copy = copied(budget)
    await copy.chat("Hello").run()
    assert copy is not budget
    assert copy.spent == budget.spent != rg.Usage(cost=0.0)


def test_a_policy_can_be_the_default_of_a_models_field() -> None:
    class Settings(BaseModel):
        generator: rg.Generator = rg.limit(rg.scripted("Hi."), rpm=5)

    assert Settings().generator == Settings().generator


async def test_a_policy_that_gives_no_turn_is_told_what_it_has_to_give() -> None:
    class Deaf(Policy):
        async def answer(self, call: Call) -> AsyncGenerator[Piece, None]:
            async with aclosing(call.to(self.inner)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextDelta):
                        yield piece

    with pytest.raises(TypeError, match=r"Deaf\.answer\(\) gave 0 pieces .*; there it gives one"):
        await Deaf(inner=rg.scripted("Hi.")).chat("Hello").run()
