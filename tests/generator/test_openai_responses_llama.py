"""`openai-responses!` against llama.cpp's own server: chat, stream, tools, schema."""

from __future__ import annotations

import pytest

import rigging_py as rg
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine
from rigging_py.message import Delta, TextDelta, ToolCallDelta
from tests.generator.llama_tools import LOOK, QUESTION, ToolServer

pytestmark = pytest.mark.model
HELLO = [rg.Message("system", "Be brief."), rg.Message("user", "Say hi.")]
PARAMS = rg.GenerateParams(max_tokens=6, temperature=0)
TOOLS = rg.GenerateParams(max_tokens=40, temperature=0, tools=[LOOK])


def model_at(server: Engine | ToolServer) -> rg.Generator:
    return get_generator(f"openai-responses!smollm2,api_base={server.address}/v1,api_key={server.key}")


async def whole(model: rg.Generator, messages: list[rg.Message], params: rg.GenerateParams) -> rg.ModelTurn:
    [turn] = await model.generate_messages([messages], [params])
    assert isinstance(turn, rg.ModelTurn)
    return turn


async def streamed(
    model: rg.Generator, messages: list[rg.Message], params: rg.GenerateParams
) -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in model.stream_message(messages, params)]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


async def test_it_answers_and_its_stream_says_the_same_in_pieces(llama_server: Engine) -> None:
    model = model_at(llama_server)
    turn = await whole(model, HELLO, PARAMS)
    assert turn.message.content
    assert turn.usage is not None
    assert (turn.usage.output_tokens, turn.usage.total_tokens) == (6, turn.usage.input_tokens + 6)
    deltas, other = await streamed(model, HELLO, PARAMS)
    assert len(deltas) > 1
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == other.message.content
    assert (other.message.content, other.stop_reason) == (turn.message.content, turn.stop_reason)


async def test_a_chat_goes_on_over_several_turns(llama_server: Engine) -> None:
    chat = await model_at(llama_server).chat(HELLO).with_(PARAMS).run()
    again = await chat.continue_("And bye.").run()
    assert again.last.content
    assert again.usage is not None
    assert chat.usage is not None
    assert again.usage.input_tokens > chat.usage.input_tokens


async def test_a_tool_is_called_and_its_result_is_taken(llama_tool_server: ToolServer) -> None:
    model = model_at(llama_tool_server)
    turn = await whole(model, QUESTION, TOOLS)
    assert turn.stop_reason == "tool_calls"
    [call] = turn.message.tool_calls or []
    assert (call.name, call.arguments) == ("look", '{"at": "sky"}')
    deltas, other = await streamed(model, QUESTION, TOOLS)
    [same] = other.message.tool_calls or []
    assert (same.name, same.arguments) == (call.name, call.arguments)
    called = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert "".join(delta.id for delta in called) == same.id
    assert "".join(delta.arguments for delta in called) == same.arguments
    result = rg.Message("tool", "blue", tool_call_id=call.id)
    after = await whole(model, [*QUESTION, turn.message, result], PARAMS)
    assert after.usage is not None
    assert after.usage.output_tokens > 0


async def test_an_answer_is_held_to_a_schema_that_this_server_reads_under_its_own_name(llama_server: Engine) -> None:
    """llama.cpp leaves `text` unread, and takes what the chat API has for it."""
    schema = {"type": "object", "properties": {"legs": {"type": "integer"}}, "required": ["legs"]}
    asked = {"type": "json_schema", "json_schema": {"name": "animal", "schema": schema}}
    params = rg.GenerateParams(max_tokens=24, temperature=0, extra={"response_format": asked})
    turn = await whole(model_at(llama_server), [rg.Message("user", "How many legs has a camel?")], params)
    assert turn.message.content.replace(" ", "").startswith('{\n"legs":')
