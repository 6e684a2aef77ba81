"""What every generator can do, whoever answers."""

from __future__ import annotations

from typing import Any

import pytest

import rigging_py as rg
from rigging_py.generator import chat, complete, get_generator, scripted


async def test_a_watcher_is_called_once_though_it_was_given_twice() -> None:
    seen: list[str] = []

    async def watcher(finished: list[Any]) -> None:
        seen.append("one")

    model = scripted("a", "b").watch(watcher, watcher).watch(watcher)
    await model.chat("Hi").run()
    assert seen == ["one"]
    await model.watch(watcher, allow_duplicates=True).chat("Hi").run()
    assert seen == ["one"] * 3


async def test_chat_and_complete_are_functions_too() -> None:
    model = scripted("a", "b", "c")
    assert (await chat(model, "Hi").run()).last.content == "a"
    assert (await chat(model, {"role": "user", "content": "Hi"}, rg.GenerateParams(seed=1)).run()).last.content == "b"
    assert (await complete(model, "Hi", rg.GenerateParams(seed=2)).run()).generated == "c"
    assert [heard.params.seed for heard in model.heard] == [None, 1, 2]


@pytest.mark.parametrize("name", ["openai!gpt-4o", "local!smollm2"])
async def test_what_takes_tools_says_so(name: str) -> None:
    assert await get_generator(name).supports_function_calling() is True
    assert await rg.FunctionGenerator(lambda said, asked: "").supports_function_calling() is True
    assert await rg.Generator(model="m").supports_function_calling() is None


def test_load_and_unload_give_the_generator() -> None:
    model = scripted()
    assert model.load().unload() is model


async def test_what_does_not_answer_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Generator does not answer conversations"):
        await rg.Generator(model="m").chat("Hi").run()
    with pytest.raises(NotImplementedError, match="Generator does not continue texts"):
        await rg.Generator(model="m").complete("Hi").run()
