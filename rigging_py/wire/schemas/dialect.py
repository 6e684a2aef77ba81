"""`Dialect`: what of JSON Schema a provider takes. One value each; `openai_dialect` finds the one for an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from rigging_py.wire.schemas.limits import over_openai_limits

Takes: TypeAlias = Callable[[Any], bool]
"""Whether a keyword may be sent with this value."""


@dataclass(frozen=True)
class Dialect:
    """What of JSON Schema a provider takes; a schema is rewritten to it.

    Attributes:
        name: what it is called.
        keywords: the keywords that may be sent beside the structure, each with the values it may have.
        enums: the types that may have `enum`.
        strict: whether the provider can be asked to hold to the schema, where that is an option of its own.
        for_tools: whether the arguments of tools are described in it too; otherwise they go as they are.
        needs_object: whether the root must be an object.
        closes: whether every object says that it has no other members, which leaves no room for free keys.
        needs_all: whether every member is required; those that may be missing may be null then.
        tuples: whether lists may have a schema for each place.
        recursion: whether a definition may hold itself: always, in members that may be missing, or never.
        anything: how what has no type travels: as its JSON text, as a choice of all types, or not at all.
        whole: whether a schema that cannot be rewritten may go as it is, unenforced.
        limit: what is too large about a rewritten schema, if anything.
    """

    name: str
    keywords: Mapping[str, Takes] = field(default_factory=dict[str, Takes])
    enums: frozenset[str] = frozenset({"string", "integer", "number", "boolean"})
    strict: bool = False
    for_tools: bool = True
    needs_object: bool = False
    closes: bool = False
    needs_all: bool = False
    tuples: bool = False
    recursion: Literal["kept", "optional", "no"] = "kept"
    anything: Literal["text", "types", "no"] = "no"
    whole: bool = False
    limit: Callable[[Mapping[str, Any]], str | None] = lambda schema: None  # noqa: ARG005 — most have none

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def is_plain(self) -> bool:
        """Whether schemas go as they are."""
        return self.name == "plain"


def _any(value: object) -> bool:  # noqa: ARG001 — of any value
    return True


def _is_simple_pattern(pattern: object) -> bool:
    """Whether a pattern has no groups of special kinds and no references back, which grammars cannot have."""
    return isinstance(pattern, str) and not re.search(r"\(\?|\\[1-9bBkAZz]", pattern)


def _is_anchored(pattern: object) -> bool:
    return _is_simple_pattern(pattern) and str(pattern).startswith("^") and str(pattern).endswith("$")


def _one_of(*values: object) -> Takes:
    return lambda value: any(value == one for one in values)


def _each(*names: str, takes: Takes = _any) -> dict[str, Takes]:
    return dict.fromkeys(names, takes)


_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

PLAIN = Dialect("plain")
"""Schemas go as they are, for servers of which nothing else is known."""

OPENAI = Dialect(
    "openai",
    {
        **_each("title", "description", *_BOUNDS, "multipleOf", "minItems", "maxItems"),
        "format": _one_of(*_FORMATS),
        "pattern": _is_simple_pattern,
    },
    strict=True,
    needs_object=True,
    closes=True,
    needs_all=True,
    whole=True,
    limit=over_openai_limits,
)
"""OpenAI's strict mode."""

ANTHROPIC = Dialect(
    "anthropic",
    {
        **_each("title", "description"),
        "format": _one_of(*_FORMATS, "uri"),
        "minItems": _one_of(0, 1),
    },
    for_tools=False,
    needs_object=True,
    closes=True,
    recursion="no",
    anything="text",
)
"""Anthropic's structured outputs. Tools take any schema."""

GEMINI = Dialect(
    "gemini",
    _each("title", "description", "format", "minItems", "maxItems", "minimum", "maximum", "propertyOrdering"),
    enums=frozenset({"string", "integer", "number"}),
    needs_object=True,
    tuples=True,
    recursion="optional",
    anything="text",
)
"""Gemini's `responseJsonSchema` and `parametersJsonSchema`."""

LLAMA_CPP = Dialect(
    "llama.cpp",
    {
        **_each("title", "description", "minItems", "maxItems", "minLength", "maxLength"),
        "format": _one_of("date-time", "time", "date", "uuid"),
        "pattern": _is_anchored,
    },
    for_tools=False,
    tuples=True,
    anything="types",
)
"""The grammars that llama.cpp, and with it Ollama, makes of a schema for answers."""

_OPENAI_HOSTS = (".api.openai.com", ".openai.azure.com", ".cognitiveservices.azure.com")


@lru_cache(maxsize=256)
def openai_dialect(base_url: str, strict: bool | None = None) -> Dialect:
    """Strict mode for OpenAI itself and for Azure; other servers ignore or refuse it and get the schema as it is.

    `strict` says for any server which it is.
    """
    if strict is not None:
        return OPENAI if strict else PLAIN
    try:
        host = f".{urlsplit(base_url).hostname or ''}"
    except ValueError:
        return PLAIN  # whoever asks there will say what is wrong with the address
    return OPENAI if host.endswith(_OPENAI_HOSTS) else PLAIN
