"""`RewrittenParams`: parameters with their schemas as a provider takes them, and its answer turned back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rigging_py.message import (
    Delta,
    GenerateParams,
    Message,
    ModelTurn,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
)
from rigging_py.message.edits import Edit
from rigging_py.parsing import JsonShape
from rigging_py.parsing.shape import JsonSchema
from rigging_py.wire.schemas.dialect import PLAIN, Dialect
from rigging_py.wire.schemas.rewritten import RewrittenSchema, Same, rewritten


@dataclass(frozen=True, slots=True)
class StrictShape(JsonShape):
    """A shape that the provider is asked to hold to, where that is an option of its own."""


@dataclass(frozen=True, slots=True)
class RewrittenParams:
    """What is sent, and the way back of what comes. `tools` are those whose arguments must be turned back."""

    params: GenerateParams
    output: RewrittenSchema | None = None
    tools: Mapping[str, RewrittenSchema] = field(default_factory=dict[str, RewrittenSchema])

    @property
    def is_direct(self) -> bool:
        """Whether nothing must be turned back."""
        return self.output is None and not self.tools

    def restored(self, turn: ModelTurn) -> ModelTurn:
        """The turn as the rest of the program knows it."""
        if self.is_direct:
            return turn
        message = turn.message.shell()
        if message.tool_calls:
            message.tool_calls = [self._call(call) for call in message.tool_calls]
        if self.output is not None:
            self._reword(message, self.output)
        return replace(turn, message=message)

    def _call(self, call: ToolCall) -> ToolCall:
        schema = self.tools.get(call.name)
        if schema is None:
            return call
        function = call.function.model_copy(update={"arguments": schema.restore_text(call.arguments)})
        return call.model_copy(update={"function": function})

    @staticmethod
    def _reword(message: Message, schema: RewrittenSchema) -> None:
        before = message.content
        after = schema.restore_text(before)
        if after != before:
            message.edit([Edit(0, len(before), after)])

    def restoring(self) -> RestoringStream:
        """The deltas of a streamed answer as the rest of the program knows them."""
        return RestoringStream(self)


@dataclass
class RestoringStream:
    """Deltas in, deltas out. What must be turned back is held until it is whole."""

    rewriting: RewrittenParams
    _names: dict[int, str] = field(default_factory=dict[int, str])
    """Of the calls by their index, which are in the order of the turn's."""

    def feed(self, deltas: Iterable[Delta]) -> Iterable[Delta]:
        """What may be shown of these deltas."""
        if self.rewriting.is_direct:
            return deltas
        return [shown for delta in deltas for shown in self._shown(delta)]

    def _shown(self, delta: Delta) -> Iterator[Delta]:
        match delta:
            case TextDelta() if self.rewriting.output is not None:
                return
            case ToolCallDelta():
                self._names[delta.index] = self._names.get(delta.index, "") or delta.name
                if self._names[delta.index] not in self.rewriting.tools:
                    yield delta
                elif delta.id or delta.name:
                    yield replace(delta, arguments="")
            case ModelTurn():
                yield from self._held(turn := self.rewriting.restored(delta))
                yield turn
            case _:
                yield delta

    def _held(self, turn: ModelTurn) -> Iterator[Delta]:
        if self.rewriting.output is not None and turn.message.content:
            yield TextDelta(turn.message.content)
        for (index, name), call in zip(sorted(self._names.items()), turn.message.tool_calls or (), strict=False):
            if name in self.rewriting.tools:
                yield ToolCallDelta(index, arguments=call.arguments)


def rewritten_params(params: GenerateParams, dialect: Dialect, *, stream: bool = False) -> RewrittenParams:
    """`params` with their schemas rewritten to `dialect`.

    A streamed answer is shown while it comes, so there a schema whose values would have to be turned back goes as it
    is where the dialect lets it.
    """
    is_shaped = isinstance(params.output, JsonShape)
    if dialect.is_plain or not (is_shaped or (params.tools and dialect.for_tools)):
        return RewrittenParams(params)
    updates: dict[str, object] = {}
    output: RewrittenSchema | None = None
    tools: dict[str, RewrittenSchema] = {}
    if isinstance(params.output, JsonShape):
        output = _rewritten(params.output.schema, dialect, stream=stream)
        kind = StrictShape if output.is_strict else JsonShape
        updates["output"] = kind(params.output.name, output.schema)
    if params.tools and dialect.for_tools:
        sent = [_tool(Same(one), dialect, stream) for one in params.tools]
        updates["tools"] = [tool for tool, _ in sent]
        tools = {tool.function.name: schema for tool, schema in sent if schema is not None and schema.restores}
    is_restored = output is not None and output.restores
    return RewrittenParams(params.model_copy(update=updates), output if is_restored else None, tools)


def _rewritten(schema: JsonSchema, dialect: Dialect, *, stream: bool) -> RewrittenSchema:
    found = rewritten(schema, dialect)
    return rewritten(schema, PLAIN) if stream and found.restores and dialect.whole else found


@lru_cache(maxsize=1024)
def _tool(same: Same[ToolDefinition], dialect: Dialect, stream: bool) -> tuple[ToolDefinition, RewrittenSchema | None]:
    tool = same.value
    if tool.function.parameters is None:
        return tool, None
    schema = _rewritten(tool.function.parameters, dialect, stream=stream)
    changed = {"parameters": dict(schema.schema), "strict": schema.is_strict or None}
    return tool.model_copy(update={"function": tool.function.model_copy(update=changed)}), schema
