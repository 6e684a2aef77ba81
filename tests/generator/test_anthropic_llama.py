"""The messages endpoint of llama.cpp's own server, asked directly and through litellm."""

from __future__ import annotations

import pytest

import rigging_py as rg
from rigging_py.error import ContextOverflowError
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine
from rigging_py.message import FunctionCall, FunctionDefinition, TextDelta, ToolCall, ToolDefinition

pytestmark = pytest.mark.model
HELLO = [rg.Message("system", "Be brief."), rg.Message("user", "Say hi.")]
PARAMS = rg.GenerateParams(max_tokens=3, temperature=0)


@pytest.fixture
def model(llama_server: Engine) -> rg.Generator:
    return get_generator(f"anthropic!smollm2,api_base={llama_server.address}/v1,api_key={llama_server.key}")


async def answer(model: rg.Generator, messages: list[rg.Message], params: rg.GenerateParams = PARAMS) -> rg.ModelTurn:
    [turn] = await model.generate_messages([messages], [params])
    assert isinstance(turn, rg.ModelTurn), turn
    return turn


async def test_an_answer_is_the_same_whole_and_streamed_and_all_its_tokens_are_counted(model: rg.Generator) -> None:
    whole = await answer(model, HELLO)
    *deltas, streamed = [delta async for delta in model.stream_message(HELLO, PARAMS)]
    assert isinstance(streamed, rg.ModelTurn)
    assert streamed.message.content == whole.message.content != ""
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == whole.message.content
    assert (streamed.stop_reason, whole.stop_reason) == ("length", "length")
    assert streamed.usage is not None
    assert whole.usage is not None
    # The second time the server remembers the prompt, and says so.
    assert streamed.usage.cached_tokens
    assert (streamed.usage.input_tokens, streamed.usage.output_tokens) == (whole.usage.input_tokens, 3)


async def test_tools_their_calls_and_results_and_marks_are_taken(model: rg.Generator) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = ToolDefinition(function=FunctionDefinition(name="weather", description="Weather.", parameters=schema))
    call = ToolCall(id="toolu_1", function=FunctionCall(name="weather", arguments='{"city":"Oslo"}'))
    messages = [
        rg.Message("system", "Be brief.", cache_control="ephemeral"),
        rg.Message("user", "How is the weather in Oslo?"),
        rg.Message("assistant", "I look.", tool_calls=[call]),
        rg.Message("tool", "rain", tool_call_id="toolu_1"),
    ]
    turn = await answer(model, messages, PARAMS.merge_with({"tools": [tool], "tool_choice": "auto"}))
    assert turn.message.content


async def test_it_goes_on_with_what_the_assistant_began(model: rg.Generator) -> None:
    begun = [rg.Message("user", "Count."), rg.Message("assistant", "one, two, three, four, ")]
    assert "five" in (await answer(model, begun)).message.content


async def test_a_conversation_that_is_too_long_is_told(model: rg.Generator) -> None:
    [failure] = await model.generate_messages([[rg.Message("user", "hi " * 3000)]], [PARAMS])
    assert isinstance(failure, ContextOverflowError)


async def test_litellm_says_the_same(model: rg.Generator, llama_server: Engine) -> None:
    other = get_generator(f"litellm!anthropic/smollm2,api_base={llama_server.address},api_key={llama_server.key}")
    one, same = await answer(model, HELLO), await answer(other, HELLO)
    assert (one.message.content, one.stop_reason) == (same.message.content, same.stop_reason)
