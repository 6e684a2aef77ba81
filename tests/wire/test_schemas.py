"""What becomes of a schema on its way to each provider, by examples."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from rigging_py.wire.schemas import (
    ANTHROPIC,
    GEMINI,
    LLAMA_CPP,
    OPENAI,
    PLAIN,
    Change,
    Dialect,
    RewrittenSchema,
    openai_dialect,
    rewritten,
)

HARDLY: list[dict[str, Any]] = [
    {"type": "object", "properties": 5, "required": "a"},
    {
        "type": "object",
        "properties": {"a": {"type": 5, "enum": 5}, "b": {"anyOf": 5}, "c": {"items": 5, "type": "array"}},
    },
    {"type": "object", "properties": {"a": {"$ref": 5}, "b": {"allOf": 5}, "c": {"enum": []}, "d": {"type": []}}},
    {"$ref": "#"},
    {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
    {"allOf": [{"$ref": "#"}]},
    {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}},
    },
    {"type": "object", "properties": {"a": float("nan")}},
    {"type": ["object", "null"], "format": ["x"], "pattern": {}, "minItems": "x", "enum": [{}, []]},
]


class Town(BaseModel):
    name: Annotated[str, Field(min_length=2, description="In its own language.")]
    people: Annotated[int, Field(ge=0)] = 0
    mayor: str | None = None


class Tree(BaseModel):
    name: str
    branches: list[Tree]


class Vine(BaseModel):
    name: str
    next: Vine | None = None


def sent(kind: type[BaseModel], dialect: Dialect) -> RewrittenSchema:
    return rewritten(kind.model_json_schema(), dialect)


def document(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def shown(schema: RewrittenSchema) -> Any:
    return schema.schema


def kept(schema: RewrittenSchema) -> dict[str, str]:
    return {change.path: change.kept for change in schema.changes}


def test_in_strict_mode_every_member_is_required_and_null_says_that_one_is_missing() -> None:
    schema = sent(Town, OPENAI)
    assert schema.is_strict
    assert schema.schema == {
        "title": "Town",
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "description": "In its own language. (minLength: 2)"},
            "people": {
                "anyOf": [
                    {"type": "integer", "title": "People", "minimum": 0, "description": "(default: 0)"},
                    {"type": "null"},
                ]
            },
            "mayor": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "Mayor"},
        },
        "required": ["name", "people", "mayor"],
        "additionalProperties": False,
    }
    assert schema.restore({"name": "Oslo", "people": None, "mayor": None}) == {"name": "Oslo", "mayor": None}


def test_every_change_is_told_with_its_place_and_what_becomes_of_what_was_meant() -> None:
    schema = sent(Town, OPENAI)
    assert Change("/properties/name", "drops minLength", "openai does not take it", "checked") in schema.changes
    assert kept(schema)["/properties/people"] == "restored"
    assert kept(schema)["/properties/mayor"] == "said"
    assert "/properties/name: drops minLength (openai does not take it); checked when the answer is here" in str(schema)


def test_a_schema_goes_as_it_is_to_servers_of_which_nothing_is_known() -> None:
    given = Town.model_json_schema()
    schema = rewritten(given, PLAIN)
    assert schema.schema is given
    assert (schema.is_strict, schema.changes, str(schema)) == (False, (), "Nothing is rewritten.")
    assert schema.restore(value := {"name": None}) is value


def test_a_schema_is_worked_out_once() -> None:
    one, same = Town.model_json_schema(), Town.model_json_schema()
    assert rewritten(one, OPENAI) is rewritten(one, OPENAI)
    assert rewritten(one, OPENAI) is rewritten(same, OPENAI)


def test_a_map_travels_as_pairs_and_a_tuple_as_an_object() -> None:
    class Both(BaseModel):
        ages: dict[str, int]
        place: tuple[float, str]

    schema = sent(Both, OPENAI)
    assert schema.is_strict
    pair = document(key={"type": "string"}, value={"type": "integer"})
    assert shown(schema)["properties"] == {
        "ages": {"type": "array", "items": pair, "title": "Ages"},
        "place": {**document(item_0={"type": "number"}, item_1={"type": "string"}), "title": "Place"},
    }
    given = {"ages": [{"key": "Ann", "value": 7}], "place": {"item_0": 1.5, "item_1": "N"}}
    assert schema.restore(given) == {"ages": {"Ann": 7}, "place": [1.5, "N"]}


def test_a_key_that_is_given_twice_is_left_for_the_check_to_refuse() -> None:
    schema = rewritten(document(ages={"type": "object", "additionalProperties": {"type": "integer"}}), OPENAI)
    given = {"ages": [{"key": "Ann", "value": 7}, {"key": "Ann", "value": 8}]}
    assert schema.restore(given) == given


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ({}, "it says nothing of its type"),
        (True, "it says nothing of its type"),
        ({"type": "object"}, "it says nothing of its members"),
        ({"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": True}, "free ones"),
        ({"type": "array"}, "it says nothing of its type"),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "null"}}, "its length is free"),
        ({"$ref": "https://example.com/schema.json"}, "which is not in the schema"),
        (
            {
                "anyOf": [
                    {"type": "object", "additionalProperties": {"type": "null"}},
                    {"type": "array", "items": {"type": "null"}},
                ]
            },
            "could not be told apart",
        ),
        ({"allOf": [document(a={"type": "null"}), document(b={"type": "null"})]}, "cannot be made one"),
        (
            {"type": "object", "properties": {}, "anyOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}]},
            "its alternatives name members of their own",
        ),
    ],
)
def test_what_strict_mode_cannot_say_is_told_and_goes_unenforced(part: Any, why: str) -> None:
    given = document(part=part)
    schema = rewritten(given, OPENAI)
    assert (schema.is_strict, schema.schema, schema.restores) == (False, given, False)
    [change] = schema.changes
    assert (change.path.startswith("/properties/part"), change.kept) == (True, "unenforced")
    assert why in str(change)


def test_where_a_schema_cannot_go_as_it_is_what_cannot_be_said_travels_as_a_json_text() -> None:
    schema = rewritten(document(part={"description": "Whatever."}), ANTHROPIC)
    text = {"type": "string", "description": "Whatever. (The value as a JSON text.)"}
    assert schema.schema == document(part=text)
    assert schema.restore({"part": '{"a": [1, null]}'}) == {"part": {"a": [1, None]}}
    assert schema.restore({"part": "no JSON"}) == {"part": "no JSON"}


def test_null_that_means_something_cannot_stand_for_a_missing_member() -> None:
    given: dict[str, Any] = {**document(a={"type": ["string", "null"]}), "required": []}
    schema = rewritten(given, OPENAI)
    assert not schema.is_strict
    assert "null means something there" in str(schema)


def test_the_tag_of_a_class_is_always_there_though_it_has_a_default() -> None:
    class Cat(BaseModel):
        kind: Literal["cat"] = "cat"

    class Dog(BaseModel):
        kind: Literal["dog"] = "dog"
        tricks: dict[str, int] = {}

    class Pet(BaseModel):
        pet: Cat | Dog

    schema = sent(Pet, OPENAI)
    assert shown(schema)["$defs"]["Cat"]["required"] == ["kind"]
    assert schema.restore({"pet": {"kind": "dog", "tricks": None}}) == {"pet": {"kind": "dog"}}


def test_one_of_several_is_turned_back_as_the_one_that_it_fits() -> None:
    few = document(a={"type": "object", "additionalProperties": {"type": "integer"}})
    many = document(a={"type": "array", "items": {"type": "integer"}}, b={"type": "null"})
    schema = rewritten(document(part={"oneOf": [few, many]}), OPENAI)
    assert schema.is_strict
    assert schema.restore({"part": {"a": []}}) == {"part": {"a": {}}}
    assert schema.restore({"part": {"a": [], "b": None}}) == {"part": {"a": [], "b": None}}


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC, GEMINI, LLAMA_CPP], ids=lambda one: one.name)
def test_patterns_that_no_grammar_has_are_checked_here(dialect: Dialect) -> None:
    schema = rewritten(document(a={"type": "string", "pattern": "^(?=x).*$"}), dialect)
    assert "pattern" not in shown(schema)["properties"]["a"]
    assert kept(schema)["/properties/a"] == "checked"


def test_a_definition_may_hold_itself_where_the_provider_says_so() -> None:
    assert shown(sent(Tree, OPENAI))["$defs"]["Tree"]["properties"]["branches"]["items"] == {"$ref": "#/$defs/Tree"}
    # Gemini lets it in members that may be missing, Anthropic nowhere.
    assert shown(sent(Vine, GEMINI))["$defs"]["Vine"]["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Vine"}
    said = "The value as a JSON text of an object with name, branches."
    text = {"title": "Tree", "type": "string", "description": said}
    for dialect in (GEMINI, ANTHROPIC):
        schema = sent(Tree, dialect)
        assert "it holds itself" in str(schema)
        assert text in [one["properties"]["branches"]["items"] for one in shown(schema)["$defs"].values()]
        leaf = '{"name": "leaf", "branches": []}'
        bough = {"name": "bough", "branches": [leaf]}
        assert schema.restore({"name": "x", "branches": [bough]})["branches"][0]["branches"][0]["name"] == "leaf"


def test_a_root_that_is_no_object_is_put_into_one() -> None:
    schema = rewritten({"type": "object", "additionalProperties": {"type": "integer"}}, ANTHROPIC)
    assert shown(schema)["required"] == ["result"]
    assert schema.restore({"result": [{"key": "a", "value": 1}]}) == {"a": 1}


def test_alternatives_that_only_say_what_is_required_are_checked_here() -> None:
    members = {"a": {"type": "null"}, "b": {"type": "null"}}
    given = {"type": "object", "properties": members, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    schema = rewritten(given, ANTHROPIC)
    assert schema.schema == {**document(**members), "required": []}
    assert Change("", "drops anyOf", "anthropic does not take it", "checked") in schema.changes


def test_parts_that_a_value_must_all_be_of_are_made_one() -> None:
    part = {"allOf": [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "null"}}, "required": ["b"]}]}
    definition = {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]}
    schema = rewritten({**document(part=part), "$defs": {"A": definition}}, OPENAI)
    assert shown(schema)["properties"]["part"] == document(a={"type": "null"}, b={"type": "null"})


def test_what_stands_beside_a_reference_goes_along_with_what_it_names() -> None:
    home = {"$ref": "#/definitions/Home", "description": "Where?"}
    given = {**document(home=home), "definitions": {"Home": document(street={"type": "string"})}}
    schema = rewritten(given, OPENAI)
    assert shown(schema)["properties"]["home"] == {**document(street={"type": "string"}), "description": "Where?"}


def test_a_schema_may_refer_to_itself() -> None:
    schema = rewritten({**document(next={"$ref": "#"}), "required": []}, OPENAI)
    assert shown(schema)["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/self"}
    assert schema.restore({"next": {"next": None}}) == {"next": {}}


@pytest.mark.parametrize(
    "given",
    [
        document(**{f"m{index}": {"type": "null"} for index in range(5_001)}),
        document(a={"type": "string", "enum": [str(index) for index in range(1_001)]}),
        document(a={"type": "string", "enum": [f"{index:0>60}" for index in range(251)]}),
        document(a={"type": "string", "enum": ["x" * 120_001]}),
    ],
    ids=["members", "choices", "one long list", "characters"],
)
def test_a_schema_over_the_limits_of_strict_mode_goes_unenforced(given: dict[str, Any]) -> None:
    schema = rewritten(given, OPENAI)
    assert (schema.is_strict, schema.schema) == (False, given)
    assert "are the most" in str(schema)


def test_objects_in_objects_go_ten_levels_deep() -> None:
    part: dict[str, Any] = {"type": "null"}
    for _ in range(10):
        part = document(a=part)
    assert rewritten(part, OPENAI).is_strict
    assert not rewritten(document(a=part), OPENAI).is_strict


def test_references_to_references_cost_no_more_than_they_are_long() -> None:
    # Written out, there would be a million times a million parts.
    definitions: dict[str, Any] = {"d40": {"type": "null"}}
    for index in range(40):
        twice = {"$ref": f"#/$defs/d{index + 1}", "description": "x"}
        definitions[f"d{index}"] = document(a=twice, b=twice)
    for dialect in (OPENAI, ANTHROPIC, GEMINI, LLAMA_CPP):
        assert len(str(rewritten({**document(a={"$ref": "#/$defs/d0"}), "$defs": definitions}, dialect).schema)) < 10**8


@pytest.mark.parametrize("dialect", [OPENAI, ANTHROPIC, GEMINI, LLAMA_CPP], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "given",
    HARDLY,
    ids=range(9),
)
def test_what_is_hardly_a_schema_is_sent_in_some_way(dialect: Dialect, given: dict[str, Any]) -> None:
    schema = rewritten(given, dialect)
    assert isinstance(schema.schema, dict)
    assert schema.restore({"result": "null"}) in (None, "null", {"result": "null"})


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ('{"a": null, "n": 1.50}', '{"n": 1.50}'),
        ('{"a": null, "n": 12345678901234567890.123456789}', '{"n": 12345678901234567890.123456789}'),
        ('{"a": "Grüß \\ud800", "n": 1e400}', '{"a": "Grüß \\ud800", "n": 1e400}'),
        ('{"a": null, "n"', '{"a": null, "n"'),
        ('{"a": null, "n": NaN}', '{"a": null, "n": NaN}'),
        ("No.", "No."),
        ("[" * 100_000, "[" * 100_000),
    ],
    ids=range(7),
)
def test_a_text_is_turned_back_without_a_digit_being_lost(text: str, back: str) -> None:
    schema = rewritten({**document(a={"type": "string"}, n={"type": "number"}), "required": ["n"]}, OPENAI)
    assert schema.restore_text(text) == back


@pytest.mark.parametrize(
    ("url", "strict", "dialect"),
    [
        ("https://api.openai.com/v1", None, OPENAI),
        ("https://eu.api.openai.com/v1", None, OPENAI),
        ("https://mine.openai.azure.com/openai/v1", None, OPENAI),
        ("https://openrouter.ai/api/v1", None, PLAIN),
        ("https://api.openai.com.evil.example/v1", None, PLAIN),
        ("https://notapi.openai.com.example/v1", None, PLAIN),
        ("http://[::1", None, PLAIN),
        ("https://api.openai.com/v1", False, PLAIN),
        ("http://localhost:8000/v1", True, OPENAI),
    ],
)
def test_openai_and_azure_are_asked_to_be_strict_and_others_when_told(
    url: str, strict: bool | None, dialect: Dialect
) -> None:
    assert openai_dialect(url, strict) is dialect
