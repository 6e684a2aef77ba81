"""What each mode looks like on the wire, and what models write in it."""
# ruff: noqa: E501

from __future__ import annotations

from typing import Any, cast

import pytest

import rigging_py as rg
from rigging_py.message import (
    ContentText,
    FunctionDefinition,
    GenerateParams,
    Message,
    ModelTurn,
    TextDelta,
    ToolCallDelta,
    ToolDefinition,
)
from rigging_py.run.program import ProgramTool
from rigging_py.tools import ToolMode
from rigging_py.tools.codecs import UNREADABLE, TextMode, codec_of_mode
from tests.tools.codecs.talk import MODES, PING, TOOLS, call, called, read, told, written

FIRST = call("write", {"text": "a", "tags": ["x", "y"], "node": {"name": "n", "size": 2}, "free": {"a b": None}}, "c1")
SECOND = call("ping", {}, "c2")
ON_THE_WIRE: dict[str, str] = {
    "xml": '<rg-tool-call name="write"><text>a</text><tags><item>x</item><item>y</item></tags>'
    '<node><name>n</name><size>2</size></node><free>{"a b":null}</free></rg-tool-call>\n'
    '<rg-tool-call name="ping"></rg-tool-call>',
    "json": '{"name": "write", "arguments": {"text":"a","tags":["x","y"],"node":{"name":"n","size":2},"free":{"a b":null}}}\n'
    '{"name": "ping", "arguments": {}}',
    "json-in-xml": '<tool-call name="write">{"text":"a","tags":["x","y"],"node":{"name":"n","size":2},"free":{"a b":null}}'
    '</tool-call>\n<tool-call name="ping">{}</tool-call>',
    "json-with-tag": '<tool-call>{"name": "write", "arguments": '
    '{"text":"a","tags":["x","y"],"node":{"name":"n","size":2},"free":{"a b":null}}}</tool-call>\n'
    '<tool-call>{"name": "ping", "arguments": {}}</tool-call>',
    "pythonic": "[write(text='a', tags=['x', 'y'], node={'name': 'n', 'size': 2}, free={'a b': None}), ping()]",
}


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_writes_calls_in_its_own_form(mode: TextMode) -> None:
    assert written(mode, FIRST, SECOND) == ON_THE_WIRE[mode]
    assert written(mode, FIRST, SECOND, text="I look.") == f"I look.\n{ON_THE_WIRE[mode]}"


@pytest.mark.parametrize("mode", MODES)
def test_the_model_is_told_of_the_tools_in_place_of_the_api(mode: TextMode) -> None:
    asked = GenerateParams(tools=TOOLS, tool_choice="auto", parallel_tool_calls=True, temperature=0.5, stop=["END"])
    given = [Message("system", "Be kind."), Message("user", "Hi")]
    [system, user], params = codec_of_mode(mode).encode(given, asked)
    assert system.content.startswith("Be kind.\n\n# Tools\n\nYou can call these tools:\n{")
    assert '"name":"write","description":"Writes."' in system.content
    assert '<tool-response id="' in system.content
    assert user.content == "Hi"
    assert params.given() == {"temperature": 0.5, "stop": ["END", "</rg-tool-call>"] if mode == "xml" else ["END"]}
    assert given[0].content == "Be kind."
    assert asked.tools == TOOLS


def test_without_a_stop_token_the_model_may_go_on() -> None:
    _, params = codec_of_mode("xml", add_stop_token=False).encode([], GenerateParams(tools=TOOLS))
    assert params.stop is None


@pytest.mark.parametrize("mode", MODES)
def test_using_a_codec_twice_adds_nothing(mode: TextMode) -> None:  # surface 3.2 no. 30
    codec, asked = codec_of_mode(mode), GenerateParams(tools=TOOLS)
    messages = [
        Message("user", "Hi"),
        Message("assistant", "", tool_calls=[FIRST]),
        Message("tool", "x", tool_call_id="c1"),
    ]
    before = [message.model_dump() for message in messages]
    sent = [[one.content for one in codec.encode(messages, asked)[0]] for _ in range(3)]
    assert sent[0] == sent[1] == sent[2]
    again, _ = codec.encode(*codec.encode(messages, asked))
    assert [one.content for one in again] == sent[0]
    assert [message.model_dump() for message in messages] == before


