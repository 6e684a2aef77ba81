"""A model is written as tagged text and read back from whatever surrounds it."""

from __future__ import annotations

import datetime as dt
import textwrap
import time
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from rigging_py.error import MissingModelError, PromptDefinitionError, UnparsedError
from rigging_py.model import Model, attr, element, wrapped


class FunFact(Model):
    fact: str


class Person(Model):
    name: str
    age: int


class Colour(Enum):
    RED = "red"
    SKY = "sky blue"


class Note(Model, tag="remark"):
    """Every way to place a text."""

    title: str = attr()
    lines: list[str] = element("line")
    words: list[str] = wrapped("words", element("word"))
    body: str = element()
    author: Person
    fact: FunFact


class Settings(Model):
    level: Literal["low", "high"] = attr()
    count: int
    is_on: bool
    colour: Colour
    since: dt.date
    rest: int | None
    nick: str | None = None
    size: int = 7


class Folder(Model):
    name: str
    folders: list[Folder] = element("folder", default=[])


class Link(Model):
    to: str
    next: Link | None = element("next", default=None)


class Shape(Model):
    figure: Person | FunFact


class Shapes(Model):
    title: str
    figures: list[Person | FunFact]
    end: str


class Later(Model):
    item: Defined
    count: int = attr(default=1)


class Defined(Model):
    what: str


def as_read(text: str) -> str:
    return textwrap.dedent(text).strip()


TEXT = st.text() | st.lists(
    st.sampled_from(["</remark>", "<line>", "</line>", "<![CDATA[", "]]>", "<!--", "&amp;", "\n", "  ", '"', "x"])
).map("".join)
NOTES = st.builds(
    Note,
    title=TEXT,
    lines=st.lists(TEXT),
    words=st.lists(TEXT),
    body=TEXT,
    author=st.builds(Person, name=TEXT, age=st.integers()),
    fact=st.builds(FunFact, fact=TEXT),
)
NOT_NONE = TEXT.filter(lambda text: as_read(text).lower() not in ("", "none", "null", "n/a"))
SETTINGS = st.builds(
    Settings,
    level=st.sampled_from(["low", "high"]),
    colour=st.sampled_from(Colour),
    nick=st.none() | NOT_NONE.map(as_read),
)


def list_as_read(texts: list[str]) -> list[str]:
    """A list of one blank text is an empty list: that is how a model says that it has none."""
    read = [as_read(text) for text in texts]
    return read if read != [""] else []


@given(NOTES)
def test_a_written_model_is_read_back_with_its_texts_dedented_and_stripped(note: Note) -> None:  # surface 3.2 no. 33
    [(read, place)] = Note.from_text(f"Here: {note.to_pretty_xml()} Done.")
    assert place.start == len("Here: ")
    assert read == Note(
        title=note.title,
        lines=list_as_read(note.lines),
        words=list_as_read(note.words),
        body=as_read(note.body),
        author=Person(name=as_read(note.author.name), age=note.author.age),
        fact=FunFact(fact=as_read(note.fact.fact)),
    )


@given(NOTES)
def test_no_value_opens_or_closes_a_tag(note: Note) -> None:  # surface 3.2 no. 34  # surface 3.2 no. 34
    written = note.to_pretty_xml()
    assert [place for _, place in Note.from_text(written)] == [slice(0, len(written))]
    assert written.count("</remark>") == written.count("<remark") == 1


@given(SETTINGS)
def test_plain_values_of_every_kind_are_read_back(settings: Settings) -> None:
    assert Settings.one_from_text(settings.to_pretty_xml())[0] == settings


NAMES = st.sampled_from(["a", "b <c>", "</folder>"])
FOLDERS = st.recursive(
    st.builds(Folder, name=NAMES, folders=st.just([])),
    lambda inner: st.builds(Folder, name=NAMES, folders=st.lists(inner, max_size=3)),
)


@given(FOLDERS)
def test_a_model_inside_itself_is_read_back(folder: Folder) -> None:
    assert Folder.one_from_text(folder.to_pretty_xml())[0] == folder


