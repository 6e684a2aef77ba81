"""Completions: a text waiting to be continued, and the continued text."""

from __future__ import annotations

from typing import Any

import pytest

import rigging_py as rg
from rigging_py.error import PipelineWarning


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
