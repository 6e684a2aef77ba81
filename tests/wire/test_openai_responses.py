"""The OpenAI responses wire, letter by letter: what we send, and what we make of what comes back."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import (
    GeneratorWarning,
    InvalidError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    TimedOutError,
)
from rigging_py.message import (
    Content,
    ContentAudioInput,
    ContentFile,
    ContentImageUrl,
    ContentReasoning,
    ContentText,
    FunctionCall,
    FunctionDefinition,
    GenerateParams,
    Message,
    ModelTurn,
    ToolCall,
    ToolDefinition,
)
from rigging_py.parsing import JsonShape
from rigging_py.parsing.untyped import as_list, as_mapping
from rigging_py.wire import RESPONSES
from tests.wire.responses_letters import LETTERS, Json, Letter, asked, call, message, reasoning, response, said, text

letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))

SCHEMA: Json = {"type": "object", "properties": {"at": {"type": "string"}}}
LOOK = ToolDefinition(function=FunctionDefinition(name="look", description="Look.", parameters=SCHEMA))
PING = ToolDefinition(function=FunctionDefinition(name="ping"))
CALL = ToolCall(id="call_1", function=FunctionCall(name="look", arguments='{"at":"sky"}'))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(st.text(max_size=3), inside, max_size=2),
    max_leaves=4,
)


def shown(turn: ModelTurn) -> tuple[Any, ...]:
    """All of a turn but the uuid of its message."""
    spoken = turn.message
    calls = tuple((call.id, call.name, call.arguments) for call in spoken.tool_calls or ())
    return spoken.content_parts, calls, spoken.metadata, turn.stop_reason, turn.usage, turn.extra


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside of one."""
    for name, one in (*as_mapping(value).items(), *enumerate(as_list(value))):
        yield (*path, name)
        yield from places(one, (*path, name))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at a path."""
    whole = copy.deepcopy(value)
    inside = whole
    for name in path[:-1]:
        inside = inside[name]
    inside[path[-1]] = new
    return whole


def sent(*messages: Message, origin: str = "", model: str = "gpt-5", **params: Any) -> Json:
    return RESPONSES.request(model, messages, GenerateParams(**params), origin=origin)


# Requests.


def test_a_conversation_is_a_list_of_items_and_nothing_is_kept() -> None:
    messages = [
        Message("system", "Be kind."),
        Message("developer", "Be brief."),
        Message("user", "What is it?"),
        Message("assistant", "One moment.", tool_calls=[CALL]),
        Message("tool", "blue", tool_call_id="call_1"),
        Message("assistant", "The sky."),
    ]
    assert sent(*messages) == {
        "model": "gpt-5",
        "input": [
            {"role": "system", "content": "Be kind."},
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "What is it?"},
            said("One moment."),
            asked(),
            {"type": "function_call_output", "call_id": "call_1", "output": "blue"},
            said("The sky."),
        ],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }


def test_every_kind_of_part_has_its_form() -> None:
    parts: list[Content] = [
        ContentText(text="See"),
        ContentText(text="and hear."),
        ContentImageUrl.from_url("https://x.test/y.png", detail="low"),
        ContentAudioInput.from_bytes(b"RIFF", format="wav", transcript="hm"),
        ContentFile.from_id("file-1"),
        ContentFile.from_bytes(b"%PDF", "application/pdf", filename="a.pdf"),
    ]
    assert sent(Message("user", parts))["input"][0]["content"] == [
        {"type": "input_text", "text": "See\n"},
        {"type": "input_text", "text": "and hear."},
        {"type": "input_image", "image_url": "https://x.test/y.png", "detail": "low"},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERg==", "filename": "a.pdf"},
    ]


def test_what_the_assistant_spoke_goes_back_in_words() -> None:
    spoke = ContentAudioInput.from_bytes(b"RIFF", format="wav", transcript="Hi there")
    assert sent(Message("assistant", [spoke]))["input"] == [said("Hi there")]


def test_a_tool_may_answer_with_an_image() -> None:
    image = ContentImageUrl.from_url("https://x.test/y.png")
    [item] = sent(Message("tool", ["Here:", image], tool_call_id="call_1"))["input"]
    assert [part["type"] for part in item["output"]] == ["input_text", "input_image"]


def test_the_api_has_a_mark_of_its_own_for_its_cache_and_those_of_others_stay_here() -> None:
    ours = Message("user", ["a"], cache_control={"mode": "explicit"})
    theirs = Message("user", ["a"], cache_control="ephemeral")
    [[one], [other]] = [item["content"] for item in sent(ours, theirs)["input"]]
    assert one == {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert other == {"type": "input_text", "text": "a"}


def test_parameters_go_under_their_names() -> None:
    request = sent(temperature=0.5, max_tokens=99, top_p=0.9, parallel_tool_calls=False, extra={"reasoning": {"a": 1}})
    kept = {name: value for name, value in request.items() if name not in ("model", "input", "store", "include")}
    assert kept == {
        "temperature": 0.5,
        "max_output_tokens": 99,
        "top_p": 0.9,
        "parallel_tool_calls": False,
        "reasoning": {"a": 1},
    }


def test_what_the_api_does_not_have_is_left_out_with_a_warning() -> None:
    with pytest.warns(GeneratorWarning, match="responses API has no top_k, stop, seed, so it is left out"):
        request = sent(seed=1, top_k=2, stop=["x"])
    assert not {"seed", "top_k", "stop"} & request.keys()
    with warnings.catch_warnings(action="error"):
        assert sent(stop=[], extra={"stop": ["x"]})["stop"] == ["x"]


def test_what_the_user_wants_kept_is_and_what_is_included_is_added_to() -> None:
    more = sent(extra={"store": True, "include": ["message.output_text.logprobs"], "previous_response_id": "resp_1"})
    assert (more["store"], more["previous_response_id"]) == (True, "resp_1")
    assert more["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert sent(extra={"include": None})["include"] is None


@pytest.mark.parametrize(
    ("model", "thinks"),
    [("gpt-5", True), ("o4-mini", True), ("my-own", True), ("gpt-4o", False), ("openai/ft:gpt-4.1:me", False)],
)
def test_models_that_do_not_reason_are_not_asked_for_it(model: str, thinks: bool) -> None:
    assert ("include" in sent(model=model)) is thinks


def test_a_stream_is_asked_for() -> None:
    assert RESPONSES.request("m", [], GenerateParams(), stream=True)["stream"] is True
    assert "stream" not in sent()


def test_tools_are_flat_and_their_schemas_are_meant_as_they_stand() -> None:
    hosted: Json = {"type": "web_search"}
    assert sent(tools=[LOOK, PING], extra={"tools": [hosted]})["tools"] == [
        {"type": "function", "name": "look", "description": "Look.", "parameters": SCHEMA, "strict": False},
        {"type": "function", "name": "ping", "parameters": {"type": "object", "properties": {}}, "strict": False},
        hosted,
    ]


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        *((word, word) for word in ("auto", "none", "required")),
        ("look", {"type": "function", "name": "look"}),
        ({"type": "function", "function": {"name": "look"}}, {"type": "function", "name": "look"}),
        ({"type": "function", "name": "look"}, {"type": "function", "name": "look"}),
        ({"type": "web_search"}, {"type": "web_search"}),
    ],
)
def test_the_choice_of_a_tool_is_written_as_the_api_takes_it(choice: Any, written: Any) -> None:
    assert sent(tools=[LOOK], tool_choice=choice)["tool_choice"] == written
    assert sent(extra={"tools": [{"type": "web_search"}]}, tool_choice=choice)["tool_choice"] == written
    assert "tool_choice" not in sent(tool_choice=choice)


def test_an_answer_is_held_to_its_schema() -> None:
    shape = JsonShape("Look", SCHEMA)
    format_ = {"type": "json_schema", "name": "Look", "schema": SCHEMA}
    assert sent(output=shape)["text"] == {"format": format_}
    assert sent(output=shape, extra={"text": {"verbosity": "low"}})["text"] == {"format": format_, "verbosity": "low"}


# What goes back.


@letters
def test_what_a_model_said_goes_back_to_it_in_its_own_order(letter: Letter) -> None:
    turn = RESPONSES.turn(letter.whole, origin="acme!m")
    assert sent(turn.message, origin="acme!m")["input"] == letter.back
    stored = Message.model_validate(json.loads(json.dumps(turn.message.model_dump(mode="json"))))
    assert sent(stored, origin="acme!m")["input"] == letter.back


@letters
@pytest.mark.parametrize("origin", ["other!m", ""])
def test_others_get_what_was_said_and_called_alone(letter: Letter, origin: str) -> None:
    turn = RESPONSES.turn(letter.whole, origin="acme!m")
    items = sent(turn.message, origin=origin)["input"]
    assert items == [item for item in letter.back if item["type"] in ("message", "function_call")]


def test_a_summary_alone_goes_back_where_the_provider_keeps_the_rest() -> None:
    turn = RESPONSES.turn(response(reasoning("Hm.", secret=None), message(text("42"))), origin="o")
    assert len(sent(turn.message, origin="o")["input"]) == 1
    assert len(sent(turn.message, origin="o", extra={"store": True})["input"]) == 2


def test_an_edited_message_keeps_its_thoughts_before_what_it_says_now() -> None:
    turn = RESPONSES.turn(LETTERS["phases"].whole, origin="o")
    turn.message.content = "Blue."
    assert sent(turn.message, origin="o")["input"] == [said("Blue."), reasoning("Hm.")]


@given(st.text(max_size=12), st.dictionaries(st.text(max_size=3), JSON, max_size=2), JSON)
def test_a_stored_message_may_say_anything_of_itself(form: str, extra: Json, phases: Any) -> None:
    for named in (form, f"output.{form}", "output.99999999999999999999", "output.²", "output."):
        part = ContentReasoning(text="Hm.", origin="o", form=named, extra=extra)
        spoken = Message("assistant", [part, ContentText(text="Hi")], metadata={"phases": phases})
        assert said("Hi")["content"] in [item.get("content") for item in sent(spoken, origin="o")["input"]]


# Replies.


@letters
def test_a_response_is_the_turn_it_stands_for(letter: Letter) -> None:
    turn = RESPONSES.turn(letter.whole, provider="acme", origin="acme!m")
    calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
    assert (turn.message.role, turn.message.content, calls) == ("assistant", letter.text, letter.calls)
    assert (turn.stop_reason, turn.usage) == (letter.reason, letter.usage)
    thought = {"reasoning_content": letter.thought} if letter.thought else {}
    named = {"response_id": "resp_1", "model": "gpt-5-2026-08-07"}
    assert turn.extra == {**named, **thought, **letter.extra}


def test_what_was_thought_is_a_part_of_the_message_with_its_secret() -> None:
    turn = RESPONSES.turn(LETTERS["reasoning and calls by turns"].whole, origin="acme!m")
    first, second = turn.message.content_parts
    assert isinstance(first, ContentReasoning)
    assert isinstance(second, ContentReasoning)
    assert (first.text, first.data, first.origin) == ("I look.\n\n**Twice**, even.", "gAAAA-1", "acme!m")
    assert (second.text, second.data) == ("", "gAAAA-2")
    assert "gAAAA" not in repr(turn.message)


def test_counts_that_are_not_told_are_not_made_up() -> None:
    turn = RESPONSES.turn(response(usage={"input_tokens": 3, "output_tokens": 4}))
    assert turn.usage is not None
    assert turn.usage.model_dump(exclude_none=True) == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}


def test_a_call_may_have_its_arguments_as_an_object_or_none_and_its_id_under_either_name() -> None:
    one, other = call(arguments=""), {**call(), "arguments": {"at": "sky"}}
    del other["call_id"]
    turn = RESPONSES.turn(response(one, other))
    found = [(call.id, call.arguments) for call in turn.message.tool_calls or ()]
    assert found == [("call_1", "{}"), ("fc_call_1", '{"at":"sky"}')]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "Oh."}, ServerFaultError),
        ({"code": "rate_limit_exceeded", "message": "Oh."}, RateLimitedError),
        ({"code": "invalid_prompt", "message": "Oh."}, RefusedError),
        ({"code": "image_content_policy_violation", "message": "Oh."}, RefusedError),
        ({"code": "vector_store_timeout", "message": "Oh."}, TimedOutError),
        ({"code": "image_too_large", "message": "Oh."}, InvalidError),
        (None, ServerFaultError),
    ],
)
def test_a_failed_response_is_the_error_that_it_stands_for(error: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind, match="acme broke off its answer") as caught:
        RESPONSES.turn(response(status="failed", error=error), provider="acme")
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelled", "asleep"])
def test_a_response_that_is_no_answer_yet_or_never_will_be_is_none(status: str) -> None:
    with pytest.raises(InvalidError, match=f"it is '{status}', and what is answered in the background"):
        RESPONSES.turn(response(status=status))


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ([], "it is not a JSON object"),
        ("hush-hush", "it is not a JSON object"),
        ({}, "its output is no list of objects"),
        (response(call(name="")), "a call in it names no function"),
        (response(message({"type": "output_text", "text": 7})), "a text in it is none"),
        ({**response(), "output": [message(), 7]}, "its output is no list of objects"),
        ({"choices": [{"message": {"content": "hush-hush"}}]}, "its output is no list of objects"),
    ],
)
def test_a_reply_that_holds_no_response_says_what_is_wrong(reply: Any, problem: str) -> None:
    with pytest.raises(
        InvalidError, match=f"The reply from acme is not a response with an answer: {problem}"
    ) as caught:
        RESPONSES.turn(reply, provider="acme", secret="hush-hush")
    assert "hush-hush" not in (caught.value.body or "")


@given(st.sampled_from(list(LETTERS.values())), JSON, st.data())
def test_any_value_anywhere_is_a_turn_or_an_error_of_ours(letter: Letter, value: Any, data: st.DataObject) -> None:
    reply = changed(letter.whole, data.draw(st.sampled_from(list(places(letter.whole)))), value)
    try:
        turn = RESPONSES.turn(reply, provider="acme", origin="acme!m")
    except ProviderError:
        return
    sent(turn.message, origin="acme!m")
    json.dumps(turn.message.model_dump(mode="json"))
