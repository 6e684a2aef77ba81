"""How each provider spells requests, replies and failures: pure functions between our types and theirs."""

from rigging_py.wire.described_tools import describe_tools, read_call
from rigging_py.wire.failures import BODY_LIMIT, failure_kind, http_failure, read_seconds, redacted
from rigging_py.wire.openai_chat import ChatStream, chat_request, chat_turn, read_usage

__all__ = [
    "BODY_LIMIT",
    "ChatStream",
    "chat_request",
    "chat_turn",
    "describe_tools",
    "failure_kind",
    "http_failure",
    "read_call",
    "read_seconds",
    "read_usage",
    "redacted",
]
