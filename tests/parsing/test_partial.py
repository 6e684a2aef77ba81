"""A partial answer shows what is known, never more, and ends as the answer that strict reading finds."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import pairwise
from types import FrameType
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, field_validator
from pydantic_core import to_json

from rigging_py.error import MissingModelError, UnparsedError
from rigging_py.model import Model, attr, element, wrapped
from rigging_py.parsing import (
    Codec,
    JsonCodec,
    Partial,
    PartialReader,
    codec_of,
    complete_items,
    json_codec_of,
    json_codec_of_schema,
    tagged,
)
from rigging_py.parsing.growing import seen
from rigging_py.parsing.parse import PARSE_ERRORS


class Colour(Enum):
    RED = "red"
    SKY = "sky blue"


class Fact(Model):
    fact: str


class Town(Model):
    name: str
    people: int


class Note(Model):
    level: Literal["low", "high"] = attr(default="low")
    lines: list[str] = element("line", default=[])
    words: list[int] = wrapped("words", element("word", default=[]))
    colour: Colour | None = element(default=None)
    town: Town = element("place")
    figures: list[Town | Fact] = element(default=[])


class Folder(Model):
    name: str
    folders: list[Folder] = element("folder", default=[])


class Loud(Model):
    words: str = element()
    count: int = element()

    @field_validator("words")
    @classmethod
    def _loud(cls, value: str) -> str:
        return value.upper()


class Book(BaseModel):
    title: str
    year: int | None = Field(default=None, alias="when")
    tags: set[str] = set()
    parts: list[Book] = []
    by: dict[str, dt.date] = {}


@dataclasses.dataclass
class Trip:
    where: str
    days: int
    stops: list[str]
    town: Town


@dataclasses.dataclass
class Shouted:
    where: str

    def __post_init__(self) -> None:
        self.where = self.where.upper()


LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(alphabet="ab &<>é\\\"'\n\U0001f642", max_size=12).map(str.strip)
TOWNS = st.builds(Town, name=TEXT, people=st.integers())
NOTES = st.builds(
    Note,
    level=st.sampled_from(["low", "high"]),
    lines=st.lists(TEXT.filter(bool)),
    words=st.lists(st.integers()),
    colour=st.none() | st.sampled_from(Colour),
    town=TOWNS,
    figures=st.lists(TOWNS | st.builds(Fact, fact=TEXT), max_size=3),
)
FOLDERS = st.recursive(
    st.builds(Folder, name=TEXT, folders=st.just([])),
    lambda inner: st.builds(Folder, name=TEXT, folders=st.lists(inner, max_size=3)),
    max_leaves=5,
)


def make_book(title: str, year: int | None, tags: set[str], parts: list[Book], by: dict[str, dt.date]) -> Book:
    return Book(title=title, when=year, tags=tags, parts=parts, by=by)


def books(parts: st.SearchStrategy[list[Book]]) -> st.SearchStrategy[Book]:
    return st.builds(
        make_book,
        TEXT,
        st.none() | st.integers(),
        st.sets(TEXT, max_size=2),
        parts,
        st.dictionaries(TEXT, st.dates(), max_size=2),
    )


BOOKS = books(st.lists(books(st.just([])), max_size=2))


def as_json(value: object) -> str:
    return to_json(value, by_alias=True).decode()


def as_tags(*values: tuple[str, object]) -> str:
    return "".join(tagged(tag, value if isinstance(value, str) else as_json(value)) for tag, value in values)


def written_trip(where: str, days: int, stops: list[str], town: Town) -> str:
    rest = [("stops", one) for one in stops[1:]]
    return as_tags(("stops", stops[0]), ("where", where), ("days", days), *rest) + str(town)


Reads = Codec[Any] | JsonCodec[Any]
ANSWERS: list[tuple[Reads, st.SearchStrategy[str]]] = [
    (codec_of(str), TEXT.map(lambda one: as_tags(("str", one)))),
    (codec_of(int), st.integers().map(lambda one: as_tags(("int", one)))),
    (codec_of(Colour | None), st.sampled_from(["red", "Sky blue", "none"]).map(lambda one: as_tags(("colour", one)))),
    (codec_of(list[str]), st.lists(TEXT, min_size=1).map(lambda some: as_tags(*(("str", one) for one in some)))),
    (
        codec_of(set[int]),
        st.lists(st.integers(), min_size=1).map(lambda some: as_tags(*(("int", one) for one in some))),
    ),
    (codec_of(Town), TOWNS.map(str)),
    (codec_of(Note), NOTES.map(str)),
    (codec_of(Folder), FOLDERS.map(str)),
    (codec_of(list[Note]), st.lists(NOTES, min_size=1, max_size=2).map(lambda notes: "\n".join(map(str, notes)))),
    (codec_of(Loud), st.builds(Loud, words=TEXT, count=st.integers()).map(str)),
    (codec_of(Book), BOOKS.map(lambda one: as_tags(("book", one)))),
    (codec_of(dict[str, int]), st.dictionaries(TEXT, st.integers()).map(lambda one: as_tags(("dict", one)))),
    (
        codec_of(tuple[int, str]),
        st.tuples(st.integers(), TEXT).map(lambda two: as_tags(("int", two[0]), ("str", two[1]))),
    ),
    (
        codec_of(Trip),
        st.builds(
            written_trip,
            TEXT,
            st.integers(),
            st.lists(TEXT, min_size=1),
            TOWNS,
        ),
    ),
    (json_codec_of(Book), BOOKS.map(as_json)),
    (json_codec_of(list[Book]), st.lists(BOOKS, max_size=3).map(lambda some: as_json({"result": some}))),
    (json_codec_of(Town), TOWNS.map(as_json)),
    (json_codec_of(str), TEXT.map(lambda one: as_json({"result": one}))),
    (json_codec_of(dict[str, list[int]]), st.dictionaries(TEXT, st.lists(st.integers())).map(as_json)),
    (json_codec_of_schema({"type": "object"}), BOOKS.map(as_json)),
]
PIECES = [
    *(
        "<str>",
        "</str>",
        "<str/>",
        "<int>",
        "</int>",
        "<town>",
        "</town>",
        "<name>",
        "</name>",
        "<people>",
        "</people>",
    ),
    *("<note>", "<note level='high'>", "</note>", "<line>", "</line>", "<line/>", "<words>", "</words>", "<word>"),
    *("</word>", "<colour>", "</colour>", "<place>", "</place>", "<fact>", "</fact>", "<folder>", "</folder>"),
    *("<where>", "</where>", "<days>", "</days>", "<stops>", "</stops>", "<book>", "</book>", "<dict>", "</dict>"),
    *("<![CDATA[", "]]>", "&", "&lt;", "amp;", "<", ">", " ", "red", "none", "1", "2"),
    *("{", "}", "[", "]", ":", ",", '"', '"title":', '"a"', '"a":', '"parts":', '"tags":', '"result":', '"name":"x"'),
    *('"people":1', '"when":2', "{}", "[]", "\\", "\\u00e9", "\\ud83d", "\\ude42", "null", "tru", '{"title":"t"}'),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
WHOLE = "<town><name>a</name><people>1</people></town>"
MIXED = st.lists(st.sampled_from([*PIECES, WHOLE, f"<place>{WHOLE[6:-7]}</place>"]), max_size=30).map("".join)


@st.composite
def cut(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> list[str]:
    """A text in pieces, one of them the whole."""
    text = draw(texts)
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=12)))
    return [text[start:stop] for start, stop in pairwise([0, *places, len(text)])]


def shown(codec: Reads, pieces: Sequence[str]) -> list[Partial[Any]]:
    """What a reader shows, the last at the end of the text."""
    reader = PartialReader(codec)
    found = [one for piece in pieces if (one := reader.feed(piece)) is not None]
    return [*found, reader.finish()]


def claims(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Everything that is marked as done, by where it stands."""
    if not isinstance(value, Partial):
        return
    partial = cast("Partial[Any]", value)
    for name, one in partial.fields.items():
        if name in partial.done_fields:
            yield (*path, name), one
        yield from claims(one, (*path, name))
    for index, one in enumerate(partial.items):
        if index < partial.done_items:
            yield (*path, index), one
        yield from claims(one, (*path, index))


