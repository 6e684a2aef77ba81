"""What a chat can be made of, what it can become, and how the values in its messages are found."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch

import rigging_py as rg
from rigging_py.data import df_to_chats, elastic_to_chats
from tests.elastic_stub import elastic_stub

SAID: list[Any] = [
    "hi",
    {"role": "user", "content": "hi"},
    rg.Message("user", "hi"),
    ["hi"],
    [{"role": "user", "content": "hi"}],
    (rg.Message("user", "hi"),),
]


class Fact(rg.Model):
    text: str


async def answered(*answers: str) -> rg.Chat:
    return await rg.scripted(*answers).chat("hi").run()


@pytest.mark.parametrize("said", SAID)
def test_a_chat_is_made_of_whatever_can_be_messages(said: Any) -> None:
    model = rg.scripted()
    chat = rg.Chat(said, rg.Message("assistant", "Hello."), model, params=rg.GenerateParams(seed=1), metadata={"a": 1})
    assert chat.conversation == "[user]: hi\n\n[assistant]: Hello."
    assert chat.generator is model
    assert chat.restart().params == rg.GenerateParams(seed=1)
    assert chat.metadata == {"a": 1}
    assert rg.Chat(messages=said).conversation == "[user]: hi"


async def test_a_chat_that_is_made_with_its_pipeline_starts_again_as_that() -> None:
    pipeline = rg.scripted("Hello.").chat("hi").meta(a=1).until_parsed_as(str)
    restarted = rg.Chat(pipeline.messages, None, pipeline.generator, pipeline).restart()
    assert (dict(restarted.metadata), restarted.output) == ({"a": 1}, pipeline.output)


def test_a_chat_may_name_a_generator_that_nobody_knows() -> None:  # surface 3.2 no. 20
    chat = rg.Chat("hi", generator_id="nobody!x")
    assert (chat.generator_id, chat.generator) == ("nobody!x", None)
    with pytest.raises(ValueError, match="generator='nobody!x'"):
        chat.continue_("And?")


async def test_slices_of_all_messages_are_found_answers_included() -> None:  # surface 3.2 no. 17
    chat = await answered("<fact>Foxes are red.</fact>")
    chat.messages[0].mark_slice("hi", metadata={"a": 1})
    chat.last.parse(Fact)
    assert [one.content for one in chat.message_slices()] == ["hi", "<fact>Foxes are red.</fact>"]
    assert [one.type for one in chat.message_slices(reverse=True)] == ["model", "other"]
    assert [one.obj for one in chat.message_slices("model")] == [Fact(text="Foxes are red.")]
    assert [one.type for one in chat.message_slices(filter_fn=lambda one: "a" in one.metadata)] == ["other"]


async def test_what_an_answer_has_of_the_types_that_were_asked_for_is_marked_in_it() -> None:
    model = rg.scripted("nothing", "Well: <fact>Foxes are red.</fact>")
    chat = await model.chat("hi").until_parsed_as(Fact).run()
    assert chat.last.models == [chat.output] == [Fact(text="Foxes are red.")]
    assert chat.last.content == "Well: <fact>Foxes are red.</fact>"
    assert [one.content for one in chat.message_slices("model")] == ["<fact>Foxes are red.</fact>"]
    stored = rg.Chat.model_validate_json(chat.model_dump_json())
    assert len(stored.message_slices("model")) == 1
    assert stored.last.parse(Fact) == chat.output


async def test_system_content_is_added_to_the_chat_itself() -> None:
    chat = await answered("Hello.")
    assert chat.inject_system_content("Be brief.").inject_system_content("Be kind.") is chat
    assert [message.content for message in chat.all] == ["Be brief.\n\nBe kind.", "hi", "Hello."]


async def test_one_chat_and_several_become_rows_and_chats_again() -> None:  # surface 3.2 no. 19
    chats = rg.ChatList([await answered("a"), await answered("b")])
    assert len(chats[0].to_df()) == 2
    assert [chat.conversation for chat in df_to_chats(chats.to_df())] == [chat.conversation for chat in chats]
    assert [chat.uuid for chat in df_to_chats(chats[1].to_df())] == [chats[1].uuid]


async def test_one_chat_and_several_are_stored_for_searching() -> None:
    chats = rg.ChatList([await answered("a"), await answered("b")])
    with elastic_stub() as server:
        async with AsyncElasticsearch(server.url) as client:
            assert await chats[0].to_elastic("one", client) == 1
            assert await chats.to_elastic("all", client, op_type="create", refresh=True) == 2
            found = await elastic_to_chats({"match_all": {}}, "all", client)
    assert {chat.uuid for chat in found} == {chat.uuid for chat in chats}


class Words:
    """A token for each word."""

    async def tokenize_chat(self, chat: rg.Chat) -> list[str]:
        return chat.conversation.split()


async def test_one_chat_and_several_become_tokens_transformed_where_that_is_asked_for() -> None:
    async def shout(messages: list[rg.Message], params: rg.GenerateParams) -> Any:
        return [rg.Message(one.role, one.content.upper()) for one in messages], params, None

    chat, words = await answered("Hello."), Words()
    tokens: Any = await chat.to_tokens(words, shout)  # type: ignore[arg-type]  # pyright: ignore
    assert tokens == ["[user]:", "HI", "[assistant]:", "HELLO."]
    assert await rg.ChatList([chat, chat]).to_tokens(words) == [["[user]:", "hi", "[assistant]:", "Hello."]] * 2  # type: ignore[arg-type, comparison-overlap]  # pyright: ignore
    assert chat.last.content == "Hello."


async def test_a_chat_is_transformed_by_the_name_of_a_transform_too() -> None:
    def look() -> str:
        """Look around."""
        return "seen"

    chat = await rg.scripted("Hello.").chat("hi").using(look).run()
    told = await chat.transform("json-with-tag")
    assert told.uuid != chat.uuid
    assert told.next[0].content == "Hello."
    with pytest.raises(ValueError, match="json-with-tag"):
        await chat.transform("morse")
