"""`OpenAIGenerator`: the OpenAI chat API, and every server that speaks it, without a middleman."""

from __future__ import annotations

from typing import ClassVar

from rigging_py.generator.provider import ProviderGenerator
from rigging_py.wire import CHAT, Wire
from rigging_py.wire.schemas import Dialect, openai_dialect


class OpenAIGenerator(ProviderGenerator):
    """`openai!gpt-4o`, or any compatible server with `api_base=http://host/v1`.

    The key is `api_key`, else the environment variable OPENAI_API_KEY, which is sent to OpenAI only. Other servers get
    a key only when one is given.
    """

    provider: ClassVar[str] = "openai"
    base_url: ClassVar[str | None] = "https://api.openai.com/v1"
    default_key_variable: ClassVar[str | None] = "OPENAI_API_KEY"
    wire: ClassVar[Wire] = CHAT
    path: ClassVar[str] = "/chat/completions"

    strict: bool | None = None
    """Whether the server is asked to hold to schemas strictly; None asks OpenAI itself and Azure."""

    def dialect(self, base: str) -> Dialect:
        return openai_dialect(base, self.strict)
