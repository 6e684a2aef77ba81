"""Ollama's own wire, letter by letter: what we send, and what we make of what comes back whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import GeneratorWarning, InvalidError, ProviderError
from rigging_py.message import (
    Audio,
    Content,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ModelTurn,
    ToolCall,
    ToolDefinition,
)
from rigging_py.parsing import JsonShape
from rigging_py.wire import OLLAMA
from tests.wire.gemini_letters import harmed
from tests.wire.ollama_letters import ENDED, LETTERS, Letter, call, record

ORIGIN = "ollama!llama3.2"
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
TOOL = ToolDefinition(function=FunctionDefinition(name="look", description="Look.", parameters=SCHEMA))
PING = ToolDefinition(function=FunctionDefinition(name="ping"))


def written(*messages: Message, origin: str = "", stream: bool = False, **params: Any) -> dict[str, Any]:
    return OLLAMA.request("llama3.2", messages, GenerateParams(**params), stream=stream, origin=origin)


def read(reply: object, provider: str = "") -> ModelTurn:
    return OLLAMA.turn(reply, provider=provider, secret="hush-hush", origin=ORIGIN)


def called(name: str, arguments: str = "{}", id_: str = "") -> ToolCall:
    return ToolCall(id=id_, function=FunctionCall(name=name, arguments=arguments))


# Requests.


def test_a_conversation_is_written_as_ollama_takes_it() -> None:
    request = written(
        Message("developer", "Be kind."),
        Message("user", ["What is it?", ContentImageUrl.from_bytes(b"x", "image/png")]),
        Message("assistant", tool_calls=[called("look", '{"at":"sky"}'), called("ping", "{broken", "c2")]),
        Message("tool", "blue"),
        Message("tool", "pong", tool_call_id="c2"),
        Message("assistant", "The sky."),
    )
    calls = [call("look", {"at": "sky"}), call("ping", {"arguments": "{broken"}, id="c2")]
    assert request == {
        "model": "llama3.2",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "What is it?", "images": ["eA=="]},
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": "blue", "tool_name": "look"},
            {"role": "tool", "content": "pong", "tool_name": "ping", "tool_call_id": "c2"},
            {"role": "assistant", "content": "The sky."},
        ],
        "stream": False,
    }


def test_a_stream_is_asked_for_or_not_in_every_request() -> None:
    assert (written()["stream"], written(stream=True)["stream"]) == (False, True)


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (ContentImageUrl.from_url("https://x.org/y.png"), "<image https://x.org/y.png>"),
        (ContentAudioInput(input_audio=Audio(data="AA==", format="wav")), "<audio wav>"),
        (ContentFile.from_bytes(b"x", "application/pdf", filename="x.pdf"), "<file x.pdf>"),
    ],
)
def test_what_its_messages_cannot_hold_is_refused_before_it_is_sent(part: Content, shown: str) -> None:
    with pytest.raises(InvalidError, match=f"pictures that are in the message, and not {shown}"):
        written(Message("user", part))


def test_what_the_assistant_spoke_goes_back_in_words() -> None:
    spoke = ContentAudioInput.from_bytes(b"RIFF", format="wav", transcript="Hi there")
    assert written(Message("assistant", spoke))["messages"] == [{"role": "assistant", "content": "Hi there"}]


def test_parameters_are_options_under_their_names_and_no_others_are_sent() -> None:
    request = written(
        temperature=0.0,
        top_p=0.5,
        top_k=4,
        max_tokens=5,
        stop=["a"],
        seed=0,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        parallel_tool_calls=True,
        api_base="http://x",
        timeout=3,
    )
    options = {
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 4,
        "num_predict": 5,
        "stop": ["a"],
        "seed": 0,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
    }
    assert request == {"model": "llama3.2", "messages": [], "stream": False, "options": options}


def test_extra_is_sent_as_it_is_and_what_is_an_option_goes_among_them() -> None:
    extra = {
        "num_ctx": 8192,
        "min_p": 0.1,
        "options": {"seed": 3, "brand_new": 1},
        "think": "high",
        "keep_alive": "5m",
        "format": "json",
    }
    request = written(seed=1, temperature=0.5, extra=extra)
    assert request["options"] == {"temperature": 0.5, "seed": 3, "num_ctx": 8192, "min_p": 0.1, "brand_new": 1}
    assert {name: request[name] for name in ("think", "keep_alive", "format")} == {
        "think": "high",
        "keep_alive": "5m",
        "format": "json",
    }
    assert "num_ctx" not in request


def test_tools_are_sent_with_the_form_that_templates_look_into() -> None:
    assert written(tools=[TOOL, PING], tool_choice="auto")["tools"] == [
        {"type": "function", "function": {"name": "look", "description": "Look.", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "ping", "parameters": {"type": "object", "properties": {}}}},
    ]


def test_tools_that_may_not_be_called_are_not_sent() -> None:
    assert "tools" not in written(tools=[TOOL], tool_choice="none")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        ({"parallel_tool_calls": False, "audio": {"voice": "x"}}, "parallel_tool_calls, audio"),
        ({"modalities": ["audio"]}, "modalities"),
    ],
)
def test_what_it_has_no_parameter_for_is_left_out_with_a_warning(params: dict[str, Any], told: str) -> None:
    with pytest.warns(GeneratorWarning, match=f"Ollama has no {told}, so it is left out"):
        request = written(**params)
    assert not request.keys() & params.keys() - {"tools"}


def test_the_form_of_the_answer_is_asked_for_as_a_schema() -> None:
    assert written(output=JsonShape("answer", SCHEMA))["format"] == SCHEMA


def test_thinking_goes_back_to_who_thought_it_alone() -> None:
    stored = Message.model_validate_json(read(LETTERS["thinking"].whole).message.model_dump_json())
    plain = {"role": "assistant", "content": "42"}
    assert written(stored, origin=ORIGIN)["messages"] == [{**plain, "thinking": "Six by seven."}]
    for other in ("", "ollama!other"):
        assert written(stored, origin=other)["messages"] == [plain]


# Replies.


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
def test_a_whole_letter_is_the_turn_it_stands_for(letter: Letter) -> None:
    turn = read(letter.whole)
    calls = tuple((one.id, one.name, one.arguments) for one in turn.message.tool_calls or ())
    assert (turn.message.role, turn.message.content, calls) == ("assistant", letter.text, letter.calls)
    assert (turn.extra.get("reasoning_content", ""), turn.stop_reason) == (letter.thought, letter.reason)
    assert turn.usage == letter.usage


def test_facts_are_kept_as_they_are() -> None:
    turn = read(record("x", logprobs=[{"token": "x", "logprob": -0.1}], **ENDED))
    assert turn.extra == {
        "model": "llama3.2",
        "created_at": "2026-11-02T10:00:00Z",
        "total_duration": 4935886791,
        "load_duration": 534986708,
        "prompt_eval_duration": 107345000,
        "eval_duration": 4289432000,
        "logprobs": {"content": [{"token": "x", "logprob": -0.1}]},
    }


def test_reasoning_alone_is_no_message() -> None:
    turn = read(record(thinking="Hm.", **ENDED))
    assert (turn.message.content_parts, turn.extra["reasoning_content"]) == ([], "Hm.")


MALFORMED: list[tuple[Any, str]] = [
    (None, "it is not a JSON object"),
    ("<html>", "it is not a JSON object"),
    ([], "it is not a JSON object"),
    ({}, "it has no message"),
    ({"message": "hi"}, "it has no message"),
    ({"message": {"content": 5}}, "its content, its thinking or its tool calls are of another kind"),
    ({"message": {"thinking": ["hm"]}}, "its content, its thinking or its tool calls are of another kind"),
    ({"message": {"tool_calls": {"function": {}}}}, "its content, its thinking or its tool calls are of another kind"),
    ({"message": {"tool_calls": [None]}}, "a tool call in it names no function"),
    ({"message": {"tool_calls": [{"function": {"name": ""}}]}}, "a tool call in it names no function"),
]


@pytest.mark.parametrize(("reply", "problem"), MALFORMED)
def test_a_malformed_reply_says_what_is_wrong_and_shows_it(reply: Any, problem: str) -> None:
    with pytest.raises(InvalidError, match=f"The reply from acme is not one of /api/chat: {problem}") as raised:
        read(reply, "acme")
    assert raised.value.body == (reply if isinstance(reply, str) else json.dumps(reply, separators=(",", ":")))


def test_an_error_in_place_of_a_reply_is_the_server_s() -> None:
    with pytest.raises(ProviderError, match="acme broke off its answer: llama runner") as raised:
        read({"error": "llama runner hush-hush terminated"}, "acme")
    assert (raised.value.kind, raised.value.body) == ("ServerFault", '{"error":"llama runner *** terminated"}')


@given(st.sampled_from([one.whole for one in LETTERS.values()]).flatmap(harmed))
def test_any_json_anywhere_in_a_letter_is_a_turn_or_a_provider_error(reply: Any) -> None:
    try:
        turn = read(reply)
    except ProviderError:
        return
    stored = Message.model_validate_json(turn.message.model_dump_json())
    json.dumps(written(stored, origin=ORIGIN))
