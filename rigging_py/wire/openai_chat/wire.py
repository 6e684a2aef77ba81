"""`CHAT`: the OpenAI chat-completions API."""

from rigging_py.wire.openai_chat.reply import chat_turn
from rigging_py.wire.openai_chat.request import chat_request
from rigging_py.wire.openai_chat.stream import ChatStream
from rigging_py.wire.spelling import Wire

CHAT = Wire(chat_request, chat_turn, ChatStream)
