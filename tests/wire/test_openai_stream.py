"""Letters of real servers, cut at every place: the same turn for any split, and no turn before the final record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError, ProviderError, StreamInterruptedError
from rigging_py.message import Message
from rigging_py.wire import CHAT, ReplyBody, chat_turn
from tests.wire.letters import DONE, LETTERS, Letter, chunk, sse
from tests.wire.openai_letters import EXCHANGES
from tests.wire.streams import assembled, cut_anywhere, reader, shown

ALL = {**LETTERS, **{name: one.streamed for name, one in EXCHANGES.items()}}
letters = pytest.mark.parametrize("letter", list(ALL.values()), ids=list(ALL))
read = reader(CHAT, "acme")


def said(letter: Letter) -> tuple[Any, ...]:
    return letter.text, letter.thought, letter.calls, letter.reason


@letters
def test_a_letter_is_the_turn_it_stands_for_and_its_deltas_make_it(letter: Letter) -> None:
    deltas, turn = read(letter.body)
    assert shown(turn) == said(letter)
    assert turn.usage == letter.usage
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@letters
def test_the_turn_is_the_one_of_the_same_answer_in_one_piece(letter: Letter) -> None:
    calls = [{"id": id_, "function": {"name": name, "arguments": text}} for id_, name, text in letter.calls]
    message = {"content": letter.text, "tool_calls": calls, "reasoning_content": letter.thought}
    whole = chat_turn({"choices": [{"message": message, "finish_reason": letter.reason}]})
    assert shown(whole) == shown(read(letter.body)[1])


@letters
def test_byte_by_byte_it_is_the_same(letter: Letter) -> None:
    assert shown(read(*(bytes([byte]) for byte in letter.body))[1]) == said(letter)


@given(st.sampled_from(list(ALL.values())), st.data())
def test_cut_in_any_two_places_it_is_the_same(letter: Letter, data: st.DataObject) -> None:
    deltas, turn = read(*cut_anywhere(letter.body, data))
    assert shown(turn) == said(letter)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@letters
def test_cut_off_at_every_byte_before_the_final_record_it_is_interrupted(letter: Letter) -> None:
    fed = ReplyBody(CHAT, "acme")
    for place, byte in enumerate(letter.until_final):
        with pytest.raises(StreamInterruptedError, match="ended without its finish reason"):
            list(fed.ending())
        assert not fed.is_complete, f"a cut after {place} bytes passes for an answer"
        list(fed.feed(bytes([byte])))
    assert fed.is_complete


@letters
def test_cut_off_at_every_byte_after_it_the_answer_is_whole_and_only_counts_may_be_missing(letter: Letter) -> None:
    for place in range(len(letter.after) + 1):
        _, turn = read(letter.until_final, letter.after[:place])
        assert shown(turn) == said(letter)
        read_tokens = turn.usage.input_tokens if turn.usage else None
        assert read_tokens in (None, letter.usage.input_tokens if letter.usage else None)


def test_done_alone_is_no_end() -> None:
    with pytest.raises(StreamInterruptedError):
        read(sse(chunk({"content": "Hel"})) + DONE.encode())


def test_a_server_that_goes_on_after_its_finish_reason_ends_by_done_or_by_another() -> None:
    going_on = sse(chunk({"content": "a"}, "stop"), chunk({"content": "b"}))
    with pytest.raises(StreamInterruptedError):
        read(going_on)
    assert read(going_on + DONE.encode())[1].message.content == "ab"
    assert read(going_on + sse(chunk({}, "length")))[1].stop_reason == "length"


def test_what_comes_after_done_is_not_read() -> None:
    assert read(sse(chunk({"content": "a"}, "stop")) + DONE.encode() + b"data: {broken\n\n")[1].message.content == "a"


# A server that does not stream.


def test_a_completion_in_place_of_a_stream_is_taken_with_its_deltas() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": "Hi", "reasoning": "Hm.", "tool_calls": [call]}
    whole = b' \n{"choices": [{"message": ' + str(message).replace("'", '"').encode() + b', "finish_reason": "stop"}]}'
    deltas, turn = read(*(bytes([byte]) for byte in whole))
    assert assembled(deltas) == ("Hi", "Hm.", (("a", "f", "{}"),))
    assert turn.message.content == "Hi"
    for place in range(3, len(whole)):
        with pytest.raises(StreamInterruptedError, match="in the middle of its JSON"):
            read(whole[:place])


def test_what_is_no_json_is_shown_without_the_key() -> None:
    with pytest.raises(InvalidError, match="is not JSON") as raised:
        read(b'{"said": hush-hush}')
    assert raised.value.body == '{"said": ***}'


# What goes wrong.


@pytest.mark.parametrize(
    ("event", "kind", "status"),
    [
        ('data: {"error":{"message":"slow hush-hush","type":"rate_limit_exceeded","code":null}}', "RateLimited", None),
        ('data: {"error":{"code":500,"message":"engine died","type":"server_error"}}', "ServerFault", 500),
        ('data: {"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}', "Invalid", 400),
        ('data: {"object":"error","message":"m","type":"BadRequestError","code":400}', "Invalid", 400),
        ('data: {"error":{"code":400,"type":"exceed_context_size_error","message":"long"}}', "ContextOverflow", 400),
        ('data: {"error":{"code":"content_filter","message":"no"}}', "Refused", None),
        ('data: {"error":"out of memory"}', "ServerFault", None),
        (
            'data: {"error":{"code":502,"message":"gone"},"choices":[{"delta":{},"finish_reason":"error"}]}',
            "ServerFault",
            502,
        ),
        ('data: {"choices":[{"delta":{},"finish_reason":"error"}]}', "ServerFault", None),
        ("event: error\ndata: it broke", "ServerFault", None),
        ('{"error": {"message": "bad key", "code": "invalid_api_key"}}', "AuthenticationFailed", None),
    ],
)
def test_an_error_in_a_stream_is_of_its_kind(event: str, kind: str, status: int | None) -> None:
    before = b"" if event.startswith("{") else sse(chunk({"content": "Hel"}))
    with pytest.raises(ProviderError, match="acme broke off its answer") as raised:
        read(before + f"{event}\n\n".encode())
    assert (raised.value.kind, raised.value.status) == (kind, status)
    assert "hush" not in str(raised.value) + raised.value.body


def test_an_error_after_the_final_record_is_an_error() -> None:
    with pytest.raises(ProviderError, match="late"):
        read(sse(chunk({"content": "a"}, "stop")) + b'data: {"error": {"message": "late"}}\n\n')


BAD = [
    "[]",
    "7",
    '"hush-hush"',
    "{broken",
    '{"choices": {}}',
    '{"choices": ["hi"]}',
    '{"choices": [{"delta": "hi"}]}',
    '{"choices": [{"delta": {"content": 5}}]}',
    '{"choices": [{"delta": {"tool_calls": {}, "content": {"hush-hush": 1}}}]}',
    '{"choices": [{"delta": {"tool_calls": [null]}}]}',
    '{"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]}',
    '{"choices": [{"delta": {"tool_calls": [{"index": -1}]}}]}',
    '{"choices": [{"delta": {"tool_calls": [{"function": "f"}]}}]}',
]


@pytest.mark.parametrize("data", BAD)
def test_a_chunk_that_is_none_is_shown_without_the_key(data: str) -> None:
    with pytest.raises(InvalidError, match="A chunk from acme is not") as raised:
        read(f"data: {data}\n\n".encode())
    assert raised.value.body
    assert "hush" not in raised.value.body


def test_a_call_that_never_got_a_name_is_no_call() -> None:
    with pytest.raises(InvalidError, match="names no function"):
        read(sse(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}), chunk({}, "tool_calls")))


@pytest.mark.parametrize(
    "data", ["", "{}", '{"choices": null}', '{"choices": [], "usage": 7, "error": null}', '{"choices": [{}]}', "null_ "]
)
def test_a_chunk_that_says_nothing_adds_nothing(data: str) -> None:
    sent = f"data: {data}\n\n".encode() if data != "null_ " else sse(chunk({"content": None, "tool_calls": None}))
    assert shown(read(sent + sse(chunk({"content": "a"}, "stop")))[1]) == ("a", "", (), "stop")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "tool_calls", "function", "name", "index", "id", "error"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(anything, anything)
def test_any_json_in_a_stream_is_an_answer_or_a_provider_error(delta: Any, choice: Any) -> None:
    for one in ({"choices": [{"delta": delta}]}, {"choices": [choice]}, {"choices": choice, "error": delta}):
        try:
            _, turn = read(sse(one, chunk({}, "stop")))
        except ProviderError:
            continue
        assert isinstance(turn.message, Message)
