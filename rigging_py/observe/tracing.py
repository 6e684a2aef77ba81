"""`Tracing`: prompts, runs, calls of models and of tools as OpenTelemetry spans, named by its GenAI conventions.

Pipelines trace by themselves once the program has configured OpenTelemetry or logfire; until then nothing is imported.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic_core import to_json

from rigging_py.error import MissingExtraError
from rigging_py.message import Message, ModelTurn
from rigging_py.observe.details import ModelCallDetail, PromptDetail, RunDetail, ToolDetail
from rigging_py.observe.hooks import Hooks, Outcome
from rigging_py.run import ToolResult
from rigging_py.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

Around: TypeAlias = RunDetail | PromptDetail | ModelCallDetail | ToolDetail
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The environment variable that says whether spans hold what was said, unless the program says it."""


class Tracing(Hooks):
    """Spans for what happens in a pipeline.

    `content` is whether they hold messages, arguments and results; None leaves that to the environment variable
    `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`, where nothing is no. Spans go to `provider`, or to the
    program's own.
    """

    def __init__(self, *, content: bool | None = None, provider: TracerProvider | None = None) -> None:
        said = os.environ.get(CAPTURE, "").lower()
        self.content = said in ("true", "1", "span_only", "span_and_event") if content is None else content
        self._provider = provider

    @cached_property
    def _tracer(self) -> Tracer:
        try:
            from opentelemetry import trace
        except ImportError:
            raise MissingExtraError("Tracing", "tracing") from None
        return trace.get_tracer("rigging_py", VERSION, self._provider)

    def around(self, detail: Around) -> AbstractContextManager[Outcome]:
        return self._spanning(detail)

    @contextmanager
    def _spanning(self, detail: Around) -> Generator[Outcome]:
        from opentelemetry.trace import SpanKind, use_span

        kind = SpanKind.CLIENT if isinstance(detail, ModelCallDetail) else SpanKind.INTERNAL
        span = self._tracer.start_span(_name_of(detail), kind=kind, attributes=_facts_of(detail))
        if self.content:
            _set(span, _content_of(detail))

        def tell(outcome: object) -> None:
            _set(span, _result_of(outcome))
            if self.content:
                _set(span, _content_of(outcome))
            error = _error_of(outcome)
            if error is not None:
                _fail(span, error)

        # What an exception says may be what a model said, so of one only its class is told.
        with use_span(span, end_on_exit=True, record_exception=self.content, set_status_on_exception=False):
            try:
                yield tell
            except BaseException as error:
                _fail(span, type(error).__qualname__)
                raise


@cache
def automatic() -> Tracing:
    """What pipelines trace with by themselves."""
    return Tracing()


def is_listened_to() -> bool:
    """Whether the program has configured where spans go; asked for each run, so it imports nothing."""
    trace = sys.modules.get("opentelemetry.trace")
    return trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


# What is told of it before.


def _name_of(detail: Around) -> str:
    match detail:
        case RunDetail():
            return f"invoke_agent {detail.name}".rstrip()
        case PromptDetail():
            return f"prompt {detail.name}"
        case ModelCallDetail():
            return f"chat {_model_of(_first_asked(detail.generator_id))}"
        case ToolDetail():
            return f"execute_tool {detail.call.name}"


def _facts_of(detail: Around) -> dict[str, Any]:
    match detail:
        case RunDetail():
            facts: dict[str, Any] = {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": detail.name or None,
                "gen_ai.conversation.id": detail.run_ids[0] if len(detail.run_ids) == 1 else None,
                "rigging_py.run.count": len(detail.run_ids),
                "rigging_py.generator_id": detail.generator_id,
            }
        case PromptDetail():
            facts = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.prompt.name": detail.name}
        case ModelCallDetail():
            facts = _facts_of_call(detail)
        case ToolDetail():
            facts = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": detail.call.name,
                "gen_ai.tool.call.id": detail.call.id,
                "gen_ai.tool.type": "function",
                "gen_ai.conversation.id": detail.run_id,
            }
    return {name: value for name, value in facts.items() if value is not None}


