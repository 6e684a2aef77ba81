"""Letters of Ollama, cut at every place: the same turn for any split, and none before the record that is done."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError, ProviderError, StreamInterruptedError
from rigging_py.message import Message, ReasoningDelta, TextDelta, ToolCallDelta
from rigging_py.wire import OLLAMA, ReplyBody
from tests.wire.gemini_letters import harmed
from tests.wire.ollama_letters import ENDED, LETTERS, Letter, lines, record
from tests.wire.streams import cut_anywhere, reader, shown

letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
read = reader(OLLAMA, "acme", "ollama!m")


def expected(letter: Letter) -> tuple[Any, ...]:
    return letter.text, letter.thought, letter.calls, letter.reason


@letters
def test_a_letter_is_the_turn_it_stands_for_and_its_deltas_make_it(letter: Letter) -> None:
    deltas, turn = read(letter.body)
    assert shown(turn) == expected(letter)
    assert turn.usage == letter.usage
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == letter.text
    assert "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)) == letter.thought
    called = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert called == [ToolCallDelta(index, *call) for index, call in enumerate(letter.calls)]


@letters
def test_byte_by_byte_and_in_one_piece_without_a_stream_it_is_the_same(letter: Letter) -> None:
    _, whole = read(letter.body)
    _, by_bytes = read(*(bytes([byte]) for byte in letter.body))
    again = OLLAMA.turn(letter.whole, origin="ollama!m")
    assert shown(by_bytes) == shown(whole) == shown(again) == shown(read(lines(letter.whole))[1])
    assert by_bytes.message.content_parts == whole.message.content_parts == again.message.content_parts


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_cut_in_any_two_places_it_is_the_same(letter: Letter, data: st.DataObject) -> None:
    assert shown(read(*cut_anywhere(letter.body, data))[1]) == expected(letter)


@letters
def test_cut_off_at_every_byte_it_is_interrupted_unless_the_last_record_is_whole(letter: Letter) -> None:
    # The line end after the last record says nothing more.
    for place in range(len(letter.body) - 1):
        with pytest.raises(StreamInterruptedError, match="ended without its final record"):
            read(letter.body[:place])
    assert shown(read(letter.body[:-1])[1]) == expected(letter)


def test_the_record_that_is_done_is_the_end_and_what_follows_is_not_read() -> None:
    body = ReplyBody(OLLAMA)
    list(body.feed(lines(record("a", **ENDED))))
    assert (body.is_done, body.is_complete) == (True, True)
    assert read(lines(record("a", **ENDED)) + b"{broken\n")[1].message.content == "a"


def test_probabilities_come_in_pieces() -> None:
    _, turn = read(lines(record("a", logprobs=[{"token": "a"}]), record("b", logprobs=[{"token": "b"}], **ENDED)))
    assert turn.extra["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}]}


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ('{"error":"an error was encountered while running the model: hush-hush"}', "ServerFault"),
        ('{"error":{"message":"slow hush-hush","code":429}}', "RateLimited"),
    ],
)
def test_an_error_in_a_stream_is_of_its_kind(error: str, kind: str, end: str) -> None:
    with pytest.raises(ProviderError, match="acme broke off its answer") as raised:
        read(lines(record("Hel")) + f"{error}{end}".encode())
    assert raised.value.kind == kind
    assert "hush" not in f"{raised.value}{raised.value.body}"


@pytest.mark.parametrize("line", ["[]", "7", '"hush-hush"', "{broken hush-hush", '{"message": "hi"}'])
def test_a_line_that_is_no_record_is_shown_without_the_key(line: str) -> None:
    with pytest.raises(InvalidError, match="A chunk from acme is not") as raised:
        read(f"{line}\n".encode())
    assert raised.value.body
    assert "hush" not in raised.value.body


@pytest.mark.parametrize(
    "line", ["", " ", "{}", '{"message": null}', '{"message": {}}', '{"message": {"content": ""}}']
)
def test_a_line_that_says_nothing_adds_nothing(line: str) -> None:
    assert shown(read(f"{line}\r\n".encode() + lines(record("a", **ENDED)))[1]) == ("a", "", (), "stop")


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_any_json_anywhere_in_a_stream_is_an_answer_or_a_provider_error(letter: Letter, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(letter.records) - 1))
    records = [data.draw(harmed(one)) if at == place else one for at, one in enumerate(letter.records)]
    try:
        _, turn = read(lines(*records))
    except ProviderError:
        return
    assert isinstance(turn.message, Message)
