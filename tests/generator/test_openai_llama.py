"""The chat endpoint of llama.cpp's own server: an answer, a stream, tools, a schema, probabilities and counts."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

import rigging_py as rg
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine
from rigging_py.message import Delta, TextDelta, ToolCallDelta
from tests.generator.llama_tools import LOOK, QUESTION, ToolServer

pytestmark = pytest.mark.model
HELLO = [rg.Message("user", "Say hi.")]
PARAMS = rg.GenerateParams(max_tokens=6, temperature=0)


class Pet(BaseModel):
    name: str
    legs: int


@pytest.fixture(params=["openai", "llamacpp-server"])
def model(request: pytest.FixtureRequest, llama_server: Engine) -> rg.Generator:
    return get_generator(f"{request.param}!smollm2,api_base={llama_server.address}/v1,api_key={llama_server.key}")


@pytest.fixture
def caller(llama_tool_server: ToolServer) -> rg.Generator:
    base = f"api_base={llama_tool_server.address}/v1,api_key={llama_tool_server.key}"
    return get_generator(f"openai!smollm2,{base},temperature=0,max_tokens=60")


async def answer(
    model: rg.Generator, params: rg.GenerateParams = PARAMS, messages: list[rg.Message] = HELLO
) -> rg.ModelTurn:
    [turn] = await model.generate_messages([messages], [params])
    assert isinstance(turn, rg.ModelTurn), turn
    return turn


async def streamed(
    model: rg.Generator, messages: list[rg.Message], params: rg.GenerateParams = PARAMS
) -> tuple[list[Delta], rg.ModelTurn]:
    *deltas, turn = [delta async for delta in model.stream_message(messages, params)]
    assert isinstance(turn, rg.ModelTurn)
    return deltas, turn


def called(turn: rg.ModelTurn) -> rg.ToolCall:
    [call] = list(turn.message.tool_calls or [])
    return call


async def test_an_answer_is_the_same_whole_and_streamed(model: rg.Generator) -> None:
    whole = await answer(model)
    deltas, turn = await streamed(model, HELLO)
    assert turn.message.content == whole.message.content != ""
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == whole.message.content
    assert turn.stop_reason == whole.stop_reason
    assert turn.usage is not None
    assert whole.usage is not None
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (whole.usage.input_tokens, whole.usage.output_tokens)
    # The second time the server remembers the prompt, and says so; what it remembers was read too.
    assert turn.usage.cached_tokens
    assert turn.usage.cached_tokens < turn.usage.input_tokens


async def test_probabilities_are_those_of_the_text_whole_and_streamed(model: rg.Generator) -> None:
    params = PARAMS.merge_with({"extra": {"logprobs": True, "top_logprobs": 2}})
    for turn in (await answer(model, params), (await streamed(model, HELLO, params))[1]):
        tokens = turn.extra["logprobs"]["content"]
        assert "".join(one["token"] for one in tokens) == turn.message.content
        assert all(one["logprob"] <= 0 and len(one["top_logprobs"]) == 2 for one in tokens)


async def test_an_answer_is_held_to_a_schema(model: rg.Generator) -> None:
    pipeline = model.chat("Invent a pet.").with_(max_tokens=60, temperature=0)
    chat = await pipeline.until_parsed_as(Pet, output_mode="native").run()
    assert isinstance(chat.output, Pet)
    assert Pet.model_validate_json(chat.last.content) == chat.output


async def test_a_tool_is_called_and_its_result_is_taken(caller: rg.Generator) -> None:
    params = rg.GenerateParams(tools=[LOOK], tool_choice="required")
    turn = await answer(caller, params, QUESTION)
    call = called(turn)
    assert (call.name, json.loads(call.arguments), turn.stop_reason) == ("look", {"at": "sky"}, "tool_calls")
    said = [*QUESTION, turn.message, rg.Message("tool", "blue", tool_call_id=call.id)]
    after = await answer(caller, params.merge_with({"tool_choice": "none", "max_tokens": 4}), said)
    assert (after.message.tool_calls, after.stop_reason) == (None, "length")
    assert after.usage is not None
    assert turn.usage is not None
    assert after.usage.input_tokens > turn.usage.input_tokens


async def test_a_call_is_the_same_when_it_is_streamed(caller: rg.Generator) -> None:
    params = rg.GenerateParams(tools=[LOOK], tool_choice="look", parallel_tool_calls=False)
    whole = await answer(caller, params, QUESTION)
    deltas, turn = await streamed(caller, QUESTION, params)
    call, same = called(whole), called(turn)
    assert (call.function, whole.stop_reason) == (same.function, turn.stop_reason)
    pieces = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert "".join(delta.name for delta in pieces) == "look"
    assert "".join(delta.arguments for delta in pieces) == same.arguments
    assert len(pieces) > 1
