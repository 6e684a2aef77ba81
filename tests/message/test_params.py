"""Parameters are values: refining them makes new ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rigging_py.message import FunctionDefinition, GenerateParams, ToolDefinition
from rigging_py.parsing import Element, Leaf

FLOATS = st.none() | st.floats(0, 1)
INTEGERS = st.none() | st.integers(1, 1000)
PARAMS = st.builds(
    GenerateParams,
    temperature=FLOATS,
    top_p=FLOATS,
    max_tokens=INTEGERS,
    seed=INTEGERS,
    stop=st.none() | st.lists(st.text(), max_size=3),
    extra=st.dictionaries(st.sampled_from(["a", "b"]), st.integers(), max_size=2),
)


def test_a_stop_text_is_split_at_semicolons() -> None:
    assert GenerateParams.model_validate({"stop": "a;b c;;d;"}).stop == ["a", "b c", "d"]
    assert GenerateParams(stop=["a;b"]).stop == ["a;b"]


def test_tools_may_be_json() -> None:
    definition = ToolDefinition(function=FunctionDefinition(name="look"))
    params = GenerateParams.model_validate({"tools": [definition.model_dump_json(), definition.model_dump()]})
    assert params.tools == [definition, definition]


def test_equal_parameters_have_one_hash() -> None:
    tool = ToolDefinition(function=FunctionDefinition(name="look", parameters={"type": "object"}))
    first, second = (GenerateParams(temperature=0.5, stop=["a"], extra={"b": [1]}, tools=[tool]) for _ in range(2))
    assert {first: "found"}[second] == "found"
    assert hash(first) != hash(GenerateParams(temperature=0.7))


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValidationError, match="temprature"):
        GenerateParams.model_validate({"temprature": 1})


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        GenerateParams().seed = 1


def test_later_parameters_win() -> None:
    merged = GenerateParams(temperature=0.1, seed=1).merge_with(
        GenerateParams(temperature=0.2), None, GenerateParams(temperature=0.3)
    )
    assert merged == GenerateParams(temperature=0.3, seed=1)


def test_none_clears_nothing() -> None:
    assert GenerateParams(seed=1).merge_with(GenerateParams(seed=None)) == GenerateParams(seed=1)


@given(PARAMS, PARAMS)
def test_merging_changes_neither_side(left: GenerateParams, right: GenerateParams) -> None:
    before = (left.model_dump_json(), right.model_dump_json())
    merged = left.merge_with(right)
    assert (left.model_dump_json(), right.model_dump_json()) == before
    assert {**left.given(), **right.given()} == merged.given()


def test_a_dict_is_merged_like_the_parameters_it_spells() -> None:
    assert GenerateParams(seed=1).merge_with({"stop": "a;b"}, {"seed": None}) == GenerateParams(seed=1, stop=["a", "b"])
    with pytest.raises(ValidationError, match="tempratur"):
        GenerateParams().merge_with({"tempratur": 1})


@given(PARAMS)
def test_merging_with_itself_or_nothing_changes_nothing(params: GenerateParams) -> None:
    assert params.merge_with() == params.merge_with(None, params) == params


def test_the_shape_of_the_answer_is_merged_but_never_stored() -> None:
    shape = (Element("int", Leaf({"type": "integer"})),)
    merged = GenerateParams(seed=1).merge_with(GenerateParams(output=shape))
    assert merged.output is shape
    assert merged.to_dict() == {"seed": 1}
    assert "output" not in json.loads(merged.model_dump_json())


def test_given_are_the_values_that_were_set_to_something() -> None:
    assert GenerateParams(seed=1, top_p=None, stop=[]).given() == {"seed": 1, "stop": []}


def test_extra_is_part_of_the_dict_and_wins_there() -> None:
    params = GenerateParams(temperature=0.5, seed=1, extra={"temperature": 1, "min_p": 0.1})
    assert params.to_dict() == {"temperature": 1, "seed": 1, "min_p": 0.1}
    assert GenerateParams().to_dict() == {}


@given(PARAMS)
def test_the_dict_is_safe_for_json(params: GenerateParams) -> None:
    assert json.loads(json.dumps(params.to_dict())) == params.to_dict()


def test_tools_may_be_plain_data() -> None:
    tool: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    params = GenerateParams.model_validate({"tools": [tool]})
    definition = FunctionDefinition(name="f", parameters={"type": "object"})
    assert params.tools == [ToolDefinition(function=definition)]


def test_a_clone_shares_nothing_that_can_change() -> None:
    params = GenerateParams(extra={"a": [1]})
    params.clone().extra["a"].append(2)
    assert params.extra == {"a": [1]}
