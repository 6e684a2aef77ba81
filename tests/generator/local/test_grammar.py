"""Every sentence of a compiled grammar is a value of the type that was asked for, and the model can be held to it."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime, time, timedelta
from enum import Enum, IntEnum
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, create_model

import rigging_py as rg
from rigging_py.generator import get_generator
from rigging_py.generator.local.grammar import LIMITS, compile_grammar, compile_json_grammar
from rigging_py.generator.local.pieces import literal
from rigging_py.generator.local.scalars import decimals, integers
from rigging_py.message import FunctionDefinition, ToolDefinition
from rigging_py.parsing import codec_of
from rigging_py.wire import read_call
from tests.generator.local.gbnf import sampler_of


class Color(Enum):
    RED = "red"
    ODD = 'a"<b>&\n\\😀é'


class Rank(IntEnum):
    FIRST = 1
    SECOND = 2


class Node(BaseModel):
    """A document that may hold itself in every way there is."""

    name: str
    color: Color = Color.RED
    next: Node | None = None
    children: list[Node] = Field(default_factory=list["Node"])
    named: dict[str, Node] = Field(default_factory=dict[str, "Node"])
    pair: tuple[int, Node | None] = (0, None)


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    weight: float | None


@dataclasses.dataclass
class Trip:
    city: str
    days: list[date]
    note: str | None
    pet: Cat


class Fact(rg.Model):
    text: str


class Answer(rg.Model):
    number: int = rg.element()


class Book(rg.Model):
    isbn: int = rg.attr()
    kind: Literal["novel", "poems & <more>"] = rg.attr()
    title: str = rg.element()
    pages: int | None = rg.element(default=None)
    facts: list[Fact] = rg.element()
    tags: list[str] = rg.wrapped("tags", rg.element("tag"))
    sequel: Book | None = None


class Reply(rg.Model):
    said: Fact | Answer = rg.element()


TYPES: list[Any] = [
    str,
    int,
    float,
    bool,
    Literal["a", "b c", "<x>&", "😀"],
    Literal[1, 2],
    Literal[True],
    Color,
    Rank,
    date,
    datetime,
    time,
    timedelta,
    UUID,
    int | None,
    str | None,
    Color | None,
    int | Color,
    str | int,
    list[str],
    list[int | None],
    set[int],
    frozenset[str],
    tuple[int, str],
    tuple[date, ...],
    dict[str, list[int]],
    dict[Literal["a", "b"], int],
    dict[date, Color],
    list[list[bool]],
    list[dict[str, str]],
    Cat,
    Cat | Dog,
    Annotated[Cat | Dog, Field(discriminator="kind")],
    list[Cat],
    Node,
    list[Node],
    Node | None,
    Trip,
    Fact,
    Book,
    Reply,
    list[Fact],
    Fact | None,
    tuple[Fact, int],
    Annotated[int, Field(ge=7, le=1_000_000)],
    Annotated[int, Field(gt=-15, lt=215)],
    Annotated[int, Field(ge=10**12)],
    Annotated[float, Field(ge=0, le=1)],
    Annotated[float, Field(gt=0)],
    Annotated[float, Field(gt=-0.25, lt=0.125)],
    Annotated[str, Field(min_length=3, max_length=5)],
    Annotated[str, Field(max_length=1)],
    dict[str, Annotated[list[int], Field(min_length=2, max_length=3)]],
]


def check(annotation: Any, random: Random, count: int) -> None:
    """Every sentence reads as the type, and none is longer than the grammar says."""
    codec = codec_of(annotation)
    grammar, most = compile_grammar(codec.shape)
    sentence = sampler_of(grammar)
    for _ in range(count):
        text = sentence(random)
        codec.read(text)
        assert len(text.encode()) < most


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_whatever_the_grammar_lets_through_is_a_value_of_the_type(annotation: Any) -> None:
    check(annotation, Random(1), 60)


def between(low: int, size: int) -> Any:
    return Annotated[int, Field(ge=low, le=low + size)]


def around(kind: Any) -> st.SearchStrategy[Any]:
    """Types made of another one."""
    maybe: Any = kind | None
    made = create_model("Made", first=(kind, ...), second=(maybe, None))
    return st.sampled_from([list[kind], dict[str, kind], maybe, tuple[kind, int], made])


leaves: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([str, int, float, bool, Color, Rank, date, datetime]),
    st.builds(between, st.integers(-2000, 2000), st.integers(0, 5000)),
)


@given(annotation=st.recursive(leaves, lambda inner: inner.flatmap(around), max_leaves=4), seed=st.integers(0, 1000))
def test_however_types_are_nested_the_json_of_the_grammar_is_valid(annotation: Any, seed: int) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    grammar, most = compile_json_grammar(adapter.json_schema())
    sentence = sampler_of(grammar)
    for _ in range(5):
        text = sentence(Random(seed))
        adapter.validate_json(text)
        assert len(text.encode()) < most


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8))
def test_a_fixed_text_is_written_to_the_letter(text: str) -> None:
    assert sampler_of(f"root ::= {literal(text).expression}\n")(Random(0)) == text


@given(low=st.integers(-20_000, 20_000), size=st.integers(0, 20_000), seed=st.integers(0, 1000))
def test_whole_numbers_stay_within_their_bounds_and_reach_them(low: int, size: int, seed: int) -> None:
    high = low + size
    sentence, random = sampler_of(f"root ::= {integers(low, high).expression}\n"), Random(seed)
    written = [sentence(random) for _ in range(20)]
    assert all(low <= int(text) <= high and str(int(text)) == text for text in written)


@given(low=st.integers(-50, 50), size=st.integers(0, 60))
def test_every_whole_number_between_the_bounds_can_be_written(low: int, size: int) -> None:
    sentence, random = sampler_of(f"root ::= {integers(low, low + size).expression}\n"), Random(1)
    assert {int(sentence(random)) for _ in range(60 * (size + 5))} == set(range(low, low + size + 1))


@given(low=st.integers(-50_000, 50_000), size=st.integers(0, 50_000), seed=st.integers(0, 1000))
def test_decimals_stay_within_their_bounds(low: int, size: int, seed: int) -> None:
    high = low + size
    sentence, random = sampler_of(f"root ::= {decimals(low, high).expression}\n"), Random(seed)
    assert all(low <= round(float(sentence(random)) * 10_000) <= high for _ in range(20))


HAND_WRITTEN: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    {"type": ["integer", "null"]},
    {"properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    {"type": "object", "properties": {}, "additionalProperties": False},
    {"type": "object", "additionalProperties": True},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2},
    {"type": "array"},
    {"type": "array", "prefixItems": []},
    {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    {"oneOf": [{"const": None}, {"const": {"a": [1]}}]},
    {"allOf": [{"$ref": "#/$defs/Word"}], "$defs": {"Word": {"type": "string", "maxLength": 3}}},
    {"type": "object", "properties": {'a"<\n': {"enum": ["<b>", 1, True]}}, "required": ['a"<\n']},
]


@pytest.mark.parametrize("schema", HAND_WRITTEN, ids=json.dumps)
def test_schemas_that_people_write_give_json_too(schema: dict[str, Any]) -> None:
    sentence = sampler_of(compile_json_grammar(schema)[0])
    for seed in range(20):
        json.loads(sentence(Random(seed)))


def test_a_type_that_holds_itself_ends() -> None:
    grammar, _ = compile_json_grammar(TypeAdapter(Node).json_schema(), budget=10**9)
    assert len(grammar) < 200_000


def test_a_large_shape_gets_shorter_texts_and_lists_until_it_fits() -> None:
    shape = codec_of(list[Node]).shape
    longest = [compile_grammar(shape, budget=budget)[1] for budget in (10**9, 20_000, 5_000, 1)]
    assert longest == sorted(longest, reverse=True)
    assert longest[0] > 20_000 >= longest[1]
    assert longest[2] <= 5_000
    assert compile_grammar(codec_of(str).shape)[1] > LIMITS[0].text * 4


# Tools.


def tool(name: str, **properties: Any) -> ToolDefinition:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return ToolDefinition(function=FunctionDefinition(name=name, parameters=parameters))


ADD = tool("add", a={"type": "integer"}, b={"type": "integer"})
LOOK = tool("look", place={"enum": ["sky", "<ground>"]})
PING = ToolDefinition(function=FunctionDefinition(name="ping"))


def said(grammar: str) -> list[rg.Message]:
    sentence, random = sampler_of(grammar), Random(1)
    return [read_call(sentence(random)) for _ in range(80)]


def test_an_answer_beside_tools_is_one_call_or_text() -> None:
    messages = said(compile_grammar(None, [ADD, LOOK, PING])[0])
    assert {call.name for one in messages for call in one.tool_calls or ()} == {"add", "look", "ping"}
    assert any(one.content for one in messages)
    for one in messages:
        for call in one.tool_calls or ():
            arguments = json.loads(call.arguments)
            assert set(arguments) == {"add": {"a", "b"}, "look": {"place"}, "ping": set()}[call.name]
            assert call.name != "look" or arguments["place"] in ("sky", "<ground>")


def test_where_a_call_must_come_there_is_no_text() -> None:
    assert all(one.tool_calls for one in said(compile_grammar(None, [ADD, LOOK], must_call=True)[0]))


def test_an_answer_with_a_form_keeps_it_beside_tools() -> None:
    messages = said(compile_grammar(codec_of(int).shape, [PING])[0])
    assert {bool(one.tool_calls) for one in messages} == {True, False}
    assert all(one.tool_calls or isinstance(codec_of(int).read(one.content), int) for one in messages)


# The model.


@pytest.fixture(scope="module")
def model() -> rg.Generator:
    return get_generator("local!smollm2,slots=1,context=2048")


@pytest.mark.model
async def test_llama_cpp_reads_every_grammar(model: rg.Generator) -> None:
    tools = [ADD, LOOK, PING]
    grammars = [compile_grammar(codec_of(kind).shape)[0] for kind in TYPES]
    grammars += [compile_json_grammar(schema)[0] for schema in HAND_WRITTEN]
    grammars.append(compile_grammar(codec_of(Book).shape, tools)[0])
    for grammar in grammars:
        # A grammar that it cannot read is refused, and one token is enough to see it.
        chat = await model.chat("Hi").with_(max_tokens=1, extra={"grammar": grammar}).run()
        assert chat.stop_reason in ("stop", "length")


@pytest.mark.model
@pytest.mark.parametrize(
    "annotation",
    [
        int,
        Color,
        float | None,
        datetime,
        tuple[Literal["x", "y"], bool],
        list[int],
        set[Rank],
        dict[Literal["a", "b"], date],
        Annotated[Cat | Dog, Field(discriminator="kind")],
        Annotated[str, Field(max_length=20)],
        Reply,
        list[Answer],
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
async def test_at_any_temperature_the_model_says_a_value_and_ends(
    model: rg.Generator, annotation: Any, seed: int
) -> None:
    codec = codec_of(annotation)
    params = rg.GenerateParams(temperature=1.5, seed=seed, output=codec.shape)
    [turn] = await model.generate_messages([[rg.Message("user", f"Fill this in: {codec.example}")]], [params])
    assert isinstance(turn, rg.ModelTurn)
    assert turn.stop_reason == "stop"
    codec.read(turn.message.content)
    assert turn.usage is not None
    assert turn.usage.output_tokens <= compile_grammar(codec.shape)[1]
