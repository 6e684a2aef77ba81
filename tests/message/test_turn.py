"""A turn is what a model answered, with the facts about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.message import FunctionCall, GeneratedText, ModelTurn, ToolCall, Usage, to_stop_reason

COUNTS = st.integers(0)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    total_tokens=COUNTS,
    cached_tokens=st.none() | COUNTS,
    reasoning_tokens=st.none() | COUNTS,
    searches=COUNTS,
)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("refusal", "content_filter"),
        ("sensitive", "content_filter"),
        ("stop_sequence", "stop"),
        ("eos_token", "stop"),
        ("function_call", "tool_calls"),
        ("tool_calls", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("STOP", "stop"),
        ("whatever", "unknown"),
        (None, "unknown"),
        (3, "unknown"),
    ],
)
def test_the_words_of_providers_are_put_in_ours(raw: object, reason: str) -> None:
    assert to_stop_reason(raw) == reason


@given(USAGES, USAGES)
def test_usage_adds_up(left: Usage, right: Usage) -> None:
    total = left + right
    assert total.input_tokens == left.input_tokens + right.input_tokens
    assert total.output_tokens == left.output_tokens + right.output_tokens
    assert total.total_tokens == left.total_tokens + right.total_tokens
    assert left + None == left
    assert total.cached_tokens == (
        None
        if left.cached_tokens is right.cached_tokens is None
        else (left.cached_tokens or 0) + (right.cached_tokens or 0)
    )


@given(USAGES, USAGES, USAGES)
def test_in_whatever_order_usage_is_added_the_sum_is_the_same(one: Usage, two: Usage, three: Usage) -> None:
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one


def test_what_only_one_provider_counts_is_in_the_sum_too() -> None:
    left = Usage.model_validate({"input_tokens": 3, "cached_tokens": 2, "searches": 1, "tier": "flex", "batched": True})
    right = Usage.model_validate({"input_tokens": 4, "reasoning_tokens": 5, "searches": 2, "seconds": 0.5})
    assert (left + right).model_dump() == {
        "input_tokens": 7,
        "output_tokens": 0,
        "total_tokens": 0,
        "cost": None,
        "cached_tokens": 2,
        "reasoning_tokens": 5,
        "searches": 3,
        "seconds": 0.5,
    }


def test_what_was_not_counted_is_not_written_down() -> None:
    assert Usage(audio_tokens=0).model_dump(mode="json", exclude={"cost"}) == {
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "audio_tokens": 0,
    }
    assert "cached" not in Usage(cache_write_tokens=None).model_dump_json()


def test_usage_keeps_what_else_a_provider_counts() -> None:
    usage = Usage.model_validate({"input_tokens": 1, "cached_tokens": 5})
    assert usage.model_dump()["cached_tokens"] == 5
    assert str(Usage(input_tokens=1, output_tokens=2, total_tokens=3)) == "1 in + 2 out = 3 tokens"


def test_a_turn_that_only_says_something_has_stopped() -> None:
    turn = ModelTurn.from_text("hi")
    assert (turn.message.role, turn.message.content, turn.stop_reason) == ("assistant", "hi", "stop")
    assert ModelTurn.of("hi").stop_reason == "stop"


def test_a_turn_that_asks_for_tools_has_stopped_for_them() -> None:
    call = ToolCall(id="1", function=FunctionCall(name="f"))
    turn = ModelTurn.of(tool_calls=[call])
    assert (turn.message.tool_calls, turn.stop_reason) == ([call], "tool_calls")
    assert ModelTurn.of("hi").message.tool_calls is None


def test_a_text_becomes_a_message_with_the_same_facts() -> None:
    usage = Usage(input_tokens=1)
    turn = GeneratedText("hi", "length", usage, {"id": 1}).to_generated_message()
    assert (turn.message.content, turn.stop_reason, turn.usage, turn.extra) == ("hi", "length", usage, {"id": 1})
    assert GeneratedText.from_text("hi").stop_reason == "stop"


def test_a_call_is_printed_as_it_would_be_written() -> None:
    call = ToolCall(function=FunctionCall(name="add", arguments='{"a": 1}'))
    assert (call.name, call.arguments, str(call)) == ("add", '{"a": 1}', 'add({"a": 1})')
