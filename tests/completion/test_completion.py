"""Completions: a text waiting to be continued, and the continued text."""

from __future__ import annotations

from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import CompletionExhaustedMaxRoundsError, PipelineWarning


async def test_a_text_is_continued() -> None:
    model = rg.scripted(rg.ModelTurn.from_text(" upon a time", usage=rg.Usage(total_tokens=4)))
    completion = await rg.complete(model, "Once").run()
    assert (completion.text, completion.generated, completion.all) == ("Once", " upon a time", "Once upon a time")
    assert len(completion) == 12
    assert completion.stop_reason == "stop"
    assert completion.usage == rg.Usage(total_tokens=4)
    assert completion.generator is model
    assert [heard.messages[0].content for heard in model.heard] == ["Once"]


async def test_a_connection_string_or_a_generator_continues_alike() -> None:
    model = rg.scripted("a", "b")
    assert (await rg.complete(model.to_identifier(), "x").run()).generated == "a"
    assert (await model.complete("x").run()).generated == "b"


async def test_refinements_are_new_pipelines() -> None:
    pipeline = rg.scripted("!").complete("a")
    refined = pipeline.add("b").fork("c").with_(temperature=0.5).with_(seed=1).meta(x=1).meta(y=2)
    assert (refined.text, dict(refined.metadata)) == ("abc", {"x": 1, "y": 2})
    assert refined.params == rg.GenerateParams(temperature=0.5, seed=1)
    assert (pipeline.text, pipeline.params, dict(pipeline.metadata)) == ("a", None, {})
    assert (await refined.run()).metadata == {"x": 1, "y": 2}


async def test_a_completion_goes_on_from_its_end_or_from_its_beginning() -> None:
    completion = await rg.scripted("b").complete("a").with_(seed=1).run()
    assert completion.continue_("c").text == "abc"
    assert completion.fork("c").text == "ac"
    assert completion.continue_().params == rg.GenerateParams(seed=1)


async def test_many_and_batches_keep_their_order() -> None:
    model = rg.scripted("1", "2", "3", "4")
    assert [one.generated for one in await model.complete("x").run_many(2)] == ["1", "2"]
    batch = await model.complete("x").run_batch(["a", "b"])
    assert [one.all for one in batch] == ["xa3", "xb4"]


async def test_what_the_generator_raises_or_returns_is_raised() -> None:
    with pytest.raises(OSError, match="down"):
        await rg.scripted(OSError("down")).complete("x").run()


async def test_a_generator_that_only_chats_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"FunctionGenerator does not continue texts"):
        await rg.FunctionGenerator(lambda messages, params: "hi").complete("x").run()


async def test_watchers_of_the_generator_see_completions() -> None:
    seen: list[Any] = []

    async def watch(finished: list[Any]) -> None:
        seen.extend(finished)
        raise OSError("disk full")

    with pytest.warns(PipelineWarning, match="disk full"):
        completion = await rg.scripted("b").watch(watch).complete("a").run()
    assert seen == [completion]


async def test_a_continuation_is_written_anew_until_every_check_is_content() -> None:  # surface 3.2 no. 42
    model = rg.scripted("too long a text", "xx", "yx")
    pipeline = model.complete("a").until(lambda text: len(text) > 5).until(lambda text: text.startswith("x"))
    completion = await pipeline.run()
    assert completion.generated == "yx"
    assert {heard.text for heard in model.heard} == {"[user]: a"}


async def test_a_check_may_look_at_all_of_the_text() -> None:
    model = rg.scripted("c", "b")
    completion = await model.complete("a").until(lambda text: text != "ab", use_all_text=True).run()
    assert completion.all == "ab"


async def test_a_continuation_is_written_anew_until_it_can_be_read() -> None:
    completion = await rg.scripted("no", "<int>4</int>").complete("a").until_parsed_as(int).run()
    assert (completion.output, completion.generated) == (4, "<int>4</int>")
    whole = rg.scripted("4</int>").complete("<int>").until_parsed_as(int, use_all_text=True)
    assert (await whole.run()).output == 4


async def test_spent_rounds_are_an_error_with_the_last_completion() -> None:
    pipeline = rg.scripted("1", "2", "3", "4").complete("a").until(lambda _: True, max_rounds=2)
    with pytest.raises(CompletionExhaustedMaxRoundsError) as raised:
        await pipeline.until(lambda _: True, max_rounds=4).run()
    assert raised.value.max_rounds == 2
    assert raised.value.completion is not None
    assert raised.value.completion.all == "a3"


async def test_a_failed_completion_is_included_with_its_error_where_the_mode_says_so() -> None:
    pipeline = rg.scripted("1").complete("a").until(lambda _: True, max_rounds=0)
    completion = await pipeline.run(on_failed="include")
    assert completion.failed
    assert isinstance(completion.error, CompletionExhaustedMaxRoundsError)


async def test_the_failure_of_one_costs_no_other_and_the_pipeline_says_what_becomes_of_it() -> None:
    pipeline = rg.scripted(OSError("down"), "b").complete("a").catch(OSError, on_failed="skip")
    assert [one.generated for one in await pipeline.run_batch(["1", "2"])] == ["b"]
    again = rg.scripted(OSError("down"), "b").complete("a").catch(OSError, on_failed="include").clone()
    assert [one.failed for one in await again.run_many(2)] == [True, False]


