"""Anthropic's messages wire, letter by letter: what we send, and what we make of what comes back."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import ContextOverflowError, GeneratorWarning, InvalidError, ProviderError, ServerFaultError
from rigging_py.message import (
    Audio,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    FileData,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ToolCall,
    ToolDefinition,
)
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list
from rigging_py.wire import MESSAGES, http_failure
from tests.wire.anthropic_letters import LETTERS, ORIGIN, Letter, whole

SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}
TOOL = ToolDefinition(function=FunctionDefinition(name="look", description="Look.", parameters=SCHEMA))
LOOK = {"name": "look", "description": "Look.", "input_schema": SCHEMA}
CALL = ToolCall(id="toolu_1", function=FunctionCall(name="look", arguments='{"at":"sky"}'))
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
HELLO = [Message("user", "Hi")]
MARK = {"type": "ephemeral"}


def asked(messages: list[Message], params: GenerateParams | None = None, **options: Any) -> dict[str, Any]:
    return MESSAGES.request("claude-sonnet-4-5", messages, params or GenerateParams(tools=[TOOL]), **options)


def turns(*messages: Message, origin: str = "") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = asked(list(messages), origin=origin)["messages"]
    return sent


def blocks(*parts: Any) -> Any:
    [turn] = turns(Message("user", list(parts)))
    return turn["content"]


# Conversations.


def test_a_conversation_is_written_as_anthropic_takes_it() -> None:
    messages = [
        Message("system", "Be kind."),
        Message("user", ["What is it?", ContentImageUrl.from_url("https://x.example/y.png")]),
        Message("assistant", "One moment.", tool_calls=[CALL]),
        Message("tool", "blue", tool_call_id="toolu_1"),
        Message("assistant", "The sky."),
        Message("user", "Thanks."),
    ]
    assert asked(messages) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 64_000,
        "system": "Be kind.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image", "source": {"type": "url", "url": "https://x.example/y.png"}},
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "One moment."}, USE]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "blue"}]},
            {"role": "assistant", "content": "The sky."},
            {"role": "user", "content": "Thanks."},
        ],
        "tools": [LOOK],
    }


def test_the_system_and_the_developer_are_the_system_wherever_they_speak() -> None:
    messages = [Message("developer", "Be kind."), *HELLO, Message("system", "Be brief."), Message("user", "So?")]
    request = asked(messages)
    assert request["system"] == [{"type": "text", "text": "Be kind.\n"}, {"type": "text", "text": "Be brief."}]
    assert request["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi\n"}, {"type": "text", "text": "So?"}]}
    ]


def test_who_speaks_twice_says_it_in_one_turn_and_results_come_first() -> None:
    two = CALL.model_copy(update={"id": "toolu_2"})
    sent = turns(
        *HELLO,
        Message("assistant", "I look."),
        Message("assistant", tool_calls=[CALL, two]),
        Message("tool", "blue", tool_call_id="toolu_1"),
        Message("user", "Hurry!"),
        Message("tool", "grey", tool_call_id="toolu_2"),
    )
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert [block["type"] for block in sent[1]["content"]] == ["text", "tool_use", "tool_use"]
    assert [block.get("content") or block["text"] for block in sent[2]["content"]] == ["blue", "grey", "Hurry!"]


def test_blank_text_is_never_sent_nor_a_turn_of_nothing() -> None:
    sent = turns(Message("user", [ContentText(text=""), "Hi", ContentText(text=" \n")]), Message("assistant"), *HELLO)
    assert sent == [{"role": "user", "content": [{"type": "text", "text": "Hi\n"}, {"type": "text", "text": "Hi"}]}]


def test_the_user_opens_a_conversation_that_the_assistant_or_nobody_begins() -> None:
    assert turns(Message("assistant", "Hello."), *HELLO)[0] == {"role": "user", "content": "(begin)"}
    assert turns(Message("system", "Greet.")) == [{"role": "user", "content": "(begin)"}]


def test_what_the_model_is_to_go_on_with_ends_without_white_space() -> None:
    assert turns(*HELLO, Message("assistant", "Dear \n"))[-1] == {"role": "assistant", "content": "Dear"}
    assert turns(*HELLO, Message("assistant", "Dear \n"), *HELLO)[1] == {"role": "assistant", "content": "Dear \n"}


# Parts.


def test_images_are_sent_inline_and_by_address() -> None:
    [inline] = blocks(ContentImageUrl.from_bytes(b"\x89PNG", "image/png"))
    assert inline["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}


@pytest.mark.parametrize(
    ("part", "kind", "source"),
    [
        (
            ContentFile.from_bytes(b"%PDF", "application/pdf"),
            "document",
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
        ),
        (
            ContentFile.from_bytes("Grüß".encode(), "text/markdown"),
            "document",
            {"type": "text", "media_type": "text/plain", "data": "Grüß"},
        ),
        (ContentFile.from_id("file_1"), "document", {"type": "file", "file_id": "file_1"}),
        (ContentFile.from_id("https://x.example/a.pdf"), "document", {"type": "url", "url": "https://x.example/a.pdf"}),
        (
            ContentFile.from_bytes(b"GIF", "image/gif"),
            "image",
            {"type": "base64", "media_type": "image/gif", "data": "R0lG"},
        ),
    ],
)
def test_files_are_documents_of_their_kind(part: ContentFile, kind: str, source: dict[str, str]) -> None:
    assert blocks(part) == [{"type": kind, "source": source}]


def test_the_name_of_a_file_is_the_title_of_its_document() -> None:
    [document] = blocks(ContentFile.from_bytes(b"a", "text/plain", filename="a.txt"))
    assert document["title"] == "a.txt"


def test_of_sound_only_the_words_are_sent() -> None:
    sound = Audio(data="AA==", format="wav", transcript="hello")
    assert blocks(ContentAudioInput(input_audio=sound)) == "hello"


@pytest.mark.parametrize(
    ("role", "part", "reason"),
    [
        ("user", ContentAudioInput(input_audio=Audio(data="AA==", format="wav")), "The user's message has <audio wav>"),
        ("system", ContentImageUrl.from_url("https://x.example/y.png"), "from the user and from tools only"),
        ("assistant", ContentFile.from_id("file_1"), "from the user and from tools only"),
        ("user", ContentImageUrl.from_url("data:image/png,x"), "in base64 only"),
        ("user", ContentFile.from_bytes(b"\xff", "text/plain"), "of UTF-8 only"),
        ("user", ContentFile(file=FileData(file_data="data:text/plain;base64,!")), "of UTF-8 only"),
    ],
)
def test_what_it_has_no_block_for_is_refused_here(role: Any, part: Any, reason: str) -> None:
    with pytest.raises(InvalidError, match=reason):
        asked([Message(role, [part])])


def test_a_result_has_whatever_the_tool_shows_and_says_that_it_failed() -> None:
    picture = ContentImageUrl.from_url("https://x.example/y.png")
    shown = Message("tool", ["It is", picture], tool_call_id="toolu_1", metadata={"error": "Boom"})
    [turn] = turns(shown)
    assert turn["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [
                {"type": "text", "text": "It is"},
                {"type": "image", "source": {"type": "url", "url": "https://x.example/y.png"}},
            ],
            "is_error": True,
        }
    ]


def test_a_result_of_nothing_has_no_content() -> None:
    [turn] = turns(Message("tool", "", tool_call_id="toolu_1"))
    assert turn["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1"}]


def test_ids_of_other_providers_are_spelled_as_it_takes_them_on_both_sides() -> None:
    call = ToolCall(id="functions.look:0", function=FunctionCall(name="look"))
    sent = turns(*HELLO, Message("assistant", tool_calls=[call]), Message("tool", "a", tool_call_id=call.id))
    ids = {sent[1]["content"][0]["id"], sent[2]["content"][0]["tool_use_id"]}
    assert ids == {"functions_2e_look_3a_0"}


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [("", {}), (' {"at": 1} ', {"at": 1}), ('{"at": "s', {"arguments": '{"at": "s'}), ("[1]", {"arguments": "[1]"})],
)
def test_arguments_are_an_object_and_what_is_none_is_shown_in_one(arguments: str, sent: dict[str, Any]) -> None:
    call = ToolCall(id="a", function=FunctionCall(name="look", arguments=arguments))
    [_, turn] = turns(*HELLO, Message("assistant", tool_calls=[call]))
    assert turn["content"][0]["input"] == sent


def test_marks_for_the_cache_stand_on_their_blocks() -> None:
    request = asked(
        [
            Message("system", "Long.", cache_control="ephemeral"),
            Message("user", "Hi", cache_control={"type": "ephemeral", "ttl": "1h"}),
            Message("assistant", tool_calls=[CALL]),
            Message("tool", ["a", "b"], tool_call_id="toolu_1", cache_control="ephemeral"),
        ]
    )
    assert request["system"] == [{"type": "text", "text": "Long.", "cache_control": MARK}]
    assert request["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    [result] = request["messages"][2]["content"]
    assert result["cache_control"] == MARK
    assert result["content"] == [{"type": "text", "text": "a\n"}, {"type": "text", "text": "b"}]


# Thoughts.


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
def test_what_a_model_said_goes_back_to_it_as_it_came(letter: Letter) -> None:
    said = MESSAGES.turn(letter.whole, origin=ORIGIN).message
    sent = [
        one
        for turn in turns(*HELLO, said, *HELLO, origin=ORIGIN)
        for one in turn["content"]
        if turn["role"] == "assistant"
    ]
    came = [block for block in letter.whole["content"] if block["type"] != "text"]
    thought_alone = letter.thought and not (letter.text or letter.calls)
    assert [block for block in sent if isinstance(block, dict) and block["type"] != "text"] == (
        [] if thought_alone else came
    )


def test_it_goes_to_nobody_else() -> None:
    said = MESSAGES.turn(LETTERS["thinking"].whole, origin=ORIGIN).message
    for origin in ("", "anthropic!other"):
        assert turns(*HELLO, said, *HELLO, origin=origin)[1] == {"role": "assistant", "content": "42"}


def test_thoughts_of_another_provider_do_not_go_along() -> None:
    thought = ContentReasoning(text="Hm.", origin="openai!o9", signature="x")
    assert turns(*HELLO, Message("assistant", [thought, "42"]), origin=ORIGIN)[1]["content"] == "42"


# Parameters.


def test_parameters_that_it_takes_are_sent_under_its_names() -> None:
    params = GenerateParams(
        temperature=0.0, max_tokens=5, top_k=1, top_p=0.5, stop=["a"], api_base="http://x", timeout=3
    )
    assert asked(HELLO, params) == {
        "model": "claude-sonnet-4-5",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.0,
        "max_tokens": 5,
        "top_k": 1,
        "top_p": 0.5,
        "stop_sequences": ["a"],
    }


def test_what_it_has_none_of_is_left_out_with_a_warning() -> None:
    params = GenerateParams(seed=1, presence_penalty=0.1, stop=["\n", "a"])
    with pytest.warns(GeneratorWarning, match="Anthropic's messages API has no seed, presence_penalty, stop of white"):
        request = asked(HELLO, params)
    assert request.keys() == {"model", "max_tokens", "messages", "stop_sequences"}
    assert request["stop_sequences"] == ["a"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked(HELLO, GenerateParams(stop=["a"], seed=None))


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-sonnet-4-5", 64_000),
        ("claude-opus-5-5", 64_000),
        ("anthropic/claude-3-5-haiku-20241022", 8_192),
        ("claude-3-opus-20240229", 4_096),
        ("claude-opus-4-20250514", 32_000),
        ("smollm2", 4_096),
    ],
)
def test_an_answer_has_as_many_tokens_as_the_model_may_write(model: str, most: int) -> None:
    assert MESSAGES.request(model, HELLO, GenerateParams())["max_tokens"] == most
    assert MESSAGES.request(model, HELLO, GenerateParams(max_tokens=0))["max_tokens"] == 0


def test_extra_is_sent_as_it_is_and_wins() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    request = asked(HELLO, GenerateParams(max_tokens=1, extra={"thinking": thinking, "max_tokens": 2048}))
    assert (request["thinking"], request["max_tokens"]) == (thinking, 2048)


def test_a_form_is_asked_for_beside_the_effort_in_extra() -> None:
    params = GenerateParams(output=JsonShape("place", SCHEMA), extra={"output_config": {"effort": "low"}})
    form = {"type": "json_schema", "schema": SCHEMA}
    assert asked(HELLO, params)["output_config"] == {"format": form, "effort": "low"}
    assert "output_config" not in asked(HELLO, GenerateParams())


def test_a_stream_is_asked_for() -> None:
    assert asked(HELLO, stream=True)["stream"] is True


# Tools.


def test_a_tool_without_arguments_takes_an_empty_object() -> None:
    bare = ToolDefinition(function=FunctionDefinition(name="ping"))
    assert asked(HELLO, GenerateParams(tools=[bare]))["tools"] == [
        {"name": "ping", "input_schema": {"type": "object", "properties": {}}}
    ]


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("none", None, {"type": "none"}),
        ("look", None, {"type": "tool", "name": "look"}),
        ({"type": "function", "function": {"name": "look"}}, None, {"type": "tool", "name": "look"}),
        ({"type": "tool", "name": "look"}, True, {"type": "tool", "name": "look", "disable_parallel_tool_use": False}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("none", False, {"type": "none"}),
    ],
)
def test_which_tool_and_how_many_at_once_are_one_choice(choice: Any, parallel: bool | None, sent: Any) -> None:
    params = GenerateParams(tools=[TOOL], tool_choice=choice, parallel_tool_calls=parallel)
    assert asked(HELLO, params).get("tool_choice") == sent
    assert "tool_choice" not in asked(HELLO, params.model_copy(update={"tools": None}))


def test_the_provider_s_own_tools_stand_beside_ours() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    params = GenerateParams(tools=[TOOL], extra={"tools": [search]}, tool_choice="auto")
    assert asked(HELLO, params)["tools"] == [LOOK, search]
    alone = asked(HELLO, GenerateParams(extra={"tools": [search]}, tool_choice="auto"))
    assert (alone["tools"], alone["tool_choice"]) == ([search], {"type": "auto"})


def test_tools_that_were_called_are_told_where_none_is_to_be_called() -> None:
    messages = [*HELLO, Message("assistant", tool_calls=[CALL]), Message("tool", "blue", tool_call_id="toolu_1")]
    request = asked(messages, GenerateParams())
    assert request["tools"] == [{"name": "look", "input_schema": {"type": "object"}}]
    assert request["tool_choice"] == {"type": "none"}


# Replies. What a whole one says is in the letters, with the streamed.


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (5, "it is not a JSON object"),
        ({}, "it has no list of content"),
        ({"content": "Hi"}, "it has no list of content"),
        ({"content": [5]}, "a block in it is of no type"),
        ({"content": [{"type": "text", "text": 5}]}, "a block of text in it has none"),
        ({"content": [{"type": "tool_use", "id": "a"}]}, "names no tool"),
        ({"content": [{"type": "thinking", "thinking": "a", "signature": 5}]}, "signature"),
    ],
)
def test_a_reply_that_is_no_message_is_invalid_and_shown_without_the_key(reply: Any, problem: str) -> None:
    with pytest.raises(InvalidError, match=f"(?s)The reply from anthropic is not a message .*{problem}") as raised:
        MESSAGES.turn(reply, provider="anthropic", secret="signature-9")
    assert raised.value.provider == "anthropic"
    with pytest.raises(InvalidError) as raised:
        MESSAGES.turn({"content": "hush-hush"}, secret="hush-hush")
    assert raised.value.body == '{"content":"***"}'


def test_an_error_in_place_of_a_reply_is_of_its_kind() -> None:
    with pytest.raises(ServerFaultError, match="Overloaded"):
        MESSAGES.turn({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


def test_a_call_in_a_reply_that_was_written_as_text_is_read() -> None:
    reply = whole({"type": "tool_use", "id": "a", "name": "look", "input": '{"at":1}'}, reason="tool_use")
    [call] = MESSAGES.turn(reply).message.tool_calls or []
    assert call.arguments == '{"at":1}'


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000, decrease input length",
    ],
)
def test_a_conversation_that_is_too_long_is_told_by_its_words(said: str) -> None:
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": said}, "request_id": "req_1"}
    error = http_failure("anthropic", 400, json.dumps(body))
    assert isinstance(error, ContextOverflowError)


@given(st.lists(st.sampled_from(["system", "developer", "user", "assistant", "tool"]), max_size=8), st.data())
def test_any_conversation_is_turns_by_turns_that_say_something_and_the_user_begins(
    roles: list[Any], data: st.DataObject
) -> None:
    texts = data.draw(st.lists(st.text(max_size=3), min_size=len(roles), max_size=len(roles)))
    try:
        request = asked([Message(role, text) for role, text in zip(roles, texts, strict=True)])
    except ProviderError:
        raise AssertionError("a text was refused") from None
    spoken = [turn["role"] for turn in request["messages"]]
    assert spoken == [("user", "assistant")[place % 2] for place in range(len(spoken))]
    for turn in request["messages"]:
        said = as_list(turn["content"]) or [{"type": "text", "text": turn["content"]}]
        assert said
        assert all(block["text"].strip() for block in said if block["type"] == "text")
