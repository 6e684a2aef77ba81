"""Tools for models that know no tool calling: calls and results as text, by pure functions both ways."""

from rigging_py.tools.codecs.codec import TextMode, ToolCodec, ToolMode, codec_of_mode, decode
from rigging_py.tools.codecs.found import UNREADABLE
from rigging_py.tools.codecs.reader import CallReader

__all__ = ["UNREADABLE", "CallReader", "TextMode", "ToolCodec", "ToolMode", "codec_of_mode", "decode"]
