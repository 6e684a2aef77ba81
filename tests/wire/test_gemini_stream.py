"""Letters of the Gemini API, cut at every place: the same turn for any split, and none before the finish reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.error import InvalidError, ProviderError, RefusedError, StreamInterruptedError
from rigging_py.message import GenerateParams, Message, ReasoningDelta, TextDelta, ToolCallDelta
from rigging_py.wire import GEMINI, ReplyBody
from tests.wire.gemini_letters import LETTERS, Letter, chunk, harmed, said, sse
from tests.wire.streams import cut_anywhere, reader, shown

ORIGIN = "gemini!m"
letters = pytest.mark.parametrize("letter", list(LETTERS.values()), ids=list(LETTERS))
read = reader(GEMINI, "acme", ORIGIN)


def expected(letter: Letter) -> tuple[Any, ...]:
    return letter.text, letter.thought, letter.calls, letter.reason


def back(message: Message) -> list[dict[str, Any]]:
    sent = GEMINI.request("m", [message], GenerateParams(), origin=ORIGIN)["contents"]
    return sent[0]["parts"] if sent else []


@letters
def test_a_letter_is_the_turn_it_stands_for_and_its_deltas_make_it(letter: Letter) -> None:
    deltas, turn = read(letter.body)
    assert shown(turn) == expected(letter)
    assert turn.usage == letter.usage
    assert back(turn.message) == letter.back
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert text == (letter.text if letter.streamed is None else letter.streamed)
    assert "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta)) == letter.thought
    called = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert called == [ToolCallDelta(index, *call) for index, call in enumerate(letter.calls)]


@letters
def test_byte_by_byte_and_in_one_piece_without_a_stream_it_is_the_same(letter: Letter) -> None:
    _, whole = read(letter.body)
    _, by_bytes = read(*(bytes([byte]) for byte in letter.body))
    again = GEMINI.turn(letter.whole, origin=ORIGIN)
    assert shown(by_bytes) == shown(whole) == shown(again)
    assert by_bytes.message.content_parts == whole.message.content_parts == again.message.content_parts


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_cut_in_any_two_places_it_is_the_same(letter: Letter, data: st.DataObject) -> None:
    assert shown(read(*cut_anywhere(letter.body, data))[1]) == expected(letter)


@letters
def test_cut_off_at_every_byte_before_the_finish_reason_it_is_interrupted(letter: Letter) -> None:
    fed = ReplyBody(GEMINI, "acme")
    for place, byte in enumerate(letter.until_final):
        with pytest.raises(StreamInterruptedError, match="ended without its finish reason"):
            list(fed.ending())
        assert not fed.is_complete, f"a cut after {place} bytes passes for an answer"
        list(fed.feed(bytes([byte])))
    assert fed.is_complete


@letters
def test_cut_off_after_it_the_answer_is_whole_and_only_counts_may_be_missing(letter: Letter) -> None:
    after = letter.body[len(letter.until_final) :]
    for place in range(len(after) + 1):
        assert shown(read(letter.until_final, after[:place])[1]) == expected(letter)


def test_a_server_that_goes_on_after_its_finish_reason_ends_by_another() -> None:
    going_on = sse(chunk(said("a"), reason="STOP"), chunk(said("b")))
    with pytest.raises(StreamInterruptedError):
        read(going_on)
    _, turn = read(going_on + sse(chunk(said(""), reason="MAX_TOKENS")))
    assert (turn.message.content, turn.stop_reason) == ("ab", "length")


def test_probabilities_come_in_pieces() -> None:
    chosen = [{"token": one, "logProbability": -0.5} for one in ("a", "b")]
    pieces = [chunk(said(str(one["token"])), logprobsResult={"chosenCandidates": [one]}) for one in chosen]
    _, turn = read(sse(*pieces, chunk(reason="STOP")))
    assert [(one["token"], one["logprob"]) for one in turn.extra["logprobs"]["content"]] == [("a", -0.5), ("b", -0.5)]


def test_a_prompt_that_was_blocked_is_refused() -> None:
    with pytest.raises(RefusedError, match="acme blocked the prompt"):
        read(sse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}))


def test_an_answer_that_failed_before_it_began_is_the_server_s_fault() -> None:
    with pytest.raises(ProviderError, match="UNEXPECTED_TOOL_CALL") as raised:
        read(sse(chunk(reason="UNEXPECTED_TOOL_CALL")))
    assert raised.value.kind == "ServerFault"


ERROR = b'{"error": {"code": 429, "message": "slow hush-hush", "status": "RESOURCE_EXHAUSTED", "details": [%s]}}'
WAIT = ERROR % b'{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}'


@pytest.mark.parametrize(
    "sent",
    [
        sse(chunk(said("Hel"))) + b"data: " + WAIT + b"\r\n\r\n",
        WAIT,
        b"[" + WAIT + b"\n]",
        b"data: [" + WAIT + b"]\n\n",
    ],
)
def test_an_error_in_a_stream_is_of_its_kind_alone_or_in_a_list(sent: bytes) -> None:
    for pieces in ([sent], [bytes([byte]) for byte in sent]):
        with pytest.raises(ProviderError, match="acme broke off its answer: slow") as raised:
            read(*pieces)
        assert (raised.value.kind, raised.value.status, raised.value.retry_after) == ("RateLimited", 429, 3.0)
        assert "hush" not in f"{raised.value}{raised.value.body}"


@pytest.mark.parametrize("data", ["[]", "7", '"hush-hush"', "{broken", '{"candidates": {}}', '{"candidates": ["hi"]}'])
def test_a_chunk_that_is_none_is_shown_without_the_key(data: str) -> None:
    with pytest.raises(InvalidError, match="A chunk from acme is not") as raised:
        read(f"data: {data}\n\n".encode())
    assert raised.value.body
    assert "hush" not in raised.value.body


@pytest.mark.parametrize("data", [{}, {"candidates": None}, {"candidates": []}, {"promptFeedback": {}}, chunk()])
def test_a_chunk_that_says_nothing_adds_nothing(data: Any) -> None:
    assert shown(read(sse(data, chunk(said("a"), reason="STOP")))[1]) == ("a", "", (), "stop")


@given(st.sampled_from(list(LETTERS.values())), st.data())
def test_any_json_anywhere_in_a_stream_is_an_answer_or_a_provider_error(letter: Letter, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(letter.chunks) - 1))
    chunks = [data.draw(harmed(one)) if at == place else one for at, one in enumerate(letter.chunks)]
    try:
        _, turn = read(sse(*chunks, *letter.after))
    except ProviderError:
        return
    assert isinstance(turn.message, Message)
