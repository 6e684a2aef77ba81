"""The shape of a tagged answer, as data: which elements it has, what their text may be, how often each comes.

A shape is what a generator needs to enforce an answer (a grammar is compiled from it) and what a reader needs to find
one. It holds no code and no Python types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

JsonSchema: TypeAlias = Mapping[str, object]
"""A JSON schema, as `pydantic` writes one."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Text between two tags: a plain value of `schema`, or with `json` a JSON document of it."""

    schema: JsonSchema
    json: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element, with a plain value of `schema`."""

    name: str
    schema: JsonSchema
    required: bool = True


@dataclass(frozen=True, slots=True)
class Element:
    """One element, and how often it comes in a row (`most` None: any number).

    `content` is a leaf, child elements in order, or None where any well-formed content will do. `model` names the class
    that the element is written by; without content it has that of the enclosing element of the same model. Elements
    side by side with the same `choice` are alternatives: one of them comes, or with `most` None any mixture.
    """

    tag: str
    content: Leaf | tuple[Element, ...] | None
    attributes: tuple[Attribute, ...] = ()
    least: int = 1
    most: int | None = 1
    model: str = ""
    choice: str = ""


Shape: TypeAlias = tuple[Element, ...]
"""The elements of an answer, in the order they are asked for."""


@dataclass(frozen=True, slots=True)
class JsonShape:
    """The answer is one JSON document of `schema`, which is that of an object."""

    name: str
    schema: JsonSchema


def to_xml_tag(name: str) -> str:
    """`name` in kebab case, as tags are written: `FunFact` gives `fun-fact`, `page_count` gives `page-count`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return re.sub(r"[-_\s]+", "-", words).strip("-").lower()
