"""litellm against llama.cpp's own server with a real model: chat, stream, a schema, and tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

import rigging_py as rg
from rigging_py.generator import get_generator
from rigging_py.generator.local.engine import Engine
from rigging_py.message import TextDelta
from tests.generator.llama_tools import LOOK, QUESTION, ToolServer

pytestmark = [
    pytest.mark.model,
    pytest.mark.xdist_group("litellm"),
    # litellm turns these off while it is imported, and pytest turns them on again.
    pytest.mark.filterwarnings("ignore:.*(`ReadOnly` qualifier|attribute on the instance is deprecated)"),
]
HELLO = [rg.Message("user", "Say hello.")]


class Pet(BaseModel):
    name: str
    age: int


def generator(server: Engine | ToolServer, **params: Any) -> rg.Generator:
    # Of a name in its table litellm says that the model can be held to a schema; the server takes any name for its own.
    name = f"litellm!openai/gpt-4o,api_base={server.address}/v1,api_key={server.key},timeout=120"
    return get_generator(name, params={"temperature": 0, "max_tokens": 12, **params})


async def answer(model: rg.Generator, messages: list[rg.Message], **params: Any) -> rg.ModelTurn:
    [turn] = await model.generate_messages([messages], [rg.GenerateParams(**params)])
    assert isinstance(turn, rg.ModelTurn), turn
    return turn


async def test_an_answer_is_the_same_whole_and_streamed(llama_server: Engine) -> None:
    model = generator(llama_server)
    whole = await answer(model, HELLO)
    *deltas, turn = [delta async for delta in model.stream_message(HELLO, rg.GenerateParams())]
    assert isinstance(turn, rg.ModelTurn)
    assert turn.message.content == whole.message.content != ""
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == whole.message.content
    assert turn.stop_reason == whole.stop_reason
    assert turn.usage is not None
    assert whole.usage is not None
    assert (turn.usage.input_tokens, turn.usage.output_tokens) == (whole.usage.input_tokens, whole.usage.output_tokens)


async def test_an_answer_is_held_to_a_schema(llama_server: Engine) -> None:
    pipeline = generator(llama_server, max_tokens=60).chat("Invent a pet.")
    chat = await pipeline.until_parsed_as(Pet, output_mode="native").run()
    assert Pet.model_validate_json(chat.last.content) == chat.output


async def test_a_tool_is_called_and_its_result_is_taken(llama_tool_server: ToolServer) -> None:
    model = generator(llama_tool_server, max_tokens=60)
    turn = await answer(model, QUESTION, tools=[LOOK], tool_choice="required")
    [call] = turn.message.tool_calls or []
    assert (call.name, json.loads(call.arguments), turn.stop_reason) == ("look", {"at": "sky"}, "tool_calls")
    said = [*QUESTION, turn.message, rg.Message("tool", "blue", tool_call_id=call.id)]
    after = await answer(model, said, tools=[LOOK], tool_choice="none", max_tokens=4)
    assert (after.message.tool_calls, after.stop_reason) == (None, "length")
