"""Messages in the forms of OpenAI and Anthropic: what a form can hold comes back, and what it cannot is named."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import ProcessingError
from rigging_py.message import ContentAudioInput, ContentFile, ContentReasoning, ContentText, FunctionCall, Message
from tests.data import chats as kinds

# OpenAI.


def is_sent(part: object) -> bool:
    return not isinstance(part, ContentReasoning)


@settings(max_examples=25)
@given(kinds.SEVERAL)
def test_openai_s_form_says_the_same_when_it_was_read(chats: list[rg.Chat]) -> None:
    written = rg.data.chats_to_openai(chats)
    back = rg.data.openai_to_chats(json.loads(json.dumps(written)))
    assert rg.data.chats_to_openai(back) == written
    for chat, read in zip(chats, back, strict=True):
        assert [one.role for one in read.all] == [one.role for one in chat.all]
        assert [one.tool_calls or None for one in read.all] == [one.tool_calls or None for one in chat.all]
        assert [one.tool_call_id for one in read.all] == [one.tool_call_id for one in chat.all]


# A text that ends in one line end before another text looks as one that had none.
WHOLE = kinds.messages(
    kinds.ROLES, (kinds.SAID.filter(lambda part: not part.text.endswith("\n")) | kinds.IMAGES | kinds.FILES)
)


@given(st.lists(WHOLE, max_size=3))
def test_openai_s_form_holds_every_part_but_thoughts(messages: list[Message]) -> None:
    back = rg.data.openai_to_messages([message.to_openai() for message in messages])
    for message, read in zip(messages, back, strict=True):
        parts = [part for part in message.content_parts if is_sent(part)]
        assert read.content_parts == (parts if parts != [ContentText(text="")] else [])


def test_an_assistant_s_message_at_the_end_was_generated() -> None:
    asked = {"role": "user", "content": "a"}
    answered = {"role": "assistant", "content": "b"}
    chats = rg.data.openai_to_chats([[asked, answered], [asked], []])
    assert [(len(chat.messages), len(chat.generated)) for chat in chats] == [(1, 1), (1, 0), (0, 0)]


def test_what_openai_s_form_says_is_kept_to_the_letter() -> None:
    [user, developer, refused, thinking] = rg.data.openai_to_messages(
        [
            {"role": "user", "content": "  a\n  b", "name": "Ada"},
            {"role": "developer", "content": [{"type": "text", "text": "  a\n  b"}]},
            {"role": "assistant", "content": None, "refusal": "I will not."},
            {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."},
        ]
    )
    assert user.content == developer.content == "  a\n  b"
    assert developer.role == "developer"
    assert refused.content == "I will not."
    assert thinking.content_parts == [ContentReasoning(text="Hm."), ContentText(text="Yes.")]
    assert thinking.to_openai() == {"role": "assistant", "content": "Yes."}


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"role": "queen", "content": "a"}, "role: Input should be 'system'"),
        ({"content": "a"}, "role"),
        ("a", "it is no object"),
        ({"role": "user", "content": 7}, "its content is neither text nor a list of parts"),
        ({"role": "user", "content": [{"type": "video"}]}, "content_parts.0: Input tag 'video'"),
        ({"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "a"}}]}, "tool_calls.0"),
    ],
)
def test_what_is_no_openai_message_is_named(message: Any, problem: str) -> None:
    with pytest.raises(ProcessingError, match=f"^Conversation 2, message 1 is not an OpenAI message: .*{problem}"):
        rg.data.openai_to_chats([[], [message]])


# Anthropic.

SPOKEN = st.builds(ContentText, text=kinds.TEXTS.filter(bool), cache_control=kinds.MARKS)
SEEN = kinds.IMAGES.map(
    lambda part: part.model_copy(update={"image_url": part.image_url.model_copy(update={"detail": "auto"})})
)


@st.composite
def calls(draw: st.DrawFn) -> rg.ToolCall:
    function = FunctionCall(name=draw(kinds.NAMES), arguments=json.dumps(draw(kinds.OBJECTS)))
    return rg.ToolCall(id=draw(kinds.NAMES), function=function)


PARTS = SPOKEN | SEEN | kinds.FILES
THOUGHTS = kinds.SIGNED | kinds.HIDDEN
USERS = st.builds(Message, st.just("user"), content_parts=st.lists(PARTS, min_size=1, max_size=3))
SYSTEMS = st.builds(Message, st.just("system"), content_parts=st.lists(SPOKEN, min_size=1, max_size=2))


@st.composite
def answers(draw: st.DrawFn) -> Message:
    parts = [*draw(st.lists(THOUGHTS, max_size=2)), *draw(st.lists(SPOKEN, max_size=2))]
    return Message(
        "assistant", content_parts=parts, tool_calls=draw(st.none() | st.lists(calls(), min_size=1, max_size=2))
    )


RESULTS = st.builds(Message, st.just("tool"), content_parts=st.lists(PARTS, max_size=2), tool_call_id=kinds.NAMES)
CONVERSATIONS = st.tuples(st.lists(SYSTEMS, max_size=1), st.lists(USERS | answers() | RESULTS, max_size=5)).map(
    lambda said: rg.Chat(messages=[*said[0], *said[1]])
)


@given(st.lists(CONVERSATIONS, max_size=3))
def test_anthropic_s_form_holds_what_was_said_called_and_thought(chats: list[rg.Chat]) -> None:
    written = rg.data.chats_to_anthropic(chats)
    back = rg.data.anthropic_to_chats(json.loads(json.dumps(written)))
    assert [[told(message) for message in chat.all] for chat in back] == [
        [told(message) for message in chat.all] for chat in chats
    ]
    assert rg.data.chats_to_anthropic(back) == written


def told(message: Message) -> tuple[Any, ...]:
    """What the form can hold of a message: the arguments of a call are values there, and not letters."""
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in message.tool_calls or ()]
    return message.role, message.content_parts, calls, message.tool_call_id


@settings(max_examples=25)
@given(kinds.SEVERAL)
def test_any_chat_is_in_anthropic_s_form_or_the_message_that_is_not_is_named(chats: list[rg.Chat]) -> None:
    named: list[str] = []
    for chat in chats:
        try:
            [written] = rg.data.chats_to_anthropic(chat)
        except ProcessingError as error:
            named.append(str(error))
        else:
            [back] = rg.data.anthropic_to_chats([written])
            assert rg.data.chats_to_anthropic(back) == [written]
    assert all(text.startswith("Chat 1, message ") for text in named)


def test_anthropic_s_form_is_that_of_its_api() -> None:
    picture = rg.ContentImageUrl.from_bytes(b"png", "image/png")
    pdf = ContentFile.from_bytes(b"%PDF", "application/pdf", filename="a.pdf")
    thought = ContentReasoning(text="Hm.", signature="abc", origin="anthropic")
    calls = [
        {"id": "c1", "function": {"name": "see", "arguments": '{"n": 1}'}},
        {"id": "c2", "function": {"name": "see", "arguments": ""}},
    ]
    chat = rg.Chat(
        messages=[
            Message("system", "Be brief."),
            Message("user", ["Look:", picture, pdf]),
            Message("assistant", [thought, "I look."], tool_calls=calls),
            Message("tool", "a cat", tool_call_id="c1"),
            Message("tool", [picture], tool_call_id="c2"),
            Message("developer", "Be kind.", cache_control="ephemeral"),
        ],
        generated=[Message("assistant", "A cat.")],
    )
    png = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}}
    document = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF").decode()}
    assert rg.data.chats_to_anthropic(chat) == [
        {
            "system": [
                {"type": "text", "text": "Be brief."},
                {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
            ],
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look:"},
                        png,
                        {"type": "document", "source": document, "title": "a.pdf"},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Hm.", "signature": "abc"},
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "c1", "name": "see", "input": {"n": 1}},
                        {"type": "tool_use", "id": "c2", "name": "see", "input": {}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "a cat"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": [png]},
                    ],
                },
                {"role": "assistant", "content": "A cat."},
            ],
        }
    ]


def test_what_anthropic_s_api_sent_is_read() -> None:
    messages = rg.data.anthropic_to_messages(
        {
            "model": "claude",
            "system": "  Be\n  brief.",
            "messages": [
                {"role": "user", "content": "Hello"},
                {
                    "role": "assistant",
                    "id": "msg_1",
                    "content": [
                        {"type": "redacted_thinking", "data": "xyz"},
                        {"type": "tool_use", "id": "c1", "name": "see", "input": {"a": [1, "é"]}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "is_error": True},
                        {"type": "text", "text": "And now?"},
                        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
                        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é"}},
                    ],
                },
                {"role": "assistant", "content": []},
            ],
        }
    )
    system, user, assistant, result, more, last = messages
    assert (system.role, system.content) == ("system", "  Be\n  brief.")
    assert (user.content, last.content_parts) == ("Hello", [])
    assert assistant.content_parts == [ContentReasoning(data="xyz", origin="anthropic")]
    assert [(call.id, call.name, call.arguments) for call in assistant.tool_calls or ()] == [
        ("c1", "see", '{"a":[1,"é"]}')
    ]
    assert (result.role, result.tool_call_id, result.content_parts) == ("tool", "c1", [])
    assert more.content == "And now?"
    assert [str(part) for part in more.content_parts[1:]] == ["<file https://example.org/a.pdf>", "<file text/plain>"]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (Message("user", [ContentAudioInput.from_bytes(b"RIFF", format="wav")]), "has sound"),
        (Message("user", [rg.ContentImageUrl.from_url("data:image/svg+xml,<svg/>")]), "not base64: 'data:image/svg"),
        (
            Message("system", [rg.ContentImageUrl.from_url("https://example.org/a")]),
            "only the user and tools .* not system",
        ),
        (Message("user", [ContentFile.from_bytes(b"\xff", "text/plain")]), "a text file that is not UTF-8"),
        (
            Message("assistant", tool_calls=[{"function": {"name": "see", "arguments": "[1]"}}]),
            "calls 'see' with what is",
        ),
        (
            Message("assistant", tool_calls=[{"function": {"name": "see", "arguments": '{"a'}}]),
            "calls 'see' with what is",
        ),
    ],
)
def test_what_anthropic_s_form_cannot_hold_is_named(message: Message, problem: str) -> None:
    with pytest.raises(ProcessingError, match=f"^Chat 2, message 1 .*{problem}"):
        rg.data.chats_to_anthropic([kinds.EMPTY, rg.Chat(messages=[message])])


def test_thoughts_without_a_signature_and_empty_texts_are_left_out() -> None:
    said = Message("assistant", [ContentReasoning(text="Hm."), "", "Yes."])
    assert rg.data.messages_to_anthropic([said]) == {"messages": [{"role": "assistant", "content": "Yes."}]}


@pytest.mark.parametrize(
    ("conversation", "problem"),
    [
        ({}, "messages: Field required"),
        ([], "it: Input should be"),
        ({"messages": [{"role": "system", "content": "a"}]}, "messages.0: Input tag 'system'"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use"}]}]},
            "messages.0.user.content.0: Input tag 'tool_use'",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "server_tool_use"}]}]},
            "messages.0.assistant.content.0: Input tag 'server_tool_use'",
        ),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.user.content: Input should be a valid list"),
    ],
)
def test_what_is_no_conversation_in_anthropic_s_form_is_named(conversation: Any, problem: str) -> None:
    with pytest.raises(ProcessingError, match=f"^Conversation 1 is not in Anthropic's form: {problem}"):
        rg.data.anthropic_to_chats([conversation])
