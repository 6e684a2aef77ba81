"""How a model is called for a run: what it is sent, how its answer is read, and what it says while that streams."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from rigging_py.chat.events import Tell, TurnDiscarded
from rigging_py.error import PipelineWarning, StreamInterruptedError
from rigging_py.message import (
    Delta,
    GenerateParams,
    Message,
    ModelTurn,
    TextDelta,
    ToolDefinition,
    inject_system_content,
)
from rigging_py.observe import DeltaDetail, EditTurn, ModelCallDetail
from rigging_py.run import CallModel, PartialStreamedTurn, StreamedText, StreamedTurnAssembler, StreamedTurnEvent
from rigging_py.tools import ToolMode

if TYPE_CHECKING:
    from rigging_py.chat.description import Description
    from rigging_py.chat.flight import Flight
    from rigging_py.tools.codecs import ToolCodec

CONTINUE = "Your answer was cut off. Go on exactly where it ends, and repeat nothing of it."
REVISED = "The whole answer is not what its pieces were."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call of a model as it is made.

    `codec` reads the calls of `tools` out of the answer's text, where the model knows no tool calling; `edits` are what
    hooks do to the turn.
    """

    step: CallModel
    messages: Sequence[Message]
    params: GenerateParams
    edits: tuple[EditTurn, ...] = ()
    codec: ToolCodec | None = None
    tools: Sequence[ToolDefinition] = ()

    def detail(self, flight: Flight) -> ModelCallDetail:
        """The call, for those who are told of it."""
        generator_id = flight.pipeline.generator_id
        return ModelCallDetail(flight.run.run_id, self.step, self.messages, self.params, generator_id)

    def read(self, turn: ModelTurn) -> ModelTurn:
        """The turn with its tool calls, in whatever form the model made them."""
        return turn if self.codec is None else self.codec.decode(turn, self.tools)


async def outgoing(flight: Flight, step: CallModel) -> Outgoing:
    """The call that a step asks for, as the hooks leave it."""
    pipeline, messages = flight.pipeline, step.messages
    if step.prefix:
        # Not every model goes on from words of its own, so all are told to.
        messages = (*messages, Message.of("assistant", step.prefix), Message.of("user", CONTINUE))
    if pipeline.instruction and await _must_be_told(pipeline, is_new=step.turn == 1):
        messages = tuple(inject_system_content(messages, pipeline.instruction))
    call = Outgoing(step, messages, _params_for(flight, step))
    if flight.seam.before_model_call:
        own = tuple(message.shell() for message in messages)
        detail, edits = await flight.seam.patched(
            replace(call, step=replace(step, messages=own), messages=own).detail(flight)
        )
        call = replace(call, messages=detail.messages, params=detail.params, edits=edits)
    return await _in_words(pipeline, call) if call.params.tools else call


async def _in_words(pipeline: Description, call: Outgoing) -> Outgoing:
    """The call with its tools described in the conversation, where the model cannot be sent them as such."""
    mode: ToolMode = pipeline.tool_mode
    if mode == "auto":
        mode = "api" if await pipeline.generator.supports_function_calling() else "json-in-xml"
    if mode == "api":
        return call
    # Most models know tool calling, and need none of it.
    from rigging_py.tools.codecs import codec_of_mode

    codec = codec_of_mode(mode, add_stop_token=pipeline.add_tool_stop_token)
    messages, params = codec.encode(call.messages, call.params)
    return replace(call, messages=messages, params=params, codec=codec, tools=call.params.tools or ())


async def _must_be_told(pipeline: Description, *, is_new: bool) -> bool:
    """Whether the form of the answer has to be asked for in words; in a new run, with a notice where it should not."""
    mode = pipeline.output.mode if pipeline.output is not None else "xml"
    if mode != "native" or await pipeline.generator.supports_json_schema():
        return mode == "prompted"
    if is_new:
        name = type(pipeline.generator).__name__
        warnings.warn(f"{name} cannot enforce JSON, so it is asked for in words.", PipelineWarning, stacklevel=2)
    return True


def _params_for(flight: Flight, step: CallModel) -> GenerateParams:
    """The parameters of a call. A forced choice of tool holds for the first turn, or the run would never end."""
    params = flight.params
    updates: dict[str, Any] = {"output": step.output} if step.output is not None else {}
    is_forced = params.tool_choice not in (None, "auto", "none")
    if is_forced and flight.run.tool_turns and flight.pipeline.program.output_tool is None:
        updates["tool_choice"] = "auto"
    if step.overrides is not None:
        updates["max_tokens"] = max(step.overrides.max_tokens, params.max_tokens or 0)
    return params.having(**updates) if updates else params


async def streamed(flight: Flight, call: Outgoing, tell: Tell) -> ModelTurn:
    """The answer, told as it comes. Raises `StreamInterruptedError` for less than a whole turn, which is kept."""
    flight.partial = None
    assembler, generator = StreamedTurnAssembler(flight.pipeline.program), flight.pipeline.generator
    deltas = cast("AsyncGenerator[Delta, None]", generator.stream_message(call.messages, call.params))
    try:
        async with _closing(deltas), aclosing(_read(deltas, call)) as read:
            async for delta in read:
                for event in assembler.feed(delta):
                    await _show(flight, event)
                    await tell(event)
    finally:
        whole = assembler.finish()
        flight.partial = whole if isinstance(whole, PartialStreamedTurn) else None
    if isinstance(whole, PartialStreamedTurn):
        raise StreamInterruptedError(f"{type(generator).__name__} ended its stream without the whole turn at its end.")
    if whole.is_revised:
        await tell(TurnDiscarded(REVISED))
        await tell(StreamedText(whole.turn.message.content))
    return whole.turn


def _closing(deltas: AsyncGenerator[Delta, None]) -> AbstractAsyncContextManager[object]:
    """Closes the stream at the end; an iterator of a user's own need not have a way to."""
    return aclosing(deltas) if hasattr(deltas, "aclose") else nullcontext()


async def _read(deltas: AsyncIterator[Delta], call: Outgoing) -> AsyncGenerator[Delta, None]:
    """The deltas with the calls that stand in the text among them."""
    reader = call.codec.reader(call.tools) if call.codec is not None else None
    async for delta in deltas:
        match delta:
            case TextDelta(text) if reader is not None:
                for one in reader.feed(text):
                    yield one
            case ModelTurn() if reader is not None:
                for one in reader.ending(delta.stop_reason):
                    yield one
                yield call.read(delta)
            case _:
                yield delta


async def edited(flight: Flight, call: Outgoing, turn: ModelTurn) -> ModelTurn:
    """The turn as the run takes it; who reads the stream is told where that is not what it heard."""
    heard = turn.message.content
    for edit in call.edits:
        turn = await edit(turn)
    if flight.tell is not None and turn.message.content != heard:
        await flight.tell(TurnDiscarded(REVISED))
        await flight.tell(StreamedText(turn.message.content))
    return turn


async def _show(flight: Flight, event: StreamedTurnEvent) -> None:
    """Shows a piece of a turn to the hooks, whose mistakes are not the generator's."""
    try:
        if flight.seam.on_delta:
            await flight.seam.heard(DeltaDetail(flight.run.run_id, event))
    except Exception as error:
        flight.error = error
        raise
