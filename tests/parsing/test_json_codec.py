"""A JSON codec asks for one object of a schema and finds it in whatever a model writes around it."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]
from pydantic import BaseModel, Field
from pydantic_core import to_json

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.model import Model, attr
from rigging_py.parsing import JsonShape, json_codec_of, json_codec_of_schema


class Town(Model):
    name: str = attr()
    people: int = Field(ge=0)


class Node(BaseModel):
    title: str
    children: list[Node] = []


@dataclasses.dataclass
class Trip:
    where: Annotated[str, Field(min_length=1)]
    town: Town


NODES = st.recursive(
    st.builds(Node, title=st.text(), children=st.just([])),
    lambda inner: st.builds(Node, title=st.text(), children=st.lists(inner, max_size=2)),
    max_leaves=4,
)
TOWNS = st.builds(Town, name=st.text(), people=st.integers(0))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
VALUES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (int, st.integers()),
    (str, st.text()),
    (bool | None, st.none() | st.booleans()),
    (Literal["a", "b"], st.sampled_from(["a", "b"])),
    (list[Town], st.lists(TOWNS, max_size=3)),
    (tuple[int, str], st.tuples(st.integers(), st.text())),
    (dict[str, int], st.dictionaries(st.text(), st.integers())),
    (Town, TOWNS),
    (Node, NODES),
    (Trip, st.builds(Trip, where=st.text(min_size=1), town=TOWNS)),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=[str(kind) for kind, _ in VALUES])
def test_a_value_written_as_asked_is_read_back_whatever_surrounds_it(kind: Any, values: st.SearchStrategy[Any]) -> None:
    codec = json_codec_of(kind)

    @given(values, st.sampled_from(["@", "Sure: @!", "```json\n@\n```", "Use {braces}:\n@", '{"a" @']))
    def law(value: object, around: str) -> None:
        document = to_json({"result": value} if codec.is_wrapped else value).decode()
        validator: Any = Draft202012Validator(codec.schema)
        validator.validate(json.loads(document))
        assert codec.read(around.replace("@", document)) == value

    law()


@given(st.text(alphabet='{}[]":,a1 \\'))
def test_whatever_stands_in_a_text_reading_raises_only_that_it_is_not_there(text: str) -> None:
    with pytest.raises((MissingModelError, UnparsedError)):
        json_codec_of(Trip).read(text)


@given(st.dictionaries(st.text(), PLAIN))
def test_data_of_a_schema_is_read_back_as_it_was(data: dict[str, object]) -> None:
    assert json_codec_of_schema({"type": "object"}).read(f"Here: {to_json(data).decode()}.") == data


@pytest.mark.parametrize("kind", [kind for kind, _ in VALUES], ids=str)
def test_the_schema_is_that_of_an_object_and_has_no_made_up_titles(kind: Any) -> None:
    codec = json_codec_of(kind)
    Draft202012Validator.check_schema(codec.schema)
    assert codec.schema["type"] == "object"
    assert "'title': '" not in str(codec.schema)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", codec.name)
    assert codec.shape == JsonShape(codec.name, codec.schema)


def test_a_property_called_title_stays_and_a_class_may_hold_itself() -> None:
    schema: Any = json_codec_of(Node).schema
    assert schema["properties"]["title"] == {"type": "string"}
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert "Node" in schema["$defs"]


def test_a_type_that_is_no_object_is_wrapped_and_may_be_answered_bare() -> None:
    codec = json_codec_of(list[int])
    assert codec.schema["required"] == ["result"]
    assert codec.read('{"result": [1, 2]}') == codec.read("[1, 2]") == codec.read("```json\n[1, 2]\n```") == [1, 2]


def test_the_first_valid_object_is_the_value() -> None:
    assert json_codec_of(Trip | Node).name == "Trip_Node"
    assert json_codec_of(Node).read('{"titel": "a"} {"title": "b"} {"title": "c"}') == Node(title="b")


def test_words_ask_for_it() -> None:
    codec = json_codec_of(Node)
    assert '"children"' in codec.instruction
    assert "JSON" in codec.instruction
    assert codec.example.startswith('{"title": string')


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("None.", MissingModelError, "no complete JSON object"),
        ('{"where": "a", "town"', MissingModelError, "'Trip'"),
        ('{"where": "a",}', UnparsedError, "not JSON"),
        (
            '{"where": "", "town": {"name": "b", "people": -1}}',
            UnparsedError,
            "key 'where': .*key 'town.people': ",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        json_codec_of(Trip).read(text)


SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"$ref": "#/$defs/name"}}},
    "required": ["names"],
    "$defs": {"name": {"type": "string"}},
}


def test_data_that_is_not_of_its_schema_is_told_by_path() -> None:
    codec = json_codec_of_schema(SCHEMA, name="the names!")
    assert codec.name == "the_names"
    with pytest.raises(UnparsedError, match=r"at the key 'names\.1': 2 is not of type 'string'"):
        codec.read('{"names": ["a", 2]}')


def test_a_schema_that_is_no_object_is_wrapped_with_its_definitions() -> None:
    codec = json_codec_of_schema({"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}})
    assert codec.read('{"result": [1]}') == codec.read("[1]") == [1]
    with pytest.raises(UnparsedError, match=r"result\.0"):
        codec.read('{"result": ["a"]}')


def test_what_is_no_schema_is_refused_and_nothing_is_fetched() -> None:
    with pytest.raises(PromptDefinitionError, match="no JSON schema"):
        json_codec_of_schema({"type": "objekt"})
    codec = json_codec_of_schema({"type": "object", "properties": {"a": {"$ref": "http://localhost/other.json"}}})
    with pytest.raises(PromptDefinitionError, match="does not hold"):
        codec.read('{"a": 1}')


def test_what_is_wrong_with_json_is_said_without_talk_of_elements() -> None:
    with pytest.raises(UnparsedError) as caught:
        json_codec_of(int).read('{"value": 5}')
    assert str(caught.value) == (
        """The JSON {"value": 5} is not what was asked for: at the key 'result': Field required"""
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("kind", [Any, None, object, type(lambda: 0), {"type": "object"}])
def test_a_type_that_json_cannot_hold_is_refused(kind: object) -> None:
    with pytest.raises(PromptDefinitionError):
        json_codec_of(kind)


def test_a_codec_is_built_once() -> None:
    assert json_codec_of(list[Town]) is json_codec_of(list[Town])
