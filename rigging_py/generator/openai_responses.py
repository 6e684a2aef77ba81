"""`OpenAIResponsesGenerator`: the OpenAI responses API, and every server that speaks it."""

from __future__ import annotations

from typing import ClassVar

from rigging_py.generator.openai import OpenAIGenerator
from rigging_py.wire import RESPONSES, Wire


class OpenAIResponsesGenerator(OpenAIGenerator):
    """`openai-responses!gpt-5`, or any server that speaks it with `api_base=http://host/v1`.

    The key is `api_key`, else the environment variable OPENAI_API_KEY, which is sent to OpenAI only. Nothing is kept at
    the provider: what the model thought comes back encrypted, and goes with the message it belongs to.
    """

    provider: ClassVar[str] = "openai-responses"
    wire: ClassVar[Wire] = RESPONSES
    path: ClassVar[str] = "/responses"

    async def supports_json_schema(self) -> bool | None:
        """Whether an answer can be held to a schema: at OpenAI and Azure, or where `strict` says so.

        Of other servers it is not known: some leave the schema unread.
        """
        return self.dialect_of(self.params).strict or None
