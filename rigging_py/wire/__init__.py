"""How each provider spells requests, replies and failures: pure functions between our types and theirs."""

from rigging_py.wire.described_tools import describe_tools, read_call
from rigging_py.wire.failures import http_failure, redacted
from rigging_py.wire.openai_chat import ChatStream, chat_request, chat_turn, read_usage

__all__ = [
    "ChatStream",
    "chat_request",
    "chat_turn",
    "describe_tools",
    "http_failure",
    "read_call",
    "read_usage",
    "redacted",
]
