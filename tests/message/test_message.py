"""A message says something, and values can be read out of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rigging_py.error import MissingModelError
from rigging_py.message import (
    Content,
    ContentAudioInput,
    ContentImageUrl,
    ContentText,
    FunctionCall,
    Message,
    ToolCall,
    inject_system_content,
    strip_system_content,
)
from rigging_py.message.content import Audio
from rigging_py.model import Answer, Question, Thinking

IMAGE = ContentImageUrl.from_url("https://example.org/a.png")
SOUND = ContentAudioInput(input_audio=Audio(data="AAAA", format="wav", transcript="hi"))
CALL = ToolCall(id="c1", function=FunctionCall(name="add", arguments='{"a": 1}'))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MARKS = st.none() | st.just({"type": "ephemeral"})
PARTS: st.SearchStrategy[Content] = st.one_of(
    st.builds(ContentText, text=st.text(), cache_control=MARKS),
    st.builds(ContentImageUrl, cache_control=MARKS),
    st.builds(ContentAudioInput, cache_control=MARKS),
)
CALLS = st.builds(ToolCall, id=st.text(), function=st.builds(FunctionCall, name=st.text(), arguments=st.text()))
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    content=st.text() | st.lists(st.text() | PARTS),
    tool_calls=st.none() | st.lists(CALLS),
    tool_call_id=st.none() | st.text(),
    metadata=st.dictionaries(st.text(), JSON, max_size=3),
)


@given(MESSAGES)
def test_a_message_comes_back_from_json_as_it_was(message: Message) -> None:
    assert Message.model_validate_json(message.model_dump_json()) == message


@given(MESSAGES)
def test_a_message_comes_back_from_plain_data_as_it_was(message: Message) -> None:
    assert Message.fit(message.model_dump(mode="json")) == message


@given(MESSAGES)
def test_sending_a_message_does_not_change_it(message: Message) -> None:
    before = message.model_dump_json()
    message.to_openai()
    assert message.model_dump_json() == before


# Content.


def test_what_a_person_writes_is_dedented() -> None:
    assert Message("user", "  one\n    two").content == "one\n  two"
    assert Message("system", ["  one\n  two", IMAGE]).content == "one\ntwo"


def test_what_a_model_or_a_tool_says_is_kept_to_the_letter() -> None:
    assert Message("assistant", "  one\n  two").content == "  one\n  two"
    assert Message("tool", "  one\n  two", tool_call_id="1").content == "  one\n  two"


def test_a_message_may_say_nothing() -> None:
    assert Message("user").content == Message("user", "").content == ""
    assert Message("user").content_parts == []


def test_the_content_is_the_text_parts_without_the_blank_ones() -> None:
    assert Message("user", ["one", IMAGE, " ", "two"]).content == "one\ntwo"


def test_setting_the_content_keeps_the_order_of_the_parts() -> None:
    message = Message("user", [IMAGE, "one", SOUND, "two"])
    message.content = "three"
    assert message.content_parts == [IMAGE, ContentText(text="three"), SOUND]


def test_setting_the_content_of_a_message_without_text_puts_it_first() -> None:
    message = Message("user", [IMAGE])
    message.content = "look"
    assert message.content_parts == [ContentText(text="look"), IMAGE]


def test_a_cache_mark_is_on_the_last_part() -> None:
    first, last = Message("user", ["a", "b"], cache_control="ephemeral").content_parts
    assert (first.cache_control, last.cache_control) == (None, {"type": "ephemeral"})
    assert Message("user", "a", cache_control={"ttl": "1h"}).content_parts[0].cache_control == {"ttl": "1h"}


def test_a_message_is_marked_for_the_cache_in_place() -> None:
    message = Message("user", ["a", IMAGE])
    assert message.cache() is message
    assert [part.cache_control for part in message.content_parts] == [None, {"type": "ephemeral"}]
    assert message.cache({"ttl": "1h"}).content_parts[-1].cache_control == {"ttl": "1h"}
    assert [part.cache_control for part in message.cache(False).content_parts] == [None, None]


@pytest.mark.parametrize("mark", [True, False, {"ttl": "1h"}])
def test_a_message_without_parts_has_nothing_to_mark(mark: Any) -> None:
    assert Message("user", cache_control="ephemeral").cache(mark).content_parts == []


def test_a_message_is_printed_with_its_speaker_its_parts_and_its_calls() -> None:
    assert str(Message("user", ["look", IMAGE])) == "[user]: look\n<image https://example.org/a.png>"
    assert str(Message("assistant", "Hm.", tool_calls=[CALL])) == '[assistant]: Hm.\n |- add({"a": 1})'
    assert str(Message("tool", "2", tool_call_id="c1")) == "[tool]: 2"


def test_a_message_is_shown_with_its_content() -> None:
    assert "content='hello'" in repr(Message("user", "hello"))


def test_an_unknown_speaker_is_refused() -> None:
    with pytest.raises(ValidationError, match="role"):
        Message.model_validate({"role": "narrator", "content": "x"})


# Fitting.


@pytest.mark.parametrize("given_one", ["hi", ContentText(text="hi"), {"role": "user", "content": "hi"}])
def test_whatever_can_be_a_message_fits(given_one: Any) -> None:
    message = Message.fit(given_one)
    assert (message.role, message.content) == ("user", "hi")


def test_provider_data_fits() -> None:
    message = Message.fit(
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x.org"}}],
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    )
    assert message.content == "a"
    assert isinstance(message.content_parts[1], ContentImageUrl)
    assert message.tool_calls == [ToolCall(id="1", function=FunctionCall(name="f"))]


@pytest.mark.parametrize("given_one", [5, None, {"content": "who says so?"}, b"bytes"])
def test_what_cannot_be_a_message_is_refused_with_what_could(given_one: Any) -> None:
    with pytest.raises(TypeError, match="A message is text, a content part, a dict with role and content"):
        Message.fit(given_one)


@pytest.mark.parametrize("content", [5, [5], [{"type": "film"}]])
def test_content_of_another_kind_is_refused(content: Any) -> None:
    with pytest.raises(ValidationError, match="content_parts"):
        Message.fit({"role": "user", "content": content})


def test_a_fitted_message_keeps_its_uuid() -> None:
    message = Message("user", "hi")
    assert Message.fit(message) == message
    assert Message.fit(message) is not message


def test_one_message_fits_as_a_list_of_one() -> None:
    for one in ("hi", Message("user", "hi"), {"role": "user", "content": "hi"}, ContentText(text="hi")):
        assert [message.content for message in Message.fit_as_list(one)] == ["hi"]


def test_a_sequence_fits_each_of_its_messages() -> None:
    system = Message("system", "Be brief.")
    fitted = Message.fit_as_list([system, {"role": "assistant", "content": "ok"}, "hi"])
    assert [message.role for message in fitted] == ["system", "assistant", "user"]
    assert fitted[0].uuid == system.uuid
    assert Message.fit_as_list([]) == []


# Copies.


def test_a_shell_shares_the_frozen_parts_and_nothing_that_can_change() -> None:
    message = Message("assistant", ["a", IMAGE], tool_calls=[CALL], metadata={"seen": [1]})
    shell = message.shell()
    assert shell == message
    assert shell.content_parts[1] is IMAGE
    shell.content = "b"
    shell.content_parts.append(SOUND)
    assert shell.tool_calls is not None
    shell.tool_calls.clear()
    shell.metadata["seen"].append(2)
    assert (message.content, len(message.content_parts), message.tool_calls) == ("a", 2, [CALL])
    assert message.metadata == {"seen": [1]}


def test_a_part_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ContentText(text="a").text = "b"


def test_a_clone_has_a_uuid_of_its_own() -> None:
    message = Message("user", "hi", metadata={"a": 1})
    clone = message.clone()
    assert isinstance(clone.uuid, uuid.UUID)
    assert clone.uuid != message.uuid
    assert (clone.content, clone.metadata) == ("hi", {"a": 1})


def test_meta_is_added_to_the_message_itself() -> None:
    message = Message("user", "hi").meta(a=1)
    assert message.meta(b=2) is message
    assert message.metadata == {"a": 1, "b": 2}


# Applying.


@pytest.mark.parametrize(
    ("text", "applied"),
    [
        ("$name and ${name}s", "Ann and Anns"),
        ("$$name costs $5 or $other ${other} $", "$Ann costs $5 or $other ${other} $"),
        ("$$", "$$"),
        ("$names", "$names"),
    ],
)
def test_names_are_replaced_and_every_other_dollar_stays(text: str, applied: str) -> None:
    assert Message("user", text).apply(name="Ann").content == applied


@given(st.text())
def test_a_replaced_value_is_not_replaced_again(value: str) -> None:
    assert Message("user", "$a$b").apply(a="$b", b=value).content == "$b" + value


def test_applying_keeps_the_order_of_the_parts_and_the_message_as_it_was() -> None:
    message = Message("user", ["$a", IMAGE, "$b"])
    applied = message.apply(a="1", b="2")
    assert applied.content_parts == [ContentText(text="1"), IMAGE, ContentText(text="2")]
    assert message.content == "$a\n$b"
    assert applied.uuid != message.uuid


def test_each_message_of_a_list_is_applied() -> None:
    messages = Message.apply_to_list([Message("system", "$a"), Message("user", "$b")], a="1", b="2")
    assert [message.content for message in messages] == ["1", "2"]


# Reading values.

SAID = Message("assistant", "<question>Why?</question> <answer>A</answer> <answer>B</answer> <int>1,000</int>")


def test_a_value_is_parsed_out_of_the_text() -> None:
    assert SAID.parse(Answer) == Answer(content="A")
    assert SAID.parse(int) == 1000
    assert SAID.try_parse(Answer) == Answer(content="A")
    assert SAID.try_parse(Thinking) is None
    with pytest.raises(MissingModelError, match="thinking"):
        SAID.parse(Thinking)


def test_a_set_of_values_is_parsed_out_of_the_text() -> None:
    assert [answer.content for answer in SAID.parse_set(Answer)] == ["A", "B"]
    assert len(SAID.parse_set(Answer, 2)) == 2
    assert SAID.try_parse_set(Thinking) == []
    assert SAID.try_parse_set(Answer, 3) == []
    with pytest.raises(MissingModelError):
        SAID.parse_set(Answer, minimum=3)
    with pytest.raises(MissingModelError):
        SAID.try_parse_set(Answer, 3, fail_on_missing=True)


def test_many_types_are_parsed_out_of_the_text() -> None:
    answers = [Answer(content="A"), Answer(content="B")]
    assert SAID.parse_many(Answer, Question) == [Question(content="Why?"), *answers]
    assert SAID.try_parse_many(Thinking, Answer) == answers
    with pytest.raises(MissingModelError):
        SAID.parse_many(Answer, Thinking)
    with pytest.raises(MissingModelError):
        SAID.try_parse_many(Answer, Thinking, fail_on_missing=True)


def test_a_value_may_stretch_over_parts() -> None:
    message = Message("assistant", ["<answer>one", IMAGE, "two</answer>"])
    assert message.parse(Answer).content == "one\ntwo"


# Sending.


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (Message("user", "hi"), {"role": "user", "content": "hi"}),
        (Message("user"), {"role": "user", "content": ""}),
        (
            Message("assistant", tool_calls=[CALL]),
            {"role": "assistant", "tool_calls": [CALL.model_dump()]},
        ),
        (Message("tool", "2", tool_call_id="c1"), {"role": "tool", "content": "2", "tool_call_id": "c1"}),
        (
            Message("user", "hi", cache_control="ephemeral"),
            {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        ),
        (
            Message("user", ["a", "b\n", "c", IMAGE, "d"]),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a\n"},
                    {"type": "text", "text": "b\n"},
                    {"type": "text", "text": "c"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "auto"}},
                    {"type": "text", "text": "d"},
                ],
            },
        ),
        (
            Message("user", [SOUND]),
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]},
        ),
    ],
)
def test_a_message_is_sent_in_the_openai_form(message: Message, sent: dict[str, Any]) -> None:
    assert message.to_openai() == sent


def test_an_image_added_after_sending_is_sent_too() -> None:  # surface 3.2 no. 13
    message = Message("user", "look")
    message.to_openai()
    message.content_parts.append(IMAGE)
    assert [part["type"] for part in message.to_openai()["content"]] == ["text", "image_url"]


def test_for_servers_that_take_less_less_is_sent() -> None:
    message = Message("assistant", ["a", IMAGE, "b"], tool_calls=[CALL])
    assert message.to_openai(compatibility_flags={"content_as_str"}) == {
        "role": "assistant",
        "content": "a\nb",
        "tool_calls": [CALL.model_dump()],
    }
    assert "tool_calls" not in message.to_openai(compatibility_flags=["skip_tools"])
    assert (len(message.content_parts), message.tool_calls) == (3, [CALL])


def test_messages_that_are_sent_as_the_same_have_the_same_hash() -> None:
    assert Message("user", "a").hash == Message("user", "a", metadata={"b": 1}).hash
    assert Message("user", "a").hash != Message("system", "a").hash


def test_the_answer_of_another_library_fits_with_its_reasoning_as_metadata() -> None:
    class Answered:
        role, content, reasoning_content = "assistant", "42", "Hm."
        thinking_blocks = ({"type": "thinking", "thinking": "Hm."},)

    message = Message.fit(Answered())  # type: ignore[arg-type]  # pyright: ignore
    assert (message.role, message.content) == ("assistant", "42")
    assert message.metadata == {
        "reasoning_content": "Hm.",
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm."}],
    }


# System messages.


def test_system_content_starts_a_conversation_without_it() -> None:
    user = Message("user", "hi")
    system, after = inject_system_content([user], "Be brief.")
    assert (system.role, system.content) == ("system", "Be brief.")
    assert after is user


def test_system_content_is_added_once_and_to_a_copy() -> None:
    messages = [Message("system", "Be kind."), Message("user", "hi")]
    once = inject_system_content(messages, "Be brief.")
    assert [message.content for message in once] == ["Be kind.\n\nBe brief.", "hi"]
    assert inject_system_content(once, "Be brief.") == once
    assert messages[0].content == "Be kind."


def test_system_content_fills_an_empty_system_message() -> None:
    assert inject_system_content([Message("system")], "Be brief.")[0].content == "Be brief."


def test_what_the_developer_says_is_taken_for_the_system() -> None:
    [message] = inject_system_content([Message("developer", "  a\n  b")], "Be brief.")
    assert (message.role, message.content) == ("developer", "a\nb\n\nBe brief.")


def test_system_content_is_taken_out_again() -> None:
    user = Message("user", "hi")
    for before in ([Message("system", "Be kind."), user], [user]):
        stripped = strip_system_content(inject_system_content(before, "Be brief."), "Be brief.")
        assert [message.content for message in stripped] == [message.content for message in before]
    assert strip_system_content([user], "hi") == [user]
    assert strip_system_content([], "hi") == []
