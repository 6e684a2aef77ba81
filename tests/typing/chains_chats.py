"""What mypy and pyright infer of pipelines, chats, completions, what watches them, and what is raised."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, assert_type

import rigging_py as rg
from rigging_py import completion, error, observe, transform
from rigging_py.chat import ChatFinished, RunPaused, ToolResultEvent, ToolStartedEvent, TurnDiscarded
from rigging_py.generator import Wrapper
from rigging_py.interact import ResetCallback
from rigging_py.run import Decision, DecisionRequest, Journal, State, ToolResult


class Fact(rg.Model):
    fact: str


def tool(count: int) -> str:
    return "a" * count


async def seen(chats: list[rg.Chat]) -> None:
    print(chats)


async def seen_completions(completions: list[rg.Completion]) -> None:
    print(completions)


async def answered_before(chat: rg.Chat) -> rg.Chat | None:
    return None if chat.failed else chat


async def begun_again(pipeline: rg.ChatPipeline) -> rg.ChatPipeline:
    return pipeline


async def brief(
    messages: list[rg.Message], params: rg.GenerateParams
) -> tuple[list[rg.Message], rg.GenerateParams, rg.PostTransform | None]:
    return messages[-1:], params, None


# Pipelines.


def refinements_are_pipelines(pipeline: rg.ChatPipeline, model: rg.Generator, wrapper: Wrapper) -> None:
    assert_type(pipeline.add("a", merge_strategy="all"), rg.ChatPipeline)
    assert_type(pipeline.watch(seen, print, lambda chats: print(chats)), rg.ChatPipeline)
    assert_type(pipeline.then(answered_before, print, max_depth=2), rg.ChatPipeline)
    assert_type(pipeline.map(len, allow_duplicates=True), rg.ChatPipeline)
    assert_type(pipeline.wrap(wrapper).wrap(None), rg.ChatPipeline)
    assert_type(pipeline.cache().cache(False).cache(None), rg.ChatPipeline)
    assert_type(pipeline.transform(brief, transform.tools_to_json_transform), rg.ChatPipeline)
    assert_type(pipeline.using(tool, mode="json-in-xml", add_stop_token=False, max_concurrent=2), rg.ChatPipeline)
    assert_type(pipeline.using([tool], catch={ValueError}).using(tool, catch=True), rg.ChatPipeline)
    assert_type(pipeline.until_parsed_as(Fact).until_parsed_as(int | None, list[str]), rg.ChatPipeline)
    assert_type(pipeline.until(lambda text: "a" in text, lambda text: text, max_rounds=2), rg.ChatPipeline)
    assert_type(pipeline.catch(ValueError, exclude=(KeyError,), on_failed="skip"), rg.ChatPipeline)
    assert_type(pipeline.with_hooks(observe.Tracing(content=True)), rg.ChatPipeline)
    assert_type(pipeline.with_context({"user": 1}).within(tokens=1, cost=1.0, tool_calls=1), rg.ChatPipeline)
    assert_type(pipeline.name("a").with_messages("a").answered_by(model), rg.ChatPipeline)
    assert_type(pipeline.clone(only_messages=True), rg.ChatPipeline)
    assert_type((pipeline.messages, pipeline.metadata), tuple[tuple[rg.Message, ...], Mapping[str, Any]])
    assert_type((pipeline.chat, pipeline.generator), tuple[rg.Chat, rg.Generator])
    assert_type((len(pipeline), bool(pipeline), pipeline.generator_id), tuple[int, bool, str])


async def wrong_refinements_are_refused(pipeline: rg.ChatPipeline) -> None:
    pipeline.using(tool, mode="yaml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.using(tool, catch="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.watch(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.watch(lambda: None)  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    pipeline.wrap(tool)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.cache("all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.transform(answered_before)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.catch("ValueError")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.then("a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.add(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await pipeline.run(on_failed="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await pipeline.run_many(3, mode="serial")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def runs_give_chats(pipeline: rg.ChatPipeline, run: rg.AgentRun, journal: Journal) -> None:
    assert_type(await pipeline.run(name="a", on_failed="include"), rg.Chat)
    assert_type(await pipeline.run(allow_failed=True), rg.Chat)
    assert_type(await pipeline.run_many(2, params=[None, rg.GenerateParams(seed=1)], mode="merged"), rg.ChatList)
    assert_type(await pipeline.run_batch([{"role": "user", "content": "a"}], max_concurrent=2), rg.ChatList)
    assert_type(await pipeline.run_over("openai!gpt-4o", include_original=False, on_failed="skip"), rg.ChatList)
    assert_type(await pipeline.replay(journal, mode="model-only"), rg.Chat)
    assert_type(await pipeline.resume(run.dump(), limits={"seconds": 3.0}), rg.Chat)
    assert_type(pipeline.stream_resumed(run), rg.EventStream)
    assert_type(pipeline.stream_text(), AsyncGenerator[str, None])
    assert_type(pipeline.stream_sync(), Iterator[rg.ChatEvent])
    assert_type(pipeline.stream().texts(), AsyncGenerator[str, None])


async def steps_are_given_one_by_one(pipeline: rg.ChatPipeline) -> None:
    assert_type(pipeline.step(on_failed="include"), rg.PipelineStepContextManager)
    assert_type(pipeline.step_many(2), rg.PipelineStepContextManager)
    assert_type(pipeline.step_batch(["a", "b"]), rg.PipelineStepContextManager)
    async with pipeline.step_many(2, params=[None, None]) as steps:
        assert_type(steps, AsyncGenerator[rg.PipelineStep, None])
        async for step in steps:
            assert_type((step.chats, step.pipeline, step.depth), tuple[rg.ChatList, rg.ChatPipeline, int])
            assert_type(step.parent, rg.PipelineStep | None)
            assert_type(step.copy(), rg.PipelineStep)
            assert step.state in ("generated", "callback", "final")


async def events_are_told_apart(pipeline: rg.ChatPipeline) -> None:
    async with pipeline.stream() as stream:
        assert_type(stream, rg.EventStream)
        async for event in stream:
            match event:
                case ToolStartedEvent(call):
                    assert_type(call.name, str)
                case ToolResultEvent(_, result):
                    assert_type(result, ToolResult)
                case TurnDiscarded(feedback):
                    assert_type(feedback, str)
                case RunPaused(run, requests):
                    assert_type((run, requests), tuple[rg.AgentRun, tuple[DecisionRequest, ...]])
                case ChatFinished(chat):
                    assert_type(chat, rg.Chat)
                case _:
                    pass


# Chats.


def chats_tell_what_they_hold(chat: rg.Chat, chats: rg.ChatList) -> None:
    assert_type((chat.messages, chat.generated), tuple[list[rg.Message], list[rg.Message]])
    assert_type((chat.prev, chat.next), tuple[list[rg.Message], list[rg.Message]])
    assert_type((chat.conversation, chat.failed, chat.stop_reason), tuple[str, bool, rg.StopReason])
    assert_type(chat.error, BaseException | None)
    assert_type(chat.usage, rg.Usage | None)
    assert_type(chat.generator, rg.Generator | None)
    assert_type(chat.generator_id, str | None)
    assert_type(chat.params, rg.GenerateParams | None)
    assert_type((chat.metadata, chat.extra), tuple[dict[str, Any], dict[str, Any]])
    assert_type(chat.output, object)
    assert_type(chat.message_dicts, list[dict[str, Any]])
    assert_type(chat.message_metadata, dict[str, Any])
    assert_type(chat.to_openai(), list[dict[str, Any]])
    assert_type(chats.to_openai(), list[list[dict[str, Any]]])
    assert_type(chats.to_json(), list[dict[str, Any]])
    assert_type(rg.ChatList([chat]), rg.ChatList)
    assert_type(len(chat), int)


async def chats_go_on(chat: rg.Chat) -> None:
    assert_type(chat.fork("a", include_all=True), rg.ChatPipeline)
    assert_type(chat.restart(include_all=True), rg.ChatPipeline)
    assert_type(chat.continue_([rg.Message("user", "a")]), rg.ChatPipeline)
    assert_type(chat.clone(only_messages=True), rg.Chat)
    assert_type(chat.apply(a="b").apply_to_all(a="b").inject_system_content("c"), rg.Chat)
    assert_type(await chat.transform("tools_to_json"), rg.Chat)
    assert_type(await chat.transform(brief), rg.Chat)
    assert_type(rg.Chat([rg.Message("user", "a")], "b"), rg.Chat)
    chat.fork(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Completions.


def completions_are_refined(pipeline: rg.CompletionPipeline, wrapper: Wrapper) -> None:
    assert_type(pipeline.add("a").fork("b").clone(only_text=True).apply(a="b"), rg.CompletionPipeline)
    assert_type(pipeline.meta(a=1).with_(temperature=1.0).wrap(wrapper), rg.CompletionPipeline)
    assert_type(pipeline.until(bool, use_all_text=True, max_rounds=2), rg.CompletionPipeline)
    assert_type(pipeline.until_parsed_as(Fact, int | None), rg.CompletionPipeline)
    assert_type(pipeline.then(print).map(print).watch(seen_completions, print), rg.CompletionPipeline)
    assert_type(pipeline.catch(ValueError, on_failed="include"), rg.CompletionPipeline)
    pipeline.wrap(tool)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    pipeline.until(tool)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def completions_are_run(pipeline: rg.CompletionPipeline, done: rg.Completion) -> None:
    assert_type(await pipeline.run(on_failed="include"), rg.Completion)
    assert_type(await pipeline(), rg.Completion)
    assert_type(await pipeline.run_batch(["a", "b"]), list[rg.Completion])
    assert_type(await pipeline.run_over("openai!gpt-4o"), list[rg.Completion])
    assert_type((done.text, done.generated, done.all), tuple[str, str, str])
    assert_type((done.failed, done.stop_reason, done.output), tuple[bool, rg.StopReason, object])
    assert_type(done.error, BaseException | None)
    assert_type(done.restart(include_all=True), rg.CompletionPipeline)
    assert_type(done.fork("a"), rg.CompletionPipeline)
    assert_type(done.continue_("a"), rg.CompletionPipeline)
    assert_type(done.clone().meta(a=1), rg.Completion)
    assert_type(completion.complete("openai!gpt-4o", "a"), rg.CompletionPipeline)


# Hooks.


class Careful(rg.Hooks):
    async def before_tool(
        self, detail: observe.ToolDetail
    ) -> observe.RewriteArguments | observe.SkipTool | observe.StopRun | None:
        assert_type((detail.run_id, detail.call.name), tuple[str, str])
        return observe.StopRun("a") if detail.call.name == "pay" else None

    async def after_model_turn(self, detail: observe.ModelTurnDetail) -> observe.RefuseTurn | None:
        return observe.RefuseTurn("Say more.") if not detail.turn.message.content else None


class Careless(rg.Hooks):
    async def before_tool(self, detail: observe.ToolDetail) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return detail.run_id


def hooks_are_given_details(tracing: observe.Tracing, detail: observe.RunDetail) -> None:
    assert_type(tracing.around(detail), AbstractContextManager[observe.Outcome, bool | None])
    assert_type(observe.automatic(), observe.Tracing)
    assert_type(observe.is_listened_to(), bool)
    assert_type(observe.ModelCallPatch(params=rg.GenerateParams()).params, rg.GenerateParams | None)


# Talking, and resuming.


async def conversations_are_had(reset: ResetCallback) -> None:
    assert_type(await rg.interact("openai!gpt-4o", reset_callback=reset, read=input, write=print), rg.Chat | None)
    assert_type(await rg.interact("openai!gpt-4o", reset_callback=begun_again), rg.Chat | None)


async def decisions_are_given(pipeline: rg.ChatPipeline) -> None:
    given: Mapping[str, Decision] = {"a": rg.Approve(), "b": rg.Deny("no"), "c": rg.Edit({"count": 1})}
    assert_type(await rg.resume("a", store="memory!", pipeline=pipeline, decisions=given), rg.Chat)


# Errors.


def errors_tell_what_happened(
    any_error: rg.RiggingError,
    provider: error.ProviderError,
    paused: rg.Paused,
    diverged: rg.ReplayDivergence,
    exhausted: error.MessagesExhaustedMaxRoundsError,
    completed: error.CompletionExhaustedMaxRoundsError,
) -> None:
    assert_type(any_error.run, rg.AgentRun | None)
    assert_type(any_error.messages, Sequence[rg.Message])
    assert_type(any_error.usage, rg.Usage | None)
    assert_type(any_error.chats, Sequence[rg.Chat])
    assert_type((provider.provider, provider.body, provider.retryable), tuple[str, str, bool])
    assert_type((provider.status, provider.retry_after), tuple[int | None, float | None])
    assert_type(provider.kind, error.FailureKind)
    assert_type(paused.requests, tuple[DecisionRequest, ...])
    assert_type((diverged.at, diverged.expected, diverged.diff), tuple[int, object, tuple[str, ...]])
    assert_type((exhausted.max_rounds, exhausted.messages), tuple[int, Sequence[rg.Message]])
    assert_type(completed.completion, rg.Completion | None)


def other_errors_tell_what_was_wrong(
    identifier: error.InvalidGeneratorError,
    unparsed: error.UnparsedError,
    missing: error.MissingModelError,
    protocol: error.ProtocolError,
    written: error.NotWrittenError,
    unknown: error.UnknownToolError,
    extra: error.MissingExtraError,
    held: error.LeaseHeldError,
) -> None:
    assert_type((identifier.identifier, identifier.piece, identifier.known), tuple[str, str, tuple[str, ...]])
    assert_type((unparsed.tag, unparsed.content, unparsed.problem), tuple[str, str, str])
    assert_type(missing.tag, str)
    assert_type((protocol.method, protocol.state), tuple[str, State])
    assert_type((written.target, written.kept), tuple[str, int])
    assert_type((unknown.tool_name, unknown.known), tuple[str, tuple[str, ...]])
    assert_type((extra.feature, extra.extra), tuple[str, str])
    assert_type((held.owner, held.seconds), tuple[str, float])
    assert_type(rg.Stop("a").message, str)


@error.raise_as(RuntimeError, "It failed")
def counted(text: str, *, twice: bool = False) -> int:
    return len(text) * (2 if twice else 1)


@error.raise_as(RuntimeError, "It failed")
async def counted_later(text: str) -> int:
    return len(text)


async def what_raises_as_keeps_its_signature() -> None:
    assert_type(counted("a", twice=True), int)
    assert_type(await counted_later("a"), int)
    counted(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    counted("a", thrice=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


# The front door.


def names_that_are_not_there_are_refused() -> None:
    print(rg.Chatt)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    print(rg.tools.mcpp)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    print(rg.generator.HttpGenerator)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
