"""Prompts as functions: refined without changing, on classes, with tools, and as tools themselves."""

from __future__ import annotations

import functools
import inspect
from typing import Annotated, Any

import pytest

import rigging_py as rg
from rigging_py.error import (
    ExhaustedMaxRoundsError,
    MaxDepthError,
    MissingModelError,
    ToolDefinitionError,
    UnboundPromptError,
)
from tests.tools.calls import call


@rg.prompt
async def how_many(of: str, most: int = 10) -> int:
    """How many?"""


def look() -> str:
    """Looks."""
    return "seen"


async def test_a_prompt_keeps_the_name_and_the_signature_of_its_function() -> None:
    assert how_many.__name__ == "how_many"  # type: ignore[attr-defined]  # pyright: ignore
    assert how_many.__doc__ == "How many?"
    assert list(inspect.signature(how_many).parameters) == ["of", "most"]


async def test_a_sync_function_is_awaited_all_the_same() -> None:
    @rg.prompt(generator=rg.scripted("<int>1</int>"))
    def count() -> int:
        """Count."""

    assert await count() == 1


async def test_refinements_are_new_prompts() -> None:
    base = how_many.bind(rg.scripted("no", "<int>1</int>"))
    refined = base.with_(temperature=0.5).with_(seed=1).set_(max_parsing_rounds=0).then(print).clone()
    assert refined.params == rg.GenerateParams(temperature=0.5, seed=1)
    assert (refined.max_parsing_rounds, refined.max_tool_rounds) == (0, 20)
    assert (base.params, base.max_parsing_rounds, base.then_callbacks) == (None, 3, ())
    assert refined.clone(include_callbacks=False).then_callbacks == ()
    assert refined.clone().then_callbacks == (print,)


def test_a_clone_keeps_its_tools_and_its_callbacks_unless_told_not_to() -> None:  # surface 3.2 no. 37
    async def watch(chats: list[Any]) -> None: ...

    base = rg.prompt(tools=[look], system_prompt="Be brief.")(how_many.func)
    prompt = base.then(print).map(list).watch(watch).with_(seed=1).set_(max_tool_rounds=2)
    same, bare = prompt.clone(), prompt.clone(include_callbacks=False)
    assert same == prompt
    assert same is not prompt
    assert (bare.then_callbacks, bare.map_callbacks, bare.watch_callbacks) == ((), (), ())
    assert (bare.tools, bare.system_prompt, bare.params, bare.max_tool_rounds) == (
        (look,),
        "Be brief.",
        rg.GenerateParams(seed=1),
        2,
    )


@pytest.mark.parametrize("kind", ["then", "map", "watch"])
def test_a_callback_that_is_there_already_is_refused_unless_it_is_meant(kind: str) -> None:
    async def callback(found: Any) -> None: ...

    add: Any = getattr(how_many, kind)
    again: Any = getattr(add(callback), kind)
    for wrong in (again, functools.partial(add, callback)):
        with pytest.raises(ValueError, match="callback of this prompt already; pass allow_duplicates=True"):
            wrong(callback)
    assert getattr(again(callback, allow_duplicates=True), f"{kind}_callbacks") == (callback, callback)


async def test_a_callback_that_is_meant_twice_is_called_twice() -> None:
    seen: list[rg.Chat] = []

    async def keep(chats: list[rg.Chat]) -> None:
        seen.extend(chats)

    pipeline = rg.scripted("<int>1</int>").chat().watch(keep)
    prompt = how_many.bind(pipeline).then(seen.append).then(seen.append, allow_duplicates=True).watch(keep)
    await prompt("foxes")
    assert len(seen) == 4


@pytest.mark.parametrize("is_async", [True, False])
async def test_callbacks_may_be_async_or_not(is_async: bool) -> None:
    other = rg.Chat(messages=[rg.Message("assistant", "<int>7</int>")])

    def swap(chat: rg.Chat) -> rg.Chat:
        return other

    async def wait_and_swap(chat: rg.Chat) -> rg.Chat:
        return other

    def keep(chats: rg.ChatList) -> rg.ChatList:
        return chats

    async def wait_and_keep(chats: rg.ChatList) -> rg.ChatList:
        return chats

    then, each = (wait_and_swap, wait_and_keep) if is_async else (swap, keep)
    assert await how_many.then(then).map(each).bind(rg.scripted("<int>1</int>"))("foxes") == 7


