"""Plain words are read the way people write them, and text is never touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.parsing.lenient import lenient

CHOICES = {"enum": ["Red", "dark blue", 3]}


@given(st.text())
def test_text_stays_as_it_is(text: str) -> None:
    assert lenient(text, {"type": "string"}) is text


@given(st.text())
def test_text_stays_as_it_is_where_a_number_would_do_too(text: str) -> None:
    assert lenient(text, {"anyOf": [{"type": "integer"}, {"type": "string"}]}) is text


@given(st.integers())
def test_grouped_digits_are_a_number(number: int) -> None:
    assert lenient(f"{number:,}", {"type": "integer"}) == str(number)


@pytest.mark.parametrize("text", ["1,23", "12,34,567", "1,234,", ",123", "1,2345"])
def test_misplaced_commas_are_left_for_validation_to_refuse(text: str) -> None:
    assert lenient(text, {"type": "integer"}) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("Yes, it is", True), ("no.", False), ("TRUE", True), ("False!", False), ("yesterday", "yesterday"), ("1", "1")],
)
def test_a_sentence_that_begins_with_yes_or_no_is_a_boolean(text: str, value: object) -> None:
    assert lenient(text, {"type": "boolean"}) == value


@pytest.mark.parametrize(("text", "value"), [("red", "Red"), ('"Dark Blue."', "dark blue"), ("3", 3), ("pink", "pink")])
def test_a_choice_is_recognised_without_its_case_and_quotes(text: str, value: object) -> None:
    assert lenient(text, CHOICES) == value


def test_an_exact_choice_wins_over_one_of_another_case() -> None:
    assert lenient("b", {"enum": ["B", "b"]}) == "b"


def test_a_choice_is_found_behind_a_reference_beside_null() -> None:
    schema = {"anyOf": [{"$ref": "#/$defs/C"}, {"type": "null"}], "$defs": {"C": CHOICES}}
    assert lenient("RED", schema) == "Red"
