"""Where other servers of the OpenAI chat API take something else than OpenAI does, as data. All are read alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rigging_py.message import GenerateParams, Message
from rigging_py.wire.openai_chat.mistral import mistral_message
from rigging_py.wire.openai_chat.reply import chat_turn
from rigging_py.wire.openai_chat.request import spelled, with_extra
from rigging_py.wire.openai_chat.stream import ChatStream
from rigging_py.wire.openai_chat.wire import CHAT
from rigging_py.wire.spelling import Wire


@dataclass(frozen=True, slots=True)
class ChatDialect:
    """What a server takes.

    Attributes:
        knows_developer: whether the developer may speak; in any other the system does.
        counts_unasked: whether a stream ends with its usage without being asked for it, and asking is an error.
        names: its names for fields of the request.
        message: spells a message, as OpenAI has it, the server's way.
    """

    knows_developer: bool = False
    counts_unasked: bool = False
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    message: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def request(
        self, model: str, messages: Sequence[Message], params: GenerateParams, *, stream: bool = False, origin: str = ""
    ) -> dict[str, Any]:
        """The body of a request."""
        body = spelled(model, messages, params, stream=stream, origin=origin)
        body["messages"] = [self._said(message) for message in body["messages"]]
        if self.counts_unasked:
            body.pop("stream_options", None)
        for theirs, ours in ((theirs, ours) for ours, theirs in self.names.items() if ours in body):
            body[theirs] = body.pop(ours)
        return with_extra(body, params.extra)

    def _said(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["role"] == "developer" and not self.knows_developer:
            message = {**message, "role": "system"}
        return self.message(message) if self.message is not None else message


def _wire(dialect: ChatDialect) -> Wire:
    return Wire(dialect.request, chat_turn, ChatStream)


CHAT_DIALECTS: Mapping[str, Wire] = {
    "openai": CHAT,
    "plain": _wire(ChatDialect()),
    "mistral": _wire(ChatDialect(counts_unasked=True, names={"seed": "random_seed"}, message=mistral_message)),
    "perplexity": _wire(ChatDialect(counts_unasked=True)),
}
"""By name; `plain` is for whoever takes what OpenAI does, but for the developer's role."""
