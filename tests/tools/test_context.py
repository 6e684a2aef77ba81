"""The program hands typed values to its tools, and the model neither sees them nor can give them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, assert_type

import pytest
from typing_extensions import TypeAliasType

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from rigging_py.tools import Tool, ToolContext, as_tools
from tests.tools.calls import call, executed


@dataclass
class Shop:
    name: str


class Bookshop(Shop): ...


class Named(Protocol):
    name: str


Given = ToolContext[Shop]
Aliased = TypeAliasType("Aliased", ToolContext[Shop])


async def asked(title: str, context: ToolContext[Shop]) -> str:
    return f"{title} at {context.value.name}"


def in_a_thread(title: str, context: ToolContext[Shop]) -> str:
    return f"{title} at {context.value.name}"


def first(context: ToolContext[Shop], title: str) -> str:
    return f"{title} at {context.value.name}"


def by_keyword(title: str, *, context: ToolContext[Shop]) -> str:
    return f"{title} at {context.value.name}"


def by_position(title: str, context: ToolContext[Shop], /) -> str:
    return f"{title} at {context.value.name}"


def between(a: str = "A", context: ToolContext[Shop] | None = None, title: str = "B", /) -> str:
    return f"{title} at {context.value.name if context else a}"


def annotated(title: str, context: Annotated[ToolContext[Shop], "from the program"]) -> str:
    return f"{title} at {context.value.name}"


def named(title: str, context: Given) -> str:
    return f"{title} at {context.value.name}"


def aliased(title: str, context: Aliased) -> str:
    return f"{title} at {context.value.name}"


def optional(title: str, context: ToolContext[Shop] | None = None) -> str:
    return f"{title} at {context.value.name if context else None}"


def untyped(title: str, context: ToolContext) -> str:
    return f"{title} at {getattr(context.value, 'name', None)}"


def text(title: str, context: "ToolContext[Shop]") -> str:  # noqa: UP037
    return f"{title} at {context.value.name}"


def quoted(title: "str", context: "ToolContext[Shop] | None" = None) -> str:  # noqa: UP037
    return f"{title} at {context.value.name if context else None}"


class Clerk:
    def __init__(self, mood: str = "") -> None:
        self.mood = mood

    def __call__(self, title: str, context: ToolContext[Shop]) -> str:
        return f"{title} at {context.value.name}"

    def method(self, title: str, context: ToolContext[Shop]) -> str:
        return f"{title} at {context.value.name}"

    @rg.tool_method
    def sell(self, title: str, context: ToolContext[Shop]) -> str:
        return f"{title} at {context.value.name}{self.mood}"


FORMS: list[Callable[..., Any]] = [
    *(asked, in_a_thread, first, by_keyword, by_position, between),
    *(annotated, named, aliased, optional, untyped, text, quoted),
    *(Clerk(), Clerk().method, Clerk().sell, functools.partial(asked), functools.partial(text)),
]
EVERY_FORM = pytest.mark.parametrize("form", FORMS, ids=[as_tools(form)[0].name for form in FORMS])


@EVERY_FORM
async def test_a_tool_is_given_what_it_asks_for(form: Callable[..., Any]) -> None:
    assert (await executed(form, {"title": "Emma"}, Shop("Blackwell's"))).content == "Emma at Blackwell's"


@EVERY_FORM
def test_the_model_does_not_hear_of_the_context(form: Callable[..., Any]) -> None:
    [tool] = rg.scripted().chat("hi").using(form).tools
    assert "title" in tool.parameters_schema["properties"]
    assert "context" not in json.dumps(tool.definition.model_dump(mode="json")).lower()


@EVERY_FORM
async def test_the_model_cannot_give_the_context(form: Callable[..., Any]) -> None:
    [tool] = rg.scripted().chat("hi").using(form).tools
    forged = {"title": "Emma", "context": {"value": {"name": "mine"}, "key": "k", "run_id": "r"}}
    model = rg.scripted(call(tool.name, forged), "done")
    chat = await model.chat("hi").using(tool).run()
    assert "context: Extra inputs are not permitted" in chat.messages[-1].content


async def test_the_context_names_the_call_its_run_and_the_attempt() -> None:
    def tell(context: ToolContext) -> list[object]:
        return [context.key, context.run_id, context.attempt, context.value]

    assert (await executed(tell)).content == '["a/run/1/0","a/run",1,null]'
    assert (await executed(tell, attempt=3)).content == '["a/run/1/0","a/run",3,null]'


async def test_calls_of_a_run_have_keys_of_their_own() -> None:
    def tell(context: ToolContext) -> str:
        return f"{context.run_id} {context.key}"

    model = rg.scripted([call("tell"), call("tell", call_id="c2")], call("tell"), "done")
    chat = await model.chat("hi").using(tell).run()
    told = [message.content.split(" ") for message in chat.all if message.role == "tool"]
    assert [key for _, key in told] == [f"{chat.uuid}/{place}" for place in ("1/0", "1/1", "2/0")]
    assert {run_id for run_id, _ in told} == {str(chat.uuid)}


def test_called_as_a_function_a_tool_takes_its_context_like_any_argument() -> None:
    @rg.tool(timeout=5)
    def sell(title: str, context: ToolContext[Shop]) -> str:
        return f"{title} at {context.value.name}"

    context = ToolContext(Bookshop("Blackwell's"), "k", "r")
    assert_type(context, ToolContext[Bookshop])
    assert_type(sell("Emma", context), str)
    assert_type(Clerk().sell("Emma", context=context), str)
    assert sell("Emma", context) == Clerk().sell("Emma", context=context) == "Emma at Blackwell's"
    with pytest.raises(TypeError):
        sell("Emma")  # type: ignore[call-arg]  # pyright: ignore


async def test_a_subclass_of_what_is_asked_for_will_do() -> None:
    assert (await executed(asked, {"title": "Emma"}, Bookshop("Foyles"))).content == "Emma at Foyles"


@pytest.mark.parametrize(
    ("value", "given"),
    [(None, "nothing"), ("Foyles", "a value of type str"), (Shop, "a value of type type")],
    ids=["nothing", "text", "the class itself"],
)
async def test_a_value_of_another_class_is_an_error_of_the_program(value: object, given: str) -> None:
    said = rf"The tool 'asked' takes a ToolContext\[Shop\], and was given {given}; give one with `with_context"
    with pytest.raises(TypeError, match=said):
        await executed(rg.Tool.from_callable(asked, catch=True), {"title": "Emma"}, value)


async def test_a_pipeline_without_a_value_raises_and_the_model_does_not_hear_of_it() -> None:
    model = rg.scripted(call("asked", {"title": "Emma"}), "never said")
    with pytest.raises(TypeError, match="was given nothing"):
        await model.chat("hi").using(asked).run()
    assert model.remaining == 1


def test_a_value_can_be_checked_before_anything_runs() -> None:
    tool = rg.tool(asked)
    tool.check_context(Shop("Foyles"))
    with pytest.raises(TypeError, match="asked"):
        tool.check_context(None)
    rg.tool(untyped).check_context(None)


async def test_a_type_that_is_no_plain_class_is_not_checked() -> None:
    def listed(context: ToolContext[list[int]]) -> str:
        return str(context.value)

    def shaped(context: ToolContext[Named]) -> str:
        return str(context.value)

    def nothing(context: ToolContext[Shop | None]) -> str:
        return str(context.value)

    assert [(await executed(one)).content for one in (listed, shaped, nothing)] == ["None"] * 3
    with pytest.raises(TypeError, match=r"ToolContext\[.*Shop \| None\], and was given a value of type int"):
        await executed(nothing, context=1)


async def test_what_a_partial_settles_is_not_asked_for() -> None:
    settled = functools.partial(in_a_thread, context=ToolContext(Shop("Foyles"), "k", "r"))
    assert list(rg.tool(settled).parameters_schema["properties"]) == ["title"]
    assert (await executed(settled, {"title": "Emma"})).content == "Emma at Foyles"


def two(one: ToolContext, other: ToolContext[Shop] | None = None) -> None: ...


def inside(contexts: list[ToolContext[Shop]]) -> None: ...


def gathered(*contexts: ToolContext[Shop]) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (two, r"two\(\) takes a ToolContext more than once, as one, other; keep one"),
        (inside, r"inside\(\) takes a ToolContext inside of contexts; annotate a parameter with it alone"),
        (gathered, r"gathered\(\) takes \*contexts"),
    ],
)
def test_a_context_that_cannot_be_given_is_said_when_the_tool_is_made(function: Any, said: str) -> None:
    with pytest.raises(ToolDefinitionError, match=said):
        rg.tool(function)


async def test_positional_arguments_that_are_left_out_keep_their_places() -> None:
    def place(a: int = 1, b: int = 2, /) -> str:
        return f"{a} {b}"

    assert (await executed(place, {"b": 5})).content == "1 5"


def test_a_decorated_tool_keeps_its_types() -> None:
    @rg.tool
    def plain(title: str, context: ToolContext[Shop]) -> int:
        return len(title)

    made: Callable[[str, ToolContext[Shop]], int] = plain
    changed: Tool[..., int] = plain.with_(timeout=1, effect="read", retries=2)
    assert (made("Emma", ToolContext(Shop(""), "k", "r")), changed.retries) == (4, 2)
