"""`OpenAIResponsesGenerator`: the OpenAI responses API, and every server that speaks it."""

from __future__ import annotations

from typing import ClassVar

from rigging_py.generator.provider import ProviderGenerator
from rigging_py.message import GenerateParams
from rigging_py.wire import RESPONSES, Wire
from rigging_py.wire.schemas import Dialect, openai_dialect


class OpenAIResponsesGenerator(ProviderGenerator):
    """`openai-responses!gpt-5`, or any server that speaks it with `api_base=http://host/v1`.

    The key is `api_key`, else the environment variable OPENAI_API_KEY, which is sent to OpenAI only. Nothing is kept at
    the provider: what the model thought comes back encrypted, and goes with the message it belongs to.
    """

    provider: ClassVar[str] = "openai-responses"
    base_url: ClassVar[str | None] = "https://api.openai.com/v1"
    default_key_variable: ClassVar[str | None] = "OPENAI_API_KEY"
    wire: ClassVar[Wire] = RESPONSES

    strict: bool | None = None
    """Whether the server is asked to hold to schemas strictly; None asks OpenAI itself and Azure."""

    def dialect(self, base: str) -> Dialect:
        return openai_dialect(base, self.strict)

    async def supports_json_schema(self) -> bool | None:
        """Whether an answer can be held to a schema: at OpenAI and Azure, or where `strict` says so.

        Of other servers it is not known: some leave the schema unread.
        """
        return self.dialect_of(self.params).strict or None

    def url(self, base: str, params: GenerateParams, *, stream: bool) -> str:  # noqa: ARG002 — others need them
        return f"{base}/responses"
