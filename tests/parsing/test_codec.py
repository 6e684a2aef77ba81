"""A codec asks for a value of a type and reads it back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import textwrap
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic_core import to_json, to_jsonable_python
from typing_extensions import TypedDict

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.model import Model
from rigging_py.parsing import Ctx, codec_of, tagged
from rigging_py.parsing.shape import Leaf


class Colour(Enum):
    RED = "red"
    SKY = "sky blue"


class Level(Enum):
    LOW = 1
    HIGH = 2


class Point(BaseModel):
    x: int
    label: str


class Town(Model):
    name: str
    people: int


class Person(TypedDict):
    name: str


class Pair(NamedTuple):
    left: int
    right: str


@dataclasses.dataclass
class Trip:
    where: str
    days: Annotated[int, Ctx("how-long")]
    stops: list[str]
    town: Town


@dataclasses.dataclass
class Inner:
    a: int


@dataclasses.dataclass
class Outer:
    inner: Inner
    others: list[Inner]


def answer(kind: Any, *values: object) -> str:
    """An answer in words and as JSON, as the type asks for it, one element for each value."""
    [element] = codec_of(kind).shape
    is_json = isinstance(element.content, Leaf) and element.content.json
    return "Well:\n" + "\n".join(tagged(element.tag, written(value, is_json=is_json)) for value in values)


def written(value: object, *, is_json: bool) -> str:
    plain = to_jsonable_python(value)
    return plain if isinstance(plain, str) and not is_json else to_json(plain).decode()


LINE = st.text(alphabet=st.characters(exclude_categories=("C", "Z")), min_size=1)
VALUES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (Literal["a", "b <c>", 3], st.sampled_from(["a", "b <c>", 3])),
    (Colour, st.sampled_from(Colour)),
    (Level, st.sampled_from(Level)),
    (dt.datetime, st.datetimes()),
    (dt.date, st.dates()),
    (dt.timedelta, st.timedeltas(dt.timedelta(0), dt.timedelta(10_000))),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (UUID, st.uuids()),
    (dict[str, int], st.dictionaries(st.text(), st.integers())),
    (dict[str, list[Point]], st.dictionaries(st.text(), st.lists(st.builds(Point)))),
    (Point, st.builds(Point)),
    (Inner, st.builds(Inner)),
    (Pair, st.builds(Pair)),
    (Person, st.fixed_dictionaries({"name": st.text()})),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=[str(kind) for kind, _ in VALUES])
def test_a_list_of_values_that_were_written_as_asked_is_read_back(kind: Any, values: st.SearchStrategy[Any]) -> None:
    @given(st.lists(values, min_size=1))
    def law(written_values: list[object]) -> None:
        assert codec_of(list[kind]).read(answer(list[kind], *written_values)) == written_values
        assert codec_of(kind | None).read(answer(kind | None, *written_values)) == written_values[0]

    law()


@given(st.text())
def test_text_is_read_back_stripped_and_dedented(text: str) -> None:
    assert codec_of(str).read(answer(str, text)) == textwrap.dedent(text).strip()


@given(LINE)
def test_a_line_of_text_is_read_back_as_it_was(text: str) -> None:
    assert codec_of(str).read(answer(str, text)) == text


@given(st.lists(st.integers()))
def test_every_collection_is_read_back_even_empty(values: list[int]) -> None:
    text = answer(list[int], *values) if values else "None of them: <int></int>"
    assert codec_of(list[int]).read(text) == values
    assert codec_of(set[int]).read(text) == set(values)
    assert codec_of(frozenset[int]).read(text) == frozenset(values)
    assert codec_of(tuple[int, ...]).read(text) == tuple(values)
    assert codec_of(Sequence[int]).read(text) == values


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "There are <int>1,234</int> of them.", 1234),
        (float, "<float>1 234.5</float>", 1234.5),
        (bool, "<bool>Yes, it is</bool>", True),
        (Colour, "<colour>Sky Blue.</colour>", Colour.SKY),
        (Level, "<level>2</level>", Level.HIGH),
        (Literal["on", "off"], "<choice>Off</choice>", "off"),
        (int | None, "<int>None</int>", None),
        (int | None, "<int/>", None),
        (Colour | None, "<colour>n/a</colour>", None),
        (Town | None, "<town></town>", None),
        (Annotated[int | None, Field(ge=1)], "<int>null</int>", None),
        (dict[str, int], '<dict>\n```json\n{"a": 1}\n```\n</dict>', {"a": 1}),
        (str, "<str>if a < b && c</str>", "if a < b && c"),
        (list[Town], "<town><name>A</name><people>2</people></town>", [Town(name="A", people=2)]),
        (list[Town], "<town/>", []),
        (Annotated[list[str], Ctx("joke")], "<joke>Ha</joke><joke>Ho</joke>", ["Ha", "Ho"]),
        (list[Annotated[str, Ctx("joke")]], "<joke>Ha</joke>", ["Ha"]),
        (tuple[int, str], "<str>a</str> <int>1</int>", (1, "a")),
        (Outer, '<inner>{"a": 1}</inner><others>{"a": 2}</others>', Outer(Inner(1), [Inner(2)])),
    ],
)
def test_an_answer_is_read_the_way_people_write(kind: object, text: str, value: object) -> None:
    assert codec_of(kind).read(text) == value


def test_a_dataclass_is_read_from_an_element_for_each_field_in_any_order() -> None:
    text = """
    <town><people>2</people><name>Ely</name></town>
    <stops>a</stops><stops>b</stops>
    <how-long>3</how-long>
    <where>north</where>
    """
    assert codec_of(Trip).read(text) == Trip("north", 3, ["a", "b"], Town(name="Ely", people=2))


def test_a_dataclass_asks_with_an_element_for_each_field() -> None:
    assert codec_of(Trip).wording == "several"
    assert codec_of(Trip).example == (
        "<where></where>\n\n<how-long></how-long>\n\n<stops></stops>\n\n<town>\n  <name/>\n  <people/>\n</town>"
    )


@pytest.mark.parametrize(
    ("kind", "wording"), [(int, "one"), (list[int], "each"), (tuple[int, str], "several"), (tuple[list[int]], "each")]
)
def test_the_wording_says_how_many_elements_are_asked_for(kind: object, wording: str) -> None:
    assert codec_of(kind).wording == wording


def test_members_that_the_caller_fills_in_are_not_asked_for() -> None:
    codec = codec_of(tuple[int, Town], filled=(Town,))
    assert codec.example == "<int></int>"
    assert codec.wording == "one"


def test_an_example_of_a_model_stands_as_it_would_be_written() -> None:
    example = codec_of(Annotated[Town, Ctx(prefix="Like this:", example=Town(name="A", people=1))]).example
    assert example == "Like this:\n<town>\n  <name>A</name>\n  <people>1</people>\n</town>"


def test_the_first_valid_element_is_the_value() -> None:
    assert codec_of(int).read("<int>many</int> or rather <int>12</int>, not <int>13</int>") == 12


def test_a_missing_element_is_named() -> None:
    with pytest.raises(MissingModelError, match="'int'") as caught:
        codec_of(int).read("Twelve, I think.")
    assert caught.value.tag == "int"


def test_a_missing_list_says_how_to_write_an_empty_one() -> None:
    with pytest.raises(MissingModelError, match="a single empty one for none"):
        codec_of(list[int]).read("None.")


def test_an_invalid_value_is_told_with_what_was_said() -> None:
    with pytest.raises(UnparsedError, match=r"'int' element says 'many'.*valid integer") as caught:
        codec_of(int).read("<int>many</int>")
    assert (caught.value.tag, caught.value.content) == ("int", "many")


def test_an_invalid_item_makes_the_list_invalid() -> None:
    with pytest.raises(UnparsedError, match="'two'"):
        codec_of(list[int]).read("<int>1</int><int>two</int>")


def test_constraints_of_values_and_of_lists_are_kept() -> None:
    with pytest.raises(UnparsedError, match="greater than or equal to 1"):
        codec_of(Annotated[int, Field(ge=1)]).read("<int>0</int>")
    with pytest.raises(UnparsedError, match="at most 1 item"):
        codec_of(Annotated[list[int], Field(max_length=1)]).read("<int>0</int><int>1</int>")


def test_a_long_answer_is_shortened_in_its_error() -> None:
    with pytest.raises(UnparsedError) as caught:
        codec_of(int).read(f"<int>{'9' * 100_000}</int>")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("kind", [Any, None, object, tuple[int, int], tuple[Town, list[Town]], type(lambda: 0)])
def test_a_type_that_text_cannot_hold_is_refused(kind: object) -> None:
    with pytest.raises(PromptDefinitionError):
        codec_of(kind)


def test_a_json_schema_is_no_type_of_tagged_text() -> None:
    with pytest.raises(
        PromptDefinitionError, match=r"'object'.* is data and no type\. .*'native', 'tool' or 'prompted'"
    ):
        codec_of({"type": "object"})


def test_a_codec_is_built_once() -> None:
    assert codec_of(list[Town]) is codec_of(list[Town])


def test_equal_types_of_another_order_have_codecs_of_their_own() -> None:
    assert codec_of(Literal["a", "b"]).example != codec_of(Literal["b", "a"]).example


def test_an_empty_form_that_is_repeated_is_not_the_answer() -> None:
    assert codec_of(str).read("You asked for <str></str>: <str>hi</str>") == "hi"
    assert codec_of(str).read("<str></str>") == ""
