"""`GeminiGenerator`: Google's Gemini API, without a middleman."""

from __future__ import annotations

import os
from typing import ClassVar
from urllib.parse import quote

from rigging_py.generator.provider import ProviderGenerator
from rigging_py.wire import GEMINI, Wire

_OTHER_VARIABLE = "GOOGLE_API_KEY"
"""Where Google's own library looks for a key too."""


class GeminiGenerator(ProviderGenerator):
    """`gemini!gemini-2.5-flash`; a name with a slash, such as `tunedModels/mine`, is sent as it is.

    The key is `api_key`, else the environment variable GEMINI_API_KEY or else GOOGLE_API_KEY, which is sent to Google
    only. Other servers get a key only when one is given.
    """

    provider: ClassVar[str] = "gemini"
    base_url: ClassVar[str | None] = "https://generativelanguage.googleapis.com/v1beta"
    default_key_variable: ClassVar[str | None] = "GEMINI_API_KEY"
    key_header: ClassVar[str] = "x-goog-api-key"
    wire: ClassVar[Wire] = GEMINI

    def key(self) -> str | None:
        return super().key() or os.environ.get(_OTHER_VARIABLE)

    def url(self, base: str, *, stream: bool) -> str:
        name = self.model if "/" in self.model else f"models/{self.model}"
        return f"{base}/{quote(name)}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
