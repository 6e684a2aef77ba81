"""`LiteLLMGenerator`: a hundred providers through litellm, which is imported on first use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from pydantic import Field, PrivateAttr
from pydantic_core import to_json

from rigging_py.error import (
    AuthenticationFailedError,
    ContextOverflowError,
    InvalidError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    ServerFaultError,
    TimedOutError,
)
from rigging_py.generator.base import Generator, each
from rigging_py.generator.network import refuse_outside
from rigging_py.generator.slots import Slots
from rigging_py.message import GenerateParams, Message, ModelTurn
from rigging_py.wire import BODY_LIMIT, chat_request, chat_turn, failure_kind, read_seconds, redacted

_FAILURES: Mapping[str, type[ProviderError]] = {
    "AuthenticationError": AuthenticationFailedError,
    "PermissionDeniedError": AuthenticationFailedError,
    "NotFoundError": NotFoundError,
    "ContextWindowExceededError": ContextOverflowError,
    "ContentPolicyViolationError": RefusedError,
    "RateLimitError": RateLimitedError,
    "Timeout": TimedOutError,
    "APIConnectionError": ServerFaultError,
    "ServiceUnavailableError": ServerFaultError,
    "InternalServerError": ServerFaultError,
    "BadGatewayError": ServerFaultError,
    "BadRequestError": InvalidError,
    "UnprocessableEntityError": InvalidError,
    "APIResponseValidationError": InvalidError,
    "APIError": ServerFaultError,
}
"""litellm's exceptions by name, the most derived first to match."""


_NO_KEY = "no-key-was-given"


class LiteLLMGenerator(Generator):
    """`gpt-4o`, `anthropic/claude-…`, `litellm!provider/model`: whatever litellm knows, with its names for keys.

    A key from the environment goes to the provider's own address only; with `api_base` say `api_key=env:NAME`.
    """

    max_connections: int = Field(default=10, ge=0)
    """Requests under way at once, in all pipelines of this generator; 0 for any number."""
    _slots: dict[int, Slots] = PrivateAttr(default_factory=dict[int, Slots])

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        limit = self.max_connections
        return await each(self._answer, messages, params, self._slots.setdefault(limit, Slots(limit)))

    async def supports_function_calling(self) -> bool | None:
        litellm = await asyncio.to_thread(_litellm)
        return bool(litellm.supports_function_calling(self.model))

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        merged = self.params.merge_with(params)
        # litellm takes addresses under other names too, and chooses one by the name of the model.
        elsewhere = any(name in merged.extra for name in ("base_url", "model", "custom_llm_provider"))
        address = merged.api_base if not elsewhere else merged.extra.get("base_url")
        refuse_outside(str(address or f"https://litellm/{self.model}"))
        litellm = await asyncio.to_thread(_litellm)
        request = {
            **chat_request(self.model, messages, merged),
            "api_base": merged.api_base,
            # litellm would send the environment's key to whatever address it is given.
            "api_key": self.key() or (_NO_KEY if merged.api_base else None),
            "timeout": merged.timeout,
            "num_retries": 0,
            "max_retries": 0,
            "drop_params": True,
            # Looking for MCP tools among the tools, litellm 1.106 imports a package that it does not require.
            "_skip_mcp_handler": True if merged.tools else None,
        }
        try:
            reply = await litellm.acompletion(**{name: value for name, value in request.items() if value is not None})
        except Exception as error:
            failure = self._failure(error)
            if failure is None:
                raise
            # litellm's own text may repeat the request, key included.
            raise failure from None
        return chat_turn(reply.model_dump(), provider="litellm", secret=self.key())

    def _failure(self, error: Exception) -> ProviderError | None:
        """The error of our tree that one of litellm's stands for; None for one that is not litellm's."""
        kind = next((_FAILURES[base.__name__] for base in type(error).__mro__ if base.__name__ in _FAILURES), None)
        if kind is None:
            return None
        facts = cast("Any", error)
        if "api_key" in str(error) and "must be set" in str(error):
            kind = AuthenticationFailedError  # the OpenAI client's own complaint, which litellm takes for a server's
        status: int | None = getattr(facts, "status_code", None)
        headers: Mapping[str, str] = getattr(facts, "litellm_response_headers", None) or {}
        if kind is InvalidError:
            kind = failure_kind(status or 400, str(getattr(facts, "code", "")))
        return kind(
            redacted(f"{self.model} through litellm: {getattr(facts, 'message', error)}", self.key()),
            provider=getattr(facts, "llm_provider", None) or "litellm",
            status=status,
            request_id=headers.get("x-request-id"),
            body=redacted(_text(getattr(facts, "body", None)), self.key())[:BODY_LIMIT],
            retry_after=read_seconds(headers.get("retry-after")),
        )


def _text(body: object) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    return to_json(body, fallback=str).decode()


@cache
def _litellm() -> Any:
    # Otherwise litellm fetches its price list from the web while it is imported.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.suppress_debug_info = True
    return litellm