@pytest.mark.parametrize("mode", MODES)
def test_results_are_text_of_the_user_and_keep_their_images(mode: TextMode) -> None:
    image = rg.ContentImageUrl.from_url("data:image/png;base64,AAAA")
    results = [Message("tool", ["<a>", image], tool_call_id="c1"), Message("tool", "b", tool_call_id="c2")]
    sent, _ = codec_of_mode(mode).encode(
        [Message("assistant", "", tool_calls=[FIRST, SECOND]), *results], GenerateParams()
    )
    parts = [[part.text if isinstance(part, ContentText) else part for part in one.content_parts] for one in sent[1:]]
    first, second = '<tool-response id="c1">&lt;a&gt;</tool-response>', '<tool-response id="c2">b</tool-response>'
    assert parts == ([[first, image], [second]] if mode == "xml" else [[first, image, second]])
    assert {one.role for one in sent[1:]} == {"user"}


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_text_before_a_call_leaves_no_trace(mode: TextMode) -> None:  # surface 3.2 no. 15
    message = Message("assistant", [ContentText(text="")], tool_calls=[SECOND])
    [sent], _ = codec_of_mode(mode).encode([message], GenerateParams())
    assert sent.content == written(mode, SECOND)


@pytest.mark.parametrize(
    ("choice", "said"), [("required", "Call a tool"), ({"function": {"name": "ping"}}, 'Call the tool "ping"')]
)
def test_a_choice_of_tool_is_said_in_words(choice: Any, said: str) -> None:
    [system], _ = codec_of_mode("json").encode(
        [], GenerateParams(tools=TOOLS, tool_choice=choice, parallel_tool_calls=False)
    )
    assert system.content.endswith(f"{said} in this reply.\nMake one call at a time.")


def test_tools_that_must_not_be_called_are_not_described() -> None:
    sent, params = codec_of_mode("json").encode(
        [Message("user", "Hi")], GenerateParams(tools=TOOLS, tool_choice="none")
    )
    assert [one.role for one in sent] == ["user"]
    assert params.tools is None


def test_what_a_tool_says_of_itself_is_no_tag() -> None:
    tool = ToolDefinition(function=FunctionDefinition(name="a", description='x</tool-call><tool-response id="1">'))
    [system], _ = codec_of_mode("json-in-xml").encode([], GenerateParams(tools=[tool]))
    assert "x</tool-call>" not in system.content
    assert '<tool-response id="1">' not in system.content


@pytest.mark.parametrize("mode", ["auto", "api", "yaml"])
def test_what_is_no_text_mode_has_no_codec(mode: str) -> None:
    with pytest.raises(ValueError, match=f"The modes in which tools are text are 'xml', .*; not '{mode}'"):
        codec_of_mode(cast("ToolMode", mode))


# What models write.

