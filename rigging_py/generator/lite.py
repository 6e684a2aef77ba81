"""`LiteLLMGenerator`: a hundred providers through litellm, which is imported on first use."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, cast

from pydantic import Field, PrivateAttr

from rigging_py.error import (
    GeneratorWarning,
)
from rigging_py.generator.base import Generator, each
from rigging_py.generator.clock import CLOCK, Clock
from rigging_py.generator.fixups import LITELLM_FIXUPS, with_fixups
from rigging_py.generator.gate import Gate, Window
from rigging_py.generator.lite_failures import failure_of, failure_within
from rigging_py.generator.lite_reply import facts_of, facts_streamed, is_probably_cut, with_media
from rigging_py.generator.lite_thread import ReadAhead, litellms_thread, there
from rigging_py.generator.network import refuse_outside
from rigging_py.generator.prices import add_cost, own_price
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn, Usage, fresh
from rigging_py.wire import (
    ChatStream,
    chat_request,
    chat_turn,
    read_usage,
)

_NO_KEY = "no-key-was-given"
_OF_A_PROVIDER = ("model", "custom_llm_provider", "api_base", "api_key")
_CAN_BE_DROPPED = (
    "temperature",
    "max_tokens",
    "top_p",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "modalities",
    "audio",
)
_WITH_A_CLIENT = ("anthropic", "gemini", "vertex_ai", "vertex_ai_beta")
"""Providers whose session litellm 1.106 takes from a client only."""


class LiteLLMGenerator(Generator):
    """`gpt-4o`, `anthropic/claude-…`, `litellm!provider/model`: whatever litellm knows, with its names for keys.

    A key from the environment goes to the provider's own address only; with `api_base` say `api_key=env:NAME`.
    """

    max_connections: int = Field(default=10, ge=0)
    """Requests under way at once, in all pipelines of this generator; 0 for any number."""
    min_delay_between_requests: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Milliseconds from the start of one request to that of the next, in all pipelines of this generator."""
    clock: ClassVar[Clock] = CLOCK
    _gates: dict[tuple[int, float], Gate] = PrivateAttr(default_factory=dict[tuple[int, float], Gate])

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params, self._gate())

    async def supports_function_calling(self) -> bool | None:
        """What litellm's table says of the model; None where it says nothing. Nobody is asked over the network."""
        said = await asyncio.to_thread(_in_table, self.model, "supports_function_calling")
        return None if said is None else bool(said)

    async def supports_json_schema(self) -> bool | None:
        litellm = await asyncio.to_thread(_litellm)
        return bool(litellm.supports_response_schema(self.model))

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The answer as it arrives, the whole turn last.

        litellm ends every stream with a "stop", so whether the provider itself gave a finish reason is asked of
        litellm's own record, and a stream without one is a `StreamInterruptedError`. Where litellm's translation of a
        provider makes that up too (Vertex through its old library, NLP Cloud), a cut cannot be seen. litellm 1.106 does
        not pass a refusal on when it is streamed: such an answer is empty.
        """
        async with self._gate().one():
            ahead: ReadAhead = await self._asked(messages, params, stream=True)
            chunks = ahead.chunks
            stream = ChatStream("litellm", self.key(), origin=self.model)
            told: list[Mapping[str, Any]] = []
            async with aclosing(self._chunks(ahead)) as read:
                async for chunk in read:
                    told.append(chunk)
                    for delta in stream.feed(chunk):
                        yield delta
        if not _is_ended(chunks):
            stream.reason = None
        *rest, turn = stream.ending()
        for delta in rest:
            yield delta
        if isinstance(turn, ModelTurn):
            facts = {"provider": getattr(chunks, "custom_llm_provider", None), **facts_streamed(told)}
            turn = self._finished(replace(turn, usage=_streamed_usage(chunks)), messages, params, facts)
        yield turn

    def _finished(
        self, turn: ModelTurn, messages: Sequence[Message], params: GenerateParams, facts: Mapping[str, Any]
    ) -> ModelTurn:
        """The turn with its media, with what the provider said besides, and with its cost."""
        merged = self.params.merge_with(params)
        self._warn_of_a_cut_prompt(turn.usage, messages)
        extra = {**turn.extra, **{name: value for name, value in facts.items() if value}}
        turn = replace(turn, message=with_media(turn.message, (merged.audio or {}).get("format")), extra=extra)
        add_cost(turn, "litellm", self.model, {}, is_home=False)
        if facts["provider"] and own_price("litellm", self.model) is None:
            add_cost(turn, facts["provider"], self.model.removeprefix(f"{facts['provider']}/"), merged.extra)
        return turn

    def _gate(self) -> Gate:
        """What holds back the requests of this generator and of those made from it."""
        most, delay = self.max_connections or None, self.min_delay_between_requests / 1000
        distance = Window(1, delay) if delay else None
        return self._gates.setdefault((most or 0, delay), Gate(self.clock, concurrency=most, requests=distance))

    def _warn_of_a_cut_prompt(self, usage: Usage | None, messages: Sequence[Message]) -> None:
        if usage and self.model.startswith("ollama") and is_probably_cut(usage.input_tokens, messages):
            warnings.warn(
                f"{self.model} read {usage.input_tokens} tokens, which is less than the prompt must have: Ollama cuts "
                "what does not fit, without an error. Raise its context with `extra={'num_ctx': …}`.",
                GeneratorWarning,
                stacklevel=2,
            )

    async def _chunks(self, read: ReadAhead) -> AsyncGenerator[dict[str, Any], None]:
        try:
            while True:
                for chunk in await there(read.some()):
                    if chunk is None:
                        return
                    if isinstance(chunk, Exception):
                        failure = failure_within(chunk, self.model, self.key())
                        if failure is None:
                            raise chunk
                        raise failure from None
                    yield chunk.model_dump()
        finally:
            await there(read.aclose())

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        reply = await self._asked(messages, params)
        body = reply.model_dump()
        turn = chat_turn(body, provider="litellm", secret=self.key(), origin=self.model)
        facts = {"provider": _hidden(reply).get("custom_llm_provider"), **facts_of(body["choices"][0]["message"])}
        return self._finished(turn, messages, params, facts)

    @with_fixups(*LITELLM_FIXUPS)
    async def _asked(self, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False) -> Any:
        merged = self.params.merge_with(params)
        # litellm chooses an address by the name of the model.
        elsewhere = "model" in merged.extra or "custom_llm_provider" in merged.extra
        address = merged.extra.get("base_url") if elsewhere else _address(merged)
        refuse_outside(str(address or f"https://litellm/{self.model}"))
        litellm = await asyncio.to_thread(_litellm)
        request = {
            **chat_request(self.model, messages, merged, stream=stream, origin=self.model),
            "api_base": merged.api_base,
            # litellm would send the environment's key to whatever address it is given.
            "api_key": self.key() or (_NO_KEY if _address(merged) else None),
            "timeout": merged.timeout,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            # Looking for MCP tools among the tools, litellm 1.106 imports a package that it does not require.
            "_skip_mcp_handler": True if merged.tools else None,
        }
        if dropped := _dropped(litellm, request):
            warnings.warn(
                f"{self.model} is asked without {', '.join(dropped)}, which litellm says it does not know.",
                GeneratorWarning,
                stacklevel=2,
            )
        try:
            # litellm writes into what it is given, and some of it is the generator's own.
            given = fresh({name: value for name, value in request.items() if value is not None})
            return await there(_completion(litellm, given))
        except Exception as error:
            failure = failure_of(error, self.model, self.key())
            if failure is None:
                raise
            # litellm's own text may repeat the request, key included.
            raise failure from None


def _dropped(litellm: Any, request: Mapping[str, Any]) -> list[str]:
    """The parameters that litellm leaves out of a request, since the provider does not know them."""
    with suppress(Exception):  # a name that litellm cannot place
        model, provider, *_ = litellm.get_llm_provider(**{name: request.get(name) for name in _OF_A_PROVIDER})
        known = litellm.get_supported_openai_params(model=model, custom_llm_provider=provider)
        return [name for name in _CAN_BE_DROPPED if request.get(name) is not None and name not in known]
    return []


async def _completion(litellm: Any, request: dict[str, Any]) -> Any:
    """To be run on litellm's loop."""
    thread = litellms_thread()
    with suppress(Exception):  # a name that litellm cannot place, of which it says more when it is asked
        provider = litellm.get_llm_provider(**{name: request.get(name) for name in _OF_A_PROVIDER})[1]
        request |= {"client": thread.client} if provider in _WITH_A_CLIENT else {}
    answer = await litellm.acompletion(**request, shared_session=thread.session)
    return ReadAhead(answer) if request.get("stream") else answer


