"""A chat as tokens: each slice is the tokens of its own text, whatever the texts are, and nothing else is touched."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.error import TokenizerWarning
from rigging_py.tokenizer import TokenSlice
from tests.tokenizer.made import CHATML, Plain, chat, fast, made, messages_of, shown, slow


class Answer(rg.Model):
    text: str


TOKENIZERS = {"offsets": made(), "decoding": Plain(model="plain"), "slow": slow()}
KINDS = pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)


@KINDS
async def test_each_message_is_a_slice_of_its_own_tokens(tokenizer: rg.Tokenizer) -> None:
    talk = chat("hello there", "how are you?").meta(topic="greetings")
    done = await tokenizer.tokenize_chat(talk)
    assert done.text == tokenizer.format_chat(talk)
    assert tokenizer.decode(done.tokens) == done.text
    assert messages_of(tokenizer, done) == ["hello there", "how are you?"]
    assert [one.metadata for one in done.slices] == [{"role": "user"}, {"role": "assistant"}]
    assert [one.obj for one in done.slices] == talk.all
    assert done.obj is talk
    assert done.metadata == {"topic": "greetings"}


@KINDS
async def test_equal_messages_are_each_at_their_own_place(tokenizer: rg.Tokenizer) -> None:
    done = await tokenizer.tokenize_chat(chat("again", "again", "again"))
    assert messages_of(tokenizer, done) == ["again"] * 3
    assert len({one.start for one in done.slices}) == 3


@KINDS
async def test_a_message_that_says_what_the_template_says_is_not_mistaken_for_it(tokenizer: rg.Tokenizer) -> None:
    done = await tokenizer.tokenize_chat(chat("user", "s", "<|im_end|>\n<|im_start|>assistant\ns"))
    assert messages_of(tokenizer, done) == ["user", "s", "<|im_end|>\n<|im_start|>assistant\ns"]
    assert tokenizer.decode(done.tokens[: done.slices[0].start]) == "<|im_start|>user\n"


@KINDS
async def test_white_space_that_a_template_takes_away_does_not_matter(tokenizer: rg.Tokenizer) -> None:
    done = await tokenizer.tokenize_chat(chat(rg.Message("assistant", "\n\n  hello \n there\t\n")))
    assert messages_of(tokenizer, done) == ["hello \n there"]


@KINDS
async def test_a_character_of_several_tokens_is_whole(tokenizer: rg.Tokenizer) -> None:
    done = await tokenizer.tokenize_chat(chat("日本", "𝄞", "\ufffd\ufffd é"))
    assert messages_of(tokenizer, done)[:2] == ["日本", "𝄞"]
    assert "\ufffd\ufffd é" in messages_of(tokenizer, done)[2]


@KINDS
async def test_the_slices_of_a_message_come_after_it_with_what_they_stand_for(tokenizer: rg.Tokenizer) -> None:
    said = rg.Message("assistant", "well, <answer>hello</answer> there hello")
    answer = said.parse(Answer)
    said.mark_slice(" there", "other", metadata={"why": "it is there"})
    done = await tokenizer.tokenize_chat(chat("hello", said))
    assert [(kind, text.strip()) for kind, text in shown(tokenizer, done)[1:]] == [
        ("message", said.content),
        ("model", "<answer>hello</answer>"),
        ("other", "there"),
    ]
    assert done.slices[2].obj is answer
    assert done.slices[3].metadata == {"why": "it is there"}


async def test_the_chat_is_left_as_it_is() -> None:
    said = rg.Message("assistant", "<answer>hello</answer>", metadata={"n": 1})
    said.parse(Answer)
    talk = chat("hello", said)
    before = talk.model_dump_json()
    done = await made().tokenize_chat(talk)
    (done.slices[1].metadata or {})["n"] = 2
    assert talk.model_dump_json() == before
    assert [one.message for one in said.slices] == [said]


async def test_messages_in_another_order_are_found() -> None:
    last_first = "{% for m in messages | reverse %}[{{ m.content }}]{% endfor %}"
    tokenizer = made(last_first)
    done = await tokenizer.tokenize_chat(chat("a", "b", "a c"))
    assert done.text == "[a c][b][a]"
    assert messages_of(tokenizer, done) == ["a", "b", "a c"]


@pytest.mark.parametrize(
    "change", ["m.content | upper", "m.content | replace('he', 'sh')", "'' if loop.first else m.content"]
)
async def test_a_text_that_the_template_changes_has_no_slice_and_a_warning(change: str) -> None:
    tokenizer = made("{% for m in messages %}[{{ " + change + " if m.role == 'user' else m.content }}]{% endfor %}")
    with pytest.warns(TokenizerWarning, match="The text of message 0, of the user, is not to be found") as told:
        done = await tokenizer.tokenize_chat(chat("he said", "he"))
    assert messages_of(tokenizer, done) == ["he"]
    assert [one.filename for one in told] == [__file__]


async def test_a_thought_that_the_template_drops_has_no_slice_and_what_is_kept_has_one() -> None:
    tokenizer = made("{% for m in messages %}[{{ m.content.split('</think>')[-1] }}]{% endfor %}")
    said = rg.Message("assistant", "<think>x</think><answer>hello</answer>")
    said.parse(Answer)
    with pytest.warns(TokenizerWarning, match="message 1"):
        done = await tokenizer.tokenize_chat(chat("hello", said))
    assert shown(tokenizer, done) == [("message", "hello"), ("model", "<answer>hello</answer>")]


async def test_a_template_that_looks_at_the_beginning_of_a_text_costs_no_other_its_place() -> None:
    peeks = "{% for m in messages %}[{{ '!' if m.content.startswith('h') }} {{ m.content }}]{% endfor %}"
    tokenizer = made(peeks)
    done = await tokenizer.tokenize_chat(chat("hello", "you", "hello", "user"))
    assert messages_of(tokenizer, done) == [" hello", " you", " hello", " user"]


async def test_tokens_that_were_cut_off_are_no_slice() -> None:
    tokenizer = rg.tokenizer.TransformersTokenizer.from_obj(fast(), encode_kwargs={"truncation": True, "max_length": 8})
    with pytest.warns(TokenizerWarning, match="message 1, of the assistant"):
        done = await tokenizer.tokenize_chat(chat("hello", "hello there, how are you?"))
    assert messages_of(tokenizer, done) == ["hello"]


async def test_tokens_without_white_space_and_unknown_words_have_their_places() -> None:
    tokenizer = made(kind="words")
    done = await tokenizer.tokenize_chat(chat("hello xyz", "xyz", "there"))
    assert messages_of(tokenizer, done) == ["hello [UNK]", "[UNK]", "there"]


async def test_a_decoder_that_loses_text_gives_a_warning_and_no_wrong_slice() -> None:
    class Lossy(Plain):
        def decode(self, tokens: list[int]) -> str:
            return super().decode(tokens).replace("you", "you all")

    tokenizer = Lossy(model="lossy")
    with pytest.warns(TokenizerWarning, match="message 1"):
        done = await tokenizer.tokenize_chat(chat("hello", "are you", "there"))
    assert messages_of(tokenizer, done) == ["hello", "there"]


@pytest.mark.parametrize("texts", [["", "hello"], [" \n", "hello"]])
async def test_a_message_without_text_has_no_slice(texts: list[str]) -> None:
    done = await made().tokenize_chat(chat(*texts))
    assert messages_of(made(), done) == ["hello"]


async def test_calls_and_tools_are_as_templates_read_them() -> None:
    call = rg.ToolCall.model_validate({"id": "1", "function": {"name": "add", "arguments": '{"x": 5}'}})
    odd = rg.ToolCall.model_validate({"id": "2", "function": {"name": "odd", "arguments": "no JSON"}})

    @rg.tool
    def add(x: int) -> int:
        """Adds."""
        return x

    tokenizer = made("{{ tools[0].function.name }} " + CHATML)
    talk = chat("hello", rg.Message("assistant", tool_calls=[call, odd]), rg.Message("tool", "5", tool_call_id="1"))
    talk.params = rg.GenerateParams(tools=[add.definition])
    text = tokenizer.format_chat(talk)
    assert text.startswith("add <|im_start|>user")
    assert "calls add 5calls odd <|im_end|>" in text
    assert messages_of(tokenizer, await tokenizer.tokenize_chat(talk)) == ["hello", "5"]


async def test_the_special_tokens_are_those_of_the_template() -> None:
    assert made().encode("hello")[0] == 0
    assert 0 not in (await made().tokenize_chat(chat("hello"))).tokens
    with_begin = rg.tokenizer.TransformersTokenizer.from_obj(fast(), encode_kwargs={"add_special_tokens": True})
    done = await with_begin.tokenize_chat(chat("hello", "there"))
    assert done.tokens[0] == 0
    assert messages_of(with_begin, done) == ["hello", "there"]


async def test_images_are_left_out_and_their_texts_found() -> None:
    image = rg.ContentImageUrl.from_bytes(b"\x89PNG", "image/png")
    done = await made().tokenize_chat(chat(rg.Message("user", ["hello", image, "there"])))
    assert messages_of(made(), done) == ["hello\nthere"]


async def test_the_loop_goes_on_while_tokens_are_made() -> None:
    loop, begun, may_end = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    class Slow(Plain):
        def encode(self, text: str) -> list[int]:
            loop.call_soon_threadsafe(begun.set)
            assert may_end.wait(60)
            return super().encode(text)

    working = asyncio.create_task(Slow(model="slow").tokenize_chat(chat("hello")))
    await begun.wait()
    may_end.set()
    assert len((await working).slices) == 1


async def test_chats_at_once_take_turns_in_one_thread() -> None:
    threads: set[int] = set()

    class Watched(Plain):
        def encode(self, text: str) -> list[int]:
            threads.add(threading.get_ident())
            return super().encode(text)

    tokenizer = Watched(model="watched")
    done = await asyncio.gather(*(tokenizer.tokenize_chat(chat("hello", "there")) for _ in range(9)))
    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    assert all(one.tokens == done[0].tokens for one in done)


TEXTS = st.text(
    st.sampled_from("ahu <>|_\n\t.é日𝄞\u200d\ufffd") | st.characters(exclude_categories=["Cs"]), max_size=20
)
WORDS = st.sampled_from(["user", "assistant", "<|im_end|>", "<|im_start|>user\n", "hello", "\ue000", "a", ":0\ue001"])
SAID = st.lists(st.lists(TEXTS | WORDS, max_size=4).map("".join), min_size=1, max_size=6)


@KINDS
@settings(max_examples=100)
@given(texts=SAID, data=st.data())
async def test_the_tokens_of_a_slice_say_its_text(
    tokenizer: rg.Tokenizer, texts: list[str], data: st.DataObject
) -> None:
    messages = [rg.Message("user" if n % 2 else "assistant", text) for n, text in enumerate(texts)]
    wanted: list[str] = []
    for message in messages:
        content = message.content
        wanted += [content.strip()] if content.strip() else []
        places = st.lists(st.integers(0, len(content)), min_size=2, max_size=2).map(sorted)
        marked = data.draw(st.lists(places, max_size=2).map(sorted))
        message.slices = [rg.MessageSlice("other", None, start, stop) for start, stop in marked]
        wanted += [text for start, stop in marked if (text := content[start:stop].strip())]
    with warnings.catch_warnings(record=True) as told:
        done = await tokenizer.tokenize_chat(chat(*messages))
    found = [text for _, text in shown(tokenizer, done)]
    # Decoding tells such a character from a broken one only some tokens later.
    assert not told or (tokenizer is not TOKENIZERS["offsets"] and any("\ufffd" in text for text in wanted))
    assert len(found) + len(told) == len(wanted)
    rest = iter(found)
    assert told or all(text in next(rest) for text in wanted)
    assert all(is_tight(tokenizer, done, one) for one in done.slices)


def is_tight(tokenizer: rg.Tokenizer, done: rg.TokenizedChat, one: TokenSlice) -> bool:
    """Whether no template is among the tokens of a message, but in a token that has both."""
    text = tokenizer.decode(done.tokens[one.start + 1 : one.end - 1])
    return one.type != "message" or text in one.obj.content or "\ufffd" in text


@KINDS
async def test_the_work_is_linear_in_the_tokens(tokenizer: rg.Tokenizer) -> None:  # surface 1.13
    async def seconds(length: int) -> float:
        talk = chat(*["x y " * (length // 100)] * 25)
        begun = time.process_time()
        done = await tokenizer.tokenize_chat(talk)
        spent = time.process_time() - begun
        assert len(done.tokens) >= length
        assert len(done.slices) == 25
        return spent

    few = min([await seconds(5_000) for _ in range(3)])
    # Ten times as many tokens; the square of it would be a hundred times the work.
    assert await seconds(50_000) < 40 * few


async def test_decoding_is_asked_for_few_tokens_at_a_time_whatever_the_text() -> None:
    for texts in (["x y z "] * 20, ["\ufffd" * 400], ["日本" * 200], ["\x00\x1b" * 200]):
        tokenizer = Plain(model="plain", decoded=[])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TokenizerWarning)
            done = await tokenizer.tokenize_chat(chat(*texts))
        assert max(tokenizer.decoded) <= 32
        assert sum(tokenizer.decoded) <= 32 * 2 * len(done.tokens)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # later Pythons warn of forks
def test_a_forked_process_has_a_thread_of_its_own() -> None:
    tokenizer, said = Plain(model="plain"), chat("Hello")
    asyncio.run(tokenizer.tokenize_chat(said))
    child = os.fork()
    if not child:
        try:
            asyncio.run(asyncio.wait_for(tokenizer.tokenize_chat(said), 20))
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
