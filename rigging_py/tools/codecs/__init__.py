"""Tools for models that know no tool calling: calls and results as text, by pure functions both ways."""

from rigging_py.tools.codecs.codec import ToolCodec, codec_of_mode
from rigging_py.tools.codecs.found import UNREADABLE
from rigging_py.tools.codecs.reader import CallReader
from rigging_py.tools.mode import TextMode

__all__ = ["UNREADABLE", "CallReader", "TextMode", "ToolCodec", "codec_of_mode"]
