"""A chat is a value: it can be read, stored, forked, continued, and edited by its owner alone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

import rigging_py as rg
from rigging_py.generator import registered
from tests.tools.calls import call


def add_numbers(x: int, y: int) -> int:
    return x + y


def usage(read: int, written: int) -> rg.Usage:
    return rg.Usage(input_tokens=read, output_tokens=written, total_tokens=read + written)


async def with_a_tool() -> rg.Chat:
    model = rg.scripted(call("add_numbers", {"x": 1337, "y": 42}), "1337 + 42 equals 1379.")
    return await model.chat("What is 1337 + 42?").using(add_numbers).run()


async def test_a_conversation_is_printed_with_tool_calls_as_lines_of_their_own() -> None:
    assert (await with_a_tool()).conversation == (
        "[user]: What is 1337 + 42?\n"
        "\n"
        "[assistant]: \n"
        ' |- add_numbers({"x": 1337, "y": 42})\n'
        "\n"
        "[tool]: 1379\n"
        "\n"
        "[assistant]: 1337 + 42 equals 1379."
    )


async def test_the_last_answer_is_what_was_generated_and_all_before_it_led_to_it() -> None:
    chat = await with_a_tool()
    assert [m.role for m in chat.prev] == ["user", "assistant", "tool"]
    assert [m.role for m in chat.next] == ["assistant"]
    assert chat.all == [*chat.messages, *chat.generated]
    assert chat.last is chat.generated[-1]
    assert len(chat) == 4
    assert chat.stop_reason == "stop"


async def test_usage_is_summed_over_the_run() -> None:
    turn = rg.ModelTurn
    model = rg.scripted(
        turn.of(tool_calls=[call("add_numbers", {"x": 1, "y": 2})], usage=usage(10, 1)),
        turn.from_text("no number", usage=usage(20, 2)),
        turn.from_text("<int>3</int>", usage=usage(30, 3)),
    )
    chat = await model.chat("1 + 2?").using(add_numbers).until_parsed_as(int).run()
    assert chat.usage == usage(60, 6)


async def test_a_failed_run_keeps_the_usage_of_its_calls() -> None:
    model = rg.scripted(rg.ModelTurn.from_text("no", usage=usage(5, 1)), RuntimeError("gone"))
    chat = await model.chat("hi").until_parsed_as(int).catch(RuntimeError, on_failed="include").run()
    assert chat.failed
    assert chat.usage == usage(5, 1)


async def test_a_fork_goes_on_from_before_the_answer_and_continue_from_after_it() -> None:
    model = rg.scripted("fine", "specific", "a joke")
    chat = await model.chat("How are you?").with_(temperature=0.5).run()
    await chat.fork("Be specific.").run()
    await chat.continue_("Tell me a joke.").run()
    assert [m.content for m in model.heard[1].messages] == ["How are you?", "Be specific."]
    assert [m.content for m in model.heard[2].messages] == ["How are you?", "fine", "Tell me a joke."]
    assert model.heard[2].params.temperature == 0.5


async def test_forks_leave_callbacks_and_checks_behind_and_restarts_keep_them() -> None:
    seen: list[str] = []
    model = rg.scripted("<int>1</int>", "words", "words", "<int>2</int>")
    pipeline = model.chat("hi").until_parsed_as(int).then(lambda chat: seen.append(chat.last.content))
    chat = await pipeline.run()
    assert (await chat.fork().run()).last.content == "words"
    assert seen == ["<int>1</int>"]
    assert (await chat.restart().run()).output == 2
    assert seen == ["<int>1</int>", "<int>2</int>"]


async def test_a_restart_begins_where_the_chat_began_or_where_it_ended() -> None:
    model = rg.scripted("a", "b", "c")
    chat = await model.chat("hi").run()
    await chat.restart().run()
    await chat.restart(include_all=True).run()
    assert [len(heard.messages) for heard in model.heard] == [1, 1, 2]


async def test_a_restart_with_another_generator_asks_that_one() -> None:
    other = rg.scripted("other", "again")
    chat = await rg.scripted("mine").chat("hi").run()
    assert (await chat.restart(generator=other).run()).last.content == "other"
    assert (await chat.restart(generator=other.to_identifier()).run()).last.content == "again"


async def test_editing_one_chat_changes_no_other_and_no_pipeline() -> None:
    pipeline = rg.scripted("one", "two").chat(rg.Message("user", "hi", metadata={"tags": ["a"]}))
    first = await pipeline.run()
    second = first.clone()
    third = await first.continue_("more").run()
    first.messages[0].content = "edited"
    first.messages[0].metadata["tags"].append("b")
    first.last.content = "edited"
    first.meta(a=1)
    first.extra["x"] = 1
    for chat in (second, third):
        assert [m.content for m in chat.all][:2] == ["hi", "one"]
        assert chat.messages[0].metadata == {"tags": ["a"]}
        assert chat.metadata == {}
    assert second.extra == {}
    assert pipeline.messages[0].content == "hi"
    assert pipeline.messages[0].metadata == {"tags": ["a"]}


async def test_editing_a_chat_leaves_the_run_it_came_from_as_it_was() -> None:
    pipeline = rg.scripted("no", "<int>3</int>").chat("hi").until_parsed_as(int)
    async with pipeline.step() as steps:
        async for step in steps:
            step.chats[0].messages[0].content = "edited"
            assert step.runs[0].messages[0].content == "hi"


async def test_apply_on_a_chat_fills_in_its_own_messages() -> None:
    chat = await rg.scripted("Dear $name").chat("Greet $name").run()
    assert chat.clone().apply(name="Ada").conversation == "[user]: Greet $name\n\n[assistant]: Dear Ada"
    assert chat.clone().apply_to_all(name="Ada").conversation == "[user]: Greet Ada\n\n[assistant]: Dear Ada"
    assert chat.last.content == "Dear $name"


async def test_a_clone_has_a_uuid_of_its_own_and_may_hold_messages_only() -> None:
    chat = (await with_a_tool()).meta(a=1)
    assert chat.clone().uuid != chat.uuid
    assert chat.clone().metadata == {"a": 1}
    bare = chat.clone(only_messages=True)
    assert (bare.metadata, bare.generator, bare.usage) == ({}, None, None)
    assert bare.conversation == chat.conversation


async def test_a_chat_comes_back_from_json_as_it_was() -> None:
    model = rg.scripted(
        rg.ModelTurn.of(tool_calls=[call("add_numbers", {"x": 1, "y": 2})], usage=usage(1, 2)), "<int>3</int>"
    )
    chat = await model.chat("1 + 2?").using(add_numbers).with_(temperature=0.5).meta(topic="sums").run()
    loaded = rg.Chat.model_validate_json(chat.model_dump_json())
    assert loaded.model_dump(mode="json") == chat.model_dump(mode="json")
    assert loaded.all == chat.all
    assert loaded.usage == usage(1, 2)
    assert loaded.params == chat.params
    assert loaded.generator_id == chat.generator_id
    assert loaded.last.parse(int) == 3


async def test_a_stored_time_without_a_zone_is_local_so_that_chats_can_be_sorted() -> None:
    old = rg.Chat.model_validate({"messages": [], "timestamp": "2024-05-01T12:00:00.5"})
    new = await rg.scripted("hi").chat("hello").run()
    assert old.timestamp == datetime(2024, 5, 1, 12, 0, 0, 500_000).astimezone()
    assert sorted([new, old], key=lambda chat: chat.timestamp) == [old, new]
    text = rg.Completion.model_validate({"text": "a", "generated": "b", "timestamp": "2024-05-01T12:00:00.5"})
    assert text.timestamp == old.timestamp


def test_a_stored_time_before_all_zones_is_refused() -> None:
    with pytest.raises(ValidationError, match="timestamp"):
        rg.Chat.model_validate({"messages": [], "timestamp": "0001-01-01T00:00:00"})


async def test_the_error_of_a_stored_chat_is_its_text() -> None:
    chat = await rg.scripted(RuntimeError("no power")).chat("hi").catch(RuntimeError).run(on_failed="include")
    loaded = rg.Chat.model_validate_json(chat.model_dump_json())
    again = rg.Chat.model_validate_json(loaded.model_dump_json())
    assert loaded.failed
    assert str(loaded.error) == str(again.error) == "RuntimeError: no power"
    assert again.conversation.endswith("[error]: RuntimeError: no power")


async def test_loading_a_chat_builds_no_generator() -> None:  # surface 3.2 no. 20
    def never() -> type[rg.Generator]:
        raise AssertionError("the generator was built")

    chat = await rg.scripted("hi").chat("hello").run()
    data = json.loads(chat.model_dump_json())
    with registered("remote", never):
        loaded = rg.Chat.model_validate({**data, "generator_id": "remote!m", "generator": {"model": "m"}})
        assert loaded.generator is None
        assert loaded.generator_id == "remote!m"
        with pytest.raises(ValueError, match=r"restart\(generator='remote!m', include_all=True\)"):
            loaded.restart()
    model = rg.scripted("again")
    assert (await loaded.restart(generator=model).run()).last.content == "again"


async def test_a_stored_chat_brings_no_address_to_send_a_key_to() -> None:
    extra = {"api_base": "http://evil/v1", "base_url": "x", "endpoint": "https://evil", "effort": "low"}
    chat = await rg.scripted("hi").chat("hello").with_(api_base="http://evil", seed=1, extra=extra).run()
    loaded = rg.Chat.model_validate_json(chat.model_dump_json())
    assert loaded.params == rg.GenerateParams(seed=1)


async def test_a_chat_of_an_unregistered_generator_can_be_printed_and_stored() -> None:
    class Mine(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn | BaseException]:
            return [rg.ModelTurn.from_text("hi") for _ in messages]

    chat = await Mine(model="m").chat("hello").run()
    assert chat.generator_id is None
    assert "hi" in repr(chat)
    assert rg.Chat.model_validate_json(chat.model_dump_json()).last.content == "hi"


async def test_no_key_is_stored_with_a_chat() -> None:
    class Keyed(rg.Generator):
        async def generate_messages(self, messages: Any, params: Any) -> list[rg.ModelTurn | BaseException]:
            return [rg.ModelTurn.from_text("hi") for _ in messages]

    with registered("keyed", lambda: Keyed):
        chat = await rg.chat("keyed!m,api_key=sk-secret-1234", "hello").run()
        assert chat.generator_id == "keyed!m"
        for text in (chat.model_dump_json(), repr(chat), str(chat)):
            assert "sk-secret" not in text


async def test_a_list_of_chats_converts_as_a_whole() -> None:
    chats = await rg.scripted("a", "b").chat("hi").run_many(2)
    assert isinstance(chats, rg.ChatList)
    assert [len(one) for one in chats.to_openai()] == [2, 2]
    assert [rg.Chat.model_validate(one).last.content for one in json.loads(json.dumps(chats.to_json()))] == ["a", "b"]
    assert chats[0].message_dicts == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}]


def test_later_messages_win_in_the_metadata_of_all() -> None:
    said = [rg.Message("user", "a").meta(x=1, y=1), rg.Message("user", "b").meta(y=2)]
    assert rg.Chat(messages=said).message_metadata == {"x": 1, "y": 2}


def test_the_last_message_of_an_empty_chat_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        _ = rg.Chat(messages=[]).last
