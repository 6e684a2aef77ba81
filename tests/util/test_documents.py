"""JSON is found in free text, in linear time; references in JSON are followed, and nothing is fetched."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.util import deref_json, extract_json_objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=4))
def test_every_object_in_a_text_is_found_with_its_place(objects: list[dict[str, Any]]) -> None:
    text = "I say: " + " and {so} on ".join(json.dumps(one) for one in objects) + " {"
    found = extract_json_objects(text)
    assert [value for value, _ in found] == objects
    assert [json.loads(text[place]) for _, place in found] == objects


def test_what_stands_in_a_broken_object_is_found_and_what_stands_in_a_whole_one_is_part_of_it() -> None:
    assert extract_json_objects('{"a": [{"b": 1}, {"c": 2') == [({"b": 1}, slice(7, 15))]
    assert extract_json_objects('{"a": {"b": 1}}') == [({"a": {"b": 1}}, slice(0, 15))]


def test_a_large_object_is_found() -> None:
    large = {"a": "x" * 100_000, "b": [{"c": number} for number in range(5000)]}
    assert extract_json_objects(f"so {json.dumps(large)} {{}}")[0][0] == large


@pytest.mark.parametrize(
    "piece",
    ["{", '{"', '{"a":', '{"a":[{},', '{"a":"', '{"a":[1,', '{":{":', "{  ", '{"\\"', '{"a":1,', '{"a":-'],
)
def test_a_megabyte_of_hostile_text_is_read_in_seconds(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    start = time.process_time()
    extract_json_objects(text)
    # What is not linear takes minutes; on an idle machine none of these takes a second.
    assert time.process_time() - start < 10


SCHEMA = {
    "type": "object",
    "properties": {"home": {"$ref": "#/$defs/Place", "description": "Where."}, "away": {"$ref": "#/$defs/Place"}},
    "$defs": {"Place": {"type": "object", "properties": {"city": {"$ref": "#/$defs/Na~1me"}}}, "Na/me": {"type": "s"}},
}


def test_references_are_replaced_by_what_they_point_to() -> None:
    place = {"type": "object", "properties": {"city": {"type": "s"}}}
    plain = deref_json(SCHEMA, is_json_schema=True)
    assert plain == {"type": "object", "properties": {"home": {**place, "description": "Where."}, "away": place}}
    assert deref_json(SCHEMA)["$defs"]["Place"] == place
    assert SCHEMA["properties"] != plain["properties"]


def test_a_reference_that_leads_in_a_circle_stays_with_its_definition() -> None:
    tree = {"$ref": "#/$defs/Tree", "$defs": {"Tree": {"properties": {"child": {"$ref": "#/$defs/Tree"}}}}}
    plain = deref_json(tree, is_json_schema=True)
    assert plain["properties"] == {"child": {"$ref": "#/$defs/Tree"}}
    assert "Tree" in plain["$defs"]
    json.dumps(plain)


@pytest.mark.parametrize("reference", ["#/nowhere", "https://example.com/a.json", "#/list/9", 3])
def test_a_reference_to_nothing_here_stays(reference: object) -> None:
    document = {"a": {"$ref": reference}, "list": [1, {"$ref": "#/list/0"}]}
    assert deref_json(document) == {"a": {"$ref": reference}, "list": [1, 1]}
