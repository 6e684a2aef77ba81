"""Transforms put tools into text and give back a copy of the chat with calls, and they keep nothing."""

from __future__ import annotations

from typing import Any, Literal, cast

import pytest

import rigging_py as rg
from rigging_py.message import GenerateParams, Message
from rigging_py.transform import (
    Transform,
    get_transform,
    make_tools_to_json_transform,
    make_tools_to_pythonic_transform,
    make_tools_to_xml_transform,
    tools_to_json_in_xml_transform,
    tools_to_json_transform,
    tools_to_json_with_tag_transform,
    tools_to_pythonic_transform,
)
from tests.tools.calls import call


@rg.tool
def weather(city: str, days: int = 1) -> str:
    """The weather forecast."""
    return f"{days} days of sun in {city}"


ASKED = GenerateParams(tools=[weather.definition], temperature=0.5)
HISTORY = [
    Message("user", "Oslo?"),
    Message("assistant", "I look.", tool_calls=[call("weather", {"city": "Oslo"})]),
    Message("tool", "sunny", tool_call_id="c1"),
]
REPLIES = {
    "json": '{"name": "weather", "arguments": {"city": "Rome", "days": 2}}',
    "json-in-xml": '<tool-call name="weather">{"city": "Rome", "days": 2}</tool-call>',
    "json-with-tag": '<tool-call>{"name": "weather", "arguments": {"city": "Rome", "days": 2}}</tool-call>',
    "pythonic": "[weather(city='Rome', days=2)]",
    "xml": '<rg-tool-call name="weather"><city>Rome</city><days>2</days>',
}
TRANSFORMS: dict[str, Transform] = {
    **{mode: get_transform(mode) for mode in REPLIES if mode != "xml"},
    "xml": make_tools_to_xml_transform([weather]),
}


def said(messages: list[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


async def had(mode: str, messages: list[Message]) -> tuple[rg.Chat, rg.Chat]:
    """A chat as the model had it, and as it is given back."""
    sent, params, restore = await TRANSFORMS[mode](messages, ASKED)
    chat = rg.Chat(messages=sent, generated=[Message("assistant", f"And: {REPLIES[mode]}")], params=params)
    assert restore is not None
    return chat, await restore(chat)


@pytest.mark.parametrize("mode", REPLIES)
async def test_a_chat_comes_back_as_if_the_model_knew_tools(mode: str) -> None:
    _, chat = await had(mode, HISTORY)
    assert said(chat.messages) == said(HISTORY)
    assert chat.messages[1].tool_calls == HISTORY[1].tool_calls
    assert chat.last.content == "And:"
    assert [(one.name, one.arguments) for one in chat.last.tool_calls or ()] == [
        ("weather", '{"city":"Rome","days":2}')
    ]
    assert (chat.params, chat.stop_reason) == (ASKED, "tool_calls")


@pytest.mark.parametrize("mode", REPLIES)
async def test_what_is_transformed_stays_as_it_is(mode: str) -> None:  # surface 3.2 no. 18
    before = [message.model_dump() for message in HISTORY]
    chat, restored = await had(mode, HISTORY)
    assert [message.model_dump() for message in HISTORY] == before
    assert chat.last.tool_calls is None
    assert chat.messages[0].role == "system"
    restored.messages[0].content = "edited"
    assert HISTORY[0].content == "Oslo?"


@pytest.mark.parametrize("mode", REPLIES)
async def test_a_transform_used_many_times_adds_nothing(mode: str) -> None:  # surface 3.2 no. 30
    seen = [said((await had(mode, HISTORY))[0].messages) for _ in range(3)]
    assert seen[0] == seen[1] == seen[2]
    assert [role for role, _ in seen[0]] == ["system", "user", "assistant", "user"]


async def test_rounds_of_text_that_were_had_meanwhile_are_read_too() -> None:
    sent, params, restore = await tools_to_json_in_xml_transform([Message("user", "Rome?")], ASKED)
    assert restore is not None
    more = [Message("assistant", REPLIES["json-in-xml"]), Message("user", "<tool-response>x</tool-response>")]
    chat = await restore(rg.Chat(messages=[*sent, *more], generated=[Message("assistant", "Sunny.")], params=params))
    assert [message.role for message in chat.messages] == ["user", "assistant", "user"]
    assert [one.name for one in chat.messages[1].tool_calls or ()] == ["weather"]
    assert (chat.last.content, chat.stop_reason) == ("Sunny.", "unknown")


async def test_tags_and_what_the_model_is_told_can_be_chosen() -> None:
    transform = make_tools_to_json_transform(
        "json-in-xml", system_tool_prompt="Tools: weather.", tool_call_tag="call", tool_response_tag="result"
    )
    sent, _, _ = await transform(HISTORY, ASKED)
    assert said(sent) == [
        ("system", "Tools: weather."),
        ("user", "Oslo?"),
        ("assistant", 'I look.\n<call name="weather">{"city":"Oslo"}</call>'),
        ("user", '<result id="c1">sunny</result>'),
    ]


async def test_what_the_model_is_told_can_be_made_of_the_tools() -> None:
    transform = make_tools_to_pythonic_transform(system_tool_prompt=lambda tools: f"Of {len(tools)} tool.")
    sent, _, _ = await transform([Message("user", "Hi")], ASKED)
    assert sent[0].content == "Of 1 tool."


@pytest.mark.parametrize("make", [make_tools_to_json_transform, make_tools_to_pythonic_transform])
async def test_results_can_stay_messages_of_tools(make: Any) -> None:
    sent, _, _ = await make(tool_responses_as_user_messages=False)(HISTORY, ASKED)
    assert (sent[-1].role, sent[-1].content, sent[-1].tool_call_id) == ("tool", "sunny", "c1")


async def test_a_transform_to_xml_brings_its_tools_and_stops_after_a_call() -> None:
    sent, params, _ = await make_tools_to_xml_transform([weather.definition])([Message("user", "Hi")], GenerateParams())
    assert '"name":"weather"' in sent[0].content
    assert params.stop == ["</rg-tool-call>"]
    _, params, _ = await make_tools_to_xml_transform([weather], add_tool_stop_token=False)([], GenerateParams())
    assert params.stop is None


def test_transforms_have_names() -> None:
    assert get_transform("json") is tools_to_json_transform
    assert get_transform("json-in-xml") is tools_to_json_in_xml_transform
    assert get_transform("json-with-tag") is tools_to_json_with_tag_transform
    assert get_transform("pythonic") is tools_to_pythonic_transform
    with pytest.raises(ValueError, match=r"not 'xml'\. For xml, give the tools to make_tools_to_xml_transform"):
        get_transform("xml")
    with pytest.raises(ValueError, match="not 'xml'"):
        make_tools_to_json_transform(cast("Literal['json']", "xml"))


def test_the_types_of_transforms_are_at_the_front_door() -> None:
    assert rg.Transform is Transform
    assert rg.transform.PostTransform is rg.PostTransform
