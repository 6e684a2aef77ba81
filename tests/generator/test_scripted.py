"""A scripted generator says its lines, remembers what it heard, and is found by its name."""

from __future__ import annotations

import gc

import pytest

import rigging_py as rg
from rigging_py.error import InvalidGeneratorError, RateLimitedError, ScriptExhaustedError
from rigging_py.generator import ScriptedGenerator, get_generator, scripted
from rigging_py.message import FunctionCall, TextDelta, ToolCall


async def said(model: rg.Generator, *asked: str) -> list[str]:
    return [(await model.chat(text).run()).last.content for text in asked]


async def test_it_says_its_lines_in_order_and_remembers_what_it_heard() -> None:
    model = scripted("one", "two")
    assert await said(model, "first?", "second?") == ["one", "two"]
    assert [heard.text for heard in model.heard] == ["[user]: first?", "[user]: second?"]
    assert model.heard[0].messages[0].content == "first?"


async def test_it_heard_the_parameters_of_the_pipeline_over_its_own() -> None:
    model = scripted("one").with_params(temperature=0.5, seed=1)
    await model.chat("Hi").with_(seed=2).run()
    assert model.heard[0].params.given() == {"temperature": 0.5, "seed": 2}


async def test_what_it_heard_does_not_change_with_the_chat() -> None:
    model = scripted("one")
    chat = await model.chat("Hi").run()
    chat.messages[0].content = "Changed"
    assert model.heard[0].text == "[user]: Hi"


async def test_lines_are_texts_messages_turns_and_calls() -> None:
    call = ToolCall(id="c1", function=FunctionCall(name="look"))
    model = scripted(rg.Message("assistant", "m"), rg.ModelTurn.from_text("t", "length"), call, [call, call])
    turns = await model.generate_messages([[rg.Message("user", "?")]] * 4, [rg.GenerateParams()] * 4)
    assert all(isinstance(turn, rg.ModelTurn) for turn in turns)
    shown = [(t.message.content, t.stop_reason, t.message.tool_calls) for t in turns if isinstance(t, rg.ModelTurn)]
    assert shown == [
        ("m", "stop", None),
        ("t", "length", None),
        ("", "tool_calls", [call]),
        ("", "tool_calls", [call, call]),
    ]


async def test_an_exception_in_the_script_is_raised_with_the_run_on_it() -> None:
    error = RateLimitedError("slow down", retry_after=3)
    model = scripted(error, "later")
    with pytest.raises(RateLimitedError) as raised:
        await said(model, "Hi")
    assert raised.value is error
    assert raised.value.run is not None
    assert [message.content for message in raised.value.messages] == ["Hi"]
    assert await said(model, "Hi") == ["later"]


async def test_an_exception_fails_its_own_conversation_only() -> None:
    model = scripted("one", ValueError("bad"), "three")
    pipeline = model.chat("Hi").catch(ValueError, on_failed="include")
    chats = await pipeline.run_many(3, mode="merged")
    assert [chat.failed for chat in chats] == [False, True, False]
    assert str(chats[1].error) == "bad"


async def test_running_out_of_script_is_an_error_that_repeats_the_last_question() -> None:
    model = ScriptedGenerator("one", model="brief")
    await said(model, "first?")
    assert model.remaining == 0
    with pytest.raises(ScriptExhaustedError, match=r"'brief' was asked 2 times.*\n\[user\]: second\?"):
        await said(model, "second?")


async def test_remaining_counts_down_and_copies_share_the_script() -> None:
    model = scripted("one", "two")
    other = model.with_params(seed=1)
    await said(other, "Hi")
    assert (model.remaining, other.remaining, len(model.heard)) == (1, 1, 1)


@pytest.mark.parametrize("text", ["the the  the", " a\n b ", "one", "", " "])
async def test_streaming_gives_the_text_in_pieces_and_the_turn_last(text: str) -> None:
    deltas = [d async for d in scripted(text).stream_message([rg.Message("user", "?")], rg.GenerateParams())]
    assert "".join(delta.text for delta in deltas[:-1] if isinstance(delta, TextDelta)) == text
    assert isinstance(deltas[-1], rg.ModelTurn)
    assert deltas[-1].message.content == text


async def test_streaming_raises_what_the_script_holds() -> None:
    with pytest.raises(ValueError, match="bad"):
        async for _ in scripted(ValueError("bad")).stream_message([rg.Message("user", "?")], rg.GenerateParams()):
            pass


async def test_it_continues_texts_too() -> None:
    model = scripted(" world", KeyError("k"))
    one, other = await model.generate_texts(["Hello", "Bye"], [rg.GenerateParams()] * 2)
    assert isinstance(one, rg.GeneratedText)
    assert one.text == " world"
    assert isinstance(other, KeyError)


def test_its_identifier_names_the_living_object() -> None:
    model = scripted("one")
    assert get_generator(model.to_identifier()) is model
    named = ScriptedGenerator(model="a,b!c")
    assert get_generator("scripted!a%2Cb%21c") is named
    assert get_generator(named.to_identifier()) is named


def test_parameters_in_the_string_give_a_copy_with_the_same_script() -> None:
    model = scripted("one")
    copy = get_generator(f"{model.to_identifier()},temperature=0.5")
    assert isinstance(copy, ScriptedGenerator)
    assert (copy.params.temperature, copy.heard is model.heard) == (0.5, True)


def test_a_copy_round_trips_though_nobody_else_holds_the_original() -> None:
    copy = scripted("one").with_params(seed=1).watch()
    gc.collect()
    again = get_generator(copy.to_identifier())
    assert isinstance(again, ScriptedGenerator)
    assert (again.to_identifier(), again.heard is copy.heard) == (copy.to_identifier(), True)


def test_the_latest_of_one_name_is_found_and_the_dead_are_not() -> None:
    first = ScriptedGenerator("1", model="twin")
    second = ScriptedGenerator("2", model="twin")
    assert get_generator("scripted!twin") is second
    assert first is not second
    del first, second
    gc.collect()
    with pytest.raises(InvalidGeneratorError, match="no ScriptedGenerator of this name lives in this process"):
        get_generator("scripted!twin")


def test_a_name_nobody_has_is_answered_with_the_living_ones() -> None:
    living = scripted()
    with pytest.raises(InvalidGeneratorError) as raised:
        get_generator("scripted!nobody")
    assert living.model in raised.value.known
    assert raised.value.piece == "nobody"


def test_what_the_program_made_takes_no_options_but_parameters() -> None:
    model = scripted()
    with pytest.raises(InvalidGeneratorError, match="api_key cannot be set here"):
        get_generator(f"{model.to_identifier()},api_key=k")


def test_every_script_has_a_name_of_its_own() -> None:
    assert scripted().model != scripted().model


@pytest.mark.parametrize("said", [True, False, None])
async def test_it_says_of_tools_what_it_is_told_to_say(said: bool | None) -> None:
    assert await scripted(supports_tools=said).supports_function_calling() is said
    assert await ScriptedGenerator("one", supports_tools=said).supports_function_calling() is said
