"""A turn is what a model answered, with the facts about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.message import FunctionCall, GeneratedText, ModelTurn, ToolCall, Usage, to_stop_reason

USAGES = st.builds(Usage, input_tokens=st.integers(0), output_tokens=st.integers(0), total_tokens=st.integers(0))


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
