"""`OLLAMA`: Ollama's own chat API."""

from rigging_py.wire.ollama.reply import OllamaStream, ollama_turn
from rigging_py.wire.ollama.request import ollama_request
from rigging_py.wire.schemas import LLAMA_CPP
from rigging_py.wire.spelling import Wire

OLLAMA = Wire(ollama_request, ollama_turn, OllamaStream, is_lines=True, dialect=LLAMA_CPP)
