"""`MESSAGES`: Anthropic's messages API."""

from rigging_py.wire.anthropic.reply import messages_turn
from rigging_py.wire.anthropic.request import messages_request
from rigging_py.wire.anthropic.stream import MessagesStream
from rigging_py.wire.schemas import ANTHROPIC
from rigging_py.wire.spelling import Wire

MESSAGES = Wire(messages_request, messages_turn, MessagesStream, dialect=ANTHROPIC)
