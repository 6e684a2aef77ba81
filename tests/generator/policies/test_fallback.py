"""When one fails in a way that another may not, the next is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import (
    AuthenticationFailedError,
    BudgetExceededError,
    ContextOverflowError,
    InvalidError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    StreamInterruptedError,
    TimedOutError,
    TruncatedError,
)
from rigging_py.generator import Cut, FunctionGenerator
from rigging_py.run import StreamedText

ANOTHER_MAY = (
    RateLimitedError,
    ServerFaultError,
    TimedOutError,
    StreamInterruptedError,
    AuthenticationFailedError,
    NotFoundError,
    ContextOverflowError,
)
NO_OTHER_MAY = (RefusedError, TruncatedError, InvalidError, BudgetExceededError)


async def turn_of(generator: rg.Generator) -> rg.ModelTurn:
    [turn] = await generator.generate_messages([[rg.Message("user", "Hello")]], [rg.GenerateParams()])
    assert isinstance(turn, rg.ModelTurn), turn
    return turn


async def said(generator: rg.Generator) -> list[str]:
    """What a stream says, piece by piece."""
    async with generator.chat("Hello").stream() as stream:
        return [event.text async for event in stream if isinstance(event, StreamedText)]


@pytest.mark.parametrize("kind", ANOTHER_MAY)
async def test_the_next_is_asked_when_it_may_do_better(kind: type[ProviderError]) -> None:
    either = rg.fallback(rg.scripted(kind("Sorry.")), rg.scripted("Hi."))
    assert (await either.chat("Hello").run()).last.content == "Hi."


@pytest.mark.parametrize("error", [*(kind("Sorry.") for kind in NO_OTHER_MAY), ValueError("A bug.")])
async def test_what_another_would_not_do_better_is_raised_at_once(error: Exception) -> None:
    second = rg.scripted("Hi.")
    with pytest.raises(type(error)) as caught:
        await rg.fallback(rg.scripted(error), second).chat("Hello").run()
    assert caught.value is error
    assert not second.heard


async def test_the_kinds_can_be_said() -> None:
    either = rg.fallback(
        rg.scripted(RefusedError("No."), ServerFaultError("Down.")), rg.scripted("Hi."), on=["Refused"]
    )
    assert (await either.chat("Hello").run()).last.content == "Hi."
    with pytest.raises(ServerFaultError):
        await either.chat("Hello").run()


@given(failing=st.integers(0, 4), number=st.integers(1, 4))
def test_they_are_asked_in_their_order_until_one_answers(failing: int, number: int) -> None:
    models = [
        rg.scripted(ServerFaultError("Down.", request_id=str(one)) if one < failing else f"{one}")
        for one in range(number)
    ]

    async def run() -> None:
        either = rg.fallback(*models)
        if failing < number:
            turn = await turn_of(either)
            assert turn.message.content == str(failing)
            assert len(turn.attempts) == failing
            assert turn.extra["generator"] == models[failing].to_identifier(short=True)
        else:
            with pytest.raises(ServerFaultError) as caught:
                await either.chat("Hello").run()
            assert [one.request_id for one in (*caught.value.attempts, caught.value)] == list(map(str, range(number)))

    asyncio.run(run())
    assert [len(model.heard) for model in models] == [int(one <= failing) for one in range(number)]


async def test_who_answered_is_told_in_the_innermost_words() -> None:
    model = rg.scripted("Hi.")
    turn = await turn_of(rg.fallback(rg.scripted(NotFoundError("Who?")), rg.retry(rg.fallback(model))))
    assert turn.extra["generator"] == f"scripted!{model.model}"


async def test_of_a_text_too() -> None:
    model = rg.scripted(" time")
    either = rg.fallback(rg.scripted(NotFoundError("Who?")), model)
    [text] = await either.generate_texts(["Once upon a"], [rg.GenerateParams()])
    assert isinstance(text, rg.GeneratedText)
    assert text.extra["generator"] == f"scripted!{model.model}"


async def test_a_class_that_nobody_registered_is_named_by_itself() -> None:
    class Unknown(rg.Generator):
        async def generate_messages(
            self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
        ) -> Sequence[rg.ModelTurn | BaseException]:
            return [rg.ModelTurn.from_text("Hi.")]

    turn = await turn_of(rg.fallback(Unknown(model="x")))
    assert turn.extra["generator"] == "Unknown!x"


async def test_a_stream_goes_to_the_next_until_its_first_delta() -> None:
    either = rg.fallback(rg.scripted(Cut("No.", 0)), rg.scripted(ServerFaultError("Down.")), rg.scripted("Hi there."))
    told = await said(either)
    assert told == ["Hi", " there."]


async def test_and_never_after_it() -> None:
    second = rg.scripted("Hi there.")
    either = rg.fallback(rg.scripted(Cut("one two three", 2)), second)
    with pytest.raises(StreamInterruptedError):
        await said(either)
    assert not second.heard


async def test_it_supports_only_what_all_of_them_do() -> None:
    def either(*supports: bool | None) -> rg.Policy:
        return rg.fallback(*(rg.scripted(supports_tools=one) for one in supports))

    assert await either(True, True).supports_function_calling() is True
    assert await either(True, None).supports_function_calling() is None
    assert await either(None, False, True).supports_function_calling() is False


async def test_tools_are_described_in_words_where_one_of_them_knows_none() -> None:
    @rg.tool
    def add(x: int, y: int) -> int:
        """Adds."""
        return x + y

    capable = rg.scripted("No need.")
    await rg.fallback(capable, rg.scripted(supports_tools=False)).chat("1 + 2?").using(add).run()
    assert not capable.heard[0].params.tools
    assert "Adds." in capable.heard[0].text


async def test_an_address_for_all_is_refused_since_it_would_get_their_keys() -> None:
    models = rg.scripted("Hi."), rg.scripted("Hi.")
    for either in [rg.fallback(*models).with_params(api_base="http://x"), rg.retry(rg.fallback(*models))]:
        with pytest.raises(InvalidError, match="its own address"):
            await either.chat("Hello").with_(api_base="http://x").run()
    assert not models[0].heard


async def test_parameters_go_to_all() -> None:
    first, second = rg.scripted(NotFoundError("Who?")), rg.scripted("Hi.")
    await rg.fallback(first, second).with_params(temperature=0.5).chat("Hello").run()
    assert [model.heard[0].params.temperature for model in (first, second)] == [0.5, 0.5]


async def test_cancelling_asks_nobody_else() -> None:
    began = asyncio.Event()

    async def never(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        began.set()
        await asyncio.Event().wait()
        return ""

    second = rg.scripted("Hi.")
    task = asyncio.create_task(rg.fallback(FunctionGenerator(never), second).chat("Hello").run())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not second.heard


async def test_a_generator_may_be_asked_again_after_another_one() -> None:
    first, other = rg.scripted(ServerFaultError("Sorry."), "Hi."), rg.scripted(ServerFaultError("Sorry."))
    assert (await turn_of(rg.fallback(first, other, first))).message.content == "Hi."
