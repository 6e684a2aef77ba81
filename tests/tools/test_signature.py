"""The schema of a tool is read from its signature, and so are the arguments that it is called with."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

import rigging_py as rg
from rigging_py.error import ToolDefinitionError
from tests.tools.calls import call


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int = 0


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


async def result_of(function: Any, arguments: object) -> str:
    """What a model hears when it calls the tool."""
    model = rg.scripted(call(rg.Tool.from_callable(function).name, arguments), "done")
    chat = await model.chat("hi").using(function).run()
    return chat.messages[-1].content


def test_the_schema_names_each_parameter_with_its_type_description_and_default() -> None:
    @rg.tool
    def search(query: str, limit: Annotated[int, "how many to give"] = 10, strict: bool = False) -> str:
        """Looks  things
        up.
        """
        return query

    assert search.name == "search"
    assert search.description == "Looks things up."
    assert search.parameters_schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "description": "how many to give", "default": 10},
            "strict": {"type": "boolean", "default": False},
        },
        "required": ["query"],
        "additionalProperties": False,
    }


def test_constraints_of_pydantic_are_in_the_schema() -> None:
    @rg.tool
    def roll(sides: Annotated[int, Field(ge=2, le=100), "of the die"]) -> int:
        return sides

    assert roll.parameters_schema["properties"]["sides"] == {
        "type": "integer",
        "minimum": 2,
        "maximum": 100,
        "description": "of the die",
    }


def test_a_parameter_called_title_stays_in_the_schema() -> None:
    @rg.tool
    def book(title: str) -> str:
        return title

    assert book.parameters_schema["properties"] == {"title": {"type": "string"}}


def test_a_type_inside_of_itself_has_a_schema_that_can_be_sent() -> None:
    def grow(tree: Tree) -> int:
        return len(tree.children)

    schema = rg.tool(grow).parameters_schema
    assert "$ref" in json.dumps(schema)
    assert "Tree" in schema["$defs"]


async def test_a_type_inside_of_itself_is_read() -> None:
    def grow(tree: Tree) -> str:
        return tree.children[0].name

    assert await result_of(grow, {"tree": {"name": "a", "children": [{"name": "b"}]}}) == "b"


async def test_dataclasses_models_and_choices_arrive_as_what_they_are() -> None:
    def kinds(point: Point, tree: Tree, color: Color, size: Literal["s", "l"], pair: tuple[int, str]) -> str:
        return f"{type(point).__name__} {point.x} {type(tree).__name__} {color} {size} {pair}"

    arguments = {
        "point": {"x": "1"},
        "tree": {"name": "a"},
        "color": "red",
        "size": "s",
        "pair": [1, "a"],
    }
    assert await result_of(kinds, arguments) == "Point 1 Tree Color.RED s (1, 'a')"


async def test_positional_only_parameters_can_be_given() -> None:
    def divide(a: float, b: float, /, *, digits: int = 1) -> float:
        return round(a / b, digits)

    assert await result_of(divide, {"b": 4, "a": 10, "digits": 2}) == "2.5"
    assert await result_of(divide, {"a": 10, "b": 3}) == "3.3"


async def test_a_partial_shows_only_what_is_left_to_give() -> None:
    def fetch(url: str, key: str, retries: int = 3) -> str:
        """Fetches a page."""
        return f"{url} {key} {retries}"

    bound = rg.tool(functools.partial(fetch, key="sk-secret"))
    assert bound.name == "fetch"
    assert bound.description == "Fetches a page."
    assert "secret" not in json.dumps(bound.parameters_schema)
    assert list(bound.parameters_schema["properties"]) == ["url", "retries"]
    assert await result_of(functools.partial(fetch, key="sk-secret"), {"url": "a"}) == "a sk-secret 3"
    assert await result_of(functools.partial(fetch, "here", "k"), {}) == "here k 3"


async def test_a_callable_object_is_a_tool_named_after_its_class() -> None:
    class Doubler:
        """Doubles."""

        def __call__(self, x: int) -> int:
            return 2 * x

    made = rg.tool(Doubler())
    assert (made.name, made.description) == ("Doubler", "Doubles.")
    assert await result_of(Doubler(), {"x": 2}) == "4"


async def test_an_async_callable_object_is_awaited() -> None:
    class Doubler:
        async def __call__(self, x: int) -> int:
            return 2 * x

    assert await result_of(Doubler(), {"x": 2}) == "4"


async def test_a_bound_method_is_a_tool_without_self() -> None:
    class Counter:
        step = 5

        def add(self, x: int) -> int:
            return x + self.step

    assert list(rg.tool(Counter().add).parameters_schema["properties"]) == ["x"]
    assert await result_of(Counter().add, {"x": 1}) == "6"


async def test_a_parameter_without_a_type_takes_anything() -> None:
    def echo(x):  # type: ignore[no-untyped-def]  # pyright: ignore
        return repr(x)  # pyright: ignore

    assert await result_of(echo, {"x": {"a": [1]}}) == "{'a': [1]}"


async def test_a_default_that_json_cannot_hold_is_the_functions_own_business() -> None:
    missing = object()

    def check(x: Any = missing) -> bool:
        return x is missing

    assert rg.tool(check).parameters_schema["properties"] == {"x": {}}
    assert await result_of(check, {}) == "True"


class Odd: ...


def variadic(*numbers: int) -> int:
    return sum(numbers)


def keywords(**options: int) -> int:
    return len(options)


def unknown(x: Nowhere) -> None: ...  # type: ignore[name-defined] # noqa: F821 # pyright: ignore


def odd(x: Odd) -> None: ...


class Desk:
    @rg.tool_method
    def tidy(self) -> None: ...

    def sort(self) -> None: ...


BAD: list[tuple[Any, str]] = [
    (Desk.tidy, r"tidy\(\) takes self: .*@rg.tool_method.*object"),
    (Desk.sort, r"sort\(\) takes self: .*@rg.tool_method.*object"),
    (Desk, "Desk is a class, and its tools are those of an object: give one"),
    (variadic, r"variadic\(\) takes \*numbers.*name each parameter"),
    (keywords, r"keywords\(\) takes \*options.*name each parameter"),
    (unknown, r"signature of unknown\(\) cannot be read.*Nowhere"),
    (odd, r"parameters of odd\(\) cannot be described"),
    (lambda: 1, r"'<lambda>' cannot be a tool's name.*name="),
    (42, "42 is not"),
]


@pytest.mark.parametrize(("function", "said"), BAD)
def test_what_cannot_be_described_says_what_to_do(function: Any, said: str) -> None:
    with pytest.raises(ToolDefinitionError, match=said):
        rg.scripted().chat("hi").using(function)


def test_a_lambda_with_a_name_is_a_tool() -> None:
    assert rg.Tool.from_callable(lambda: 1, name="one").name == "one"
