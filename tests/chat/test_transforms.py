"""Transforms rewrite what each call of a model is sent; cache marks tell the provider what to remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import rigging_py as rg
from rigging_py.caching import apply_cache_mode_to_messages
from rigging_py.transform import PostTransform, tools_to_json_with_tag_transform
from tests.tools.calls import call

Sent = tuple[list[rg.Message], rg.GenerateParams, PostTransform | None]


async def shout(messages: list[rg.Message], params: rg.GenerateParams) -> Sent:
    for message in messages:
        message.content = message.content.upper()
    return messages, params, None


async def answer_in_lower_case(messages: list[rg.Message], params: rg.GenerateParams) -> Sent:
    async def lower(chat: rg.Chat) -> rg.Chat:
        chat.last.content = chat.last.content.lower()
        return chat

    return messages, params.model_copy(update={"temperature": 0.1}), lower


async def test_a_transform_changes_what_is_sent_and_not_what_was_said() -> None:
    model = rg.scripted("Hello.")
    chat = await model.chat("hi").transform(shout).run()
    assert model.heard[0].text == "[user]: HI"
    assert [message.content for message in chat.all] == ["hi", "Hello."]


async def test_what_a_transform_answers_with_reads_the_turn_before_the_run_takes_it() -> None:
    model = rg.scripted("<INT>3</INT>")
    chat = await model.chat("hi").transform(answer_in_lower_case).until_parsed_as(int).run()
    assert chat.output == 3
    assert model.heard[0].params.temperature == 0.1


async def test_every_call_of_a_run_is_transformed_once_however_often_the_pipeline_is_used() -> (
    None
):  # surface 3.2 no. 30
    counts: list[int] = []

    async def count(messages: list[rg.Message], params: rg.GenerateParams) -> Sent:
        counts.append(len(messages))
        return [*messages, rg.Message("user", "more")], params, None

    pipeline = rg.scripted("no", "<int>1</int>", "<int>2</int>").chat("hi").transform(count).until_parsed_as(int)
    await pipeline.run()
    await pipeline.run()
    assert counts == [1, 3, 1]


async def test_transforms_are_undone_the_other_way_round() -> None:
    order: list[str] = []

    def named(name: str) -> object:
        async def transform(messages: list[rg.Message], params: rg.GenerateParams) -> Sent:
            order.append(name)

            async def post(chat: rg.Chat) -> rg.Chat:
                order.append(f"{name} undone")
                return chat

            return messages, params, post

        return transform

    await rg.scripted("a").chat("hi").transform(named("first"), named("second")).run()  # type: ignore[arg-type]  # pyright: ignore
    assert order == ["first", "second", "second undone", "first undone"]


async def test_a_transform_that_raises_ends_the_driving_and_the_run_can_go_on() -> None:
    async def broken(messages: list[rg.Message], params: rg.GenerateParams) -> Sent:
        raise OSError("no disk")

    model = rg.scripted("fine")
    with pytest.raises(OSError, match="no disk") as raised:
        await model.chat("hi").transform(broken).run()
    chat = await model.chat("hi").resume(raised.value.run)  # type: ignore[attr-defined]  # pyright: ignore
    assert chat.last.content == "fine"


async def test_who_reads_the_stream_hears_the_turn_as_it_was_read() -> None:
    model = rg.scripted("LOUD")
    async with model.chat("hi").transform(answer_in_lower_case).stream() as stream:
        text = [text async for text in stream.texts()]
    assert text[-1] == "loud"


def test_the_same_transform_twice_is_an_error_unless_allowed() -> None:
    pipeline = rg.scripted().chat("hi").transform(shout)
    with pytest.raises(ValueError, match="allow_duplicates"):
        pipeline.transform(shout)
    assert len(pipeline.transform(shout, allow_duplicates=True).transforms) == 2


def test_a_fork_keeps_transforms() -> None:
    assert rg.scripted().chat("hi").transform(shout).only_messages().transforms == (shout,)


async def test_a_chat_is_transformed_as_a_whole_and_the_original_stays() -> None:  # surface 3.2 no. 18
    chat = await rg.scripted("Hello.").chat("hi").run()
    other = await chat.transform(shout)
    assert [message.content for message in other.all] == ["HI", "HELLO."]
    assert [message.content for message in other.generated] == ["HELLO."]
    assert [message.content for message in chat.all] == ["hi", "Hello."]


def marks(messages: Sequence[rg.Message]) -> list[bool]:
    return [bool(part.cache_control) for message in messages for part in message.content_parts]


async def test_the_last_two_messages_that_the_model_did_not_write_are_marked() -> None:
    def look() -> str:
        return "seen"

    model = rg.scripted(call("look"), "Done.")
    said = [rg.Message("system", "Be brief.", cache_control="ephemeral"), rg.Message("user", "Look.")]
    chat = await model.chat(said).using(look).cache().run()
    assert [marks(heard.messages) for heard in model.heard] == [[True, True], [False, True, True]]
    assert marks(chat.all) == [True, False, False, False]


async def test_without_a_mode_messages_keep_their_own_marks() -> None:
    model = rg.scripted("Done.")
    await model.chat([rg.Message("user", "hi", cache_control="ephemeral")]).cache().cache(False).run()
    assert marks(model.heard[0].messages) == [True]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'latest'"):
        rg.scripted().chat("hi").cache("oldest")  # type: ignore[arg-type]  # pyright: ignore
    with pytest.raises(ValueError, match="'latest'"):
        apply_cache_mode_to_messages("oldest", [])  # type: ignore[arg-type]  # pyright: ignore


def test_marks_are_put_on_copies() -> None:
    message = rg.Message("user", "hi")
    [[marked]] = apply_cache_mode_to_messages("latest", [[message]])
    assert (marks([message]), marks([marked])) == ([False], [True])


async def test_tools_can_be_told_of_by_a_transform_too() -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    model = rg.scripted('<tool-call>{"name": "add", "arguments": {"a": 2, "b": 3}}</tool-call>', "Five.")
    pipeline = model.chat("What is 2 + 3?").using(add).transform(tools_to_json_with_tag_transform)
    chat = await pipeline.run()
    assert [message.role for message in chat.all] == ["user", "assistant", "tool", "assistant"]
    assert [message.role for message in model.heard[-1].messages] == ["system", "user", "assistant", "user"]
    assert model.heard[0].params.tools is None


async def test_a_transform_need_not_be_async() -> None:
    model = rg.scripted("ok")

    def plain(messages: list[rg.Message], params: rg.GenerateParams) -> Any:
        return messages[1:], params, None

    await model.chat(["dropped", "kept"]).transform(plain).run()
    assert [message.content for message in model.heard[0].messages] == ["kept"]


async def test_a_transform_that_gives_something_else_is_told_what_to_give() -> None:
    async def forgetful(messages: Any, params: Any) -> Any:
        return messages

    with pytest.raises(TypeError, match=r"forgetful gives the messages, the parameters.*gave a list"):
        await rg.scripted("ok").chat("hi").transform(forgetful).run()
