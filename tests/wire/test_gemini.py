"""The Gemini wire, letter by letter: what we send, and what we make of what comes back whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import GeneratorWarning, InvalidError, ProcessingError, ProviderError, RefusedError
from rigging_py.message import (
    Audio,
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
    Usage,
)
from rigging_py.parsing import JsonShape
from rigging_py.wire import GEMINI
from tests.wire.gemini_letters import ANY_JSON, LETTERS, Letter, call, chunk, harmed, said, thought

ORIGIN = "gemini!gemini-2.5-flash"
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}}
TOOL = ToolDefinition(function=FunctionDefinition(name="look", description="Look.", parameters=SCHEMA))
PING = ToolDefinition(function=FunctionDefinition(name="ping"))


def written(*messages: Message, origin: str = "", **params: Any) -> dict[str, Any]:
    return GEMINI.request("m", messages, GenerateParams(**params), origin=origin)


def contents(*messages: Message, origin: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = written(*messages, origin=origin)["contents"]
    return found


def read(reply: object, provider: str = "") -> ModelTurn:
    return GEMINI.turn(reply, provider=provider, secret="hush-hush", origin=ORIGIN)


def called(name: str, arguments: str = "{}", id_: str = "") -> ToolCall:
    return ToolCall(id=id_, function=FunctionCall(name=name, arguments=arguments))


# Requests.


def test_a_conversation_is_the_user_s_and_the_model_s_by_turns() -> None:
    request = written(
        Message("system", "Be kind."),
        Message("user", "Hi"),
        Message("user", "Look at the sky."),
        Message("assistant", "One moment.", tool_calls=[called("look", '{"at":"sky"}', "c1")]),
        Message("tool", "blue", tool_call_id="c1"),
        Message("developer", "Be short."),
        Message("user", "And?"),
        Message("assistant", "It is blue."),
    )
    assert request == {
        "systemInstruction": {"parts": [said("Be kind."), said("Be short.")]},
        "contents": [
            {"role": "user", "parts": [said("Hi"), said("Look at the sky.")]},
            {"role": "model", "parts": [said("One moment."), call("look", args={"at": "sky"}, id="c1")]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "look", "response": {"output": "blue"}}},
                    said("And?"),
                ],
            },
            {"role": "model", "parts": [said("It is blue.")]},
        ],
    }


def test_what_says_nothing_is_not_sent() -> None:
    assert contents(Message("user", "Hi"), Message("assistant", ""), Message("user", "Well?")) == [
        {"role": "user", "parts": [said("Hi"), said("Well?")]}
    ]


def test_texts_that_are_shown_on_lines_of_their_own_are_told_apart() -> None:
    [content] = contents(Message("user", ["One", "two\n", "three"]))
    assert content["parts"] == [said("One\n"), said("two\n"), said("three")]


def test_media_go_inline_and_addresses_as_they_are() -> None:
    [content] = contents(
        Message(
            "user",
            [
                ContentImageUrl.from_bytes(b"x", "image/png"),
                ContentImageUrl.from_url("https://x.org/y.jpg"),
                ContentAudioInput(input_audio=Audio(data="AA==", format="mp3", transcript="hi")),
                ContentFile.from_bytes(b"x", "application/pdf", filename="x.pdf"),
                ContentFile.from_id("https://files.example/f1"),
            ],
        )
    )
    assert content["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": "eA=="}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.org/y.jpg"}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "AA=="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "eA=="}},
        {"fileData": {"fileUri": "https://files.example/f1"}},
    ]


def test_data_that_is_not_base64_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ProcessingError, match="no base64"):
        contents(Message("user", ContentImageUrl.from_url("data:image/svg+xml,<svg/>")))


def test_results_go_back_by_name_in_the_order_of_calls_without_ids() -> None:
    *_, content = contents(
        Message("assistant", tool_calls=[called("a"), called("b"), called("c", id_="c3"), called("a")]),
        Message("tool", "1", tool_call_id=""),
        Message("tool", "2"),
        Message("tool", ["3", ContentImageUrl.from_bytes(b"x", "image/png")], tool_call_id="c3"),
        Message("tool", "4", metadata={"error": True}),
        Message("tool", "5", tool_call_id="of nobody"),
    )
    assert content["parts"] == [
        {"functionResponse": {"name": "a", "response": {"output": "1"}}},
        {"functionResponse": {"name": "b", "response": {"output": "2"}}},
        {"functionResponse": {"id": "c3", "name": "c", "response": {"output": "3"}}},
        {"inlineData": {"mimeType": "image/png", "data": "eA=="}},
        {"functionResponse": {"name": "a", "response": {"error": "4"}}},
        {"functionResponse": {"id": "of nobody", "name": "tool", "response": {"output": "5"}}},
    ]


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ('{"x":1}', {"x": 1}),
        ("", {}),
        (" ", {}),
        ("{broken", {"arguments": "{broken"}),
        ("[1]", {"arguments": "[1]"}),
        ("null", {"arguments": "null"}),
    ],
)
def test_arguments_are_an_object_whatever_a_model_wrote(text: str, args: dict[str, Any]) -> None:
    [content] = contents(Message("assistant", tool_calls=[called("f", text)]))
    assert content["parts"] == [call("f", args=args)]


def test_parameters_have_their_names_and_no_others_are_sent() -> None:
    config = {
        "temperature": 0.0,
        "topP": 0.5,
        "topK": 4,
        "maxOutputTokens": 5,
        "stopSequences": ["a"],
        "seed": 0,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseModalities": ["TEXT", "AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
    }
    request = written(
        temperature=0.0,
        top_p=0.5,
        top_k=4,
        max_tokens=5,
        stop=["a"],
        seed=0,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        modalities=["text", "audio"],
        audio={"voice": "Kore"},
        parallel_tool_calls=True,
        api_base="http://x",
        timeout=3,
    )
    assert request == {"contents": [], "generationConfig": config}
    assert GEMINI.request("m", [], GenerateParams(), stream=True) == {"contents": []}


def test_what_it_has_no_parameter_for_is_left_out_with_a_warning() -> None:
    with pytest.warns(GeneratorWarning, match="Gemini has no parallel_tool_calls, audio format, so it is left out"):
        request = written(parallel_tool_calls=False, audio={"format": "wav", "voice": "Kore"})
    assert list(request["generationConfig"]) == ["speechConfig"]


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ("look", {"mode": "ANY", "allowedFunctionNames": ["look"]}),
        (
            {"type": "function", "function": {"name": "look"}},
            {"mode": "ANY", "allowedFunctionNames": ["look"]},
        ),
        ({"mode": "VALIDATED"}, {"mode": "VALIDATED"}),
    ],
)
def test_tools_go_with_the_choice_among_them(choice: Any, config: dict[str, Any]) -> None:
    request = written(tools=[TOOL, PING], tool_choice=choice)
    declared = [{"name": "look", "description": "Look.", "parametersJsonSchema": SCHEMA}, {"name": "ping"}]
    assert request["tools"] == [{"functionDeclarations": declared}]
    assert request["toolConfig"] == {"functionCallingConfig": config}
    assert written(tool_choice=choice) == {"contents": []}


def test_the_form_of_the_answer_is_asked_for_as_a_schema() -> None:
    request = written(output=JsonShape("answer", SCHEMA))
    assert request["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def test_extra_is_merged_into_the_request_and_wins() -> None:
    extra: dict[str, Any] = {
        "generationConfig": {"thinkingConfig": {"thinkingBudget": 0}, "seed": 2},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "tools": [{"googleSearch": {}}],
    }
    request = written(seed=1, temperature=0.5, tools=[PING], extra=extra)
    assert request == {
        "contents": [],
        "generationConfig": {"temperature": 0.5, "seed": 2, "thinkingConfig": {"thinkingBudget": 0}},
        "safetySettings": extra["safetySettings"],
        "tools": [{"functionDeclarations": [{"name": "ping"}]}, {"googleSearch": {}}],
    }
    assert extra["tools"] == [{"googleSearch": {}}]


# What a model said goes back as it came.


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
def test_an_answer_goes_back_in_its_own_parts_and_to_who_gave_it_alone(letter: Letter) -> None:
    turn = read(letter.whole)
    stored = Message.model_validate_json(turn.message.model_dump_json())
    expected = [{"role": "model", "parts": letter.back}] if letter.back else []
    assert contents(stored, origin=ORIGIN) == expected
    for other in ("", "gemini!other"):
        sent = json.dumps(contents(stored, origin=other))
        assert not any(word in sent for word in ("thought", "Signature", "executableCode"))
        assert contents(stored, origin=other) == contents(stored.model_copy(), origin=other)


def test_of_a_text_that_was_changed_no_piece_is_signed_that_is_not_there() -> None:
    message = read(LETTERS["signed thoughts and texts by turns"].whole).message
    message.content = "One"
    [content] = contents(message, origin=ORIGIN)
    assert content["parts"] == [thought("a", "MQ=="), thought("b", "Mg=="), said("One"), thought("c")]


def test_a_call_in_the_place_of_the_signed_one_is_not_signed() -> None:
    message = read(LETTERS["a call and nothing else"].whole).message
    message.tool_calls = [called("other")]
    assert contents(message, origin=ORIGIN) == [{"role": "model", "parts": [call("other", args={})]}]


@given(
    st.sampled_from(["thought", "text", "inlineData", "functionCall", "part", "role"]),
    st.dictionaries(st.sampled_from(["at", "length", "index", "name", "part"]), ANY_JSON | st.integers(-2, 9)),
    st.none() | st.just("c2ln"),
)
def test_marks_that_were_stored_wrong_change_nothing_of_what_is_said(
    form: str, extra: dict[str, Any], signature: str | None
) -> None:
    mark = ContentReasoning(text="t", origin=ORIGIN, form=form, extra=extra, signature=signature)
    message = Message("assistant", [mark, ContentText(text="Hello"), mark], tool_calls=[called("f")])
    [content] = contents(message, origin=ORIGIN)
    spoken = [part for part in content["parts"] if "thought" not in part]
    assert "".join(part.get("text", "") for part in spoken) == "Hello"
    assert [part["functionCall"] for part in spoken if "functionCall" in part] == [{"name": "f", "args": {}}]


# Replies.


@pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
def test_a_whole_letter_is_the_turn_it_stands_for(letter: Letter) -> None:
    turn = read(letter.whole)
    calls = tuple((one.id, one.name, one.arguments) for one in turn.message.tool_calls or ())
    assert (turn.message.role, turn.message.content, calls) == ("assistant", letter.text, letter.calls)
    assert (turn.extra.get("reasoning_content", ""), turn.stop_reason) == (letter.thought, letter.reason)
    assert turn.usage == letter.usage
    assert (turn.extra["response_id"], turn.extra["model"]) == ("r-1", "gemini-2.5-flash")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        *((one, "content_filter") for one in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")),
        *((one, "content_filter") for one in ("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "MODEL_ARMOR")),
        *((one, "unknown") for one in ("OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "UNHEARD_OF")),
        (None, "unknown"),
    ],
)
def test_the_reason_to_stop_is_said_in_our_words(raw: str | None, reason: str) -> None:
    turn = read(chunk(said("x"), reason=raw))
    assert turn.stop_reason == reason
    assert turn.extra.get("finish_reason") == (raw if reason in ("unknown", "content_filter") else None)


def test_a_filter_that_left_nothing_and_a_limit_that_did_are_turns() -> None:
    for reason in ("STOP", "MAX_TOKENS", "SAFETY"):
        assert read(chunk(reason=reason)).message.content_parts == []


def test_an_answer_that_failed_before_it_began_is_the_server_s_fault() -> None:
    told = "Malformed function call: look(hush-hush"
    with pytest.raises(
        ProviderError, match=r"acme ended its answer before it began \(MALFORMED_FUNCTION_CALL: Mal"
    ) as e:
        read(chunk(reason="MALFORMED_FUNCTION_CALL", finishMessage=told), "acme")
    assert (e.value.kind, e.value.retryable) == ("ServerFault", True)
    assert "hush" not in f"{e.value}{e.value.body}"


@pytest.mark.parametrize("feedback", [{"blockReason": "SAFETY"}, {"blockReason": "OTHER", "blockReasonMessage": "no"}])
def test_a_prompt_that_was_blocked_is_refused(feedback: dict[str, Any]) -> None:
    reply = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 9}}
    with pytest.raises(RefusedError, match=f"acme blocked the prompt .{feedback['blockReason']}.*Rephrase") as raised:
        read(reply, "acme")
    assert json.loads(raised.value.body) == reply


def test_facts_are_kept_in_our_names() -> None:
    facts: dict[str, Any] = {
        "groundingMetadata": {"webSearchQueries": ["q"]},
        "citationMetadata": {"citationSources": [{}]},
        "urlContextMetadata": {"urlMetadata": [{}]},
        "safetyRatings": [{"category": "c"}],
        "logprobsResult": {
            "chosenCandidates": [{"token": "x", "tokenId": 7, "logProbability": -0.1}],
            "topCandidates": [{"candidates": [{"token": "x", "logProbability": -0.1}, {"token": "y"}]}],
        },
        "finishMessage": "done",
    }
    assert read(chunk(said("x"), reason="STOP", **facts)).extra == {
        "response_id": "r-1",
        "model": "gemini-2.5-flash",
        "grounding_metadata": facts["groundingMetadata"],
        "citation_metadata": facts["citationMetadata"],
        "url_context_metadata": facts["urlContextMetadata"],
        "safety_ratings": facts["safetyRatings"],
        "logprobs": {
            "content": [
                {
                    "token": "x",
                    "logprob": -0.1,
                    "top_logprobs": [{"token": "x", "logprob": -0.1}, {"token": "y", "logprob": None}],
                }
            ]
        },
        "finish_message": "done",
    }


def test_sound_and_files_in_a_reply_are_parts() -> None:
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
    pdf = {"inlineData": {"mimeType": "application/pdf", "data": "eA=="}}
    message = read(chunk(sound, pdf, reason="STOP")).message
    heard, file = message.content_parts
    assert isinstance(heard, ContentAudioInput)
    assert heard.input_audio.format == "L16;codec=pcm;rate=24000"
    assert isinstance(file, ContentFile)
    assert file.to_bytes() == b"x"
    assert contents(message, origin=ORIGIN) == [{"role": "model", "parts": [sound, pdf]}]


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({}, None),
        ("many", None),
        ({"promptTokenCount": 3}, Usage(input_tokens=3, total_tokens=3)),
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 4,
                "toolUsePromptTokenCount": 2,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 24,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 4},
                    {"modality": "AUDIO", "tokenCount": 6},
                    None,
                ],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
            },
            Usage(
                input_tokens=12,
                output_tokens=12,
                total_tokens=24,
                cached_tokens=4,
                reasoning_tokens=7,
                audio_tokens=7,
            ),
        ),
        ({"promptTokenCount": -1, "candidatesTokenCount": "2", "totalTokenCount": 4.0}, Usage(total_tokens=4)),
    ],
)
def test_all_that_was_read_and_written_is_counted(counts: Any, usage: Usage | None) -> None:
    assert read(chunk(said("x"), reason="STOP", counts=counts)).usage == usage


MALFORMED: list[tuple[Any, str]] = [
    (None, "it is not a JSON object"),
    ("<html>", "it is not a JSON object"),
    ([], "it is not a JSON object"),
    ([chunk(said("x"), reason="STOP")], "it is a list"),
    ({}, "it has no candidates"),
    ({"candidates": []}, "it has no candidates"),
    ({"candidates": {}}, "its candidates are no list"),
    ({"candidates": ["x"]}, "a candidate in it is no object"),
    ({"candidates": [{}]}, "its first candidate has no content"),
    ({"candidates": [{"content": "x"}]}, "its content or its finish reason is of another kind"),
    (
        {"candidates": [{"content": {"parts": {"text": "x"}}}]},
        "its content or its finish reason is of another kind",
    ),
    ({"candidates": [{"finishReason": 1}]}, "its content or its finish reason is of another kind"),
    (chunk({"text": 5}), "the text of a part in it is of another kind"),
    (chunk({"text": "", "thoughtSignature": 5}), "the signature of a part in it is no text"),
    (chunk({"functionCall": {"args": {}}}), "a function call in it names no function"),
    (chunk({"functionCall": "look"}), "a function call in it names no function"),
    (chunk({"inlineData": {"data": "AA=="}}), "the inline data of a part in it is of another kind"),
]


@pytest.mark.parametrize(("reply", "problem"), MALFORMED)
def test_a_malformed_reply_says_what_is_wrong_and_shows_it(reply: object, problem: str) -> None:
    with pytest.raises(InvalidError, match=f"The reply from acme is not one of generateContent: {problem}") as raised:
        read(reply, "acme")
    assert raised.value.body == (reply if isinstance(reply, str) else json.dumps(reply, separators=(",", ":")))


ERROR = {"error": {"code": 503, "message": "overloaded hush-hush", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize("reply", [ERROR, [ERROR]])
def test_an_error_in_place_of_a_reply_is_of_its_kind(reply: object) -> None:
    with pytest.raises(ProviderError, match="overloaded") as raised:
        read(reply, "acme")
    assert (raised.value.kind, raised.value.status) == ("ServerFault", 503)
    assert "hush" not in f"{raised.value}{raised.value.body}"


def test_what_is_shown_of_a_reply_is_short_and_holds_no_key() -> None:
    with pytest.raises(InvalidError) as raised:
        read({"said": "hush-hush", "more": "x" * 5000})
    assert len(raised.value.body) == 2000
    assert "hush" not in raised.value.body


@given(st.sampled_from([one.whole for one in LETTERS.values()]).flatmap(harmed))
def test_any_json_anywhere_in_a_letter_is_a_turn_or_a_provider_error(reply: Any) -> None:
    try:
        turn = read(reply)
    except ProviderError:
        return
    stored = Message.model_validate_json(turn.message.model_dump_json())
    json.dumps(contents(stored, origin=ORIGIN))
