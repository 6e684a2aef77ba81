"""Schemas on their way to a provider and answers on their way back, through pipelines that know nothing of it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, Field

import rigging_py as rg
from rigging_py.chat.events import ChatFinished
from rigging_py.generator import get_generator
from rigging_py.message import TextDelta, ToolCallDelta
from rigging_py.parsing import JsonShape
from rigging_py.wire.schemas import ANTHROPIC, GEMINI, OPENAI, rewritten_params
from tests.generator.stub import Reply, Stub, completion
from tests.wire.letters import DONE, chunk, sse


class Town(BaseModel):
    name: Annotated[str, Field(min_length=2)]
    people: int = 7
    twins: dict[str, int] = {}


class Plain(BaseModel):
    name: str


FULL = '{"name": "Oslo", "people": null, "twins": [{"key": "Mbombela", "value": 1}]}'


@pytest.fixture
def strict(stub: Stub) -> rg.Generator:
    return get_generator(f"openai!stub-1,api_base={stub.url},api_key=hush-9,strict=true")


def grow(town: str, by: int = 1, names: dict[str, str] | None = None) -> str:
    """Grow a town."""
    return f"{town} {by} {names}"


def calling(arguments: str) -> Reply:
    function = {"name": "grow", "arguments": arguments}
    return Reply(completion(None, tool_calls=[{"id": "c1", "type": "function", "function": function}]))


async def test_a_typed_answer_is_held_to_a_strict_schema_and_read_as_it_was_meant(
    stub: Stub, strict: rg.Generator
) -> None:
    stub.will(Reply(completion(FULL)))
    chat = await strict.chat("Where?").until_parsed_as(Town, output_mode="native").run()
    assert chat.output == Town(name="Oslo", twins={"Mbombela": 1})
    assert json.loads(chat.last.content) == {"name": "Oslo", "twins": {"Mbombela": 1}}
    asked = stub.heard[0].body["response_format"]["json_schema"]
    assert asked["strict"] is True
    assert asked["schema"]["required"] == ["name", "people", "twins"]


async def test_what_was_dropped_is_checked_when_the_answer_is_here(stub: Stub, strict: rg.Generator) -> None:
    stub.will(Reply(completion(FULL.replace("Oslo", "Å"))), Reply(completion(FULL)))
    chat = await strict.chat("Where?").until_parsed_as(Town, output_mode="native").run()
    assert chat.output == Town(name="Oslo", twins={"Mbombela": 1})
    assert "minLength" not in stub.heard[0].body["response_format"]["json_schema"]["schema"]["properties"]["name"]
    assert "at least 2 characters" in stub.heard[1].body["messages"][-1]["content"]


async def test_what_was_dropped_of_a_schema_that_came_as_data_is_checked_too(stub: Stub, strict: rg.Generator) -> None:
    even = {"type": "integer", "not": {"const": 4}}
    schema = {"type": "object", "properties": {"n": even}, "required": ["n"]}
    stub.will(Reply(completion('{"n": 4}')), Reply(completion('{"n": 2}')))
    chat = await strict.chat("Which?").until_parsed_as(schema, output_mode="native").run()
    assert chat.output == {"n": 2}
    assert stub.heard[0].body["response_format"]["json_schema"]["strict"] is True


async def test_the_arguments_of_a_call_are_turned_back(stub: Stub, strict: rg.Generator) -> None:
    stub.will(calling('{"town": "Oslo", "by": null, "names": [{"key": "sami", "value": "Oslove"}]}'))
    chat = await strict.chat("Grow it.").using(grow).run()
    [function] = [tool["function"] for tool in stub.heard[0].body["tools"]]
    assert (function["strict"], function["parameters"]["required"]) == (True, ["town", "by", "names"])
    assert [message.content for message in chat.all if message.role == "tool"] == ["Oslo 1 {'sami': 'Oslove'}"]
    [call] = stub.heard[1].body["messages"][1]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"town": "Oslo", "names": {"sami": "Oslove"}}


async def test_a_strict_answer_may_still_be_of_another_form_and_is_refused(stub: Stub, strict: rg.Generator) -> None:
    twice = '{"name": "Oslo", "people": null, "twins": [{"key": "a", "value": 1}, {"key": "a", "value": 2}]}'
    stub.will(Reply(completion(twice)), Reply(completion(FULL)))
    chat = await strict.chat("Where?").until_parsed_as(Town, output_mode="native").run()
    assert chat.output == Town(name="Oslo", twins={"Mbombela": 1})
    assert len(stub.heard) == 2


@pytest.mark.parametrize(("kind", "is_strict"), [(Plain, True), (Town, False)])
async def test_a_streamed_answer_is_held_to_its_schema_where_nothing_must_be_turned_back(
    stub: Stub, strict: rg.Generator, kind: type[BaseModel], is_strict: bool
) -> None:
    said = sse(chunk({"content": '{"name": '}), chunk({"content": '"Oslo"}'}), chunk({}, "stop"))
    stub.will(Reply(pieces=[said + DONE.encode()]))
    async with strict.chat("Where?").until_parsed_as(kind, output_mode="native").stream() as stream:
        [chat] = [event.chat async for event in stream if isinstance(event, ChatFinished)]
    assert chat.output == kind(name="Oslo")
    asked = stub.heard[0].body["response_format"]["json_schema"]
    assert asked.get("strict", False) is is_strict
    assert asked["schema"].get("additionalProperties") is (False if is_strict else None)


async def test_other_servers_get_the_schema_as_it_is(stub: Stub) -> None:
    model = get_generator(f"openai!stub-1,api_base={stub.url},api_key=hush-9")
    stub.will(Reply(completion('{"name": "Oslo"}')))
    await model.chat("Where?").until_parsed_as(Town, output_mode="native").using(grow).run()
    asked = stub.heard[0].body["response_format"]["json_schema"]
    assert "strict" not in asked
    assert asked["schema"]["required"] == ["name"]
    assert "strict" not in stub.heard[0].body["tools"][0]["function"]


def test_what_must_be_turned_back_is_held_in_a_stream_until_it_is_whole() -> None:
    shape = JsonShape("town", Town.model_json_schema())
    params = rg.GenerateParams(output=shape, tools=[rg.Tool.from_callable(grow).definition])
    restoring = rewritten_params(params, ANTHROPIC, stream=True).restoring()
    turn = rg.ModelTurn.of('{"name": "Oslo", "twins": [{"key": "a", "value": 1}]}', stop_reason="stop")
    assert restoring.feed([TextDelta('{"name": "Os'), TextDelta('lo", "twins": …')]) == []
    text, whole = restoring.feed([turn])
    assert text == TextDelta('{"name": "Oslo", "twins": {"a": 1}}')
    assert isinstance(whole, rg.ModelTurn)
    assert whole.message.content == '{"name": "Oslo", "twins": {"a": 1}}'
    assert turn.message.content == '{"name": "Oslo", "twins": [{"key": "a", "value": 1}]}'


def test_calls_are_held_alone_where_they_must_be_turned_back() -> None:
    def keep(what: Any) -> None: ...

    tools = [rg.Tool.from_callable(grow).definition, rg.Tool.from_callable(keep).definition]
    restoring = rewritten_params(rg.GenerateParams(tools=tools), GEMINI, stream=True).restoring()
    shown = [
        *restoring.feed(
            [TextDelta("Well."), ToolCallDelta(0, "c0", "grow", '{"town":'), ToolCallDelta(1, "c1", "keep")]
        )
    ]
    shown += restoring.feed([ToolCallDelta(1, arguments='{"what": "[1'), ToolCallDelta(0, arguments='"Oslo"}')])
    functions = [{"name": "grow", "arguments": '{"town":"Oslo"}'}, {"name": "keep", "arguments": '{"what": "[1]"}'}]
    calls = [rg.ToolCall.model_validate({"id": f"c{index}", "function": one}) for index, one in enumerate(functions)]
    *last, turn = restoring.feed([rg.ModelTurn.of("Well.", calls)])
    assert [*shown, *last] == [
        TextDelta("Well."),
        ToolCallDelta(0, "c0", "grow", '{"town":'),
        ToolCallDelta(1, "c1", "keep"),
        ToolCallDelta(0, arguments='"Oslo"}'),
        ToolCallDelta(1, arguments='{"what": [1]}'),
    ]
    assert isinstance(turn, rg.ModelTurn)
    assert [call.arguments for call in turn.message.tool_calls or ()] == ['{"town":"Oslo"}', '{"what": [1]}']


def test_parameters_without_schemas_are_sent_as_they_are() -> None:
    params = rg.GenerateParams(temperature=0.5)
    rewriting = rewritten_params(params, OPENAI)
    turn = rg.ModelTurn.of("Hi")
    assert rewriting.params is params
    assert rewriting.restored(turn) is turn


def test_a_tool_without_arguments_is_described_as_it_is() -> None:
    def now() -> str:
        return "now"

    tool = rg.Tool.from_callable(now).definition
    assert rewritten_params(rg.GenerateParams(tools=[tool]), OPENAI).params.tools == [tool]


# The lint.


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "hush-9")


@pytest.mark.parametrize(
    ("generator", "dialect"),
    [
        ("openai!gpt-5", "openai"),
        ("openai-responses!gpt-5", "openai"),
        ("openai!gpt-5,strict=false", "plain"),
        ("openai!m,api_base=http://localhost:1/v1", "plain"),
        ("groq!m", "plain"),
        ("gemini!gemini-3", "gemini"),
        ("anthropic!claude", "anthropic"),
        ("ollama!llama3", "llama.cpp"),
        ("retry(anthropic!claude)", "anthropic"),
        ("gpt-5", "plain"),
    ],
)
@pytest.mark.usefixtures("keys")
def test_the_lint_says_what_is_rewritten_for_whom(generator: str, dialect: str) -> None:
    found = rg.lint_schema(Town, generator)
    assert found.dialect == dialect
    assert bool(found.changes) is (dialect != "plain")
    assert ("/properties/name: drops minLength" in str(found)) is (dialect not in ("plain", "llama.cpp"))


@pytest.mark.usefixtures("keys")
def test_the_lint_takes_types_schemas_and_tools() -> None:
    tool = rg.Tool.from_callable(grow)
    assert rg.lint_schema(dict[str, int], "openai!gpt-5").restore({"result": [{"key": "a", "value": 1}]}) == {"a": 1}
    assert rg.lint_schema({"type": "array", "items": {"type": "integer"}}, "openai!gpt-5").is_strict
    assert "/properties/by: is null where it is missing" in str(rg.lint_schema(tool.definition, "openai!gpt-5"))
    assert rg.lint_schema(tool, "openai!gpt-5") == rg.lint_schema(tool.definition, "openai!gpt-5")
    # Tools may be described to Anthropic in any way.
    assert rg.lint_schema(tool.definition, "anthropic!claude").changes == ()


@pytest.mark.usefixtures("keys")
def test_what_is_rewritten_is_logged_once_for_those_who_listen() -> None:
    heard: list[str] = []
    sink = rg.logger.add(lambda message: heard.append(str(message)), level="DEBUG", format="{message}")
    rg.logger.enable("rigging_py")
    try:
        for _ in range(2):
            schema = {
                "type": "object",
                "properties": {"{braces}": {"type": "string", "title": str(uuid4()), "minLength": 1}},
            }
            rg.lint_schema(schema, "openai!gpt-5")
            rg.lint_schema(schema, "openai!gpt-5")
    finally:
        rg.logger.disable("rigging_py")
        rg.logger.remove(sink)
    assert len(heard) == 2
    assert "/properties/{braces}: drops minLength" in heard[0]
