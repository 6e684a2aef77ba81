"""Letters of Anthropic's messages API, cut at every place: one turn for any split, none before the stop reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import (
    InvalidError,
    ProviderError,
    RateLimitedError,
    ServerFaultError,
    StreamInterruptedError,
)
from rigging_py.message import ContentReasoning, ModelTurn
from rigging_py.parsing.untyped import as_list, as_mapping
from rigging_py.wire import MESSAGES, ReplyBody
from tests.wire.anthropic_letters import LETTERS, ORIGIN, PING, Letter, block, final, piece, sse, start, stop, text
from tests.wire.streams import assembled, cut_anywhere, reader

letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
read = reader(MESSAGES, "anthropic", ORIGIN)


def shown(turn: ModelTurn) -> tuple[Any, ...]:
    calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
    thought = turn.extra.get("reasoning_content", "")
    parts = [part for part in turn.message.content_parts if isinstance(part, ContentReasoning)]
    assert all(part.origin == ORIGIN for part in parts)
    kept = tuple((part.form, part.signature, part.data) for part in parts)
    return turn.message.content, thought, calls, turn.stop_reason, turn.usage, kept


def said(letter: Letter) -> tuple[Any, ...]:
    return letter.text, letter.thought, letter.calls, letter.reason, letter.usage, letter.kept


@letters
def test_a_letter_is_the_turn_it_stands_for_and_its_deltas_make_it(letter: Letter) -> None:
    deltas, turn = read(letter.body)
    assert shown(turn) == said(letter)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)
    assert {**turn.extra, "reasoning_content": letter.thought} == {
        "response_id": "msg_7",
        "model": "claude-test",
        "reasoning_content": letter.thought,
        **letter.extra,
    }


@letters
def test_the_turn_is_the_one_of_the_same_answer_in_one_piece(letter: Letter) -> None:
    whole = MESSAGES.turn(letter.whole, provider="anthropic", origin=ORIGIN)
    deltas, turn = read(json.dumps(letter.whole).encode())
    streamed = read(letter.body)[1]
    assert shown(whole) == shown(turn) == shown(streamed)
    assert whole.extra == turn.extra == streamed.extra
    assert whole.message.content_parts == streamed.message.content_parts
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@letters
def test_byte_by_byte_it_is_the_same(letter: Letter) -> None:
    deltas, turn = read(*(bytes([byte]) for byte in letter.body))
    assert shown(turn) == said(letter)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_cut_in_any_two_places_it_is_the_same(letter: Letter, data: st.DataObject) -> None:
    assert shown(read(*cut_anywhere(letter.body, data))[1]) == said(letter)


@letters
def test_cut_off_at_every_byte_before_the_stop_reason_it_is_interrupted(letter: Letter) -> None:
    fed = ReplyBody(MESSAGES, "anthropic")
    for place, byte in enumerate(sse(*letter.until_final)):
        with pytest.raises(StreamInterruptedError, match="ended without its stop reason"):
            list(fed.ending())
        assert not fed.is_complete, f"a cut after {place} bytes passes for an answer"
        list(fed.feed(bytes([byte])))
    assert fed.is_complete
    assert not fed.is_done


@letters
def test_cut_off_at_every_byte_after_it_the_answer_is_whole(letter: Letter) -> None:
    until, after = sse(*letter.until_final), sse(*letter.after)
    for place in range(len(after) + 1):
        assert shown(read(until, after[:place])[1]) == said(letter)


def test_the_end_of_the_message_says_that_nothing_more_comes_and_nothing_more_is_read() -> None:
    body = ReplyBody(MESSAGES)
    list(body.feed(LETTERS["text"].body))
    assert body.is_done
    assert list(body.feed(b"data: {broken\n\n")) == []


def test_an_end_without_a_stop_reason_is_none() -> None:
    with pytest.raises(StreamInterruptedError):
        read(sse(start(), *text(0, "Hel"), {"type": "message_stop"}))


def test_every_block_is_number_0_and_pieces_go_to_the_last() -> None:
    events = [
        start(),
        *text(0, "a"),
        block(0, "tool_use", id="t1", name="look", input={}),
        piece(0, "input_json_delta", partial_json="{}"),
        block(0, "tool_use", id="t2", name="look", input={}),
        piece(0, "input_json_delta", partial_json='{"at":1}'),
        final("tool_use"),
    ]
    calls = read(sse(*events))[1].message.tool_calls or []
    assert [(call.id, call.arguments) for call in calls] == [("t1", "{}"), ("t2", '{"at":1}')]


def test_a_text_that_never_began_is_a_text() -> None:
    deltas, turn = read(sse(start(), piece(0, "text_delta", text="a"), piece(0, "text_delta", text="b"), final()))
    assert (turn.message.content, assembled(deltas)[0]) == ("ab", "ab")


def test_a_block_of_text_may_begin_without_any() -> None:
    assert read(sse(start(), block(0, "text"), piece(0, "text_delta", text="a"), final()))[1].message.content == "a"


def test_arguments_that_the_limit_cut_are_kept_as_they_came() -> None:
    events = [
        start(),
        block(0, "tool_use", id="t1", name="look"),
        piece(0, "input_json_delta", partial_json='{"at": "s'),
    ]
    turn = read(sse(*events, final("max_tokens")))[1]
    assert turn.stop_reason == "length"
    assert [call.arguments for call in turn.message.tool_calls or ()] == ['{"at": "s']


def test_the_counts_of_the_end_go_over_those_of_the_beginning_where_they_are_told() -> None:
    counts = {"output_tokens": 4, "input_tokens": None, "cache_read_input_tokens": 2}
    usage = read(sse(start(), final(usage=counts)))[1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (11, 4, 2)


def test_a_count_of_nothing_at_the_end_does_not_take_back_what_was_told() -> None:
    usage = read(sse(start(), final(usage={"input_tokens": 0, "output_tokens": 4})))[1].usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (9, 4)


def test_a_reply_that_tells_no_counts_has_no_usage() -> None:
    assert read(sse(start(usage=None), {**final(), "usage": None}))[1].usage is None


# What goes wrong.

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("overloaded_error", ServerFaultError),
        ("api_error", ServerFaultError),
        ("rate_limit_error", RateLimitedError),
        ("invalid_request_error", InvalidError),
    ],
)
def test_an_error_in_the_middle_is_of_its_kind(kind: str, error: type[ProviderError]) -> None:
    told = {"type": "error", "error": {"type": kind, "message": "hush-hush, no."}}
    with pytest.raises(error, match=r"anthropic broke off its answer: \*\*\*, no\."):
        read(sse(start(), PING, *text(0, "Hel"), told))


def test_an_error_without_the_name_of_an_event_is_one_too() -> None:
    with pytest.raises(ServerFaultError, match="Overloaded"):
        read(b"data: " + json.dumps(OVERLOADED).encode() + b"\n\n")


UNREADABLE: list[tuple[list[dict[str, Any]], str]] = [
    ([{**start(), "message": 5}], "its message is no object"),
    ([start(), block(0, "text", text=5)], "a block of text in it has none"),
    ([start(), {"type": "content_block_start", "index": 0}], "a block in it is of no type"),
    ([start(), block(0, "tool_use", id="t")], "names no tool"),
    ([start(), block(0, "text", text=""), piece(0, "text_delta", text=5)], "its text is no text"),
    ([start(), block(0, "text", text=""), piece(0, "thinking_delta", thinking="a")], "for a block of another kind"),
    ([start(), piece(0, "input_json_delta", partial_json="{")], "a piece of no block"),
    ([start(), {**final(), "delta": []}], "its delta is no object"),
]


@pytest.mark.parametrize(("events", "problem"), UNREADABLE)
def test_what_cannot_be_read_is_invalid_and_shown_without_the_key(events: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(InvalidError, match=f"is no event of Anthropic's messages API: .*{problem}") as raised:
        read(sse(*events[:-1], {**events[-1], "said": "hush-hush"}))
    assert '"said":"***"' in raised.value.body


# Anything else, anywhere.

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every part of a JSON value."""
    inside = as_mapping(value).items() or enumerate(as_list(value))
    return [path, *(deeper for key, one in inside for deeper in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy: Any = {**as_mapping(value)} or [*as_list(value)]
    copy[path[0]] = replaced(copy[path[0]], path[1:], other)
    return copy


def survives(body: bytes) -> None:
    failure: ProviderError | None = None
    try:
        deltas, turn = read(body)
    except ProviderError as error:
        failure = error
    else:
        calls = tuple((call.id, call.name, call.arguments) for call in turn.message.tool_calls or ())
        text, thought, called = assembled(deltas)
        assert called == calls
        # Pieces of blocks that do not come one after the other are told when they come.
        assert sorted(thought) == sorted(turn.extra.get("reasoning_content", ""))
        assert sorted("".join(text.split())) == sorted("".join(turn.message.content.split()))
        turn.message.model_dump_json()
    assert failure is None or "hush-hush" not in f"{failure}{failure.body}"


@given(st.sampled_from(list(LETTERS.values())), st.data(), anything | st.just("hush-hush"))
def test_whatever_stands_anywhere_in_a_stream_it_is_a_turn_or_a_failure_of_the_provider(
    letter: Letter, data: st.DataObject, other: Any
) -> None:
    events = [*letter.until_final, *letter.after]
    events = replaced(events, data.draw(st.sampled_from(places(events)[1:])), other)
    survives(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events))


@given(st.sampled_from(list(LETTERS.values())), st.data(), anything | st.just("hush-hush"))
def test_whatever_stands_anywhere_in_a_whole_reply_too(letter: Letter, data: st.DataObject, other: Any) -> None:
    reply = replaced(letter.whole, data.draw(st.sampled_from(places(letter.whole))), other)
    failure: ProviderError | None = None
    try:
        MESSAGES.turn(reply, provider="anthropic", secret="hush-hush", origin=ORIGIN).message.model_dump_json()
    except ProviderError as error:
        failure = error
    assert failure is None or "hush-hush" not in f"{failure}{failure.body}"


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_events_left_out_doubled_or_in_any_order_are_a_turn_or_a_failure(letter: Letter, data: st.DataObject) -> None:
    events = [*letter.until_final, *letter.after, stop(0)]
    survives(sse(*data.draw(st.lists(st.sampled_from(events), max_size=12))))
