"""What an answer must be: turns types into the machine's `OutputSpec`, and bad answers into feedback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from rigging_py.chat.chat import Chat
from rigging_py.parsing import Codec, codec_of, tagged
from rigging_py.parsing.codec import SeveralCodec, first_complaints
from rigging_py.parsing.parse import PARSE_ERRORS
from rigging_py.run import Feedback, OutputSpec

REWRITE = "Rewrite your entire message with all of the required elements:"


def expecting(spec: OutputSpec | None, *codecs: Codec[Any]) -> OutputSpec:
    """`spec` with these values asked for too."""
    spec = spec or OutputSpec(())
    return replace(
        spec,
        validators=(*spec.validators, *map(_reader, codecs)),
        shape=(*(spec.shape or ()), *(element for codec in codecs for element in codec.shape)),
    )


def expecting_types(spec: OutputSpec | None, *types: Any) -> OutputSpec:
    """`spec` with values of these types asked for too."""
    return expecting(spec, *map(codec_of, types))


def _reader(codec: Codec[Any]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            # Nobody has the chat yet that a member may hold; classes that check their members take an empty one.
            return codec.read(text, Chat(messages=[])) if isinstance(codec, SeveralCodec) else codec.read(text)
        except PARSE_ERRORS as error:
            wrong = first_complaints(error) if isinstance(error, ValidationError) else str(error)
            said = tagged("validation-error", wrong, type=type(error).__name__)
            return Feedback(f"{said}\n\n{REWRITE}\n\n{codec.example}")

    return read