async def test_a_callback_that_makes_several_chats_of_one_is_told_what_to_use() -> None:
    doubled = how_many.map(lambda chats: [*chats, *chats]).bind(rg.scripted("<int>1</int>", "<int>2</int>"))
    with pytest.raises(ValueError, match=r"made 2 chats of the one that how_many\(\) had; use run_many\(1, …\)"):
        await doubled("foxes")
    assert await doubled.run_many(1, "foxes") == [2, 2]


async def test_a_prompt_shows_what_it_is_made_of() -> None:
    @rg.prompt(generator=(model := rg.scripted("<int>1</int>")))
    async def ask(kind: str, page_count: Annotated[int, rg.Ctx(prefix="Long:")] = 3) -> int:
        """How many {{ kind }}?"""

    [shown] = ask.inputs
    assert (shown.name, shown.tag, shown.ctx.prefix) == ("page_count", "page-count", "Long:")
    assert ask.output is not None
    assert (ask.output.example, ask.output.read("<int>2</int>")) == ("<int></int>", 2)
    assert ask.docstring == "How many {{ kind }}?"
    assert ask.template == (
        "How many {{ kind }}?\n\n{{ page_count }}\n\n"
        "Produce the following output (use xml tags):\n\n<int></int>\n"
    )  # fmt: skip
    assert ask.pipeline is not None
    assert ask.pipeline.generator is model
    assert (ask.tools, ask.system_prompt, ask.params) == ((), None, None)


def test_a_prompt_that_returns_the_chat_has_no_output_to_read() -> None:
    @rg.prompt
    async def talk() -> rg.Chat:
        """Talk."""

    assert talk.output is None


async def test_three_more_calls_are_the_default_for_answers_that_cannot_be_read() -> None:
    model = rg.scripted(*["no"] * 10)
    with pytest.raises(ExhaustedMaxRoundsError) as caught:
        await how_many.bind(model)("foxes")
    assert len(model.heard) == 4
    assert caught.value.max_rounds == 3
    with pytest.raises(ExhaustedMaxRoundsError):
        await how_many.bind(model).set_(max_parsing_rounds=0)("foxes")
    assert len(model.heard) == 5


async def test_parameters_of_the_prompt_go_over_those_of_the_pipeline() -> None:
    model = rg.scripted("<int>1</int>")
    await how_many.bind(model.chat().with_(temperature=0.1, seed=1)).with_(temperature=0.9)("foxes")
    assert model.heard[0].params.temperature == 0.9
    assert model.heard[0].params.seed == 1


async def test_the_system_prompt_comes_first_and_joins_one_that_is_there() -> None:
    model = rg.scripted("<int>1</int>", "<int>1</int>")

    @rg.prompt(system_prompt="Count well.")
    async def ask() -> int:
        """Go."""

    await ask.bind(model)()
    await ask.bind(model.chat({"role": "system", "content": "Be brief."}))()
    assert [heard.messages[0].content for heard in model.heard] == ["Count well.", "Be brief.\n\nCount well."]
    assert [heard.messages[0].role for heard in model.heard] == ["system", "system"]


async def test_callbacks_see_the_chat_and_may_put_another_in_place() -> None:
    order: list[str] = []
    other = rg.Chat(messages=[rg.Message("assistant", "<int>7</int>")])

    async def watch(chats: list[Any]) -> None:
        order.append("watch")

    def swap(chats: rg.ChatList) -> list[rg.Chat]:
        order.append("map")
        return [other]

    prompt = how_many.then(lambda chat: order.append("then")).map(swap).watch(watch)
    assert await prompt.bind(rg.scripted("<int>1</int>"))("foxes") == 7
    assert order == ["watch", "then", "map"]


async def test_a_prompt_on_a_pipeline_with_checks_reads_its_own_value() -> None:
    model = rg.scripted("<str>a</str>", "<str>a</str><int>3</int>")
    assert await how_many.bind(model.chat().until_parsed_as(str))("foxes") == 3
    assert len(model.heard) == 2


# Tools.


async def test_a_prompt_may_use_tools() -> None:
    model = rg.scripted(call("look"), "<int>2</int>")

    @rg.prompt(generator=model, tools=[look])
    async def ask() -> int:
        """Look around."""

    assert await ask() == 2
    assert model.heard[1].messages[-1].content == "seen"


async def test_tool_rounds_are_limited_apart_from_parsing_rounds() -> None:
    model = rg.scripted(*[call("look")] * 10)

    @rg.prompt(generator=model, tools=[look])
    async def ask() -> int:
        """Look around."""

    with pytest.raises(MaxDepthError):
        await ask.set_(max_tool_rounds=2)()
    assert len(model.heard) == 3


