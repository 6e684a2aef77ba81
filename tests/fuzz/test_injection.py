"""No value adds or closes an element: not a model's, not a prompt's argument, not a tool's result, not a complaint."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rigging_py as rg
from rigging_py.model import (
    Answer,
    CommaDelimitedAnswer,
    DelimitedAnswer,
    Description,
    ErrorModel,
    Instructions,
    Model,
    NewlineDelimitedAnswer,
    Question,
    QuestionAnswer,
    SystemErrorModel,
    Thinking,
    ValidationErrorModel,
    YesNoAnswer,
    make_primitive,
)
from rigging_py.parsing import elements
from tests.fuzz.entries import TAGS

TEXT = st.text() | st.lists(st.sampled_from(TAGS) | st.text(max_size=3)).map("".join)
SIMPLE = (Answer, Question, Thinking, Description, Instructions)
DELIMITED = (DelimitedAnswer, CommaDelimitedAnswer, NewlineDelimitedAnswer)
ERRORS = (ErrorModel, SystemErrorModel, ValidationErrorModel)
MODELS: st.SearchStrategy[Model] = st.one_of(
    *(st.builds(kind, content=TEXT) for kind in (*SIMPLE, *DELIMITED)),
    *(st.builds(kind, type=TEXT, content=TEXT) for kind in ERRORS),
    st.builds(QuestionAnswer, question=st.builds(Question, content=TEXT), answer=st.builds(Answer, content=TEXT)),
    st.builds(YesNoAnswer),
    st.builds(make_primitive("Word"), content=TEXT),
)


def outline(text: str) -> Counter[str]:
    """How many elements of each name a text has, of those that any value here speaks of."""
    names = ["answer", "question", "note", "line", "folder", "name", "text", "item", "error", "validation-error", "int"]
    return Counter(one.tag for one in elements(text, names))


@given(MODELS)
def test_a_ready_made_model_is_one_element_and_read_as_it_was(model: Model) -> None:  # surface 3.2 no. 34
    for written in (model.to_pretty_xml(), model.to_xml()):
        [(read, place)] = type(model).from_text(f"<{written}>")
        assert place == slice(1, 1 + len(written))
        assert type(read).from_text(read.to_xml())[0][0] == read
        if written == model.to_xml() and "\n" not in written:
            # Contents are read without the white space around them, at any depth.
            assert ["".join(str(one).split()) for _, one in model] == ["".join(str(one).split()) for _, one in read]


def test_a_key_of_a_mapping_that_is_no_name_is_not_written() -> None:  # surface 3.2 no. 34
    class Sizes(Model):
        sizes: dict[str, int] = rg.element()

    assert Sizes(sizes={"größe": 1}).to_pretty_xml() == '<sizes>\n  <sizes größe="1" />\n</sizes>'
    for key in ('a"><answer>x</answer><b y="', "a b", "", "1a", "a="):
        for write in (Sizes(sizes={key: 1}).to_pretty_xml, Sizes(sizes={key: 1}).to_xml):
            with pytest.raises(ValueError, match="name of an attribute of <sizes>"):
                write()


@rg.prompt
async def look(text: str, many: list[str], keyed: dict[str, str], answer: Answer) -> int:
    """Look at these."""


PLAIN = outline(look.render("x", ["x", "x"], {"x": "x"}, Answer(content="x")))


@given(TEXT, TEXT, TEXT)
def test_what_an_argument_says_is_no_element_of_a_prompt(a: str, b: str, c: str) -> None:  # surface 3.2 no. 34
    assert outline(look.render(a, [b, c], {a: b}, Answer(content=c))) == PLAIN


@given(TEXT)
async def test_what_a_tool_fails_with_is_no_element(text: str) -> None:  # surface 3.2 no. 34
    @rg.tool
    def fail() -> str:
        raise ValueError(text)

    call = rg.ToolCall.model_validate({"id": "1", "function": {"name": "fail", "arguments": "{}"}})
    said, _ = await fail.handle_tool_call(call)
    assert outline(said.content) == Counter(error=1)


@given(TEXT)
async def test_what_is_wrong_with_an_answer_is_said_in_one_element(text: str) -> None:  # surface 3.2 no. 34
    model = rg.scripted(f"<int>{text} many</int>", "<int>1</int>")
    await look.bind(model)("x", [], {}, Answer(content="x"))
    complaints = [one.content for heard in model.heard[1:] for one in heard.messages if one.role == "user"][1:]
    assert all(outline(one)["answer"] + outline(one)["question"] == 0 for one in complaints)
    assert all(outline(one)["validation-error"] == 1 for one in complaints)
