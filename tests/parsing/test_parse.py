"""Values are read out of text with the place they stand in."""

from __future__ import annotations

import pytest

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.model import Answer, Model, Question, Thinking
from rigging_py.parsing import parse, parse_many, parse_set, try_parse, try_parse_many, try_parse_set


class Age(Model):
    years: int


TEXT = "<question>Why?</question> Hm. <answer>Because.</answer> <answer>So.</answer>"


def test_a_value_comes_with_its_place() -> None:
    value, place = parse(TEXT, Answer)
    assert value == Answer(content="Because.")
    assert TEXT[place] == "<answer>Because.</answer>"


def test_the_first_valid_candidate_wins() -> None:
    assert parse("<age>old</age><age>7</age><age>8</age>", Age)[0].years == 7


def test_without_a_valid_candidate_the_first_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="unable to parse string as an integer") as caught:
        parse("<age>old</age><age></age>", Age)
    assert "old" in str(caught.value)


def test_any_type_of_a_prompt_can_be_parsed() -> None:
    assert parse("<int>1,000</int>", int)[0] == 1000
    assert parse("<int>1</int><int>2</int>", list[int]) == ([1, 2], slice(0, 24))


def test_try_parse_answers_none_for_missing_and_invalid() -> None:
    assert try_parse(TEXT, Age) is None
    assert try_parse("<age>old</age>", Age) is None
    assert try_parse("<age>3</age>", Age) == (Age(years=3), slice(0, 12))


def test_try_parse_does_not_hide_a_fault_of_the_program() -> None:
    with pytest.raises(PromptDefinitionError):
        try_parse(TEXT, object)


def test_a_set_is_every_element_in_text_order() -> None:
    assert [value.content for value, _ in parse_set(TEXT, Answer)] == ["Because.", "So."]


@pytest.mark.parametrize(("minimum", "is_enough"), [(None, True), (0, True), (2, True), (3, False)])
def test_a_set_needs_its_minimum(minimum: int | None, is_enough: bool) -> None:
    if is_enough:
        assert len(parse_set(TEXT, Answer, minimum=minimum)) == 2
    else:
        with pytest.raises(MissingModelError, match="There are 2 'answer' elements in the text; at least 3"):
            parse_set(TEXT, Answer, minimum=minimum)


def test_a_set_needs_one_element_unless_told_otherwise() -> None:
    with pytest.raises(MissingModelError):
        parse_set(TEXT, Age)
    assert parse_set(TEXT, Age, minimum=0) == []


def test_a_set_with_an_invalid_element_is_invalid() -> None:
    with pytest.raises(ValueError, match="integer"):
        parse_set("<age>1</age><age>old</age>", Age)
    assert try_parse_set("<age>1</age><age>old</age>", Age) == []


def test_a_set_of_several_elements_is_refused() -> None:
    with pytest.raises(PromptDefinitionError, match="name the type of one item"):
        parse_set(TEXT, list[int])


def test_try_parse_set_answers_nothing_for_too_few_unless_told_to_fail() -> None:
    assert try_parse_set(TEXT, Answer, minimum=3) == []
    with pytest.raises(MissingModelError):
        try_parse_set(TEXT, Answer, minimum=3, fail_on_missing=True)


def test_many_types_are_given_in_the_order_of_the_text() -> None:
    assert [type(value) for value, _ in parse_many(TEXT, Answer, Question)] == [Question, Answer, Answer]


def test_many_types_fail_for_the_first_that_is_missing() -> None:
    with pytest.raises(MissingModelError, match="thinking"):
        parse_many(TEXT, Thinking, Answer, Age)


def test_a_missing_type_does_not_hide_the_present_ones() -> None:
    assert [value for value, _ in try_parse_many(TEXT, Thinking, Question)] == [Question(content="Why?")]
    assert [value for value, _ in try_parse_many(TEXT, Question, Thinking)] == [Question(content="Why?")]


def test_try_parse_many_fails_for_missing_but_not_for_invalid_when_told_to() -> None:
    with pytest.raises(MissingModelError):
        try_parse_many(TEXT, Thinking, Question, fail_on_missing=True)
    assert try_parse_many("<int>many</int>", int, fail_on_missing=True) == []


def test_errors_are_those_of_the_built_in_they_resemble() -> None:
    for wrong in ("", "<int>many</int>"):
        with pytest.raises(ValueError):
            parse(wrong, int)
    assert issubclass(UnparsedError, ValueError)
