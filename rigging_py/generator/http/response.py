"""What an endpoint answered, as hooks see it, and what a hook may say about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message as _Mail
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic_core import from_json

if TYPE_CHECKING:
    from rigging_py.generator.http.generator import HTTPGenerator


class Headers(Mapping[str, str]):
    """Headers, whose names are found in any case; one that came several times is joined by commas."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            before = self._values.get(name.lower())
            self._values[name.lower()] = value if before is None else f"{before}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer, whole: `url` is where it came from, without its query."""

    status_code: int
    headers: Headers = field(default_factory=Headers)
    content: bytes = field(default=b"", repr=False)
    url: str = ""

    @property
    def text(self) -> str:
        """The body as text, in the charset that its type names, else UTF-8; what is no text is marked by U+FFFD."""
        kind = _Mail()
        try:
            kind["content-type"] = self.headers.get("content-type", "")
            return self.content.decode(kind.get_content_charset("utf-8"), "replace")
        except (LookupError, ValueError):
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises `ValueError` where it is none."""
        return from_json(self.content)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status_code < 300


HttpHookAction = Literal["retry", "raise", "continue"]
"""What is done with an answer: ask again, fail with it, or go on as if there were no hook."""

HttpHook: TypeAlias = "Callable[[HTTPGenerator, HttpResponse], Awaitable[HttpHookAction | None]]"
"""Sees every answer of an endpoint and may say what is done with it; None is "continue"."""
