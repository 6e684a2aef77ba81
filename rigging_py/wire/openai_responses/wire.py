"""`RESPONSES`: the OpenAI responses API."""

from rigging_py.wire.openai_responses.reply import responses_turn
from rigging_py.wire.openai_responses.request import responses_request
from rigging_py.wire.openai_responses.stream import ResponsesStream
from rigging_py.wire.spelling import Wire

RESPONSES = Wire(responses_request, responses_turn, ResponsesStream)
