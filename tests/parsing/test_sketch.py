"""An example shows what may stand between its tags."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel

from rigging_py.parsing import Ctx, codec_of


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Node(BaseModel):
    name: str
    next: Node | None = None


class Point(BaseModel):
    x: int
    on: dt.date
    tags: list[str]
    kind: Literal["a", 1]


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (str, "<str></str>"),
        (int, "<int></int>"),
        (int | None, "<int></int>"),
        (Literal["yes", "no"], "<choice>yes|no</choice>"),
        (Literal["no", "yes"], "<choice>no|yes</choice>"),
        (Literal["<", "</choice>"], "<choice>&lt;|&lt;/choice&gt;</choice>"),
        (Colour, "<colour>red|blue</colour>"),
        (Colour | None, "<colour>red|blue</colour>"),
        (dt.datetime, "<datetime>YYYY-MM-DDTHH:MM:SS</datetime>"),
        (dict[str, int], "<dict>{string: integer, ...}</dict>"),
        (list[list[int]], "<list>[integer, ...]</list>"),
        (Node, '<node>{"name": string, "next": Node | null}</node>'),
        (
            Point,
            '<point>{"x": integer, "on": YYYY-MM-DD, "tags": [string, ...], "kind": "a" | 1}</point>',
        ),
    ],
)
def test_an_example_outlines_what_is_asked_for(kind: object, example: str) -> None:
    assert codec_of(kind).example == example


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        (Annotated[str, Ctx("joke", example="a < b")], "<joke>a &lt; b</joke>"),
        (Annotated[bool, Ctx(example=True)], "<bool>true</bool>"),
        (Annotated[Colour, Ctx(example=Colour.RED)], "<colour>red</colour>"),
        (Annotated[dict[str, int], Ctx(example={"a": 1})], '<dict>{"a": 1}</dict>'),
        (Annotated[int, Ctx(prefix="How many?")], "How many?\n<int></int>"),
    ],
)
def test_a_given_example_stands_between_the_tags_as_an_answer_would(kind: object, example: str) -> None:
    assert codec_of(kind).example == example
