"""A model class is made of a JSON schema or of a function's parameters."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rigging_py.error import PromptDefinitionError
from rigging_py.model import Model, make_from_schema, make_from_signature

ORDER = {
    "title": "Book order",
    "description": "An order.",
    "type": "object",
    "required": ["title", "tags", "home"],
    "properties": {
        "title": {"type": "string", "description": "On the cover. --><evil>", "examples": ["A & B"]},
        "kind": {"enum": ["novel", "poem"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "authors": {"type": "array", "items": {"$ref": "#/$defs/Author"}},
        "home": {"$ref": "#/$defs/Place"},
        "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "size": {"type": ["integer", "string"]},
        "count": {"type": "integer", "minimum": 1, "default": 1},
        "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
        "always": {"const": "yes"},
    },
    "$defs": {
        "Author": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            "required": ["name"],
        },
        "Place": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    },
}
Order = make_from_schema(ORDER)


def test_a_schema_becomes_a_class_that_asks_for_its_properties() -> None:
    assert (Order.__name__, Order.__doc__) == ("BookOrder", "An order.")
    assert Order.xml_example() == (
        "<book-order>\n"
        "  <!-- On the cover. --&gt;<evil> -->\n"
        "  <title>A &amp; B</title>\n"
        "  <kind>novel|poem</kind>\n"
        "  <tags/>\n  <authors/>\n  <home/>\n  <price/>\n  <size/>\n  <count/>\n  <extra/>\n  <always>yes</always>\n"
        "</book-order>"
    )


def test_values_of_every_kind_in_a_schema_are_read_back() -> None:
    order = Order.model_validate(
        {
            "title": "<x>",
            "kind": "poem",
            "tags": ["a", "b & c"],
            "authors": [{"name": "B", "age": 3}, {"name": "C"}],
            "home": {"town": "Ely"},
            "price": 1.5,
            "size": "big",
            "extra": {"a": 1},
        }
    )
    assert Order.one_from_text(order.to_pretty_xml())[0] == order
    assert Order.one_from_text(order.to_xml())[0] == order
    assert "<authors><item><name>B</name>" in order.to_xml()
    assert "<home>Ely</home>" in order.to_xml()  # a single property inside is its text


def test_what_a_schema_does_not_require_may_be_missing() -> None:
    text = "<book-order><home>Ely</home><tags><item>a</item></tags><title>q</title></book-order>"
    read: Any = Order.one_from_text(text)[0]
    assert (read.kind, read.authors, read.price, read.count, read.extra) == (None, [], None, 1, None)


def test_the_limits_of_a_schema_are_kept() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Order.from_text("<book-order><title/><home/><tags><item>a</item></tags><count>0</count></book-order>")
    with pytest.raises(ValidationError, match="at least 1 item"):
        Order.from_text("<book-order><title/><home/></book-order>")


@pytest.mark.parametrize(
    "kinds", [{"type": "string"}, {"type": ["string", "integer"]}, {"anyOf": [{}, {"type": "integer"}]}]
)
def test_the_limits_of_another_type_do_not_count(kinds: dict[str, Any]) -> None:
    schema = {"title": "Order", "properties": {"name": {**kinds, "minimum": 5, "minLength": 2}}, "required": ["name"]}
    [order] = make_from_schema(schema).from_text("<order><name>Ann</name></order>")
    assert order[0].model_dump() == {"name": "Ann"}
    with pytest.raises(ValidationError, match="at least 2 characters"):
        make_from_schema(schema).from_text("<order><name>3</name></order>")


def test_a_single_property_may_be_the_text_of_its_model() -> None:
    schema = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert make_from_schema(schema).xml_tags() == "<schema-model></schema-model>"
    assert make_from_schema(schema, "Num").xml_example() == "<num>\n  <a/>\n</num>"
    number = make_from_schema(schema, "Num", allow_primitive=True)
    assert number.xml_example() == "<num></num>"
    assert number.one_from_text("<num>1,000</num>")[0] == number.model_validate({"a": 1000})


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "has no properties"),
    ({"type": "string"}, "has no properties"),
    ({"properties": {"a b": {}}}, "'a b' cannot be a field"),
    ({"properties": {"a><evil": {}}}, "cannot be a field"),
    ({"properties": {"to_xml": {}}}, "cannot be a field"),
    ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "leads to nothing"),
    ({"$defs": {"b": {"$ref": "#/$defs/b"}}, "properties": {"a": {"$ref": "#/$defs/b"}}}, "leads back to itself"),
    ({"properties": {"a": {"type": "array", "items": {"type": "array"}}}}, "cannot be made"),
    ({"properties": {"a": {"enum": [{}]}}}, "no choice can be made"),
    ({"$defs": [], "properties": {"a": {"$ref": "#/$defs/b"}}}, "leads to nothing"),
    ({"properties": {"a": {"anyOf": []}}}, "nothing is a value of it"),
    ({"properties": {"a": {"type": []}}}, "nothing is a value of it"),
    ({"properties": {"a": {"type": "string", "pattern": "("}}}, "cannot be made"),
    ({"properties": {"a": {"type": "integer", "minimum": "x"}}}, "cannot be made"),
    ({"properties": {"a": nested(3000)}}, "too deeply"),
]


@pytest.mark.parametrize(("schema", "says"), REFUSED)
def test_a_schema_that_text_cannot_hold_is_refused(schema: dict[str, Any], says: str) -> None:
    with pytest.raises(PromptDefinitionError, match=says):
        make_from_schema(schema)


PARTS = st.recursive(
    st.sampled_from([{"type": one} for one in ("string", "integer", "number", "boolean", "null", "array", "object")])
    | st.sampled_from([{}, {"enum": ["a", 1]}, {"const": None}, {"$ref": "#/x"}, {"type": ["string", "null"]}]),
    lambda inner: st.one_of(
        inner.map(lambda one: {"type": "array", "items": one}),
        inner.map(lambda one: {"type": "object", "additionalProperties": one}),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"anyOf": some}),
        st.dictionaries(st.sampled_from(["a", "b", "x y"]), inner, max_size=2).map(lambda some: {"properties": some}),
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), PARTS, max_size=3))
def test_any_schema_becomes_a_class_or_is_refused(properties: dict[str, Any]) -> None:
    try:
        made = make_from_schema({"properties": properties})
    except PromptDefinitionError:
        return
    assert made.xml_example().startswith("<schema-model>")


class Author(Model):
    name: str


def write(
    count: int,
    title: Annotated[str, "What it is called."] = "x",
    tags: list[str] = [],  # noqa: B006 — the parameters are looked at and no more
    authors: list[Author] = [],  # noqa: B006
    editor: Author | None = None,
    note: str | None = None,
    kind: Literal["novel", "poem"] = "novel",
) -> None: ...


def signature_of(function: Callable[..., object]) -> inspect.Signature:
    return inspect.signature(function, eval_str=True)


def test_parameters_become_a_class_that_asks_for_the_arguments() -> None:
    made = make_from_signature(signature_of(write), "write_book")
    assert made.__name__ == "WriteBook"
    assert made.xml_example() == (
        "<write-book>\n  <count/>\n  <!-- What it is called. -->\n  <title/>\n  <tags/>\n  <authors/>\n  <editor/>\n"
        "  <note/>\n  <kind>novel|poem</kind>\n</write-book>"
    )
    given_ones = made.model_validate({"count": 1, "tags": ["a"], "authors": [Author(name="B")]})
    assert "<tags><item>a</item></tags><authors><author>B</author></authors>" in given_ones.to_xml()
    assert made.one_from_text(given_ones.to_pretty_xml())[0] == given_ones
    assert make_from_signature(signature_of(write)).xml_tags() == "<signature-model></signature-model>"


def test_a_parameter_without_an_annotation_is_text() -> None:
    bare = inspect.Parameter("note", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
    made = make_from_signature(inspect.Signature([bare]), "Bare")
    assert made.one_from_text("<bare><note>a</note></bare>")[0] == made.model_validate({"note": "a"})
    assert made.one_from_text("<bare><note/></bare>")[0] == made.model_validate({})


@dataclasses.dataclass
class Plain:
    a: int


class Other(BaseModel):
    a: int


def any_number(*values: int) -> None: ...
def by_any_name(**values: int) -> None: ...
def plain(values: list[Plain]) -> None: ...
def other(value: Other | None) -> None: ...


@pytest.mark.parametrize(
    ("function", "says"),
    [(any_number, "any number"), (by_any_name, "any number"), (plain, "no Model"), (other, "no Model")],
)
def test_a_parameter_that_text_cannot_hold_is_refused(function: Callable[..., object], says: str) -> None:
    with pytest.raises(PromptDefinitionError, match=says):
        make_from_signature(signature_of(function))