@given(st.text())
def test_reading_any_text_raises_nothing_but_that_it_is_missing(text: str) -> None:
    with pytest.raises(MissingModelError):
        Note.from_text(text)


@given(st.lists(st.sampled_from(["<remark>", "</remark>", "<line>", "</line>", "<remark title='", "'>", "1", "<"])))
def test_reading_broken_markup_gives_models_or_what_is_wrong(pieces: list[str]) -> None:
    for value, place in Note.candidates("".join(pieces)):
        assert isinstance(value, Note | ValueError)
        assert place.start < place.stop


PERSON = Person(name="Ann", age=3)


@pytest.mark.parametrize(
    "text",
    [
        "<person><name>Ann</name><age>3</age></person>",
        "<person>\n  <age> 3 </age>\n  <name>Ann</name>\n</person>",
        "Sure! <person><name>Ann</name><age>3</age></person> Anything else?",
        "I write <person> like so: <person><name>Ann</name><age>3</age></person>",
        "<person>\n<person><name>Ann</name><age>3</age></person>\n</person>",
        "<person id='1'><!-- her name --><name lang='en'>Ann</name>, <age>3</age></person>",
        "<person><surname>Lee</surname><name>Ann</name><age>3</age></person>",
        "<person><name><![CDATA[Ann]]></name><age>3</age></person>",
        "<person><name>my <name>Ann</name><age>3</age></person>",
        "```xml\n<person><name>Ann</name><age>3</age></person>\n```",
        "<person><name>Ann</name><age>3</age><name>Bob</name><age>4</age></person>",
        "<person><name>Ann</name><name>Bob</name><age>3</age></person>",
        "<Person><name>Bob</name></Person><person ><name >Ann</name ><age>3</age></person >",
    ],
)
def test_what_surrounds_and_orders_the_children_does_not_matter(
    text: str,
) -> None:  # surface 3.2 no. 32  # surface 3.2 no. 32
    assert Person.one_from_text(text)[0] == PERSON


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("if a < b && c > d", "if a < b && c > d"),
        ("<b>Ann</b> & <i>co", "<b>Ann</b> & <i>co"),
        ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
        ("<![CDATA[<name>x</name>]]>", "<name>x</name>"),
        ("<settings>", "<settings>"),
        ("\n    Ann\n      Lee\n  ", "Ann\n  Lee"),
        ("", ""),
    ],
)
def test_text_between_tags_is_text(text: str, name: str) -> None:  # surface 3.2 no. 32
    assert Person.one_from_text(f"<person><name>{text}</name><age>1</age></person>")[0].name == name


def test_unescaped_text_in_a_model_inside_itself_is_text_too() -> None:
    text = "<folder><name>a</name><folder><name>b <b>c</b> d</name></folder></folder>"
    assert Folder.one_from_text(text)[0] == Folder(name="a", folders=[Folder(name="b <b>c</b> d")])


def test_a_model_inside_itself_may_have_another_tag_there() -> None:
    link = Link(to="a", next=Link(to="b <i>x</i>", next=Link(to="c")))
    assert Link.one_from_text(link.to_pretty_xml().replace("&lt;", "<").replace("&gt;", ">"))[0] == link


@pytest.mark.parametrize(
    ("inside", "attribute", "value"),
    [
        ("<count>1,234</count>", "count", 1234),
        ("<is_on>Yes, it is</is_on>", "is_on", True),
        ("<colour>Sky Blue.</colour>", "colour", Colour.SKY),
        ("<rest>none</rest>", "rest", None),
        ("<rest/>", "rest", None),
        ("", "rest", None),
        ("<nick></nick>", "nick", None),
        ("<nick>Al</nick>", "nick", "Al"),
        ("<unknown>3</unknown>", "size", 7),
        ("<unknown>3</unknown><size>9</size>", "size", 9),
    ],
)
def test_a_child_is_read_the_way_people_write(inside: str, attribute: str, value: object) -> None:  # surface 3.2 no. 32
    given_ones = "".join(
        f"<{tag}>{text}</{tag}>"
        for tag, text in {"count": "1", "is_on": "no", "colour": "red", "since": "2020-01-02"}.items()
        if tag != attribute
    )
    read, _ = Settings.one_from_text(f"<settings level='LOW'>{inside}{given_ones}</settings>")
    assert read.level == "low"
    assert getattr(read, attribute) == value


