"""Prompts that are made from a text while the program runs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import PromptDefinitionError
from tests.tools.calls import call


class Person(rg.Model):
    name: str


def test_a_text_is_a_prompt_that_gives_text() -> None:
    joke = rg.make_prompt("""
        Write a   joke about {{ topic }}.
        {% for word in words %}
        - {{ word }}
        {% endfor %}""")

    assert joke.docstring.startswith("Write a joke about {{ topic }}.\n")
    assert list(inspect.signature(joke).parameters) == ["topic", "words"]
    assert joke.render(topic="cats", words=["purr", "paw"]) == (
        "Write a joke about cats.\n- purr\n- paw\n\n\n"
        "Produce the following output (use xml tags):\n\n<str></str>\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ctx", "answer", "value"),
    [
        (None, rg.Ctx("joke"), "<joke>Ha.</joke>", "Ha."),
        (int, None, "<int>4</int>", 4),
        (list[str], rg.Ctx("joke"), "<joke>Ha.</joke><joke>Ho.</joke>", ["Ha.", "Ho."]),
        (int | None, None, "<int></int>", None),
        (Person, None, "<person>Ada</person>", Person(name="Ada")),
    ],
)
async def test_it_returns_what_it_is_told_to(kind: Any, ctx: rg.Ctx | None, answer: str, value: object) -> None:
    assert await rg.make_prompt("Go.", kind, ctx=ctx).bind(rg.scripted(answer))() == value


@pytest.mark.parametrize("ctx", [None, rg.Ctx("ignored")])
async def test_it_may_return_the_chat(ctx: rg.Ctx | None) -> None:
    model = rg.scripted("hello")
    chat = await rg.make_prompt("Say hello.", rg.Chat, ctx=ctx).bind(model)()
    assert chat.last.content == "hello"
    assert model.heard[0].text == "[user]: Say hello."


async def test_it_is_bound_and_run_as_any_other() -> None:  # surface 3.2 no. 37
    count = rg.make_prompt("How many {{ of }}?", int)
    assert await count.bind(rg.scripted("<int>1</int>"))(of="foxes") == 1
    assert await count.bind(rg.scripted("<int>1</int>")).run(of="foxes") == 1
    assert await count.bind_many(rg.scripted("<int>1</int>", "<int>2</int>"))(2, of="foxes") == [1, 2]
    assert await count.run_over([rg.scripted("<int>1</int>"), rg.scripted("<int>2</int>")], of="foxes") == [1, 2]
    assert await count.bind(rg.scripted("<int>1</int>")).stream(of="foxes").value() == 1
    assert count.process(rg.Chat(messages=[rg.Message("assistant", "<int>3</int>")])) == 3


async def test_it_is_a_tool_for_others() -> None:
    poet = rg.scripted("<str>roses</str>")
    model = rg.scripted(call("write", {"topic": "love"}), "done")
    tool = rg.Tool.from_callable(rg.make_prompt("Write about {{ topic }}.").bind(poet), name="write")
    chat = await model.chat("hi").using(tool).run()
    assert (chat.messages[-1].content, tool.description) == ("roses", "Write about {{ topic }}.")
    assert "Write about love." in poet.heard[0].text


def test_its_arguments_are_its_variables() -> None:
    greet = rg.make_prompt("Hello {{ name }}.")
    with pytest.raises(TypeError, match="argument: 'name'"):
        greet.render()
    with pytest.raises(TypeError, match="unexpected keyword argument 'nmae'"):
        greet.render(nmae="Ada", name="Ada")


def test_an_argument_is_never_a_template() -> None:
    assert rg.make_prompt("Say {{ text }}.", rg.Chat).render(text="{{ 7*7 }}") == "Say {{ 7*7 }}."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n ", "given no text"),
        ("Hello {{ name }.", "no jinja2 template, line 1"),
        ("Hello {{ class }}.", "No argument can be called class"),
        ("Hello {{ self }}.", "No argument can be called self"),
    ],
)
def test_a_text_that_cannot_be_a_prompt_says_why(text: str, said: str) -> None:
    with pytest.raises(PromptDefinitionError, match=said):
        rg.make_prompt(text)
