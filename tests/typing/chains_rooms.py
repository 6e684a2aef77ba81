"""What mypy and pyright infer of generators, tools, codecs, transforms, tokenizers, watchers, data and helpers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, assert_type

import mcp_types
import pandas as pd
import polars as pl
from elasticsearch import AsyncElasticsearch
from mcp import ClientSession
from mcp.server import MCPServer

import rigging_py as rg
from rigging_py import caching, data, fetching, generator, logging, tokenizer, tools, transform, util, watchers
from rigging_py.generator import http
from rigging_py.tools import codecs

# Generators.


class Fix(generator.Fixup):
    def can_fix(self, exception: Exception) -> bool | Literal["once"]:
        return "once" if "a" in str(exception) else False

    def fix(self, messages: Sequence[rg.Message]) -> Sequence[rg.Message]:
        return messages[1:]


class Mine(rg.Generator):
    @generator.with_fixups(Fix())
    async def ask(self, messages: Sequence[rg.Message], params: rg.GenerateParams) -> rg.ModelTurn:
        return rg.ModelTurn.from_text(f"{len(messages)} {params.seed}")


def timed(
    ask: Callable[[Any, rg.GenerateParams], Awaitable[Any]],
) -> Callable[[Any, rg.GenerateParams], Awaitable[Any]]:
    return ask


async def one_seen(chats: list[rg.Chat]) -> None:
    print(chats)


async def generators_are_refined(mine: Mine, params: rg.GenerateParams) -> None:
    assert_type(mine.wrap(timed).wrap(generator.with_fixups(Fix())).wrap(None), Mine)
    assert_type(mine.watch(one_seen, print), Mine)
    assert_type(mine.with_params(params, temperature=1.0), Mine)
    assert_type(mine.load().unload(), Mine)
    assert_type(await mine.ask([], params), rg.ModelTurn)
    assert_type(mine.to_identifier(params, short=True), str)
    assert_type(await mine.generate_messages([], []), Sequence[rg.ModelTurn | BaseException])
    assert_type(await mine.generate_texts([], []), Sequence[rg.GeneratedText | BaseException])
    assert_type(await mine.supports_function_calling(), bool | None)
    assert_type(mine.chat("a"), rg.ChatPipeline)
    assert_type(generator.chat(mine, "a"), rg.ChatPipeline)
    assert_type(generator.complete(mine, "a"), rg.CompletionPipeline)
    mine.wrap(print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mine.watch("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def generators_are_found_by_name() -> None:
    assert_type(rg.get_generator("openai!gpt-4o", params={"temperature": 1.0}), rg.Generator)
    assert_type(rg.get_identifier(rg.scripted("a"), short=True), str)
    assert_type(rg.register_generator("mine", Mine), None)
    assert_type(rg.register_generator("mine", lambda: Mine), None)
    with generator.registered("mine", Mine):
        assert_type(rg.get_generator("mine!a"), rg.Generator)
    assert_type(generator.get_max_tokens_for_model("gpt-4o"), int | None)
    rg.register_generator("mine", Fix)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def fakes_tell_what_they_heard() -> None:
    model = rg.scripted("a", rg.Message("assistant", "b"), ValueError("c"), generator.Cut("d e", after=1))
    assert_type(model, rg.ScriptedGenerator)
    assert_type([(one.text, one.messages) for one in model.heard], list[tuple[str, tuple[rg.Message, ...]]])
    assert_type(model.remaining, int)
    assert_type(rg.FunctionGenerator(lambda messages, _: messages[-1].content).chat("a"), rg.ChatPipeline)
    rg.scripted(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def retried(_: rg.HTTPGenerator, response: http.HttpResponse) -> generator.HttpHookAction | None:
    return "retry" if response.status_code == 503 else None


def endpoints_are_generators(spec: generator.HTTPSpec, response: http.HttpResponse) -> None:
    model = rg.HTTPGenerator.for_json_endpoint("https://a.example", {"text": "$content"}, hook=retried, state={"a": 1})
    assert_type(model, rg.HTTPGenerator)
    assert_type(rg.HTTPGenerator.for_text_endpoint("https://a.example", "{{ content }}"), rg.HTTPGenerator)
    assert_type(rg.HTTPGenerator("a", spec=spec), rg.HTTPGenerator)
    assert_type(model.state, dict[str, Any])
    assert_type((model.spec, model.max_retries), tuple[http.HTTPSpec, int])
    assert_type(model.chat("a"), rg.ChatPipeline)
    assert_type((spec.request, spec.response), tuple[http.RequestSpec, http.ResponseSpec | None])
    assert_type((response.status_code, response.text, response.content), tuple[int, str, bytes])
    assert_type(response.is_success, bool)
    rg.HTTPGenerator.for_text_endpoint("https://a.example", "a", response_pattern_type="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Tools.


@rg.tool(catch=True)
def add(x: int, y: int) -> int:
    return x + y


@rg.tool
async def told(what: str) -> rg.Message:
    return rg.Message("user", what)


async def tools_are_refined(call: rg.ToolCall) -> None:
    assert_type(add.clone()(1, 2), int)
    assert_type(await told("a"), rg.Message)
    assert_type((add.name, add.description), tuple[str, str])
    assert_type(add.definition, rg.ToolDefinition)
    assert_type(add.api_definition, rg.ToolDefinition)
    assert_type(add.parameters_schema, dict[str, Any])
    assert_type(await add.handle_tool_call(call), tuple[rg.Message, bool])
    assert_type((call.name, call.arguments, call.function), tuple[str, str, tools.FunctionCall])
    assert_type(tools.as_tools(add, [told], print), list[rg.Tool[..., Any]])
    assert_type(rg.robopages("https://a.example", name_filter="a.*"), list[rg.Tool[..., Any]])
    add("a", 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    add.with_(truncated=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    rg.tool(effect="never")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


async def servers_are_clients_and_the_other_way_round() -> None:
    assert_type(rg.mcp("stdio", command="a", args=["b"], env={"c": "d"}), rg.MCPClient)
    assert_type(rg.mcp("sse", url="https://a.example", headers={"a": "b"}), rg.MCPClient)
    async with rg.mcp("streamable-http", url="https://a.example", timeout=3) as client:
        assert_type(client, rg.MCPClient)
        assert_type((client.name, client.tools), tuple[str, list[rg.Tool[..., Any]]])
        assert_type(client.session, ClientSession)
        assert_type(await client.refresh(), list[rg.Tool[..., Any]])
        assert_type(await client.resources(), list[mcp_types.Resource])
        assert_type(await client.read_resource("file:///a"), list[rg.message.AnyContent])
        assert_type(await client.prompts(), list[mcp_types.Prompt])
        assert_type(await client.get_prompt("a", {"b": "c"}), list[rg.Message])
    assert_type(rg.as_mcp(add, told, name="a"), MCPServer[Any])
    rg.mcp("http", url="https://a.example")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    rg.mcp("stdio", url="https://a.example")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]


def codecs_go_both_ways(turn: rg.ModelTurn, params: rg.GenerateParams) -> None:
    codec = codecs.codec_of_mode("xml", add_stop_token=False)
    assert_type(codec, codecs.ToolCodec)
    assert_type(codec.encode([turn.message], params), tuple[list[rg.Message], rg.GenerateParams])
    assert_type(codec.decode(turn, [add.definition]), rg.ModelTurn)
    assert_type(codec.reader([]).feed("a"), list[rg.message.Delta])
    assert_type(codec.reader([]).message(), rg.Message)
    codecs.codec_of_mode("yaml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def transforms_are_called(messages: list[rg.Message], params: rg.GenerateParams, chat: rg.Chat) -> None:
    assert_type(transform.get_transform("tools_to_json"), rg.Transform)
    assert_type(transform.make_tools_to_json_transform("json-in-xml"), rg.Transform)
    assert_type(transform.make_tools_to_pythonic_transform(tool_response_tag="a"), rg.Transform)
    assert_type(transform.make_tools_to_xml_transform([add, told.definition]), rg.Transform)
    said, sent, after = await transform.tools_to_json_with_tag_transform(messages, params)
    assert_type((said, sent), tuple[list[rg.Message], rg.GenerateParams])
    assert_type(after, rg.PostTransform | None)
    assert after is not None
    assert_type(await after(chat), rg.Chat)
    transform.make_tools_to_json_transform("yaml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Tokenizers.


async def chats_are_tokens(chat: rg.Chat, chats: rg.ChatList) -> None:
    one = rg.get_tokenizer("transformers!a")
    assert_type(one, rg.Tokenizer)
    assert_type((one.encode("a"), one.decode([1]), one.format_chat(chat)), tuple[list[int], str, str])
    assert_type(one.encode_with_offsets("a")[1].tokens_of(0, 1), tuple[int, int] | None)
    tokens = await chat.to_tokens(one, "tools_to_json")
    assert_type(tokens, rg.TokenizedChat)
    assert_type((tokens.text, tokens.tokens), tuple[str, list[int]])
    assert_type([(part.start, part.end) for part in tokens.slices], list[tuple[int, int]])
    assert_type(tokens.slices, list[tokenizer.TokenSlice])
    assert_type(tokens.obj, rg.Chat | None)
    assert_type(await chats.to_tokens("transformers!a"), list[rg.TokenizedChat])
    assert_type(tokenizer.TransformersTokenizer.from_obj(object()), tokenizer.TransformersTokenizer)
    assert_type(rg.register_tokenizer("mine", tokenizer.TransformersTokenizer), None)
    rg.register_tokenizer("mine", Mine)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Watchers, and the log.


async def watchers_are_made(client: AsyncElasticsearch, bucket: object, chat: rg.Chat) -> None:
    assert_type(watchers.write_chats_to_jsonl("a.jsonl", replace=True), watchers.Watcher)
    assert_type(watchers.write_messages_to_jsonl("a.jsonl"), watchers.Watcher)
    assert_type(watchers.write_chats_to_elastic(client, "a"), watchers.Watcher)
    assert_type(watchers.write_chats_to_s3(bucket, "a", "b"), watchers.Watcher)
    one = watchers.write_chats_to_jsonl("a.jsonl")
    assert_type(one.pending, int)
    await one([chat])
    await one.flush()
    assert_type(rg.scripted().chat("a").watch(one, watchers.stream_to_logs), rg.ChatPipeline)
    await watchers.make_stream_to_logs(level="debug")([chat])
    watchers.make_stream_to_logs(level="loud")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    watchers.write_chats_to_elastic(chat, "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_log_is_configured() -> None:
    assert_type(logging.configure_logging("trace", "a.log", "debug"), None)
    assert_type(rg.logger.info("a"), None)
    logging.configure_logging("loud")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Data.


def chats_are_tables(chat: rg.Chat, chats: rg.ChatList, pandas: pd.DataFrame, polars: pl.DataFrame) -> None:
    assert_type(data.chats_to_df(chats), pd.DataFrame)
    assert_type(chat.to_df(), pd.DataFrame)
    assert_type(chats.to_df(), pd.DataFrame)
    assert_type(data.df_to_chats(pandas), rg.ChatList)
    assert_type(data.chats_to_polars(chat), pl.DataFrame)
    assert_type(data.polars_to_chats(polars), rg.ChatList)
    assert_type(data.arrow_to_chats(data.chats_to_arrow(chats)), rg.ChatList)
    assert_type(data.chats_to_parquet(chats, "a.parquet"), None)
    assert_type(data.parquet_to_chats("a.parquet"), rg.ChatList)
    assert_type(data.unflatten_chats(data.flatten_chats(chats)), rg.ChatList)
    data.df_to_chats(polars)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def chats_are_letters(chat: rg.Chat, chats: rg.ChatList) -> None:
    assert_type(data.chats_to_jsonl(chats, "a.jsonl"), None)
    assert_type(data.jsonl_to_chats("a.jsonl"), rg.ChatList)
    assert_type(data.chats_to_openai(chat), list[list[dict[str, Any]]])
    assert_type(data.openai_to_chats(chats.to_openai()), rg.ChatList)
    assert_type(data.openai_to_messages(chat.to_openai()), list[rg.Message])
    assert_type(data.chats_to_anthropic(chats), list[dict[str, Any]])
    assert_type(data.anthropic_to_chats(data.chats_to_anthropic(chats)), rg.ChatList)
    assert_type(data.messages_to_anthropic(chat.all), dict[str, Any])
    assert_type(data.anthropic_to_messages({}), list[rg.Message])


async def chats_are_stored(chat: rg.Chat, chats: rg.ChatList, client: AsyncElasticsearch, bucket: object) -> None:
    assert_type(await data.chats_to_elastic(chats, "a", client, op_type="create"), int)
    assert_type(await chat.to_elastic("a", client), int)
    assert_type(await chats.to_elastic("a", client), int)
    assert_type(await data.elastic_to_chats({"match_all": {}}, "a", client, max_results=3), rg.ChatList)
    assert_type(data.chats_to_elastic_data(chats, "a"), list[dict[str, Any]])
    assert_type(data.elastic_data_to_chats({}), rg.ChatList)
    assert_type(await data.s3_bucket_exists(bucket, "a"), bool)
    assert_type(await data.s3_object_exists(bucket, "a", "b"), bool)
    data.chats_to_elastic_data(chats, "a", op_type="drop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Helpers.


async def addresses_are_fetched() -> None:
    assert_type(await fetching.fetch("https://a.example", max_bytes=3), fetching.Fetched)
    assert_type((await fetching.fetch("https://a.example")).data, bytes)
    assert_type(await fetching.fetch_image("https://a.example", timeout=3.0), rg.ContentImageUrl)
    assert_type(await fetching.fetch_audio("https://a.example", allow_private=["b"]), rg.ContentAudioInput)
    assert_type(await fetching.fetch_file("https://a.example"), rg.ContentFile)
    await fetching.fetch_image("https://a.example", max_size=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def helpers_give_plain_values(text: str) -> None:
    assert_type(util.extract_json_objects(text), list[tuple[dict[str, Any], slice]])
    assert_type(util.deref_json({}, is_json_schema=True), dict[str, Any])
    assert_type(util.get_callable_name(print, short=True) + util.get_qualified_name(text), str)
    assert_type(util.to_snake(text) + util.to_xml_tag(text) + util.escape_xml(text) + util.unescape_xml(text), str)
    assert_type(util.truncate_string(text, 3) + util.shorten_string(text, 3) + util.shorten_text(text, 3, 3), str)
    assert_type(util.unescape_cdata_tags(text), str)
    assert_type(util.flatten_list([[1], [[2]]]), list[Any])
    assert_type(util.identify_audio_format(b""), str | None)


def conversations_are_marked(messages: Sequence[rg.Message]) -> None:
    assert_type(caching.apply_cache_mode_to_messages("latest", [messages]), list[list[rg.Message]])
    caching.apply_cache_mode_to_messages("all", [messages])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