@pytest.mark.parametrize(
    ("inside", "lines", "words"),
    [
        ("", [], []),
        ("<line/><words/>", [], []),
        ("<line></line><words><word></word></words>", [], []),
        ("<line>a</line><words><word>b</word><word>c</word></words><line>d</line>", ["a", "d"], ["b", "c"]),
        ("<line>a</line><line/>", ["a", ""], []),
    ],
)
def test_a_list_may_be_empty(inside: str, lines: list[str], words: list[str]) -> None:
    rest = "<body/><person><name/><age>1</age></person><fun-fact/>"
    note, _ = Note.one_from_text(f"<remark title=''>{inside}{rest}</remark>")
    assert (note.lines, note.words) == (lines, words)


def test_a_list_that_may_not_be_empty_is_asked_for() -> None:
    class Report(Model):
        findings: Annotated[list[str], Field(min_length=1)] = element("finding")

    with pytest.raises(ValidationError, match="at least 1 item"):
        Report.from_text("<report><finding/></report>")


def test_an_empty_list_is_only_assumed_of_text() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        Folder.model_validate({})
    with pytest.raises(ValidationError, match="lines"):
        Note.model_validate({"title": "t"})


def test_one_of_several_models_is_told_by_its_tag() -> None:
    assert Shape.one_from_text("<shape><fun-fact>f</fun-fact></shape>")[0].figure == FunFact(fact="f")
    assert Shape.one_from_text("<shape><person><age>3</age><name>Ann</name></person></shape>")[0].figure == PERSON
    both = "<shape><fun-fact>f</fun-fact><person><name>A</name><age>3</age></person></shape>"
    assert Shape.one_from_text(both)[0].figure == FunFact(fact="f")
    with pytest.raises(ValidationError, match="figure"):
        Shape.from_text("<shape><settings/></shape>")


def test_a_list_of_several_models_keeps_their_order() -> None:
    shapes = Shapes(title="t", figures=[PERSON, FunFact(fact="f"), PERSON, FunFact(fact="g")], end="e")
    assert Shapes.one_from_text(shapes.to_pretty_xml())[0] == shapes


def test_a_model_may_name_one_that_is_defined_later() -> None:
    text = "<later><defined>x</defined></later>"
    assert Later.one_from_text(text)[0] == Later(item=Defined(what="x"))
    assert Later.xml_example() == '<later count="">\n  <defined/>\n</later>'


def test_a_tuple_has_an_element_for_each_of_its_types() -> None:
    class Pair(Model):
        pair: tuple[int, str] = element("side")

    assert Pair.one_from_text("<pair><side>1</side><side>a</side></pair>")[0].pair == (1, "a")
    assert Pair.xml_example() == "<pair>\n  <side/>\n  <side/>\n</pair>"


def test_a_mapping_is_written_as_attributes() -> None:
    class Counts(Model):
        counts: dict[str, int] = element()

    counts = Counts(counts={"a": 1, "b": 2})
    assert Counts.one_from_text(counts.to_pretty_xml())[0] == counts


def test_every_element_is_read_with_its_place() -> None:
    text = "1. <fun-fact>a</fun-fact> 2. <fun-fact>b</fun-fact>"
    found = FunFact.from_text(text)
    assert [fact.fact for fact, _ in found] == ["a", "b"]
    assert [text[place] for _, place in found] == ["<fun-fact>a</fun-fact>", "<fun-fact>b</fun-fact>"]


def test_a_missing_element_is_named() -> None:
    with pytest.raises(MissingModelError, match="There is no 'fun-fact' element") as caught:
        FunFact.from_text("<funfact>x</funfact>")
    assert caught.value.tag == "fun-fact"


def test_an_invalid_element_says_what_is_wrong_and_where() -> None:
    with pytest.raises(ValidationError) as caught:
        Person.from_text("<person><name>Ann</name><age>old</age></person>")
    [error] = caught.value.errors()
    assert (error["loc"], error["input"]) == (("age",), "old")
    assert "line -1" not in str(caught.value)


