"""A streamed turn put together: the same whole however it was cut, and nothing that must not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rigging_py.message import Delta, ModelTurn, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from rigging_py.run import (
    AgentRun,
    Answer,
    CallModel,
    Fail,
    FailureRecord,
    PartialStreamedTurn,
    Program,
    ProviderFailure,
    Repair,
    ResolveToolCall,
    StreamedArguments,
    StreamedInvalidToolCall,
    StreamedReasoning,
    StreamedResolution,
    StreamedText,
    StreamedToolCall,
    StreamedTurn,
    StreamedTurnAssembler,
    StreamedTurnEvent,
    StreamedUsage,
)
from tests.run.kit import ADD, FREE, TOOLS, asking, call, tokens

ONLY_LOOK = Program(TOOLS, allowed=frozenset({"look"}))


def fed(*deltas: Delta, program: Program | None = FREE) -> tuple[StreamedTurnAssembler, list[StreamedTurnEvent]]:
    assembler = StreamedTurnAssembler(program)
    return assembler, [event for delta in deltas for event in assembler.feed(delta)]


def joined(events: Sequence[StreamedTurnEvent]) -> list[StreamedTurnEvent]:
    """The events with those that go on with the same thing put together."""
    whole: list[StreamedTurnEvent] = []
    for event in events:
        match (whole[-1] if whole else None, event):
            case (StreamedText(before), StreamedText(more)):
                whole[-1] = StreamedText(before + more)
            case (StreamedReasoning(before), StreamedReasoning(more)):
                whole[-1] = StreamedReasoning(before + more)
            case (StreamedArguments(index, before), StreamedArguments(same, more)) if index == same:
                whole[-1] = StreamedArguments(index, before + more)
            case _:
                whole.append(event)
    return whole


def cut(text: str, cuts: Sequence[int]) -> Iterator[str]:
    """The text in pieces, some of them empty."""
    places = sorted(place % (len(text) + 1) for place in cuts)
    for begin, end in zip([0, *places], [*places, len(text)], strict=True):
        yield text[begin:end]


def deltas_of(turn: ModelTurn, cuts: Sequence[int]) -> list[Delta]:
    """A turn as it streams: its reasoning, its text, its calls one after the other, and itself."""
    deltas: list[Delta] = [ReasoningDelta(piece) for piece in cut(str(turn.extra.get("reasoning_content", "")), cuts)]
    deltas += [TextDelta(piece) for piece in cut(turn.message.content, cuts)]
    for index, one in enumerate(turn.message.tool_calls or ()):
        deltas.append(ToolCallDelta(index, one.id, one.name))
        deltas += [ToolCallDelta(index, arguments=piece) for piece in cut(one.arguments, cuts)]
    return [*deltas, turn]


TURN = replace(
    asking(call("look", '{"at": "ü𝟜"}', id="c1"), call("add", ADD), call("look"), text="One moment,\n  please."),
    usage=tokens(3, 2),
    extra={"reasoning_content": "Look first, then add."},
)


# Each event.


def test_text_and_reasoning_come_out_as_they_come_in_and_empty_pieces_do_not() -> None:
    _, events = fed(ReasoningDelta("Hm"), ReasoningDelta(""), TextDelta(""), TextDelta("4"), ReasoningDelta("!"))
    assert events == [StreamedReasoning("Hm"), StreamedText("4"), StreamedReasoning("!")]


def test_a_call_comes_out_with_its_name_and_then_its_arguments() -> None:
    _, events = fed(ToolCallDelta(0, "c1", "add", '{"a"'), ToolCallDelta(0, arguments=": 1}"))
    assert events == [StreamedToolCall(0, "add"), StreamedArguments(0, '{"a"'), StreamedArguments(0, ": 1}")]


def test_arguments_that_come_before_the_name_wait_for_it() -> None:
    _, events = fed(ToolCallDelta(0, arguments='{"a"'), ToolCallDelta(0, arguments=": 1"), ToolCallDelta(0, name="add"))
    assert events == [StreamedToolCall(0, "add"), StreamedArguments(0, '{"a": 1')]


def test_calls_that_come_interleaved_are_kept_apart() -> None:
    _, events = fed(
        ToolCallDelta(0, name="look"), ToolCallDelta(1, name="add", arguments="{"), ToolCallDelta(0, arguments="{}")
    )
    assert events == [
        StreamedToolCall(0, "look"),
        StreamedToolCall(1, "add"),
        StreamedArguments(1, "{"),
        StreamedArguments(0, "{}"),
    ]


def test_usage_comes_with_the_whole_turn_and_last() -> None:
    _, events = fed(TextDelta("4"), ModelTurn.from_text("42", usage=tokens(3, 2)))
    assert events == [StreamedText("4"), StreamedText("2"), StreamedUsage(tokens(3, 2))]


def test_a_turn_without_pieces_tells_all_of_it_in_order() -> None:
    assembler, events = fed(TURN)
    assert events == [
        StreamedReasoning("Look first, then add."),
        StreamedText("One moment,\n  please."),
        StreamedToolCall(0, "look"),
        StreamedArguments(0, '{"at": "ü𝟜"}'),
        StreamedToolCall(1, "add"),
        StreamedArguments(1, ADD),
        StreamedToolCall(2, "look"),
        StreamedArguments(2, "{}"),
        StreamedUsage(tokens(3, 2)),
    ]
    assert assembler.finish() == StreamedTurn(TURN)


def test_the_whole_turn_is_what_the_stream_ended_with_and_nothing_made_of_its_pieces() -> None:
    assembler, _ = fed(*deltas_of(TURN, [2]))
    whole = assembler.finish()
    assert isinstance(whole, StreamedTurn)
    assert whole.turn is TURN
    assert not whole.is_revised


# Any split.


@given(st.lists(st.integers(0, 99), max_size=9))
def test_however_a_turn_is_cut_its_words_and_the_whole_are_the_same(cuts: list[int]) -> None:
    assembler, events = fed(*deltas_of(TURN, cuts))
    assert joined(events) == fed(TURN)[1]
    assert assembler.finish() == StreamedTurn(TURN)


@given(st.lists(st.integers(0, 99), max_size=4), st.integers(0, 99))
def test_wherever_the_whole_turn_comes_it_tells_what_had_not_come(cuts: list[int], place: int) -> None:
    *pieces, whole = deltas_of(TURN, cuts)
    assembler, events = fed(*pieces[: place % (len(pieces) + 1)], whole)
    assert sorted(map(repr, joined(events))) == sorted(map(repr, fed(TURN)[1]))
    assert assembler.finish() == StreamedTurn(TURN)


@given(st.lists(st.integers(0, 99), max_size=9), st.integers(0, 99))
def test_a_stream_that_is_cut_off_keeps_what_came_and_is_no_turn(cuts: list[int], place: int) -> None:
    *pieces, _ = deltas_of(TURN, cuts)
    kept = pieces[: place % (len(pieces) + 1)]
    assembler, _ = fed(*kept)
    partial = assembler.finish()
    assert isinstance(partial, PartialStreamedTurn)
    assert partial.text == "".join(delta.text for delta in kept if isinstance(delta, TextDelta))
    assert partial.reasoning == "".join(delta.text for delta in kept if isinstance(delta, ReasoningDelta))
    calls = [delta for delta in kept if isinstance(delta, ToolCallDelta)]
    assert len(partial.calls) == len({delta.index for delta in calls})
    assert "".join(arguments for _, arguments in partial.calls) == "".join(delta.arguments for delta in calls)


def test_what_came_of_a_stream_that_was_cut_off_is_kept_by_the_run_that_failed() -> None:
    assembler, _ = fed(TextDelta("so f"), ReasoningDelta("hm"), ToolCallDelta(1, name="nope", arguments='{"a'))
    partial = assembler.finish()
    assert partial == PartialStreamedTurn("so f", "hm", (("nope", '{"a'),))
    run = AgentRun("How many?", program=FREE)
    run.next_step()
    assert isinstance(partial, PartialStreamedTurn)
    run.model_failed(FailureRecord("Interrupted", "gone", partial=partial))
    cause = AgentRun.load(run.dump()).next_step()
    assert getattr(cause, "cause", None) == ProviderFailure(FailureRecord("Interrupted", "gone", partial=partial))


def test_a_thousand_pieces_cost_no_more_each_than_ten() -> None:
    # The joins of every piece that came would have 10^10 characters, and this would not end.
    assembler = StreamedTurnAssembler(FREE)
    for _ in range(100_000):
        assembler.feed(TextDelta("x"))
        assembler.feed(ToolCallDelta(0, name="look", arguments="y"))
    assert assembler.finish() == PartialStreamedTurn("x" * 100_000, "", (("look", "y" * 100_000),))


# The end.


@pytest.mark.parametrize("late", [TextDelta("more"), ReasoningDelta("hm"), ToolCallDelta(0, name="add"), TURN])
def test_nothing_comes_after_the_whole_turn(late: Delta) -> None:
    assembler, _ = fed(TURN)
    with pytest.raises(ValueError, match="whole already"):
        assembler.feed(late)
    assert assembler.finish() == StreamedTurn(TURN)


@pytest.mark.parametrize(
    "deltas",
    [
        [TextDelta("43"), ModelTurn.from_text("42")],
        [TextDelta("42"), ModelTurn.from_text("")],
        [ToolCallDelta(0, name="add"), asking(call("look"))],
        [ToolCallDelta(0, name="look", arguments="{'"), asking(call("look"))],
        [ToolCallDelta(0, name="look"), ModelTurn.from_text("42")],
        [ReasoningDelta("Hm"), replace(ModelTurn.from_text("42"), extra={"reasoning_content": "Aha"})],
    ],
)
def test_a_whole_turn_that_is_not_what_had_come_is_marked_and_is_what_counts(deltas: list[Delta]) -> None:
    assembler, _ = fed(*deltas)
    whole = assembler.finish()
    assert isinstance(whole, StreamedTurn)
    assert whole.is_revised
    assert whole.turn is deltas[-1]


def test_reasoning_that_the_whole_turn_does_not_say_again_is_no_revision() -> None:
    assembler, _ = fed(ReasoningDelta("Hm"), turn := ModelTurn.from_text("42"))
    assert assembler.finish() == StreamedTurn(turn)


# Calls that may not be.


@given(st.lists(st.integers(0, 99), max_size=6), st.sampled_from(["nope", "add"]), st.booleans())
def test_what_a_call_of_a_tool_that_may_not_be_called_says_never_comes_out(
    cuts: list[int], name: str, named_last: bool
) -> None:
    turn = asking(call("look"), call(name, '{"a": "secret"}'))
    deltas = deltas_of(turn, cuts)
    if named_last:
        named = next(delta for delta in deltas if isinstance(delta, ToolCallDelta) and delta.name == name)
        deltas.remove(named)
        deltas.insert(-1, named)
    assembler, events = fed(*deltas, program=ONLY_LOOK)
    assert "secret" not in repr(events)
    [held] = [event for event in events if isinstance(event, StreamedInvalidToolCall)]
    assert (held.index, held.name) == (1, name)
    assert held.problem.kind == ("not_allowed" if name == "add" else "unknown")
    assert assembler.finish() == StreamedTurn(turn)


def test_without_a_program_every_tool_may_be_called() -> None:
    _, events = fed(ToolCallDelta(0, name="nope", arguments="{}"), program=None)
    assert events == [StreamedToolCall(0, "nope"), StreamedArguments(0, "{}")]


def test_a_repaired_call_comes_out_under_its_new_name_with_what_had_come_and_what_comes() -> None:
    assembler, _ = fed(ToolCallDelta(0, name="plus", arguments='{"a"'))
    assert assembler.resolve(0, Repair("add")) == [StreamedToolCall(0, "add"), StreamedArguments(0, '{"a"')]
    assert assembler.feed(ToolCallDelta(0, arguments=": 1}")) == [StreamedArguments(0, ": 1}")]
    assembler.feed(turn := asking(call("plus", '{"a": 1}')))
    assert assembler.finish() == StreamedTurn(turn, (StreamedResolution(0, Repair("add")),))


def test_a_call_whose_arguments_are_repaired_too_comes_out_with_these_alone() -> None:
    assembler, _ = fed(ToolCallDelta(0, name="plus", arguments='{"a"'))
    events = assembler.resolve(0, Repair("add", {"a": 40, "b": 2}))
    assert events == [StreamedToolCall(0, "add"), StreamedArguments(0, '{"a":40,"b":2}')]
    assert assembler.feed(ToolCallDelta(0, arguments=": 1}")) == []
    assert assembler.feed(asking(call("plus", '{"a": 1}'))) == []


@pytest.mark.parametrize("repair", [Repair("nada"), Repair(arguments={})])
def test_a_repair_to_a_tool_that_may_not_be_called_settles_nothing(repair: Repair) -> None:
    assembler, _ = fed(ToolCallDelta(0, name="plus", arguments="{}"))
    [event] = assembler.resolve(0, repair)
    assert isinstance(event, StreamedInvalidToolCall)
    assert assembler.resolve(0, Repair("look")) == [StreamedToolCall(0, "look"), StreamedArguments(0, "{}")]


@pytest.mark.parametrize("resolution", [Answer("There is none."), Fail()])
def test_another_resolution_is_kept_for_the_machine_and_lets_nothing_out(resolution: Answer | Fail) -> None:
    assembler, _ = fed(ToolCallDelta(0, name="nope", arguments="{}"))
    assert assembler.resolve(0, resolution) == []
    with pytest.raises(ValueError, match="0 is not one that is held back"):
        assembler.resolve(0, Repair("look"))
    assembler.feed(turn := asking(call("nope")))
    assert assembler.finish() == StreamedTurn(turn, (StreamedResolution(0, resolution),))


def test_only_a_call_that_is_held_back_can_be_resolved() -> None:
    assembler, _ = fed(ToolCallDelta(0, name="look"))
    for index in (0, 7):
        with pytest.raises(ValueError, match=f"{index} is not one that is held back"):
            assembler.resolve(index, Answer("no"))


def test_a_streamed_turn_and_its_resolutions_drive_a_run_as_one_that_did_not_stream() -> None:
    assembler, _ = fed(ToolCallDelta(0, name="plus", arguments=ADD))
    assembler.resolve(0, Repair("add"))
    assembler.feed(asking(call("plus", ADD)))
    whole = assembler.finish()
    assert isinstance(whole, StreamedTurn)
    run = AgentRun("How many?", program=FREE)
    assert isinstance(run.next_step(), CallModel)
    run.model_response(whole.turn)
    step = run.next_step()
    assert isinstance(step, ResolveToolCall)
    [asked] = whole.resolutions
    assert step.call.key == f"run/1/{asked.index}"
    run.resolve_tool_call(asked.resolution)
    assert run.usage == Usage()
