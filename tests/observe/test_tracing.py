"""What happens in a pipeline becomes OpenTelemetry spans where the program has configured them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import rigging_py as rg
from rigging_py.error import ServerFaultError
from rigging_py.observe import Tracing
from tests.tools.calls import call


class Spans:
    """A provider that keeps what it gets."""

    def __init__(self, *, content: bool | None = None) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = provider.get_tracer("the program's own")
        self.hook = Tracing(content=content, provider=provider)

    @property
    def all(self) -> list[ReadableSpan]:
        """Those that have ended, in the order they began."""
        return sorted(self._kept.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> dict[str, Any]:
        [span] = [span for span in self.all if span.name == name]
        return dict(span.attributes or {})

    def tree(self) -> list[tuple[str, str | None]]:
        """Each span with the one it is inside of."""
        names = {span.context.span_id: span.name for span in self.all if span.context}
        return [(span.name, names[span.parent.span_id] if span.parent else None) for span in self.all]


async def test_a_run_is_a_span_with_the_calls_of_its_model_and_its_tools_inside() -> None:
    spans = Spans()

    def look(where: str) -> str:
        with spans.tracer.start_as_current_span("looking"):
            return f"a fox in the {where}"

    turn = rg.ModelTurn.of("A fox.", usage=rg.Usage(input_tokens=7, output_tokens=3, total_tokens=10))
    model = rg.ScriptedGenerator(call("look", {"where": "barn"}), turn, model="writer")
    pipeline = model.chat("What is in the barn?").using(look).with_(temperature=0.5).with_hooks(spans.hook)
    chat = await pipeline.run(name="farm")
    assert spans.tree() == [
        ("invoke_agent farm", None),
        ("chat writer", "invoke_agent farm"),
        ("execute_tool look", "invoke_agent farm"),
        ("looking", "execute_tool look"),
        ("chat writer", "invoke_agent farm"),
    ]
    last = dict(spans.all[-1].attributes or {})
    assert last["gen_ai.operation.name"] == "chat"
    assert last["gen_ai.provider.name"] == "scripted"
    assert last["gen_ai.request.model"] == "writer"
    assert last["gen_ai.request.temperature"] == 0.5
    assert last["gen_ai.response.finish_reasons"] == ("stop",)
    assert (last["gen_ai.usage.input_tokens"], last["gen_ai.usage.output_tokens"]) == (7, 3)
    assert spans.named("execute_tool look")["gen_ai.tool.name"] == "look"
    assert spans.named("invoke_agent farm")["gen_ai.conversation.id"] == str(chat.uuid)


async def test_under_policies_the_model_is_the_one_that_is_asked_first() -> None:
    spans = Spans()
    first, second = rg.ScriptedGenerator("Hi.", model="first"), rg.ScriptedGenerator(model="second")
    await rg.retry(rg.fallback(first, second)).chat("Hello").with_hooks(spans.hook).run()
    facts = spans.named("chat first")
    assert (facts["gen_ai.provider.name"], facts["gen_ai.request.model"]) == ("scripted", "first")


async def test_spans_hold_nothing_of_what_was_said_unless_that_is_asked_for() -> None:
    spans, telling = Spans(), Spans(content=True)

    def look(where: str) -> str:
        return f"a secret in the {where}"

    for one in (spans, telling):
        model = rg.scripted(call("look", {"where": "barn"}), "It is a secret.")
        await model.chat("Tell the secret.").using(look).with_hooks(one.hook).run()
    assert "secret" not in repr([dict(span.attributes or {}) for span in spans.all])
    assert telling.named("execute_tool look")["gen_ai.tool.call.result"] == "a secret in the barn"
    last: dict[str, Any] = dict(telling.all[-1].attributes or {})
    assert json.loads(last["gen_ai.input.messages"])[0] == {
        "role": "user",
        "parts": [{"type": "text", "content": "Tell the secret."}],
    }
    assert json.loads(last["gen_ai.output.messages"])[0]["finish_reason"] == "stop"


async def test_a_failure_is_told_by_its_kind_and_not_by_what_it_says() -> None:
    spans = Spans()
    pipeline = rg.scripted(ServerFaultError("my secret", provider="test")).chat("hi").with_hooks(spans.hook)
    with pytest.raises(ServerFaultError):
        await pipeline.run()
    assert [dict(span.attributes or {})["error.type"] for span in spans.all] == ["ServerFaultError"] * 2
    assert "secret" not in repr([(span.status.description, span.events) for span in spans.all])


async def test_each_run_of_a_batch_is_a_span_inside_that_of_the_batch() -> None:
    spans = Spans()
    await rg.scripted("a", "b").chat("hi").with_hooks(spans.hook).run_many(2)
    inner = ("invoke_agent", "invoke_agent")
    assert sorted(spans.tree(), key=repr).count(inner) == 2
    assert dict(spans.all[0].attributes or {})["rigging_py.run.count"] == 2


async def test_a_stream_is_traced_like_a_run() -> None:
    spans = Spans()
    async with rg.scripted("one two").chat("hi").with_hooks(spans.hook).stream() as stream:
        [_ async for _ in stream]
    assert [name.split()[0] for name, _ in spans.tree()] == ["invoke_agent", "chat"]


async def test_a_prompt_is_a_span_around_its_runs() -> None:
    spans = Spans()

    @rg.prompt(pipeline=rg.scripted("no", "<int>4</int>").chat().with_hooks(spans.hook))
    async def legs(animal: str) -> int:
        """How many legs?"""
        raise NotImplementedError

    assert await legs("camel") == 4
    names = [name.split()[0] for name, _ in spans.tree()]
    assert names == ["prompt", "invoke_agent", "chat", "chat"]
    assert spans.tree()[1] == ("invoke_agent legs", "prompt legs")


KEEPING = """
import asyncio
import rigging_py as rg
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

kept = InMemorySpanExporter()
def configure():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
"""

CONFIGURED = f"""{KEEPING}
pipeline = rg.scripted("a", "b").chat("hi")
asyncio.run(pipeline.run())
configure()
asyncio.run(pipeline.run())
print([span.name.split()[0] for span in kept.get_finished_spans()])
"""

COMPLETING = f"""{KEEPING}
configure()
pipeline = rg.scripted("a", "b", "c").complete("hi")
asyncio.run(pipeline.run())
asyncio.run(pipeline.run_many(2))
print([span.name.split()[0] for span in kept.get_finished_spans()])
"""

UNCONFIGURED = """
import asyncio, sys
import rigging_py as rg
asyncio.run(rg.scripted("a").chat("hi").run())
print([name for name in sys.modules if name.split(".")[0] in ("opentelemetry", "logfire")])
"""

LOGFIRE = """
import asyncio
import logfire
from logfire.testing import TestExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
import rigging_py as rg

kept = TestExporter()
logfire.configure(
    send_to_logfire=False,
    console=False,
    metrics=False,
    inspect_arguments=False,
    additional_span_processors=[SimpleSpanProcessor(kept)],
)
with logfire.span("mine"):
    asyncio.run(rg.scripted("a").chat("hi").run())
print([one["name"].split()[0] for one in kept.exported_spans_as_dict()])
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (CONFIGURED, ["chat", "invoke_agent"]),
        (COMPLETING, ["chat", "invoke_agent", "chat", "invoke_agent", "chat", "invoke_agent", "invoke_agent"]),
        (UNCONFIGURED, []),
        (LOGFIRE, ["chat", "invoke_agent", "mine"]),
    ],
)
def test_pipelines_trace_by_themselves_once_the_program_has_configured_it(program: str, said: list[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.splitlines()[-1:] == [repr(said)], ran.stderr
