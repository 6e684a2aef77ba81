"""Responses in events, cut at every place: the same turn for any split, and no turn before the final record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError, ProviderError, RateLimitedError, ServerFaultError, StreamInterruptedError
from rigging_py.message import ModelTurn
from rigging_py.wire import RESPONSES, ReplyBody
from tests.wire.responses_letters import LETTERS, Json, Letter, call, events_of, message, reasoning, response, sse, text
from tests.wire.streams import assembled, cut_anywhere, reader
from tests.wire.test_openai_responses import JSON, changed, places, shown

letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
read = reader(RESPONSES, "acme", "acme!m")


@letters
def test_the_events_make_the_turn_of_the_whole_and_the_deltas_say_all_of_it(letter: Letter) -> None:
    deltas, turn = read(sse(*letter.streamed))
    whole = RESPONSES.turn(letter.whole, provider="acme", origin="acme!m")
    assert shown(turn) == shown(whole)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@letters
def test_byte_by_byte_it_is_the_same(letter: Letter) -> None:
    body = sse(*letter.streamed, end="\r\n\r\n")
    deltas, turn = read(*(bytes([byte]) for byte in body))
    assert shown(turn) == shown(read(body)[1])
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_cut_in_any_two_places_it_is_the_same(letter: Letter, data: st.DataObject) -> None:
    body = sse(*letter.streamed)
    assert shown(read(*cut_anywhere(body, data))[1]) == shown(read(body)[1])


@letters
def test_cut_off_at_every_byte_before_the_final_record_is_whole_it_is_interrupted(letter: Letter) -> None:
    body = sse(*letter.streamed).removesuffix(b"\n\n")
    fed = ReplyBody(RESPONSES, "acme")
    for byte in body:
        assert not list(fed.feed(bytes([byte]))) or not fed.is_complete
        with pytest.raises(StreamInterruptedError, match="The answer of acme ended without its final record"):
            list(fed.ending())
    list(fed.feed(b"\n\n"))
    assert fed.is_complete
    assert fed.is_done


@letters
def test_put_together_from_its_events_alone_it_says_the_same(letter: Letter) -> None:
    """For servers that leave the output out of the final record, and for those that end no item either."""
    *events, last = letter.streamed
    short: list[Json] = [*events, {**last, "response": {**last["response"], "output": []}}]
    assert shown(read(sse(*short))[1]) == shown(read(sse(*letter.streamed))[1])
    bare = [one for one in short if not one["type"].endswith(".done")]
    turn = read(sse(*bare))[1]
    assert (turn.message.content, turn.extra.get("reasoning_content", "")) == (letter.text, letter.thought)
    assert [one.arguments for one in turn.message.tool_calls or ()] == [one[2] for one in letter.calls]


@letters
def test_without_deltas_the_ends_of_the_items_say_all(letter: Letter) -> None:
    deltas, _ = read(sse(*(one for one in letter.streamed if not one["type"].endswith(".delta"))))
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


@pytest.mark.parametrize("letter", [one for one in LETTERS.values() if not one.events])
def test_ids_that_change_with_every_event_and_deltas_that_name_nothing_do_not_matter(letter: Letter) -> None:
    changing = [{**one, "item_id": f"x{n}"} if "item_id" in one else one for n, one in enumerate(letter.streamed)]
    nameless = [
        {name: value for name, value in one.items() if name not in ("item_id", "output_index")}
        if one["type"].endswith(".delta")
        else one
        for one in letter.streamed
    ]
    for events in (changing, nameless):
        assert assembled(read(sse(*events))[0]) == (letter.text, letter.thought, letter.calls)


def test_items_that_stream_at_the_same_time_are_told_apart() -> None:
    one, other = call("call_1", "look", '{"at":1}'), call("call_2", "ping", '{"to":2}')
    whole = response(one, other)
    begun, first, second, end = (
        [event for event in events_of(whole) if event.get("output_index") == place] for place in (None, 0, 1, -1)
    )
    mixed = [event for pair in zip(first, second, strict=True) for event in pair]
    deltas, turn = read(sse(*begun[:2], *mixed, *begun[2:], *end))
    assert assembled(deltas)[2] == (("call_1", "look", '{"at":1}'), ("call_2", "ping", '{"to":2}'))
    assert [one.id for one in turn.message.tool_calls or ()] == ["call_1", "call_2"]


def test_an_end_without_a_response_is_an_end() -> None:
    events = events_of(response(message(text("Hi"))))
    for name, reason in (("completed", "stop"), ("incomplete", "unknown")):
        turn = read(sse(*events[:-1], {"type": f"response.{name}"}))[1]
        assert (turn.message.content, turn.stop_reason, turn.extra["response_id"]) == ("Hi", reason, "resp_1")


def test_the_final_record_wins_over_what_came_before_it() -> None:
    events = [*events_of(response(message(text("Hi"))))[:-1], events_of(response(message(text("Hello"))))[-1]]
    assert read(sse(*events))[1].message.content == "Hello"


def test_unknown_events_and_what_comes_after_the_end_are_not_read() -> None:
    events = events_of(response(message(text("Hi"))))
    odd: Json = {"type": "response.telepathy.delta", "delta": 7, "item": 7, "response": 7}
    assert (
        read(sse(odd, *events, {"type": "error", "message": "late"}) + b"data: {broken\n\n")[1].message.content == "Hi"
    )


def test_a_reply_that_is_no_stream_is_read_as_one() -> None:
    letter = LETTERS["reasoning and calls by turns"]
    body = ReplyBody(RESPONSES, "acme", None, "acme!m")
    list(body.feed(json_of(letter.whole)))
    *deltas, turn = body.ending()
    assert isinstance(turn, ModelTurn)
    assert assembled(deltas) == (letter.text, letter.thought, letter.calls)


def json_of(value: Json) -> bytes:
    return sse({**value, "type": "x"}).split(b"data: ")[1]


# What breaks off.


@pytest.mark.parametrize(
    ("event", "kind", "said"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down."}, RateLimitedError, "Slow down"),
        ({"type": "error", "error": {"type": "server_error", "message": "Oh."}}, ServerFaultError, "Oh"),
        (
            {
                "type": "response.failed",
                "response": response(status="failed", error={"code": "server_error", "message": "No."}),
            },
            ServerFaultError,
            "No",
        ),
        (
            {
                "type": "response.failed",
                "response": response(status="failed", error={"code": "invalid_image_url", "message": "Bad."}),
            },
            InvalidError,
            "Bad",
        ),
        ({"type": "response.failed", "response": None}, ServerFaultError, "no reason given"),
        ({"type": "response.cancelled", "response": response(status="cancelled")}, ServerFaultError, "no reason"),
        ({"error": {"code": 500, "message": "context shift is disabled"}}, ServerFaultError, "context shift"),
    ],
)
def test_a_failure_is_the_error_that_it_stands_for(event: Json, kind: type[ProviderError], said: str) -> None:
    begun = sse(*events_of(response(message(text("Hi hush-hush"))))[:4])
    with pytest.raises(kind, match=f"acme broke off its answer: {said}") as caught:
        read(begun, b"data: " + sse({"type": "x", **event}).split(b"data: ")[1])
    assert "hush-hush" not in (caught.value.body or "")


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ([], "it is not a JSON object"),
        ({"object": "chat.completion.chunk", "choices": []}, "it has no type"),
        ({"type": "response.output_text.delta", "delta": 7, "hush-hush": 1}, "its delta is no text"),
        ({"type": "response.output_item.added"}, "it holds no item"),
        ({"type": "response.completed", "response": 7}, "its response is no object"),
        (
            {"type": "response.output_item.done", "item": message({"type": "output_text", "text": 7})},
            "a text in it is none",
        ),
    ],
)
def test_what_is_no_event_is_said_to_be_none(event: Any, problem: str) -> None:
    stream = RESPONSES.stream("acme", "hush-hush", "")
    with pytest.raises(InvalidError, match=f"A chunk from acme is no event of a response: {problem}") as caught:
        stream.feed(event)
    assert "hush-hush" not in (caught.value.body or "")


@given(st.sampled_from(list(LETTERS.values())), JSON, st.data())
def test_any_value_anywhere_is_a_turn_or_an_error_of_ours(letter: Letter, value: Any, data: st.DataObject) -> None:
    events = letter.streamed
    broken = changed(events, data.draw(st.sampled_from(list(places(events)))), value)
    stream = RESPONSES.stream("acme", None, "acme!m")
    try:
        for event in broken:
            stream.feed(event)
        *_, turn = stream.ending()
        assert isinstance(turn, ModelTurn)
    except ProviderError:
        pass


@given(st.lists(st.sampled_from([one for letter in LETTERS.values() for one in letter.streamed]), max_size=20))
def test_events_in_any_order_are_a_turn_or_an_error_of_ours(events: list[Json]) -> None:
    stream = RESPONSES.stream("acme", None, "acme!m")
    try:
        for event in events:
            stream.feed(event)
        *_, turn = stream.ending()
        assert isinstance(turn, ModelTurn)
    except ProviderError:
        pass


def test_a_summary_after_a_text_of_its_own_stands_apart() -> None:
    whole = response(reasoning("a", content=[{"type": "reasoning_text", "text": "b"}]), message(text("c")))
    deltas, turn = read(sse(*events_of(whole)))
    assert turn.extra["reasoning_content"] == "a\n\nb" == assembled(deltas)[1]