def _facts_of_call(detail: ModelCallDetail) -> dict[str, Any]:
    params, asked = detail.params, _first_asked(detail.generator_id)
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _provider_of(asked),
        "gen_ai.conversation.id": detail.run_id,
        "gen_ai.request.model": _model_of(asked),
        "gen_ai.request.temperature": params.temperature,
        "gen_ai.request.top_p": params.top_p,
        "gen_ai.request.top_k": params.top_k,
        "gen_ai.request.max_tokens": params.max_tokens,
        "gen_ai.request.seed": params.seed,
        "gen_ai.request.stop_sequences": params.stop,
        "gen_ai.request.frequency_penalty": params.frequency_penalty,
        "gen_ai.request.presence_penalty": params.presence_penalty,
        "rigging_py.turn": detail.step.turn,
        "rigging_py.attempt": detail.step.attempt,
    }


_OTHER_NAMES = {"gemini": "gcp.gemini", "vertex_ai": "gcp.vertex_ai", "bedrock": "aws.bedrock", "mistral": "mistral_ai"}


_WITHIN_POLICIES = re.compile(r"(?:[\w-]+\()*([^()|]*)")


def _first_asked(generator_id: str) -> str:
    """The generator that is asked first, without the policies around it and the alternatives beside it."""
    found = _WITHIN_POLICIES.match(generator_id)
    return found[1] if found else generator_id


def _provider_of(generator_id: str) -> str:
    """The provider's name in the conventions; litellm's models begin with theirs."""
    provider, mark, model = generator_id.partition("!")
    if not mark:
        prefix, slash, _ = generator_id.partition("/")
        provider = prefix if slash else "litellm"
    elif provider == "litellm" and "/" in model:
        provider = model.partition("/")[0]
    return _OTHER_NAMES.get(provider, provider)


def _model_of(generator_id: str) -> str:
    return generator_id.rpartition("!")[2]


# What is told of it after.


def _result_of(outcome: object) -> dict[str, Any]:
    if isinstance(outcome, ModelTurn):
        return {
            "gen_ai.response.finish_reasons": [outcome.stop_reason],
            "gen_ai.response.id": outcome.extra.get("response_id"),
            "gen_ai.response.model": outcome.extra.get("model"),
            **_usage_of(outcome.usage),
        }
    if isinstance(outcome, list):
        usages = [usage for chat in cast("list[Any]", outcome) if (usage := chat.usage) is not None]
        return _usage_of(sum(usages[1:], usages[0])) if usages else {}
    return {}


def _usage_of(usage: Any) -> dict[str, Any]:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "rigging_py.usage.cost": usage.cost,
    }


def _error_of(outcome: object) -> str | None:
    """The kind of error that it came to, where that is no exception of the driver's."""
    if isinstance(outcome, BaseException):
        return type(outcome).__qualname__
    if isinstance(outcome, ToolResult) and outcome.error:
        return "tool_error"
    failed = [chat.error for chat in cast("list[Any]", outcome) if chat.failed] if isinstance(outcome, list) else []
    return type(failed[0]).__qualname__ if failed else None


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, kind))


# What was said.


def _content_of(something: object) -> dict[str, Any]:
    match something:
        case ModelCallDetail():
            return {
                "gen_ai.input.messages": _spoken(something.messages),
                "gen_ai.tool.definitions": _json([one.model_dump() for one in something.params.tools or ()]),
            }
        case ModelTurn():
            return {"gen_ai.output.messages": _spoken([something.message], something.stop_reason)}
        case ToolDetail():
            return {"gen_ai.tool.call.arguments": _json(something.call.arguments)}
        case ToolResult():
            said = something.content
            return {"gen_ai.tool.call.result": said if isinstance(said, str) else "\n".join(map(str, said))}
        case _:
            return {}


def _spoken(messages: Sequence[Message], stop_reason: str | None = None) -> str:
    """Messages in the form of the conventions; of images and sound only that they are there."""
    reason = {} if stop_reason is None else {"finish_reason": stop_reason}
    return _json([{"role": one.role, "parts": _parts_of(one), **reason} for one in messages])


def _parts_of(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_call_response", "id": message.tool_call_id, "response": message.content}]
    said = [{"type": "text", "content": str(part)} for part in message.content_parts]
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in message.tool_calls or ()
    ]
    return [*said, *calls]


def _json(value: object) -> str:
    return to_json(value, fallback=repr).decode()


def _set(span: Span, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if value is not None:
            span.set_attribute(name, value)
