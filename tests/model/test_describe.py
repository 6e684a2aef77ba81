"""A model is described as the element it is written as, and shown as an empty one."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from pydantic import Field

from rigging_py.model import ErrorModel, Model, QuestionAnswer, YesNoAnswer, attr, element, wrapped
from rigging_py.parsing import Attribute, Element, Leaf


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class FunFact(Model):
    fact: str


class Person(Model):
    name: str
    age: int


class Book(Model):
    kind: Literal["novel", "poem"] = attr()
    title: str = element(description="As it stands on the cover.", examples=["War & Peace"])
    pages: int = element(default=0)
    """How many."""
    colour: Colour | None = element(default=None)
    tags: list[str] = wrapped("meta/tags", element("tag"))
    authors: list[Person] = element(default=[])
    note: str | None = attr(default=None)


class Tip(Model):
    text: str = Field(examples=["Use <b>", "another"])
    weight: float = attr(examples=[0.5])


class Choice(Model):
    answer: Literal["<a>", "b"]


class Mark(Model):
    name: str = attr()


class Nothing(Model):
    pass


class Chain(Model):
    rest: Chain | None = None


BOOK = """\
<book kind="novel|poem" note="">
  <!-- As it stands on the cover. -->
  <title>War &amp; Peace</title>
  <!-- How many. -->
  <pages/>
  <colour>red|blue</colour>
  <meta/>
  <person/>
</book>"""


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (FunFact, "<fun-fact></fun-fact>"),
        (Person, "<person>\n  <name/>\n  <age/>\n</person>"),
        (Tip, '<tip weight="0.5">Use &lt;b&gt;</tip>'),
        (Choice, "<choice>&lt;a&gt;|b</choice>"),
        (Mark, '<mark name=""></mark>'),
        (Nothing, "<nothing></nothing>"),
        (Chain, "<chain>\n  <chain/>\n</chain>"),
        (YesNoAnswer, "<yes-no-answer></yes-no-answer>"),
        (ErrorModel, '<error type=""></error>'),
        (QuestionAnswer, "<question-answer>\n  <question/>\n  <answer/>\n</question-answer>"),
        (
            Book,
            BOOK,
        ),
    ],
)
def test_an_example_is_the_empty_element(model: type[Model], example: str) -> None:
    assert model.xml_example() == example


TEXT = Leaf({"type": "string"})


def test_one_plain_field_is_the_text_of_its_element() -> None:
    assert FunFact.xml_element().content == TEXT


def test_several_plain_fields_are_elements() -> None:
    assert Person.xml_element().content == (Element("name", TEXT), Element("age", Leaf({"type": "integer"})))


def test_the_shape_says_how_often_each_element_comes() -> None:
    content = Book.xml_element().content
    assert isinstance(content, tuple)
    assert [(child.tag, child.least, child.most) for child in content] == [
        ("title", 1, 1),
        ("pages", 0, 1),
        ("colour", 0, 1),
        ("meta", 1, 1),
        ("person", 0, None),
    ]


def test_the_shape_says_which_attributes_are_needed() -> None:
    kind, note = Book.xml_element().attributes
    assert (kind.name, kind.required, kind.schema["enum"]) == ("kind", True, ["novel", "poem"])
    assert note == Attribute("note", {"anyOf": [{"type": "string"}, {"type": "null"}]}, required=False)


def test_an_optional_choice_is_described_without_references() -> None:
    content = Book.xml_element().content
    assert isinstance(content, tuple)
    leaf = content[2].content
    assert isinstance(leaf, Leaf)
    branches = leaf.schema["anyOf"]
    assert isinstance(branches, list)
    assert branches[0]["enum"] == ["red", "blue"]
    assert branches[1] == {"type": "null"}


def test_wrapped_elements_are_described_from_the_outside_in() -> None:
    content = Book.xml_element().content
    assert isinstance(content, tuple)
    assert content[3] == Element("meta", (Element("tags", (Element("tag", TEXT, least=0, most=None),)),))


def test_a_model_inside_itself_is_described_by_its_name() -> None:
    shape = Chain.xml_element()
    assert shape.content == (Element("chain", None, least=0, model=shape.model),)