def get_max_tokens_for_model(model: str) -> int | None:
    """The most tokens that litellm's table knows for a model, whatever provider stands before its name; or None."""
    return cast("int | None", _in_table(model, "max_tokens"))


def _in_table(model: str, key: str) -> Any:
    """What litellm's table says of a model by its whole name, or else by what follows a provider; or None."""
    table: Mapping[str, Mapping[str, Any]] = _litellm().model_cost
    name, slash = model, "/"
    while name not in table and slash:
        _, slash, name = name.partition("/")
    return table.get(name, {}).get(key)


def _is_ended(chunks: Any) -> bool:
    """Whether the provider gave a finish reason; what is no wrapper of litellm's has its own in its chunks."""
    if not hasattr(chunks, "received_finish_reason"):
        return True
    return bool(chunks.received_finish_reason or getattr(chunks, "intermittent_finish_reason", None))


def _streamed_usage(chunks: Any) -> Usage | None:
    """The counts that the provider gave; litellm's own estimate is left out."""
    given = [one for chunk in getattr(chunks, "chunks", ()) if (one := getattr(chunk, "usage", None)) is not None]
    return read_usage(given[-1].model_dump()) if given else None


def _address(params: GenerateParams) -> str | None:
    """The address that the program named, which litellm takes under another name too."""
    return params.extra.get("base_url") or params.api_base


def _hidden(reply: Any) -> Mapping[str, Any]:
    return getattr(reply, "_hidden_params", None) or {}


@cache
def _litellm() -> Any:
    # Otherwise litellm fetches its price list while it is imported, and names of Anthropic's headers when it asks that;
    # and it reads a .env file into the environment.
    for name in ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"):
        os.environ.setdefault(name, "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm

    # It has no other switch, and would print advertisements beside every error.
    litellm.suppress_debug_info = True
    return litellm
