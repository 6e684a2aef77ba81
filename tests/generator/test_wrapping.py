"""What asks a model can be wrapped: retries, limits and clocks around the calls of any generator."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import RateLimitedError
from rigging_py.generator import Cut, get_generator, registered, scripted
from rigging_py.message import Delta, TextDelta

Call = Callable[..., Awaitable[Any]]
NOTHING = rg.GenerateParams()


def hello(text: str = "Hi") -> list[rg.Message]:
    return [rg.Message("user", text)]


def noting(notes: list[str], name: str) -> Callable[[Call], Call]:
    """Writes its name down before each call."""

    def decorated(call: Call) -> Call:
        async def called(messages: Any, params: rg.GenerateParams) -> Any:
            notes.append(name)
            return await call(messages, params)

        return called

    return decorated


def tried(times: int) -> Callable[[Call], Call]:
    """Tries again, as the decorators of retry libraries do."""

    def decorated(call: Call) -> Call:
        @functools.wraps(call)
        async def called(*args: Any, **kwargs: Any) -> Any:
            for _ in range(times - 1):
                try:
                    return await call(*args, **kwargs)
                except RateLimitedError:
                    continue
            return await call(*args, **kwargs)

        return called

    return decorated


class Own(rg.Generator):
    """A user's own, which knows nothing of wrapping."""

    fails: bool = False

    async def generate_messages(
        self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
    ) -> Sequence[rg.GeneratedMessage | BaseException]:
        turn = RateLimitedError("slow down") if self.fails else rg.ModelTurn.from_text("hello")
        return [turn for _ in messages]


class OwnStream(Own):
    async def stream_message(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> AsyncIterator[Delta]:
        yield TextDelta("hel")
        yield TextDelta("lo")
        yield rg.ModelTurn.from_text("hello")


async def test_a_failed_call_is_made_again_for_its_own_conversation_only() -> None:
    model = scripted("one", RateLimitedError("slow down"), "three", "two")
    turns = await model.wrap(tried(2)).generate_messages([hello("a"), hello("b"), hello("c")], [NOTHING] * 3)
    assert [turn.message.content for turn in turns if isinstance(turn, rg.ModelTurn)] == ["one", "three", "two"]
    assert [heard.text for heard in model.heard] == [f"[user]: {said}" for said in "abbc"]


async def test_what_still_fails_is_that_conversations_own_result() -> None:
    error = RateLimitedError("slow down")
    model = scripted(error, error, "two").wrap(tried(2))
    failed, turn = await model.generate_messages([hello(), hello()], [NOTHING] * 2)
    assert failed is error
    assert isinstance(turn, rg.ModelTurn)


async def test_pipelines_prompts_and_completions_go_through_it() -> None:
    notes: list[str] = []
    model = scripted("a", "<int>4</int>", "c").wrap(noting(notes, "call"))

    @rg.prompt
    async def count() -> int:
        """Count."""

    assert (await model.chat("Hi").run()).last.content == "a"
    assert await count.bind(model)() == 4
    assert (await model.complete("Hi").run()).generated == "c"
    assert notes == ["call"] * 3


@pytest.mark.parametrize("kind", [Own, OwnStream])
async def test_any_class_is_wrapped_without_knowing_whole_and_streamed_once_each(kind: type[Own]) -> None:
    notes: list[str] = []
    model = kind(model="m").wrap(noting(notes, "call"))
    assert (await model.chat("Hi").run()).last.content == "hello"
    assert notes == ["call"]
    deltas = [delta async for delta in model.stream_message(hello(), NOTHING)]
    assert isinstance(deltas[-1], rg.ModelTurn)
    assert len(deltas) == (3 if kind is OwnStream else 1)
    assert notes == ["call"] * 2


async def test_a_stream_is_tried_again_until_its_first_piece_is_here() -> None:
    model = scripted(Cut("never begun"), RateLimitedError("slow down"), "one two")
    with pytest.raises(rg.error.StreamInterruptedError):
        [delta async for delta in model.wrap(tried(2)).stream_message(hello(), NOTHING)]
    deltas = [delta async for delta in model.wrap(tried(2)).stream_message(hello(), NOTHING)]
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["one", " two"]


async def test_what_broke_off_is_not_begun_again() -> None:
    model = scripted(Cut("one two", after=1), "other")
    with pytest.raises(rg.error.StreamInterruptedError):
        [delta async for delta in model.wrap(tried(2)).stream_message(hello(), NOTHING)]
    assert model.remaining == 1


async def test_the_last_wrapper_is_the_outermost_and_none_takes_all_off() -> None:
    notes: list[str] = []
    model = scripted("a", "b").wrap(noting(notes, "inner")).wrap(noting(notes, "outer"))
    await model.chat("Hi").run()
    assert notes == ["outer", "inner"]
    await model.wrap(None).chat("Hi").run()
    assert notes == ["outer", "inner"]


async def test_the_generator_that_was_wrapped_stays_as_it_was() -> None:
    notes: list[str] = []
    model = scripted("a", "b")
    wrapped = model.wrap(noting(notes, "call"))
    await model.chat("Hi").run()
    assert notes == []
    assert wrapped.remaining == model.remaining == 1


def test_it_keeps_its_type_its_fields_and_its_name() -> None:
    with registered("own", Own):
        model = get_generator("own!m,fails=true,seed=1").wrap(tried(2)).with_params(top_k=3)
        assert isinstance(model, Own)
        assert (model.fails, model.to_identifier()) == (True, "own!m,fails=true,top_k=3,seed=1")
        assert repr(model).startswith("Own(model='m'")
        assert type(model.wrap(None)) is Own
    assert type(scripted().wrap(None)) is rg.ScriptedGenerator


async def test_refinements_stay_wrapped_and_their_parameters_hold() -> None:
    notes: list[str] = []
    model = scripted("a")
    await model.wrap(noting(notes, "call")).with_params(seed=3).watch().chat("Hi").run()
    assert (notes, model.heard[0].params.seed) == (["call"], 3)


async def test_own_methods_of_any_name_are_left_alone() -> None:
    class Odd(Own):
        async def one_message(self) -> str:
            return "mine"

    model = Odd(model="m").wrap(tried(2))
    assert (await model.one_message(), (await model.chat("Hi").run()).last.content) == ("mine", "hello")


async def test_a_stream_that_cannot_be_closed_can_be_wrapped() -> None:
    class Pieces:
        def __init__(self) -> None:
            self.left: list[Delta] = [TextDelta("a"), rg.ModelTurn.from_text("a")]

        def __aiter__(self) -> AsyncIterator[Delta]:
            return self

        async def __anext__(self) -> Delta:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    class Model(rg.Generator):
        def stream_message(  # pyright: ignore[reportIncompatibleMethodOverride]
            self,
            messages: Sequence[rg.Message],
            params: rg.GenerateParams,
        ) -> AsyncIterator[Delta]:
            return Pieces()

    wrapped = Model(model="m").wrap(noting([], "call"))
    assert [type(one) async for one in wrapped.stream_message(hello(), NOTHING)] == [TextDelta, rg.ModelTurn]