def holds(value: object, path: tuple[str | int, ...], wanted: object) -> bool:
    """Whether `wanted` stands at `path` in a partial or a whole value; anywhere in a set."""
    for step in path:
        if isinstance(value, (set, frozenset)):
            return wanted in value
        inside: Any = seen(value).value
        value = inside[step]
    return value == wanted


def assert_lawful(codec: Reads, pieces: Sequence[str]) -> list[Partial[Any]]:
    text = "".join(pieces)
    partials = shown(codec, pieces)
    for before, after in pairwise(partials):
        assert before.draft <= after.draft
        if before.draft == after.draft:
            assert all(holds(after, path, value) for path, value in claims(before))
    last = partials[-1]
    assert last == shown(codec, [text])[-1] == shown(codec, list(text))[-1]
    try:
        whole = codec.read(text)
    except PARSE_ERRORS:
        assert not last.done
    else:
        assert last.done
        assert_shows(last, whole)
    return partials


def assert_shows(partial: Partial[Any], whole: object) -> None:
    if isinstance(whole, (set, frozenset)):
        assert set(partial.items) == whole
    elif isinstance(whole, tuple):
        assert tuple(partial.fields.values()) == whole
    else:
        assert partial.value == seen(whole).value
        assert partial.done_fields == frozenset(partial.fields)


