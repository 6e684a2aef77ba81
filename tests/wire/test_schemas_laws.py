"""What holds for every schema that travels: it is one that the provider takes, and no value is lost or another."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from rigging_py.error import PromptDefinitionError
from rigging_py.parsing import json_codec_of
from rigging_py.wire.schemas import ANTHROPIC, GEMINI, LLAMA_CPP, OPENAI, Dialect, RewrittenSchema, rewritten
from tests.wire.schema_rules import RULES
from tests.wire.schema_types import SORTS, Sort, answers, same, says, written

DIALECTS = [OPENAI, ANTHROPIC, GEMINI, LLAMA_CPP]
every = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda one: one.name)
calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def document(sort: Sort) -> tuple[Any, TypeAdapter[Any]]:
    """The schema of a document that holds a value, and what reads one."""
    codec = json_codec_of(sort.kind)
    return codec.schema, TypeAdapter(codec.document)


def sent(sort: Sort, dialect: Dialect) -> RewrittenSchema | None:
    try:
        return rewritten(document(sort)[0], dialect)
    except PromptDefinitionError:
        return None  # of no type at all


def valid(schema: Any, value: Any) -> bool:
    validator: Any = Draft202012Validator(schema)
    return bool(validator.is_valid(value))


def said(read: Callable[[Any], Any], document: Any) -> Any:
    """What is read out of a document, or that it is refused: a tag that has a default must be there nevertheless."""
    try:
        return read(document)
    except ValidationError:
        return "refused"


@every
@calm
@given(sort=SORTS)
def test_every_schema_follows_the_rules_of_who_gets_it(dialect: Dialect, sort: Sort) -> None:
    schema = sent(sort, dialect)
    if schema is not None and (schema.is_strict or not dialect.whole):
        RULES[dialect.name](schema.schema)


@every
@calm
@given(data=st.data(), sort=SORTS)
def test_every_value_can_be_given_and_comes_back_as_it_was(dialect: Dialect, sort: Sort, data: st.DataObject) -> None:
    schema = sent(sort, dialect)
    if schema is None:
        return
    codec = json_codec_of(sort.kind)
    value: Any = data.draw(sort.values)
    reads = TypeAdapter(codec.document).validate_python
    # A member that may be null is always there; left out, it is given by its default.
    for is_short in (True, False):
        plain = TypeAdapter(sort.kind).dump_python(value, mode="json", warnings=False, exclude_unset=is_short)
        meant = {"result": plain} if codec.is_wrapped else plain
        given_as = [one for one in islice(written(schema.form, meant, schema.forms), 500) if valid(schema.schema, one)]
        if given_as:
            break
    assert given_as or not valid(codec.schema, meant)
    for one in given_as[:1]:
        assert said(reads, schema.restore(one)) == said(reads, meant)
        assert same(json.loads(schema.restore_text(json.dumps(one))), schema.restore(one))


@every
@calm
@given(data=st.data(), sort=SORTS)
def test_an_answer_is_refused_or_says_what_it_said(dialect: Dialect, sort: Sort, data: st.DataObject) -> None:
    schema = sent(sort, dialect)
    if schema is None or not (schema.is_strict or dialect is ANTHROPIC):
        return
    codec = json_codec_of(sort.kind)
    answer = data.draw(answers(schema.schema, schema.schema))
    restored = schema.restore(answer)
    try:
        TypeAdapter(codec.document).validate_python(restored)
    except ValidationError:
        return
    # Nothing of the answer is lost: it is a way to say what was read.
    assert says(schema.form, restored, answer, schema.forms)
