"""Types at random, each with values of it; and values at random for a schema that was rewritten."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Annotated, Any, Literal, NamedTuple, Optional, Union
from uuid import UUID

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, create_model

from rigging_py.parsing.untyped import as_list, as_mapping, as_object
from rigging_py.wire.schemas import forms as ways


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Node(BaseModel):
    value: int
    next: Node | None = None
    children: list[Node] = []
    named: dict[str, Node] = {}


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: dict[str, int] = {}


class Point(NamedTuple):
    x: float
    y: int


class Sort(NamedTuple):
    """A type and what makes values of it."""

    kind: Any
    values: st.SearchStrategy[Any]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab1"{', max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)
NODES: st.SearchStrategy[Node] = st.recursive(
    st.builds(Node, value=st.integers(-9, 9)),
    lambda inner: st.builds(
        Node,
        value=st.integers(-9, 9),
        next=st.none() | inner,
        children=st.lists(inner, max_size=2),
        named=st.dictionaries(st.text("ab", max_size=1), inner, max_size=1),
    ),
    max_leaves=3,
)
PLAIN = [
    Sort(int, st.integers()),
    Sort(str, st.text(max_size=4)),
    Sort(bool, st.booleans()),
    Sort(float, st.floats(allow_nan=False, allow_infinity=False)),
    Sort(datetime.date, st.dates()),
    Sort(datetime.datetime, st.datetimes()),
    Sort(datetime.timedelta, st.timedeltas(max_value=datetime.timedelta(9), min_value=datetime.timedelta())),
    Sort(decimal.Decimal, st.decimals(-9, 9, places=2)),
    Sort(UUID, st.uuids()),
    Sort(Mood, st.sampled_from(Mood)),
    Sort(Literal["a", 1, True] | None, st.sampled_from(["a", 1, None, True])),
    Sort(Literal[2], st.just(2)),
    Sort(Annotated[int, Field(ge=1, lt=9, multiple_of=2)], st.sampled_from([2, 4, 8])),
    Sort(Annotated[str, Field(min_length=1, max_length=3, pattern="^[ab]+$")], st.text("ab", min_size=1, max_size=3)),
    Sort(Annotated[str, Field(description="With (?=words).")], st.text(max_size=3)),
    Sort(Any, JSON),
    Sort(dict, st.dictionaries(st.text("ab", max_size=2), JSON, max_size=2)),
    Sort(None, st.none()),
    Sort(Node, NODES),
    Sort(Point, st.builds(Point, st.floats(-1, 1), st.integers(0, 9))),
    Sort(
        Annotated[Cat | Dog, Field(discriminator="kind")],
        st.builds(Cat) | st.builds(Dog, kind=st.just("dog"), tricks=st.dictionaries(st.text("a"), st.integers(0, 9))),
    ),
    Sort(set[int], st.sets(st.integers(0, 9), max_size=3)),
    Sort(dict[Literal["k", "l"], int], st.dictionaries(st.sampled_from("kl"), st.integers(0, 9))),
]
_names = iter(f"Model{index}" for index in range(10**9))


@st.composite
def models(draw: st.DrawFn, inner: st.SearchStrategy[Sort]) -> Sort:
    """A class of some members, of which some may be missing."""
    fields: dict[str, Any] = {}
    values: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "key", "value", "result"]), max_size=3, unique=True)):
        sort = draw(inner)
        if draw(st.booleans()):
            fields[name] = (sort.kind, Field(description=draw(st.sampled_from([None, "Words."]))))
            values[name] = sort.values
        else:
            fields[name], optional[name] = (sort.kind, draw(sort.values)), sort.values
    config = ConfigDict(extra=draw(st.sampled_from(["ignore", "forbid"])))
    kind: Any = create_model(next(_names), __config__=config, **fields)
    given: st.SearchStrategy[Any] = st.fixed_dictionaries(values, optional=optional)
    return Sort(kind, given.map(lambda some: kind.model_construct(**some)))


_OR_NONE: Any = Optional
_UNION: Any = Union


def _listed(one: Sort) -> Sort:
    return Sort(list.__class_getitem__(one.kind), st.lists(one.values, max_size=2))


def _mapped(one: Sort) -> Sort:
    return Sort(
        dict.__class_getitem__((str, one.kind)), st.dictionaries(st.text("ab", max_size=2), one.values, max_size=2)
    )


def _optional(one: Sort) -> Sort:
    return Sort(_OR_NONE[one.kind], st.none() | one.values) if one.kind is not None else one


def _paired(one: Sort, other: Sort) -> Sort:
    return Sort(tuple.__class_getitem__((one.kind, other.kind)), st.tuples(one.values, other.values))


def _either(one: Sort, other: Sort) -> Sort:
    return Sort(_UNION[one.kind, other.kind], one.values | other.values)


def _compound(inner: st.SearchStrategy[Sort]) -> st.SearchStrategy[Sort]:
    return st.one_of(
        inner.map(_listed),
        inner.map(_mapped),
        inner.map(_optional),
        st.builds(_paired, inner, inner),
        st.builds(_either, inner, inner),
        models(inner),
        models(inner),
    )


SORTS: st.SearchStrategy[Sort] = st.recursive(st.sampled_from(PLAIN), _compound, max_leaves=6)


def written(form: ways.Form, value: Any, forms: ways.Forms) -> Iterator[Any]:
    """The ways in which a value may be given for a rewritten schema, right and wrong ones."""
    members, items = as_object(value), as_list(value)
    match form:
        case ways.Named():
            yield from written(forms[form.name], value, forms)
        case ways.Members() if members is not None:
            full = {**dict.fromkeys(form.absent), **members}
            ways_of = {key: few(form.named.get(key, form.rest), one, forms) for key, one in full.items()}
            ways_of |= {key: [None] for key in form.absent if key not in members}
            yield from (dict(zip(full, some, strict=True)) for some in product(*ways_of.values()))
        case ways.Items() if isinstance(value, list):
            each = [*form.first, *[form.rest] * len(items)]
            yield from map(list, product(*(few(one, item, forms) for one, item in zip(each, items, strict=False))))
        case ways.Places() if isinstance(value, list) and len(items) == len(form.members):
            each = list(form.members.values())
            options = [few(one, item, forms) for one, item in zip(each, items, strict=True)]
            yield from (dict(zip(form.members, some, strict=True)) for some in product(*options))
        case ways.Pairs() if members is not None:
            options = [
                [{"key": key, "value": one} for one in few(form.value, item, forms)] for key, item in members.items()
            ]
            yield from map(list, product(*options))
        case ways.Text():
            yield json.dumps(value)
        case ways.Wrapped():
            yield from ({ways.RESULT: one} for one in written(form.value, value, forms))
        case ways.Either():
            for one in form.branches:
                whole: Any = Draft202012Validator({**one.schema, "$defs": form.definitions})
                yield from filter(whole.is_valid, written(one.form, value, forms))
        case _:
            yield value


def few(form: ways.Form, value: Any, forms: ways.Forms) -> list[Any]:
    return list(islice(written(form, value, forms), 9))


def says(form: ways.Form, value: Any, given: Any, forms: ways.Forms) -> bool:
    """Whether what was given for a rewritten schema says the value and nothing else."""
    members, items, told, of = as_object(value), as_list(value), as_list(given), as_mapping(given)
    is_list, is_text = isinstance(value, list), isinstance(given, str)
    match form:
        case ways.Named():
            return says(forms[form.name], value, given, forms)
        case ways.Members() if members is not None:
            there = {key: one for key, one in of.items() if one is not None or key not in form.absent}
            return there.keys() == members.keys() and all(
                says(form.named.get(key, form.rest), members[key], one, forms) for key, one in there.items()
            )
        case ways.Items() if is_list and len(told) == len(items):
            each = [*form.first, *[form.rest] * len(items)]
            return all(says(one, item, said, forms) for one, item, said in zip(each, items, told, strict=False))
        case ways.Places() if is_list and len(of) == len(items):
            places = zip(form.members.items(), items, strict=True)
            return all(says(one, item, of[key], forms) for (key, one), item in places)
        case ways.Pairs() if members is not None and len(told) == len(members):
            return all(says(form.value, members[pair["key"]], pair["value"], forms) for pair in told)
        case ways.Text() if is_text:
            return same(json.loads(given), value)
        case ways.Wrapped():
            return says(form.value, value, of[ways.RESULT], forms)
        case ways.Either():
            return any(says(one.form, value, given, forms) for one in form.branches)
        case _:
            return same(value, given)


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def answers(schema: Mapping[str, Any], whole: Mapping[str, Any], depth: int = 3) -> st.SearchStrategy[Any]:
    """What a model that is held to a rewritten schema may answer; limits of values are not kept."""
    if "$ref" in schema:
        target = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return st.deferred(lambda: answers(target, whole, depth - 1))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        # The last ones end what holds itself.
        branches = schema["anyOf"] if depth > 0 else schema["anyOf"][-1:]
        return st.one_of([answers(one, whole, depth) for one in branches])
    match schema["type"]:
        case "object":
            members = {name: answers(one, whole, depth - 1) for name, one in schema["properties"].items()}
            needed = {name: one for name, one in members.items() if name in schema["required"]}
            optional = {name: one for name, one in members.items() if name not in needed and depth > 0}
            return st.fixed_dictionaries(needed, optional=optional)
        case "array":
            return st.lists(answers(schema["items"], whole, depth - 1), max_size=2 if depth > 0 else 0)
        case "string" if "as a JSON text" in schema.get("description", ""):
            return JSON.map(json.dumps)
        case kind:
            return {
                "string": st.text("ab", max_size=2),
                "integer": st.integers(-9, 9),
                "number": st.floats(-9, 9),
                "boolean": st.booleans(),
                "null": st.none(),
            }[kind]
