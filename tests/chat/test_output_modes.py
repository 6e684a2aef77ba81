"""An answer is asked for in the mode that is chosen, and one that was cut is dealt with as the policy says."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydantic import BaseModel

import rigging_py as rg
from rigging_py.error import MessagesExhaustedMaxRoundsError, PipelineWarning, TruncatedError
from rigging_py.generator import ScriptedGenerator
from rigging_py.generator.scripted import Reply
from rigging_py.message import ModelTurn
from rigging_py.parsing import JsonShape
from rigging_py.run import Continue, MoreTokens
from tests.tools.calls import call


class City(BaseModel):
    name: str
    people: int


OSLO = City(name="Oslo", people=700_000)
JSON = '{"name": "Oslo", "people": 700000}'
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}


class Enforcing(ScriptedGenerator):
    """A scripted model that can hold its answers to a JSON schema."""

    def __init__(self, *replies: Reply, **fields: Any) -> None:
        super().__init__(*replies, **fields)

    async def supports_json_schema(self) -> bool:
        return True


def look() -> str:
    return "seen"


def cut(text: str) -> ModelTurn:
    return ModelTurn.from_text(text, stop_reason="length")


# Native.


async def test_native_sends_the_schema_and_says_nothing_to_a_model_that_enforces_it() -> None:
    model = Enforcing(JSON)
    chat = await model.chat("Which?").until_parsed_as(City, output_mode="native").run()
    assert chat.output == OSLO
    assert isinstance(model.heard[0].params.output, JsonShape)
    assert [message.content for message in model.heard[0].messages] == ["Which?"]


async def test_native_falls_back_to_words_with_a_notice_and_asks_each_time() -> None:
    model = rg.scripted("Oslo", JSON)
    pipeline = model.chat("Which?").until_parsed_as(City, output_mode="native")
    with pytest.warns(PipelineWarning, match="ScriptedGenerator cannot enforce JSON") as caught:
        chat = await pipeline.run()
    assert chat.output == OSLO
    assert len(caught) == 1
    assert all("people" in heard.messages[0].content for heard in model.heard)
    assert [message.role for message in chat.all] == ["user", "assistant", "user", "assistant"]


# Words.


async def test_prompted_asks_in_words_without_a_notice_and_sends_no_schema() -> None:
    model = rg.scripted(JSON)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chat = await model.chat("Which?").until_parsed_as(City, output_mode="prompted").run()
    assert chat.output == OSLO
    [said, asked] = model.heard[0].messages
    assert (said.role, asked.content) == ("system", "Which?")
    assert "people" in said.content
    assert model.heard[0].params.output is None


async def test_prompted_words_join_a_system_message_that_is_there() -> None:
    model = rg.scripted(JSON)
    pipeline = model.chat([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which?"}])
    chat = await pipeline.until_parsed_as(City, output_mode="prompted").run()
    assert [message.role for message in model.heard[0].messages] == ["system", "user"]
    assert model.heard[0].messages[0].content.startswith("Be brief.")
    assert chat.all[0].content == "Be brief."


@pytest.mark.parametrize("mode", ["prompted", "native"])
async def test_an_answer_that_does_not_fit_goes_back_with_what_was_wrong(mode: Any) -> None:
    model = Enforcing('{"name": "Oslo", "people": "many"}', JSON)
    chat = await model.chat("Which?").until_parsed_as(City, output_mode=mode).run()
    assert chat.output == OSLO
    assert "people" in model.heard[1].messages[-1].content


# A call.


async def test_tool_asks_for_a_call_of_final_result_whose_arguments_are_the_answer() -> None:
    model = rg.scripted(call("final_result", JSON))
    chat = await model.chat("Which?").until_parsed_as(City, output_mode="tool").run()
    assert chat.output == OSLO
    params = model.heard[0].params
    assert [one.function.name for one in params.tools or []] == ["final_result"]
    assert params.tool_choice == "required"
    assert params.output is None
    assert [message.role for message in chat.all] == ["user", "assistant", "tool"]


async def test_tool_keeps_asking_through_other_tools_text_and_bad_arguments() -> None:
    bad = call("final_result", '{"name": "Oslo"}')
    model = rg.scripted(call("look"), "It is Oslo.", bad, call("final_result", JSON))
    chat = await model.chat("Which?").using(look).until_parsed_as(City, output_mode="tool").run()
    assert chat.output == OSLO
    assert [heard.params.tool_choice for heard in model.heard] == ["required"] * 4
    assert "final_result" in model.heard[2].messages[-1].content
    assert model.heard[3].messages[-1].role == "tool"


async def test_a_choice_of_tool_that_the_pipeline_made_is_left() -> None:
    model = rg.scripted(call("final_result", JSON))
    pipeline = model.chat("Which?").with_(tool_choice="auto").until_parsed_as(City, output_mode="tool")
    await pipeline.run()
    assert model.heard[0].params.tool_choice == "auto"


def test_a_tool_of_that_name_is_refused() -> None:
    def final_result() -> None: ...

    with pytest.raises(ValueError, match="rename yours"):
        _ = rg.scripted().chat("hi").using(final_result).until_parsed_as(City, output_mode="tool").program


# What can be asked for.


@pytest.mark.parametrize("mode", ["native", "tool", "prompted"])
async def test_a_json_schema_gives_plain_data(mode: Any) -> None:
    answer = call("final_result", JSON) if mode == "tool" else JSON
    chat = await Enforcing(answer).chat("Which?").until_parsed_as(SCHEMA, output_mode=mode).run()
    assert chat.output == {"name": "Oslo", "people": 700_000}


@pytest.mark.parametrize("mode", ["native", "tool", "prompted"])
async def test_a_value_that_is_no_object_can_be_asked_for_too(mode: Any) -> None:
    answer = '{"result": [1, 2]}'
    model = Enforcing(call("final_result", answer) if mode == "tool" else answer)
    assert (await model.chat("Which?").until_parsed_as(list[int], output_mode=mode).run()).output == [1, 2]


def test_outside_of_tags_an_answer_is_one_value() -> None:
    pipeline = rg.scripted().chat("hi")
    with pytest.raises(ValueError, match="make one model"):
        pipeline.until_parsed_as(int, str, output_mode="native")
    with pytest.raises(ValueError, match="make one model"):
        pipeline.until_parsed_as(int, output_mode="native").until_parsed_as(str, output_mode="native")
    with pytest.raises(ValueError, match="in one mode"):
        pipeline.until_parsed_as(int).until_parsed_as(str, output_mode="tool")


@pytest.mark.parametrize("mode", ["auto", "xml"])
async def test_auto_is_tags_in_free_text(mode: Any) -> None:
    model = rg.scripted("It is <int>3</int>.")
    chat = await model.chat("How many?").until_parsed_as(int, output_mode=mode).run()
    assert chat.output == 3
    assert isinstance(model.heard[0].params.output, tuple)


# Checks.


async def test_a_check_refuses_with_its_reason_or_without_one() -> None:
    model = rg.scripted("a", "bb", "ccc")
    pipeline = model.chat("hi").until(lambda text: len(text) > 1, lambda text: "longer" if len(text) < 3 else None)
    chat = await pipeline.run()
    assert [heard.messages[-1].content for heard in model.heard] == [
        "hi",
        "This answer is not acceptable. Give another.",
        "longer",
    ]
    assert chat.output == "ccc"


async def test_a_check_beside_a_type_leaves_the_value_as_it_is() -> None:
    model = rg.scripted("<int>1</int>", "<int>2</int>")
    pipeline = model.chat("hi").until_parsed_as(int).until(lambda text: "2" in text, max_rounds=1)
    assert (await pipeline.run()).output == 2
    with pytest.raises(MessagesExhaustedMaxRoundsError):
        await rg.scripted("no", "no").chat("hi").until(lambda _: False, max_rounds=1).run()


async def test_what_a_check_raises_is_raised_with_the_run() -> None:
    def broken(text: str) -> bool:
        raise LookupError("my own mistake")

    with pytest.raises(LookupError) as caught:
        await rg.scripted("a").chat("hi").until(broken).run()
    assert caught.value.run is not None  # type: ignore[attr-defined]


# Answers that the token limit cut.


async def test_by_default_a_cut_answer_fails_at_once() -> None:
    model = rg.scripted(cut("<int>4"), "<int>42</int>")
    with pytest.raises(TruncatedError):
        await model.chat("hi").until_parsed_as(int).run()
    assert model.remaining == 1


async def test_more_tokens_asks_once_more_with_the_higher_limit() -> None:
    model = rg.scripted(cut("<int>4"), "<int>42</int>")
    pipeline = model.chat("hi").with_(max_tokens=5).until_parsed_as(int, on_truncated=MoreTokens(50))
    chat = await pipeline.run()
    assert chat.output == 42
    assert [heard.params.max_tokens for heard in model.heard] == [5, 50]
    assert [message.content for message in chat.all] == ["hi", "<int>42</int>"]
    assert chat.params == rg.GenerateParams(max_tokens=5)
    twice = rg.scripted(cut("<int>4"), cut("<int>4")).chat("hi")
    with pytest.raises(TruncatedError):
        await twice.until_parsed_as(int, on_truncated=MoreTokens(50)).run()


async def test_continue_sends_what_was_said_and_joins_what_follows() -> None:
    model = rg.scripted(cut("<str>one "), cut("two "), "three</str>")
    chat = await model.chat("hi").until_parsed_as(str, on_truncated=Continue(2)).run()
    assert chat.output == "one two three"
    assert chat.last.content == "<str>one two three</str>"
    assert [[message.role for message in heard.messages] for heard in model.heard] == [
        ["user"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user"],
    ]
    assert model.heard[2].messages[1].content == "<str>one two "
    assert len(chat) == 2


async def test_continue_joins_json_too() -> None:
    model = Enforcing(cut(JSON[:12]), JSON[12:])
    pipeline = model.chat("hi").until_parsed_as(City, output_mode="native", on_truncated=Continue())
    assert (await pipeline.run()).output == OSLO


async def test_keep_items_keeps_the_complete_ones_of_a_list() -> None:
    pipeline = rg.scripted(cut("<int>1</int> <int>2</int> <int>3")).chat("hi")
    chat = await pipeline.until_parsed_as(list[int], on_truncated="keep_items").run()
    assert chat.output == [1, 2]
    model = Enforcing(cut('{"result": [{"name": "Oslo", "people": 700000}, {"name": "Ber'))
    pipeline = model.chat("hi").until_parsed_as(list[City], output_mode="native", on_truncated="keep_items")
    assert (await pipeline.run()).output == [OSLO]


async def test_a_turn_that_only_calls_tools_is_not_held_to_the_policy() -> None:
    turn = ModelTurn.of("", [call("look")], stop_reason="length")
    model = rg.scripted(turn, "<int>3</int>")
    chat = await model.chat("hi").using(look).until_parsed_as(int, on_truncated=MoreTokens(50)).run()
    assert (chat.output, model.heard[1].params.max_tokens) == (3, None)
