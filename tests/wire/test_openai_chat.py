"""The OpenAI chat wire, letter by letter: what we send, and what we make of what comes back."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError
from rigging_py.message import (
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    Delta,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ModelTurn,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    Usage,
)
from rigging_py.wire import CHAT_DIALECTS, ChatStream, chat_request, chat_turn, read_usage

CALL = ToolCall(id="call_1", function=FunctionCall(name="look", arguments='{"at":"sky"}'))
TOOL = ToolDefinition(
    function=FunctionDefinition(name="look", description="Look.", parameters={"type": "object", "properties": {}})
)


# Requests.


def test_a_conversation_is_written_as_openai_takes_it() -> None:
    messages = [
        Message("system", "Be kind."),
        Message("user", ["What is it?", ContentImageUrl.model_validate({"image_url": {"url": "https://x/y.png"}})]),
        Message("assistant", tool_calls=[CALL]),
        Message("tool", "blue", tool_call_id="call_1"),
        Message("assistant", "One moment.", tool_calls=[CALL]),
        Message("tool", "", tool_call_id="call_1"),
        Message("assistant", "The sky."),
    ]
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"sky"}'}}
    assert chat_request("gpt-4o", messages, GenerateParams()) == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "auto"}},
                ],
            },
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "content": "blue", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "One moment.", "tool_calls": [call]},
            {"role": "tool", "content": "", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "The sky."},
        ],
    }


def test_audio_is_sent_without_our_transcript_of_it() -> None:
    part = ContentAudioInput.model_validate({"input_audio": {"data": "AA==", "format": "wav", "transcript": "hi"}})
    [message] = chat_request("m", [Message("user", part)], GenerateParams())["messages"]
    assert message["content"] == [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]


def test_parameters_that_were_given_are_sent_and_no_others() -> None:
    params = GenerateParams(
        temperature=0.0,
        max_tokens=5,
        top_k=1,
        top_p=0.5,
        stop=["a"],
        presence_penalty=0.1,
        frequency_penalty=0.2,
        seed=0,
        modalities=["text"],
        audio={"voice": "alloy"},
        api_base="http://x",
        timeout=3,
    )
    request = chat_request("m", [], params)
    assert request == {
        "model": "m",
        "messages": [],
        "temperature": 0.0,
        "max_tokens": 5,
        "top_k": 1,
        "top_p": 0.5,
        "stop": ["a"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "seed": 0,
        "modalities": ["text"],
        "audio": {"voice": "alloy"},
    }


def test_extra_is_sent_as_it_is_and_wins() -> None:
    params = GenerateParams(seed=1, extra={"seed": 2, "user": "ada", "model": "other"})
    assert chat_request("m", [], params) == {"model": "other", "messages": [], "seed": 2, "user": "ada"}


def test_the_providers_own_tools_stand_beside_ours() -> None:
    search = {"type": "web_search"}
    for wire in CHAT_DIALECTS.values():
        request = wire.request("m", [], GenerateParams(tools=[TOOL], extra={"tools": [search]}))
        assert [one["type"] for one in request["tools"]] == ["function", "web_search"]
        assert wire.request("m", [], GenerateParams(extra={"tools": [search]}))["tools"] == [search]


def test_tools_go_with_the_choice_among_them() -> None:
    request = chat_request("m", [], GenerateParams(tools=[TOOL], tool_choice="required"))
    assert request["tools"] == [{"type": "function", "function": {"name": "look", "description": "Look."}}]
    assert request["tool_choice"] == "required"


LOOK: dict[str, Any] = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("auto", "auto"), ("none", "none"), ("required", "required"), ("look", LOOK), (LOOK, LOOK), ("any", "any")],
)
def test_a_choice_is_one_of_our_words_the_name_of_a_tool_or_what_the_provider_calls_it(choice: Any, sent: Any) -> None:
    assert chat_request("m", [], GenerateParams(tools=[TOOL], tool_choice=choice))["tool_choice"] == sent


def test_how_tools_may_be_called_is_not_sent_without_any() -> None:
    params = GenerateParams(tool_choice="required", parallel_tool_calls=False)
    assert chat_request("m", [], params) == {"model": "m", "messages": []}
    assert chat_request("m", [], params.model_copy(update={"tools": []})) == {"model": "m", "messages": []}
    assert (
        chat_request("m", [], GenerateParams(tools=[TOOL], parallel_tool_calls=False))["parallel_tool_calls"] is False
    )


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(
            (model, "max_completion_tokens")
            for model in ("o1", "o4-mini", "openai/o3", "ft:o4-mini:acme", "gpt-5.2-pro")
        ),
        *(
            (model, "max_tokens")
            for model in ("gpt-4o", "gpt-4.1", "gpt-oss-120b", "smollm2", "olmo", "qwen/qwen3-o1s")
        ),
    ],
)
def test_models_that_think_are_told_how_much_in_the_words_that_they_take(model: str, name: str) -> None:
    assert chat_request(model, [], GenerateParams(max_tokens=9)) == {"model": model, "messages": [], name: 9}


def test_what_the_assistant_spoke_goes_back_in_words() -> None:
    heard = ContentAudioInput.from_bytes(b"RIFF0000WAVE", transcript="Hi there")
    unheard = ContentAudioInput.from_bytes(b"RIFF0000WAVE")
    messages = [Message("assistant", [heard, unheard]), Message("assistant", unheard)]
    assert chat_request("m", messages, GenerateParams())["messages"] == [
        {"role": "assistant", "content": "Hi there"},
        {"role": "assistant", "content": ""},
    ]
    assert messages[0].content_parts == [heard, unheard]


def test_a_stream_is_asked_for_with_its_usage() -> None:
    request = chat_request("m", [], GenerateParams(), stream=True)
    assert (request["stream"], request["stream_options"]) == (True, {"include_usage": True})


# Replies.


def reply(message: dict[str, Any], reason: object = "stop", **others: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": reason}], **others}


def test_a_reply_is_a_turn_with_its_facts() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "prompt_tokens_details": {"cached": 1}}
    turn = chat_turn(reply({"content": "Hi"}, id="r1", model="m-2", usage=usage))
    assert (turn.message.role, turn.message.content, turn.message.tool_calls) == ("assistant", "Hi", None)
    assert (turn.stop_reason, turn.extra) == ("stop", {"response_id": "r1", "model": "m-2"})
    assert turn.usage == Usage(input_tokens=3, output_tokens=4, total_tokens=7)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "  Hi\n  there "}, "  Hi\n  there "),
        ({"content": None}, ""),
        ({}, ""),
        ({"content": ""}, ""),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        ({"content": [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]}, "Hi there"),
        ({"content": [{"type": "image"}, {"type": "text", "text": None}, "odd"]}, ""),
    ],
)
def test_the_text_is_kept_to_the_letter_in_whatever_form_it_comes(message: dict[str, Any], text: str) -> None:
    assert chat_turn(reply(message)).message.content == text


def test_reasoning_is_kept_beside_the_text() -> None:
    turn = chat_turn(reply({"content": "42", "reasoning_content": "Six by seven."}))
    assert (turn.message.content, turn.extra) == ("42", {"reasoning_content": "Six by seven."})


def test_tool_calls_are_read_with_arguments_as_text_or_as_an_object() -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": None, "function": {"name": "g", "arguments": {"y": ["ü"]}}},
        {"function": {"name": "h", "arguments": None}},
        {"function": {"name": "i", "arguments": "{broken"}},
    ]
    turn = chat_turn(reply({"content": None, "tool_calls": calls}, "tool_calls"))
    read = [(call.id, call.name, call.arguments) for call in turn.message.tool_calls or ()]
    assert read == [("a", "f", '{"x": 1}'), ("", "g", '{"y":["ü"]}'), ("", "h", "{}"), ("", "i", "{broken")]
    assert turn.stop_reason == "tool_calls"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("abuse", "unknown"),
        (None, "unknown"),
        (7, "unknown"),
    ],
)
def test_the_reason_to_stop_is_said_in_our_words(raw: object, reason: str) -> None:
    assert chat_turn(reply({"content": "x"}, raw)).stop_reason == reason


ODD: list[Any] = [-1, "1", True, float("nan"), float("inf"), 10**400, {}, [1]]


@pytest.mark.parametrize(
    ("raw", "usage"),
    [
        (None, None),
        ([], None),
        ({}, Usage()),
        ({"prompt_tokens": 2, "completion_tokens": 3}, Usage(input_tokens=2, output_tokens=3, total_tokens=5)),
        ({"prompt_tokens": None, "completion_tokens": 3.0}, Usage(output_tokens=3, total_tokens=3)),
        ({"prompt_tokens": "many", "total_tokens": 9}, Usage(total_tokens=9)),
        ({"prompt_tokens": -2, "completion_tokens": 1.5, "cached_tokens": True}, Usage()),
        ({"prompt_tokens_details": None, "completion_tokens_details": [7], "cost": None}, Usage()),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, Usage(cached_tokens=0)),
        ({"prompt_cache_hit_tokens": 3}, Usage(cached_tokens=3)),
        # What was thought is counted beside what was written, or in it.
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 6, "reasoning_tokens": 3},
            Usage(input_tokens=1, output_tokens=5, total_tokens=6, reasoning_tokens=3),
        ),
        (
            {"prompt_tokens": 1, "completion_tokens": 5, "total_tokens": 6, "reasoning_tokens": 3},
            Usage(input_tokens=1, output_tokens=5, total_tokens=6, reasoning_tokens=3),
        ),
        ({"cost": 0.5}, Usage(cost=0.5)),
        ({"cost": {"total_cost": 1}}, Usage(cost=1.0)),
        ({"cost_in_usd_ticks": 5 * 10**9}, Usage(cost=0.5)),
        ({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 1.5}}, Usage(cost=2.0)),
        ({"cost": 0.5, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.5}}, Usage(cost=0.5)),
        *(({"cost": odd}, Usage()) for odd in ODD),
        ({"cost_in_usd_ticks": 10**400}, Usage()),
        ({"prompt_tokens": 10**400, "completion_tokens": 1e300, "total_tokens": 3}, Usage(total_tokens=3)),
    ],
)
def test_usage_is_counted_as_far_as_it_is_given(raw: object, usage: Usage | None) -> None:
    assert read_usage(raw) == usage


MALFORMED: list[tuple[object, str]] = [
    (None, "it is not a JSON object"),
    ("<html>", "it is not a JSON object"),
    ([], "it is not a JSON object"),
    ({}, "it has no choices"),
    ({"choices": []}, "it has no choices"),
    ({"choices": {"0": {}}}, "it has no choices"),
    ({"choices": [None]}, "its first choice has no message"),
    ({"choices": [{"text": "old"}]}, "its first choice has no message"),
    ({"choices": [{"message": "hi"}]}, "its first choice has no message"),
    (reply({"content": 5}), "its content or its tool calls are of another kind"),
    (reply({"content": {"text": "hi"}}), "its content or its tool calls are of another kind"),
    (reply({"tool_calls": {"name": "f"}}), "its content or its tool calls are of another kind"),
    (reply({"tool_calls": [None]}), "a tool call in it names no function"),
    (reply({"tool_calls": [{"function": {"name": ""}}]}), "a tool call in it names no function"),
]


@pytest.mark.parametrize(("body", "problem"), MALFORMED)
def test_a_malformed_reply_says_what_is_wrong_and_shows_it(body: object, problem: str) -> None:
    with pytest.raises(InvalidError, match=f"The reply from acme is not a chat completion: {problem}") as raised:
        chat_turn(body, provider="acme")
    assert (raised.value.provider, raised.value.kind) == ("acme", "Invalid")
    assert raised.value.body == (body if isinstance(body, str) else json.dumps(body, separators=(",", ":")))


def test_what_is_shown_of_a_reply_is_short_and_holds_no_key() -> None:
    with pytest.raises(InvalidError) as raised:
        chat_turn({"said": "hush-hush", "token": "sk-abcdef123456", "more": "x" * 5000}, secret="hush-hush")
    assert len(raised.value.body) == 2000
    assert "hush" not in raised.value.body
    assert "abcdef" not in raised.value.body


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "tool_calls", "function", "name", "usage", "text"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything, anything, anything)
def test_any_json_is_a_turn_or_an_invalid_reply(message: Any, choice: Any, usage: Any) -> None:
    for body in (message, {"choices": [choice, message]}, {"choices": [{"message": message}], "usage": usage}):
        with suppress(InvalidError):
            assert isinstance(chat_turn(body), ModelTurn)


# Streams.


def chunk(delta: dict[str, Any] | None = None, reason: str | None = None, **others: Any) -> dict[str, Any]:
    return {"id": "r1", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **others}


def streamed(*chunks: dict[str, Any]) -> tuple[list[Delta], ModelTurn | None]:
    stream = ChatStream()
    return [delta for one in chunks for delta in stream.feed(one)], stream.turn()


def call_delta(**fields: Any) -> dict[str, Any]:
    function = {name: fields.pop(name) for name in ("name", "arguments") if name in fields}
    return chunk({"tool_calls": [{**fields, "function": function}]})


END = chunk({}, "stop")


def test_a_stream_gives_its_pieces_and_at_the_end_the_turn() -> None:
    deltas, turn = streamed(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        END,
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}},
    )
    assert deltas == [ReasoningDelta("Hm."), TextDelta("Hel"), TextDelta("lo")]
    assert turn is not None
    assert (turn.message.content, turn.stop_reason) == ("Hello", "stop")
    assert turn.usage == Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    assert turn.extra == {"response_id": "r1", "model": "m", "reasoning_content": "Hm."}


def test_a_stream_without_its_end_has_no_turn() -> None:
    assert streamed(chunk({"content": "Hel"})) == ([TextDelta("Hel")], None)
    assert streamed() == ([], None)


def test_a_refusal_is_text() -> None:
    assert streamed(chunk({"refusal": "No."}), END)[0] == [TextDelta("No.")]


def test_chunks_without_choices_or_deltas_add_nothing() -> None:
    deltas, turn = streamed({}, {"choices": None}, chunk(None), {"usage": None, "choices": []}, END)
    assert deltas == []
    assert turn is not None
    assert turn.message.content == ""


def read_calls(*chunks: dict[str, Any]) -> list[tuple[str, str, str]]:
    turn = streamed(*chunks, chunk({}, "tool_calls"))[1]
    assert turn is not None
    assert turn.stop_reason == "tool_calls"
    return [(call.id, call.name, call.arguments) for call in turn.message.tool_calls or ()]


def test_pieces_of_calls_are_put_together_by_their_index() -> None:
    assert read_calls(
        call_delta(index=1, id="b", name="g", arguments=""),
        call_delta(index=0, id="a", name="f", arguments='{"x"'),
        call_delta(index=1, arguments='{"y":2}'),
        call_delta(index=0, arguments=":1}"),
    ) == [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


def test_without_an_index_a_new_id_begins_a_call() -> None:
    assert read_calls(
        call_delta(id="a", name="f", arguments='{"x"'),
        call_delta(arguments=":1}"),
        call_delta(id="b", name="g"),
        call_delta(id="b", arguments="{}"),
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_without_an_id_too_a_name_begins_a_call() -> None:
    assert read_calls(call_delta(name="f", arguments="{}"), call_delta(name="f"), call_delta(arguments='{"z":1}')) == [
        ("", "f", "{}"),
        ("", "f", '{"z":1}'),
    ]


def test_a_call_without_arguments_has_none() -> None:
    assert read_calls(call_delta(index=0, id="a", name="f")) == [("a", "f", "{}")]


def test_deltas_of_calls_say_which_one_they_belong_to() -> None:
    deltas, _ = streamed(call_delta(id="a", name="f"), call_delta(arguments="{}"), call_delta(id="b", name="g"))
    assert deltas == [ToolCallDelta(0, "a", "f", ""), ToolCallDelta(0, "", "", "{}"), ToolCallDelta(1, "b", "g", "")]


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[start:end] for start, end in pairwise(places)] or [""]


cuts = st.lists(st.integers(0, 40), max_size=6)


@given(text=st.text(max_size=40), arguments=st.text('{}":1é,a', max_size=40), cuts=cuts, more=cuts)
def test_wherever_a_reply_is_cut_the_turn_is_the_whole_one(
    text: str, arguments: str, cuts: list[int], more: list[int]
) -> None:
    said = [chunk({"content": piece}) for piece in pieces(text, cuts)]
    first, *rest = pieces(arguments, more)
    called = [
        call_delta(index=0, id="a", name="f", arguments=first),
        *(call_delta(index=0, arguments=piece) for piece in rest),
    ]
    _, streamed_turn = streamed(*said, *called, chunk({}, "tool_calls"))
    function = {"name": "f", "arguments": arguments}
    whole = chat_turn(reply({"content": text, "tool_calls": [{"id": "a", "function": function}]}, "tool_calls"))
    assert streamed_turn is not None
    assert streamed_turn.message.content == whole.message.content
    assert streamed_turn.message.tool_calls == whole.message.tool_calls
    assert streamed_turn.stop_reason == whole.stop_reason


# Reasoning, files and the developer.

ORIGIN = "openai!thinker"
BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Six by seven.", "signature": "sig=="},
    {"type": "redacted_thinking", "data": "AA=="},
    {"type": "thinking", "thinking": "", "signature": "more"},
]
DETAILS: list[dict[str, Any]] = [
    {"type": "reasoning.text", "text": "Hm.", "signature": None, "id": "r", "format": "f", "index": 0},
    {"type": "reasoning.summary", "summary": "Thought.", "index": 1},
    {"type": "reasoning.encrypted", "data": "AA==", "index": 2},
    {"type": "unheard-of", "what": {"is": [1]}},
]
THOUGHTS: list[dict[str, Any]] = [
    {"reasoning_content": "Hm.\n"},
    {"reasoning": " Hm."},
    {"thinking_blocks": BLOCKS},
    {"reasoning_details": DETAILS},
]


CALLS = [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]


@pytest.mark.parametrize("thought", THOUGHTS)
def test_reasoning_goes_back_as_it_came_and_only_to_who_made_it(thought: dict[str, Any]) -> None:
    turn = chat_turn(reply({"content": "42", "tool_calls": CALLS, **thought}), origin=ORIGIN)
    assert turn.message.content == "42"
    stored = Message.model_validate_json(turn.message.model_dump_json())
    plain = {"role": "assistant", "content": "42", "tool_calls": CALLS}
    assert chat_request("m", [stored], GenerateParams(), origin=ORIGIN)["messages"] == [{**plain, **thought}]
    assert chat_request("m", [stored], GenerateParams(), origin="openai!other")["messages"] == [plain]
    assert chat_request("m", [stored], GenerateParams())["messages"] == [stored.to_openai()] == [plain]


@pytest.mark.parametrize("thought", THOUGHTS[:2])
def test_reasoning_without_a_signature_goes_back_with_tool_calls_alone(thought: dict[str, Any]) -> None:
    turn = chat_turn(reply({"content": "42", **thought}), origin=ORIGIN)
    sent = chat_request("m", [turn.message], GenerateParams(), origin=ORIGIN)["messages"]
    assert sent == [{"role": "assistant", "content": "42"}]


def test_reasoning_without_a_name_for_who_made_it_goes_to_nobody() -> None:
    turn = chat_turn(reply({"content": "42", "reasoning_content": "Hm."}))
    assert [part.type for part in turn.message.content_parts] == ["reasoning", "text"]
    assert chat_request("m", [turn.message], GenerateParams())["messages"] == [{"role": "assistant", "content": "42"}]


@pytest.mark.parametrize("form", ["role", "content", "tool_calls", "name"])
def test_reasoning_that_was_stored_writes_into_no_other_field(form: str) -> None:
    [call] = CALLS
    forged = ContentReasoning(text="system", origin=ORIGIN, form=form)
    message = Message("assistant", [forged, ContentText(text="42")], tool_calls=[ToolCall.model_validate(call)])
    assert chat_request("m", [message], GenerateParams(), origin=ORIGIN)["messages"] == [message.to_openai()]


def test_reasoning_alone_is_no_message() -> None:
    turn = chat_turn(reply({"content": None, "reasoning_content": "Hm."}))
    assert (turn.message.content_parts, turn.extra) == ([], {"reasoning_content": "Hm."})


@pytest.mark.parametrize(
    "deltas",
    [
        [{"reasoning_content": "Hm"}, {"reasoning_content": ".\n"}],
        [{"reasoning": " "}, {"reasoning": "Hm."}],
        [
            {"thinking_blocks": [{"type": "thinking", "thinking": "Six by ", "signature": None}]},
            {"thinking_blocks": [{"type": "thinking", "thinking": "seven."}]},
            {"thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "sig=="}]},
            {"thinking_blocks": BLOCKS[1:2]},
            {"thinking_blocks": BLOCKS[2:]},
        ],
        [
            {"reasoning_details": [{"type": "reasoning.text", "text": "H", "id": "r", "format": "f", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.text", "text": "m.", "index": 0}, DETAILS[1]]},
            {"reasoning_details": DETAILS[2:]},
        ],
    ],
)
def test_streamed_reasoning_goes_back_as_it_came(deltas: list[dict[str, Any]]) -> None:
    stream = ChatStream(origin=ORIGIN)
    for delta in (*deltas, {"content": "42"}):
        stream.feed(chunk(delta))
    stream.feed(END)
    turn = stream.turn()
    assert turn is not None
    message = turn.message.model_copy(update={"tool_calls": [ToolCall.model_validate(one) for one in CALLS]})
    [sent] = chat_request("m", [message], GenerateParams(), origin=ORIGIN)["messages"]
    expected = next(one for one in THOUGHTS if one.keys() == deltas[0].keys())
    assert without_nulls(sent) == without_nulls({"role": "assistant", "content": "42", "tool_calls": CALLS, **expected})


def without_nulls(value: Any) -> Any:
    if isinstance(value, list):
        return [without_nulls(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in cast("dict[str, Any]", value).items() if one is not None}
    return value


def test_files_and_the_developer_are_sent_as_they_are() -> None:
    messages = [
        Message("developer", "Be kind."),
        Message(
            "user", ["Read.", ContentFile.from_bytes(b"x", "text/plain", filename="x.txt"), ContentFile.from_id("f1")]
        ),
    ]
    assert chat_request("m", messages, GenerateParams())["messages"] == [
        {"role": "developer", "content": "Be kind."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Read."},
                {"type": "file", "file": {"file_data": "data:text/plain;base64,eA==", "filename": "x.txt"}},
                {"type": "file", "file": {"file_id": "f1"}},
            ],
        },
    ]
