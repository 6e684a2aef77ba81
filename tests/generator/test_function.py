"""A function generator answers with a Python function, sync or async."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError
from rigging_py.generator import FunctionGenerator, get_generator


def shout(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
    return messages[-1].content.upper()


async def test_the_function_gets_the_conversation_and_gives_the_answer() -> None:
    chat = await FunctionGenerator(shout).chat([rg.Message("system", "Be loud."), rg.Message("user", "hi")]).run()
    assert chat.last.content == "HI"


async def test_it_may_be_async_and_sees_the_parameters_merged() -> None:
    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> rg.ModelTurn:
        await asyncio.sleep(0)
        return rg.ModelTurn.from_text(f"{params.seed} {params.temperature}")

    model = FunctionGenerator(answer).with_params(seed=1, temperature=0.5)
    assert (await model.chat("?").with_(seed=2).run()).last.content == "2 0.5"


async def test_what_it_raises_or_returns_as_an_exception_fails_that_call_only() -> None:
    def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str | ValueError:
        match messages[-1].content:
            case "raise":
                raise KeyError("raised")
            case "return":
                return ValueError("returned")
            case text:
                return text

    pipeline = FunctionGenerator(answer).chat().catch(KeyError, ValueError, on_failed="include")
    chats = await pipeline.run_batch(["a", "raise", "return", "b"], mode="merged")
    assert [type(chat.error).__name__ if chat.failed else chat.last.content for chat in chats] == [
        "a",
        "KeyError",
        "ValueError",
        "b",
    ]


async def test_a_function_that_returns_nothing_is_named() -> None:
    def forgetful(messages: Sequence[rg.Message], params: rg.GenerateParams) -> Any:
        messages[-1].content.upper()

    with pytest.raises(TypeError, match=r"forgetful\(\) returned None\. It has to return the reply"):
        await FunctionGenerator(forgetful).chat("Hi").run()


async def test_conversations_of_a_batch_are_answered_at_once() -> None:
    both = asyncio.Barrier(2)

    async def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        await asyncio.wait_for(both.wait(), 10)
        return "met"

    chats = await FunctionGenerator(answer).chat("Hi").run_many(2, mode="merged")
    assert [chat.last.content for chat in chats] == ["met", "met"]


async def test_an_exception_carries_the_run() -> None:
    def answer(messages: Sequence[rg.Message], params: rg.GenerateParams) -> str:
        raise KeyError("mine")

    with pytest.raises(KeyError) as raised:
        await FunctionGenerator(answer).chat("Hi").run()
    run: rg.AgentRun = vars(raised.value)["run"]
    assert [message.content for message in run.messages] == ["Hi"]
    assert "its messages are in `.run.messages`" in raised.value.__notes__[0]


def test_its_identifier_names_the_living_object() -> None:
    model = FunctionGenerator(shout)
    assert model.to_identifier() == "function!shout"
    assert get_generator("function!shout") is model
    other = FunctionGenerator(lambda said, asked: "", model="quiet")
    assert get_generator("function!quiet") is other
    assert FunctionGenerator(lambda said, asked: "").to_identifier() == "function!lambda"


def test_a_name_is_not_imported() -> None:
    with pytest.raises(InvalidGeneratorError, match="no FunctionGenerator of this name lives in this process"):
        get_generator("function!os.getcwd")
