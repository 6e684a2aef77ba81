"""Types at random, each with values of it; and values at random for a schema that was rewritten."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Annotated, Any, Literal, NamedTuple, Union
from uuid import UUID

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, create_model

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
    values: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(["a", "b", "key", "value", "result"]), max_size=3, unique=True)):
        sort = draw(inner)
        if draw(st.booleans()):
            fields[name], values[name] = (
                (sort.kind, Field(description=draw(st.sampled_from([None, "Words."])))),
                sort.values,
            )
        else:
            fields[name], optional[name] = (sort.kind, draw(sort.values)), sort.values
    config = ConfigDict(extra=draw(st.sampled_from(["ignore", "forbid"])))
    kind = create_model(next(_names), __config__=config, **fields)
    return Sort(kind, st.fixed_dictionaries(values, optional=optional).map(lambda given: kind.model_construct(**given)))


def _compound(inner: st.SearchStrategy[Sort]) -> st.SearchStrategy[Sort]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda one: Sort(list[one.kind], st.lists(one.values, max_size=2))),
        inner.map(
            lambda one: Sort(dict[str, one.kind], st.dictionaries(st.text("ab", max_size=2), one.values, max_size=2))
        ),
        inner.map(lambda one: Sort(one.kind | None, st.none() | one.values) if one.kind is not None else one),
        pairs.map(lambda two: Sort(tuple[two[0].kind, two[1].kind], st.tuples(two[0].values, two[1].values))),
        pairs.map(lambda two: Sort(Union[two[0].kind, two[1].kind], two[0].values | two[1].values)),  # noqa: UP007
        models(inner),
        models(inner),
    )


SORTS: st.SearchStrategy[Sort] = st.recursive(st.sampled_from(PLAIN), _compound, max_leaves=6)


def written(form: ways.Form, value: Any, forms: ways.Forms) -> Iterator[Any]:
    """The ways in which a value may be given for a rewritten schema, right and wrong ones."""
    match form:
        case ways.Named(name):
            yield from written(forms[name], value, forms)
        case ways.Members(named, absent, rest) if isinstance(value, dict):
            full = {**dict.fromkeys(absent), **value}
            options = [list(islice(written(named.get(key, rest), one, forms), 9)) for key, one in full.items()]
            blank = [
                [None] if key in absent and key not in value else some for key, some in zip(full, options, strict=True)
            ]
            yield from (dict(zip(full, some, strict=True)) for some in product(*blank))
        case ways.Items(rest, first) if isinstance(value, list):
            each = [*first, *[rest] * len(value)]
            options = [list(islice(written(one, item, forms), 9)) for one, item in zip(each, value, strict=False)]
            yield from map(list, product(*options))
        case ways.Places(members) if isinstance(value, list) and len(value) == len(members):
            options = [
                list(islice(written(one, item, forms), 9)) for one, item in zip(members.values(), value, strict=True)
            ]
            yield from (dict(zip(members, some, strict=True)) for some in product(*options))
        case ways.Pairs(inner) if isinstance(value, dict):
            options = [
                [{"key": key, "value": one} for one in islice(written(inner, item, forms), 9)]
                for key, item in value.items()
            ]
            yield from map(list, product(*options))
        case ways.Text():
            yield json.dumps(value)
        case ways.Wrapped(inner):
            yield from ({ways.RESULT: one} for one in written(inner, value, forms))
        case ways.Either(branches):
            for one in branches:
                whole = Draft202012Validator({**one.schema, "$defs": form.definitions})
                yield from filter(whole.is_valid, written(one.form, value, forms))
        case _:
            yield value


def says(form: ways.Form, value: Any, given: Any, forms: ways.Forms) -> bool:
    """Whether what was given for a rewritten schema says the value and nothing else."""
    match form, given:
        case ways.Named(name), _:
            return says(forms[name], value, given, forms)
        case ways.Members(named, absent, rest), dict() if isinstance(value, dict):
            told = {key: one for key, one in given.items() if one is not None or key not in absent}
            return told.keys() == value.keys() and all(
                says(named.get(key, rest), value[key], one, forms) for key, one in told.items()
            )
        case ways.Items(rest, first), list() if isinstance(value, list) and len(given) == len(value):
            each = [*first, *[rest] * len(value)]
            return all(says(one, *two, forms) for one, two in zip(each, zip(value, given, strict=True), strict=False))
        case ways.Places(members), dict() if isinstance(value, list) and len(given) == len(value):
            return all(
                says(one, item, given[key], forms) for (key, one), item in zip(members.items(), value, strict=True)
            )
        case ways.Pairs(inner), list() if isinstance(value, dict) and len(given) == len(value):
            return all(says(inner, value[pair["key"]], pair["value"], forms) for pair in given)
        case ways.Text(), str():
            return same(json.loads(given), value)
        case ways.Wrapped(inner), dict():
            return says(inner, value, given[ways.RESULT], forms)
        case ways.Either(branches), _:
            return any(says(one.form, value, given, forms) for one in branches)
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