@pytest.mark.parametrize(("codec", "answers"), ANSWERS, ids=lambda one: type(one).__name__)
def test_what_is_done_stays_and_the_end_is_what_strict_reading_finds(
    codec: Reads, answers: st.SearchStrategy[str]
) -> None:
    @LAW
    @given(cut(answers.map(lambda answer: f"Sure: {answer}\nDone.")))
    def law(pieces: list[str]) -> None:
        assert assert_lawful(codec, pieces)[-1].draft == 0

    law()


@pytest.mark.parametrize("codec", [codec for codec, _ in ANSWERS], ids=lambda one: type(one).__name__)
def test_it_is_so_whatever_a_model_writes(codec: Reads) -> None:
    @LAW
    @given(cut(SOUP | MIXED))
    def law(pieces: list[str]) -> None:
        assert_lawful(codec, pieces)

    law()


@pytest.mark.parametrize(("codec", "answers"), ANSWERS, ids=lambda one: type(one).__name__)
def test_an_answer_that_is_cut_shows_nothing_that_the_whole_does_not_have(
    codec: Reads, answers: st.SearchStrategy[str]
) -> None:
    @LAW
    @given(answers, st.floats(0, 1))
    def law(answer: str, part: float) -> None:
        reader = PartialReader(codec)
        reader.feed(answer[: int(len(answer) * part)])
        whole = shown(codec, [answer])[-1]
        assert all(holds(whole, path, value) for path, value in claims(reader.partial))

    law()


LINE = st.text(alphabet="ab &<>é\\\"'\U0001f642", max_size=20).map(str.strip)


@given(LINE, st.data())
def test_a_text_grows_at_its_end_and_never_shows_half_an_entity_or_tag(text: str, data: st.DataObject) -> None:
    pairs: list[tuple[Reads, str]] = [
        (codec_of(str), as_tags(("str", text))),
        (codec_of(str), f"<str>{text.replace('&', '&amp;')}</str>"),
        (json_codec_of(str), to_json({"result": text}).decode()),
        (json_codec_of(str), to_json({"result": text}, ensure_ascii=True).decode()),
    ]
    for codec, answer in pairs:
        for partial in shown(codec, data.draw(cut(st.just(answer)))):
            assert text.startswith(partial.text)


def test_a_partial_grows_with_its_text() -> None:
    reader = PartialReader(codec_of(Trip))
    assert reader.feed("Let me see: <whe") is None
    assert reader.feed("re>no") == reader.partial
    assert reader.partial.get("where") == "no"
    assert reader.feed("rth &am") is not None
    assert reader.partial.get("where", str) == "north"
    assert reader.feed("p; up</wher") is not None
    assert (reader.partial.get("where"), reader.partial.done_fields) == ("north & up", frozenset())
    assert reader.feed("e>") is not None
    assert reader.partial.done_fields == {"where"}
    reader.feed("<stops>a</stops><stops>b <days>3</days><town><people>1,000</people><name>E")
    town = cast("Partial[Town] | None", reader.partial.get("town"))
    assert town is not None
    assert (town.get("people"), town.get("name"), set(town.done_fields)) == (1000, "E", {"people"})
    stops = cast("Partial[list[str]] | None", reader.partial.get("stops"))
    assert stops is not None
    assert (stops.items[0], stops.done_items) == ("a", 1)
    reader.feed("ly</name></town></stops>")
    assert reader.partial.get("town") == Town(name="Ely", people=1000)
    assert not reader.partial.done
    assert reader.finish().done
    assert reader.partial.draft == 0