async def test_a_completion_is_continued_by_several_generators_and_the_own_last() -> None:
    own, one, two = (rg.scripted(name) for name in ("own", "one", "two"))
    made = await own.complete("a").run_over(one, two.to_identifier())
    assert [one.generated for one in made] == ["one", "two", "own"]


async def test_each_text_of_a_batch_has_parameters_of_its_own() -> None:
    model = rg.scripted("1", "2")
    hot, cold = rg.GenerateParams(temperature=1), rg.GenerateParams(temperature=0)
    await model.complete("a").with_(seed=1).run_batch(["b"], [hot, cold])
    assert [(heard.params.temperature, heard.params.seed) for heard in model.heard] == [(1, 1), (0, 1)]


async def test_callbacks_get_what_is_finished_and_may_change_it() -> None:
    async def loud(completion: rg.Completion) -> rg.Completion:
        return completion.meta(loud=True)

    def backwards(completions: list[rg.Completion]) -> list[rg.Completion]:
        return completions[::-1]

    made = await rg.scripted("1", "2").complete("a").then(loud, lambda _: None).map(backwards).run_many(2)
    assert [(one.generated, one.metadata) for one in made] == [("2", {"loud": True}), ("1", {"loud": True})]
    with pytest.raises(TypeError, match="must return a list"):
        await rg.scripted("1").complete("a").map(lambda _: None).run()


async def test_a_completion_starts_again_with_what_was_generated() -> None:
    completion = rg.Completion("foo", "bar", rg.scripted("!"))
    assert (completion.restart().text, len(completion.restart())) == ("bar", 3)
    assert completion.restart(include_all=True).text == "foobar"
    assert completion.clone().uuid != completion.uuid
    assert (completion.meta(a=1).metadata, completion.metadata) == ({"a": 1}, {})


async def test_a_stored_completion_builds_no_generator() -> None:
    model = rg.scripted("b")
    completion = await model.complete("a").with_(seed=2).run()
    stored = rg.Completion.model_validate_json(completion.model_dump_json())
    assert (stored.all, stored.uuid, stored.generator) == ("ab", completion.uuid, None)
    assert stored.generator_id == completion.generator_id == model.to_identifier(rg.GenerateParams(seed=2))
    with pytest.raises(ValueError, match="restart"):
        stored.continue_()
    assert stored.restart(generator=model).text == "b"


def test_a_text_takes_values_for_its_names() -> None:
    assert rg.scripted().complete("Dear $name, $5").apply(name="Ada").text == "Dear Ada, $5"


def test_a_clone_keeps_everything_or_the_text_alone() -> None:
    pipeline = rg.scripted().complete("a").meta(x=1).until(bool).catch(OSError, on_failed="include")
    assert pipeline.clone() == pipeline
    bare = pipeline.clone(only_text=True)
    assert (bare.text, bare.metadata, bare.wanted, bare.on_failed) == ("a", {}, (), "raise")


def test_the_same_watcher_twice_is_an_error_unless_allowed() -> None:
    async def watch(finished: list[Any]) -> None: ...

    pipeline = rg.scripted().complete("a")
    with pytest.raises(ValueError, match="allow_duplicates"):
        pipeline.watch(watch).watch(watch)
    with pytest.raises(ValueError, match="allow_duplicates"):
        pipeline.watch(watch, watch)


async def test_a_watcher_that_is_meant_twice_is_called_twice_and_one_of_the_generator_once() -> None:
    seen: list[str] = []

    async def own(finished: list[Any]) -> None:
        seen.append("own")

    async def of_the_generator(finished: list[Any]) -> None:
        seen.append("of the generator")

    model = rg.scripted("a", "b").watch(of_the_generator)
    await model.complete("a").watch(own).watch(own, allow_duplicates=True).run_many(2)
    assert seen == ["of the generator", "own", "own"]


async def test_what_is_wrapped_around_a_completion_is_not_around_its_generator() -> None:
    calls: list[int] = []

    def counted(func: Any) -> Any:
        async def call(*args: Any, **options: Any) -> Any:
            calls.append(1)
            return await func(*args, **options)

        return call

    pipeline = rg.scripted("a", "b").complete("x")
    await pipeline.wrap(counted).run()
    await pipeline()
    assert calls == [1]


async def test_one_completion_cannot_be_skipped() -> None:
    with pytest.raises(ValueError, match="run_many"):
        await rg.scripted("a").complete("x").catch(on_failed="skip").run()


async def test_a_loaded_completion_has_no_error_and_no_parameters() -> None:
    failed = await rg.scripted("1").complete("a").until(lambda _: True, max_rounds=0).run(on_failed="include")
    stored = rg.Completion.model_validate_json(failed.model_dump_json())
    assert (stored.failed, stored.error, stored.params) == (True, None, None)


async def test_what_a_callback_raises_carries_what_was_written() -> None:
    def broken(completion: rg.Completion) -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk") as raised:
        await rg.scripted("b").complete("a").then(broken).run()
    assert [one.all for one in raised.value.completions] == ["ab"]  # type: ignore[attr-defined]  # pyright: ignore


def test_code_that_cannot_await_can_run_it_too() -> None:
    assert rg.scripted("b").complete("a").run_sync().all == "ab"
