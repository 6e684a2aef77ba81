"""`GEMINI`: Google's Gemini API, as generateContent has it."""

from rigging_py.wire import schemas
from rigging_py.wire.gemini.reply import GeminiStream, gemini_turn
from rigging_py.wire.gemini.request import gemini_request
from rigging_py.wire.spelling import Wire

GEMINI = Wire(gemini_request, gemini_turn, GeminiStream, dialect=schemas.GEMINI)
