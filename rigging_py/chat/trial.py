"""Executes the tools of a recorded run again, and says which of them give something else than they gave then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rigging_py.chat.gather import gather
from rigging_py.error import ReplayDivergence
from rigging_py.message import Message
from rigging_py.observe import ReplaceResult, RewriteArguments, SkipTool, StopRun, ToolDetail, ToolResultDetail
from rigging_py.run import Journal, PendingToolCall, ToolResult, ToolsReturned, ToolStarted
from rigging_py.run.calls import read_calls
from rigging_py.run.play import differences
from rigging_py.tools import ToolSlots

if TYPE_CHECKING:
    from rigging_py.chat.pipeline import ChatPipeline


@dataclass(frozen=True, slots=True)
class _Executed:
    """Entry `at` of the journal has this result of a call; the call is as it was executed."""

    at: int
    call: PendingToolCall
    result: ToolResult
    is_rewritten: bool
    """Whether a hook gave the arguments; it is not to do so twice."""

    @property
    def turn(self) -> int:
        return int(self.call.key.rsplit("/", 2)[1])

    def differs(self, actual: object, *diff: str) -> ReplayDivergence:
        return ReplayDivergence(
            self.at, self.result, actual, [f"{self.call.name} ({self.call.key}) {one}" for one in diff]
        )


async def try_tools(pipeline: ChatPipeline, journal: Journal, count: int) -> None:
    """Executes the calls of the first `count` entries again, turn by turn as they were. Raises `ReplayDivergence`."""
    slots = ToolSlots(pipeline.tools)
    for _, batch in groupby(_executed(journal, count), lambda one: one.turn):
        jobs = [partial(_tried, pipeline, slots, one) for one in batch]
        wrong = [found for found in await gather(jobs, limit=pipeline.max_concurrent_tools) if found is not None]
        if wrong:
            first, lines = wrong[0], [line for found in wrong for line in found.diff]
            raise ReplayDivergence(first.at, first.expected, first.actual, lines) from first.__cause__


def _executed(journal: Journal, count: int) -> Iterator[_Executed]:
    """Every call that a tool, or a hook in its place, answered."""
    rewritten: set[str] = set()
    for at, entry in enumerate(journal[:count]):
        match entry.input:
            case ToolStarted(key, arguments) if arguments is not None:
                rewritten.add(key)
            case ToolsReturned(stored) as returned:
                for one, (key, result) in zip(stored, journal.results(returned), strict=True):
                    yield _Executed(at, _call_as_executed(journal, key, one.body), result, key in rewritten)
            case _:
                pass


def _call_as_executed(journal: Journal, key: str, body: int) -> PendingToolCall:
    """The call whose result is the message at `body`: repaired, edited or rewritten, it is in the last turn before."""
    before = (journal.bodies[place].tool_calls for place in range(body - 1, -1, -1))
    asked = next(calls for calls in before if calls)
    run_id, turn, index = key.rsplit("/", 2)
    return read_calls(run_id, int(turn), asked)[int(index)]


async def _tried(pipeline: ChatPipeline, slots: ToolSlots, one: _Executed) -> ReplayDivergence | None:
    """How the tool differs from what it did then, if it does."""
    tool = pipeline.tools_by_name[one.call.name]
    tool.check_context(pipeline.context)
    try:
        async with slots.of(tool):
            result = await _execute(pipeline, one)
    except Exception as error:  # noqa: BLE001 — the wall before tools: then the tool gave a result
        differs = one.differs(error, f"it raised {type(error).__name__}: {error}")
        differs.__cause__ = error
        return differs
    if not isinstance(result, ToolResult):
        return one.differs(result, f"a hook ended the run: {result.reason}")
    diff = [*differences(_read_by_the_model(one.result), _read_by_the_model(result))]
    return one.differs(result, *diff) if diff else None


async def _execute(pipeline: ChatPipeline, one: _Executed) -> ToolResult | StopRun:
    """What the tool gives, or what the pipeline's hooks make of it; the run hears nothing of it."""
    call, seam, run_id = one.call, pipeline.seam, one.call.key.rsplit("/", 2)[0]
    answer = await seam.prepared(ToolDetail(run_id, call)) if seam.before_tool and not one.is_rewritten else None
    match answer:
        case SkipTool(result):
            return result
        case StopRun():
            return answer
        case RewriteArguments(arguments):
            call = replace(call, arguments=arguments)
        case None:
            pass
    result = await pipeline.tools_by_name[call.name].execute(call, pipeline.context)
    kept = await seam.kept(ToolResultDetail(run_id, call, result)) if seam.after_tool else None
    return kept.result if isinstance(kept, ReplaceResult) else result


def _read_by_the_model(result: ToolResult) -> dict[str, Any]:
    """What the run goes by; metadata are the program's own, and need not be the same twice."""
    content = result.content if isinstance(result.content, str) else list(result.content)
    parts = Message("tool", content).content_parts
    return {"content": parts, "error": result.error, "stop": result.stop}