def test_a_partial_is_read_by_name_and_kind() -> None:
    reader = PartialReader(json_codec_of(Book))
    assert reader.feed('{"title": "On bees", "when": 19') is not None
    partial = reader.partial
    assert partial.get("title", str) == "On bees"
    assert partial.get("title", int) is None
    assert partial.get("year") is None
    assert (partial.text, partial.items, partial.done) == ("", (), False)
    reader.feed("73}")
    assert (partial.get("year"), reader.partial.get("year")) == (None, 1973)
    assert reader.partial.done
    assert "title" in repr(partial)
    with pytest.raises(dataclasses.FrozenInstanceError):
        partial.done = True  # type: ignore[misc]


def test_nothing_is_shown_before_anything_has_begun() -> None:
    reader = PartialReader(codec_of(Town))
    assert reader.feed("I think so.") is None
    assert reader.partial == reader.finish() == PartialReader(codec_of(int)).finish()
    assert reader.partial.value is None


def test_an_element_that_begins_anew_begins_a_new_draft() -> None:
    reader = PartialReader(codec_of(Town))
    reader.feed("<town><name>A</name>")
    assert (reader.partial.get("name"), reader.partial.draft) == ("A", 0)
    reader.feed("<town><name>B</name>")
    assert (reader.partial.get("name"), reader.partial.draft) == ("B", 1)


def test_a_field_that_validators_may_change_is_shown_and_not_done() -> None:
    reader = PartialReader(codec_of(Loud))
    reader.feed("<loud><words>hi</words>")
    assert (reader.partial.get("words"), reader.partial.done_fields) == ("hi", frozenset())
    reader.feed("<count>1</count></loud>")
    assert (reader.partial.get("words"), reader.partial.draft) == ("HI", 0)
    assert reader.partial.done


def test_a_dataclass_that_changes_what_it_is_given_begins_a_new_draft() -> None:
    reader = PartialReader(codec_of(Shouted))
    reader.feed("<where>north</where>")
    assert reader.partial == reader.finish()
    assert (reader.partial.get("where"), reader.partial.draft) == ("NORTH", 1)


def test_an_invalid_document_gives_way_to_the_next() -> None:
    reader = PartialReader(json_codec_of(Town))
    reader.feed('{"people": 1, "name": 2} {"na')
    assert (reader.partial.value, reader.partial.draft) == ({}, 1)
    reader.feed('me": "A", "people": 3}')
    assert (reader.partial.get("name"), reader.partial.done) == ("A", True)


def test_members_that_the_caller_fills_in_are_not_shown() -> None:
    reader = PartialReader(codec_of(tuple[int, Town], filled=(Town,)), filling=Town(name="a", people=1))
    reader.feed("<int>3</int>")
    assert (reader.partial.fields, reader.partial.done) == ({"int": 3}, True)


def test_a_codec_from_elsewhere_is_refused() -> None:
    other: Any = object()
    with pytest.raises(TypeError, match="codec_of"):
        PartialReader(other)


