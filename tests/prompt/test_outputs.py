"""How answers are read as values of every type that a prompt may return."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pydantic.dataclasses
import pytest
from pydantic import BaseModel, Field

import rigging_py as rg
from rigging_py.error import MissingModelError


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    tags: list[str]


@dataclass
class Told:
    joke: str
    chat: rg.Chat


@pydantic.dataclasses.dataclass
class Checked:
    stars: Annotated[int, Field(le=5)]
    chat: rg.Chat


class Plain(BaseModel):
    name: str
    tags: list[str] = []


class Fact(rg.Model):
    fact: str


class Person(rg.Model):
    name: str
    age: int


def asking_for(kind: Any, *answers: str) -> tuple[rg.Prompt[[], Any], rg.ScriptedGenerator]:
    def ask() -> Any:
        """Go."""

    ask.__annotations__["return"] = kind
    model = rg.scripted(*answers)
    return rg.prompt(ask).bind(model), model


READ: list[tuple[Any, str, object]] = [
    (str, "Sure: <str>a &lt; b</str> ok?", "a < b"),
    (str, "<str>a < b & c</str>", "a < b & c"),
    (int, "<int>1,234</int>", 1234),
    (float, "<float>2.5</float>", 2.5),
    (bool, "<bool>Yes, it is</bool>", True),
    (bool, "<bool>false</bool>", False),
    (Optional[int], "<int>3</int>", 3),  # noqa: UP045 — both spellings
    (int | None, "<int></int>", None),
    (int | None, "<int>none</int>", None),
    (Literal["a", "b"], "<choice>B</choice>", "b"),
    (Color, "<color>RED</color>", Color.RED),
    (datetime, "<datetime>2024-01-02T03:04:00</datetime>", datetime(2024, 1, 2, 3, 4)),
    (date, "<date>2024-01-02</date>", date(2024, 1, 2)),
    (list[str], "<str>a</str> and <str>b</str>", ["a", "b"]),
    (list[str], "There are none: <str></str>", []),
    (list[int], "<int/>", []),
    (list[Color], "<color>red</color><color>blue</color>", [Color.RED, Color.BLUE]),
    (set[int], "<int>1</int><int>1</int><int>2</int>", {1, 2}),
    (frozenset[str], "<str>a</str>", frozenset({"a"})),
    (tuple[int, ...], "<int>1</int><int>2</int>", (1, 2)),
    (dict[str, int], '<dict>{"a": 1}</dict>', {"a": 1}),
    (dict[str, list[int]], '<dict>{"a": [1, 2], "b": []}</dict>', {"a": [1, 2], "b": []}),
    (dict[str, int], "<dict>{}</dict>", {}),
    (list[list[int]], "<list>[1, 2]</list><list>[]</list>", [[1, 2], []]),
    (tuple[int, str], "<str>a</str><int>1</int>", (1, "a")),
    (tuple[list[int], list[str]], "<int>1</int><str></str><int>2</int>", ([1, 2], [])),
    (Point, "<x>1</x><tags>a</tags><tags>b</tags>", Point(1, ["a", "b"])),
    (Point, "<x>1</x><tags></tags>", Point(1, [])),
    (list[Point], '<point>{"x": 1, "tags": []}</point>', [Point(1, [])]),
    (Plain, '<plain>{"name": "Ada"}</plain>', Plain(name="Ada")),
    (list[Plain], '<plain>{"name": "A"}</plain><plain>{"name": "B"}</plain>', [Plain(name="A"), Plain(name="B")]),
    (dict[str, Plain], '<dict>{"a": {"name": "Ada"}}</dict>', {"a": Plain(name="Ada")}),
    (Fact, "<fact>Cats purr.</fact>", Fact(fact="Cats purr.")),
    (list[Fact], "<fact>a</fact><fact>b</fact>", [Fact(fact="a"), Fact(fact="b")]),
    (Fact | None, "<fact></fact>", None),
    (Person, "<person><age>36</age><name>Ada</name></person>", Person(name="Ada", age=36)),
    (tuple[Fact, Person], "<person><name>A</name><age>1</age></person><fact>x</fact>",
     (Fact(fact="x"), Person(name="A", age=1))),
    (Annotated[str, rg.Ctx("joke")], "<str>no</str><joke>Ha.</joke>", "Ha."),
    (list[Annotated[str, rg.Ctx("joke")]], "<joke>Ha.</joke><joke>Ho.</joke>", ["Ha.", "Ho."]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "answer", "value"), READ, ids=[f"{kind} {text}"[:60] for kind, text, _ in READ])
async def test_an_answer_is_read(kind: Any, answer: str, value: object) -> None:
    ask, model = asking_for(kind, answer)
    got = await ask()
    assert got == value
    assert type(got) is type(value)
    assert len(model.heard) == 1


BAD = [
    (int, "<int>many</int>", "<int>3</int>"),
    (int, "three", "<int>3</int>"),
    (list[str], "none at all", "<str>a</str>"),
    (Literal["a", "b"], "<choice>c</choice>", "<choice>a</choice>"),
    (Color, "<color>green</color>", "<color>red</color>"),
    (dict[str, int], "<dict>{'a': 1}</dict>", '<dict>{"a": 1}</dict>'),
    (Point, "<x>1</x>", "<x>1</x><tags></tags>"),
    (Plain, '<plain>{"nmae": "Ada"}</plain>', '<plain>{"name": "Ada"}</plain>'),
    (Person, "<person><name>Ada</name></person>", "<person><name>Ada</name><age>36</age></person>"),
    (Checked, "<stars>9</stars>", "<stars>5</stars>"),
]


@pytest.mark.parametrize(("kind", "bad", "good"), BAD, ids=[f"{kind}"[:40] for kind, _, _ in BAD])
async def test_a_bad_answer_is_asked_for_again_with_the_example(kind: Any, bad: str, good: str) -> None:
    ask, model = asking_for(kind, bad, good)
    await ask()
    said = model.heard[1].messages[-1].content
    assert said.startswith("<validation-error type=")
    assert ask.render().partition("tags):\n\n")[2].strip() in said


async def test_an_empty_list_is_one_empty_element_and_costs_one_call() -> None:  # surface 3.2 no. 36
    for kind, answer in (
        (list[str], "Nothing found. <str></str>"),
        (list[Fact], "<fact/>"),
        (set[int], "<int> </int>"),
    ):
        ask, model = asking_for(kind, answer)
        assert len(await ask()) == 0
        assert len(model.heard) == 1


@pytest.mark.parametrize(
    ("kind", "said", "value"),
    [
        (bool, "Yes, it is", True),
        (bool, "No. It never was.", False),
        (bool, "TRUE", True),
        (int, "1,234", 1234),
        (int, "1,234,567", 1234567),
        (int, "-1,234", -1234),
        (int, " 42 ", 42),
        (float, "1,234.5", 1234.5),
        (list[int], "1,234", [1234]),
    ],
)
async def test_truths_and_numbers_are_read_as_people_write_them(  # surface 3.2 no. 36
    kind: Any, said: str, value: object
) -> None:
    tag = "int" if kind == list[int] else kind.__name__
    ask, model = asking_for(kind, f"<{tag}>{said}</{tag}>")
    assert await ask() == value
    assert len(model.heard) == 1


@pytest.mark.parametrize(("kind", "said"), [(bool, "perhaps"), (int, "1,2"), (int, "4 or 5"), (int, "4.5")])
async def test_what_is_neither_is_asked_for_again(kind: type[Any], said: str) -> None:
    tag = kind.__name__
    ask, model = asking_for(kind, f"<{tag}>{said}</{tag}>", f"<{tag}>1</{tag}>" if kind is int else "<bool>no</bool>")
    assert await ask() == (1 if kind is int else False)
    assert len(model.heard) == 2


async def test_a_chat_is_returned_as_it_is() -> None:
    ask, model = asking_for(rg.Chat, "anything at all")
    chat = await ask()
    assert isinstance(chat, rg.Chat)
    assert chat.last.content == "anything at all"
    assert [m.content for m in model.heard[0].messages] == ["Go."]


async def test_a_tuple_may_hold_the_chat_too() -> None:
    ask, _ = asking_for(tuple[list[str], rg.Chat], "<str>a</str><str>b</str>")
    texts, chat = await ask()
    assert texts == ["a", "b"]
    assert chat.last.content == "<str>a</str><str>b</str>"


def test_with_one_member_besides_the_chat_the_words_are_those_for_that_member() -> None:
    for kind, words in (
        (tuple[list[str], rg.Chat], "output for each item (use xml tags):\n\n<str></str>\n"),
        (tuple[rg.Chat, int], "output (use xml tags):\n\n<int></int>\n"),
        (Told, "output (use xml tags):\n\n<joke></joke>\n"),
        (tuple[int, str, rg.Chat], "outputs (use xml tags):\n\n<int></int>\n\n<str></str>\n"),
    ):
        ask, _ = asking_for(kind)
        assert ask.render() == f"Go.\n\nProduce the following {words}"


async def test_of_the_chat_alone_nothing_is_asked() -> None:
    ask, model = asking_for(tuple[rg.Chat, rg.Chat], "anything")
    first, second = await ask()
    assert first.last.content == second.last.content == "anything"
    assert model.heard[0].text == "[user]: Go."


async def test_lists_and_models_and_the_chat_come_together() -> None:
    ask, _ = asking_for(tuple[list[Fact], rg.Chat, dict[str, int]], '<fact>a</fact><fact>b</fact><dict>{"c": 1}</dict>')
    facts, chat, counts = await ask()
    assert (facts, counts) == ([Fact(fact="a"), Fact(fact="b")], {"c": 1})
    assert chat.last.content.startswith("<fact>a")


@pytest.mark.parametrize("kind", [Told, Checked])
async def test_a_dataclass_may_hold_the_chat_too(kind: type[Any]) -> None:
    ask, model = asking_for(kind, "<joke>5</joke><stars>5</stars>")
    got = await ask()
    assert isinstance(got, kind)
    assert got.chat.last.content == "<joke>5</joke><stars>5</stars>"
    assert len(model.heard) == 1


def test_a_value_is_read_out_of_any_chat() -> None:
    ask, _ = asking_for(int)
    assert ask.process(rg.Chat(messages=[rg.Message("assistant", "<int>3</int>")])) == 3
    with pytest.raises(MissingModelError) as caught:
        ask.process(rg.Chat(messages=[rg.Message("assistant", "three")]))
    assert [m.content for m in caught.value.messages] == ["three"]


@dataclass
class Span:
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("last comes before first")


async def test_what_a_dataclass_says_of_its_members_goes_back_to_the_model() -> None:
    @rg.prompt
    async def span() -> Span:
        """Name a span."""

    model = rg.scripted("<first>3</first><last>1</last>", "<first>1</first><last>3</last>")

    assert await span.bind(model)() == Span(1, 3)
    assert "last comes before first" in model.heard[1].text


def test_a_pipeline_without_messages_is_still_true() -> None:
    assert rg.scripted().chat()
