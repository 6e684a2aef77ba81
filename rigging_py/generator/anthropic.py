"""`AnthropicGenerator`: Anthropic's messages API, and every server that speaks it, without a middleman."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from rigging_py.generator.provider import ProviderGenerator
from rigging_py.generator.request import Request
from rigging_py.message import GenerateParams, Message
from rigging_py.wire import MESSAGES, Wire


class AnthropicGenerator(ProviderGenerator):
    """`anthropic!claude-sonnet-4-5`, or any compatible server with `api_base=http://host/v1`.

    The key is `api_key`, else the environment variable ANTHROPIC_API_KEY, which is sent to Anthropic only. Other
    servers get a key only when one is given.
    """

    provider: ClassVar[str] = "anthropic"
    base_url: ClassVar[str | None] = "https://api.anthropic.com/v1"
    default_key_variable: ClassVar[str | None] = "ANTHROPIC_API_KEY"
    key_header: ClassVar[str] = "x-api-key"
    # The version that compatible servers know too; what came with later ones is asked for by its name.
    headers: ClassVar[Mapping[str, str]] = {"anthropic-version": "2023-06-01"}
    wire: ClassVar[Wire] = MESSAGES
    path: ClassVar[str] = "/messages"

    beta: str | None = Field(default=None, pattern=r"^[\w.,-]+$")
    """Features that are not for everybody yet, by the names that the header `anthropic-beta` has for them."""

    async def supports_json_schema(self) -> bool | None:
        """Whether an answer can be held to a schema: at Anthropic's own address; of other servers it is not known."""
        return True if self._base(self.params) == self.base_url else None

    def _request(self, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False) -> Request:
        request = super()._request(messages, params, stream=stream)
        return replace(request, headers={**self.headers, "anthropic-beta": self.beta}) if self.beta else request