def calls_of(codec: Reads, text: str, size: int) -> int:
    """How many functions are called, Python's and C's, while `text` is read in pieces of this size."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    reader = PartialReader(codec)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        for piece in pieces:
            reader.feed(piece)
        reader.finish()
    finally:
        sys.setprofile(before)
    return count


LONG: list[tuple[Reads, str, str, str]] = [
    (codec_of(str), "<str>", "a &amp; b <i>c</i> ", "</str>"),
    (codec_of(list[Town]), "", "<town><name>A</name><people>2</people></town> ", ""),
    (codec_of(Note), "<note>", "<line>a</line>", "</note>"),
    (codec_of(Folder), "", "<folder><name>a</name></folder>", ""),
    (codec_of(dict[str, int]), "<dict>{", '"a": 1, ', '"b": 2}</dict>'),
    (json_codec_of(list[str]), '{"result": [', '"a\\n", ', '"b"]}'),
    (json_codec_of(str), '{"result": "', "a\\u00e9 ", '"}'),
    (codec_of(Town), "", "<town><name>a", ""),
    (codec_of(Town), "<town ", "a='<'", ""),
    (json_codec_of(Book), "", '{"title": "a", ', ""),
    (json_codec_of(Book), "", '{"a":', ""),
]


@pytest.mark.parametrize(("codec", "start", "middle", "end"), LONG, ids=[f"{one[1]}{one[2]}" for one in LONG])
@pytest.mark.parametrize("size", [1, 10])
def test_work_grows_as_the_text_does(codec: Reads, start: str, middle: str, end: str, size: int) -> None:
    calls_of(codec, start + middle * 2 + end, size)
    some, more = (calls_of(codec, start + middle * count + end, size) for count in (200, 800))
    assert more < 4.5 * some


def test_a_look_that_nobody_takes_copies_nothing() -> None:
    reader = PartialReader(codec_of(str))
    reader.feed("<str>")
    kept = [one for _ in range(20_000) if (one := reader.feed("0123456789")) is not None]
    assert len(kept) == 20_000
    assert (len(kept[0].text), len(kept[-1].text)) == (10, 200_000)


@pytest.mark.parametrize(
    ("codec", "text", "value"),
    [
        (codec_of(list[int]), "<int>1</int><int>2</int><int>34", [1, 2]),
        (codec_of(list[str]), "<str>a</str><str>b", ["a"]),
        (codec_of(list[str]), "<str>a</str><str>b</str><str>c", ["a", "b"]),
        (codec_of(set[int]), "<int>1</int><int>1</int><in", {1}),
        (codec_of(tuple[int, ...]), "<int>1</int>", (1,)),
        (codec_of(list[Town]), f"{WHOLE}<town><name>B</name>", [Town(name="a", people=1)]),
        (codec_of(list[Folder]), "<folder><name>a</name><folder><name>b</name></folder>", None),
        (codec_of(list[int]), "<int>1</int><int>two</int><int>3", None),
        (codec_of(list[int]), "<int>1", None),
        (codec_of(list[int]), "<int></int>", None),
        (codec_of(int), "<int>1</int>", None),
        (codec_of(dict[str, int]), '<dict>{"a": 1, "b": 2, "c": 3', {"a": 1, "b": 2}),
        (codec_of(Trip), "<where>a</where><stops>b</stops><stops>c", None),
        (json_codec_of(list[int]), '{"result": [1, 2, 34', [1, 2]),
        (json_codec_of(list[int]), '{"result": [1, 2, 34]', [1, 2, 34]),
        (json_codec_of(list[int]), '{"result": [1, "x", 34', None),
        (json_codec_of(list[Book]), '{"result": [{"title": "a"}, {"title": "b"', [Book(title="a")]),
        (json_codec_of(set[dt.date]), '{"result": ["2020-01-01", "2020-', {dt.date(2020, 1, 1)}),
        (json_codec_of(dict[str, int]), '{"a": 1, "b": 2', {"a": 1}),
        (json_codec_of(Book), '{"title": "a", "parts": [{"title": "b"},', None),
        (json_codec_of_schema({"type": "array", "items": {"type": "integer"}}), '{"result": [1, 2', [1]),
        (json_codec_of_schema({"type": "array", "minItems": 3}), '{"result": [1, 2, 3', None),
        (json_codec_of_schema({"type": "object", "required": ["b"]}), '{"a": 1, "b', None),
    ],
)
def test_of_a_list_that_was_cut_off_the_complete_items_are_kept(codec: Reads, text: str, value: object) -> None:
    assert complete_items(codec, text) == value


@given(st.lists(TOWNS, min_size=1, max_size=4), st.data())
def test_the_items_that_are_kept_are_the_first_of_the_whole(towns: list[Town], data: st.DataObject) -> None:
    pairs: list[tuple[Reads, str]] = [
        (codec_of(list[Town]), "\n".join(map(str, towns))),
        (json_codec_of(list[Town]), as_json({"result": towns})),
    ]
    for codec, answer in pairs:
        kept = complete_items(codec, answer[: data.draw(st.integers(0, len(answer)))])
        whole = codec.read(answer)
        assert kept is None or (kept and whole[: len(kept)] == kept)
        assert complete_items(codec, answer) == whole


def test_a_cut_off_list_is_no_answer_to_strict_reading_of_json() -> None:
    with pytest.raises((MissingModelError, UnparsedError)):
        json_codec_of(list[int]).read('{"result": [1, 2')
