"""Slices mark ranges of a message's text, and stay on their own text through every edit."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import MessageWarning
from rigging_py.message import (
    ContentImageUrl,
    ContentText,
    FunctionCall,
    GenerateParams,
    Message,
    MessageSlice,
    ModelTurn,
    ToolCall,
)
from rigging_py.message.edits import Edit, difference, edited
from rigging_py.model import Answer, ErrorModel, Model, Question
from rigging_py.run import AgentRun

IMAGE = ContentImageUrl.from_url("https://example.org/a.png")
FORTY_TWO = "<answer>42</answer>"


def kinds(message: Message) -> list[str]:
    return [part.type for part in message.content_parts]


def texts(message: Message) -> list[str]:
    return [one.content for one in message.slices]


# Adding.


def test_a_slice_is_added_with_its_text() -> None:
    message = Message("user", "look")
    one = message.append_slice("here", "tool_call", obj={"a": 1}, metadata={"seen": True})
    assert (message.content, one.content, one.slice_) == ("look\nhere", "here", slice(5, 9))
    assert (one.type, one.obj, one.metadata, len(one), message.slices) == (
        "tool_call",
        {"a": 1},
        {"seen": True},
        4,
        [one],
    )


def test_a_model_is_added_as_its_element() -> None:
    message = Message("user", "look")
    one = message.append_slice(Answer(content="42"))
    assert (one.type, one.content, message.models) == ("model", FORTY_TWO, [Answer(content="42")])


def test_an_added_slice_marks_its_own_text_after_an_empty_part() -> None:  # surface 3.2 no. 15
    several: list[list[Any]] = [[""], ["", IMAGE], [" "], [IMAGE, ""], ["a", ""]]
    for parts in several:
        message = Message("assistant", [ContentText(text=one) if isinstance(one, str) else one for one in parts])
        assert message.append_slice("abc").content == "abc"


def test_blank_text_is_not_added() -> None:
    message = Message("user", "look")
    with pytest.warns(MessageWarning, match="blank"):
        assert len(message.append_slice(" ")) == 0
    assert message.content == "look"


def test_all_text_is_replaced_by_a_slice_and_the_image_stays_where_it_was() -> None:
    message = Message("user", ["one", IMAGE, "two"])
    old = message.append_slice("three")
    new = message.replace_with_slice(Answer(content="42"))
    assert (message.content, message.slices, kinds(message)) == (FORTY_TWO, [new], ["text", "image_url"])
    assert old.message is None


def test_a_message_is_made_of_models() -> None:
    message = Message.from_model([Answer(content="42"), ErrorModel(type="E", content="no")], suffix="Go on.")
    assert message.content == f'{FORTY_TWO}\n<error type="E">no</error>\nGo on.'
    assert (texts(message), message.metadata) == ([FORTY_TWO, '<error type="E">no</error>'], {"error": "no"})
    assert Message.from_model((Answer(content="a"), Answer(content="b")), role="assistant").models[1].content == "b"  # type: ignore[attr-defined]


# Marking.


@pytest.mark.parametrize(
    ("target", "marked"),
    [
        ("one", ["one", "one"]),
        ((4, 7), ["two"]),
        (-1, ["one two ONE one"]),
        ("*", ["one two ONE one"]),
        (re.compile(r"\w+o\b"), ["two"]),
        ("none", []),
    ],
)
def test_every_place_that_is_named_is_marked(target: Any, marked: list[str]) -> None:
    message = Message("user", "one two ONE one")
    assert [one.content for one in message.mark_slice(target, select="all")] == marked
    assert texts(message) == marked


def test_all_places_are_recorded_and_one_is_selected() -> None:
    message = Message("user", "one two one")
    first, last = message.mark_slice("one"), message.mark_slice("one", select="last")
    assert (first, last) == (message.slices[0], message.slices[1])
    assert len(message.slices) == 2
    assert len(message.mark_slice("ONE", "tool_call", select="all", case_sensitive=False)) == 2


def test_models_are_marked_where_they_stand() -> None:
    message = Message("assistant", f"a {FORTY_TWO} b")
    one = message.mark_slice(Answer)
    assert one is not None
    assert (one.type, one.content, one.obj) == ("model", FORTY_TWO, Answer(content="42"))


@pytest.mark.parametrize("target", ["", (2, 2), (0, 9), (-1, 2), (3, 1)])
def test_what_names_no_text_marks_nothing_and_warns(target: Any) -> None:
    with pytest.warns(MessageWarning, match="Nothing was marked"):
        assert Message("user", "look").mark_slice(target) is None


def test_slices_are_found_by_type_and_place() -> None:
    message = Message("user", "one two three")
    three, one = message.mark_slice("three"), message.mark_slice("one")
    two = message.mark_slice("two", "tool_call")
    assert message.find_slices() == [one, two, three]
    assert message.find_slices("other", lambda found: len(found) > 3) == [three]
    assert (message.get_slice(), message.get_slice("other", select="last")) == (one, three)
    assert message.get_slice("model") is None
    assert list(message.iter_slices(["tool_call", "other"], reverse=True)) == [three, two, one]


def test_what_is_parsed_is_marked_and_the_text_stays() -> None:
    message = Message("assistant", f"a {FORTY_TWO} <answer>43</answer> <question>?</question>")
    text = message.content
    message.parse(Answer)
    message.parse(Answer)
    assert (texts(message), message.slices[0].metadata) == ([FORTY_TWO], {"model_type": "Answer"})
    message.try_parse_set(Answer)
    message.parse_many(Question, Answer)
    assert message.try_parse(int) is None
    assert [type(one) for one in message.models] == [Answer, Answer, Question]
    assert message.content == text


# Slices by themselves.


def test_a_detached_slice_has_no_text_and_says_so() -> None:
    one = MessageSlice("other", start=1, stop=3)
    with pytest.warns(MessageWarning, match="on no message"):
        assert one.content == "[detached]"
    with pytest.warns(MessageWarning, match="on no message"):
        one.content = "x"
    assert (len(one), "detached" in str(one)) == (2, True)


def test_a_clone_is_detached_and_has_metadata_of_its_own() -> None:
    one = Message("user", "look").append_slice("here", metadata={"a": [1]})
    clone = one.clone()
    clone.metadata["a"].append(2)
    assert (clone == one, clone.message, one.metadata) == (True, None, {"a": [1]})


def test_slices_of_one_place_and_type_are_equal() -> None:
    assert MessageSlice("model", Answer(content="a"), 1, 2) == MessageSlice("model", None, 1, 2, {"x": 1})
    assert MessageSlice("model", None, 1, 2) != MessageSlice("other", None, 1, 2)
    assert MessageSlice("model", None, 1, 2) != "1:2"


def test_slices_are_put_on_the_message_they_are_given_to() -> None:
    first = Message("user", "one two", [MessageSlice("other", start=0, stop=3)])
    second = Message("user", "two one")
    second.slices = first.slices
    assert (texts(first), texts(second)) == (["one"], ["two"])
    with pytest.warns(MessageWarning, match="left out"):
        second.slices = [MessageSlice("other", start=0, stop=30)]
    assert second.slices == []


def test_a_shell_and_a_clone_have_slices_of_their_own() -> None:
    message = Message("user", "one two")
    message.mark_slice("two")
    for copy in (message.shell(), message.clone()):
        copy.content = "a one two"
        assert (texts(copy), texts(message)) == (["two"], ["two"])


# Editing.


def test_setting_a_slice_changes_its_text_alone_and_keeps_it_on_the_message() -> None:  # surface 3.2 no. 16
    message = Message("assistant", "42 and 42 or 42")
    first, second, third = message.mark_slice("42", select="all")
    second.content = "forty-three"
    assert message.content == "42 and forty-three or 42"
    assert [one.content for one in (first, second, third)] == ["42", "forty-three", "42"]
    assert any(one is second for one in message.slices)


def test_equal_texts_are_told_apart_when_the_content_changes() -> None:  # surface 3.2 no. 16
    message = Message("assistant", "first 42, second 42")
    message.mark_slice("42", select="all")
    message.content = "Well: first 42, then second 42."
    assert [one.slice_ for one in message.slices] == [slice(12, 14), slice(28, 30)]
    [_, second] = message.slices
    assert [one is second for one in message.remove_slices(second)] == [True]
    assert (message.content, texts(message)) == ("Well: first 42, then second .", ["42"])


@pytest.mark.parametrize("content", ["new\nand more", "x", "look\nand more", "", "a\nb\nc"])
def test_an_edit_never_changes_the_order_of_the_parts(content: str) -> None:  # surface 3.2 no. 14
    message = Message("user", ["look", IMAGE, "and more"])
    message.content = content
    assert message.content == content
    assert [kind for kind in kinds(message) if kind != "text"] == ["image_url"]
    if content.endswith("\nand more"):
        assert [str(part) for part in message.content_parts] == [content.split("\n")[0], str(IMAGE), "and more"]


def test_applying_keeps_the_order_and_the_slices() -> None:  # surface 3.2 no. 14
    message = Message("user", ["$who says", IMAGE, "end: $who"])
    message.mark_slice("end: $who")
    applied = message.apply(who="Ann")
    assert [str(part) for part in applied.content_parts] == ["Ann says", str(IMAGE), "end: Ann"]
    assert texts(applied) == ["end: Ann"]
    assert Message("user", "$$5 and $5").apply(x="y").content == "$$5 and $5"  # surface 3.2 no. 45


def test_the_text_of_the_first_part_goes_and_the_image_stays_before_the_second() -> None:
    message = Message("user", ["one", IMAGE, "two"])
    message.mark_slice("one")
    message.remove_slices("other")
    assert [str(part) for part in message.content_parts] == [str(IMAGE), "two"]


def test_slices_are_removed_by_type_text_class_and_themselves() -> None:
    message = Message("assistant", f"{FORTY_TWO} One two three")
    message.parse(Answer)
    for word in ("One", "two", "three"):
        message.mark_slice(word)
    two = message.find_slices(filter_fn=lambda one: one.content == "two")[0]
    assert message.remove_slices(Answer)[0].obj == Answer(content="42")
    assert message.content == "One two three"
    assert message.remove_slices("ONE")[0].message is None
    assert message.remove_slices(two.clone()) == [MessageSlice("other", start=0, stop=3)]
    assert (message.content, texts(message)) == ("three", ["three"])
    message.remove_slices("other")
    assert (message.content, message.slices, message.remove_slices("other")) == ("", [], [])


def test_overlapping_slices_are_removed_together() -> None:
    message = Message("user", "one two three")
    message.slices = [MessageSlice("other", start=0, stop=7), MessageSlice("other", start=4, stop=13)]
    message.remove_slices("other")
    assert message.content == ""


def test_a_slice_grows_with_what_is_changed_inside_of_it() -> None:
    message = Message("user", "a (b) c")
    outer, inner = message.mark_slice("(b)"), message.mark_slice("b")
    assert outer is not None and inner is not None  # noqa: PT018
    inner.content = "bee"
    assert (outer.content, inner.content) == ("(bee)", "bee")


def test_shorter_clones_keep_the_slices_of_what_is_left() -> None:
    message = Message("user", "begin middle end")
    message.mark_slice(re.compile(r"\w+"), select="all")
    assert (message.truncate(15, "...").content, texts(message.truncate(15, "..."))) == (
        "begin middle...",
        ["begin", "middle"],
    )
    assert (message.shorten(11).content, texts(message.shorten(11))) == ("begi... end", ["end"])
    assert message.truncate(100).content == message.shorten(100).content == message.content
    assert (message.truncate(2).content, message.shorten(2).content, len(message.slices)) == ("be", "be", 3)
    with pytest.raises(ValueError, match="max_length is -1"):
        message.truncate(-1)


PIECES = st.lists(st.sampled_from(["42", " ", "\n", "a", "42 b", "", IMAGE]), min_size=1, max_size=8)
RANGES = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), max_size=4)
WORDS = st.sampled_from(["", "x", "42", "\n", " ", "a\n42", "x y"])


def marked(pieces: list[Any], ranges: list[tuple[int, int]]) -> Message:
    message = Message("assistant", [ContentText(text=one) if isinstance(one, str) else one for one in pieces])
    length = len(message.content)
    message.slices = [MessageSlice("other", n, a, a + b) for n, (a, b) in enumerate(ranges) if a + b <= length]
    return message


def media(message: Message) -> int:
    return kinds(message).count("image_url")


@given(PIECES, RANGES, st.lists(WORDS, max_size=6))
def test_after_any_new_content_every_slice_marks_its_own_text(pieces: Any, ranges: Any, new: list[str]) -> None:
    message = marked(pieces, ranges)
    before, images, text = {one.obj: one.content for one in message.slices}, media(message), "".join(new)
    message.content = text
    assert (message.content, media(message)) == (text, images)
    assert all(one.content == before[one.obj] for one in message.slices)


@given(PIECES, RANGES, WORDS, st.data())
def test_after_any_edit_of_a_slice_the_rest_is_as_it_was(pieces: Any, ranges: Any, new: str, data: Any) -> None:
    message = marked(pieces, ranges)
    if not message.slices:
        return
    one = data.draw(st.sampled_from(message.slices))
    text, images = message.content, media(message)
    apart = {two.obj: two.content for two in message.slices if two.stop <= one.start or two.start >= one.stop}
    expected = text[: one.start] + new + text[one.stop :]
    one.content = new
    assert (message.content, one.content, media(message)) == (expected, new, images)
    assert {two.obj: two.content for two in message.slices if two.obj in apart} == apart


@given(PIECES, st.data())
def test_what_an_edit_does_not_touch_stays_in_its_part(pieces: Any, data: Any) -> None:
    message = marked(pieces, [])
    text = message.content
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, len(text)))
    before = [part for part in message.content_parts if isinstance(part, ContentImageUrl)]
    message.edit([Edit(start, stop, "new")])
    assert message.content == text[:start] + "new" + text[stop:]
    assert [part for part in message.content_parts if isinstance(part, ContentImageUrl)] == before


@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_the_difference_of_two_texts_makes_one_of_the_other(old: str, new: str) -> None:
    assert edited(old, difference(old, new)) == new


def test_long_texts_with_many_slices_are_edited_in_little_time() -> None:
    message = Message("user", "<answer>" * 5000)
    assert len(message.mark_slice("<answer>", select="all")) == 5000
    message.content = f"new {message.content} new"
    assert len(message.remove_slices("other")) == 5000
    assert message.content == "new  new"


# Storing.

CALL = ToolCall(id="c", function=FunctionCall(name="add", arguments="{}"))


@given(PIECES, RANGES)
def test_slices_come_back_from_json_as_they_were(pieces: Any, ranges: Any) -> None:
    message = marked(pieces, ranges)
    back = Message.model_validate_json(message.model_dump_json())
    assert (back, texts(back)) == (message, texts(message))
    assert Message.fit(message.model_dump()) == message


@pytest.mark.parametrize("obj", [Answer(content="<42>"), CALL, None, {"a": [1]}, "text", 1.5])
def test_the_object_of_a_slice_comes_back_from_json(obj: Any) -> None:  # surface 3.2 no. 20
    message = Message("assistant", "one")
    message.append_slice("two", "model", obj=obj, metadata={"page": 3})
    back = Message.model_validate_json(message.model_dump_json())
    assert (back.slices[0].obj, back.slices[0].metadata) == (obj, {"page": 3})
    assert back.model_dump_json() == message.model_dump_json()


def test_a_model_that_was_parsed_is_there_in_a_stored_run() -> None:  # surface 3.2 no. 20
    said = Message("assistant", f"It is {FORTY_TWO}.")
    said.parse(Answer)
    run = AgentRun("How many?")
    run.next_step()
    run.model_response(ModelTurn(said, "stop"))
    stored = json.loads(json.dumps(run.dump()))
    back = AgentRun.load(stored)
    assert back.messages[-1].models == [Answer(content="42")]
    assert back.dump() == run.dump()


class Gone(Model):
    """A model that is looked for where it is not."""

    content: str


@pytest.mark.parametrize(
    "path", ["antigravity:Gone", "os:system", "rigging_py.model:Gone", "builtins:eval", "", "json:JSONDecoder.decode"]
)
def test_what_is_not_a_loaded_model_is_no_object_and_is_not_lost(path: str) -> None:
    message = Message("assistant", "x")
    message.append_slice(Gone(content="y"))
    data = message.model_dump(mode="json")
    data["slices"][0]["obj"]["class_path"] = path
    back = Message.model_validate(data)
    assert (back.slices[0].obj, back.models) == (None, [])
    assert back.model_dump(mode="json") == data
    assert "antigravity" not in sys.modules


def test_data_that_a_model_takes_no_more_is_no_object() -> None:
    data = Message("assistant", "x", [MessageSlice("model", Gone(content="y"), 0, 1)]).model_dump(mode="json")
    data["slices"][0]["obj"]["data"] = {"other": 1}
    assert Message.model_validate(data).slices[0].obj is None


def test_a_slice_holds_whatever_it_is_given_and_still_goes_into_json() -> None:
    message = Message("assistant", "x")
    message.append_slice("y", obj=GenerateParams(seed=1))
    message.append_slice("z", obj=object())
    back = Message.model_validate_json(message.model_dump_json())
    assert [one.obj for one in back.slices] == [None, None]
    assert back.model_dump()["slices"][0]["obj"]["data"]["seed"] == 1


def test_a_message_without_slices_stores_none() -> None:
    assert "slices" not in Message("user", "x").model_dump()
    assert "slices" not in Message("user", "x").to_openai()


# Names that Rigging had.


def test_old_names_still_work_and_say_what_takes_their_place() -> None:
    message: Any = Message("user", ["one", IMAGE])
    message.mark_slice("one")
    with pytest.warns(DeprecationWarning, match="content_parts"):
        assert message.all_content == message.content_parts
    with pytest.warns(DeprecationWarning, match="to_openai"):
        assert message.to_openai_spec() == message.to_openai()
    with pytest.warns(DeprecationWarning, match="slices"):
        assert message.parts == []
    with pytest.warns(DeprecationWarning, match="remove_slices"):
        assert len(message.strip("other")) == 1


def test_a_choice_among_the_marked_that_there_is_not_is_named_with_those_there_are() -> None:
    message = Message("user", "ho ho")
    with pytest.raises(ValueError, match="'first', 'last' or 'all'; not 'second'"):
        message.mark_slice("ho", select=cast("Any", "second"))
    assert message.slices == []
