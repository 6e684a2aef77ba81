"""Executes one tool call of a run: hooks before and after, a slot, a mark in the ledger, and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rigging_py.chat.events import ToolResultEvent, ToolStartedEvent
from rigging_py.error import Stop
from rigging_py.observe import ReplaceResult, RewriteArguments, SkipTool, StopRun, ToolDetail, ToolResultDetail
from rigging_py.run import CallTools, ModelResponded, PendingToolCall, ToolResult, ToolStarted
from rigging_py.tools import Tool

if TYPE_CHECKING:
    from rigging_py.chat.flight import Flight


async def execute(flight: Flight, call: PendingToolCall) -> None:
    """Executes a call and gives the run its result. Raises `Stop` where a hook says so, and what none catches."""
    pipeline = flight.pipeline
    tool = pipeline.tools_by_name[call.name]
    tool.check_context(pipeline.context)
    async with flight.slots.of(tool), flight.workers:
        begun = await _begun(flight, call)
        if isinstance(begun, ToolResult):
            await _take(flight, call, begun)
            return
        if flight.tell is not None:
            await flight.tell(ToolStartedEvent(begun))
        await _finished(flight, begun, await _result(flight, tool, begun))


async def _result(flight: Flight, tool: Tool[..., Any], call: PendingToolCall) -> ToolResult:
    """What the tool gives."""
    context, seam = flight.pipeline.context, flight.seam
    attempt = 1 if tool.arguments.context is None else _attempt(flight, call)
    if not seam.is_around:
        return await tool.execute(call, context, attempt=attempt)
    with seam.around(ToolDetail(flight.run.run_id, call)) as tell:
        result = await tool.execute(call, context, attempt=attempt)
        tell(result)
    return result


def _attempt(flight: Flight, call: PendingToolCall) -> int:
    """Which try of the call this is, where the run knows of those that were begun."""
    begun = 0
    for entry in reversed(flight.run.journal):
        match entry.input:
            case ToolStarted(key) if key == call.key:
                begun += 1
            case ModelResponded():
                break
            case _:
                pass
    return max(begun, 1)


async def _begun(flight: Flight, call: PendingToolCall) -> PendingToolCall | ToolResult:
    """The call as it is to be executed, which the run knows from now on; or what a hook gives for a result."""
    seam, run = flight.seam, flight.run
    answer = await seam.prepared(ToolDetail(run.run_id, call)) if seam.before_tool else None
    match answer:
        case StopRun(reason):
            raise Stop(reason)
        case SkipTool(result):
            return result
        case RewriteArguments(arguments):
            call = run.tool_started(call.key, arguments)
        case None:
            call = run.tool_started(call.key)
    await flight.note()
    return call


async def _finished(flight: Flight, call: PendingToolCall, result: ToolResult) -> None:
    answer = await _judged(flight, call, result) if flight.seam.after_tool else None
    await _take(flight, call, answer.result if isinstance(answer, ReplaceResult) else result)
    if isinstance(answer, StopRun):
        raise Stop(answer.reason)


async def _judged(flight: Flight, call: PendingToolCall, result: ToolResult) -> ReplaceResult | StopRun | None:
    try:
        return await flight.seam.kept(ToolResultDetail(flight.run.run_id, call, result))
    except Exception as error:
        # It was executed, and a result that a hook was to see does not pass unseen: the tool's policy decides.
        _mark(flight, call)
        error.add_note(f"Raised after the tool {call.name!r} was executed; the run does not have its result.")
        raise


def _mark(flight: Flight, call: PendingToolCall) -> None:
    step = flight.run.next_step()
    if isinstance(step, CallTools) and call.key not in step.started:
        flight.run.tool_started(call.key)


async def _take(flight: Flight, call: PendingToolCall, result: ToolResult) -> None:
    flight.stamp()
    flight.run.tool_result(call.key, result)
    await flight.note()
    if flight.tell is not None:
        await flight.tell(ToolResultEvent(call, result))