async def test_a_prompt_whose_run_a_tool_stopped_has_no_value_to_return() -> None:
    def finish() -> rg.Stop:
        return rg.Stop("<int>1</int>")

    @rg.prompt(generator=rg.scripted(call("finish")), tools=[finish])
    async def ask() -> int:
        """Go."""

    with pytest.raises(MissingModelError) as caught:
        await ask()
    assert caught.value.messages[-1].role == "tool"


async def test_a_prompt_is_a_tool_for_another() -> None:
    poet = rg.scripted("<str>roses</str><str>violets</str>")
    editor = rg.scripted(call("write_lines", {"count": 2}), "<str>roses, violets</str>")

    @rg.prompt(generator=poet)
    async def write_lines(count: int) -> list[str]:
        """Writes lines."""

    @rg.prompt(generator=editor, tools=[write_lines])
    async def poem() -> str:
        """Write a poem."""

    assert await poem() == "roses, violets"
    [tool] = editor.heard[0].params.tools or []
    assert (tool.function.name, tool.function.description) == ("write_lines", "Writes lines.")
    assert tool.function.parameters == {
        "type": "object",
        "properties": {"count": {"type": "integer"}},
        "required": ["count"],
        "additionalProperties": False,
    }
    assert editor.heard[1].messages[-1].content == '["roses","violets"]'
    assert "<count>2</count>" in poet.heard[0].text


@pytest.mark.parametrize("name", ["run", "run_many", "run_over"])
def test_a_prompt_is_a_tool_and_its_ways_to_run_are_not(name: str) -> None:
    with pytest.raises(ToolDefinitionError, match=rf"{name}\(\) takes \*args"):
        rg.Tool.from_callable(getattr(how_many.bind(rg.scripted()), name))


async def test_what_a_prompt_returns_is_json_for_the_model_that_used_it_as_a_tool() -> None:
    @rg.prompt
    async def find() -> dict[str, list[int]]:
        """Finds."""

    answering = find.bind(rg.scripted('<dict>{"a": [1, 2]}</dict>'))
    model = rg.scripted(call("find"), "done")
    chat = await model.chat("hi").using(answering).run()
    assert chat.messages[-1].content == '{"a":[1,2]}'


# Methods.


class Zoo:
    def __init__(self, name: str) -> None:
        self.name = name

    @rg.prompt
    async def count(self, kind: str) -> int:
        """How many live there?"""

    @rg.prompt(system_prompt="You are a keeper.")
    def greet(self) -> rg.Chat:
        """Greet."""


async def test_a_prompt_on_a_class_is_a_method_that_does_not_show_self() -> None:
    model = rg.scripted("<int>3</int>")
    assert await Zoo("Berlin").count.bind(model)("lions") == 3
    assert model.heard[0].text.startswith("[user]: How many live there?\n\n<kind>lions</kind>")
    assert isinstance(Zoo.count, rg.Prompt)


async def test_a_method_prompt_can_be_a_tool() -> None:
    model = rg.scripted(call("count", {"kind": "lions"}), "done")
    keeper = rg.scripted("<int>3</int>")
    chat = await model.chat("hi").using(Zoo("Berlin").count.bind(keeper)).run()
    assert chat.messages[-1].content == "3"


async def test_what_answers_a_method_is_found_once_for_all_objects() -> None:
    model = rg.scripted("<int>1</int>", "<int>2</int>")

    class Counter:
        @rg.prompt(generator_id=model.to_identifier())
        async def count(self) -> int:
            """Count."""

    assert [await Counter().count(), await Counter().count()] == [1, 2]
    assert Counter().count.pipeline is Counter().count.pipeline


async def test_what_a_prompt_adds_is_computed_once_for_all_calls_and_objects() -> None:
    class Talker:
        @rg.prompt(generator=rg.scripted("a", "b"), tools=[look])
        async def talk(self) -> rg.Chat:
            """Talk."""

    first, second = await Talker().talk(), await Talker().talk()
    assert first.restart().tools[0] is second.restart().tools[0]


# Names that are known later.


@rg.prompt
async def make_later() -> Later:
    """Go."""


class Later(rg.Model):
    text: str


async def test_an_annotation_may_name_a_class_that_is_defined_later() -> None:
    assert await make_later.bind(rg.scripted("<later>now</later>"))() == Later(text="now")


async def test_a_prompt_that_nothing_answers_is_no_matter_of_the_model_that_calls_it() -> None:
    model = rg.scripted(call("how_many", {"of": "foxes"}), "never asked")
    with pytest.raises(UnboundPromptError, match=r"how_many\.bind"):
        await model.chat("Count.").using(how_many, catch=True).run()
    assert model.remaining == 1