def test_invalid_elements_stand_among_the_valid_when_asked_for() -> None:
    text = "<person><name>A</name></person><person><name>B</name><age>2</age></person>"
    (wrong, _), (right, _) = Person.from_text(text, return_errors=True)
    assert isinstance(wrong, ValidationError)
    assert right == Person(name="B", age=2)


def test_the_one_is_the_valid_element_that_holds_the_most_text() -> None:
    text = "<fun-fact>short</fun-fact><fun-fact>a longer one</fun-fact><fun-fact>mid</fun-fact>"
    assert FunFact.one_from_text(text)[0].fact == "a longer one"
    with pytest.raises(UnparsedError, match="3 of these where one was asked for"):
        FunFact.one_from_text(text, fail_on_many=True)


def test_without_a_valid_one_the_first_says_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="age"):
        Person.one_from_text("<person><name>A</name></person><person/>")


def test_the_tag_is_the_class_name_in_kebab_case_or_the_given_one() -> None:
    class HTTPRequestBody(Model):
        text: str

    class Special(FunFact, tag="my.tag"):
        pass

    assert HTTPRequestBody.xml_tags() == "<http-request-body></http-request-body>"
    assert (Special.xml_start_tag(), Special.xml_end_tag()) == ("<my.tag>", "</my.tag>")
    assert Special.one_from_text("<my.tag>x</my.tag>")[0].fact == "x"


def test_a_field_beside_others_is_an_element_without_changing_the_class_it_came_from() -> None:
    class More(FunFact):
        source: str

    assert More(fact="a", source="b").to_pretty_xml() == "<more>\n  <fact>a</fact>\n  <source>b</source>\n</more>"
    assert FunFact(fact="a").to_pretty_xml() == "<fun-fact>a</fun-fact>"


def test_simple_models_know_that_they_are() -> None:
    class Named(Model):
        text: str
        name: str = attr()

    assert (FunFact.is_simple(), FunFact.is_simple_with_attrs()) == (True, True)
    assert (Named.is_simple(), Named.is_simple_with_attrs()) == (False, True)
    assert (Person.is_simple(), Person.is_simple_with_attrs()) == (False, False)


def test_a_choice_before_the_text_leaves_the_model_a_simple_one() -> None:
    class Comparison(Model):
        kind: Literal["strict", "loose"] = attr()
        text: Annotated[str, Field(max_length=100)]

    assert Comparison.is_simple_with_attrs()
    read, _ = Comparison.one_from_text('<comparison kind="LOOSE">x<y & z</comparison>')
    assert (read.kind, read.text) == ("loose", "x<y & z")


def test_a_model_of_attributes_alone_is_one_empty_element() -> None:
    class Mark(Model):
        name: str = attr()

    assert Mark(name="<").to_pretty_xml() == '<mark name="&lt;" />'
    for text in ('<mark name="&lt;"/>', '<mark name="&lt;"></mark>'):
        assert Mark.one_from_text(text)[0] == Mark(name="<")


def test_a_class_is_valid_when_text_can_hold_its_fields() -> None:
    class Loose(Model):
        later: Unknown  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore

    Note.ensure_valid()
    with pytest.raises(NameError, match="'Unknown' is not defined"):
        Loose.ensure_valid()


def test_plain_xml_stands_on_one_line_and_is_escaped() -> None:  # surface 3.2 no. 34
    person = Person(name="</name><age>9</age>", age=3)
    assert person.to_xml() == "<person><name>&lt;/name&gt;&lt;age&gt;9&lt;/age&gt;</name><age>3</age></person>"
    assert Person.from_text(person.to_xml()) == [(person, slice(0, len(person.to_xml())))]
    assert Person(name="", age=1).to_xml(skip_empty=True) == "<person><age>1</age></person>"


