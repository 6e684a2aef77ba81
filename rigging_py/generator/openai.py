"""`OpenAIGenerator`: the OpenAI chat API, and every server that speaks it, without a middleman."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rigging_py.error import AuthenticationFailedError
from rigging_py.generator.base import Generator, each
from rigging_py.generator.transport import Request, post
from rigging_py.message import GenerateParams, Message, ModelTurn
from rigging_py.wire import chat_request, chat_turn

BASE_URL = "https://api.openai.com/v1"


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

    async def _answer(self, messages: Sequence[Message], params: GenerateParams) -> ModelTurn:
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
        request = Request(
            "openai", f"{base}/chat/completions", chat_request(self.model, messages, merged), key, merged.timeout
        )
        return chat_turn(await post(request), provider="openai", secret=key)
