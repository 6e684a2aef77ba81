"""`OpenAIGenerator`: the OpenAI chat API, and every server that speaks it, without a middleman."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import ClassVar

from rigging_py.error import AuthenticationFailedError, StreamInterruptedError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.transport import Request, post, stream
from rigging_py.message import Delta, GenerateParams, Message, ModelTurn
from rigging_py.wire import ChatBody, chat_request, chat_turn

BASE_URL = "https://api.openai.com/v1"
_LAST_WORDS = 1.0
"""Seconds that a server has to end the connection after it said that it is done."""
_AFTER_THE_REASON = 3.0
"""Seconds in which the usage and the end may follow a finish reason."""


class OpenAIGenerator(Generator):
    """`openai!gpt-4o`, or any compatible server with `api_base=http://host/v1`.

    The key is `api_key`, else the environment variable OPENAI_API_KEY, which is sent to OpenAI only. Other servers get
    a key only when one is given.
    """

    default_key_variable: ClassVar[str | None] = "OPENAI_API_KEY"

    async def generate_messages(
        self, messages: Sequence[Sequence[Message]], params: Sequence[GenerateParams]
    ) -> Sequence[ModelTurn | BaseException]:
        return await each(self._answer, messages, params)

    async def supports_function_calling(self) -> bool:
        return True

    async def supports_json_schema(self) -> bool:
        return True

    async def stream_message(self, messages: Sequence[Message], params: GenerateParams) -> AsyncIterator[Delta]:
        """The answer as it arrives, the whole turn last. Closing the iterator closes the connection.

        Raises `StreamInterruptedError` for a stream that ends before its finish reason.
        """
        request = self._request(messages, params, stream=True)
        body = ChatBody(request.provider, request.key, self._origin)
        async with aclosing(stream(request)) as chunks, aclosing(_until_complete(chunks, body)) as pieces:
            async for piece in pieces:
                for delta in body.feed(piece):
                    yield delta
        for delta in body.ending():
            yield delta

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
        request = self._request(messages, params)
        reply = await post(request)
        return chat_turn(reply, provider=request.provider, secret=request.key, origin=self._origin)

    @property
    def _origin(self) -> str:
        """Whose reasoning it is, which goes back to nobody else."""
        return f"openai!{self.model}"

    def _request(self, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False) -> Request:
        merged = self.params.merge_with(params)
        base = (merged.api_base or BASE_URL).rstrip("/")
        # An empty key is none, and none means the environment's, which is OpenAI's alone.
        key = self.key() if base == BASE_URL or self.api_key else None
        if key is None and base == BASE_URL:
            raise AuthenticationFailedError(
                f"There is no key for {self.model!r}: set the environment variable {self.default_key_variable}, "
                f"or write 'openai!{self.model},api_key=…'.",
                provider="openai",
            )
        body = chat_request(self.model, messages, merged, stream=stream, origin=self._origin)
        return Request("openai", f"{base}/chat/completions", body, key, merged.timeout)


async def _until_complete(chunks: AsyncGenerator[bytes, None], body: ChatBody) -> AsyncGenerator[bytes, None]:
    """The chunks until the end, or until nothing more can come that matters."""
    try:
        while not body.is_done:
            # After its finish reason an answer is whole; a server that says nothing more need not be waited for.
            async with asyncio.timeout(_AFTER_THE_REASON if body.is_complete else None):
                chunk = await anext(chunks, None)
            if chunk is None:
                break
            yield chunk
        # Read to its end, the connection serves the next request.
        async with asyncio.timeout(_LAST_WORDS):
            async for _ in chunks:
                """Nothing is said after the end."""
    except (StreamInterruptedError, TimeoutError):
        if not body.is_complete:
            raise