def test_class_keywords_of_pydantic_xml_mean_what_they_mean_there() -> None:
    class Spaced(
        Model, tag="n", ns="x", nsmap={"x": "http://e.x/"}, ns_attrs=True, skip_empty=True, search_mode="ordered"
    ):
        a: str = attr()
        b: str = element()
        c: str | None = element(default=None)
        many: list[str] = wrapped("many", element("one"))
        inner: Person

    spaced = Spaced(a="1", b="2<", many=["q"], inner=PERSON)
    text = spaced.to_pretty_xml()
    assert (Spaced.xml_tags(), "http" in text, "<c" in text) == ("<n></n>", False, False)
    assert Spaced.one_from_text(text)[0] == spaced
    assert spaced.to_xml().startswith('<x:n xmlns:x="http://e.x/" x:a="1"><x:b>2&lt;</x:b>')
    assert Spaced.from_xml(spaced.to_xml()) == spaced


def test_several_plain_fields_are_written_and_read() -> None:  # surface 3.2 no. 33
    class User(Model):
        name: str
        email: str
        age: int

    user = User(name="A", email="a@b.c", age=3)
    assert str(user) == "<user>\n  <name>A</name>\n  <email>a@b.c</email>\n  <age>3</age>\n</user>"
    assert User.one_from_text(str(user))[0] == user


def test_unescaped_text_is_text_in_every_field() -> None:  # surface 3.2 no. 32
    class Report(Model):
        lines: list[str] = element("line")
        rest: str | None = None
        fact: FunFact

    text = "<report><fun-fact>a<b</fun-fact><line>x < y & z</line><line><i>w</i></line><rest>1 <2</rest></report>"
    assert Report.one_from_text(text)[0] == Report(
        lines=["x < y & z", "<i>w</i>"], rest="1 <2", fact=FunFact(fact="a<b")
    )


def test_pretty_text_is_indented_and_escaped() -> None:
    note = Note(title='"<', lines=["a\n  b"], words=[], body="", author=Person(name="&", age=1), fact=FunFact(fact="f"))
    assert str(note) == textwrap.dedent("""\
        <remark title="&quot;&lt;">
          <line>
          a
            b
          </line>
          <words />
          <body />
          <person>
            <name>&amp;</name>
            <age>1</age>
          </person>
          <fun-fact>f</fun-fact>
        </remark>""")


def test_what_is_none_or_unset_or_empty_can_be_left_out() -> None:
    settings = Settings(level="low", count=1, is_on=True, colour=Colour.RED, since=dt.date(2020, 1, 2), rest=None)
    assert "<nick />" in settings.to_pretty_xml()
    assert "nick" not in settings.to_pretty_xml(exclude_none=True)
    assert "size" not in settings.to_pretty_xml(exclude_unset=True)
    assert "nick" not in settings.to_pretty_xml(skip_empty=True)


@pytest.mark.parametrize("model", [Note, Folder, FunFact])
@pytest.mark.parametrize("piece", ["<{}>", "</{}>", "<{} x='", "<line>", "<folder><name>", "<![CDATA[", "<{}><!--"])
def test_a_megabyte_of_hostile_text_is_read_in_seconds(model: type[Model], piece: str) -> None:  # surface 3.2 no. 31
    tag = model.xml_element().tag
    piece = piece.format(tag)
    text = piece * (500_000 // len(piece))
    started = time.process_time()
    model.candidates(f"{text} <{tag}>{text}</{tag}>")
    assert time.process_time() - started < 30


def test_a_megabyte_of_nested_elements_is_read_in_seconds() -> None:
    depth = 1_000_000 // len("<folder></folder>")
    started = time.process_time()
    Folder.candidates("<folder>" * depth + "</folder>" * depth)
    assert time.process_time() - started < 30


def test_elements_a_thousand_deep_are_read_without_exhausting_the_stack() -> None:
    depth = 1000
    text = "<folder><name>x</name>" * depth + "</folder>" * depth
    [(value, _)] = Folder.candidates(text)
    assert isinstance(value, Folder | ValueError)


def test_a_field_that_may_hold_anything_is_refused() -> None:
    with pytest.raises(PromptDefinitionError, match="says nothing about the text to expect"):

        class Loose(Model):  # pyright: ignore[reportUnusedClass] — never gets to be one
            what: Any
