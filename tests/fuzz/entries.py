"""The doors through which texts of models come in, each as a function of a text that asserts what holds of any text.

`read` is the plain way in, for measuring; `check` also asserts the laws, for fuzzing. Nothing but our own errors may be
raised, what is found stands in the text, and how a text is cut into pieces does not matter.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from rigging_py.error import MissingModelError, UnparsedError
from rigging_py.message import Delta, FunctionDefinition, Message, ToolDefinition
from rigging_py.model import Answer, Model, QuestionAnswer, YesNoAnswer, attr, element
from rigging_py.parsing import (
    PartialReader,
    codec_of,
    elements,
    innermost,
    json_codec_of,
    json_codec_of_schema,
    outermost,
    parse,
    read_text,
    try_parse_set,
)
from rigging_py.parsing.extract import read_attributes
from rigging_py.tools.codecs import TextMode, codec_of_mode
from rigging_py.util import extract_json_objects

OURS = (MissingModelError, UnparsedError, ValidationError)


class Note(Model):
    """A bit of everything: attributes, lists, choices, models in it."""

    title: str = attr(default="")
    lines: list[str] = element("line", default=[])
    level: Literal["low", "high"] | None = None
    count: int = 0
    answer: Answer | None = None


class Folder(Model):
    name: str
    folders: list[Folder] = element("folder", default=[])


class Point(BaseModel):
    x: int
    labels: dict[str, str] = {}


@dataclasses.dataclass
class Trip:
    where: str
    days: int
    stops: list[str]
    note: Note


MODELS: tuple[type[Model], ...] = (Answer, YesNoAnswer, QuestionAnswer, Note, Folder)
TYPES: tuple[Any, ...] = (str, int | None, list[str], list[Note], dict[str, int], Point, Trip, tuple[int, str])
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "arguments": {"type": "object"}}}
JSON_CODECS = (json_codec_of(Point), json_codec_of(list[Point]), json_codec_of_schema(SCHEMA))
PARTIALS: tuple[Any, ...] = (*map(codec_of, TYPES), codec_of(Folder), json_codec_of(Point), json_codec_of(list[str]))
MODES: tuple[TextMode, ...] = ("xml", "json", "json-in-xml", "json-with-tag", "pythonic")
TOOLS = (
    ToolDefinition(
        function=FunctionDefinition(
            name="write",
            parameters={
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "lines": {"type": "array", "items": {"type": "string"}},
                    "count": {"type": "integer"},
                },
            },
        )
    ),
    ToolDefinition(function=FunctionDefinition(name="ping")),
)
NAMES = ("answer", "question", "line", "note")


def read_elements(text: str) -> None:
    found = elements(text, NAMES)
    for one in (*innermost(found), *outermost(found)):
        read_text(one.inner(text))
        read_attributes(one.attributes)


def check_elements(text: str) -> None:
    read_elements(text)
    for one in elements(text, NAMES):
        assert 0 <= one.start < one.inner_start <= one.inner_stop <= one.stop <= len(text)
        assert text.startswith(f"<{one.tag}", one.start)
        assert text[: one.stop].endswith((">", "/>"))


def read_models(text: str) -> None:
    for model in MODELS:
        model.candidates(text)


def check_models(text: str) -> None:
    for model in MODELS:
        for value, place in model.candidates(text):
            assert text[place].startswith(f"<{model.xml_element().tag}")
            assert isinstance(value, model | ValueError)
            if isinstance(value, model):
                check_writing(value)


def check_writing(value: Model) -> None:
    """A value that was read is written as one element, and that is read as the same value."""
    for written in (value.to_pretty_xml(), value.to_xml()):
        found = type(value).candidates(f"<{written}</")
        assert [place for _, place in found] == [slice(1, 1 + len(written))]
        assert found[0][0] == value, (found[0][0], value)


def read_types(text: str) -> None:
    for kind in TYPES:
        _outcome(partial(parse, text, kind))


def check_types(text: str) -> None:
    read_types(text)
    for model in MODELS:
        assert all(0 <= place.start < place.stop <= len(text) for _, place in try_parse_set(text, model))


def read_json(text: str) -> None:
    for codec in JSON_CODECS:
        _outcome(partial(codec.read, text))
    extract_json_objects(text)


def check_json(text: str) -> None:
    read_json(text)
    found = extract_json_objects(text)
    assert all(text[place][0] + text[place][-1] == "{}" for _, place in found)
    assert all(one.stop <= after.start for (_, one), (_, after) in pairwise(found))


def read_partials(text: str) -> None:
    for codec in PARTIALS:
        reader: PartialReader[Any] = PartialReader(codec)
        for piece in pieces(text, 1000):
            reader.feed(piece)
        _ = reader.finish().value


def check_partials(text: str) -> None:
    # One codec a text, or a fuzzer would come to a tenth of the texts.
    codec = PARTIALS[len(text) % len(PARTIALS)]
    outcome = _outcome(partial(codec.read, text))
    reader: PartialReader[Any] = PartialReader(codec)
    for piece in pieces(text, 1 + len(text) % 3):
        if (known := reader.feed(piece)) is not None:
            _ = known.value
    assert reader.finish().done == (not isinstance(outcome, Exception)), (codec, outcome)


def read_calls(text: str) -> None:
    for mode in MODES:
        _heard(mode, text, 1000)


def check_calls(text: str) -> None:
    for mode in MODES:
        whole, deltas = _heard(mode, text, max(1, len(text)))
        same, _ = _heard(mode, text, 1 + len(text) % 7)
        assert same.content == whole.content
        assert _calls(same) == _calls(whole)
        assert "".join(getattr(one, "text", "") for one in deltas) == whole.content


def _heard(mode: TextMode, text: str, size: int) -> tuple[Message, list[Delta]]:
    reader = codec_of_mode(mode).reader(TOOLS)
    deltas = [delta for piece in pieces(text, size) for delta in reader.feed(piece)]
    deltas += reader.ending()
    return reader.message(), deltas


def _calls(message: Message) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in message.tool_calls or ()]


def pieces(text: str, size: int) -> list[str]:
    """The text cut every `size` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def _outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except OURS as error:
        return error