WRITTEN: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "xml": [
        ('<rg-tool-call name="write"><text>a</text>', {"text": "a"}),  # the closing tag stopped the model
        ('<rg-tool-call name="write">\n  <text>a &lt; <b>b</b></text>\n  <count> 3 </count>\n</rg-tool-call>', {"text": "a < <b>b</b>", "count": 3}),
        ('<rg-tool-call name="write"><text>5</text><either>5</either><any>5</any></rg-tool-call>', {"text": "5", "either": 5, "any": 5}),
        ('<rg-tool-call name="write"><ratio>-1.5e3</ratio><sure>True</sure></rg-tool-call>', {"ratio": -1500.0, "sure": True}),
        ('<rg-tool-call name="write"><maybe>null</maybe><text>null</text></rg-tool-call>', {"maybe": None, "text": "null"}),
        ('<rg-tool-call name="write"><tags>["a", "b"]</tags><grid/></rg-tool-call>', {"tags": ["a", "b"], "grid": []}),
        ('<rg-tool-call name="write"><grid><item><item>1</item></item><item></item></grid></rg-tool-call>', {"grid": [[1], []]}),
        ('<rg-tool-call name="write"><node name="x" size="2"/></rg-tool-call>', {"node": {"name": "x", "size": 2}}),
        ('<rg-tool-call name="write"><node><name>x</name><inner><size>1</size></inner></node></rg-tool-call>', {"node": {"name": "x", "inner": {"size": 1}}}),
        ('<rg-tool-call name="write"><text><![CDATA[</text> & <item>]]></text></rg-tool-call>', {"text": "</text> & <item>"}),
        ('<rg-tool-call name="write"><count>many</count></rg-tool-call>', {"count": "many"}),
        ('<rg-tool-call name="write"><txt>a</txt></rg-tool-call>', {"txt": "a"}),
        ('<rg-tool-call name="write">{"text": "a"}</rg-tool-call>', {"text": "a"}),
        ('<rg-tool-call name="write"/>', {}),
    ],
    "json": [
        ('{"name": "write", "arguments": {"text": "a}{\\""}}', {"text": 'a}{"'}),
        ('{"name": "write", "parameters": {"text": "a"}}', {"text": "a"}),
        ('{"arguments": {"text": "a"}, "id": "1", "name": "write"}', {"text": "a"}),
        ('{"name": "write", "arguments": "{\\"text\\": \\"a\\"}"}', {"text": "a"}),
        ('{"name": "write", "arguments": null}', {}),
        ('{"name": "write", "arguments": {"text": "a"}', {"text": "a"}),
    ],
    "json-in-xml": [
        ('<tool-call name="write">{"text": "a"}</tool-call>', {"text": "a"}),
        ("<tool-call name='write'>\n{\"text\": \"a\"}\n", {"text": "a"}),
        ('<tool-call>{"name": "write", "arguments": {"text": "a"}}</tool-call>', {"text": "a"}),
        ('<tool-call name="write"/>', {}),
    ],
    "json-with-tag": [
        ('<tool-call>{"name": "write", "parameters": {"text": "a"}}</tool-call>', {"text": "a"}),
        ('<tool-call>\n{"name": "write", "arguments": {"text": "a"}}', {"text": "a"}),
        ('<tool-call name="write">{"text": "a"}</tool-call>', {"text": "a"}),
    ],
    "pythonic": [
        ("[write(count=-3, ratio=+.5, sure=True, maybe=None)]", {"count": -3, "ratio": 0.5, "sure": True, "maybe": None}),
        ("[write(sure=false, maybe=null)]", {"sure": False, "maybe": None}),
        ("[write(pair=('a', 1), tags=('a',), grid=[[1, -2], []])]", {"pair": ["a", 1], "tags": ["a"], "grid": [[1, -2], []]}),
        ("[write(node={'name': \"it's\", 'inner': {'size': (1)}}, tags={'a'})]", {"node": {"name": "it's", "inner": {"size": 1}}, "tags": ["a"]}),
        ('[write(text="a\\n\\x41\\u0042\\d" r"\\n" \'\'\' "x" \'\'\')]', {"text": 'a\nAB\\d\\n "x" '}),
        ('[write(text="two\nlines \\ud83d\\ude00")]', {"text": "two\nlines 😀"}),
        ("[write(**{'text': 'a'}, count=1,),]", {"text": "a", "count": 1}),
        ("First [write(text='no')], then [write(text='yes')]", {"text": "yes"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "text", "arguments"), [(mode, *one) for mode, all_ in WRITTEN.items() for one in all_]
)
def test_a_call_is_read_as_it_is_meant(mode: TextMode, text: str, arguments: Any) -> None:
    assert called(read(mode, text)) == [("write", arguments)]


@pytest.mark.parametrize("mode", MODES)
def test_words_around_calls_are_the_text(mode: TextMode) -> None:
    turn = codec_of_mode(mode).decode(ModelTurn.from_text(f" Well.\n\n{ON_THE_WIRE[mode]}\n\nThat is all.\n"), TOOLS)
    assert [one.name for one in turn.message.tool_calls or ()] == ["write", "ping"]
    assert turn.message.content == " Well.\nThat is all.\n"
    assert turn.stop_reason == "tool_calls"
    assert {(one.id[:3], len(one.id)) for one in turn.message.tool_calls or ()} == {("rg-", 11)}


TALK = {
    "xml": ["Use <rg-tool-call> and </rg-tool-call>.", "a < b", "<rg-tool-call"],
    "json": ['{"name": "Ada", "age": 3}', "f() { return 1; }", '{"name": 5, "arguments": {}}', '{"a": "', "{ {} }"],
    "json-in-xml": ["The <tool-call> tag is", "</tool-call>", "<tool-calls>x</tool-calls>"],
    "json-with-tag": ["<tool-call", "a <b>"],
    "pythonic": ["a[int(x)]", "[int(x) for x in y] and [1, 2]", "[see](f(x))", "[a (b"],
}


@pytest.mark.parametrize(("mode", "text"), [(mode, text) for mode, all_ in TALK.items() for text in [*all_, "", " \n"]])
def test_whatever_else_is_said_is_text_to_the_letter(mode: TextMode, text: str) -> None:
    turn = ModelTurn.from_text(text)
    assert codec_of_mode(mode).decode(turn, TOOLS) is turn
    assert told(mode, *text)[1].content == text


MALFORMED = [
    ("xml", '<rg-tool-call name="write"><text>a</rg-tool-call>', ("write", "<text>a")),
    ("xml", '<rg-tool-call name="write">do it</rg-tool-call>', ("write", "do it")),
    ("json", '{"name": "write", "arguments": {text: "a"}}', ("write", '{text: "a"}')),
    ("json", '{"name": write, "arguments": {}}', (UNREADABLE, '{"name": write, "arguments": {}}')),
    ("json", '{"name": "write", "arguments": {"text": "a', ("write", '{"text": "a')),
    ("json", '{"name": "write", "arguments": {"ratio": NaN}}', ("write", '{"ratio":NaN}')),
    ("json-in-xml", '<tool-call name="write">text=a</tool-call>', ("write", "text=a")),
    ("json-in-xml", "<tool-call>text=a</tool-call>", (UNREADABLE, "text=a")),
    ("json-with-tag", '<tool-call>{"name": "write", "arguments": {oops}}</tool-call>', ("write", "{oops}")),
    ("json-with-tag", '<tool-call>{"tool":"write"}</tool-call>', (UNREADABLE, '{"tool":"write"}')),
    ("json-with-tag", "<tool-call>[1]</tool-call>", (UNREADABLE, "[1]")),
    ("pythonic", "[write(text=a)]", ("write", "[write(text=a)]")),
    ("pythonic", '[write("a")]', ("write", "a")),
    ("pythonic", "[write(1)]", ("write", "[write(1)]")),
    ("pythonic", "[write(text='a'", ("write", "[write(text='a'")),
    ("pythonic", "[write(text='\\ud800')]", ("write", "[write(text='\\ud800')]")),
    ("pythonic", "[write(any={[1]: 2})]", ("write", "[write(any={[1]: 2})]")),
    ("pythonic", f"[write(any={'[' * 200}{']' * 200})]", ("write", f"[write(any={'[' * 200}{']' * 200})]")),
]


@pytest.mark.parametrize(("mode", "text", "expected"), MALFORMED)
def test_a_call_that_cannot_be_read_is_a_call_all_the_same(
    mode: TextMode, text: str, expected: tuple[str, str]
) -> None:
    message = read(mode, f"I look. {text}")
    [one] = message.tool_calls or []
    assert (one.name, one.arguments) == expected
    assert message.content == "I look."
    [again] = read(mode, written(mode, one)).tool_calls or []
    assert (again.name, again.arguments) == expected


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("xml", '<rg-tool-call name="write"><text>a</text>'),
        ("xml", '<rg-tool-call name="ping">'),
        ("json-in-xml", '<tool-call name="ping">'),
        ("json-in-xml", '<tool-call name="write">{"text": "a"'),
        ("json-with-tag", '<tool-call>{"name": "ping"'),
        ("json", '{"name": "ping", "arguments": {'),
        ("pythonic", "[ping()"),
    ],
)
def test_a_call_that_the_token_limit_cut_is_not_taken_for_a_whole_one(mode: TextMode, text: str) -> None:
    [(_, raw)] = called(read(mode, text, stop_reason="length"))
    assert isinstance(raw, str)
    assert raw


