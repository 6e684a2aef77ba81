"""Elements are found in whatever text a model writes, in time linear in it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.parsing import elements, escape, innermost, outermost, read_text, tagged, unescape
from rigging_py.parsing.extract import escape_attribute, read_attributes

MARKUP = st.lists(
    st.sampled_from(
        ["<a>", "</a>", "<a/>", "<b>", "</b>", "<a x='1'>", '<a x="', "<![CDATA[", "]]>", "<!--", "&", "<", "t"]
    )
).map("".join)


def texts(text: str, tag: str = "a") -> list[str]:
    return [read_text(found.inner(text)) for found in innermost(elements(text, (tag,)))]


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert unescape(escape(text)) == text


@given(st.text())
def test_escaped_text_neither_opens_nor_closes_a_tag(text: str) -> None:
    assert not {"<", ">"} & set(escape(text))


@given(st.text())
def test_an_escaped_attribute_comes_back_as_it_was(text: str) -> None:
    assert read_attributes(f' x="{escape_attribute(text)}"') == {"x": text}


@given(st.text())
def test_a_tagged_text_is_one_element_whatever_it_says(text: str) -> None:
    whole = tagged("a", f"{text}</a><a>{text}", x=text)
    [found] = elements(whole, ("a",))
    assert (found.start, found.stop) == (0, len(whole))


@given(MARKUP)
def test_every_found_element_opens_and_closes_with_its_tag(text: str) -> None:
    for found in elements(text, ("a", "b")):
        whole = text[found.start : found.stop]
        assert whole.startswith(f"<{found.tag}")
        assert whole.endswith((f"</{found.tag}>", "/>"))


@given(MARKUP)
def test_innermost_elements_do_not_overlap_and_stand_in_text_order(text: str) -> None:
    found = innermost(elements(text, ("a",)))
    assert all(one.stop <= after.start for one, after in pairwise(found))


@given(MARKUP)
def test_every_element_is_inside_an_outermost_one(text: str) -> None:
    found = elements(text, ("a",))
    outer = outermost(found)
    assert all(any(big.start <= one.start and one.stop <= big.stop for big in outer) for one in found)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("Sure! Here you go: <a>x</a> Anything else?", ["x"]),
        ("<a>x</a><a>y</a>", ["x", "y"]),
        ("<a>if x < y && y > z</a>", ["if x < y && y > z"]),
        ("<a>AT&T &amp; &lt;b&gt; &#65;&#x42;</a>", ["AT&T & <b> AB"]),
        ("<a>&amp;lt;</a>", ["&lt;"]),
        ("<a>&#0;&#xD800;&nope;</a>", ["&#0;&#xD800;&nope;"]),
        ("<a><![CDATA[<b>&amp;</b>]]></a>", ["<b>&amp;</b>"]),
        ("<a>1 <![CDATA[</a>]]> 2</a>", ["1 </a> 2"]),
        ("<a>x<![CDATA[y</a>", ["x<![CDATA[y"]),
        ("<![CDATA[<a>x</a>]]>", ["x"]),
        ("<a/>", [""]),
        ("<a />", [""]),
        ("<a x='>' y=\"/>\">x</a>", ["x"]),
        ("<a href=/path/>", [""]),
        ("<a\n  x='1'\n>x</a >", ["x"]),
        ("I shall use <a> now. <a>x</a>", ["x"]),
        ("<a><a>x</a></a>", ["x"]),
        ("<a>x", []),
        ("x</a>", []),
        ("<ab>x</ab> <A>x</A>", []),
        ("<a>\n    one\n      two\n</a>", ["one\n  two"]),
    ],
)
def test_an_element_is_read_as_it_was_meant(text: str, inside: list[str]) -> None:
    assert texts(text) == inside


def test_attributes_are_read_in_either_quotes_and_unescaped() -> None:
    [found] = elements("""<a x="1 &lt; 2" y='"' z-1 = "ü">t</a>""", ("a",))
    assert read_attributes(found.attributes) == {"x": "1 < 2", "y": '"', "z-1": "ü"}


def test_a_tag_name_is_not_a_pattern() -> None:
    assert texts("<a.b>x</a.b><acb>y</acb>", "a.b") == ["x"]


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    ["<a>", "</a>", "<a ", "<a x='", '<a x="y" ', "<a x='\">", "<a/", "<!--", "<![CDATA[", "<a><![CDATA[", "<a></a>",
     "<", "&", "&#", "&amp;lt;", "<a>\n", "< a>", "</a ", "<a >", "]]>", "<a><![CDATA[]]>"],
)  # fmt: skip
def test_a_megabyte_of_hostile_text_is_read_in_seconds(piece: str) -> None:
    text = piece * (MEGABYTE // 5 // len(piece))
    started = time.process_time()
    texts(f"{text} <a>{text}</a> <a {text}> <a x='{text}'>{text}</a>")
    assert time.process_time() - started < 30


@pytest.mark.parametrize("filling", ["x", " ", "'", '"', "x='y' ", "/", "-", "\n"])
def test_a_megabyte_inside_one_tag_is_read_in_seconds(filling: str) -> None:
    text = filling * (MEGABYTE // len(filling))
    started = time.process_time()
    for whole in (f"<a {text}", f"<a {text}>x</a>", f"<a{text}>", f"</a{text}>", f"<a>x</a {text}"):
        texts(whole)
    assert time.process_time() - started < 30