@dataclass(frozen=True)
class Entry:
    """A door: how it is gone through, what holds of it, and the words that mean something there."""

    read: Callable[[str], None]
    check: Callable[[str], None]
    words: tuple[str, ...]


TAGS = (
    *("<answer>", "</answer>", "<answer/>", '<answer x="', "<question>", "</question>", "<question-answer>"),
    *("</question-answer>", "<yes-no-answer>", "</yes-no-answer>", "yes", "<note>", '<note title="', "</note>", '">'),
    *("<line>", "</line>", "<level>high</level>", "<count>1,234</count>", "<folder><name>", "</name></folder>"),
    *("<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&lt;", "&#60;", "&#x3c;", "&", "'", '"', " ", "\n  ", "1"),
)
ANSWERS = (
    *("<str>", "</str>", "<int>", "</int>", "<dict>", "</dict>", "<point>", "</point>", "<where>", "</where>"),
    *("<days>", "</days>", "<stops>", "</stops>", "null", "Yes"),
)
OBJECTS = (
    *("{", "}", "[", "]", '"x"', ":", ",", '"', "\\", "\\u00e9", "\\ud83d", "\\ude00", "1", "-1.5e3", "true", "null"),
    *('{"x": 1}', '"labels"', '"result"', "```json\n", "```", "NaN", " "),
)
CALLS = (
    *("<tool-call", ' name="write">', "<tool-call>", "</tool-call>", '<rg-tool-call name="write">', "</rg-tool-call>"),
    *(
        "<path>",
        "</path>",
        "<lines>",
        "<item>",
        "</item>",
        "</lines>",
        "<count>",
        "</count>",
        "[write(",
        ")]",
        "ping()",
    ),
    *("path=", "count=", "'a'", "lines=['b']", '"name": "write"', '"arguments": {', "**{"),
)

ENTRIES: dict[str, Entry] = {
    "extract": Entry(read_elements, check_elements, TAGS),
    "models": Entry(read_models, check_models, TAGS),
    "types": Entry(read_types, check_types, TAGS + ANSWERS + OBJECTS),
    "json": Entry(read_json, check_json, OBJECTS),
    "partials": Entry(read_partials, check_partials, TAGS + ANSWERS + OBJECTS),
    "calls": Entry(read_calls, check_calls, TAGS + OBJECTS + CALLS),
}
"""The doors by name."""