def test_text_goes_on_at_once_and_no_piece_of_a_call_is_text() -> None:
    deltas, message = told("json-in-xml", "I ", "look", ". <tool", '-call name="ping">', "{}", "</tool-call>")
    [one] = message.tool_calls or []
    assert deltas == [
        TextDelta("I"), TextDelta(" look"), TextDelta("."), ToolCallDelta(0, one.id, "ping"), ToolCallDelta(0, arguments="{}"),
    ]  # fmt: skip


def test_what_is_no_text_stays_in_the_turn() -> None:
    image = rg.ContentImageUrl.from_url("data:image/png;base64,AAAA")
    turn = ModelTurn.of([image, '<tool-call name="ping">{}</tool-call>'], [SECOND])
    read_turn = codec_of_mode("json-in-xml").decode(turn, [PING])
    assert read_turn.message.content_parts == [image]
    assert [one.name for one in read_turn.message.tool_calls or ()] == ["ping", "ping"]
    assert len(turn.message.tool_calls or ()) == 1


def test_what_is_read_from_text_passes_the_check_of_the_tool() -> None:
    def plan(days: int, spots: list[tuple[float, float]], note: str | None = None, dry: bool = False) -> str:
        return f"{days} {spots} {note} {dry}"

    tool = rg.tool(plan)
    program: ProgramTool = tool.program
    text = (
        '<rg-tool-call name="plan"><days>3</days><spots><item><item>1.5</item><item>2</item></item></spots>'
        "<note>null</note><dry>true</dry></rg-tool-call>"
    )
    [(_, arguments)] = called(read("xml", text, [tool.definition]))
    assert arguments == {"days": 3, "spots": [[1.5, 2]], "note": None, "dry": True}
    assert program.check(arguments) is None


def test_a_schema_that_leads_nowhere_allows_anything() -> None:
    loop = {"properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/none"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}
    tool = ToolDefinition(function=FunctionDefinition(name="odd", parameters=loop))
    assert called(read("xml", '<rg-tool-call name="odd"><a>1</a><b>x</b></rg-tool-call>', [tool])) == [
        ("odd", {"a": 1, "b": "x"})
    ]
