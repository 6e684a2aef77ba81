"""`AzureGenerator`: the OpenAI chat API as Azure serves it, from deployments of one's own."""

from __future__ import annotations

import os
from typing import ClassVar
from urllib.parse import quote

from rigging_py.error import AuthenticationFailedError
from rigging_py.generator.openai import OpenAIGenerator

_VERSION = "2024-10-21"
"""Of the API; the newest that is no preview."""
_ADDRESS = "AZURE_OPENAI_ENDPOINT"


class AzureGenerator(OpenAIGenerator):
    """`azure!DEPLOYMENT`, at the address in AZURE_OPENAI_ENDPOINT or `api_base=https://RESOURCE.openai.azure.com`.

    The key is `api_key`, else the environment variable AZURE_OPENAI_API_KEY, which is sent to the address in
    AZURE_OPENAI_ENDPOINT only. With `api_base=https://RESOURCE.openai.azure.com/openai/v1` the newer form is spoken,
    which needs no `api_version`.
    """

    provider: ClassVar[str] = "azure"
    base_url: ClassVar[str | None] = None
    address_variable: ClassVar[str | None] = _ADDRESS
    default_key_variable: ClassVar[str | None] = "AZURE_OPENAI_API_KEY"
    key_header: ClassVar[str] = "api-key"

    api_version: str | None = None
    """The date of the API's version."""

    def home(self) -> str | None:
        return os.environ.get(_ADDRESS, "").rstrip("/") or None

    def url(self, base: str, *, stream: bool) -> str:  # noqa: ARG002 — as in the class above
        is_new = base.endswith("/openai/v1")
        place = base if is_new else f"{base}/openai/deployments/{quote(self.model, safe='')}"
        version = self.api_version or ("" if is_new else _VERSION)
        return f"{place}{self.path}" + (f"?api-version={quote(version, safe='')}" if version else "")

    def _key_for(self, base: str) -> str | None:
        key = super()._key_for(base)
        if not key:
            raise AuthenticationFailedError(
                f"There is no key for {self.model!r} at {base}: {self.default_key_variable} goes to the address in "
                f"{_ADDRESS} only. Set that, or write "
                f"'azure!{self.model},api_key=env:{self.default_key_variable},…'.",
                provider=self.provider,
            )
        return key
