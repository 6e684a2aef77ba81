"""Policies stand around generators in connection strings, and bars between them, and all of it is written back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError
from rigging_py.generator import Fallback, Limit, Policy, Retry
from rigging_py.generator.lite import LiteLLMGenerator
from rigging_py.generator.openai import OpenAIGenerator

ODD = ["a|b", "a|openai!b", "retry(openai!a)", ")", "(", "|", "a,b", '"', "%28", "<|im_end|>", " a ", ":)|local!x"]
texts = st.text(max_size=8) | st.sampled_from(ODD)
params = st.builds(
    rg.GenerateParams,
    temperature=st.none() | st.floats(0, 2),
    max_tokens=st.none() | st.integers(1, 99),
    stop=st.none() | st.lists(texts, max_size=2),
)
models = texts.filter(bool)
leaves: st.SearchStrategy[rg.Generator] = st.builds(OpenAIGenerator, model=models, params=params) | st.builds(
    LiteLLMGenerator, model=models, params=params
)
kinds = ("RateLimited", "ServerFault", "TimedOut")


def options(**known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=known)


def retry_of(inner: rg.Generator, params: rg.GenerateParams, given: dict[str, Any]) -> rg.Generator:
    return Retry(inner=inner, params=params, **given)


def limit_of(inner: rg.Generator, params: rg.GenerateParams, given: dict[str, Any]) -> rg.Generator:
    return Limit(inner=inner, params=params, **given)


def fallback_of(inners: list[rg.Generator], params: rg.GenerateParams, given: dict[str, Any]) -> rg.Generator:
    return Fallback(inner=inners[0], others=tuple(inners[1:]), params=params, **given)


def policies(inner: st.SearchStrategy[rg.Generator]) -> st.SearchStrategy[rg.Generator]:
    several = st.lists(inner, min_size=1, max_size=4)
    retrying = options(attempts=st.integers(1, 9), first=st.floats(0, 9), unknown=st.booleans())
    limiting = options(rpm=st.integers(1, 99), adaptive=st.booleans())
    falling = options(on=st.lists(st.sampled_from(kinds), max_size=3).map(tuple))
    return (
        st.builds(retry_of, inner, params, retrying)
        | st.builds(limit_of, inner, params, limiting)
        | st.builds(fallback_of, several, params, falling)
    )


compositions = st.recursive(leaves, policies, max_leaves=8)


def same(one: rg.Generator, other: rg.Generator) -> bool:
    """Whether they are of one class, with the same fields, and so are those in them."""
    fields = [name for name in type(one).model_fields if name not in ("inner", "others", "clock", "random", "params")]
    alike = type(one) is type(other) and all(getattr(one, name) == getattr(other, name) for name in fields)
    if not alike or one.params.to_dict() != other.params.to_dict():
        return False
    if isinstance(one, Policy) and isinstance(other, Policy):
        return len(one.inners) == len(other.inners) and all(map(same, one.inners, other.inners))
    return True


@given(compositions)
def test_every_composition_round_trips(generator: rg.Generator) -> None:
    identifier = generator.to_identifier()
    again = rg.get_generator(identifier)
    assert same(generator, again)
    assert again.to_identifier() == identifier


@given(compositions)
def test_the_short_form_is_one_too_with_the_same_models_and_no_options(generator: rg.Generator) -> None:
    short = generator.to_identifier(short=True)
    again = rg.get_generator(short)
    assert again.model == generator.model
    assert again.to_identifier() == short


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("retry(openai!a)", None),
        ("retry(openai!a,temperature=0.5),attempts=5", None),
        ("retry(limit(openai!a),rpm=60)", None),
        ("retry(limit(openai!a),rpm=60),attempts=5,max_tokens=9", None),
        ("openai!a|openai!b", None),
        ("openai!a,max_tokens=1|openai!b,max_tokens=2", None),
        ("retry(openai!a|openai!b),attempts=3|openai!c", None),
        ("retry(openai!a)|limit(openai!b)", None),
        ("fallback(openai!a|openai!b),on=RateLimited;NotFound", None),
        ("fallback(openai!a)", None),
        ("fallback(fallback(openai!a|openai!b)|openai!c)", "fallback(openai!a|openai!b)|openai!c"),
        (
            " retry ( openai!a , max_tokens=1 ) , attempts = 5 | openai!b ",
            "retry(openai!a,max_tokens=1),attempts=5|openai!b",
        ),
        ("retry(gpt-4o)", None),
        ("gpt-4o|gpt-5", "litellm!gpt-4o|litellm!gpt-5"),
        ("openai!a,stop=<|im_end|>", None),
        ("openai!a,stop=<|im_end|>|openai!b", None),
        ("openai!a,stop=yes|no!", "openai!a,stop=yes|no%21"),
        ('openai!a,stop="x|openai!y"', "openai!a,stop=x|openai%21y"),
        ("openai!a,stop=x%7Copenai!y", "openai!a,stop=x|openai%21y"),
        ("retry(openai!a,stop=(yes)),attempts=2", "retry(openai!a,stop=%28yes%29),attempts=2"),
        ('retry(openai!a,stop=")"),attempts=2', "retry(openai!a,stop=%29),attempts=2"),
        ("openai!a,stop=:)", "openai!a,stop=:%29"),
        ("local!models/a(1).gguf", "local!models/a%281%29.gguf"),
    ],
)
def test_what_is_given_is_written_back(given: str, written: str | None) -> None:
    assert rg.get_generator(given).to_identifier() == (written or given)


def test_options_behind_the_parenthesis_are_the_policys_and_go_over_those_inside() -> None:
    retrying = rg.get_generator("retry(openai!a,temperature=1,max_tokens=5),attempts=7,temperature=0")
    assert isinstance(retrying, Retry)
    assert (retrying.attempts, retrying.params.temperature) == (7, 0)
    assert (retrying.inner.params.temperature, retrying.inner.params.max_tokens) == (1, 5)


def test_several_in_one_policy_are_alternatives() -> None:
    retrying = rg.get_generator("retry(openai!a|openai!b,max_tokens=3),attempts=2")
    assert isinstance(retrying, Retry)
    assert isinstance(retrying.inner, Fallback)
    assert [one.model for one in retrying.inner.inners] == ["a", "b"]
    assert [one.params.max_tokens for one in retrying.inner.inners] == [None, 3]


def test_parameters_that_are_given_besides_go_over_those_of_the_whole() -> None:
    either = rg.get_generator("openai!a,temperature=1|openai!b", params=rg.GenerateParams(temperature=0))
    assert either.to_identifier() == "fallback(openai!a,temperature=1.0|openai!b),temperature=0.0"


@pytest.mark.parametrize(
    "text",
    [
        "retry(openai!a,api_key=sk-12345678),attempts=2",
        "openai!a,api_key=sk-12345678|openai!b,api_key=sk-12345678",
        'fallback(openai!b|retry(openai!a,api_key="sk-12345678"))',
    ],
)
def test_keys_are_in_no_identifier_nor_in_what_is_shown(text: str) -> None:
    generator = rg.get_generator(text)
    for shown in [generator.to_identifier(), generator.to_identifier(short=True), repr(generator)]:
        assert "12345678" not in shown
    assert rg.get_generator(generator.to_identifier()).to_identifier() == generator.to_identifier()


def test_the_variable_of_a_key_is() -> None:
    assert (
        rg.get_generator("retry(openai!a,api_key=env:MY_KEY)").to_identifier() == "retry(openai!a,api_key=env:MY_KEY)"
    )


@pytest.mark.parametrize(
    ("text", "piece", "problem"),
    [
        ("retry(openai!a", "retry(", "not closed"),
        ("retry(openai!a,stop=:()", "retry(", "not closed"),
        ("retry(limit(openai!a)", "retry(", "not closed"),
        ("retry(openai!a)b", "retry(…)", "only be a comma"),
        ("retry(openai!a))", "retry(…)", "only be a comma"),
        ("retry()", "", "the name of the model is missing"),
        ("openai!a|", "", "the name of the model is missing"),
        ("|openai!a", "", "the name of the model is missing"),
        ("retry(nobody!a)", "nobody", "no provider 'nobody'"),
        ("retri(openai!a)", "retri", "no policy 'retri' .* Did you mean 'retry'"),
        ("OpenAI!a", "OpenAI", "Did you mean 'openai'"),
        ("openai!a,temprature=1", "temprature", "Did you mean 'temperature'"),
        ("retry(openai!a,attempts=2)", "attempts", "no option of OpenAIGenerator"),
        ("retry(openai!a),rpm=2", "rpm", "no option of Retry"),
        ("retry(openai!a),clock=2", "clock", "no option of Retry"),
        ("retry(openai!a),inner=2", "inner", "no option of Retry"),
        ("retry(openai!a),api_key=***", "api_key", "no option of Retry"),
        ("retry(openai!a),attempts=0", "attempts=0", "greater than or equal to 1"),
        ("retry(openai!a),attempts", "attempts", "not of the form key=value"),
        ("retry(openai!a),", "", "nothing after a comma"),
        ("fallback(openai!a),on=Rain", "on=Rain", "is not valid"),
        ("openai!a,temperature=1|opnai!b", "temperature=1|opnai!b", "is not valid"),
        ("retry!a", "retry!", r"retry\(…\)"),
        ("retry(" * 21 + "openai!a" + ")" * 21, "retry(", "more than 20 policies"),
    ],
)
def test_the_piece_that_is_wrong_is_named(text: str, piece: str, problem: str) -> None:
    with pytest.raises(InvalidGeneratorError, match=problem) as caught:
        rg.get_generator(text)
    assert caught.value.piece == piece


@pytest.mark.parametrize(
    "text",
    [
        "retry(openai!a,api_key=sk-hush)hush),attempts=2",
        "retry(openai!a,api_key=hush),attempts=0",
        "openai!a,api_key=hush|nobody!b|retry(openai!c",
        'retry(openai!a,api_key="hush),attempts=2',
        "retry(openai!a,temperature=warm,api_key=hush)",
    ],
)
def test_no_error_shows_a_key(text: str) -> None:
    with pytest.raises(InvalidGeneratorError) as caught:
        rg.get_generator(text)
    assert "hush" not in f"{caught.value} {caught.value.identifier} {caught.value.piece}"


@given(st.text("retry(openai!a|),=\"%'x ", max_size=40))
def test_any_text_is_a_generator_or_the_error_of_one(text: str) -> None:
    try:
        generator = rg.get_generator(text)
    except InvalidGeneratorError:
        return
    assert rg.get_generator(generator.to_identifier()).to_identifier() == generator.to_identifier()


def test_a_policy_of_ones_own_is_written_like_the_others() -> None:
    class Twice(Policy):
        loud: bool = False

    with rg.generator.registered("twice", Twice):
        twice = rg.get_generator("retry(twice(openai!a|openai!b),loud=true)")
        assert twice.to_identifier() == "retry(twice(openai!a|openai!b),loud=true)"
        assert rg.get_generator("openai!a,stop=x|twice(openai!b)").to_identifier() == "openai!a,stop=x|twice(openai!b)"
    literal: Any = rg.get_generator("twice(openai")
    assert literal.model == "twice(openai"
