"""Images and sound among the arguments of a prompt: they are sent as they are, at their place in the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.message import AnyContent, Audio, ContentReasoning

CAT = rg.ContentImageUrl.from_url("data:image/png;base64,Y2F0")
DOG = rg.ContentImageUrl.from_url("https://example.org/dog.png")
PURR = rg.ContentAudioInput(input_audio=Audio(data="cHVycg==", format="wav"))


async def sent(prompt: rg.Prompt[..., rg.Chat], *args: Any, **kwargs: Any) -> list[object]:
    """The parts of the message that a prompt sends, text as text."""
    model = rg.scripted("fine")
    await prompt.bind(model)(*args, **kwargs)
    return [one.text if isinstance(one, rg.ContentText) else one for one in model.heard[0].messages[-1].content_parts]


@rg.prompt
async def describe(picture: rg.ContentImageUrl, mood: str = "calm") -> rg.Chat:
    """Describe this."""


@rg.prompt
async def compare(first: AnyContent, second: AnyContent) -> rg.Chat:
    """Compare {{ first }} with {{ second }}, and say what they share."""


@rg.prompt
async def each(things: Sequence[AnyContent]) -> rg.Chat:
    """
    {% for thing in things %}
    {{ loop.index }}. {{ thing }}
    {% endfor %}
    """


async def test_an_image_stands_between_the_tags_of_its_parameter() -> None:
    assert await sent(describe, CAT) == ["Describe this.\n\n<picture>", CAT, "</picture>\n\n<mood>calm</mood>"]


async def test_what_is_asked_for_comes_after_it() -> None:
    @rg.prompt(generator=(model := rg.scripted("<str>a cat</str>")))
    async def name(picture: rg.ContentImageUrl) -> str:
        """What is this?"""

    assert await name(CAT) == "a cat"
    *_, last = model.heard[0].messages[0].to_openai()["content"]
    assert last["text"].endswith("</picture>\n\nProduce the following output (use xml tags):\n\n<str></str>\n")


def test_the_rendered_text_names_it() -> None:
    assert describe.render(CAT) == "Describe this.\n\n<picture>[image_url]</picture>\n\n<mood>calm</mood>"
    assert compare.render(DOG, PURR) == "Compare [image_url] with [input_audio], and say what they share."


async def test_it_stands_where_the_docstring_puts_it() -> None:
    assert await sent(compare, CAT, PURR) == ["Compare ", CAT, " with ", PURR, ", and say what they share."]


async def test_a_loop_puts_each_in_its_place() -> None:
    assert await sent(each, [CAT, DOG]) == ["1. ", CAT, "\n2. ", DOG]
    assert await sent(each, (PURR,)) == ["1. ", PURR]


async def test_a_list_that_is_printed_whole_has_each_in_it() -> None:
    @rg.prompt
    async def show(things: list[AnyContent]) -> rg.Chat:
        """{{ things }} and {{ things | join }}"""

    assert await sent(show, [CAT, PURR]) == ["[", CAT, ", ", PURR, "] and ", CAT, PURR]


async def test_a_docstring_may_ask_for_its_members() -> None:
    @rg.prompt
    async def where(pictures: dict[str, rg.ContentImageUrl]) -> rg.Chat:
        """The {{ pictures.dog.type }} at {{ pictures.dog.image_url.url }}: {{ pictures.dog }}"""

    assert await sent(where, {"dog": DOG}) == ["The image_url at https://example.org/dog.png: ", DOG]


async def test_lists_and_mappings_show_each_as_an_item() -> None:
    @rg.prompt
    async def look(pictures: list[rg.ContentImageUrl], named: dict[str, AnyContent]) -> rg.Chat:
        """Look."""

    assert await sent(look, [CAT, DOG], {"a": PURR}) == [
        "Look.\n\n<pictures>\n<item>",
        CAT,
        "</item>\n<item>",
        DOG,
        '</item>\n</pictures>\n\n<named><item key="a">',
        PURR,
        "</item></named>",
    ]


async def test_conversations_keep_theirs() -> None:
    @rg.prompt
    async def judge(said: rg.Message, chat: rg.Chat) -> rg.Chat:
        """Judge."""

    message = rg.Message("user", ["Is <b> this", CAT, "a cat?"])
    chat = rg.Chat(messages=[rg.Message("user", [DOG])], generated=[rg.Message("assistant", "woof")])
    assert await sent(judge, message, chat) == [
        "Judge.\n\n<said>\n[user]: Is &lt;b&gt; this\n",
        CAT,
        "\na cat?\n</said>\n\n<chat>\n[user]: ",
        DOG,
        "\n\n[assistant]: woof\n</chat>",
    ]


def test_a_message_shows_its_calls_and_a_chat_its_error() -> None:
    @rg.prompt
    async def judge(said: rg.Message, chat: rg.Chat) -> rg.Chat:
        """Judge."""

    call = rg.ToolCall.model_validate({"id": "c", "function": {"name": "look", "arguments": '{"at": "<b>"}'}})
    message = rg.Message("assistant", "Wait.", tool_calls=[call])
    shown = judge.render(message, rg.Chat(messages=[rg.Message("user", "hi")], error=ValueError("<no>")))
    assert "[assistant]: Wait.\n |- " in shown
    assert "&lt;b&gt;" in shown
    assert shown.endswith("<chat>\n[user]: hi\n\n[error]: &lt;no&gt;\n</chat>")


async def test_a_file_is_sent_as_an_image_is() -> None:
    @rg.prompt
    async def read(report: rg.ContentFile) -> rg.Chat:
        """Read."""

    report = rg.ContentFile.from_bytes(b"%PDF", "application/pdf", filename="report.pdf")
    assert await sent(read, report) == ["Read.\n\n<report>", report, "</report>"]
    assert read.render(report) == "Read.\n\n<report>[file]</report>"


async def test_what_another_model_thought_is_not_passed_on() -> None:
    @rg.prompt
    async def judge(chat: rg.Chat) -> rg.Chat:
        """Judge."""

    thought = ContentReasoning(text="A secret.", origin="other", signature="s")
    [text] = await sent(judge, rg.Chat(messages=[rg.Message("assistant", [thought, "Hello."])]))
    assert "Hello." in str(text)
    assert "secret" not in str(text)


async def test_text_in_a_part_is_shown_as_text() -> None:
    @rg.prompt
    async def read(text: AnyContent) -> rg.Chat:
        """Read."""

    assert await sent(read, rg.ContentText(text="a</text>")) == ["Read.\n\n<text>a&lt;/text&gt;</text>"]


async def test_an_image_alone_is_the_whole_message() -> None:
    @rg.prompt
    async def show(picture: rg.ContentImageUrl) -> rg.Chat:
        """{{ picture }}"""

    assert await sent(show, CAT) == [CAT]


async def test_one_that_the_template_leaves_out_is_not_sent() -> None:
    @rg.prompt
    async def maybe(picture: rg.ContentImageUrl | None = None) -> rg.Chat:
        """{% if picture %}There is one.{% else %}There is none.{% endif %}"""

    assert await sent(maybe, CAT) == ["There is one."]
    assert await sent(maybe) == ["There is none."]


async def test_every_run_is_sent_it_in_a_message_of_its_own() -> None:
    model, other = rg.scripted("a", "b"), rg.scripted("c")
    await describe.bind(model).run_many(2, CAT)
    await describe.run_over([other], CAT)
    messages = [heard.messages[0] for heard in (*model.heard, *other.heard)]
    assert all(CAT in message.content_parts for message in messages)
    assert len({message.uuid for message in messages}) == 3


async def test_it_is_sent_when_the_answer_streams_too() -> None:
    model = rg.scripted("a cat")
    await describe.bind(model).stream(CAT).value()
    assert CAT in model.heard[0].messages[0].content_parts


@given(st.text(alphabet=" \n[]abc0123{}%<>&", max_size=60))
def test_text_is_never_taken_for_an_image(text: str) -> None:
    @rg.prompt
    async def ask(before: str, picture: rg.ContentImageUrl, after: str) -> rg.Chat:
        """{{ before }}|{{ picture }}|{{ after }}"""

    definition = ask.definition
    parts = definition.message({"before": text, "picture": CAT, "after": text}).content_parts
    assert [one.text if isinstance(one, rg.ContentText) else one for one in parts] == [f"{text}|", CAT, f"|{text}"]


async def test_what_is_sent_is_what_was_rendered() -> None:
    @rg.prompt(generator=(model := rg.scripted("fine")))
    async def run(code: str) -> rg.Chat:
        """{{ code }}"""

    code = "    if x:\n        go()\n   \n    stop()"
    await run(code)
    assert model.heard[0].messages[0].content == run.render(code) == code


@pytest.mark.parametrize("mode", ["native", "prompted", "tool"])
async def test_it_goes_with_answers_in_json(mode: Any) -> None:
    @rg.prompt
    async def legs(picture: rg.ContentImageUrl) -> dict[str, int]:
        """Count."""

    ask = legs.set_(output_mode=mode)
    assert ask.render(CAT) == "Count.\n\n<picture>[image_url]</picture>"
