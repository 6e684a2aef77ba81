"""How each provider spells requests, replies and failures: pure functions between our types and theirs."""

from rigging_py.wire.anthropic.wire import MESSAGES
from rigging_py.wire.body import ReplyBody
from rigging_py.wire.complaints import read_seconds, request_id_in, wait_in
from rigging_py.wire.described_tools import DescribedReply, describe_tools, read_call
from rigging_py.wire.failures import BODY_LIMIT, failure_kind, http_failure, redacted, stream_failure
from rigging_py.wire.gemini.wire import GEMINI
from rigging_py.wire.ollama.wire import OLLAMA
from rigging_py.wire.openai_chat.dialects import CHAT_DIALECTS
from rigging_py.wire.openai_chat.reply import chat_turn
from rigging_py.wire.openai_chat.request import chat_request
from rigging_py.wire.openai_chat.stream import ChatStream
from rigging_py.wire.openai_chat.usage import read_usage
from rigging_py.wire.openai_chat.wire import CHAT
from rigging_py.wire.openai_responses.wire import RESPONSES
from rigging_py.wire.pieces import deltas_of
from rigging_py.wire.spelling import Assembler, Wire
from rigging_py.wire.sse import Event, EventDecoder
from rigging_py.wire.unread import no_json

__all__ = [
    "BODY_LIMIT",
    "CHAT",
    "CHAT_DIALECTS",
    "GEMINI",
    "MESSAGES",
    "OLLAMA",
    "RESPONSES",
    "Assembler",
    "ChatStream",
    "DescribedReply",
    "Event",
    "EventDecoder",
    "ReplyBody",
    "Wire",
    "chat_request",
    "chat_turn",
    "deltas_of",
    "describe_tools",
    "failure_kind",
    "http_failure",
    "no_json",
    "read_call",
    "read_seconds",
    "read_usage",
    "redacted",
    "request_id_in",
    "stream_failure",
    "wait_in",
]
