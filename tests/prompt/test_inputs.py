"""How arguments of every type are shown to a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

import rigging_py as rg


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    label: str = "a<b"


class Plain(BaseModel):
    name: str


class Person(rg.Model):
    name: str
    age: int


class Value(rg.Model):
    text: str


CHAT = rg.Chat(messages=[rg.Message("user", "hi"), rg.Message("assistant", "<b>hello</b>")])

SHOWN: list[tuple[object, str]] = [
    ("text", "<value>text</value>"),
    ("two\nlines", "<value>\ntwo\nlines\n</value>"),
    ("", "<value></value>"),
    (3, "<value>3</value>"),
    (2.5, "<value>2.5</value>"),
    (True, "<value>True</value>"),
    (None, "<value></value>"),
    (Color.RED, "<value>red</value>"),
    (datetime(2024, 1, 2, 3, 4), "<value>2024-01-02T03:04:00</value>"),
    (date(2024, 1, 2), "<value>2024-01-02</value>"),
    (timedelta(hours=1), "<value>PT1H</value>"),
    (["a", "b<c"], "<value>\n<item>a</item>\n<item>b&lt;c</item>\n</value>"),
    (["one"], "<value><item>one</item></value>"),
    ([], "<value></value>"),
    ({}, "<value></value>"),
    ((1, "b"), "<value>\n<item>1</item>\n<item>b</item>\n</value>"),
    ({"c", "a", "b"}, "<value>\n<item>a</item>\n<item>b</item>\n<item>c</item>\n</value>"),
    ({"k": 1, 'q"<': "v"}, '<value>\n<item key="k">1</item>\n<item key="q&quot;&lt;">v</item>\n</value>'),
    (Point(1), '<value>\n{\n  "x": 1,\n  "label": "a&lt;b"\n}\n</value>'),
    (Plain(name="Ada"), '<value>\n{\n  "name": "Ada"\n}\n</value>'),
    (
        Person(name="A&B", age=1),
        "<value>\n<person>\n  <name>A&amp;B</name>\n  <age>1</age>\n</person>\n</value>",
    ),
    (Value(text="itself"), "<value>itself</value>"),
    ([Value(text="a"), Value(text="b")], "<value>\n<value>a</value>\n<value>b</value>\n</value>"),
    ([[1, 2], []], "<value>\n<item>\n  <item>1</item>\n  <item>2</item>\n</item>\n<item></item>\n</value>"),
    ({"k": ["a", "b"]}, '<value>\n<item key="k">\n  <item>a</item>\n  <item>b</item>\n</item>\n</value>'),
    (rg.Message("user", "Is <b> bold?"), "<value>[user]: Is &lt;b&gt; bold?</value>"),
    (CHAT.all, "<value>\n<item>[user]: hi</item>\n<item>[assistant]: &lt;b&gt;hello&lt;/b&gt;</item>\n</value>"),
    (CHAT, "<value>\n[user]: hi\n\n[assistant]: &lt;b&gt;hello&lt;/b&gt;\n</value>"),
]


@pytest.mark.parametrize(
    ("value", "shown"), SHOWN, ids=[f"{type(value).__name__} {shown}"[:50] for value, shown in SHOWN]
)
def test_an_argument_is_shown(value: Any, shown: str) -> None:
    @rg.prompt
    async def show(value: Any) -> rg.Chat:
        """Look:"""

    assert show.render(value) == f"Look:\n\n{shown}"


def test_tags_are_in_kebab_case_without_underscores_at_the_end() -> None:
    @rg.prompt
    async def show(page_count: int, input_: str) -> rg.Chat:
        """Look:"""

    assert show.render(1, "a") == "Look:\n\n<page-count>1</page-count>\n\n<input>a</input>"
