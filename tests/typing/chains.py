"""What mypy and pyright infer of every public chain. They check this file strictly; nothing here has to be run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, assert_type

import rigging_py as rg
from rigging_py.prompt import PromptStream


class Fact(rg.Model):
    fact: str


class Person(rg.Model):
    name: str


@dataclass
class Told:
    joke: str
    chat: rg.Chat


model = rg.scripted()
pipeline = model.chat()


# Prompts, however they are made.


@rg.prompt
async def plain(count: int = 3) -> list[str]:
    """Go."""


@rg.prompt
def sync(name: str) -> Fact:
    """Go."""


@rg.prompt(generator_id="openai!gpt-4o", system_prompt="Be brief.", tools=[plain])
async def by_id(count: int) -> tuple[list[str], rg.Chat]:
    """Go."""


@rg.prompt(generator=model)
def by_keyword() -> Told:
    """Go."""


@rg.prompt(pipeline=pipeline)
async def by_pipeline_keyword() -> int | None:
    """Go."""


@model.prompt
async def by_generator(name: str) -> rg.Chat:
    """Go."""


@model.prompt
def by_generator_sync(name: str) -> bool:
    """Go."""


@pipeline.prompt
async def by_pipeline(*, mood: str) -> dict[str, int]:
    """Go."""


@pipeline.prompt(tools=[plain])
def by_pipeline_with_options() -> set[int]:
    """Go."""


@model.prompt(system_prompt="Be brief.", tools=[plain])
async def looking(picture: rg.ContentImageUrl) -> str:
    """Go."""


class Zoo:
    @rg.prompt
    async def count(self, kind: str) -> int:
        """Go."""

    @rg.prompt(generator_id="openai!gpt-4o")
    def greet(self) -> str:
        """Go."""

    @rg.tool_method
    def feed(self, kind: str) -> int:
        return len(kind)

    @rg.tool_method(name="wash", truncate=10)
    async def clean(self, cage: int) -> str:
        return str(cage)


async def prompts_give_what_their_functions_declare() -> None:
    assert_type(await plain(), list[str])
    assert_type(await plain(5), list[str])
    assert_type(await plain.run(count=5), list[str])
    assert_type(await sync("a"), Fact)
    assert_type(await by_id(1), tuple[list[str], rg.Chat])
    assert_type(await by_keyword(), Told)
    assert_type(await by_pipeline_keyword(), int | None)
    assert_type(await by_generator("a"), rg.Chat)
    assert_type(await by_generator_sync("a"), bool)
    assert_type(await by_pipeline(mood="a"), dict[str, int])
    assert_type(await by_pipeline_with_options(), set[int])
    assert_type(sync.render("a"), str)
    assert_type(sync.process(rg.Chat(messages=[])), Fact)
    assert_type([one.tag for one in sync.inputs], list[str])
    assert_type((sync.docstring, sync.template), tuple[str, str])
    assert_type(sync.pipeline, rg.ChatPipeline | None)
    assert_type(await looking(rg.ContentImageUrl.from_url("data:image/png;base64,")), str)


async def prompts_of_texts_give_what_they_are_told_to() -> None:
    assert_type(rg.make_prompt("Go."), rg.Prompt[..., str])
    assert_type(await rg.make_prompt("Tell {{ what }}.", ctx=rg.Ctx("joke")).bind(model)(what="a joke"), str)
    assert_type(await rg.make_prompt("Go.", Fact).bind("openai!gpt-4o").run(), Fact)
    assert_type(await rg.make_prompt("Go.", list[str], ctx=rg.Ctx("joke")).bind_many(model)(2), list[list[str]])
    assert_type(await rg.make_prompt("Go.", rg.Chat).run_over([model]), list[rg.Chat])
    assert_type(await rg.make_prompt("Go.", return_type=Fact).bind(model).stream().value(), Fact)
    assert_type(rg.make_prompt("Go.", int | None), rg.Prompt[..., Any])


async def prompts_on_classes_take_no_self() -> None:
    zoo = Zoo()
    assert_type(await zoo.count("lions"), int)
    assert_type(await zoo.greet(), str)
    assert_type(zoo.count.render("lions"), str)
    assert_type(await zoo.count.bind(model)("lions"), int)
    assert_type(await zoo.count.run_many(2, "lions"), list[int])


async def bound_prompts_keep_their_types() -> None:
    assert_type(await sync.bind(model)("a"), Fact)
    assert_type(await sync.bind(pipeline)(name="a"), Fact)
    assert_type(await sync.bind(rg.Chat(messages=[]))("a"), Fact)
    assert_type(await sync.bind("openai!gpt-4o")("a"), Fact)
    assert_type(await sync.with_(temperature=1.0).set_(max_tool_rounds=1).clone()("a"), Fact)
    assert_type(await sync.then(print).map(print)("a"), Fact)
    assert_type(await sync.then(print).then(print, allow_duplicates=True).run("a"), Fact)
    assert_type(await sync.clone(include_callbacks=False).run("a"), Fact)
    assert_type(await sync.run_many(3, "a"), list[Fact])
    assert_type(await sync.run_over([model, "openai!gpt-4o"], name="a"), list[Fact])
    assert_type(await sync.run_over(model, "a"), list[Fact])
    assert_type(await sync.bind_over()("openai!gpt-4o", "a"), list[Fact])
    assert_type(await sync.bind_many(model)(3, "a"), list[Fact])
    assert_type(await sync.bind_many(model)(3, name="a"), list[Fact])
    assert_type(await sync.bind_over(model)([model], "a"), list[Fact])
    assert_type(await sync.bind_over()(["openai!gpt-4o"], name="a"), list[Fact])


async def wrong_arguments_are_refused() -> None:
    await sync(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sync()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await sync.run_many("a")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    await sync.run(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sync.render(nmae="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await Zoo().count(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sync.bind(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Tools.


@rg.tool
def add(x: float, y: float = 1.0) -> float:
    return x + y


@rg.tool(name="sum", catch={ValueError})
async def add_later(x: float) -> float:
    return x


async def tools_are_called_like_their_functions() -> None:
    assert_type(add(1, y=2), float)
    assert_type(await add_later(1), float)
    assert_type(rg.Tool.from_callable(add.fn)(1), float)
    assert_type(add.with_(name="plus")(1), float)
    assert_type(Zoo().feed("lions"), int)
    assert_type(await Zoo().clean(1), str)
    assert_type(Zoo.feed(Zoo(), "lions"), int)
    assert_type(Zoo().feed.name, str)
    Zoo().feed(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Pipelines and chats.


async def refinements_are_pipelines() -> None:
    refined = (
        rg.get_generator("openai!gpt-4o")
        .chat({"role": "user", "content": "a"})
        .add("a")
        .fork(["a", rg.Message("user", "b")])
        .with_(temperature=1.0)
        .meta(a=1)
        .apply(name="a")
        .apply_to_all(name="a")
        .using(add, plain, [len], Zoo(), choice="auto", catch=False)
        .until_parsed_as(Fact, list[Person], int | None, max_rounds=2)
        .then(lambda chat: assert_type(chat, rg.Chat))
        .map(lambda chats: assert_type(chats, rg.ChatList))
        .catch(ValueError, on_failed="include")
        .clone()
    )
    assert_type(refined, rg.ChatPipeline)
    assert_type(await refined.run(), rg.Chat)
    assert_type(await refined(), rg.Chat)
    assert_type(await refined.run_many(3), rg.ChatList)
    assert_type(await refined.run_batch(["a", ["b", "c"]]), rg.ChatList)
    assert_type(await refined.run_over(model, "openai!gpt-4o"), rg.ChatList)
    assert_type(await refined.resume(rg.AgentRun("a")), rg.Chat)
    steps: AbstractAsyncContextManager[Any] = refined.step()
    async with refined.step() as each:
        async for step in each:
            assert_type(step, rg.PipelineStep)
            assert_type(step.chats, rg.ChatList)
            assert_type(step.runs, tuple[rg.AgentRun, ...])
    assert steps is not None


async def chats_go_on_as_pipelines(chat: rg.Chat, chats: rg.ChatList) -> None:
    assert_type(chat.last, rg.Message)
    assert_type(chat.all, list[rg.Message])
    assert_type(chat.last.parse(Fact).fact, str)
    assert_type(chat.fork("a"), rg.ChatPipeline)
    assert_type(chat.continue_("a"), rg.ChatPipeline)
    assert_type(chat.restart(generator="openai!gpt-4o"), rg.ChatPipeline)
    assert_type(chat.clone(), rg.Chat)
    assert_type(chat.meta(a=1), rg.Chat)
    assert_type(chats[0], rg.Chat)
    assert_type([one.usage for one in chats], list[rg.Usage | None])


async def generators_and_completions() -> None:
    assert_type(rg.get_generator("openai!gpt-4o"), rg.Generator)
    assert_type(rg.get_identifier(model), str)
    assert_type(model.with_params(temperature=1.0), rg.ScriptedGenerator)
    assert_type(rg.chat("openai!gpt-4o", "a"), rg.ChatPipeline)
    assert_type(rg.complete(model, "a"), rg.CompletionPipeline)
    assert_type(await model.complete("a").add("b").run(), rg.Completion)
    assert_type(await model.complete("a").run_many(2), list[rg.Completion])
    assert_type(await rg.interact(model), rg.Chat | None)


def coroutines_are_run_from_outside() -> None:
    assert_type(rg.await_(sync("a")), Fact)
    assert_type(rg.await_(sync("a"), sync("b")), list[Fact])


class Mine(rg.Generator):
    temperature_of_the_room: float = 20.0

    async def generate_messages(
        self, messages: Sequence[Sequence[rg.Message]], params: Sequence[rg.GenerateParams]
    ) -> Sequence[rg.GeneratedMessage | BaseException]:
        return [rg.GeneratedMessage.from_text("hi") for _ in messages]


# Streams, and runs that go on.


async def streams_and_resumed_runs_keep_their_types() -> None:
    stream = sync.stream("a")
    assert_type(stream, PromptStream[Fact])
    assert_type(await stream.value(), Fact)
    async for known in stream.partials():
        assert_type(known, rg.Partial[Fact])
        assert_type(known.get("fact", str), str | None)
        print(known.fact)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    async for event in pipeline.stream():
        assert_type(event, rg.ChatEvent)
    async for text in pipeline.stream_text():
        assert_type(text, str)
    assert_type(pipeline.stream(), rg.EventStream)
    assert_type(await pipeline.stream().chat(), rg.Chat)
    assert_type(pipeline.run_sync(), rg.Chat)
    assert_type(await pipeline.run(store="memory!", run_id="a"), rg.Chat)
    assert_type(await rg.resume("a", store="memory!", pipeline=pipeline), rg.Chat)
    assert_type(await pipeline.resume("a", store=rg.get_store("memory!"), decisions={"a": rg.Approve()}), rg.Chat)
    assert_type(pipeline.with_hooks().with_context(3).within(seconds=3).until(bool), rg.ChatPipeline)


@rg.tool(effect="read", timeout=3)
def looked_up(word: str, context: rg.ToolContext[int]) -> str:
    return word * context.value


def tools_with_context_keep_their_types() -> None:
    assert_type(looked_up("a", rg.ToolContext(3, "key", "run")), str)
