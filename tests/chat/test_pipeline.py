"""A pipeline is a description: refinements return new ones, and two tasks can share one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

import rigging_py as rg
from rigging_py.chat import DEFAULT_MAX_DEPTH, DEFAULT_MAX_ROUNDS
from rigging_py.error import PipelineWarning
from rigging_py.observe import RunDetail
from tests.tools.calls import call


def add_numbers(x: float, y: float) -> float:
    return x + y


async def watcher(chats: list[Any]) -> None: ...


async def unchanged(messages: list[rg.Message], params: rg.GenerateParams) -> Any:
    return messages, params, None


CALLS: list[int] = []


def counted(func: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **options: Any) -> Any:
        CALLS.append(1)
        return await func(*args, **options)

    return call


def base() -> rg.ChatPipeline:
    return rg.scripted("one", "two", "three").chat("Hello $name")


REFINEMENTS: dict[str, Callable[[rg.ChatPipeline], rg.ChatPipeline]] = {
    "add": lambda p: p.add("more"),
    "fork": lambda p: p.fork("more"),
    "with_": lambda p: p.with_(temperature=1.0),
    "meta": lambda p: p.meta(a=1),
    "apply": lambda p: p.apply(name="Ada"),
    "apply_to_all": lambda p: p.apply_to_all(name="Ada"),
    "using": lambda p: p.using(add_numbers),
    "until_parsed_as": lambda p: p.until_parsed_as(int),
    "then": lambda p: p.then(print),
    "map": lambda p: p.map(print),
    "watch": lambda p: p.watch(watcher),
    "catch": lambda p: p.catch(ValueError, on_failed="include"),
    "with_messages": lambda p: p.with_messages("other"),
    "name": lambda p: p.name("greeting"),
    "cache": lambda p: p.cache(),
    "transform": lambda p: p.transform(unchanged),
    "wrap": lambda p: p.wrap(counted),
    "until": lambda p: p.until(bool),
}


@pytest.mark.parametrize("name", REFINEMENTS)
def test_a_refinement_is_a_new_pipeline_and_leaves_the_old_as_it_was(name: str) -> None:
    pipeline = base()
    before = {**vars(pipeline)}
    refined = REFINEMENTS[name](pipeline)
    assert refined is not pipeline
    assert refined != pipeline
    assert vars(pipeline) == before


async def test_two_tasks_share_one_pipeline() -> None:
    together = asyncio.Barrier(2)

    async def answer(messages: Any, params: Any) -> str:
        await asyncio.wait_for(together.wait(), 10)
        return f"{len(messages)} at {params.temperature}"

    pipeline = rg.FunctionGenerator(answer).chat("hi")
    warm, cold = await asyncio.gather(
        pipeline.with_(temperature=1.0).run(), pipeline.add("there").with_(temperature=0.0).run()
    )
    assert (warm.last.content, cold.last.content) == ("1 at 1.0", "2 at 0.0")
    assert len(pipeline) == 1
    assert pipeline.params is None


def test_added_messages_stand_apart_unless_merging_is_asked_for() -> None:
    apart = base().add("again")
    assert [m.content for m in apart.messages] == ["Hello $name", "again"]
    strategies: list[Literal["all", "only-user-role"]] = ["all", "only-user-role"]
    for strategy in strategies:
        merged = base().add(["again", "and again"], merge_strategy=strategy)
        assert [m.content for m in merged.messages] == ["Hello $name\nagain", "and again"]


def test_messages_of_other_roles_merge_only_with_all() -> None:
    system = {"role": "system", "content": "Be brief."}
    pipeline = rg.scripted().chat(system)
    assert len(pipeline.add(system, merge_strategy="only-user-role")) == 2
    assert len(pipeline.add(system, merge_strategy="all")) == 1
    assert len(pipeline.add("hi", merge_strategy="all")) == 2


def test_a_message_given_to_two_pipelines_belongs_to_neither() -> None:
    message = rg.Message("user", "hi")
    first, second = rg.scripted().chat(message), rg.scripted().chat([message])
    message.content = "changed"
    message.meta(seen=True)
    first.messages[0].content = "mine"
    assert second.messages[0].content == "hi"
    assert second.messages[0].metadata == {}


def test_later_parameters_go_over_earlier_ones_and_keep_the_rest() -> None:
    pipeline = base().with_(temperature=0.5, max_tokens=10).with_(rg.GenerateParams(temperature=1.0), top_p=0.9)
    assert pipeline.params == rg.GenerateParams(temperature=1.0, max_tokens=10, top_p=0.9)


async def test_parameters_of_the_pipeline_go_over_those_of_the_generator() -> None:
    model = rg.scripted("hi").with_params(temperature=0.1, seed=7)
    await model.chat("hi").with_(temperature=0.9).run()
    assert model.heard[0].params.temperature == 0.9
    assert model.heard[0].params.seed == 7


async def test_metadata_of_a_pipeline_is_on_its_chats_and_theirs_alone() -> None:
    pipeline = base().meta(tags=["a"]).meta(run=1)
    first, second = await pipeline.run_many(2)
    first.metadata["tags"].append("b")
    assert second.metadata == {"tags": ["a"], "run": 1}
    assert pipeline.metadata == {"tags": ["a"], "run": 1}


async def test_apply_fills_in_the_last_message_and_apply_to_all_every_one() -> None:
    pipeline = rg.scripted("a", "b").chat(["Dear $name", "I owe ${name} $5"])
    assert [m.content for m in pipeline.apply(name="Ada").messages] == ["Dear $name", "I owe Ada $5"]
    assert [m.content for m in pipeline.apply_to_all(name="Ada").messages] == ["Dear Ada", "I owe Ada $5"]
    assert rg.scripted().chat().apply(name="Ada").messages == ()


def test_a_clone_keeps_everything_or_only_what_is_said() -> None:
    pipeline = base().then(print).meta(a=1).until_parsed_as(int).with_(seed=1).using(add_numbers)
    assert pipeline.clone() == pipeline
    bare = pipeline.clone(only_messages=True)
    assert (bare.then_callbacks, dict(bare.metadata), bare.output) == ((), {}, None)
    assert (bare.messages, bare.params, bare.tools) == (pipeline.messages, pipeline.params, pipeline.tools)


def test_the_chat_of_a_pipeline_holds_copies_of_its_messages() -> None:
    pipeline = base()
    pipeline.chat.messages[0].content = "changed"
    assert pipeline.messages[0].content == "Hello $name"


def test_a_tool_replaces_one_of_the_same_name_and_another_function_with_a_warning() -> None:
    def other(x: int) -> int:
        return x

    pipeline = base().using(add_numbers)
    assert pipeline.using(add_numbers, catch=True).tools[0].catch is True
    with pytest.warns(PipelineWarning, match="'add_numbers' replaces another"):
        pipeline = pipeline.using(rg.tool(name="add_numbers")(other))
    assert [tool.fn for tool in pipeline.tools] == [other]


def test_the_same_watcher_twice_is_an_error_unless_allowed() -> None:
    with pytest.raises(ValueError, match="allow_duplicates=True"):
        base().watch(watcher).watch(watcher)
    assert len(base().watch(watcher).watch(watcher, allow_duplicates=True).watch_callbacks) == 2


async def test_an_empty_pipeline_says_that_there_is_nothing_to_answer() -> None:
    with pytest.raises(ValueError, match="add a message"):
        await rg.scripted("hi").chat().run()


async def test_a_connection_string_makes_a_pipeline_too() -> None:
    model = rg.scripted("hi")
    assert (await rg.chat(model.to_identifier(), "hello").run()).last.content == "hi"


async def test_a_forced_choice_of_tool_is_sent_with_the_first_turn_only() -> None:
    model = rg.scripted(call("add_numbers", {"x": 1, "y": 2}), "3")
    await model.chat("1 + 2?").using(add_numbers, choice="required").run()
    assert [heard.params.tool_choice for heard in model.heard] == ["required", "auto"]


def test_a_pipeline_is_made_by_hand_too() -> None:
    model, seed = rg.scripted(), rg.GenerateParams(seed=1)
    pipeline = rg.ChatPipeline(model, [rg.Message("user", "hi")], params=seed, watch_callbacks=(watcher,))  # type: ignore[arg-type]  # pyright: ignore
    assert pipeline == model.chat("hi", seed).watch(watcher).with_messages(pipeline.messages)
    assert (len(pipeline), pipeline.on_failed, pipeline.tool_mode, pipeline.caching) == (1, "raise", "auto", None)
    assert (DEFAULT_MAX_ROUNDS, DEFAULT_MAX_DEPTH) == (pipeline.max_rounds, pipeline.max_depth) == (5, 20)


def test_a_clone_may_have_the_messages_of_a_chat_and_some_of_the_callbacks() -> None:
    pipeline = base().then(print, repr).map(print)
    chat = rg.Chat("other", "answer")
    assert [m.content for m in pipeline.clone(chat=chat).messages] == ["other", "answer"]
    assert pipeline.clone(chat=chat).then_callbacks == pipeline.then_callbacks
    chosen = pipeline.clone(callbacks=[repr])
    assert ([one for one, _ in chosen.then_callbacks], chosen.map_callbacks) == ([repr], ())
    none = pipeline.clone(callbacks=False)
    assert (none.then_callbacks, none.map_callbacks) == ((), ())


@pytest.mark.parametrize("method", ["then", "map"])
def test_the_same_callback_twice_is_an_error_unless_allowed(method: str) -> None:
    pipeline = getattr(base(), method)(print)
    with pytest.raises(ValueError, match="allow_duplicates=True"):
        getattr(pipeline, method)(print)
    with pytest.raises(ValueError, match="allow_duplicates=True"):
        getattr(base(), method)(repr, repr)
    twice = getattr(pipeline, method)(print, allow_duplicates=True)
    assert len(getattr(twice, f"{method}_callbacks")) == 2


async def test_what_is_wrapped_around_a_pipeline_is_not_around_its_generator() -> None:
    pipeline = base()
    CALLS.clear()
    await pipeline.wrap(counted).run()
    await pipeline.run()
    assert CALLS == [1]


async def test_a_run_has_the_name_of_its_pipeline_unless_it_is_given_one() -> None:
    names: list[str] = []

    class Named(rg.Hooks):
        def around(self, detail: object) -> Any:
            if isinstance(detail, RunDetail):
                names.append(detail.name)
            return super().around(detail)  # type: ignore[arg-type]  # pyright: ignore

    pipeline = base().with_hooks(Named()).name("greeting")
    await pipeline.run()
    await pipeline.run(name="once")
    await pipeline.run_many(1, name="many")
    assert (names[:2], names[-1], pipeline.task_name) == (["greeting", "once"], "many", "greeting")


async def test_a_pipeline_is_called_to_run_it() -> None:
    assert (await base()()).last.content == "one"


async def test_a_check_of_the_text_refuses_until_it_is_content() -> None:
    chat = await rg.scripted("no", "yes").chat("hi").until(lambda text: text == "yes").run()
    assert chat.last.content == "yes"
