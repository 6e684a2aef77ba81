"""What a transform is: a rewriting of what a model is sent, and of the chat that comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rigging_py.message import GenerateParams, Message

if TYPE_CHECKING:
    from rigging_py.chat import Chat


class PostTransform(Protocol):
    """Rewrites a chat that was had, into a new one; the one that is given stays as it is."""

    async def __call__(self, chat: Chat, /) -> Chat: ...


class Transform(Protocol):
    """Rewrites messages and parameters before a model is called, and says what becomes of the chat, if anything."""

    async def __call__(
        self, messages: list[Message], params: GenerateParams, /
    ) -> tuple[list[Message], GenerateParams, PostTransform | None]: ...
